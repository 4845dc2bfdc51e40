"""`kind = "trade_desk"`: a desk that is served over JSON:API, such as another lpdesk.

Its documents are turned into the words of the default protocol, and read as those are. Our order id
is the Idempotency-Key of the execution: the desk deals on it once and finds it again by it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

from lpdesk.clock import Clock
from lpdesk.domain.events import LpAsked, OrderQueried, OrderSent
from lpdesk.domain.reports import LpFailed, LpQuoted, OrderLost, OrderNotFound, QueryFailed
from lpdesk.domain.values import SECOND, Instant
from lpdesk.domain.wire import Fields, Malformed, dump, parse, plain
from lpdesk.venues.answers import Outcome, executed, outcome, queried, quoted
from lpdesk.venues.base import Endpoint, Submit
from lpdesk.venues.line import Answer
from lpdesk.venues.requesting import Call, RequestVenue

JSON_API = "application/vnd.api+json"
PAGE, MAX_PAGES = 1_000, 100

STATUSES = {
    "settled": "FILLED",
    "executed": "FILLED",
    "executed_pending_settlement": "FILLED",
    "executing": "PENDING",
    "failed": "REJECTED",
    "rejected": "REJECTED",
    "cancelled": "REJECTED",
    "expired": "REJECTED",
}
"""A quote's status -> the execution's. Any other is not understood, so nothing is concluded."""


class TradeDeskVenue(RequestVenue):
    """An LP that is a trade desk."""

    def __init__(self, endpoint: Endpoint, submit: Submit, clock: Clock) -> None:
        dialect = _TradeDesk(endpoint.name)
        super().__init__(endpoint, submit, clock, dialect, media_type=JSON_API)
        self._listing = dialect.listing

    def further(self, since_ns: Instant, body: bytes, pages: int) -> Call | None:
        """Oldest first: what is dealt meanwhile is on the last page, and moves no other."""
        if Fields(parse(body)).inner("meta").whole("page-count") <= pages:
            return None
        if pages >= MAX_PAGES:
            raise Malformed(f"more than {PAGE * MAX_PAGES} executions in one list")
        return self._listing(since_ns, pages + 1)


class _TradeDesk:
    def __init__(self, name: str) -> None:
        self._name = name

    def ask(self, ask: LpAsked) -> Call:
        base, cash = ask.symbol.split("/")
        attributes = {
            "asset-id": base,
            "cash-asset-id": cash,
            "transaction-type": ask.side.lower(),
            "unit-count": plain(ask.quantity),
        }
        wanted = {"data": {"type": "quotes", "attributes": attributes}}
        return Call("POST", "/v2/quotes", dump(wanted))

    def quoted(self, ask: LpAsked, answer: Answer, now: Instant) -> LpQuoted | LpFailed:
        return quoted(ask, _said(answer, _quote), now)

    def order(self, order: OrderSent) -> Call:
        path = f"/v2/quotes/{quote(order.quote_ref, safe='')}/execute"
        return Call("POST", path, headers=(("Idempotency-Key", order.order_id),))

    def executed(self, order: OrderSent, answer: Answer) -> Outcome | OrderLost:
        def read(body: bytes) -> dict[str, str]:
            data = Fields(parse(body)).inner("data")
            if data.identifier("id") != order.quote_ref:
                raise Malformed("answer is about another quote")
            return _execution(data.inner("attributes"), order.order_id)

        return executed(order, _said(answer, read))

    def query(self, query: OrderQueried) -> Call:
        name = quote("filter[client-order-id]", safe="")
        return Call("GET", f"/v2/quotes?{name}={quote(query.order_id, safe='')}")

    def queried(self, query: OrderQueried, answer: Answer) -> Outcome | OrderNotFound | QueryFailed:
        if answer.status != 200:
            return queried(query, Answer(max(answer.status, 500), b"", ""))  # 404: no such list
        try:
            rows = Fields(parse(answer.body)).rows("data")
            if not rows:
                return OrderNotFound(lp=query.lp, order_id=query.order_id)
            attributes = rows[0].inner("attributes")
            known = dump(_execution(attributes, attributes.identifier("client-order-id")))
        except Malformed:
            known = b"unreadable"
        return queried(query, Answer(200, known, ""))

    def listing(self, since_ns: Instant, page: int = 1) -> Call:
        since = datetime.fromtimestamp(since_ns // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        wanted = {"filter[executed-at gte]": since, "page[size]": str(PAGE)}
        wanted |= {"page[number]": str(page)} if page > 1 else {}
        pairs = (f"{quote(name, safe='')}={quote(value)}" for name, value in wanted.items())
        return Call("GET", f"/v2/quotes?{'&'.join(pairs)}&sort=executed-at")

    def listed(self, body: bytes) -> tuple[Outcome, ...]:
        found = (row.inner("attributes") for row in Fields(parse(body)).rows("data"))
        ours = (each for each in found if "client-order-id" in each)
        return tuple(self._outcome(each) for each in ours)

    def _outcome(self, attributes: Fields) -> Outcome:
        order_id = attributes.identifier("client-order-id")
        said = dump(_execution(attributes, order_id))
        return outcome(self._name, order_id, Fields(parse(said)))


def _quote(body: bytes) -> dict[str, str]:
    """A quote document as the default protocol says a quote."""
    data = Fields(parse(body)).inner("data")
    attributes = data.inner("attributes")
    lives = _time(attributes, "expires-at") - _time(attributes, "created-at")
    return {
        "quoteId": data.identifier("id"),
        "symbol": "/".join(attributes.identifier(f"{w}asset-name") for w in ("", "cash-")),
        "side": attributes.identifier("transaction-type"),
        "price": plain(attributes.positive("price-per-unit")),
        "quantity": plain(attributes.positive("unit-count")),
        "expiresIn": str(round(lives.total_seconds() * 1_000)),
    }


def _execution(attributes: Fields, order_id: str) -> dict[str, str]:
    """A quote's attributes as the default protocol says an execution."""
    status = STATUSES.get(attributes.identifier("status"), "?")
    said = {"clientOrderId": order_id, "status": status}
    if status != "FILLED":
        return said
    said |= {
        "executionId": attributes.identifier("trade-id"),
        "fillPrice": plain(attributes.positive("price-per-unit")),
        "fillQuantity": plain(attributes.positive("unit-count")),
    }
    if "fee-amount" in attributes and attributes.number("fee-amount"):
        said |= {
            "fee": plain(attributes.number("fee-amount")),
            "feeAsset": attributes.identifier("cash-asset-name"),
        }
    return said


def _time(attributes: Fields, name: str) -> datetime:
    try:
        return datetime.fromisoformat(attributes.identifier(name))
    except ValueError:
        raise Malformed(f"{name} not a time") from None


def _said(answer: Answer, read: Callable[[bytes], dict[str, str]]) -> Answer:
    """The answer in the default protocol's words; unreadable stays unreadable."""
    try:
        if 200 <= answer.status < 300:
            body = dump(read(answer.body))
        else:
            error = Fields(parse(answer.body)).rows("errors")[0]
            body = dump({"code": error.text("code", 40), "message": error.text("detail")})
    except (Malformed, IndexError, TypeError):
        body = b"unreadable"
    return Answer(answer.status, body, answer.retry_after)
