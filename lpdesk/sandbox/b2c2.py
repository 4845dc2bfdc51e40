"""A stand-in that speaks B2C2: quotes asked for and trades on them, levels streamed and orders.

Nothing here is shared with the adapter: two readings of one description that must agree.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from hmac import compare_digest
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from lpdesk.sandbox.b2c2_orders import MAX_PAGE, Orders, Shown, time_text
from lpdesk.sandbox.b2c2_stream import LevelsSession
from lpdesk.sandbox.book import Execution
from lpdesk.sandbox.dealing import Quote
from lpdesk.sandbox.market import PAIRS
from lpdesk.sandbox.personality import Mood, Stage, Verbatim
from lpdesk.sandbox.venue import Venue
from lpdesk.sandbox.wire import (
    Refusal,
    parse_object,
    quantity_field,
    read_body,
    since_ns,
    text_field,
)

_CODES: Final = {"USDT": "UST", "USDC": "USC"}
_EXPIRED, _MOVED, _TOO_BIG, _OTHER = 1007, 1009, 1010, 1100
_REJECTED: Final = {
    "QUOTE_EXPIRED": _EXPIRED, "UNKNOWN_QUOTE": 1002, "QUOTE_USED": _EXPIRED,
    "PRICE_MOVED": _MOVED, "LAST_LOOK": _MOVED,
}  # fmt: skip
_REPEATED: Final = {"instrument": 1003, "side": 1004, "price": 1005, "quantity": 1006}
"""What a trade repeats of its quote, to the letter, and what it is told when it does not."""

Handler = Callable[[Request], Awaitable[Response]]


def app(venue: Venue) -> Starlette:
    """The venue's voice. Paths end in a slash, as B2C2's do."""
    return _B2c2(venue).app


def levels(venue: Venue) -> tuple[str, ...]:
    """Sizes that a client of its stream may want, by pair: `BTC/USDT=0.5`."""
    habits, now_ns = venue.personality, venue.now_ns()
    worth = (habits.stream_notional / 10, habits.stream_notional)
    return tuple(
        f"{pair}={venue.dealer.size(pair, notional, now_ns):f}"
        for pair in habits.pairs
        for notional in worth
    )


class _B2c2:
    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._names = {_instrument(symbol): symbol for symbol in PAIRS}
        self._shown: Shown = {}
        orders = Orders(venue, self._names, self._shown)

        async def refused(_: Request, refusal: Exception) -> Response:
            assert isinstance(refusal, Refusal)
            code = int(refusal.code) if refusal.code.isdigit() else _OTHER
            errors = [{"code": code, "message": refusal.message}]
            return JSONResponse({"errors": errors}, refusal.status, refusal.headers)

        self.app = Starlette(
            routes=[
                Route("/request_for_quote/", self._guarded(self._quote), methods=["POST"]),
                Route("/trade/", self._guarded(self._trade), methods=["POST"]),
                Route("/trade/", self._guarded(self._trades), methods=["GET"]),
                Route("/instruments/", self._guarded(self._instruments)),
                Route("/v2/order/", self._guarded(orders.order), methods=["POST"]),
                Route("/order/", self._guarded(orders.orders), methods=["GET"]),
                WebSocketRoute("/quotes", self._quotes),
            ],
            exception_handlers={Refusal: refused},
        )
        self.app.router.redirect_slashes = False

    def _guarded(self, handler: Handler) -> Handler:
        async def endpoint(request: Request) -> Response:
            venue = self._venue
            if venue.dark():
                raise Refusal(503, "1016", "trading is disabled")
            venue.spend()
            offered = request.headers.get("authorization", "").encode("utf-8", "replace")
            if not compare_digest(offered, f"Token {venue.key}".encode()):
                raise Refusal(401, "1001", "wrong token")
            return await handler(request)

        return endpoint

    async def _quotes(self, websocket: WebSocket) -> None:
        await LevelsSession(self._venue, websocket, self._names, self._shown).run()

    async def _instruments(self, _: Request) -> Response:
        pairs = self._venue.personality.pairs
        return JSONResponse([{"name": _instrument(pair), "is_tradable": True} for pair in pairs])

    async def _quote(self, request: Request) -> Response:
        venue, fields = self._venue, parse_object(await read_body(request))
        symbol = self._names.get(text_field(fields, "instrument"), "")
        side = text_field(fields, "side").upper()
        if symbol not in venue.personality.pairs:
            raise Refusal(400, "1001", "instrument not allowed")
        if side not in ("BUY", "SELL"):
            raise Refusal(400, "1017", "side must be buy or sell")
        mood = venue.mood(Stage.QUOTE)
        await venue.think()
        if mood is Mood.HANG_QUOTE:
            return await venue.hang(request)
        if isinstance(mood, Verbatim):
            return mood.response()
        quantity, now_ns = quantity_field(fields), venue.now_ns()
        try:
            quote = venue.dealer.one_way(venue.personality, symbol, side, quantity, now_ns, mood)
        except Refusal as refusal:
            raise Refusal(400, str(_TOO_BIG), refusal.message) from refusal
        now_ns, named = venue.clock_ns(), symbol
        if mood is Mood.WRONG_SYMBOL:
            named = next(pair for pair in PAIRS if pair != symbol)
        return JSONResponse(
            {
                "rfq_id": quote.quote_id,
                "client_rfq_id": text_field(fields, "client_rfq_id"),
                **_terms(quote, named),
                "valid_until": time_text(now_ns + quote.expires_in_ms * 1_000_000),
                "created": time_text(now_ns),
            }
        )

    async def _trade(self, request: Request) -> Response:
        venue, fields = self._venue, parse_object(await read_body(request))
        ref = text_field(fields, "rfq_id")
        await venue.think()
        quote = venue.dealer.recall(ref)
        if quote is None:
            raise Refusal(400, "1002", "not your quote")
        for name, said in _terms(quote, quote.symbol).items():
            if fields.get(name) != said:
                raise Refusal(400, str(_REPEATED[name]), f"{name} differs from the quote")
        mood = venue.mood(Stage.EXECUTE)
        if mood is Mood.HANG_EXECUTE:
            return await venue.hang(request)
        if mood is Mood.RESET_BEFORE_FILL:
            return await venue.reset(request)
        await venue.wait(venue.personality.hold_ms)
        # Clients have no id of their own here, so the quote's is the key that the book keeps.
        execution = await venue.deal(ref, ref, None, mood)
        if lost := await venue.mislaid(request, execution, mood):
            return lost
        if execution.status == "REJECTED":
            raise Refusal(400, str(_REJECTED.get(execution.reason, _OTHER)), "not traded")
        return JSONResponse(self._row(execution))

    async def _trades(self, request: Request) -> Response:
        venue, query = self._venue, request.query_params
        mood = venue.mood(Stage.STATUS)
        if mood is Mood.HANG_STATUS:
            return await venue.hang(request)
        since = query.get("created__gte")
        start_ns = since_ns(since.replace(" ", "+")) if since else 0
        limit = min(int(query.get("limit", "50")), MAX_PAGE)
        now_ns, booked = venue.now_ns(), await venue.executions()
        shown = [
            self._row(execution)
            for execution in reversed(booked)
            if execution.status != "REJECTED"
            and start_ns <= execution.at_ns
            and execution.shown_from_ns <= now_ns
        ]
        return JSONResponse([] if mood is Mood.LOSE_STATUS else shown[:limit])

    def _row(self, execution: Execution) -> dict[str, Any]:
        answer, quote = execution.answer(), self._venue.dealer.recall(execution.quote_id)
        terms = _terms(quote, quote.symbol) if quote else {}
        return {
            **terms,
            "trade_id": answer["executionId"],
            "rfq_id": execution.quote_id,
            "price": _eight(Decimal(answer["fillPrice"])),
            "quantity": _ten(Decimal(answer["fillQuantity"])),
            "created": time_text(execution.at_ns),
            "order": None,
        }


def _instrument(symbol: str) -> str:
    return "".join(_CODES.get(asset, asset) for asset in symbol.split("/")) + ".SPOT"


def _terms(quote: Quote, symbol: str) -> dict[str, str]:
    return {
        "instrument": _instrument(symbol),
        "side": quote.side.lower(),
        "price": _eight(quote.price),
        "quantity": _ten(quote.quantity),
    }


def _eight(value: Decimal) -> str:
    return f"{value:.8f}"


def _ten(value: Decimal) -> str:
    return f"{value:.10f}"
