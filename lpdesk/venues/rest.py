"""`kind = "rest"`: the default LP protocol. Orders and queries of streams go this way too."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from lpdesk.clock import Clock
from lpdesk.domain.events import LpAsked, OrderQueried, OrderSent
from lpdesk.domain.reports import LpFailed, LpQuoted, OrderLost, OrderNotFound, QueryFailed
from lpdesk.domain.values import MILLISECOND, SECOND, Instant
from lpdesk.domain.wire import Fields, dump, parse, plain
from lpdesk.venues.answers import Outcome, executed, outcome, queried, quoted
from lpdesk.venues.base import Endpoint, Submit
from lpdesk.venues.line import Answer
from lpdesk.venues.requesting import Call, RequestVenue


class RestVenue(RequestVenue):
    """An LP that speaks it. `sized_orders` says the quantity in the order as well."""

    def __init__(
        self, endpoint: Endpoint, submit: Submit, clock: Clock, *, sized_orders: bool = False
    ) -> None:
        super().__init__(endpoint, submit, clock, _Default(endpoint.name, sized_orders))


class _Default:
    """The dialect that the design describes."""

    def __init__(self, name: str, sized_orders: bool) -> None:
        self._name = name
        self._sized_orders = sized_orders

    def ask(self, ask: LpAsked) -> Call:
        what = {"symbol": ask.symbol, "side": ask.side, "quantity": plain(ask.quantity)}
        return Call("POST", "/v1/quote", dump(what))

    def quoted(self, ask: LpAsked, answer: Answer, now: Instant) -> LpQuoted | LpFailed:
        return quoted(ask, answer, now)

    def order(self, order: OrderSent) -> Call:
        what = {"quoteId": order.quote_ref, "clientOrderId": order.order_id}
        if self._sized_orders:
            what["quantity"] = plain(order.quantity)
        return Call("POST", "/v1/execute", dump(what))

    def executed(self, order: OrderSent, answer: Answer) -> Outcome | OrderLost:
        return executed(order, answer)

    def query(self, query: OrderQueried) -> Call:
        return Call("GET", f"/v1/executions/{quote(query.order_id, safe='')}")

    def queried(self, query: OrderQueried, answer: Answer) -> Outcome | OrderNotFound | QueryFailed:
        return queried(query, answer)

    def listing(self, since_ns: Instant) -> Call:
        since = datetime.fromtimestamp(since_ns // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        milliseconds = since_ns % SECOND // MILLISECOND
        return Call("GET", f"/v1/executions?since={since}.{milliseconds:03d}Z")

    def listed(self, body: bytes) -> tuple[Outcome, ...]:
        rows = Fields(parse(body)).rows("executions")
        return tuple(outcome(self._name, row.identifier("clientOrderId"), row) for row in rows)
