"""A trade desk over JSON:API: the adapter, and the mock that reads the description on its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.reports import (
    LpFailed,
    LpQuoted,
    OrderFilled,
    OrderLost,
    OrderNotFound,
    OrderRejected,
    QueryFailed,
)
from lpdesk.domain.values import SECOND, Side
from lpdesk.sandbox import Mood, Sandbox, Stage, Verbatim, start_sandbox
from lpdesk.venues import requesting
from lpdesk.venues.base import VENUES, Endpoint
from lpdesk.venues.trade_desk import TradeDeskVenue
from tests.venues.effects import ANSWERS, ask, order, query
from tests.venues.liar import Reports

CLOCK, NAME = SystemClock(), "otc-mock"
HUGE = "123456789"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    it = await start_sandbox(7, cast="full", only=[NAME])
    it.venue(NAME).become(latency_ms=(1, 1, 1), rate_per_second=1000)
    yield it
    await it.close()


@pytest.fixture
async def lp(
    sandbox: Sandbox, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TradeDeskVenue]:
    monkeypatch.setattr(requesting, "EXECUTE_S", 0.5)
    (known,) = sandbox.lps
    endpoint = Endpoint(
        name=NAME, kind=known.kind, url=known.url, key=known.key, secret=known.secret,
        timeout_ns=2 * SECOND,
    )  # fmt: skip
    venue = VENUES["trade_desk"](endpoint, reports, CLOCK)
    assert isinstance(venue, TradeDeskVenue)
    yield venue
    await venue.close()


async def quoted(
    lp: TradeDeskVenue, reports: Reports, side: Side = Side.BUY, quantity: str = HUGE
) -> LpQuoted:
    lp.ask(ask(lp=NAME, side=side, quantity=quantity))
    told = await reports.next()
    assert isinstance(told, LpQuoted), told
    assert (told.symbol, told.side, told.quantity) == ("BTC/USDT", side, Decimal(quantity))
    assert told.validity_ns == 8 * SECOND
    return told


@pytest.mark.parametrize("side", list(Side))
async def test_any_size_from_a_price_to_a_trade(
    sandbox: Sandbox, lp: TradeDeskVenue, reports: Reports, side: Side
) -> None:
    price = await quoted(lp, reports, side)
    sent = order(lp=NAME, quote_ref=price.quote_ref, quantity=HUGE, price=price.price)
    lp.execute(sent)
    filled = await reports.next()
    assert isinstance(filled, OrderFilled), filled
    assert (filled.price, filled.quantity) == (price.price, Decimal(HUGE))
    [booked] = await sandbox.venue(NAME).executions()
    assert (booked.client_order_id, booked.side) == (sent.order_id, side.value)
    lp.query(query(sent.order_id, lp=NAME))
    assert await reports.next() == filled
    assert await lp.executions(CLOCK.now() - 60 * SECOND) == (filled,)


@pytest.mark.parametrize(
    ("mood", "answer"),
    [
        *ANSWERS,
        (Verbatim(Stage.EXECUTE, 200, b"<html>"), OrderLost),
        (Verbatim(Stage.EXECUTE, 200, b'{"data": {"id": "another"}}'), OrderLost),
        (Verbatim(Stage.EXECUTE, 409, b'{"errors": [{"detail": "it was dealt"}]}'), OrderLost),
    ],
)
async def test_what_becomes_of_an_order(
    sandbox: Sandbox,
    lp: TradeDeskVenue,
    reports: Reports,
    mood: Mood | Verbatim,
    answer: type[Report],
) -> None:
    """A lost answer is found again by our order id, which is the execution's key."""
    price = await quoted(lp, reports)
    sandbox.venue(NAME).script(mood)
    sent = order(lp=NAME, quote_ref=price.quote_ref, quantity=HUGE, price=price.price)
    lp.execute(sent)
    told = await reports.next()
    assert type(told) is answer, told
    if isinstance(told, OrderRejected):
        assert told.reason is Reason.LAST_LOOK
    lp.query(query(sent.order_id, lp=NAME))
    found = await reports.next()
    booked = await sandbox.venue(NAME).executions()
    expected = OrderNotFound if not booked else OrderFilled
    if booked and booked[0].status == "REJECTED":
        expected = OrderRejected
    assert isinstance(found, expected), found


BAD_LISTS = (b"", b"[]", b'{"data": [{"attributes": {"status": "settled"}}]}')


async def test_what_cannot_be_read_proves_nothing(
    sandbox: Sandbox, lp: TradeDeskVenue, reports: Reports
) -> None:
    for status, body in ((404, b"{}"), (500, b"{}"), *((200, bad) for bad in BAD_LISTS)):
        sandbox.venue(NAME).script(Verbatim(Stage.STATUS, status, body))
        lp.query(query("O-1", lp=NAME))
        assert isinstance(await reports.next(), QueryFailed), (status, body)


async def test_a_refused_quote_says_why(
    sandbox: Sandbox, lp: TradeDeskVenue, reports: Reports
) -> None:
    sandbox.venue(NAME).become(max_notional=Decimal(1_000))
    lp.ask(ask(lp=NAME, quantity="1"))
    told = await reports.next()
    assert isinstance(told, LpFailed) and told.reason is Reason.DECLINED
    assert told.text == "notional must be 0 to 1000"
    sandbox.venue(NAME).script(
        Verbatim(Stage.QUOTE, 201, b'{"data": {"id": "Q", "attributes": {}}}')
    )
    lp.ask(ask(lp=NAME, quantity="1"))
    told = await reports.next()
    assert isinstance(told, LpFailed) and told.reason is Reason.MALFORMED
