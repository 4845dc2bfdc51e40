"""One WebSocket connection to the B2C2 stand-in: what is tradable, subscriptions, levels."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from hmac import compare_digest
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from lpdesk.sandbox.b2c2_orders import Shown
from lpdesk.sandbox.dealing import Quote
from lpdesk.sandbox.personality import Mood, Stage
from lpdesk.sandbox.venue import Venue
from lpdesk.sandbox.wire import reset_connection, until_one_ends

_STRANGER, _NO_HEADER, _BAD_HEADER = 3000, 3001, 3017
_NOT_ALLOWED, _BAD_SUBSCRIPTION, _NOT_JSON, _TWICE, _NOT_SUBSCRIBED = 3003, 3004, 3005, 3007, 3008
_NO_EVENT, _NO_PRICE, _LEVEL_GONE = 3011, 3013, 3018
_MAX_LEVELS: Final = 5


class _Failed(Exception):
    """A failure frame. `closes`: the connection ends with it."""

    def __init__(self, code: int, message: str, *, closes: bool = False, **errors: str) -> None:
        super().__init__(message)
        self.code, self.message, self.closes = code, message, closes
        self.errors = {name: [text] for name, text in errors.items()}


class LevelsSession:
    """Serves one connection until either side ends it."""

    def __init__(
        self, venue: Venue, websocket: WebSocket, names: Mapping[str, str], shown: Shown
    ) -> None:
        self._venue = venue
        self._websocket = websocket
        self._names = names
        self._shown = shown
        self._levels: dict[str, tuple[Decimal, ...]] = {}  # instrument -> sizes
        self._told_ms = 0

    async def run(self) -> None:
        """Returns when the connection is over; lets no outside failure through."""
        if self._venue.dark():
            await self._websocket.close()
            return
        await self._websocket.accept()
        with suppress(WebSocketDisconnect):
            if trouble := self._stranger():
                await self._fail("tradable_instruments", trouble)
            else:
                pairs = self._venue.personality.pairs
                offered = [name for name, symbol in self._names.items() if symbol in pairs]
                hello = {"event": "tradable_instruments", "success": True}
                await self._send(hello | {"tradable_instruments": offered})
                await self._serve()
            await self._websocket.close()

    def _stranger(self) -> _Failed | None:
        header = self._websocket.headers.get("authorization", "")
        if not header:
            return _Failed(_NO_HEADER, "no Authorization header")
        word, _, token = header.partition(" ")
        if word != "Token":
            return _Failed(_BAD_HEADER, "malformed header")
        known = compare_digest(token.encode("utf-8", "replace"), self._venue.key.encode())
        return None if known else _Failed(_STRANGER, "authentication failure")

    async def _serve(self) -> None:
        await until_one_ends(self._listen(), self._publish(), self._venue.closing.wait())

    # ---- what the client says

    async def _listen(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message["code"])
            event, tag = "", None
            try:
                said = self._parsed(message.get("text") or "")
                event, tag = str(said.get("event", "")), said.get("tag")
                await self._take(event, said)
            except _Failed as trouble:
                await self._fail(event, trouble, tag=tag)

    def _parsed(self, text: str) -> dict[str, Any]:
        try:
            said = json.loads(text, parse_float=Decimal)
        except ValueError as trouble:
            raise _Failed(_NOT_JSON, "not JSON") from trouble
        if not isinstance(said, dict) or "event" not in said:
            raise _Failed(_NO_EVENT, "no event")
        return said

    async def _take(self, event: str, said: dict[str, Any]) -> None:
        name = str(said.get("instrument", ""))
        tag = {"tag": said["tag"]} if "tag" in said else {}
        if event == "unsubscribe":
            if self._levels.pop(name, None) is None:
                raise _Failed(_NOT_SUBSCRIBED, "not subscribed")
            await self._send({"event": event, "success": True, "instrument": name, **tag})
            return
        if event != "subscribe":
            raise _Failed(_NO_EVENT, "unknown event")
        if self._names.get(name) not in self._venue.personality.pairs:
            raise _Failed(_NOT_ALLOWED, "instrument not allowed", instrument="not allowed")
        if name in self._levels:
            raise _Failed(_TWICE, "already subscribed")
        self._levels[name] = self._checked(name, said.get("levels"))
        levels = said["levels"]
        ack = {"event": event, "success": True, "instrument": name, "levels": levels, **tag}
        await self._send(ack)
        await self._tick(name)

    def _checked(self, name: str, told: object) -> tuple[Decimal, ...]:
        """Sizes in base units, as JSON numbers."""
        levels = told if isinstance(told, list) else []
        right = all(isinstance(x, int | Decimal) and not isinstance(x, bool) for x in levels)
        sizes = tuple(sorted(Decimal(level) for level in levels)) if right else ()
        if not 0 < len(sizes) <= _MAX_LEVELS or sizes[0] <= 0 or self._too_large(name, sizes):
            raise _Failed(_BAD_SUBSCRIPTION, "subscription invalid", levels="not allowed")
        return sizes

    def _too_large(self, name: str, sizes: tuple[Decimal, ...]) -> bool:
        mid = self._venue.dealer.mid(self._names[name], self._venue.now_ns())
        return sizes[-1] * mid > self._venue.personality.max_notional

    # ---- what the venue says

    async def _publish(self) -> None:
        while True:
            if self._venue.dark():
                self._reset()
            await asyncio.sleep(1 / self._venue.personality.ticks_per_second)
            for name in tuple(self._levels):
                await self._tick(name)

    async def _tick(self, name: str) -> None:
        venue, mood = self._venue, self._venue.mood(Stage.TICK)
        if mood is Mood.FREEZE:
            return
        if mood is Mood.DROP:
            self._reset()
        if mood is Mood.GAP:
            await self._fail("price", _Failed(_NO_PRICE, "no price for 2 s"), instrument=name)
            return
        if self._too_large(name, self._levels[name]):
            trouble = _Failed(_LEVEL_GONE, "max quantity changed", closes=True)
            await self._fail("price", trouble, instrument=name)
            return
        symbol, sizes, now_ns = self._names[name], self._levels[name], venue.now_ns()
        book = venue.dealer.levels(venue.personality, symbol, sizes, now_ns, mood)
        self._shown[symbol] = book
        told_ms = venue.clock_ns() // 1_000_000
        if mood is Mood.WRONG_SYMBOL:
            name = next(other for other in self._names if other != name)
        if mood is Mood.REORDER:
            told_ms -= 60_000
        frame = {
            "event": "price",
            "success": True,
            "instrument": name,
            "timestamp": told_ms,
            "levels": {
                side.lower(): [_level(q, s) for q, s in zip(quotes, sizes, strict=True)]
                for side, quotes in book.items()
            },
        }
        await self._send(frame)
        if mood is Mood.REPEAT_TICK:
            await self._send(frame)

    async def _fail(self, event: str, trouble: _Failed, **more: object) -> None:
        frame = {
            "event": event,
            "success": False,
            "error_code": trouble.code,
            "error_message": trouble.message,
            "errors": trouble.errors,
            **{name: value for name, value in more.items() if value is not None},
        }
        await self._send(frame)
        if trouble.closes:
            await self._websocket.close()
            raise WebSocketDisconnect

    async def _send(self, frame: dict[str, Any]) -> None:
        await self._websocket.send_text(json.dumps(frame, default=_number))

    def _reset(self) -> None:
        reset_connection(self._websocket.scope["state"]["transport"])
        raise WebSocketDisconnect


def _level(quote: Quote | None, size: Decimal) -> dict[str, str | None]:
    return {"quantity": f"{size:f}", "price": f"{quote.price:f}" if quote else None}


def _number(value: object) -> int | float:
    """A size that is sent back as it came; prices are texts."""
    assert isinstance(value, Decimal)
    return int(value) if value == int(value) else float(value)
