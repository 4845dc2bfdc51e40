"""B2C2's orders: fill or kill at a price, found again by our own id.

An order that was rejected is an answer like any other, without a price. Our id goes out twice: as
the UUID that B2C2 wants, and in full as the order's tag, so that a row of its list names the order.
"""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import quote as quoted_text
from uuid import uuid5

from lpdesk.domain.events import OrderQueried, OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import (
    OrderFilled,
    OrderLost,
    OrderNotFound,
    OrderRejected,
    QueryFailed,
)
from lpdesk.domain.values import SECOND, ZERO, Instant
from lpdesk.domain.wire import Fields, Malformed, dump, parse, plain
from lpdesk.venues.answers import Outcome
from lpdesk.venues.b2c2 import IDS, PAGE, B2c2, instrument, rows, time_text, turned_down
from lpdesk.venues.base import Endpoint, Option
from lpdesk.venues.line import Answer
from lpdesk.venues.notes import Notes
from lpdesk.venues.requesting import Call

LIVES_NS = 5 * SECOND
"""An order that is not dealt so long after it could have been sent is never dealt."""

MAX_SLIPPAGE_BPS = Decimal(20)


class Orders(B2c2):
    """B2C2's dialect, dealing by orders. Option `slippage_bps`: how much worse a fill may be."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Raises ValueError for options that can never work."""
        super().__init__(endpoint, Notes(None))
        self._slippage = _slippage(endpoint)

    def order(self, order: OrderSent) -> Call:
        what = {
            "client_order_id": client_order_id(order.order_id),
            "instrument": instrument(order.symbol, self.codes),
            "side": order.side.value.lower(),
            "quantity": plain(order.quantity),
            "order_type": "FOK",
            "price": plain(order.price),
            "valid_until": time_text(order.send_by + LIVES_NS),
            "executing_unit": order.order_id,
        }
        if self._slippage:
            what["acceptable_slippage_in_basis_points"] = plain(self._slippage)
        return Call("POST", "/v2/order/", dump(what))

    def executed(self, order: OrderSent, answer: Answer) -> Outcome | OrderLost:
        if not 200 <= answer.status < 300:
            return turned_down(order, answer)
        fields = Fields(parse(answer.body))
        if fields.identifier("client_order_id") != client_order_id(order.order_id):
            raise Malformed("answer is about another order")
        return outcome(order.lp, order.order_id, fields)

    def query(self, query: OrderQueried) -> Call:
        return Call("GET", f"/order/?limit={PAGE}")

    def queried(self, query: OrderQueried, answer: Answer) -> Outcome | OrderNotFound | QueryFailed:
        """The newest orders say it."""
        lp, order_id = query.lp, query.order_id
        if answer.status != 200:
            text = f"status {answer.status}"
            return QueryFailed(lp=lp, order_id=order_id, reason=Reason.LP_ERROR, text=text)
        for row in rows(answer.body):
            if row.text("client_order_id") == client_order_id(order_id):
                return outcome(lp, order_id, row)
        return OrderNotFound(lp=lp, order_id=order_id)

    def listing(self, since_ns: Instant) -> Call:
        since = quoted_text(time_text(since_ns))
        return Call("GET", f"/order/?limit={PAGE}&created__gte={since}")

    def listed(self, body: bytes) -> tuple[Outcome, ...]:
        """A full page may not be all: it proves nothing, so Malformed is raised."""
        found = rows(body)
        if len(found) >= PAGE:
            raise Malformed("more orders than one page holds")
        return tuple(outcome(self.name, _ours(row), row) for row in found)


def client_order_id(order_id: str) -> str:
    """Our order id as the UUID that B2C2 wants."""
    return str(uuid5(IDS, order_id))


def outcome(lp: str, order_id: str, fields: Fields) -> OrderFilled | OrderRejected:
    """An order as B2C2 tells it. Spot has one trade or none; anything else is not understood."""
    trades = fields.rows("trades")
    if "executed_price" not in fields and not trades:
        text = "not dealt at this price"
        return OrderRejected(lp=lp, order_id=order_id, reason=Reason.PRICE_MOVED, text=text)
    if len(trades) != 1:
        raise Malformed(f"{len(trades)} trades for one order")
    return OrderFilled(
        lp=lp,
        order_id=order_id,
        execution_id=trades[0].identifier("trade_id"),
        price=fields.positive("executed_price"),
        quantity=trades[0].positive("quantity"),
        fee=ZERO,
        fee_asset="",
    )


def _ours(row: Fields) -> str:
    """Which order of ours a row is about. One without any tag may be ours and proves nothing."""
    tag = row.text("executing_unit")
    if tag and row.text("client_order_id") == client_order_id(tag):
        return tag
    if "executing_unit" not in row:
        raise Malformed("an order without its tag")
    return f"not ours: {row.text('order_id')}"


def _slippage(endpoint: Endpoint) -> Decimal:
    value: Option = endpoint.options.get("slippage_bps", 0)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        value = Decimal(-1)
    slippage = Decimal(value)
    if not 0 <= slippage <= MAX_SLIPPAGE_BPS or slippage != round(slippage, 2):
        text = f"0 to {MAX_SLIPPAGE_BPS}, with two decimals at most"
        raise ValueError(f"{endpoint.name}: options.slippage_bps: {text}")
    return slippage
