"""A stand-in that speaks B2TRADER's signed REST: the book, fill-or-kill limits, the order history.

Its book has two levels a side, each behind a quote of its dealer. Nothing is shared with the
adapter.
"""

import hmac
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lpdesk.sandbox.book import Execution
from lpdesk.sandbox.dealing import Quote
from lpdesk.sandbox.market import PAIRS
from lpdesk.sandbox.personality import Mood, Stage, Verbatim
from lpdesk.sandbox.venue import Venue
from lpdesk.sandbox.wire import Refusal, parse_object, read_body, since_ns

_WINDOW_NS: Final = 5_000_000_000
_DEEP: Final = 5
"""How many times the first level's size the whole book has."""

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode

Level = tuple[Decimal, Decimal, Quote]
"""Price, amount, and the quote behind it."""

Handler = Callable[[Request, bytes], Awaitable[Response]]


def app(venue: Venue) -> Starlette:
    """The venue's voice."""
    return _B2trader(venue).app


class _B2trader:
    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._names = {symbol.replace("/", "_").lower(): symbol for symbol in PAIRS}
        self._nonces: set[int] = set()
        self._shown: dict[tuple[str, str], list[Level]] = {}

        async def refused(_: Request, refusal: Exception) -> Response:
            assert isinstance(refusal, Refusal)
            return JSONResponse({"message": refusal.message}, refusal.status, refusal.headers)

        depth, api = "/marketdata/instruments/{pair}/depth", "/frontoffice/api"
        self.app = Starlette(
            routes=[
                Route(depth, self._public(self._book)),
                Route(f"{api}/order", self._private(self._order), methods=["POST"]),
                Route(f"{api}/order_history", self._private(self._history)),
            ],
            exception_handlers={Refusal: refused},
        )

    def _public(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if self._venue.dark():
                raise Refusal(503, "", "closed")
            self._venue.spend()
            return await handler(request, await read_body(request))

        return endpoint

    def _private(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request, body: bytes) -> Response:
            text = body if request.method == "POST" else b"?" + request.scope["query_string"]
            genuine = hmac.new(self._venue.secret.encode(), text, "sha512").hexdigest().upper()
            offered = request.headers.get("sign", "").encode("utf-8", "replace")
            known = request.headers.get("key", "") == self._venue.key
            if not known or not hmac.compare_digest(offered, genuine.encode()):
                raise Refusal(401, "", "signature does not match")
            return await handler(request, body)

        return self._public(endpoint)

    def _fresh(self, text: str) -> None:
        if abs(_since_ns(text) - self._venue.clock_ns()) > _WINDOW_NS:
            raise Refusal(401, "", "ts is more than five seconds off")

    # ---- the book

    async def _book(self, request: Request, body: bytes) -> Response:
        venue, name = self._venue, request.path_params["pair"]
        symbol = self._names.get(name, "")
        if symbol not in venue.personality.pairs:
            raise Refusal(404, "", "no such instrument")
        mood = venue.mood(Stage.QUOTE)
        await venue.think()
        if mood is Mood.HANG_QUOTE:
            return await venue.hang(request)
        if isinstance(mood, Verbatim):
            return mood.response()
        if mood is Mood.WRONG_SYMBOL:
            name = next(other for other in self._names if other != name)
        sides = zip(("bids", "asks"), self._levels(symbol, mood).values(), strict=True)
        book = {words: _rising(levels) for words, levels in sides}
        return _json({"instrument": name, **book, "version": 1, "snapshot": True})

    def _levels(self, symbol: str, mood: Mood | None) -> dict[str, list[Level]]:
        """Each side's levels, best first. A level's price is that of everything up to it."""
        venue, now_ns = self._venue, self._venue.now_ns()
        habits, sides = venue.personality, ("SELL", "BUY")
        book: dict[str, list[Level]] = {}
        for side, top in zip(
            sides, venue.dealer.two_way(habits, symbol, now_ns, mood), strict=True
        ):
            size = top.quantity * _DEEP
            deep = venue.dealer.one_way(habits, symbol, side, size, now_ns, mood)
            rest = deep.quantity - top.quantity
            book[side] = [(top.price, top.quantity, top), (deep.price, rest, deep)]
            self._shown[symbol, side] = book[side]
        return book

    def _quote(self, symbol: str, side: str, amount: Decimal, limit: Decimal) -> str:
        """The quote of the first level that has the whole amount within the limit, or nothing."""
        for price, _, quote in self._shown.get((symbol, side), []):
            inside = price <= limit if side == "BUY" else price >= limit
            if inside and quote.quantity >= amount:
                return quote.quote_id
        return "killed"

    # ---- orders

    async def _order(self, request: Request, body: bytes) -> Response:
        venue, message = self._venue, parse_object(body.decode())
        self._fresh(str(message.get("ts", "")))
        nonce = message.get("nonce")
        if not isinstance(nonce, int) or nonce in self._nonces:
            raise Refusal(401, "", "nonce was used")
        self._nonces.add(nonce)
        wish = message.get("order")
        if not isinstance(wish, dict) or wish.get("isFok") is not True:
            raise Refusal(400, "", "only fill-or-kill limits here")
        symbol = self._names.get(str(wish.get("instrument")), "")
        side = str(wish.get("type")).upper()
        if symbol not in venue.personality.pairs or side not in ("BUY", "SELL"):
            raise Refusal(400, "", "instrument or type is wrong")
        order_id = str(wish.get("clientOrderId"))
        amount, limit = Decimal(str(wish["amount"])), Decimal(str(wish["price"]))
        await venue.think()
        mood = venue.mood(Stage.EXECUTE)
        if mood is Mood.HANG_EXECUTE:
            return await venue.hang(request)
        if mood is Mood.RESET_BEFORE_FILL:
            return await venue.reset(request)
        await venue.wait(venue.personality.hold_ms)
        ref = self._quote(symbol, side, amount, limit)
        execution = await venue.deal(ref, order_id, amount, mood)
        lost = await venue.mislaid(request, execution, mood)
        return lost or _json({"order": self._row(execution)})

    async def _history(self, request: Request, body: bytes) -> Response:
        venue, query = self._venue, request.query_params
        self._fresh(query.get("ts", ""))
        mood = venue.mood(Stage.STATUS)
        if mood is Mood.HANG_STATUS:
            return await venue.hang(request)
        since_ns = _since_ns(query["start"]) if "start" in query else 0
        now_ns, booked = venue.now_ns(), await venue.executions()
        rows = [
            self._row(execution)
            for execution in reversed(booked)
            if execution.shown_from_ns <= now_ns and execution.at_ns >= since_ns
        ]
        if mood is Mood.LOSE_STATUS:
            rows = []
        size = int(query.get("per_page", "50"))
        paging = {"page": 1, "per_page": size, "total": len(rows)}
        return _json({"paging": paging, "data": rows[:size]})

    def _row(self, execution: Execution) -> dict[str, Any]:
        answer, killed = execution.answer(), execution.status == "REJECTED"
        done = Decimal(0) if killed else Decimal(answer["fillQuantity"])
        price = Decimal(0) if killed else Decimal(answer["fillPrice"])
        ordered = Decimal(execution.ordered_quantity or "0")
        return {
            "orderId": f"-{execution.execution_id}",
            "clientOrderId": execution.client_order_id,
            "instrument": execution.symbol.replace("/", "_").lower(),
            "type": execution.side.lower(),
            "status": "CANCELLED" if killed else "Completed",
            "unitsFilled": done,
            "remaining": max(Decimal(0), ordered - done),
            "total": done * price,
            "price": price,
            "commission": Decimal(0),
            "isLimit": True,
        }


def _rising(levels: list[Level]) -> list[dict[str, Decimal]]:
    """In the order of their prices, bids too: that is how theirs come."""
    prices = sorted((price, amount) for price, amount, _ in levels)
    return [{"price": price, "amount": amount} for price, amount in prices]


def _since_ns(text: str) -> int:
    try:
        return since_ns(f"{text}+00:00")
    except Refusal as trouble:
        raise Refusal(401, "", "ts is no time") from trouble


def _json(content: dict[str, Any]) -> Response:
    return Response(_encode(content), media_type="application/json")
