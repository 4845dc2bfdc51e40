"""One WebSocket connection to a stand-in: auth, subscriptions, quotes, heartbeats."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from lpdesk.sandbox.dealing import Quote
from lpdesk.sandbox.personality import Mood, Stage
from lpdesk.sandbox.wire import (
    Refusal,
    check_credentials,
    parse_object,
    reset_connection,
    sign,
    text_field,
    until_one_ends,
)

if TYPE_CHECKING:
    from lpdesk.sandbox.venue import Venue

AUTH_SECONDS: Final = 5.0
HEARTBEAT_SECONDS: Final = 1.0
_NS_PER_MS: Final = 1_000_000
_POLICY_VIOLATION: Final = 1008
_SERVICE_RESTART: Final = 1012


class StreamSession:
    """Serves one connection until either side ends it. Sequences count from 1 for each symbol."""

    def __init__(self, venue: Venue, websocket: WebSocket) -> None:
        self._venue = venue
        self._websocket = websocket
        self._sequences: dict[str, int] = {}  # the subscribed symbols, in order of subscription

    async def run(self) -> None:
        """Returns when the connection is over; lets no outside failure through."""
        if self._venue.dark():
            await self._websocket.close()
            return
        await self._websocket.accept()
        with suppress(WebSocketDisconnect):
            try:
                await self._authenticate()
                await self._serve()
            except Refusal as refusal:
                await self._complain(refusal)
                await self._websocket.close(_POLICY_VIOLATION, refusal.code)

    async def _serve(self) -> None:
        """Listens and publishes at the same time, until one of them or the venue ends."""
        await until_one_ends(self._listen(), self._publish(), self._venue.closing.wait())
        await self._websocket.close(_SERVICE_RESTART)

    # What the client says.

    async def _authenticate(self) -> None:
        try:
            async with asyncio.timeout(AUTH_SECONDS):
                message = await self._receive()
        except TimeoutError as trouble:
            raise Refusal(401, "NOT_AUTHENTICATED", "no auth in time") from trouble
        if message.get("type") != "auth":
            raise Refusal(401, "NOT_AUTHENTICATED", "the first message must be auth")
        timestamp = str(message.get("timestamp", ""))
        offered = (text_field(message, "apiKey"), timestamp, text_field(message, "signature"))
        now_ms = self._venue.clock_ns() // _NS_PER_MS
        check_credentials(
            offered, self._venue.key, sign(self._venue.secret, timestamp, "AUTH"), now_ms
        )
        await self._send({"type": "auth", "status": "ok"})

    async def _listen(self) -> None:
        while True:
            await self._subscribe(await self._receive())

    async def _receive(self) -> dict[str, Any]:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        return parse_object(message.get("text") or "")

    async def _subscribe(self, message: dict[str, Any]) -> None:
        """Adds symbols and shows each at once; a bad message is answered and changes nothing."""
        offered = self._venue.personality.pairs
        symbols = message.get("symbols")
        if message.get("type") != "subscribe" or message.get("channels") != ["quotes"]:
            await self._complain(Refusal(422, "BAD_MESSAGE", "only subscribe to quotes"))
        elif not isinstance(symbols, list) or any(symbol not in offered for symbol in symbols):
            await self._complain(Refusal(422, "UNKNOWN_SYMBOL", "symbol is not offered here"))
        else:
            for symbol in symbols:
                if symbol not in self._sequences:
                    self._sequences[symbol] = 0
                    await self._tick(symbol)

    # What the venue says.

    async def _publish(self) -> None:
        """A quote for each subscribed symbol at each tick, and heartbeats."""
        loop = asyncio.get_running_loop()
        heartbeat_at = loop.time()
        while True:
            if self._venue.dark():
                self._reset()
            if loop.time() >= heartbeat_at:
                heartbeat_at = loop.time() + HEARTBEAT_SECONDS
                await self._send({"type": "heartbeat"})
            await asyncio.sleep(1 / self._venue.personality.ticks_per_second)
            for symbol in tuple(self._sequences):
                await self._tick(symbol)

    async def _tick(self, symbol: str) -> None:
        mood = self._venue.mood(Stage.TICK)
        if mood is Mood.FREEZE:
            return
        if mood is Mood.DROP:
            self._reset()
        self._sequences[symbol] += 2 if mood is Mood.GAP else 1
        now_ns = self._venue.clock_ns()
        habits = self._venue.personality
        bid, ask = self._venue.dealer.two_way(habits, symbol, self._venue.now_ns(), mood)
        message = _quote_message(bid, ask, self._sequences[symbol], now_ns // _NS_PER_MS)
        if mood is Mood.WRONG_SYMBOL:
            message["symbol"] = next(other for other in habits.pairs if other != symbol)
        if mood is Mood.REORDER:
            message["sequence"] = max(0, self._sequences[symbol] - 2)
        await self._send(message)
        if mood is Mood.REPEAT_TICK:
            await self._send(message)

    async def _complain(self, refusal: Refusal) -> None:
        await self._send({"type": "error", "code": refusal.code, "message": refusal.message})

    async def _send(self, message: dict[str, Any]) -> None:
        await self._websocket.send_text(json.dumps(message))

    def _reset(self) -> None:
        reset_connection(self._websocket.scope["state"]["transport"])
        raise WebSocketDisconnect


def _quote_message(bid: Quote, ask: Quote, sequence: int, timestamp_ms: int) -> dict[str, Any]:
    return {
        "type": "quote",
        "symbol": bid.symbol,
        "bid": f"{bid.price:f}",
        "ask": f"{ask.price:f}",
        "bidSize": f"{bid.quantity:f}",
        "askSize": f"{ask.quantity:f}",
        "timestamp": timestamp_ms,
        "sequence": sequence,
        "bidQuoteId": bid.quote_id,
        "askQuoteId": ask.quote_id,
        "expiresIn": bid.expires_in_ms,
    }
