"""One desk is an LP of another: two desks, each with its own journal, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from lpdesk.domain import events as ev
from lpdesk.domain.commands import Reconcile
from lpdesk.journal.reader import read
from lpdesk.replay import verify
from lpdesk.sandbox import Mood
from lpdesk.venues import trade_desk
from tests.api.desks import SECRETS, Desk, Market, data, error, served

D = Decimal


@pytest.fixture
async def behind(desk: Desk) -> str:
    """How the desk behind is configured as an LP of the one in front."""
    lp = {"name": "behind", "kind": "trade_desk", "url": f"http://127.0.0.1:{desk.live.port}"}
    lp |= {"key": "bot", "secret": SECRETS["bot"]}
    fields = "".join(f'{name} = "{value}"\n' for name, value in lp.items())
    return f"[[lps]]\n{fields}timeout_seconds = 3\nrate_per_second = 1000\n"


@pytest.fixture
async def front(tmp_path: Path, behind: str) -> AsyncIterator[Desk]:
    folder = tmp_path / "front"
    folder.mkdir()
    async with served(folder, behind) as front:
        yield front


async def test_a_trade_goes_through_both(front: Desk, desk: Desk, market: Market) -> None:
    for way, sign in (("buy", 1), ("sell", -1)):
        done = (await front["bot"].dealt(way, unit_count="0.5"))["attributes"]
        behind = data(await desk["bot"].get("/v2/quotes"))[0]["attributes"]
        assert (done["status"], behind["status"]) == ("settled", "settled")
        assert behind["unit-count"] == "0.5" and behind["transaction-type"] == way
        prices = D(done["price-per-unit"]), D(behind["price-per-unit"])
        assert (prices[0] > prices[1]) is (sign > 0), "each desk adds its markup"
        row = front.live.session.view.trades[0]
        assert row.lp_price == prices[1]
    assert len(await market.fills()) == 2
    orders = {
        leg["attributes"]["client-order-id"] for leg in data(await desk["bot"].get("/v2/quotes"))
    }
    assert len(orders) == 2 and None not in orders


async def test_its_refusal_is_a_reject_and_nothing_moves(
    front: Desk, desk: Desk, market: Market
) -> None:
    quote = data(await front["bot"].quote(unit_count="1"), 201)
    market.venue.script(Mood.REJECT)
    failed = error(await front["bot"].act(quote["id"], "execute"), 400)
    assert "last look" in failed["detail"]
    assert front.balance("client:acme", "BTC") == desk.balance("client:acme", "BTC") == 1000


async def test_an_outcome_it_does_not_know_is_asked_for_by_our_id(
    front: Desk, desk: Desk, market: Market
) -> None:
    quote = data(await front["bot"].quote(unit_count="1"), 201)
    market.venue.script(Mood.RESET_AFTER_FILL)
    market.venue.script(Mood.LOSE_STATUS)
    answer = await front["bot"].act(quote["id"], "execute")
    assert data(answer)["attributes"]["status"] in ("executing", "settled")
    await front.until(quote["id"], "settled")
    assert len(await market.fills()) == 1
    assert data(await desk["bot"].get("/v2/quotes"))[0]["attributes"]["status"] == "settled"


async def test_a_lost_answer_is_found_again_also_after_a_restart(
    tmp_path: Path, behind: str, desk: Desk, market: Market
) -> None:
    folder = tmp_path / "front"
    folder.mkdir()
    market.venue.become(hold_ms=400)
    async with served(folder, behind) as front:
        quote = data(await front["bot"].quote(unit_count="1"), 201)
        sent = front.after(ev.OrderSent)
        lost = asyncio.create_task(front["bot"].act(quote["id"], "execute"))
        await sent
        lost.cancel()
    async with served(folder, behind) as front:
        shown = await front.until(quote["id"], "settled")
        assert shown["trade-id"] == "T-000001"
    assert len(await market.fills()) == 1
    assert verify(folder / "desk.db").ok


@pytest.mark.parametrize("page", [1_000, 2])
async def test_its_list_reconciles(
    front: Desk, tmp_path: Path, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one page, and in several, as on a busy day."""
    monkeypatch.setattr(trade_desk, "PAGE", page)
    for _ in range(5):
        await front["bot"].dealt(unit_count="0.5")
    reconciled = front.after(ev.Reconciled)
    await front.live.session.submit(Reconcile())
    await reconciled
    records = list(read(tmp_path / "front" / "desk.db"))
    breaks = [e for r in records for e in r.events if isinstance(e, ev.BreakFound)]
    assert breaks == []
    (told,) = [e for r in records for e in r.events if isinstance(e, ev.Reconciled)]
    assert told.listed == told.compared == 5
    shown = data(await front["bot"].get("/v2/quotes"))
    assert {each["attributes"]["reconciliation-status"] for each in shown} == {"matched"}
