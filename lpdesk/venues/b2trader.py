"""`kind = "b2trader"`: an exchange's order book over signed REST, dealt on by fill-or-kill limits.

The book says what a size would cost; the price we count on is the worst level that it needs, which
is also the order's limit. The book promises nothing: what it shows is believed for `validity_ms`
(an option, 5,000 by default), and an order may still be killed.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from msgspec.structs import replace

from lpdesk.clock import Clock
from lpdesk.domain.capabilities import KINDS
from lpdesk.domain.events import LpAsked, OrderQueried, OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import (
    LpFailed,
    LpQuoted,
    OrderFilled,
    OrderLost,
    OrderNotFound,
    OrderPending,
    OrderRejected,
    QueryFailed,
)
from lpdesk.domain.values import (
    MILLISECOND,
    MONEY,
    SECOND,
    ZERO,
    Instant,
    Side,
    round_even,
)
from lpdesk.domain.wire import Fields, Malformed, parse
from lpdesk.venues.answers import Outcome, unquoted, why
from lpdesk.venues.base import Endpoint, Submit
from lpdesk.venues.http import Prove, header_text
from lpdesk.venues.line import Answer
from lpdesk.venues.options import validity_ns
from lpdesk.venues.requesting import Call, RequestVenue
from lpdesk.venues.wire import exact

MAX_LEVELS: Final = 1_000
PAGE: Final = 100
PRICE_DECIMALS: Final = 12
VALIDITY_MS: Final = 5_000
_API: Final = "/frontoffice/api"
_DONE: Final = frozenset({"completed"})
_OPEN: Final = frozenset({"working"})
_KILLED: Final = frozenset({"rejected", "cancelled"})


def venue(endpoint: Endpoint, submit: Submit, clock: Clock) -> RequestVenue:
    """The LP. Raises ValueError for a key or an option that can never work."""
    return RequestVenue(endpoint, submit, clock, B2trader(endpoint, clock), signed(endpoint))


def signed(endpoint: Endpoint) -> Prove:
    """`Key`, and `Sign`: upper-case hex HMAC-SHA512 of the body, or of the query with its `?`."""
    key, secret = header_text(endpoint), endpoint.secret.encode()

    def prove(method: str, target: bytes, body: bytes, now: Instant) -> list[tuple[str, str]]:
        _, mark, query = target.partition(b"?")
        text = body if method == "POST" else mark + query
        return [("Key", key), ("Sign", hmac.new(secret, text, "sha512").hexdigest().upper())]

    return prove


class B2trader:
    """The dialect. Numbers are JSON numbers, read and written as decimals."""

    def __init__(self, endpoint: Endpoint, clock: Clock) -> None:
        self._name = endpoint.name
        self._clock = clock
        self._validity_ns = validity_ns(endpoint, VALIDITY_MS)
        self.capabilities = replace(KINDS["b2trader"], validity_ns=self._validity_ns)

    def ask(self, ask: LpAsked) -> Call:
        return Call("GET", f"/marketdata/instruments/{instrument(ask.symbol)}/depth")

    def quoted(self, ask: LpAsked, answer: Answer, now: Instant) -> LpQuoted | LpFailed:
        if answer.status != 200:
            return unquoted(ask, answer, now, _complaint(answer))
        fields = Fields(parse(answer.body))
        if fields.text("instrument") not in ("", instrument(ask.symbol)):
            raise Malformed("book of another instrument")
        found = needed(levels(fields, ask.side), ask.quantity)
        if found is None:
            reason, text = Reason.NO_LIQUIDITY, "the book is empty"
            return LpFailed(lp=ask.lp, ask_id=ask.ask_id, reason=reason, text=text)
        price, quantity = found
        return LpQuoted(
            lp=ask.lp,
            ask_id=ask.ask_id,
            quote_ref=f"limit {price:f}",
            symbol=ask.symbol,
            side=ask.side,
            price=price,
            quantity=quantity,
            validity_ns=self._validity_ns,
        )

    def order(self, order: OrderSent) -> Call:
        """Fill or kill at the price that was counted on."""
        now = self._clock.now()
        what = {
            "order": {
                "instrument": instrument(order.symbol),
                "type": order.side.value.lower(),
                "amount": order.quantity,
                "price": order.price,
                "isLimit": True,
                "isStop": False,
                "isFok": True,
                "clientOrderId": order.order_id,
            },
            "ts": _time(now),
            "nonce": now // 1_000,
        }
        return Call("POST", f"{_API}/order", exact(what))

    def executed(self, order: OrderSent, answer: Answer) -> Outcome | OrderLost:
        if answer.status == 200:
            fields = Fields(parse(answer.body)).inner("order")
            return outcome(order.lp, order.order_id, fields)
        complaint = _complaint(answer)
        if complaint and 400 <= answer.status < 500:
            reason = Reason.UNAUTHORISED if answer.status == 401 else why(complaint)
            return OrderRejected(
                lp=order.lp, order_id=order.order_id, reason=reason, text=complaint
            )
        text = complaint or f"status {answer.status}"
        return OrderLost(lp=order.lp, order_id=order.order_id, reason=Reason.LP_ERROR, text=text)

    def query(self, query: OrderQueried) -> Call:
        return self._history(1)

    def queried(self, query: OrderQueried, answer: Answer) -> Outcome | OrderNotFound | QueryFailed:
        lp, order_id = query.lp, query.order_id
        if answer.status != 200:
            text = f"status {answer.status}"
            return QueryFailed(lp=lp, order_id=order_id, reason=Reason.LP_ERROR, text=text)
        for row in Fields(parse(answer.body)).rows("data"):
            if row.text("clientOrderId") == order_id:
                return outcome(lp, order_id, row)
        return OrderNotFound(lp=lp, order_id=order_id)

    def listing(self, since_ns: Instant) -> Call:
        return self._history(1, start=_time(since_ns))

    def listed(self, body: bytes) -> tuple[Outcome, ...]:
        """More than one page proves nothing: Malformed is raised."""
        fields = Fields(parse(body))
        if fields.inner("paging").whole("total") > PAGE:
            raise Malformed("more orders than one page holds")
        return tuple(
            outcome(
                self._name, row.text("clientOrderId") or f"not ours: {row.text('orderId')}", row
            )
            for row in fields.rows("data")
        )

    def _history(self, page: int, **more: str) -> Call:
        query = {"ts": _time(self._clock.now()), **more, "page": page, "per_page": PAGE}
        return Call("GET", f"{_API}/order_history?{urlencode(query)}")


def instrument(symbol: str) -> str:
    """BTC/USDT -> btc_usdt."""
    return symbol.replace("/", "_").lower()


def levels(fields: Fields, side: Side) -> list[tuple[Decimal, Decimal]]:
    """The levels (price, amount) that `side` deals on, best first: theirs come in any order."""
    rows = fields.rows("asks" if side is Side.BUY else "bids")
    if len(rows) > MAX_LEVELS:
        raise Malformed("too many levels")
    known = [(row.positive("price"), row.positive("amount")) for row in rows]
    return sorted(known, reverse=side is Side.SELL)


def needed(
    book: list[tuple[Decimal, Decimal]], quantity: Decimal
) -> tuple[Decimal, Decimal] | None:
    """The worst price that `quantity` needs, and how much of it there is; None without a level."""
    got, worst = ZERO, ZERO
    for price, amount in book:
        got, worst = got + amount, price
        if got >= quantity:
            break
    return (worst, min(got, quantity)) if got else None


def outcome(lp: str, order_id: str, fields: Fields) -> Outcome:
    """An order object as a report. A fill's price is what was paid for each unit."""
    named = fields.text("clientOrderId")
    if named and named != order_id:
        raise Malformed("answer is about another order")
    state, done = fields.identifier("status").lower(), fields.number("unitsFilled")
    if state in _DONE or (state in _KILLED and done > 0):
        return OrderFilled(
            lp=lp,
            order_id=order_id,
            execution_id=fields.identifier("orderId"),
            price=average(fields.positive("total"), fields.positive("unitsFilled")),
            quantity=fields.positive("unitsFilled"),
            fee=fields.number("commission") if "commission" in fields else ZERO,
            fee_asset=_fee_asset(fields),
            partial=fields.number("remaining") > 0,
        )
    if state in _KILLED:
        reason = Reason.PRICE_MOVED
        return OrderRejected(lp=lp, order_id=order_id, reason=reason, text=state)
    if state in _OPEN:
        return OrderPending(lp=lp, order_id=order_id)
    raise Malformed("unknown status")


def _ours(fields: Fields) -> str:
    return fields.text("clientOrderId") or f"not ours: {fields.text('orderId')}"


def average(total: Decimal, units: Decimal) -> Decimal:
    """What was paid for each unit, to `PRICE_DECIMALS`."""
    return round_even(MONEY.divide(total, units), PRICE_DECIMALS)


def _fee_asset(fields: Fields) -> str:
    """A commission is taken from what is received."""
    if not ("commission" in fields and fields.number("commission")):
        return ""
    base, _, quote = fields.identifier("instrument").upper().partition("_")
    return base if fields.identifier("type").lower() == "buy" else quote


def _time(at: Instant) -> str:
    moment = datetime.fromtimestamp(at // SECOND, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % SECOND // MILLISECOND:03d}"


def _complaint(answer: Answer) -> str:
    """Words of a refusal; empty where the body is not the LP's."""
    try:
        fields = Fields(parse(answer.body))
        return fields.text("message") or fields.text("error") or fields.text("code")
    except Malformed:
        return ""
