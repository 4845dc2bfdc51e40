"""`kind = "cumberland"`: a price for each request's own size, streamed; behind TLS that knows us.

The stream of a request goes on for a while after it has ended: an order may still follow. An order
deals on the newest version if that is no worse than what was counted on, else it is not sent.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import replace
from itertools import count
from typing import Final

from msgspec import Struct
from websockets.asyncio.client import ClientConnection

from lpdesk.clock import Clock
from lpdesk.domain.events import ExecutionsAsked, LpAsked, OrderQueried, OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.reports import LpFailed, OrderLost, OrderNotSent
from lpdesk.domain.values import MILLISECOND, SECOND, Instant, Side
from lpdesk.domain.wire import Fields, Malformed, parse
from lpdesk.venues import cumberland_words as words
from lpdesk.venues.base import Endpoint, Submit, Tasks
from lpdesk.venues.cumberland_reads import RECENT, History, Offers
from lpdesk.venues.cumberland_words import PAGE, Us
from lpdesk.venues.mutual import context
from lpdesk.venues.pushed import websocket
from lpdesk.venues.pushing import Pushing
from lpdesk.venues.socket import Socket
from lpdesk.venues.ticks import Top

PULSE_S = 0.05
EXECUTE_NS = 30 * SECOND
LINGER_NS = 5 * SECOND
"""A stream without a price ends so long after its request."""

AGAIN_NS = SECOND
"""A stream that was closed on us is asked for again after so long."""

MESSAGE_LIMIT: Final = 4 * 1024 * 1024
LONG: Final = 64 * 1024
_REMEMBERED: Final = 1_024
_ENDLESS_NS: Final = 86_400 * SECOND


class _Stream(Struct):
    """What one ask gets: the newest version, and whether anybody still waits for more."""

    ask: LpAsked
    request_id: str
    top: Top
    quote_id: str = ""
    version: int = -1
    released_at: Instant | None = None
    again_at: Instant | None = None


class CumberlandVenue:
    """Cumberland over its WebSocket. Raises ValueError for an endpoint that can never work."""

    def __init__(self, endpoint: Endpoint, submit: Submit, clock: Clock) -> None:
        self.name = endpoint.name
        self.malformed = 0
        self._us = Us.of(endpoint)
        self._submit = submit
        self._clock = clock
        tls = context(endpoint)
        if endpoint.url.startswith("https:") and not endpoint.options.get("certificate"):
            raise ValueError(f"{endpoint.name}: options.certificate: is needed")
        # A quote says itself how long it holds, and comes again only when it changes.
        self._pushing = Pushing(
            replace(endpoint, stale_ns=_ENDLESS_NS), submit, clock, replaces=True
        )
        self._socket = Socket(
            endpoint.name,
            websocket(endpoint.url, "/messaging"),
            self,
            clock,
            context=tls,
            heartbeats=False,
            limit=MESSAGE_LIMIT,
        )
        self._tasks = Tasks(endpoint.name)
        self._run = f"{clock.now() // MILLISECOND:x}"
        self._ids = count(1)
        self._streams: dict[str, _Stream] = {}  # by the id of our request
        self._orders: dict[str, Instant] = {}  # sent, not answered -> since when
        self._history = History(self.name, self._us, submit, clock, self._run, self._socket.send)
        self._offers = Offers(endpoint, clock, tls)
        self._done: OrderedDict[str, None] = OrderedDict()  # orders whose outcome was told

    # ---- what the desk wants

    async def start(self) -> None:
        """Connect in the background, again and again."""
        self._tasks.spawn(self._socket.run())
        self._tasks.spawn(self._pulse())

    def ask(self, ask: LpAsked) -> None:
        """A stream of its own; the request's former one, of another size, ends."""
        asyncio.get_running_loop().call_soon(self._begin, ask)

    def execute(self, order: OrderSent) -> None:
        """One order, sent once or not at all."""
        self._tasks.spawn(self._execute(order))

    def query(self, query: OrderQueried) -> None:
        """One look into the history."""
        self._tasks.spawn(self._history.seek(query, RECENT))

    def list_executions(self, asked: ExecutionsAsked) -> None:
        """All of the history that there is."""
        self._tasks.spawn(self._history.seek(asked, PAGE))

    def release(self, rfq_id: str) -> None:
        """No more prices for that request."""
        self._pushing.release(rfq_id)
        for stream in self._streams.values():
            if stream.ask.rfq_id == rfq_id and stream.released_at is None:
                stream.released_at = self._clock.now()

    async def close(self) -> None:
        """Break the connection and end all work; an order on its way is asked for later."""
        self._pushing.clear()
        await self._tasks.close()
        await self._offers.close()

    # ---- streams

    def _begin(self, ask: LpAsked) -> None:
        self.release(ask.rfq_id)
        if missing := self._offers.objection(ask.symbol):
            reason = Reason.DECLINED
            self._submit(LpFailed(lp=self.name, ask_id=ask.ask_id, reason=reason, text=missing))
            return
        stream = _Stream(ask, self._next_id(), Top())
        if self._pushing.begin(ask, stream.top):
            self._streams[stream.request_id] = stream
            self._request(stream)

    def _next_id(self) -> str:
        return f"{self._run}-{next(self._ids):x}"

    def _request(self, stream: _Stream) -> None:
        self._say(words.stream_request(self._us, stream.ask, stream.request_id))

    def _say(self, text: str) -> None:
        if self._socket.is_up:
            self._tasks.spawn(self._send(text))

    async def _send(self, text: str) -> None:
        await self._socket.send(text)

    def _quoted(self, fields: Fields) -> None:
        stream = self._streams.get(fields.text("counterpartyRequestId"))
        if stream is None:
            return
        status = fields.text("status").upper()
        if status != "OPEN":
            said = f"{status.lower()} {fields.text('reason')}".strip() or "no status"
            self._over(stream, Reason.DECLINED if status == "REJECTED" else Reason.WITHDRAWN, said)
            return
        ref = fields.inner("quoteResponseId")
        quote_id, version = ref.identifier("id"), ref.whole("version")
        if stream.quote_id == quote_id and version <= stream.version:
            return  # older than what stands, or the same again
        stream.quote_id, stream.version = quote_id, version
        try:
            stream.top.tick = words.tick(stream.ask, fields, self._clock.now())
            self._pushing.tops[stream.ask.symbol].tick = stream.top.tick
        except Malformed as trouble:
            self.malformed += 1
            stream.top.lose(Reason.MALFORMED, trouble.text)
        self._pushing.touched(stream.top)
        self._pushing.moved(stream.ask.symbol)

    def _over(self, stream: _Stream, reason: Reason, text: str) -> None:
        """They end it. Who still waits is told so, or gets a stream anew after a while."""
        first = stream.top.tick is None
        stream.top.lose(reason, text)
        self._pushing.touched(stream.top)
        stream.quote_id, stream.version = "", -1
        if stream.released_at is not None or (first and reason is Reason.DECLINED):
            self._pushing.drop(stream.ask.ask_id, reason, text)
            self._streams.pop(stream.request_id, None)
        else:
            stream.again_at = self._clock.now() + AGAIN_NS

    def _look_after(self, stream: _Stream, now: Instant) -> None:
        """End a stream that nobody can deal on any more; ask again for one that was closed."""
        if stream.released_at is not None:
            tick = stream.top.tick
            ends = stream.released_at + LINGER_NS if tick is None else tick.expires_at
            if now >= min(ends, stream.released_at + LINGER_NS):
                self._streams.pop(stream.request_id, None)
                if stream.quote_id:
                    ref = (stream.quote_id, stream.version)
                    self._say(words.stream_close(self._us, stream.request_id, *ref))
        elif stream.again_at is not None and now >= stream.again_at:
            self._renew(stream)

    def _renew(self, stream: _Stream) -> None:
        self._streams.pop(stream.request_id, None)
        stream.request_id, stream.again_at = self._next_id(), None
        stream.quote_id, stream.version = "", -1
        self._streams[stream.request_id] = stream
        self._request(stream)

    # ---- orders

    async def _execute(self, order: OrderSent) -> None:
        """Checks and sends in one go: nothing can come between."""
        quote_id = order.quote_ref.rpartition("/")[0]
        known = (s for s in self._streams.values() if quote_id and s.quote_id == quote_id)
        stream = next(known, None)
        if refusal := self._unfit(order, stream):
            reason, text = refusal
            lp, order_id = order.lp, order.order_id
            self._submit(OrderNotSent(lp=lp, order_id=order_id, reason=reason, text=text))
            return
        assert stream is not None
        self._orders[order.order_id] = self._clock.now()
        ref = (stream.quote_id, stream.version)
        text = words.trade_request(self._us, order.order_id, *ref, order.side)
        if not await self._socket.send(text) and self._orders.pop(order.order_id, 0):
            text = "not connected"
            lp, order_id = order.lp, order.order_id
            self._submit(
                OrderNotSent(lp=lp, order_id=order_id, reason=Reason.UNREACHABLE, text=text)
            )

    def _unfit(self, order: OrderSent, stream: _Stream | None) -> tuple[Reason, str] | None:
        """Why an order is not sent: it would be rejected, or deal something else."""
        now = self._clock.now()
        if now > order.send_by:
            return Reason.TOO_LATE, ""
        if not self._socket.is_up:
            return Reason.UNREACHABLE, "not connected"
        tick = stream.top.tick if stream else None
        if tick is None or now >= tick.expires_at:
            return Reason.QUOTE_EXPIRED, "its quote is closed"
        level = tick.ladder(order.side)[0]
        worse = level.price > order.price
        if order.side is Side.SELL:
            worse = level.price < order.price
        if worse:
            return Reason.PRICE_MOVED, f"its version is gone, {level.price:f} now"
        if level.size != order.quantity:
            return Reason.SIZE, f"the quote is for {level.size:f}"
        return None

    def _traded(self, fields: Fields) -> None:
        order_id = words.order_of(fields)
        if order_id in self._done:
            return
        known = self._orders.pop(order_id, None) is not None
        try:
            report: Report = words.outcome(self.name, order_id, fields)
        except Malformed as trouble:
            self.malformed += 1
            if not known:
                return
            reason, text = Reason.MALFORMED, trouble.text
            report = OrderLost(lp=self.name, order_id=order_id, reason=reason, text=text)
        else:
            self._remember(order_id)
        self._submit(report)

    def _remember(self, order_id: str) -> None:
        self._done[order_id] = None
        if len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)

    def _lose(self, order_id: str, reason: Reason, text: str) -> None:
        if self._orders.pop(order_id, None) is not None:
            self._submit(OrderLost(lp=self.name, order_id=order_id, reason=reason, text=text))

    # ---- the connection

    async def log_on(self, socket: ClientConnection) -> None:
        """The certificate has said who we are. Streams are asked for once it is up."""
        self._pushing.welcome()
        asyncio.get_running_loop().call_soon(self._up)

    def _up(self) -> None:
        self._tasks.spawn(self._offers.read(self._us))
        for stream in list(self._streams.values()):
            if stream.released_at is None:
                self._renew(stream)

    def heard(self, message: str | bytes) -> None:
        """A long history is read beside the prices."""
        if len(message) > LONG:
            self._tasks.spawn(self._hear_long(message))
            return
        try:
            self._take(Fields(parse(message)))
        except Malformed:
            self.malformed += 1

    async def _hear_long(self, message: str | bytes) -> None:
        try:
            self._take(Fields(await asyncio.to_thread(parse, message)))
        except Malformed:
            self.malformed += 1

    def _take(self, fields: Fields) -> None:
        if not self._us.is_meant(fields):
            return
        match fields.text("messageType"):
            case "STREAMING_QUOTE_RESPONSE":
                self._quoted(fields)
            case "TRADE_RESPONSE":
                self._traded(fields)
            case "TRADE_HISTORY_RESPONSE":
                self._history.found(fields)
                while self._history.again:
                    self._tasks.spawn(self._history.seek(self._history.again.pop(), PAGE))
            case "ERROR_RESPONSE":
                self._erred(fields)

    def _erred(self, fields: Fields) -> None:
        """Not documented further. Of an order it does not say that it was not dealt."""
        about = fields.text("counterpartyRequestId")
        said = fields.text("reason") or fields.text("message") or "an error without words"
        if about in self._orders:
            self._lose(about, Reason.LP_ERROR, said)
        elif stream := self._streams.get(about):
            self._over(stream, Reason.DECLINED, said)
        else:
            self._history.unsaid(about, Reason.LP_ERROR, said)

    def refused(self, text: str) -> None:
        """No ask needs to wait."""
        self._pushing.refuse(text)

    def broken(self) -> None:
        """Every price is gone, every order on its way is lost, no history will come."""
        for stream in list(self._streams.values()):
            if stream.released_at is not None:
                del self._streams[stream.request_id]
                continue
            stream.quote_id, stream.version, stream.again_at = "", -1, None
        self._pushing.break_off()
        for order_id in list(self._orders):
            self._lose(order_id, Reason.UNREACHABLE, "connection broken")
        self._history.broken()

    async def _pulse(self) -> None:
        """What only time brings."""
        while True:
            await asyncio.sleep(PULSE_S)
            now = self._clock.now()
            self._pushing.pulse()
            for stream in list(self._streams.values()):
                self._look_after(stream, now)
            for order_id, since in list(self._orders.items()):
                if now - since > EXECUTE_NS:
                    self._lose(order_id, Reason.TIMED_OUT, "no answer in time")
            self._history.pulse(now)
