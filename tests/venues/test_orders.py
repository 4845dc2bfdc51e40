"""What a REST LP answers to an order or a query -> which report must come."""

from __future__ import annotations

import gzip
import json
import ssl
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain.events import TradingHalted, TradingResumed
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import (
    OrderFilled,
    OrderLost,
    OrderNotFound,
    OrderNotSent,
    OrderPending,
    OrderRejected,
    QueryFailed,
)
from lpdesk.domain.values import MILLISECOND, SECOND, Instant
from lpdesk.venues import http
from lpdesk.venues.base import Outlet, VenueFailed
from lpdesk.venues.gateway import Gateway
from lpdesk.venues.rest import RestVenue
from lpdesk.venues.wire import sign
from tests.conftest import eventually
from tests.venues.effects import ask, order, query
from tests.venues.liar import (
    EVIL,
    FILL,
    HTML,
    QUOTE,
    Liar,
    Reports,
    Said,
    answer,
    endpoint,
    without,
)


def filled(**change: Any) -> OrderFilled:
    fields: dict[str, Any] = {
        "lp": "lp",
        "order_id": "O-1",
        "execution_id": "E1",
        "price": Decimal("101.5"),
        "quantity": Decimal("1.5"),
        "fee": Decimal("0.2"),
        "fee_asset": "USDT",
    }
    return OrderFilled(**fields | change)


def rejected(reason: Reason, text: str, retry_after_s: int = 0) -> OrderRejected:
    wait_ns = retry_after_s * SECOND
    return OrderRejected(lp="lp", order_id="O-1", reason=reason, text=text, retry_after_ns=wait_ns)


REJECT = {"clientOrderId": "O-1", "status": "REJECTED"}

CERTAIN = [
    (answer(FILL), filled()),
    (answer(without(FILL, "fee", "feeAsset")), filled(fee=Decimal(0), fee_asset="")),
    (answer(FILL | {"fee": None}), filled(fee=Decimal(0))),
    (answer(FILL | {"fee": "-0.1"}), filled(fee=Decimal("-0.1"))),
    # the fill is certain even where its fee is not
    (
        answer(FILL | {"fee": "much"}),
        filled(
            fee=Decimal(0), fee_asset="", fee_text="fee not booked: fee not a plain decimal number"
        ),
    ),
    (
        answer(without(FILL, "feeAsset")),
        filled(fee=Decimal(0), fee_asset="", fee_text="fee not booked: feeAsset missing"),
    ),
    (answer(FILL | {"status": "PARTIAL"}), filled(partial=True)),
    (answer(FILL | {"status": "PENDING"}), OrderPending(lp="lp", order_id="O-1")),
    (answer(REJECT), rejected(Reason.OTHER, "")),
    (answer(REJECT | {"reason": "LAST_LOOK"}), rejected(Reason.LAST_LOOK, "LAST_LOOK")),
    (answer(REJECT | {"reason": "Price moved."}), rejected(Reason.PRICE_MOVED, "Price moved.")),
    (answer(REJECT | {"reason": EVIL}), rejected(Reason.OTHER, "no�[2J[@click=app.quit]x")),
    (answer({"code": "QUOTE_EXPIRED"}, 410), rejected(Reason.QUOTE_EXPIRED, "QUOTE_EXPIRED")),
    (answer({"code": "QUOTE_EXPIRED"}, 409), rejected(Reason.QUOTE_EXPIRED, "QUOTE_EXPIRED")),
    (answer({"code": "C1", "message": "credit used"}, 422), rejected(Reason.CREDIT, "credit used")),
    (answer({"code": "MAX_SIZE", "message": "big"}, 400), rejected(Reason.SIZE, "big")),
    (answer({"code": "LAST_LOOK"}, 400), rejected(Reason.LAST_LOOK, "LAST_LOOK")),
    (answer({"code": "ZZ", "message": "no"}, 400), rejected(Reason.OTHER, "no")),
    (answer("", 429), rejected(Reason.RATE_LIMITED, "status 429")),
    (answer("", 429, Retry_After="7"), rejected(Reason.RATE_LIMITED, "status 429", 7)),
    (answer("", 401), rejected(Reason.UNAUTHORISED, "status 401")),
    (answer(HTML, 403), rejected(Reason.UNAUTHORISED, "status 403")),
]


@pytest.mark.parametrize(("said", "expected"), CERTAIN)
async def test_an_order_with_a_certain_end(
    venue: RestVenue, lp: Liar, reports: Reports, said: Said, expected: object
) -> None:
    lp.says(said)
    venue.execute(order())
    assert await reports.next() == expected
    assert lp.heard[0].body == b'{"quoteId":"Q9","clientOrderId":"O-1"}'


LOST = [
    (Said(then="close"), Reason.MALFORMED),
    (Said(then="reset"), Reason.UNREACHABLE),
    (Said(then="hang"), Reason.TIMED_OUT),
    (Said(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", then="close"), Reason.MALFORMED),
    (Said(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", then="reset"), Reason.UNREACHABLE),
    (Said(b"HTTP/1.1 400 No\r\nContent-Length: 500\r\n\r\n{", then="close"), Reason.MALFORMED),
    (answer(HTML), Reason.MALFORMED),
    (answer(""), Reason.MALFORMED),
    (answer("", 204), Reason.MALFORMED),
    (answer(json.dumps(FILL)[:-5]), Reason.MALFORMED),
    (answer(b"x" * 10_000_000, then="close"), Reason.MALFORMED),
    (answer(gzip.compress(b"{}"), Content_Encoding="gzip"), Reason.MALFORMED),
    (answer(FILL, 302, Location="http://127.0.0.1:1/"), Reason.MALFORMED),
    (answer(FILL, 500), Reason.LP_ERROR),
    (answer({"message": "busy"}, 503), Reason.LP_ERROR),
    (answer(HTML, 504), Reason.LP_ERROR),
    (answer(FILL, 400), Reason.OUTCOME_UNKNOWN),  # refused and dealt at once
    (answer("", 408), Reason.OUTCOME_UNKNOWN),
    (answer({"code": "DUPLICATE"}, 409), Reason.OUTCOME_UNKNOWN),
    (answer(FILL | {"clientOrderId": "O-2"}), Reason.MALFORMED),
    (answer(REJECT | {"clientOrderId": "O-2"}), Reason.MALFORMED),
    (answer(without(FILL, "clientOrderId")), Reason.MALFORMED),
    (answer(without(FILL, "executionId")), Reason.MALFORMED),
    (answer(without(FILL, "status")), Reason.MALFORMED),
    (answer(FILL | {"status": "MAYBE"}), Reason.MALFORMED),
    (answer(FILL | {"status": "filled"}), Reason.MALFORMED),
    (answer(FILL | {"executionId": EVIL}), Reason.MALFORMED),
    (answer(FILL | {"fillPrice": "0"}), Reason.MALFORMED),
    (answer(FILL | {"fillPrice": "-101"}), Reason.MALFORMED),
    (answer(FILL | {"fillQuantity": "0"}), Reason.MALFORMED),
    (answer(FILL | {"fillQuantity": "1e999999"}), Reason.MALFORMED),
]


@pytest.mark.parametrize(("said", "reason"), LOST)
async def test_an_order_whose_answer_is_lost(
    venue: RestVenue, lp: Liar, reports: Reports, said: Said, reason: Reason
) -> None:
    lp.says(said)
    venue.execute(order())
    report = await reports.next()
    assert isinstance(report, OrderLost) and report.order_id == "O-1"
    assert report.reason is reason and report.text.isprintable()
    assert len(lp.heard) == 1  # never sent twice


async def not_sent(it: RestVenue, reports: Reports, reason: Reason, send_in_s: float = 5) -> None:
    it.execute(order(send_in_s=send_in_s))
    report = await reports.next()
    assert isinstance(report, OrderNotSent) and report.reason is reason
    await it.close()


async def test_an_order_that_is_late_is_not_sent(
    venue: RestVenue, lp: Liar, reports: Reports
) -> None:
    await not_sent(venue, reports, Reason.TOO_LATE, send_in_s=-0.001)
    assert lp.connections == 0


class LeapingClock(SystemClock):
    """A minute passes after each of the first looks: the connection takes for ever to open."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def now(self) -> Instant:
        self.looks -= 1
        return super().now() + (60 * SECOND if self.looks < 0 else 0)


async def test_an_order_that_connects_too_late_is_not_sent(lp: Liar, reports: Reports) -> None:
    slow = RestVenue(endpoint(lp.url), reports, LeapingClock(looks=3))
    await not_sent(slow, reports, Reason.TOO_LATE)
    assert lp.connections == 1 and not lp.heard


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no-such-host.invalid"])
async def test_an_order_that_cannot_connect_is_not_sent(reports: Reports, url: str) -> None:
    it = RestVenue(endpoint(url), reports, SystemClock())
    await not_sent(it, reports, Reason.UNREACHABLE)


async def test_an_order_without_tls_is_not_sent(lp: Liar, reports: Reports) -> None:
    lp.says(answer(FILL))
    it = RestVenue(endpoint(lp.url.replace("http", "https")), reports, SystemClock())
    await not_sent(it, reports, Reason.UNREACHABLE, send_in_s=0.2)
    assert not lp.heard


async def test_an_order_without_a_free_connection_is_not_sent(
    lp: Liar, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 1)
    it = RestVenue(endpoint(lp.url), reports, SystemClock())
    lp.says(Said(then="hang"))
    it.ask(ask())
    await eventually(lambda: len(lp.heard) == 1)
    await not_sent(it, reports, Reason.UNREACHABLE, send_in_s=0.05)
    assert len(lp.heard) == 1


async def test_an_order_that_waits_while_trading_is_halted_does_not_leave(
    lp: Liar, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T9: the kill switch is the last thing looked at. What is sent after it is off goes out."""
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 1)
    outlet = Outlet()
    it = RestVenue(replace(endpoint(lp.url), outlet=outlet), reports, SystemClock())
    gateway = Gateway([it], reports, outlet)
    lp.says(Said(then="hang"), answer(FILL))
    gateway.send(ask())
    await eventually(lambda: len(lp.heard) == 1)
    gateway.send(order())
    gateway.send(TradingHalted(why="F12"))
    for writer in lp.open.values():
        writer.transport.abort()  # whoever had the connection is done with it
    said = [await reports.next(), await reports.next()]
    (unsent,) = [report for report in said if isinstance(report, OrderNotSent)]
    assert unsent.reason is Reason.HALTED and len(lp.heard) == 1
    gateway.send(TradingResumed())
    gateway.send(order())
    assert await reports.next() == filled() and len(lp.heard) == 2
    await gateway.close()


async def test_a_kept_connection_that_breaks_on_an_order_loses_it(
    venue: RestVenue, lp: Liar, reports: Reports
) -> None:
    lp.says(answer(QUOTE), Said(then="close"))
    venue.ask(ask())
    await reports.next()
    venue.execute(order())
    assert isinstance(await reports.next(), OrderLost)
    assert lp.connections == 1 and len(lp.heard) == 2


async def test_a_connection_closed_while_idle_is_not_used_for_an_order(
    venue: RestVenue, lp: Liar, reports: Reports
) -> None:
    lp.says(answer(QUOTE, then="close"), answer(FILL))
    venue.ask(ask())
    await reports.next()
    venue.execute(order())
    assert await reports.next() == filled() and lp.connections == 2


def test_tls_is_verified() -> None:
    context = http.tls()
    assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("lp.example.com", "k"),
        ("ftp://lp", "k"),
        ("http://", "k"),
        ("http://lp/?a=1", "k"),
        ("http://lp:x", "k"),
        ("http://user:word@lp", "k"),
        ("http://a b", "k"),
        ("http://\x01", "k"),
        ("http://lp", "k\n"),
        ("http://lp", "ключ"),
    ],
)
def test_an_endpoint_that_can_never_work(reports: Reports, url: str, key: str) -> None:
    with pytest.raises(ValueError, match=r"^lp: (url|key) ") as trouble:
        RestVenue(replace(endpoint(url), key=key), reports, SystemClock())
    assert "secret" not in str(trouble.value)


# ---- queries


ANSWERS = [
    (answer(FILL), filled()),
    (answer(REJECT | {"reason": "LAST_LOOK"}), rejected(Reason.LAST_LOOK, "LAST_LOOK")),
    (answer(FILL | {"status": "PENDING"}), OrderPending(lp="lp", order_id="O-1")),
    (answer("", 404), OrderNotFound(lp="lp", order_id="O-1")),
    (answer({"code": "UNKNOWN_ORDER"}, 404), OrderNotFound(lp="lp", order_id="O-1")),
    (answer(HTML, 404), Reason.MALFORMED),
    (answer(FILL | {"clientOrderId": "O-2"}), Reason.MALFORMED),
    (answer(FILL | {"status": "??"}), Reason.MALFORMED),
    (answer(HTML), Reason.MALFORMED),
    (answer("", 500), Reason.LP_ERROR),
    (answer("", 302, Location="/x"), Reason.LP_ERROR),
    (answer("", 429), Reason.RATE_LIMITED),
    (answer("", 401), Reason.UNAUTHORISED),
    (Said(then="reset"), Reason.UNREACHABLE),
    (Said(then="hang"), Reason.TIMED_OUT),
]


@pytest.mark.parametrize(("said", "expected"), ANSWERS)
async def test_queries(
    venue: RestVenue, lp: Liar, reports: Reports, said: Said, expected: object
) -> None:
    lp.says(said)
    venue.query(query())
    report = await reports.next()
    if isinstance(expected, Reason):
        assert isinstance(report, QueryFailed) and report.reason is expected
    else:
        assert report == expected
    assert (lp.heard[0].method, lp.heard[0].target) == ("GET", "/v1/executions/O-1")


async def test_the_signed_path_is_the_path_on_the_line(lp: Liar, reports: Reports) -> None:
    it = RestVenue(endpoint(lp.url + "/api/"), reports, SystemClock())
    lp.says(answer(FILL | {"clientOrderId": "O/1 ?é"}))
    it.query(query("O/1 ?é"))
    await reports.next()
    [heard] = lp.heard
    assert heard.target == "/api/v1/executions/O%2F1%20%3F%C3%A9"
    timestamp = heard.headers["x-timestamp"]
    expected = sign("lp-secret", timestamp, "GET", heard.target.encode())
    assert heard.headers["x-signature"] == expected
    await it.close()


async def test_executions_since(venue: RestVenue, lp: Liar) -> None:
    lp.says(answer({"executions": [FILL, REJECT | {"clientOrderId": "O-2"}]}))
    since = 1_768_833_000 * SECOND + 250 * MILLISECOND
    first, second = await venue.executions(since)
    assert first == filled() and second.order_id == "O-2"
    [heard] = lp.heard
    assert heard.target == "/v1/executions?since=2026-01-19T14:30:00.250Z"
    expected = sign("lp-secret", heard.headers["x-timestamp"], "GET", heard.target.encode())
    assert heard.headers["x-signature"] == expected


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (answer({"executions": [FILL, {}]}), Reason.MALFORMED),
        (answer({"executions": {}}), Reason.MALFORMED),
        (answer("", 500), Reason.LP_ERROR),
        (Said(then="reset"), Reason.UNREACHABLE),
    ],
)
async def test_no_usable_list(venue: RestVenue, lp: Liar, said: Said, reason: Reason) -> None:
    lp.says(said)
    with pytest.raises(VenueFailed) as trouble:
        await venue.executions(0)
    assert trouble.value.reason is reason
