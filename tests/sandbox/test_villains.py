"""A real desk against each villain, and against all at once: its books are theirs, or a break.

The stand-ins keep their lists on disk and are asked over sockets. After things are quiet every fill
on a list is in our ledger once, no trade is hedged twice, and a lie is a break.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from lpdesk import config
from lpdesk.bootstrap import LiveDesk
from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import Dealt, Side, number
from lpdesk.journal.reader import read
from lpdesk.replay import verify
from lpdesk.sandbox import Sandbox, start_sandbox
from lpdesk.sandbox.personality import load_cast
from lpdesk.views import Card
from tests.conftest import eventually

pytestmark = pytest.mark.slow

NAMES = tuple(villain.name for villain in load_cast("villains"))
DEALS = 3
PATIENCE_S = 20
RULES = """
[rules]
validity_buffer_seconds = 0.2
unfound_grace_seconds = 0.3
breaker_failures = 1000
rfq_duration_seconds = 3
[reconcile]
every_minutes = 0
young_seconds = 0
"""


class Desk:
    """One live desk with its villains."""

    def __init__(self, live: LiveDesk, sandbox: Sandbox) -> None:
        self.live = live
        self.sandbox = sandbox

    async def deal(self, via: str = "", patience_s: float = 0) -> str:
        """Ask, accept the first price after a while, wait for the outcome: a trade's id, or ""."""
        asked = cmd.RequestQuote(
            symbol="BTC/USDT", side=Side.BUY, dealt=Dealt.BASE, amount=number("0.5"), via=via
        )
        [opened, *_] = await self.live.session.submit(asked)
        assert isinstance(opened, ev.RfqOpened)

        def card() -> Card:
            found = self.live.session.view.card(opened.rfq_id)
            assert found is not None
            return found

        await eventually(lambda: card().quote or card().end, PATIENCE_S)
        await asyncio.sleep(patience_s)  # a promise is only broken when its time has come
        if (quote := card().quote) is None:
            return ""
        accept = cmd.AcceptQuote(rfq_id=opened.rfq_id, quote_id=quote.quote_id, crossed_ok=True)
        events = await self.live.session.submit(accept)
        trades = [event.trade_id for event in events if isinstance(event, ev.TradeOpened)]
        if trades:
            waits = ["executing", *(["UNKNOWN"] if via not in ("", "mute") else [])]
            await eventually(lambda: self.state(trades[0]) not in waits, PATIENCE_S)
        return "".join(trades)

    def state(self, trade_id: str) -> str:
        return self.live.session.view.trade(trade_id).state

    async def quiet(self) -> None:
        """Until every outcome is known, what was half done is done, and all lists are compared."""
        for execution in await self.sandbox.venue("mute").executions():
            await self.sandbox.venue("mute").finish(execution.client_order_id)
        view = self.live.session.view
        await eventually(
            lambda: all(
                row.state not in ("executing", "UNKNOWN") for row in self.live.session.view.trades
            ),
            PATIENCE_S,
        )
        self.sandbox.venue("flapper").become(flap_ms=0)
        await self.live.session.submit(cmd.Reconcile())
        lists = len(view.settings.lps)
        await eventually(lambda: len(self.events(ev.Reconciled)) == lists, PATIENCE_S)

    def events(self, *kinds: type) -> list:
        records = read(self.live.path)
        return [event for each in records for event in each.events if isinstance(event, kinds)]

    async def assert_same_books(self) -> None:
        """I13, I19, and that nothing was ever shown without cover."""
        sent = {order.order_id: order for order in self.events(ev.OrderSent)}
        legs = defaultdict(list)
        for leg in self.events(ev.LegFilled):
            legs[leg.lp].append(leg.execution_id)
        balances = self.live.runtime.desk.state.ledger.balances
        for name in NAMES:
            booked = await self.sandbox.venue(name).executions()
            fills = [each for each in booked if each.status != "REJECTED"]
            assert sorted(legs[name]) == sorted(each.execution_id for each in fills), name
            base = sum((number(each.fill_quantity) for each in fills), Decimal(0))
            assert -balances.get((f"lp:{name}", "BTC"), Decimal(0)) == base, name
            assert {each.client_order_id for each in booked} <= set(sent), name
        opened, ended = self.events(ev.TradeOpened), self.events(ev.TradeSettled, ev.TradeFailed)
        assert sorted(e.trade_id for e in opened) == sorted(e.trade_id for e in ended)
        hedged = Counter(sent[leg.order_id].trade_id for leg in self.events(ev.LegFilled))
        lies = {each.trade_id for each in self.events(ev.BreakFound)}
        assert all(count == 1 for trade_id, count in hedged.items() if trade_id not in lies)
        assert self.events(ev.QuoteUncovered) == []
        placed, resolved = self.events(ev.HoldPlaced), self.events(ev.HoldResolved)
        assert sorted(h.hold_id for h in placed) == sorted(h.hold_id for h in resolved)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    sandbox = await start_sandbox(7, cast="villains", directory=tmp_path / "books")
    for name in NAMES:
        sandbox.venue(name).become(rate_per_second=1_000, hide_ms=600, flap_ms=0)
        sandbox.venue(name).become(validity_ms=300 if name == "liar" else 2_000)
    sandbox.venue("flapper").become(flap_ms=700)
    path = tmp_path / "desk.toml"
    lps = sandbox.config_toml().replace("timeout_seconds = 2.0", "timeout_seconds = 0.4")
    path.write_text(RULES + lps)
    path.chmod(0o600)
    live = LiveDesk(config.load(path), tmp_path / "desk.db", 7)
    await live.start()
    yield Desk(live, sandbox)
    await live.close()
    await sandbox.close()
    verdict = verify(live.path)
    assert verdict.ok, verdict.sentence()


BREAKS = {
    "doubler": {"double fill", "fill after expiry"},
    "slipper": {"worse price"},
    "mute": {"fill after expiry"},
    "hider": {"fill after expiry"},
    "staller": {"fill after expiry"},
}
"""The lies that end in breaks, and truths that may come too late."""

ENDS = {
    "firm": {"settled"},
    "fader": {"settled"},
    "saturator": {""},
    "skewed": {"settled"},
    "stray": {""},
    "resetter": {"settled"},
    "hider": {"settled"},
    "slipper": {"settled"},
    "liar": {"failed"},
}
"""What becomes of all requests to one alone ("": no price); of the others' it depends."""


async def test_each_villain_alone(desk: Desk) -> None:
    ends: dict[str, list[str]] = {}

    async def one(name: str) -> None:
        often = 1 if name in ("mute", "saturator", "stray") else DEALS
        patience_s = 0.4 if name == "liar" else 0
        ends[name] = [await desk.deal(name, patience_s) for _ in range(often)]

    async with asyncio.TaskGroup() as group:
        for name in NAMES:
            group.create_task(one(name))
    assert desk.state(ends["mute"][0]) == "UNKNOWN"
    await desk.quiet()
    await desk.assert_same_books()
    how = {name: {desk.state(t) if t else "" for t in trades} for name, trades in ends.items()}
    assert {name: how[name] for name in ENDS} == ENDS
    breaks = defaultdict(set)
    for found in desk.events(ev.BreakFound):
        breaks[found.lp].add(found.kind.value)
    assert all(kinds <= BREAKS.get(name, set()) for name, kinds in breaks.items()), breaks
    assert breaks["doubler"] and breaks["slipper"]
    reasons = {leg.lp: leg.reason for leg in desk.events(ev.LegRejected)}
    assert reasons["liar"] is Reason.QUOTE_EXPIRED
    assert reasons.get("picker", Reason.PRICE_MOVED) is Reason.PRICE_MOVED
    health = desk.events(ev.LpHealthChanged)
    assert {each.lp for each in health if each.state == "blocked"} == {"doubler"}


@pytest.mark.long
async def test_all_villains_in_one_race(desk: Desk) -> None:
    trades = [await desk.deal(patience_s=0.1) for _ in range(DEALS)]
    trades += await asyncio.gather(*(desk.deal(patience_s=0.1) for _ in range(4 * DEALS)))
    await desk.quiet()
    await desk.assert_same_books()
    assert len({leg.lp for leg in desk.events(ev.LegFilled)}) > 1
    assert Counter(desk.state(trade) for trade in trades if trade)["settled"] >= DEALS
