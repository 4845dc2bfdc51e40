"""One stand-in venue: the default LP protocol over HTTP, and the temper behind it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from lpdesk.sandbox.book import Book, Execution, finished
from lpdesk.sandbox.dealing import Dealer, Quote, filled, objection, rejected
from lpdesk.sandbox.market import Market
from lpdesk.sandbox.personality import Mood, Personality, Stage, Verbatim, applies
from lpdesk.sandbox.stream import StreamSession
from lpdesk.sandbox.wire import (
    Budget,
    Refusal,
    check_credentials,
    error_answer,
    order_id_field,
    parse_object,
    quantity_field,
    read_body,
    request_target,
    reset_connection,
    side_field,
    sign,
    since_ns,
    symbol_field,
    text_field,
)

_NS_PER_MS: Final = 1_000_000

Handler = Callable[[Request, bytes], Awaitable[Response]]
AnyMood = Mood | Verbatim | None


class Venue:
    """A stand-in LP: its personality, its book, and the ASGI `app` that speaks for it.

    Tests steer it in two ways: `become(...)` changes its habits from now on, `script(...)` queues
    moods that are used once each, before any mood of its own.
    """

    def __init__(
        self,
        personality: Personality,
        market: Market,
        *,
        seed: int,
        directory: Path | None,
        now_ns: Callable[[], int],
    ) -> None:
        """Opens the book (a file in `directory`, or memory). Raises OSError, sqlite3.Error."""
        name = personality.name
        self.personality = personality
        self.book = Book(directory / f"{name}.sqlite3" if directory else None)
        self.closing = asyncio.Event()
        credentials = Random(f"{seed}:{name}:credentials")
        self.key = f"{name}-{credentials.getrandbits(64):016x}"
        self.secret = f"{credentials.getrandbits(256):064x}"
        self.now_ns = now_ns
        self._started_ns = now_ns()
        # New after every restart, even of a venue without a file.
        run = f"{name}-{self._started_ns // _NS_PER_MS:x}{self.book.openings:02x}"
        self.dealer = Dealer(f"{run}-Q", market, Random(f"{seed}:{name}:prices"))
        self._execution_prefix = f"{run}-E"
        self._executions = 0
        self._latency = Random(f"{seed}:{name}:latency")
        self._temper = Random(f"{seed}:{name}:moods")
        self._script: deque[Mood | Verbatim] = deque()
        self._dealing = asyncio.Lock()
        self._budget = Budget(now_ns)
        self.chain: Any = None  # a `Node`, where its quotes are dealt on one
        self.app = self._build_app()

    # What tests hold on to.

    def script(self, *moods: Mood | Verbatim, times: int = 1) -> None:
        """Queues `moods`, each for the next request of its stage, `times` times over."""
        self._script.extend(moods * times)

    def become(self, **habits: Any) -> None:
        """Changes habits by name from the next request on, e.g. `become(validity_ms=500)`."""
        self.personality = replace(self.personality, **habits)

    async def executions(self) -> tuple[Execution, ...]:
        """Everything booked, also what is hidden from clients, oldest first."""
        async with self._dealing:
            return self.book.since()

    async def book_also(self, execution: Execution) -> None:
        """Books what is no deal, but must be remembered like one."""
        async with self._dealing:
            await self._record(execution)

    async def finish(self, client_order_id: str) -> None:
        """Fills the rest of a pending order. KeyError if there is none."""
        async with self._dealing:
            execution = self.book.find(client_order_id)
            if execution is None:
                raise KeyError(client_order_id)
            await self._record(finished(execution))

    async def bust(self, client_order_id: str) -> None:
        """Takes an execution back. KeyError if there is none."""
        async with self._dealing:
            execution = self.book.find(client_order_id)
            if execution is None:
                raise KeyError(client_order_id)
            await self._record(replace(execution, status="REJECTED", reason="BUSTED"))

    async def close(self) -> None:
        """Closes the book, after a commit that may be running; the server must have stopped."""
        async with self._dealing:
            self.book.close()

    # What streams and FIX lines need as well.

    def spend(self) -> None:
        """Takes one request off the budget; raises Refusal 429 when there is none."""
        self._budget.spend(self.personality.rate_per_second)

    async def find(self, client_order_id: str) -> Execution | None:
        """What is booked first under this id, hidden or not."""
        async with self._dealing:
            return self.book.find(client_order_id)

    def clock_ns(self) -> int:
        """The time as this venue has it, UTC nanoseconds."""
        return self.now_ns() + self.personality.clock_skew_ms * _NS_PER_MS

    def mood(self, stage: Stage) -> AnyMood:
        """The mood for one request: the first scripted for its stage, else by temper, else none."""
        for scripted in self._script:
            if applies(scripted, stage):
                self._script.remove(scripted)
                return scripted
        for mood, chance in self.personality.moods.items():
            if applies(mood, stage) and self._temper.random() < chance:
                return mood
        return None

    def dark(self) -> bool:
        """Whether the venue refuses everything just now."""
        flap_ns = self.personality.flap_ms * _NS_PER_MS
        if flap_ns and (self.now_ns() - self._started_ns) // flap_ns % 2:
            return True
        return self.mood(Stage.ANY) is Mood.DARK

    # The protocol.

    def _build_app(self) -> Starlette:
        async def refused(_: Request, refusal: Exception) -> Response:
            assert isinstance(refusal, Refusal)
            return error_answer(refusal)

        async def not_routed(_: Request, trouble: Exception) -> Response:
            assert isinstance(trouble, HTTPException)
            return error_answer(Refusal(trouble.status_code, "NO_SUCH_CALL", trouble.detail))

        return Starlette(
            routes=[
                Route("/v1/quote", self._guarded(self._quote), methods=["POST"]),
                Route("/v1/execute", self._guarded(self._execute), methods=["POST"]),
                Route("/v1/executions", self._guarded(self._list)),
                Route("/v1/executions/{client_order_id}", self._guarded(self._status)),
                WebSocketRoute("/v1/stream", self._stream),
            ],
            exception_handlers={Refusal: refused, HTTPException: not_routed},
        )

    def _guarded(self, handler: Handler) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """`handler`, reached only in the light, within the rate, and with a right signature."""

        async def endpoint(request: Request) -> Response:
            if self.dark():
                raise Refusal(503, "UNAVAILABLE", "the venue is closed")
            self.spend()
            body = await read_body(request)
            headers = request.headers
            timestamp = headers.get("x-timestamp", "")
            offered = (headers.get("x-api-key", ""), timestamp, headers.get("x-signature", ""))
            target = request_target(request)
            expected = sign(self.secret, timestamp, request.method, target, body)
            check_credentials(offered, self.key, expected, self.clock_ns() // _NS_PER_MS)
            return await handler(request, body)

        return endpoint

    async def _quote(self, request: Request, body: bytes) -> Response:
        fields = parse_object(body)
        symbol = symbol_field(fields, self.personality.pairs)
        side, quantity = side_field(fields), quantity_field(fields)
        mood = self.mood(Stage.QUOTE)
        await self.think()
        if mood is Mood.HANG_QUOTE:
            return await self.hang(request)
        if isinstance(mood, Verbatim):
            return mood.response()
        habits = self.personality
        quote = self.dealer.one_way(habits, symbol, side, quantity, self.now_ns(), mood)
        return JSONResponse(
            {
                "quoteId": quote.quote_id,
                "price": f"{quote.price:f}",
                "quantity": f"{quote.quantity:f}",
                "expiresIn": quote.expires_in_ms,
            }
        )

    async def _execute(self, request: Request, body: bytes) -> Response:
        fields = parse_object(body)
        quote_id, client_order_id = text_field(fields, "quoteId"), order_id_field(fields)
        # Absent in the plain protocol; lets a client take part of what a stream shows.
        quantity = quantity_field(fields) if "quantity" in fields else None
        await self.think()
        async with self._dealing:
            earlier = self.book.find(client_order_id)
        if earlier:
            return self._shown(earlier, Refusal(504, "TIMEOUT", "no answer from the dealer"))
        mood = self.mood(Stage.EXECUTE)
        if mood is Mood.HANG_EXECUTE:
            return await self.hang(request)
        if mood is Mood.RESET_BEFORE_FILL:
            return await self.reset(request)
        await self.wait(self.personality.hold_ms)
        execution = await self.deal(quote_id, client_order_id, quantity, mood)
        return await self._confirm(request, execution, mood)

    async def deal(
        self, quote_id: str, client_order_id: str, quantity: Decimal | None, mood: AnyMood
    ) -> Execution:
        """Books the order at most once, whoever else is asking, and returns what is booked."""
        async with self._dealing:
            earlier = self.book.find(client_order_id)
            if earlier:
                return earlier
            outcome = self._decide(quote_id, client_order_id, quantity, mood)
            await self._record(*outcome)
            return outcome[0]

    def _decide(
        self, quote_id: str, client_order_id: str, quantity: Decimal | None, mood: AnyMood
    ) -> tuple[Execution, ...]:
        """What to book: one execution, or two when it fills twice."""
        now_ns = self.now_ns()
        quote = self.dealer.recall(quote_id)
        dealt = mood is not Mood.DOUBLE_FILL and self.book.dealt(quote_id)
        reason = objection(quote, quantity, dealt, now_ns) or self._last_look(quote, now_ns, mood)
        if quote is None or reason:
            reason = reason or "UNKNOWN_QUOTE"
            return (rejected(self.next_id(), client_order_id, quote_id, reason, now_ns),)
        amount = quote.quantity if quantity is None else quantity
        habits = self.personality
        fill = filled(habits, quote, self.next_id(), client_order_id, amount, now_ns, mood)
        if mood is Mood.DOUBLE_FILL:
            return fill, replace(fill, execution_id=self.next_id())
        return (fill,)

    def _last_look(self, quote: Quote | None, now_ns: int, mood: AnyMood) -> str | None:
        if mood is Mood.REJECT:
            return "LAST_LOOK"
        if mood is Mood.PICK and quote and self.dealer.moved_for_client(quote, now_ns):
            return "PRICE_MOVED"
        return None

    async def _confirm(self, request: Request, execution: Execution, mood: AnyMood) -> Response:
        """Answers for what is already booked, or loses the answer on the way."""
        if isinstance(mood, Verbatim):
            return mood.response()
        if mood is Mood.HANG_AFTER_FILL:
            return await self.hang(request)
        if mood is Mood.RESET_AFTER_FILL:
            return await self.reset(request)
        if mood is Mood.ERROR_AFTER_FILL:
            raise Refusal(500, "INTERNAL", "something went wrong")
        return self._shown(execution, Refusal(504, "TIMEOUT", "no answer from the dealer"))

    async def _status(self, request: Request, body: bytes) -> Response:
        mood = self.mood(Stage.STATUS)
        if mood is Mood.HANG_STATUS:
            return await self.hang(request)
        if isinstance(mood, Verbatim):
            return mood.response()
        async with self._dealing:
            execution = self.book.find(request.path_params["client_order_id"])
        unknown = Refusal(404, "UNKNOWN_ORDER", "no execution under this clientOrderId")
        if execution is None or mood is Mood.LOSE_STATUS:
            raise unknown
        return self._shown(execution, unknown)

    async def _list(self, request: Request, body: bytes) -> Response:
        # "+" in a query is a space once decoded: +00:00 is what the client meant.
        start_ns = since_ns(request.query_params.get("since", "").replace(" ", "+"))
        async with self._dealing:
            booked = self.book.since(start_ns)
        now_ns = self.now_ns()
        shown = [execution.answer() for execution in booked if execution.shown_from_ns <= now_ns]
        return JSONResponse({"executions": shown})

    async def _stream(self, websocket: WebSocket) -> None:
        await StreamSession(self, websocket).run()

    # How it treats a caller.

    async def mislaid(
        self, request: Request, execution: Execution, mood: AnyMood
    ) -> Response | None:
        """How the answer for what is booked is lost behind a proxy; None if it is not."""
        if isinstance(mood, Verbatim):
            return mood.response()
        if mood is Mood.HANG_AFTER_FILL:
            return await self.hang(request)
        if mood is Mood.RESET_AFTER_FILL:
            return await self.reset(request)
        if mood is Mood.ERROR_AFTER_FILL or execution.shown_from_ns > self.now_ns():
            return Response("<html>bad gateway</html>", 502, media_type="text/html")
        return None

    def _shown(self, execution: Execution, otherwise: Refusal) -> Response:
        if execution.shown_from_ns > self.now_ns():
            raise otherwise
        return JSONResponse(execution.answer())

    async def think(self) -> None:
        """Waits as long as this venue takes for one answer: half below the median, a long tail."""
        least, median, most = self.personality.latency_ms
        draw = self._latency.random() * 2 - 1
        beyond = draw * (median - least) if draw < 0 else draw**4 * (most - median)
        await self.wait(median + beyond)

    async def wait(self, milliseconds: float) -> None:
        """Waits; raises Refusal 503 when the venue closes meanwhile."""
        if milliseconds <= 0:
            return
        try:
            async with asyncio.timeout(milliseconds / 1_000):
                await self.closing.wait()
        except TimeoutError:
            return
        raise Refusal(503, "CLOSING", "the venue is closing")

    async def hang(self, request: Request) -> Response:
        """Says nothing until the client gives up or the venue closes."""
        gone = asyncio.ensure_future(request.receive())
        closing = asyncio.ensure_future(self.closing.wait())
        await asyncio.wait({gone, closing}, return_when=asyncio.FIRST_COMPLETED)
        for waiter in (gone, closing):
            waiter.cancel()
        return Response(status_code=503)

    async def reset(self, request: Request) -> Response:
        """Cuts the connection with a TCP reset; the response goes nowhere."""
        reset_connection(request.scope["state"]["transport"])
        await request.receive()
        return Response(status_code=503)

    async def _record(self, *executions: Execution) -> None:
        if self.book.durable:
            await asyncio.to_thread(self.book.record, executions)
        else:
            self.book.record(executions)

    def next_id(self) -> str:
        """A new execution id."""
        self._executions += 1
        return f"{self._execution_prefix}-{self._executions:x}"
