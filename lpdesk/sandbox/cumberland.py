"""A stand-in that speaks Cumberland: streaming quotes and trades over WebSocket, a little REST.

Who speaks is known by the client's certificate where it is served over TLS; a message says on whose
behalf. Nothing here is shared with the adapter: two readings of one description that must agree.
"""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from lpdesk.sandbox.book import Execution
from lpdesk.sandbox.dealing import Quote
from lpdesk.sandbox.market import PAIRS
from lpdesk.sandbox.personality import Mood, Stage
from lpdesk.sandbox.venue import Venue
from lpdesk.sandbox.wire import reset_connection, until_one_ends

COUNTERPARTY: Final = "lpdesk"
_NS_PER_MS: Final = 1_000_000
_MAX_HISTORY: Final = 500
_SOMEBODY_ELSE: Final = {"counterpartyId": COUNTERPARTY, "userId": "somebody-else"}

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode

Said = dict[str, Any]


def app(venue: Venue) -> Starlette:
    """The venue's voice."""
    voice = _Cumberland(venue)
    return Starlette(
        routes=[
            Route("/time", voice.time),
            Route("/status", voice.status),
            Route("/reference_data", voice.reference_data),
            WebSocketRoute("/messaging", voice.messaging),
        ]
    )


class _Cumberland:
    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._quotes: dict[str, tuple[str, int]] = {}  # order -> id and version it was dealt on

    async def time(self, _: Request) -> Response:
        return _json({"messageType": "TIME_RESPONSE", "time": _ms(self._venue)})

    async def status(self, _: Request) -> Response:
        kinds = dict.fromkeys(("STREAMING_QUOTE_REQUEST", "TRADE_REQUEST"), "UP")
        return _json({"systemStatus": "UP", "requestTypes": kinds})

    async def reference_data(self, request: Request) -> Response:
        venue = self._venue
        if venue.dark():
            return Response("<html>closed</html>", 503, media_type="text/html")
        tickers = [
            {
                "id": symbol.replace("/", "_"),
                "base": symbol.split("/")[0],
                "counter": symbol.split("/")[1],
                "priceScale": pair.price_decimals,
                "quantityScale": pair.size_decimals,
                "status": "OPEN",
                "enabled": symbol in venue.personality.pairs,
            }
            for symbol, pair in PAIRS.items()
        ]
        ref = {"version": 1, "id": "reference-1"}
        return _json({"referenceDataResponseId": ref, "availableTickers": tickers})

    async def messaging(self, websocket: WebSocket) -> None:
        await _Session(self._venue, websocket, self._quotes).run()


@dataclass
class _Stream:
    """One open quote."""

    request: Said
    symbol: str
    quantity: Decimal
    quote_id: str
    version: int = 0
    sides: dict[str, Quote] | None = None


class _Session:
    """One connection until either side ends it."""

    def __init__(
        self, venue: Venue, websocket: WebSocket, dealt: dict[str, tuple[str, int]]
    ) -> None:
        self._venue = venue
        self._websocket = websocket
        self._dealt = dealt
        self._streams: dict[str, _Stream] = {}  # by quote id
        self._ids = count(1)
        self._jobs: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Returns when the connection is over; lets no outside failure through."""
        if self._venue.dark():
            await self._websocket.close()
            return
        await self._websocket.accept()
        with suppress(WebSocketDisconnect, RuntimeError):  # the latter: sent after its end
            await self._serve()

    async def _serve(self) -> None:
        try:
            await until_one_ends(self._listen(), self._publish(), self._venue.closing.wait())
        finally:
            for job in self._jobs:
                job.cancel()
            await asyncio.gather(*self._jobs, return_exceptions=True)
        await self._websocket.close()

    # ---- what the client says

    async def _listen(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message["code"])
            said = json.loads(message.get("text") or "{}", parse_float=Decimal)
            if said.get("externalIdentity") != self._identity():
                await self._err(said, "unknown counterparty or user")
                continue
            job = asyncio.ensure_future(self._take(said))
            self._jobs.add(job)
            job.add_done_callback(self._jobs.discard)

    def _identity(self) -> Said:
        return {"counterpartyId": COUNTERPARTY, "userId": self._venue.key}

    async def _take(self, said: Said) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            match said.get("messageType"):
                case "STREAMING_QUOTE_REQUEST":
                    await self._open(said)
                case "STREAMING_QUOTE_CLOSE_REQUEST":
                    await self._end(said["quoteResponseId"]["id"], "Closed by client")
                case "TRADE_REQUEST":
                    await self._trade(said)
                case "TRADE_HISTORY_REQUEST":
                    await self._history(said)
                case _:
                    await self._err(said, "unknown message type")

    async def _open(self, said: Said) -> None:
        venue, symbol = self._venue, said["ticker"].replace("_", "/")
        mood = venue.mood(Stage.QUOTE)
        await venue.think()
        if mood is Mood.HANG_QUOTE:
            return
        size = said["quantity"]
        quantity = Decimal(size["quantity"])
        if size["currency"] == symbol.split("/")[-1]:
            quantity = venue.dealer.size(symbol, quantity, venue.now_ns())
        stream = _Stream(said, symbol, quantity, f"{venue.next_id()}-Q")
        if symbol not in venue.personality.pairs:
            await self._send(self._closed(stream, "REJECTED", "Ticker is not enabled"))
            return
        self._streams[stream.quote_id] = stream
        await self._tick(stream)

    async def _trade(self, said: Said) -> None:
        venue, ref = self._venue, said["quoteResponseId"]
        order_id, side = said["counterpartyRequestId"], said["counterpartyAction"]
        await venue.think()
        mood = venue.mood(Stage.EXECUTE)
        if mood is Mood.HANG_EXECUTE:
            return
        if mood is Mood.RESET_BEFORE_FILL:
            self._reset()
        await venue.wait(venue.personality.hold_ms)
        stream = self._streams.get(ref["id"])
        current = stream is not None and stream.version == ref["version"]
        quote = stream.sides[side] if stream and stream.sides and current else None
        named = quote.quote_id if quote else f"{ref['id']}/{ref['version']}"
        self._dealt[order_id] = (ref["id"], ref["version"])
        execution = await venue.deal(named, order_id, quote.quantity if quote else None, mood)
        if mood is Mood.RESET_AFTER_FILL:
            self._reset()
        if mood is Mood.ERROR_AFTER_FILL:
            await self._err(said, "something went wrong")
        elif mood is not Mood.HANG_AFTER_FILL and execution.shown_from_ns <= venue.now_ns():
            await self._send(self._traded(execution, said))
        if execution.status != "REJECTED":
            await self._end(ref["id"], "Filled")

    async def _history(self, said: Said) -> None:
        venue, mood = self._venue, self._venue.mood(Stage.STATUS)
        if mood is Mood.HANG_STATUS:
            return
        booked = await venue.executions() if mood is not Mood.LOSE_STATUS else ()
        shown = [each for each in reversed(booked) if each.shown_from_ns <= venue.now_ns()]
        wanted = min(max(1, int(said["numberOfRecords"])), _MAX_HISTORY)
        rows = [self._traded(each, None) for each in shown[:wanted]]
        await self._answer("TRADE_HISTORY_RESPONSE", said, historicalTrades=rows)

    # ---- what the venue says

    async def _publish(self) -> None:
        while True:
            if self._venue.dark():
                self._reset()
            await asyncio.sleep(1 / self._venue.personality.ticks_per_second)
            for stream in tuple(self._streams.values()):
                await self._tick(stream)

    async def _tick(self, stream: _Stream) -> None:
        venue, mood = self._venue, self._venue.mood(Stage.TICK)
        if mood is Mood.FREEZE:
            return
        if mood is Mood.DROP:
            self._reset()
        if mood is Mood.GAP:
            await self._end(stream.quote_id, "Market closed")
            return
        now_ns, habits = venue.now_ns(), venue.personality
        levels = venue.dealer.levels(habits, stream.symbol, (stream.quantity,), now_ns, mood)
        [buy], [sell] = levels["BUY"], levels["SELL"]
        if buy is None or sell is None:
            self._streams.pop(stream.quote_id, None)
            await self._send(self._closed(stream, "REJECTED", "Size is outside the limits"))
            return
        stream.version += 1
        stream.sides = {"BUY": buy, "SELL": sell}
        frame = self._open_frame(stream, mood)
        await self._send(frame)
        if mood is Mood.REPEAT_TICK:
            await self._send(frame)
        if mood is Mood.REORDER:  # late, with a price that was never there
            ref = {"id": stream.quote_id, "version": stream.version - 1}
            await self._send(_halved(frame) | {"quoteResponseId": ref})
        stranger = _halved(frame) | {"externalIdentity": _SOMEBODY_ELSE}
        stranger["quoteResponseId"] = {"id": stream.quote_id, "version": stream.version + 1_000}
        await self._send(stranger)  # who shares our counterparty is heard by us

    def _open_frame(self, stream: _Stream, mood: object) -> Said:
        assert stream.sides is not None
        base, cash = stream.symbol.split("/")
        ticker = stream.symbol.replace("/", "_")
        if mood is Mood.WRONG_SYMBOL:
            ticker = next(symbol for symbol in PAIRS if symbol != stream.symbol).replace("/", "_")
        frame = self._head(stream, "OPEN", None)
        lives_ms, made_ms = self._venue.personality.validity_ms, _ms(self._venue)
        frame |= {
            "creationTime": made_ms,
            "timeToLive": lives_ms,
            "expireTime": made_ms + lives_ms,
        }
        for side, quote in stream.sides.items():
            name, total = side.lower(), quote.price * quote.quantity
            frame |= {
                f"{name}Quantity": {"quantity": quote.quantity, "currency": base},
                f"{name}UnitPrice": {"price": quote.price, "ticker": ticker, "currency": cash},
                f"{name}TotalAmount": {"amount": total, "currency": cash},
            }
        return frame

    def _head(self, stream: _Stream, status: str, reason: str | None) -> Said:
        return {
            "messageType": "STREAMING_QUOTE_RESPONSE",
            "counterpartyRequestId": stream.request["counterpartyRequestId"],
            "status": status,
            "reason": reason,
            "quoteResponseId": {"id": stream.quote_id, "version": stream.version},
            "quoteRequest": stream.request,
            "externalIdentity": self._identity(),
        }

    def _closed(self, stream: _Stream, status: str, reason: str) -> Said:
        return self._head(stream, status, reason)

    async def _end(self, quote_id: str, reason: str) -> None:
        stream = self._streams.pop(quote_id, None)
        if stream is not None:
            stream.version += 1
            await self._send(self._closed(stream, "CLOSED", reason))

    def _traded(self, execution: Execution, request: Said | None) -> Said:
        """As it is told at once, and in the history, which repeats the request as it was."""
        order_id, filled = execution.client_order_id, execution.status != "REJECTED"
        quote_id, version = self._dealt.get(order_id, ("", 0))
        echo = request or {
            "messageType": "TRADE_REQUEST",
            "quoteResponseId": {"id": quote_id, "version": version},
            "counterpartyAction": execution.side,
            "counterpartyRequestId": order_id,
            "externalIdentity": self._identity(),
        }
        told: Said = {
            "messageType": "TRADE_RESPONSE",
            "tradeResponseId": execution.execution_id,
            "tradeRequest": echo,
            "status": "FILLED" if filled else "REJECTED",
            "reason": None if filled else execution.reason.replace("_", " ").capitalize(),
            "tradeTime": execution.at_ns // _NS_PER_MS,
            "counterpartyAction": echo["counterpartyAction"],
        }
        if not filled:
            return told | {"tradeId": None}
        base, cash = execution.symbol.split("/")
        price, quantity = Decimal(execution.fill_price), Decimal(execution.fill_quantity)
        ticker = execution.symbol.replace("/", "_")
        return told | {
            "tradeId": execution.execution_id,
            "quantity": {"quantity": quantity, "currency": base},
            "unitPrice": {"price": price, "ticker": ticker, "currency": cash},
            "totalAmount": {"amount": price * quantity, "currency": cash},
        }

    async def _err(self, said: Said, reason: str) -> None:
        await self._answer("ERROR_RESPONSE", said, reason=reason)

    async def _answer(self, kind: str, said: Said, **more: object) -> None:
        about = str(said.get("counterpartyRequestId", ""))
        head = {"messageType": kind, "counterpartyRequestId": about}
        identity = said.get("externalIdentity", self._identity())
        await self._send({**head, **more, "externalIdentity": identity})

    async def _send(self, frame: Said) -> None:
        await self._websocket.send_text(_encode(frame).decode())

    def _reset(self) -> None:
        reset_connection(self._websocket.scope["state"]["transport"])
        raise WebSocketDisconnect


def _halved(frame: Said) -> Said:
    """The frame at prices that would be a bargain."""
    sides = ("buyUnitPrice", "sellUnitPrice")
    return frame | {side: frame[side] | {"price": frame[side]["price"] / 2} for side in sides}


def _ms(venue: Venue) -> int:
    return venue.clock_ns() // _NS_PER_MS


def _json(content: Said) -> Response:
    return Response(_encode(content), media_type="application/json")
