"""What a REST LP answers to an ask -> which report must come."""

from __future__ import annotations

import asyncio
import gzip
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import (
    LpFailed,
    LpQuoted,
)
from lpdesk.domain.values import SECOND, Side
from lpdesk.venues.rest import RestVenue
from lpdesk.venues.wire import sign
from tests.conftest import eventually
from tests.venues.effects import ask
from tests.venues.liar import (
    EVIL,
    HTML,
    QUOTE,
    Liar,
    Reports,
    Said,
    answer,
    endpoint,
    without,
)


async def test_a_quote(venue: RestVenue, lp: Liar, reports: Reports) -> None:
    lp.says(answer(QUOTE))
    venue.ask(ask())
    assert await reports.next() == LpQuoted(
        lp="lp",
        ask_id="A-1",
        quote_ref="Q9",
        symbol="BTC/USDT",
        side=Side.BUY,
        price=Decimal(100_000),
        quantity=Decimal("1.5"),
        validity_ns=10 * SECOND,
    )
    [heard] = lp.heard
    assert (heard.method, heard.target) == ("POST", "/v1/quote")
    assert heard.body == b'{"symbol":"BTC/USDT","side":"BUY","quantity":"1.5"}'
    timestamp = heard.headers["x-timestamp"]
    assert heard.headers["x-api-key"] == "the-key"
    assert heard.headers["x-signature"] == sign(
        "lp-secret", timestamp, "POST", b"/v1/quote", heard.body
    )


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"price": 100000.1}, "price", Decimal("100000.1")),
        ({"symbol": "ETH/USDT"}, "symbol", "ETH/USDT"),  # the core sees the mismatch
        ({"side": "SELL"}, "side", Side.SELL),
        ({"quantity": "7"}, "quantity", Decimal(7)),
        ({"expiresIn": 0}, "validity_ns", 0),
        ({"expiresIn": -5}, "validity_ns", 0),
        ({"expiresIn": "1500.5"}, "validity_ns", 1_500_500_000),
        ({"expiresIn": 253402300799000}, "validity_ns", 86_400 * SECOND),
        ({"unknown": [1, {"x": None}]}, "quote_ref", "Q9"),
    ],
)
async def test_odd_quotes_are_reported_as_they_are(
    venue: RestVenue, lp: Liar, reports: Reports, change: dict[str, Any], field: str, value: object
) -> None:
    lp.says(answer(QUOTE | change))
    venue.ask(ask())
    report = await reports.next()
    assert isinstance(report, LpQuoted) and getattr(report, field) == value


def ok(body: str) -> Said:
    return answer(body)


GARBAGE = [
    answer(without(QUOTE, "price")),
    answer(without(QUOTE, "quoteId")),
    answer(without(QUOTE, "expiresIn")),
    answer(QUOTE | {"price": None}),
    answer(QUOTE | {"price": "0"}),
    answer(QUOTE | {"price": "-1"}),
    answer(QUOTE | {"price": "NaN"}),
    answer(QUOTE | {"price": "1e999999"}),
    answer(QUOTE | {"price": "9" * 400}),
    answer(QUOTE | {"price": True}),
    answer(QUOTE | {"quantity": "0"}),
    answer(QUOTE | {"quantity": {}}),
    answer(QUOTE | {"quoteId": EVIL}),
    answer(QUOTE | {"quoteId": "x" * 129}),
    answer(QUOTE | {"side": "both"}),
    answer(QUOTE | {"symbol": "\u202eBTC"}),
    ok(json.dumps(QUOTE).replace('"100000.00"', "NaN")),
    ok(json.dumps(QUOTE).replace('"100000.00"', "1e999999")),
    ok(json.dumps(QUOTE).replace('"100000.00"', "9" * 5_000)),
    ok(json.dumps(QUOTE)[:-1] + ', "price": "1"}'),
    ok(json.dumps(QUOTE)[:-9]),
    ok(""),
    ok("[]"),
    ok("null"),
    ok("[" * 50_000),
    ok(HTML),
    answer(b"\xff\xfe" + json.dumps(QUOTE).encode()),
    answer(b" " * 10_000_000, then="close"),
    answer(gzip.compress(b" " * 10_000_000), Content_Encoding="gzip"),
    answer(status=302, Location="http://127.0.0.1:1/v1/quote"),
    Said(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", then="close"),
    Said(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}", then="close"),
    Said(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000, then="close"),
    Said(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", then="close"),
    Said(b"220 mail.example.com ESMTP\r\n\r\n", then="close"),
    Said(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", then="close"),
]


@pytest.mark.parametrize("said", GARBAGE)
async def test_garbage_is_malformed(
    venue: RestVenue, lp: Liar, reports: Reports, said: Said
) -> None:
    lp.says(said)
    venue.ask(ask())
    report = await reports.next()
    assert isinstance(report, LpFailed) and report.reason is Reason.MALFORMED
    assert 0 < len(report.text) <= 120 and report.text.isprintable()
    assert len(lp.heard) == 1  # a redirect is not followed, nothing is tried again


@pytest.mark.parametrize(
    ("said", "reason", "text", "retry_after_s"),
    [
        (answer({"code": "X", "message": "no price"}, 400), Reason.DECLINED, "no price", 0),
        (answer({"code": "SIZE"}, 422), Reason.DECLINED, "SIZE", 0),
        (answer({"message": EVIL}, 400), Reason.DECLINED, "no�[2J[@click=app.quit]x", 0),
        (answer(HTML, 404), Reason.DECLINED, "status 404", 0),
        (answer("", 401), Reason.UNAUTHORISED, "status 401", 0),
        (answer("", 403), Reason.UNAUTHORISED, "status 403", 0),
        (answer("", 429), Reason.RATE_LIMITED, "status 429", 0),
        (answer("", 429, Retry_After="7"), Reason.RATE_LIMITED, "status 429", 7),
        (answer("", 429, Retry_After="-7"), Reason.RATE_LIMITED, "status 429", 0),
        (answer("", 429, Retry_After="soon"), Reason.RATE_LIMITED, "status 429", 0),
        (answer("", 429, Retry_After="9" * 18), Reason.RATE_LIMITED, "status 429", 3600),
        (answer("", 429, Retry_After="9" * 400), Reason.RATE_LIMITED, "status 429", 0),
        (answer(HTML, 502), Reason.LP_ERROR, "status 502", 0),
        (answer({"message": "down"}, 503), Reason.LP_ERROR, "down", 0),
        (Said(then="reset"), Reason.UNREACHABLE, "connection broken", 0),
        (Said(then="hang"), Reason.TIMED_OUT, "no answer in time", 0),
        (Said(b"HTTP/1.1 200 OK\r\nX: ", "hang"), Reason.TIMED_OUT, "no answer in time", 0),
    ],
)
async def test_no_quote(
    venue: RestVenue,
    lp: Liar,
    reports: Reports,
    said: Said,
    reason: Reason,
    text: str,
    retry_after_s: int,
) -> None:
    lp.says(said)
    venue.ask(ask())
    assert await reports.next() == LpFailed(
        lp="lp", ask_id="A-1", reason=reason, text=text, retry_after_ns=retry_after_s * SECOND
    )


@pytest.mark.parametrize(
    ("head", "more", "pause_s", "reason"),
    [
        (b"Content-Length: 10000000000", b"x" * 65_536, 0, Reason.MALFORMED),
        (b"Transfer-Encoding: chunked", b"4000\r\n" + b"x" * 0x4000 + b"\r\n", 0, Reason.MALFORMED),
        (b"X: ", b"y" * 65_536, 0, Reason.MALFORMED),  # a header without end
        (b"Content-Length: 500\r\n\r\n", b"{", 0.02, Reason.TIMED_OUT),  # a byte now and then
    ],
    ids=["10 GB", "chunks", "header", "drip"],
)
async def test_an_answer_without_end_is_bounded_in_bytes_and_time(
    reports: Reports, head: bytes, more: bytes, pause_s: float, reason: Reason
) -> None:
    said, ended = 0, asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal said
        writer.write(b"HTTP/1.1 200 OK\r\n" + head + (b"" if head == b"X: " else b"\r\n\r\n"))
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(more)
                await writer.drain()
                said += len(more)
                await asyncio.sleep(pause_s)
        writer.close()
        ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    venue = RestVenue(endpoint(url, timeout_ms=130), reports, SystemClock())
    venue.ask(ask())
    report = await reports.next()
    assert isinstance(report, LpFailed) and report.reason is reason
    assert said < 8_000_000  # what our kernel and theirs hold back is in it
    await venue.close()
    server.close()
    await ended.wait()


async def test_retry_after_as_a_date(venue: RestVenue, lp: Liar, reports: Reports) -> None:
    then = datetime.now(UTC) + timedelta(seconds=30)
    lp.says(answer("", 429, Retry_After=then.strftime("%a, %d %b %Y %H:%M:%S GMT")))
    venue.ask(ask())
    report = await reports.next()
    assert isinstance(report, LpFailed) and 25 * SECOND <= report.retry_after_ns <= 30 * SECOND


async def test_nobody_listens(venue: RestVenue, lp: Liar, reports: Reports) -> None:
    nowhere = RestVenue(endpoint("http://127.0.0.1:1"), reports, SystemClock())
    nowhere.ask(ask())
    report = await reports.next()
    assert isinstance(report, LpFailed) and report.reason is Reason.UNREACHABLE
    await nowhere.close()


async def test_one_connection_is_kept(venue: RestVenue, lp: Liar, reports: Reports) -> None:
    lp.says(*[answer(QUOTE)] * 5)
    for _ in range(5):
        venue.ask(ask())
        await reports.next()
    assert lp.connections == 1


async def test_an_answer_that_nobody_asked_for_is_not_the_next_one(
    venue: RestVenue, lp: Liar, reports: Reports
) -> None:
    twice = answer(QUOTE).data + answer(QUOTE | {"quoteId": "forged"}).data
    lp.says(Said(twice), answer(QUOTE | {"quoteId": "Q10"}))
    refs = []
    for _ in range(2):
        venue.ask(ask())
        report = await reports.next()
        assert isinstance(report, LpQuoted)
        refs.append(report.quote_ref)
    assert refs == ["Q9", "Q10"] and lp.connections == 2


async def test_what_comes_while_nobody_asks_ends_the_connection(
    venue: RestVenue, lp: Liar, reports: Reports
) -> None:
    lp.says(answer(QUOTE), answer(QUOTE))
    venue.ask(ask())
    await reports.next()
    [(serving, writer)] = lp.open.items()
    writer.write(answer(QUOTE | {"quoteId": "forged"}).data)
    await eventually(serving.done)
    venue.ask(ask())
    report = await reports.next()
    assert isinstance(report, LpQuoted) and report.quote_ref == "Q9"
    assert lp.connections == 2


async def test_answers_as_servers_give_them(venue: RestVenue, lp: Liar, reports: Reports) -> None:
    body = json.dumps(QUOTE).encode()
    lp.says(
        Said(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(QUOTE).data),
        Said(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body)),
        Said(b"HTTP/1.1 200 OK\r\n\r\n" + body, then="close"),
        Said(b"HTTP/1.0 200 OK\r\n\r\n" + body, then="close"),
    )
    for _ in range(4):
        venue.ask(ask())
        report = await reports.next()
        assert isinstance(report, LpQuoted) and report.quote_ref == "Q9"
    assert lp.connections == 2  # where its length is said, the connection is kept


def chunked(body: bytes) -> bytes:
    chunks = [body[at : at + 20] for at in range(0, len(body), 20)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])
