"""One stand-in exchange: prices near the sandbox's market, and the connections that get them.

What is said and how is its dialect's; this is when, and what tests do to it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from random import Random
from typing import Any, Final, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from lpdesk.sandbox.market import PAIRS, Market
from lpdesk.sandbox.wire import reset_connection

BEAT_SECONDS: Final = 1.0
REMEMBERED: Final = 1_000
_BUCKET_NS: Final = 100_000_000
_BPS: Final = Decimal(10_000)
_GOING_AWAY: Final = 1001


@dataclass(frozen=True, slots=True)
class Top:
    """Bid and ask with their sizes, as plain decimal texts: a spoilt one may say anything."""

    bid: str
    ask: str
    bid_size: str
    ask_size: str


class Prices:
    """An exchange's own view of the market: a pure function of seed, name, pair and time."""

    def __init__(
        self, seed: int, name: str, market: Market, half_spread_bps: str, noise_bps: float
    ) -> None:
        self._stream = f"{seed}:exchange:{name}"
        self._market = market
        self._half_spread = Decimal(half_spread_bps) / _BPS
        self._noise_bps = noise_bps

    def top(self, symbol: str, at_ns: int, shift_bps: Decimal = Decimal(0)) -> Top:
        """The top of book at `at_ns`, moved by `shift_bps`; changes ten times a second."""
        bucket = at_ns // _BUCKET_NS
        chance = Random(f"{self._stream}:{symbol}:{bucket}")
        away_bps = shift_bps + Decimal(f"{chance.gauss(0.0, self._noise_bps):.4f}")
        mid = self._market.mid(symbol, bucket * _BUCKET_NS) * (1 + away_bps / _BPS)
        pair = PAIRS[symbol]
        tick = Decimal(1).scaleb(-pair.price_decimals)
        bid = (mid * (1 - self._half_spread)).quantize(tick, ROUND_FLOOR)
        ask = (mid * (1 + self._half_spread)).quantize(tick, ROUND_CEILING)
        sizes = [
            f"{Decimal(chance.lognormvariate(10.8, 0.8)) / mid:.{pair.size_decimals}f}"
            for _ in range(2)
        ]
        return Top(f"{bid:f}", f"{max(ask, bid + tick):f}", *sizes)


class Conversation(Protocol):
    """One connection in one dialect. `symbols`: what it has subscribed to, our names."""

    symbols: list[str]

    def greeting(self) -> tuple[str, ...]:
        """Said to whoever connects."""
        ...

    def answer(self, message: str) -> tuple[str, ...]:
        """What to say to a message; prices of what it subscribes to follow."""
        ...

    def price(self, symbol: str, top: Top, at_ns: int, update: int) -> str:
        """One price. `update` grows with every price of the exchange."""
        ...

    def beat(self, at_ns: int) -> tuple[str, ...]:
        """Said every second, if the dialect has heartbeats."""
        ...

    def skip(self) -> None:
        """Lose a message on the way, as far as the receiver can tell."""
        ...


class Manners(Protocol):
    """What every connection of one exchange has in common: its dialect."""

    kind: str
    path: str
    """Of its WebSocket."""
    rest_path: str
    """As a route: `{name}` stands for a part that changes."""
    ping_seconds: float | None
    notice: tuple[str, ...]
    """Announces the end of all connections; empty where exchanges do not."""

    def converse(self) -> Conversation:
        """For a new connection."""
        ...

    def rest(self, parameters: Mapping[str, str], top: Callable[[str], Top]) -> tuple[int, Any]:
        """Status and JSON answer to a REST request for one ticker."""
        ...


class Exchange:
    """A stand-in with its ASGI `app`. Tests read what it heard, and spoil what it says."""

    def __init__(
        self,
        name: str,
        manners: Manners,
        prices: Prices,
        now_ns: Callable[[], int],
        ticks_per_second: float,
    ) -> None:
        self.name = name
        self.manners = manners
        self.closing = asyncio.Event()
        self.heard: deque[str] = deque(maxlen=REMEMBERED)
        """What clients said over WebSockets, oldest first."""
        self.asked: deque[str] = deque(maxlen=REMEMBERED)
        """Targets of their REST requests."""
        self.connections = 0
        """How many WebSockets were let in so far."""
        self.tick_seconds = 1 / ticks_per_second
        self.beat_seconds = BEAT_SECONDS
        self.frozen = False
        """Heartbeats go on, prices do not."""
        self._now_ns = now_ns
        self._prices = prices
        self._shift_bps = Decimal(0)
        self._spoilt: dict[str, str] = {}
        self._dark = False
        self._rest_dark = False
        self._updates = 0
        self._sessions: list[_Session] = []
        self.app = Starlette(
            routes=[
                WebSocketRoute(manners.path, self._stream),
                Route(manners.rest_path, self._rest),
            ]
        )

    def jump(self, bps: Decimal | int) -> None:
        """From now on all its prices are `bps` further up."""
        self._shift_bps += bps

    def spoil(self, bid: str | None = None, ask: str | None = None) -> None:
        """From now on its prices say this text; with neither, they are good again."""
        self._spoilt = {
            side: text for side, text in (("bid", bid), ("ask", ask)) if text is not None
        }

    def go_dark(self, *, rest: bool = False) -> None:
        """Reset all connections and let nobody in; with `rest`, refuse REST requests too."""
        self._dark, self._rest_dark = True, rest
        self.disconnect()

    def come_back(self) -> None:
        """Let everybody in again."""
        self._dark = self._rest_dark = False

    def disconnect(self) -> None:
        """Reset all connections."""
        for session in tuple(self._sessions):
            session.reset()

    def stall(self) -> None:
        """Neither read from nor write to any present connection again, and keep it open."""
        for session in self._sessions:
            session.stall()

    def skip(self) -> None:
        """Lose the next message to every client."""
        for session in self._sessions:
            session.conversation.skip()

    async def notice(self) -> None:
        """Tell every client that its connection is about to end."""
        await self.say(*self.manners.notice)

    async def say(self, *messages: str) -> None:
        """Send `messages`, whatever they are, to every client."""
        for session in tuple(self._sessions):
            for message in messages:
                await session.send(message)

    def top(self, symbol: str) -> Top:
        """Its price of `symbol` now, spoilt or not."""
        top = self._prices.top(symbol, self._now_ns(), self._shift_bps)
        return replace(top, **self._spoilt)

    async def _rest(self, request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        self.asked.append(request.url.path + query)
        if self._rest_dark:
            return Response(status_code=503)
        parameters = dict(request.query_params) | request.path_params
        status, answer = self.manners.rest(parameters, self.top)
        return JSONResponse(answer, status)

    async def _stream(self, websocket: WebSocket) -> None:
        if self._dark:
            await websocket.close()
            return
        await websocket.accept()
        self.connections += 1
        session = _Session(self, websocket)
        self._sessions.append(session)
        try:
            await session.run()
        finally:
            self._sessions.remove(session)

    def price(self, conversation: Conversation, symbol: str) -> str:
        """The next price message of one conversation."""
        self._updates += 1
        return conversation.price(symbol, self.top(symbol), self._now_ns(), self._updates)

    def beat(self, conversation: Conversation) -> tuple[str, ...]:
        """The heartbeat of one conversation."""
        return conversation.beat(self._now_ns())


class _Session:
    """Serves one connection until either side ends it."""

    def __init__(self, exchange: Exchange, websocket: WebSocket) -> None:
        self.conversation = exchange.manners.converse()
        self._exchange = exchange
        self._websocket = websocket
        self._transport: asyncio.Transport = websocket.scope["state"]["transport"]
        self._stalled = False

    async def run(self) -> None:
        """Listens, publishes and beats at the same time, until one of them ends."""
        works = (self._listen(), self._publish(), self._beat(), self._exchange.closing.wait())
        jobs = [asyncio.ensure_future(work) for work in works]
        try:
            await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for job in jobs:
                job.cancel()
            ends = await asyncio.gather(*jobs, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, WebSocketDisconnect):
                raise end
        with suppress(WebSocketDisconnect, RuntimeError):  # RuntimeError: it is closed already
            await self._websocket.close(_GOING_AWAY)

    async def send(self, *messages: str) -> None:
        """Unless stalled."""
        for message in messages:
            if not self._stalled:
                await self._websocket.send_text(message)

    def reset(self) -> None:
        """Cut with a TCP reset."""
        if not self._transport.is_closing():
            reset_connection(self._transport)

    def stall(self) -> None:
        """Not even a WebSocket ping is answered any more."""
        self._stalled = True
        self._transport.pause_reading()

    async def _listen(self) -> None:
        await self.send(*self.conversation.greeting())
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message["code"])
            text = message.get("text") or ""
            self._exchange.heard.append(text)
            before = len(self.conversation.symbols)
            await self.send(*self.conversation.answer(text))
            await self._tell(self.conversation.symbols[before:])

    async def _publish(self) -> None:
        while True:
            await asyncio.sleep(self._exchange.tick_seconds)
            await self._tell(self.conversation.symbols)

    async def _tell(self, symbols: list[str]) -> None:
        for symbol in tuple(symbols):
            if not self._exchange.frozen:
                await self.send(self._exchange.price(self.conversation, symbol))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._exchange.beat_seconds)
            await self.send(*self._exchange.beat(self.conversation))
