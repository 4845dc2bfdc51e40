"""The whole guide over real HTTP against `lpdesk serve`, a process of its own, as a user starts it.

What needs an LP that misbehaves deals with stand-ins of this process; what needs days runs on the
sandbox inside of the other, whose clock is set forward over standard input.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook
from typer.testing import CliRunner

from lpdesk.cli import app
from lpdesk.journal import outbox
from lpdesk.replay import verify
from lpdesk.sandbox import Mood
from tests.api.desks import Caller, Market, data, error, stand_ins, write_config
from tests.api.processes import Served, running
from tests.api.test_settlements import DESK, MONTH_END, SUMMER_TIME, WEEKEND, WINTER_TIME, created
from tests.conftest import eventually
from tests.venues.liar import liar
from tests.webhooks.receiver import BROKEN, OK, SECRET
from tests.webhooks.test_desk import ALLOWED, hook

D = Decimal

TWO_DESKS = """
[[trade_desks]]
name = "prime"
lps = ["kepler"]
[[trade_desks]]
name = "spare"
lps = ["borel"]
"""
ROUTED = 'validity_buffer_seconds = 0.2\ndefault_desk = "prime"\nbackup_desk = "spare"'


@asynccontextmanager
async def dealing(folder: Path) -> AsyncIterator[tuple[Served, Market]]:
    """A served desk whose default desk has kepler, and the backup borel, in this process."""
    async with stand_ins(("kepler", "borel")) as market:
        config = write_config(folder, market.sandbox.config_toml(), TWO_DESKS)
        routed = config.read_text().replace("validity_buffer_seconds = 0.2", ROUTED)
        config.write_text(routed)
        async with running(config, folder / "desk.db") as desk:
            yield desk, market


async def test_instant_flows(tmp_path: Path) -> None:
    async with dealing(tmp_path) as (desk, market):
        await bought_and_sold(desk)
        await an_execution_that_fails_moves_nothing(desk, market)
        await the_backup_fills_what_the_default_rejects(desk, market)
        await an_unknown_outcome_is_settled_by_the_lps_word(desk, market)
        executions = {
            name: [each.client_order_id for each in await market.sandbox.venue(name).executions()]
            for name in ("kepler", "borel")
        }
    assert len(executions["borel"]) == 1
    assert len(set(executions["kepler"])) == len(executions["kepler"]) == 8
    assert verify(tmp_path / "desk.db").ok


async def bought_and_sold(desk: Served) -> None:
    bot, before = desk["bot"], await desk.balances("client:acme")
    cash, units = D(0), D(0)
    for way, sign in (("buy", 1), ("sell", -1)):
        for wanted in ({"unit_count": "0.5"}, {"amount": "50000.25"}):
            quote = data(await bot.quote(way, **wanted), 201)
            assert quote["attributes"]["status"] == "pending"
            done = data(await bot.act(quote["id"], "execute"))["attributes"]
            assert done["status"] == "settled"
            assert done["total-amount"] == quote["attributes"]["total-amount"]
            asked, got = next(iter(wanted.items()))
            assert done["unit-count" if asked == "unit_count" else "total-amount"] == got
            cash -= sign * D(done["total-amount"])
            units += sign * D(done["unit-count"])
    after = await desk.balances("client:acme")
    assert D(after["BTC"]) - D(before["BTC"]) == units
    assert D(after["USDT"]) - D(before["USDT"]) == cash


async def an_execution_that_fails_moves_nothing(desk: Served, market: Market) -> None:
    """Without a backup: the request says `skip_retry`, or names its desk."""
    before = await desk.balances("client:acme")
    for named in ({"skip_retry": True}, {"trade_desk_id": "prime"}):
        quote = data(await desk["bot"].quote(unit_count="1", **named), 201)
        market.sandbox.venue("kepler").script(Mood.REJECT)
        failed = error(await desk["bot"].act(quote["id"], "execute"), 400)
        assert failed["title"] == "Trade desk failure" and "last look" in failed["detail"]
        shown = data(await desk["bot"].get(f"/v2/quotes/{quote['id']}"))["attributes"]
        assert shown["status"] == "failed"
        again = error(await desk["bot"].act(quote["id"], "execute"), 409)
        assert again["meta"] == failed["meta"]
        assert await desk.balances("client:acme") == before


async def the_backup_fills_what_the_default_rejects(desk: Served, market: Market) -> None:
    market.sandbox.venue("borel").become(half_spread_bps=D(0))
    quote = data(await desk["bot"].quote(unit_count="1"), 201)
    market.sandbox.venue("kepler").script(Mood.REJECT)
    done = data(await desk["bot"].act(quote["id"], "execute"))["attributes"]
    assert done["status"] == "settled"
    assert done["total-amount"] == quote["attributes"]["total-amount"]


async def an_unknown_outcome_is_settled_by_the_lps_word(desk: Served, market: Market) -> None:
    """Nobody else is asked: borel would do, and hears nothing."""
    quote = data(await desk["bot"].quote(unit_count="1"), 201)
    market.sandbox.venue("kepler").script(Mood.RESET_AFTER_FILL)
    shown = data(await desk["bot"].act(quote["id"], "execute"))["attributes"]
    assert shown["status"] in ("executing", "settled")
    await desk.until(quote["id"], "settled")


ORGANIZATIONS = """
[[clients]]
name = "hardy"
balances = { BTC = 1, USDT = 100 }
delayed_settlement = true
[[clients]]
name = "lagrange"
balances = { BTC = 1 }
settlement_balances = { USDT = 100000 }
delayed_settlement = true
[[trade_settlement_pairs]]
id = "hardy-otc"
organization = "hardy"
trade_desk = "otc"
settlement_delay_minutes = 5
settlement_retry_delay_minutes = 30
rejection_delay_minutes = 60
[[trade_settlement_pairs]]
id = "lagrange-otc"
organization = "lagrange"
trade_desk = "otc"
settlement_delay_minutes = 5
rejection_delay_minutes = 60
settlement_account = "settlement:lagrange"
[[api_keys]]
key = "hardy"
secret = "SECRET:hardy"
organization = "hardy"
[[api_keys]]
key = "lagrange"
secret = "SECRET:lagrange"
organization = "lagrange"
"""


@asynccontextmanager
async def sandboxed(folder: Path, begins: str, more: str = "") -> AsyncIterator[Served]:
    """A served sandbox whose clock starts then; its trade desk deals with the fair LP alone."""
    config = write_config(folder, "", ORGANIZATIONS + more)
    text = config.read_text()
    for name in ("otc", "other"):
        text = text.replace(f'name = "{name}"', f'name = "{name}"\nlps = ["kepler"]')
    config.write_text("makers = []\n" + text)
    begun = ("--clock", begins.replace(" ", "T"))
    async with running(config, folder / "desk.db", *begun) as desk:
        yield desk


async def settlements(caller: Caller, query: str = "") -> list[dict[str, Any]]:
    found = data(await caller.get(f"/v2/trade-settlements{query}"))
    return [each["attributes"] | {"id": each["id"]} for each in found]


async def test_days(tmp_path: Path) -> None:
    """One desk over a year: each T+3 gathers at four in New York, whatever the clocks do there."""
    async with sandboxed(tmp_path, MONTH_END[0]) as desk:
        for dealt, gathered in (MONTH_END, SUMMER_TIME, WEEKEND):
            await t_plus_three(desk, dealt, gathered)
        await failed_retried_and_settled(desk)
        await settled_from_the_settlement_account(desk)
        await rejected_when_time_is_up(desk)
        await t_plus_three(desk, *WINTER_TIME)
        assert "time does not go back" in await desk.comes("2026-01-01")
    assert verify(tmp_path / "desk.db").ok


async def t_plus_three(desk: Served, dealt: str, gathered: str) -> None:
    bot = desk["bot"]
    await desk.comes(dealt)
    known = len(await settlements(bot))
    before = await desk.balances("client:acme")
    bought = await bot.dealt("buy", unit_count="0.5", **DESK)
    sold = await bot.dealt("sell", unit_count="0.2", **DESK)
    assert {each["attributes"]["status"] for each in (bought, sold)} == {
        "executed_pending_settlement"
    }
    assert await desk.balances("client:acme") == before

    await desk.comes(f"{gathered[:-5]}{int(gathered[-5:-3]) - 1}:59:59")
    assert len(await settlements(bot)) == known
    await desk.comes(gathered)
    made = (await settlements(bot))[0]
    assert (made["status"], made["automatically-created"]) == ("pending", True)
    assert made["created-at"][:16].replace("T", " ") == gathered
    assert made["asset-exposure"] == {"BTC": "0.3"}
    cash = [D(each["attributes"]["total-amount"]) for each in (bought, sold)]
    assert D(made["cash-exposure"]["USDT"]) == cash[0] - cash[1]

    await desk.comes("+5min")
    done = (await settlements(bot))[0]
    assert (done["id"], done["status"]) == (made["id"], "settled") and done["settled-at"]
    after = await desk.balances("client:acme")
    assert D(after["BTC"]) - D(before["BTC"]) == D("0.3")
    assert D(before["USDT"]) - D(after["USDT"]) == cash[0] - cash[1]
    for quote in (bought, sold):
        shown = data(await bot.get(f"/v2/quotes/{quote['id']}"))["attributes"]
        assert shown["status"] == "settled"


async def failed_retried_and_settled(desk: Served) -> None:
    """The end user is short at the first attempt, and sells before the second."""
    hardy = desk["hardy"]
    quote = await hardy.dealt("buy", unit_count="0.005", **DESK)
    made = data(await created(hardy, [quote["id"]], "hardy-otc"), 201)
    assert made["attributes"]["status"] == "pending"
    await desk.comes("+5min")
    (failed,) = await settlements(hardy, "?filter[status]=settlement_failed")
    assert failed["id"] == made["id"] and failed["failed-at"] and failed["attempts"] == 1
    assert (await desk.balances("client:hardy")) == {"BTC": "1", "USDT": "100"}
    await hardy.dealt("sell", unit_count="0.02", trade_desk_id="otc")
    await desk.comes("+30min")
    (done,) = await settlements(hardy)
    assert (done["status"], done["attempts"]) == ("settled", 2)
    assert done["integrator-settled"] is False
    assert (await desk.balances("client:hardy"))["BTC"] == "0.985"


async def test_webhooks_where_the_clock_is_set(tmp_path: Path) -> None:
    """What is due again goes out when the clock has come there; a receiver's own has not moved."""
    async with liar() as receiver:
        receiver.says(BROKEN, OK, OK)
        webhooks = hook("organization", "hardy", receiver.url, *ALLOWED)
        async with sandboxed(tmp_path, MONTH_END[0], webhooks) as desk:
            signer = Caller(desk.port, "hardy", signs=True)
            quote = await signer.dealt("sell", unit_count="0.02", **DESK)
            data(await created(signer, [quote["id"]], "hardy-otc"), 201)
            journal = tmp_path / "desk.db"
            await eventually(lambda: [each.attempts for each in outbox.owed(journal)] == [1])
            await desk.comes("+5min")
            await eventually(lambda: len(receiver.heard) == 3)
            await signer.http.aclose()
    first, *others = receiver.heard
    for heard in receiver.heard:
        assert Webhook(SECRET).verify(heard.body, heard.headers)
    kinds = {h.headers["webhook-id"]: json.loads(h.body)["type"] for h in others}
    assert set(kinds.values()) == {"trade_settlement.create", "trade_settlement.settle"}
    assert first.headers["webhook-id"] in kinds


async def settled_from_the_settlement_account(desk: Served) -> None:
    lagrange = desk["lagrange"]
    quote = await lagrange.dealt("buy", unit_count="0.5", **DESK)
    made = data(await created(lagrange, [quote["id"]], "lagrange-otc"), 201)
    path = f"/v2/trade-settlements/{made['id']}/settle"
    done = data(await lagrange.call("POST", path))["attributes"]
    assert (done["status"], done["integrator-settled"]) == ("settled", True)
    assert await desk.balances("client:lagrange") == {"BTC": "1.5"}
    left = await desk.balances("settlement:lagrange")
    assert D(left["USDT"]) == 100_000 - D(quote["attributes"]["total-amount"])
    assert error(await lagrange.call("POST", path), 422)["code"] == "wrong_status"


async def rejected_when_time_is_up(desk: Served) -> None:
    hardy = desk["hardy"]
    before = await desk.balances("client:hardy")
    quote = await hardy.dealt("buy", unit_count="0.5", **DESK)
    await refused_by_hand(desk, quote["id"])
    made = data(await created(hardy, [quote["id"]], "hardy-otc"), 201)
    await desk.comes("+61min")
    (settlement,) = await settlements(hardy, "?filter[status]=rejected")
    assert settlement["id"] == made["id"] and settlement["rejected-at"]
    shown = data(await hardy.get(f"/v2/quotes/{quote['id']}"))["attributes"]
    assert shown["status"] == "rejected"
    assert await desk.balances("client:hardy") == before


async def refused_by_hand(desk: Served, hardys: str) -> None:
    """Each refusal of a manual creation, in the guide's words."""
    bot, hardy = desk["bot"], desk["hardy"]
    elsewhere = await bot.dealt("buy", unit_count="0.5", **(DESK | {"trade_desk_id": "other"}))
    delayed = await bot.dealt("buy", unit_count="0.5", **DESK)
    instant = await bot.dealt("buy", unit_count="0.5", trade_desk_id="otc")

    async def refused(ids: list[str], pair: str, caller: Caller) -> str:
        answer = error(await created(caller, ids, pair), 422)
        return f"{answer['title']}: {answer['detail']}"

    assert "No facilitated trades found" in await refused([hardys], "acme-otc", bot)
    both = [instant["id"], delayed["id"]]
    assert "must be executed_pending_settlement" in await refused(both, "acme-otc", bot)
    both = [delayed["id"], elsewhere["id"]]
    assert "must be same trade desk" in await refused(both, "acme-otc", bot)
    assert "Trade Settlement Pair Not Found" in await refused([hardys], "acme-otc", hardy)
    assert "must be a list of 1 to 500 ids" in await refused([], "acme-otc", bot)
    data(await created(bot, [delayed["id"]]), 201)
    assert "Already in a trade settlement" in await refused([delayed["id"]], "acme-otc", bot)


REFUSED = [
    (("--clock", "2026-01-01", "--journal", "{tmp}/x.db"), "lps", "a desk with LPs goes by"),
    (("--clock", "2026-01-01"), "", "needs a --journal of its own"),
    (("--clock", "yesterday", "--journal", "{tmp}/x.db"), "", "'yesterday' is no time"),
    ((), "lps, no keys", "is served with [[api_keys]] only"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "what", "text"), REFUSED)
def test_what_it_does_not_start_with(
    tmp_path: Path, options: tuple[str, ...], what: str, text: str
) -> None:
    lps = '[[lps]]\nname = "x"\nkind = "rest"\nurl = "http://127.0.0.1:1"\n' if what else ""
    config = write_config(tmp_path, lps)
    if "no keys" in what:
        kept = config.read_text().partition("[[api_keys]]")[0] + lps
        config.write_text(kept.replace("enabled = true", ""))
    given = [option.format(tmp=tmp_path) for option in options]
    result = CliRunner().invoke(app, ["serve", "--config", str(config), *given])
    assert result.exit_code == 2 and text in result.stderr
    assert not (tmp_path / "x.db").exists()
