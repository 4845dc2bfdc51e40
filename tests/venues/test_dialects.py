"""LPs with a language of their own, each against a stand-in with its own reading of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain.events import OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.reports import (
    LpFailed,
    LpQuoted,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
)
from lpdesk.domain.values import SECOND, Side
from lpdesk.sandbox import Mood, Sandbox, start_sandbox
from lpdesk.venues import requesting
from lpdesk.venues.base import VENUES, Endpoint
from lpdesk.venues.requesting import RequestVenue
from tests.venues.effects import ANSWERS, ask, order, query
from tests.venues.liar import Reports

CLOCK = SystemClock()
STAND_INS = {"noether": "b2c2", "cantor": "b2trader"}


@pytest.fixture(params=STAND_INS, ids=STAND_INS.values())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def sandbox(name: str) -> AsyncIterator[Sandbox]:
    it = await start_sandbox(7, cast="full", only=[name])
    it.venue(name).become(latency_ms=(1, 1, 1), rate_per_second=1000)
    yield it
    await it.close()


def venue(sandbox: Sandbox, reports: Reports, **changes: str) -> RequestVenue:
    (lp,) = sandbox.lps
    known = {"key": lp.key, "secret": lp.secret} | changes
    endpoint = Endpoint(
        name=lp.name, kind=lp.kind, url=lp.url, symbols=lp.pairs, timeout_ns=2 * SECOND, **known
    )
    made = VENUES[lp.kind](endpoint, reports, CLOCK)
    assert isinstance(made, RequestVenue)
    return made


@pytest.fixture
async def lp(
    sandbox: Sandbox, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RequestVenue]:
    monkeypatch.setattr(requesting, "EXECUTE_S", 0.5)
    it = venue(sandbox, reports)
    yield it
    await it.close()


async def dealt(lp: RequestVenue, reports: Reports, side: Side = Side.BUY) -> OrderSent:
    """An order on a price, on its way."""
    lp.ask(ask(lp=lp.name, quantity="0.25", side=side))
    quoted = await reports.next()
    assert isinstance(quoted, LpQuoted), quoted
    assert (quoted.symbol, quoted.side, quoted.quantity) == ("BTC/USDT", side, Decimal("0.25"))
    sent = order(
        lp=lp.name, quote_ref=quoted.quote_ref, quantity="0.25", price=quoted.price, side=side
    )
    lp.execute(sent)
    return sent


@pytest.mark.parametrize("side", list(Side))
async def test_from_a_price_to_a_trade(
    sandbox: Sandbox, lp: RequestVenue, reports: Reports, side: Side
) -> None:
    sent = await dealt(lp, reports, side)
    filled = await reports.next()
    assert isinstance(filled, OrderFilled), filled
    assert (filled.price, filled.quantity) == (sent.price, sent.quantity)
    [booked] = await sandbox.venue(lp.name).executions()
    assert booked.side == side.value and booked.execution_id in filled.execution_id
    lp.query(query(sent.order_id, lp=lp.name))
    assert await reports.next() == filled
    assert filled in await lp.executions(CLOCK.now() - 60 * SECOND)


@pytest.mark.parametrize(("mood", "answer"), ANSWERS)
async def test_what_becomes_of_an_order(
    sandbox: Sandbox, lp: RequestVenue, reports: Reports, mood: Mood, answer: type[Report]
) -> None:
    """A lost answer is found again in the LP's own list."""
    sandbox.venue(lp.name).script(mood)
    sent = await dealt(lp, reports)
    told = await reports.next()
    assert type(told) is answer, told
    if isinstance(told, OrderRejected):
        assert told.reason is Reason.PRICE_MOVED
    lp.query(query(sent.order_id, lp=lp.name))
    found = await reports.next()
    booked = await sandbox.venue(lp.name).executions()
    fills = [each for each in booked if each.status != "REJECTED"]
    denied = (OrderNotFound, OrderRejected)
    assert isinstance(found, OrderFilled if fills else denied), found
    if isinstance(found, OrderFilled):
        assert [Decimal(each.fill_price) for each in fills] == [found.price]


async def test_strangers_are_told_so(sandbox: Sandbox, lp: RequestVenue, reports: Reports) -> None:
    stranger = venue(sandbox, reports, key="nobody", secret="nothing")
    stranger.execute(await dealt(lp, reports))
    told = {type(await reports.next()), type(await reports.next())}
    assert told == {OrderFilled, OrderRejected}
    await stranger.close()


async def test_a_dark_venue_and_a_size_too_large(
    sandbox: Sandbox, lp: RequestVenue, reports: Reports
) -> None:
    sandbox.venue(lp.name).script(Mood.DARK)
    lp.ask(ask(lp=lp.name))
    dark = await reports.next()
    assert isinstance(dark, LpFailed) and dark.reason in (Reason.LP_ERROR, Reason.UNAUTHORISED)
    lp.ask(ask(lp=lp.name, quantity="100000"))
    large = await reports.next()
    if isinstance(large, LpQuoted):  # a book shows what it has
        assert large.quantity < 100_000
    else:
        assert isinstance(large, LpFailed) and large.reason is Reason.SIZE
