"""The guide's delayed flows over real HTTP: T+3, failed, retried, settled from elsewhere, rejected.

Time is the real one from a chosen moment on, and jumps when a test says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lpdesk.clock import SetClock
from lpdesk.domain.commands import Deposit, Withdraw
from lpdesk.domain.reports import Pulse
from lpdesk.domain.values import SECOND
from tests.api.desks import Caller, Desk, Market, data, error, served, stand_ins
from tests.conftest import eventually

D = Decimal
DESK = {"trade_desk_id": "otc", "skip_retry": True, "delayed_settlement": True}

SHORTENED = Withdraw(account="client:gauss", asset="USDT", amount=D(900))


def at(text: str) -> int:
    """UTC, in nanoseconds: `2026-03-05 15:00`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


class Later:
    """A desk on such a clock."""

    def __init__(self, desk: Desk, market: Market, clock: SetClock) -> None:
        self.desk, self.market, self.clock = desk, market, clock
        self.bot, self.rival = desk["bot"], desk["rival"]

    async def comes(self, when: int) -> None:
        """It is then, and the desk has noticed."""
        runtime = self.desk.live.runtime
        assert runtime is not None
        self.clock.advance_to(when)
        runtime.report(Pulse())
        await eventually(lambda: runtime.view.at >= when)

    async def passes(self, minutes: int) -> None:
        await self.comes(self.clock.now() + minutes * 60 * SECOND)

    async def settlements(self, caller: Caller | None = None) -> list[dict[str, Any]]:
        found = data(await (caller or self.bot).get("/v2/trade-settlements"))
        return [each["attributes"] | {"id": each["id"]} for each in found]


@asynccontextmanager
async def begun(folder: Path, when: str) -> AsyncIterator[Later]:
    clock = SetClock(at(when))
    async with stand_ins(clock=clock) as market, served(folder, market, clock=clock) as desk:
        yield Later(desk, market, clock)


@pytest.fixture
async def later(tmp_path: Path) -> AsyncIterator[Later]:
    async with begun(tmp_path, "2026-03-02 15:00") as later:
        yield later


def created(caller: Caller, ids: list[str], pair: str = "acme-otc") -> Any:
    path = f"/v2/trade-settlement-pairs/{pair}/trade-settlements"
    attributes = {"quote-ids": ids}
    body = {"data": {"type": "trade-settlements", "attributes": attributes}}
    return caller.call("POST", path, body)


WEEKEND = ("2026-03-12 15:00", "2026-03-17 20:00")  # Thursday to Tuesday
SUMMER_TIME = ("2026-03-05 15:00", "2026-03-10 20:00")  # clocks go forward on the Sunday
WINTER_TIME = ("2026-10-29 15:00", "2026-11-03 21:00")  # and back
MONTH_END = ("2026-01-29 15:00", "2026-02-03 21:00")


@pytest.mark.parametrize(
    ("dealt", "gathered"),
    [
        pytest.param(*WEEKEND, id="weekend", marks=pytest.mark.long),
        pytest.param(*SUMMER_TIME, id="summer time", marks=pytest.mark.long),
        pytest.param(*WINTER_TIME, id="winter time", marks=pytest.mark.long),
        pytest.param(*MONTH_END, id="month end"),
    ],
)
async def test_t_plus_three(tmp_path: Path, dealt: str, gathered: str) -> None:
    async with begun(tmp_path, dealt) as later:
        desk, bot = later.desk, later.bot
        before = desk.balance("client:acme", "BTC")
        bought = await bot.dealt("buy", unit_count="0.5", **DESK)
        sold = await bot.dealt("sell", unit_count="0.2", **DESK)
        shown = bought["attributes"]
        assert (shown["status"], shown["delayed-settlement"]) == (
            "executed_pending_settlement",
            True,
        )
        assert desk.balance("client:acme", "BTC") == before

        await later.comes(at(gathered) - SECOND)
        assert await later.settlements() == []
        await later.comes(at(gathered))
        (settlement,) = await later.settlements()
        assert (settlement["status"], settlement["automatically-created"]) == ("pending", True)
        assert settlement["created-at"][:16].replace("T", " ") == gathered
        assert settlement["asset-exposure"] == {"BTC": "0.3"}
        cash = [D(each["attributes"]["total-amount"]) for each in (bought, sold)]
        assert D(settlement["cash-exposure"]["USDT"]) == cash[0] - cash[1]

        await later.passes(5)
        (settlement,) = await later.settlements()
        assert settlement["status"] == "settled" and settlement["settled-at"]
        for quote in (bought, sold):
            found = data(await bot.get(f"/v2/quotes/{quote['id']}"))
            assert found["attributes"]["status"] == "settled"
            assert found["relationships"]["trade-settlement"]["data"]["id"] == settlement["id"]
        assert desk.balance("client:acme", "BTC") - before == D("0.3")


async def test_failed_retried_and_settled_from_the_settlement_account(later: Later) -> None:
    rival, desk = later.rival, later.desk
    quote = await rival.dealt("buy", unit_count="0.0089", **DESK)
    await desk.live.session.submit(SHORTENED)
    made = data(await created(rival, [quote["id"]], "gauss-otc"), 201)
    assert made["attributes"]["status"] == "pending"
    failed = data(await rival.call("POST", f"/v2/trade-settlements/{made['id']}/settle"))
    assert failed["attributes"]["status"] == "settlement_failed"
    assert failed["attributes"]["failed-at"] and failed["attributes"]["attempts"] == 1
    assert desk.balance("client:gauss", "USDT") == D(100)

    await later.passes(30)
    assert (await later.settlements(rival))[0]["attempts"] == 2
    await desk.live.session.submit(
        Deposit(account="settlement:gauss", asset="USDT", amount=D(100_000))
    )
    again = data(await rival.call("POST", f"/v2/trade-settlements/{made['id']}/settle/"))
    assert again["attributes"]["status"] == "settled"
    assert again["attributes"]["integrator-settled"] is True
    shown = data(await rival.get(f"/v2/quotes/{quote['id']}"))["attributes"]
    assert (shown["status"], shown["integrator-settled"]) == ("settled", True)
    assert desk.balance("client:gauss", "BTC") == D("1.0089")
    done = error(await rival.call("POST", f"/v2/trade-settlements/{made['id']}/settle"), 422)
    assert done["code"] == "wrong_status"


async def test_rejected_when_time_is_up(later: Later) -> None:
    rival = later.rival
    quote = await rival.dealt("buy", unit_count="0.0089", **DESK)
    await later.desk.live.session.submit(SHORTENED)
    made = data(await created(rival, [quote["id"]], "gauss-otc"), 201)
    await later.passes(61)
    (settlement,) = await later.settlements(rival)
    assert (settlement["id"], settlement["status"]) == (made["id"], "rejected")
    assert settlement["rejected-at"]
    shown = data(await rival.get(f"/v2/quotes/{quote['id']}"))["attributes"]
    assert shown["status"] == "rejected"
    assert later.desk.balance("client:gauss", "BTC") == D(1)


async def test_by_hand_and_each_of_its_refusals(later: Later) -> None:
    bot = later.bot
    delayed = await bot.dealt("buy", unit_count="0.5", **DESK)
    elsewhere = await bot.dealt("buy", unit_count="0.5", **(DESK | {"trade_desk_id": "other"}))
    instant = await bot.dealt("buy", unit_count="0.5")

    async def refused(ids: list[str], pair: str = "acme-otc", caller: Caller = bot) -> str:
        return str(error(await created(caller, ids, pair), 422)["detail"])

    nothing = "No facilitated trades found"
    assert await refused(["Q-999999"]) == nothing
    assert await refused([delayed["id"]], "gauss-otc", later.rival) == nothing
    assert await refused([delayed["id"], "Q-999999"]) == nothing
    pending = data(await bot.quote(unit_count="0.5"), 201)
    assert await refused([pending["id"]], "gauss-otc", later.rival) == nothing
    assert await refused([pending["id"]], "gauss-otc", later.desk["dealer"]) == nothing
    for wrong in (instant, pending):
        answer = await refused([delayed["id"], wrong["id"]])
        assert answer == "must be executed_pending_settlement"
    assert "must be same trade desk" in await refused([delayed["id"], elsewhere["id"]])
    missing = "Trade Settlement Pair Not Found"
    assert await refused([delayed["id"]], "nobodys") == missing
    assert await refused([delayed["id"]], "acme-otc", later.rival) == missing
    for ids in ([], [f"Q-{number}" for number in range(501)]):
        assert "must be a list of 1 to 500 ids" in await refused(ids)

    answer = await created(bot, [delayed["id"]])
    made = data(answer, 201)
    assert answer.headers["location"] == f"/v2/trade-settlements/{made['id']}"
    linked = made["relationships"]["quotes"]["data"]
    assert linked == [{"type": "quotes", "id": delayed["id"]}]
    assert "already" in await refused([delayed["id"]])
    assert data(await bot.get(answer.headers["location"])) == made
    for path in (f"/v2/trade-settlements/{made['id']}", "/v2/trade-settlements/S-999999"):
        assert error(await later.rival.get(path), 404)
        assert error(await later.rival.call("POST", f"{path}/settle"), 404)


REFUSED = [
    ({"delayed_settlement": True}, "delayed settlement needs an explicit trade desk"),
    (
        {"delayed_settlement": True, "trade_desk_id": "otc"},
        "delayed settlement needs skip_retry",
    ),
    ({"trade_desk_id": "nowhere"}, "nowhere is not one"),
]


async def test_delayed_quotes_need_what_they_need(later: Later) -> None:
    for attributes, text in REFUSED:
        answer = error(await later.bot.quote(unit_count="1", **attributes), 422)
        assert text in answer["detail"]
    sold = await later.rival.quote("sell", unit_count="2", **DESK)
    assert error(sold, 422)["code"] in ("limit_reached", "not_enough_funds")


async def test_accounts_pairs_and_assets(later: Later) -> None:
    own = {each["id"]: each["attributes"] for each in data(await later.bot.get("/v2/accounts"))}
    assert set(own) == {"client:acme"}
    assert own["client:acme"]["kind"] == "end-user"
    assert own["client:acme"]["available"]["BTC"] == "1000"
    everybody = data(await later.desk["auditor"].get("/v2/accounts"))
    assert {"client:acme", "client:gauss"} <= {each["id"] for each in everybody}
    assert error(await later.bot.get("/v2/accounts/client:gauss"), 404)
    quote = data(await later.bot.quote("sell", unit_count="2"), 201)
    related = quote["relationships"]["account"]["links"]["related"]
    assert data(await later.bot.get(related))["id"] == "client:acme"
    pairs = data(await later.bot.get("/v2/trade-settlement-pairs"))
    assert [each["id"] for each in pairs] == ["acme-otc", "acme-other"]
    assert pairs[0]["attributes"]["auto-settlement-days"] == 3
    assert error(await later.bot.get("/v2/trade-settlement-pairs/gauss-otc"), 404)
    bitcoin = data(await later.bot.get("/v2/assets/BTC"))["attributes"]
    assert bitcoin == {"name": "BTC", "decimals": 5, "minimum-unit-count": "0.001", "cash": False}
