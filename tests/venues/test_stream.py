"""What a streaming LP sends -> which reports must come."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.reports import (
    LpFailed,
    LpQuoted,
    LpStreamed,
    LpWithdrew,
    OrderFilled,
    OrderLost,
    OrderNotSent,
    OrderRejected,
)
from lpdesk.domain.values import MILLISECOND, SECOND, Side
from lpdesk.venues import pushing, socket
from lpdesk.venues.stream import StreamVenue
from lpdesk.venues.wire import sign
from tests.conftest import eventually
from tests.venues.effects import ask, order
from tests.venues.liar import (
    Reports,
    StreamLiar,
    answer,
    endpoint,
    liar,
    stream_liar,
    tick,
)


@pytest.fixture
async def lp() -> AsyncIterator[StreamLiar]:
    async with stream_liar() as server:
        yield server


@asynccontextmanager
async def connected(
    lp: StreamLiar, reports: Reports, timeout_ms: int = 2_000
) -> AsyncIterator[StreamVenue]:
    venue = StreamVenue(endpoint(lp.url, "stream", timeout_ms), reports, SystemClock())
    await venue.start()
    await lp.subscribed()
    yield venue
    await venue.close()


@pytest.fixture
async def venue(
    lp: StreamLiar, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[StreamVenue]:
    monkeypatch.setattr(pushing, "PUSH_NS", 20 * MILLISECOND)
    monkeypatch.setattr(pushing, "PULSE_S", 0.01)
    monkeypatch.setattr(socket, "BACKOFF_S", 0.01)
    async with connected(lp, reports) as it:
        yield it


async def price(reports: Reports) -> LpQuoted:
    report = await reports.next(LpStreamed)
    assert isinstance(report, LpQuoted)
    return report


async def withdrawn(reports: Reports) -> LpWithdrew:
    report = await reports.next(LpStreamed)
    assert isinstance(report, LpWithdrew)
    return report


async def test_logon(venue: StreamVenue, lp: StreamLiar) -> None:
    auth, subscribe = lp.heard
    signature = sign("lp-secret", auth["timestamp"], "AUTH")
    assert auth | {"timestamp": 0} == {
        "type": "auth",
        "apiKey": "the-key",
        "timestamp": 0,
        "signature": signature,
    }
    assert subscribe == {
        "type": "subscribe",
        "channels": ["quotes"],
        "symbols": ["BTC/USDT", "ETH/USDT"],
    }


@pytest.mark.parametrize(
    ("side", "quantity", "expected"),
    [
        (Side.BUY, "1.5", ("101", "1.5", "a1")),  # a buyer lifts the ask
        (Side.SELL, "1.5", ("99", "1.5", "b1")),
        (Side.BUY, "9", ("101", "6", "a1")),  # never more than is shown
        (Side.SELL, "9", ("99", "5", "b1")),
    ],
)
async def test_a_price_for_each_side(
    venue: StreamVenue,
    lp: StreamLiar,
    reports: Reports,
    side: Side,
    quantity: str,
    expected: tuple[str, str, str],
) -> None:
    venue.ask(ask(side=side, quantity=quantity))
    await lp.say(tick(1))
    quoted = await price(reports)
    assert (str(quoted.price), str(quoted.quantity), quoted.quote_ref) == expected
    assert quoted.ask_id == "A-1" and quoted.side is side
    assert 9 * SECOND < quoted.validity_ns <= 10 * SECOND


async def test_an_ask_is_answered_at_once_from_a_fresh_book(
    venue: StreamVenue, lp: StreamLiar, reports: Reports
) -> None:
    await lp.say(tick(1))
    streamed = await reports.next()
    assert streamed == LpStreamed(
        lp="lp",
        symbol="BTC/USDT",
        bid=Decimal(99),
        ask=Decimal(101),
        bid_size=Decimal(5),
        ask_size=Decimal(6),
    )
    venue.ask(ask())
    quoted = await price(reports)
    assert quoted.validity_ns < 10 * SECOND  # the book's age is taken off


async def test_every_move_is_a_new_price_until_release(
    venue: StreamVenue, lp: StreamLiar, reports: Reports
) -> None:
    venue.ask(ask("A-1", "R-1"))
    venue.ask(ask("A-2", "R-2", side=Side.SELL))
    await lp.say(tick(1))
    assert [(await price(reports)).quote_ref for _ in range(2)] == ["a1", "b1"]
    venue.release("R-2")
    await lp.say(tick(2, ask="102", bid="98"))
    assert (await price(reports)).quote_ref == "a2"
    await lp.say(tick(3, ask="102", askSize="1"))  # the same price, but for less than asked
    assert (await price(reports)).quantity == 1
    assert len(prices(reports)) == 4


def prices(reports: Reports) -> list[LpQuoted]:
    return [report for report in reports.seen if isinstance(report, LpQuoted)]


async def test_an_unchanged_price_is_refreshed_when_half_of_it_is_gone(
    venue: StreamVenue, lp: StreamLiar, reports: Reports
) -> None:
    venue.ask(ask())
    await lp.say(tick(1, expiresIn=400))
    assert (await price(reports)).quote_ref == "a1"
    sequence = 1

    async def later_tick() -> None:
        nonlocal sequence
        sequence += 1
        await lp.say(tick(sequence, expiresIn=400))

    clock, began = SystemClock(), SystemClock().now()
    while len(prices(reports)) < 2:
        await later_tick()
        before = clock.now()
        await eventually(lambda now=before: clock.now() - now > 10 * MILLISECOND)  # type: ignore[misc]
    assert clock.now() - began > 190 * MILLISECOND
    assert not any(isinstance(report, LpWithdrew) for report in reports.seen)


async def test_a_flood_is_conflated(venue: StreamVenue, lp: StreamLiar, reports: Reports) -> None:
    venue.ask(ask())
    began = SystemClock().now()
    await lp.say(*(tick(n, ask=str(100 + n)) for n in range(1, 2_001)))
    await eventually(lambda: bool(prices(reports)) and prices(reports)[-1].quote_ref == "a2000")
    took = SystemClock().now() - began
    assert len(prices(reports)) <= 2 + took // (20 * MILLISECOND)
    streamed = [report for report in reports.seen if isinstance(report, LpStreamed)]
    assert len(streamed) <= 1 + took // SECOND


GONE = [
    ([tick(3, ask="102")], Reason.STALE),  # a gap
    ([tick(2, bid="101.5")], Reason.MALFORMED),  # bid above ask
    ([tick(2, ask="0")], Reason.MALFORMED),
    ([tick(2, ask="-1")], Reason.MALFORMED),
    ([tick(2, ask="NaN")], Reason.MALFORMED),
    ([tick(2, ask="1e999999")], Reason.MALFORMED),
    ([tick(2, askSize="0")], Reason.MALFORMED),
    ([tick(2, askQuoteId=None)], Reason.MALFORMED),
    ([tick(2, bidQuoteId="\x1b[2J")], Reason.MALFORMED),
    ([tick(2, expiresIn=None)], Reason.MALFORMED),
    ([tick(2, sequence="two")], Reason.MALFORMED),
    ([tick(2, sequence=-1)], Reason.MALFORMED),
    ([tick(2, expiresIn=0)], Reason.STALE),
    (["x" * 70_000], Reason.UNREACHABLE),  # too large: the connection is broken off
]


@pytest.mark.parametrize(("messages", "reason"), GONE)
async def test_a_price_is_withdrawn_and_comes_back(
    venue: StreamVenue,
    lp: StreamLiar,
    reports: Reports,
    messages: list[Any],
    reason: Reason,
) -> None:
    venue.ask(ask())
    await lp.say(tick(1))
    await price(reports)
    await lp.say(*messages)
    gone = await withdrawn(reports)
    assert (gone.ask_id, gone.reason) == ("A-1", reason)
    assert reason is not Reason.MALFORMED or venue.malformed == 1
    if reason is Reason.UNREACHABLE:
        await lp.subscribed(2)
    sequence = messages[0]["sequence"] if isinstance(messages[0], dict) else 1
    following = sequence + 1 if isinstance(sequence, int) and sequence > 0 else 2
    await lp.say(tick(following, ask="103"))
    assert (await price(reports)).price == 103


@pytest.mark.parametrize(
    "message",
    [
        tick(1, ask="50"),  # a repeat
        tick(0, ask="50"),  # out of order
        tick(2, ask="50", symbol="DOGE/USDT"),
        {"type": "heartbeat"},
        {"type": "news", "text": "\x1b[2J"},
        "not json",
        "[" * 60_000,
        b"\x00\x01",
        json.dumps(tick(2, ask="50"))[:-1] + ', "ask": "51"}',
        json.dumps(tick(2, ask="50")).replace('"50"', "NaN"),
    ],
)
async def test_what_says_nothing_about_our_price(
    venue: StreamVenue, lp: StreamLiar, reports: Reports, message: Any
) -> None:
    venue.ask(ask())
    await lp.say(tick(1))
    await price(reports)
    await lp.say(message, tick(2, ask="104"))
    assert (await price(reports)).price == 104


async def test_a_frozen_feed_with_heartbeats_is_stale(lp: StreamLiar, reports: Reports) -> None:
    async with connected(lp, reports, timeout_ms=100) as venue:
        venue.ask(ask())
        await lp.say(tick(1))
        await price(reports)
        await lp.say(*[{"type": "heartbeat"}] * 3)
        assert (await withdrawn(reports)).reason is Reason.STALE
        venue.ask(ask("A-2"))  # from a book that is too old there is no answer
        await lp.say(tick(2, ask="102"))
        assert {(await price(reports)).ask_id, (await price(reports)).ask_id} == {"A-1", "A-2"}


async def test_silence_breaks_the_connection_off(
    lp: StreamLiar, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "SILENCE_S", 0.05)
    monkeypatch.setattr(socket, "BACKOFF_S", 0.01)
    async with connected(lp, reports):
        await lp.subscribed(2)


async def test_a_broken_stream_withdraws_and_reconnects(
    venue: StreamVenue, lp: StreamLiar, reports: Reports
) -> None:
    venue.ask(ask())
    await lp.say(tick(7))
    await price(reports)
    lp.cut()
    assert (await withdrawn(reports)).reason is Reason.UNREACHABLE
    await lp.subscribed(2)
    await lp.say(tick(3))  # a new connection counts anew
    assert (await price(reports)).quote_ref == "a3"


async def next_failure(reports: Reports) -> Report:
    return await reports.next(LpStreamed)


async def test_not_let_in(lp: StreamLiar, reports: Reports) -> None:
    lp.welcome = {"type": "auth", "status": "denied", "message": "who\x1b[2J?"}
    venue = StreamVenue(endpoint(lp.url, "stream"), reports, SystemClock())
    await venue.start()
    venue.ask(ask())
    failed = LpFailed(lp="lp", ask_id="A-1", reason=Reason.UNAUTHORISED, text="who�[2J?")
    assert await reports.next() == failed
    await venue.close()


async def test_a_symbol_that_is_not_subscribed(venue: StreamVenue, reports: Reports) -> None:
    venue.ask(ask(symbol="DOGE/USDT"))
    report = await reports.next()
    assert isinstance(report, LpFailed) and report.reason is Reason.DECLINED


async def test_a_redirect_is_not_followed(lp: StreamLiar, reports: Reports) -> None:
    async with liar() as elsewhere:
        elsewhere.says(*[answer("", 302, Location=f"ws://127.0.0.1:{lp.port}/v1/stream")] * 3)
        venue = StreamVenue(endpoint(elsewhere.url, "stream"), reports, SystemClock())
        await venue.start()
        await eventually(lambda: len(elsewhere.heard) >= 2)
        assert lp.connections == 0
        assert all("the-key" not in str(heard) for heard in elsewhere.heard)
        await venue.close()


async def test_a_quote_that_is_dealt_on_is_nobody_elses(
    venue: StreamVenue, lp: StreamLiar, reports: Reports
) -> None:
    venue.ask(ask("A-1"))
    venue.ask(ask("A-2"))
    venue.ask(ask("A-3", side=Side.SELL))
    await lp.say(tick(1))
    prices = [await price(reports) for _ in range(3)]
    venue.execute(order(quote_ref="a1"))
    gone = [await withdrawn(reports) for _ in range(2)]
    assert {each.ask_id for each in gone} == {"A-1", "A-2"}  # who sells rests on another
    assert {each.text for each in gone} == {"its quote is dealt on"}
    venue.ask(ask("A-4"))
    await lp.say(tick(2, expiresIn=60_000))
    told = [
        await reports.next(LpStreamed, OrderLost, OrderRejected, OrderNotSent) for _ in range(3)
    ]
    assert {(each.ask_id, each.quote_ref) for each in told if isinstance(each, LpQuoted)} == {
        ("A-1", "a2"), ("A-2", "a2"), ("A-4", "a2"),
    }  # fmt: skip
    assert [each.quote_ref for each in prices] == ["a1", "a1", "b1"]


async def test_an_order_goes_by_rest_and_says_how_much(reports: Reports) -> None:
    fill = {
        "executionId": "E1",
        "clientOrderId": "O-1",
        "fillPrice": "101",
        "fillQuantity": "1.5",
        "status": "FILLED",
    }
    async with liar() as lp:
        lp.says(answer(fill))
        venue = StreamVenue(endpoint(lp.url, "stream"), reports, SystemClock())
        venue.execute(order(quote_ref="a1"))
        assert isinstance(await reports.next(), OrderFilled)
        body = {"quoteId": "a1", "clientOrderId": "O-1", "quantity": "1.5"}
        assert json.loads(lp.heard[0].body) == body
        await venue.close()
