"""The mock trade desk: JSON:API quotes, executed once by Idempotency-Key, found again by it.

It deals every pair and never runs out. Nothing here is shared with the desk's own API or adapter:
another reading of one description that must agree.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lpdesk.sandbox.book import Execution
from lpdesk.sandbox.dealing import Quote
from lpdesk.sandbox.personality import Mood, Stage, Verbatim
from lpdesk.sandbox.venue import Venue
from lpdesk.sandbox.wire import (
    Refusal,
    check_credentials,
    order_id_field,
    parse_object,
    quantity_field,
    read_body,
    request_target,
    sign,
    since_ns,
    text_field,
)

JSON_API: Final = "application/vnd.api+json"
_STATUS: Final = {
    "FILLED": "settled",
    "PARTIAL": "executing",
    "PENDING": "executing",
    "REJECTED": "failed",
}
_NS_PER_MS: Final = 1_000_000

Handler = Callable[[Request, bytes], Awaitable[Response]]


def app(venue: Venue) -> Starlette:
    """The venue's voice."""
    return _TradeDesk(venue).app


class _TradeDesk:
    def __init__(self, venue: Venue) -> None:
        self._venue = venue

        async def refused(_: Request, refusal: Exception) -> Response:
            assert isinstance(refusal, Refusal)
            error = {"status": str(refusal.status), "code": refusal.code.lower()}
            error |= {"title": refusal.code.replace("_", " ").lower(), "detail": refusal.message}
            return _answer({"errors": [error]}, refusal.status, **refusal.headers)

        self.app = Starlette(
            routes=[
                Route("/v2/quotes", self._guarded(self._quote), methods=["POST"]),
                Route("/v2/quotes", self._guarded(self._list), methods=["GET"]),
                Route("/v2/quotes/{id}/execute", self._guarded(self._execute), methods=["POST"]),
            ],
            exception_handlers={Refusal: refused},
        )

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            venue = self._venue
            if venue.dark():
                raise Refusal(503, "UNAVAILABLE", "the desk is closed")
            venue.spend()
            body, headers = await read_body(request), request.headers
            timestamp = headers.get("x-timestamp", "")
            offered = (headers.get("x-api-key", ""), timestamp, headers.get("x-signature", ""))
            target = request_target(request)
            expected = sign(venue.secret, timestamp, request.method, target, body)
            check_credentials(offered, venue.key, expected, venue.clock_ns() // _NS_PER_MS)
            return await handler(request, body)

        return endpoint

    async def _quote(self, request: Request, body: bytes) -> Response:
        venue, wanted = self._venue, _attributes(parse_object(body))
        symbol = "/".join(text_field(wanted, f"{which}asset-id") for which in ("", "cash-"))
        side = text_field(wanted, "transaction-type").upper()
        if symbol not in venue.personality.pairs or side not in ("BUY", "SELL"):
            raise Refusal(422, "INVALID", "asset or transaction-type is not dealt here")
        quantity = quantity_field({"quantity": wanted.get("unit-count")})
        mood = venue.mood(Stage.QUOTE)
        await venue.think()
        if mood is Mood.HANG_QUOTE:
            return await venue.hang(request)
        if isinstance(mood, Verbatim):
            return mood.response()
        now_ns, habits = venue.now_ns(), venue.personality
        quote = venue.dealer.one_way(habits, symbol, side, quantity, now_ns, mood)
        told_ns = venue.clock_ns()
        times = {
            "created-at": _time(told_ns),
            "expires-at": _time(told_ns + quote.expires_in_ms * _NS_PER_MS),
        }
        document = _document(quote.quote_id, _terms(quote) | times | {"status": "pending"})
        return _answer({"data": document}, 201)

    async def _execute(self, request: Request, body: bytes) -> Response:
        venue, ref = self._venue, str(request.path_params["id"])
        order_id = order_id_field({"clientOrderId": request.headers.get("idempotency-key")})
        await venue.think()
        if venue.dealer.recall(ref) is None:
            raise Refusal(404, "NOT_FOUND", "there is no such quote")
        mood = venue.mood(Stage.EXECUTE)
        if mood is Mood.HANG_EXECUTE:
            return await venue.hang(request)
        if mood is Mood.RESET_BEFORE_FILL:
            return await venue.reset(request)
        await venue.wait(venue.personality.hold_ms)
        execution = await venue.deal(ref, order_id, None, mood)
        if isinstance(mood, Verbatim):
            return mood.response()
        if mood is Mood.HANG_AFTER_FILL:
            return await venue.hang(request)
        if mood is Mood.RESET_AFTER_FILL:
            return await venue.reset(request)
        if mood is Mood.ERROR_AFTER_FILL or execution.shown_from_ns > venue.now_ns():
            raise Refusal(500, "INTERNAL", "something went wrong")
        if execution.status == "REJECTED":
            raise Refusal(400, "TRADE_DESK_FAILURE", f"Trade desk failure: {execution.reason}")
        return _answer({"data": _executed(execution)})

    async def _list(self, request: Request, body: bytes) -> Response:
        venue, query = self._venue, request.query_params
        mood = venue.mood(Stage.STATUS)
        if mood is Mood.HANG_STATUS:
            return await venue.hang(request)
        if isinstance(mood, Verbatim):
            return mood.response()
        wanted, since = query.get("filter[client-order-id]"), query.get("filter[executed-at gte]")
        booked = [
            execution
            for execution in await venue.executions()
            if execution.shown_from_ns <= venue.now_ns()
            and wanted in (None, execution.client_order_id)
            and (since is None or execution.at_ns >= since_ns(since))
        ]
        shown = [] if mood is Mood.LOSE_STATUS else [_executed(each) for each in booked]
        return _answer({"data": shown, "meta": {"page-count": 1, "resource-count": len(shown)}})


def _attributes(document: dict[str, Any]) -> dict[str, Any]:
    data = document.get("data")
    attributes = data.get("attributes") if isinstance(data, dict) else None
    if not isinstance(attributes, dict) or data is None or data.get("type") != "quotes":
        raise Refusal(422, "INVALID", "a document of type quotes is needed")
    return attributes


def _terms(quote: Quote) -> dict[str, object]:
    base, cash = quote.symbol.split("/")
    return {
        "asset-name": base,
        "cash-asset-name": cash,
        "transaction-type": quote.side.lower(),
        "unit-count": f"{quote.quantity:f}",
        "price-per-unit": f"{quote.price:f}",
        "total-amount": f"{quote.quantity * quote.price:f}",
        "fee-amount": "0",
    }


def _executed(execution: Execution) -> dict[str, object]:
    base, _, cash = execution.symbol.partition("/")
    fee = execution.fee if Decimal(execution.fee or 0) else "0"
    attributes: dict[str, object] = {
        "asset-name": base,
        "cash-asset-name": cash,
        "transaction-type": execution.side.lower(),
        "unit-count": execution.fill_quantity,
        "price-per-unit": execution.fill_price,
        "fee-amount": fee,
        "status": _STATUS[execution.status],
        "trade-id": execution.execution_id,
        "client-order-id": execution.client_order_id,
        "executed-at": _time(execution.at_ns),
    }
    return _document(execution.quote_id, attributes)


def _document(quote_id: str, attributes: dict[str, object]) -> dict[str, object]:
    return {"type": "quotes", "id": quote_id, "attributes": attributes}


def _time(at_ns: int) -> str:
    moment = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{at_ns % 1_000_000_000:09d}Z"


def _answer(document: dict[str, object], status: int = 200, **headers: str) -> Response:
    return JSONResponse(document, status, headers, JSON_API)
