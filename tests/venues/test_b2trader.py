"""B2TRADER: its signature, its books in any order, its orders' states in any case."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain.reports import LpQuoted, OrderFilled, OrderPending, OrderRejected
from lpdesk.domain.values import MILLISECOND, Side
from lpdesk.domain.wire import Fields, Malformed, parse
from lpdesk.venues.b2trader import B2trader, average, levels, needed, outcome, signed
from lpdesk.venues.base import Endpoint
from lpdesk.venues.line import Answer
from tests.venues.effects import ask, order

D = Decimal
KEY = "11111111-2222-3333-4444-555555555555"
LP = Endpoint(name="cantor", kind="b2trader", url="https://x", key=KEY, secret=KEY)
BODY = (
    b'{"order":{"instrument":"btc_usdt","type":"buy","amount":0.5,"price":97000,"isLimit":true,'
    b'"isStop":false},"ts":"2025-03-06T12:00:00","nonce":17412624000001}'
)
SIGNED = (
    "BC85F4AACA19D5CF2E6D5E35D1C56C5996875185D8DC88FB7819ED4E105D07F2"
    "AF31DA637EB168382C0E04A41237D6633FC61D630DF494212C636C6CFC2F7DFA"
)
BOOK = (
    b'{"instrument":"btc_usdt","bids":[{"amount":1,"price":96990.5},{"amount":2,"price":96995}],'
    b'"asks":[{"amount":2,"price":97010},{"amount":0.5,"price":97000}],"version":7}'
)


def test_the_signature_of_the_description() -> None:
    headers = dict(signed(LP)("POST", b"/frontoffice/api/order", BODY, 0))
    assert headers == {"Key": KEY, "Sign": SIGNED}
    asked = dict(signed(LP)("GET", b"/x?ts=1", b"", 0))["Sign"]
    assert asked == dict(signed(LP)("POST", b"/x", b"?ts=1", 0))["Sign"]  # its question mark too


def test_a_book_in_any_order() -> None:
    book = Fields(parse(BOOK))
    assert levels(book, Side.BUY) == [(D(97000), D("0.5")), (D(97010), D(2))]
    assert levels(book, Side.SELL) == [(D(96995), D(2)), (D("96990.5"), D(1))]
    assert needed(levels(book, Side.BUY), D("0.4")) == (D(97000), D("0.4"))
    assert needed(levels(book, Side.BUY), D("0.6")) == (D(97010), D("0.6"))
    assert needed(levels(book, Side.SELL), D(9)) == (D("96990.5"), D(3))  # all there is
    assert needed([], D(1)) is None


def test_the_price_counted_on_is_the_orders_limit() -> None:
    dialect = B2trader(LP, SystemClock())
    quoted = dialect.quoted(ask(quantity="1.5"), Answer(200, BOOK, ""), 0)
    assert isinstance(quoted, LpQuoted) and quoted.price == 97010
    assert quoted.validity_ns == 5_000 * MILLISECOND
    body = dialect.order(order(quantity="1.50", price=D("97010.00"))).body
    assert b'"amount":1.50,"price":97010.00,"isLimit":true,"isStop":false,"isFok":true' in body
    with pytest.raises(Malformed, match="another instrument"):
        dialect.quoted(ask(symbol="ETH/USDT"), Answer(200, BOOK, ""), 0)


ORDER = {
    "orderId": "-17", "clientOrderId": "O-1", "instrument": "btc_usdt", "type": "buy",
    "status": "COMPLETED", "unitsFilled": "0.3", "remaining": "0", "total": "29101",
    "commission": "0.0003",
}  # fmt: skip


@pytest.mark.parametrize("state", ["completed", "Completed", "COMPLETED"])
def test_states_in_any_case(state: str) -> None:
    filled = outcome("cantor", "O-1", Fields(ORDER | {"status": state}))
    assert isinstance(filled, OrderFilled)
    assert (filled.execution_id, filled.fee, filled.fee_asset) == ("-17", D("0.0003"), "BTC")
    assert filled.price == D("97003.333333333333") == average(D(29101), D("0.3"))


def test_what_was_killed_and_what_was_killed_half_way() -> None:
    none = Fields(ORDER | {"status": "Cancelled", "unitsFilled": "0", "remaining": "0.3"})
    half = Fields(ORDER | {"status": "Cancelled", "remaining": "0.3"})
    assert isinstance(outcome("cantor", "O-1", none), OrderRejected)
    partly = outcome("cantor", "O-1", half)
    assert isinstance(partly, OrderFilled) and partly.partial
    assert isinstance(outcome("cantor", "O-1", Fields(ORDER | {"status": "working"})), OrderPending)
    with pytest.raises(Malformed, match="another order"):
        outcome("cantor", "O-2", Fields(ORDER))
    with pytest.raises(Malformed, match="unknown status"):
        outcome("cantor", "O-1", Fields(ORDER | {"status": "maybe"}))


@pytest.mark.parametrize("value", [0, True, "2000", 60_001])
def test_a_validity_that_cannot_be(value: object) -> None:
    with pytest.raises(ValueError, match="validity_ms"):
        B2trader(
            Endpoint(name="c", kind="b2trader", url="https://x", options={"validity_ms": value}),  # type: ignore[dict-item]
            SystemClock(),
        )
