"""A stand-in's dealing over FIX: requests for quotes, streams, books, orders, status."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from hmac import compare_digest
from typing import Any, Final

from lpdesk.sandbox.book import Execution
from lpdesk.sandbox.dealing import Quote
from lpdesk.sandbox.fix.session import Ledger, Session
from lpdesk.sandbox.fix.wire import Fields, Message, stamp
from lpdesk.sandbox.personality import Mood, Stage, Verbatim
from lpdesk.sandbox.venue import Venue
from lpdesk.sandbox.wire import Refusal, reset_connection

_NS_PER_MS: Final = 1_000_000
_MAX_STREAMS: Final = 64
_SIDES: Final = {"1": "BUY", "2": "SELL"}
_REJECTED: Final = {
    "QUOTE_EXPIRED": "4", "UNKNOWN_QUOTE": "8", "QUOTE_USED": "8", "QUANTITY_TOO_LARGE": "3",
    "QUOTE_REPLACED": "8", "DUPLICATE": "6",
}  # fmt: skip
"""OrdRejReason."""

_SILENT: Final = (Mood.HANG_AFTER_FILL, Mood.HIDE_FILL)


class Line:
    """One client's connection to a stand-in."""

    def __init__(self, venue: Venue, ledgers: dict[str, Ledger]) -> None:
        self._venue = venue
        name = venue.personality.name.upper()
        self._session = Session(name, ledgers, venue.clock_ns, self._letting_in, self._take)
        self._jobs: set[asyncio.Task[None]] = set()
        self._streams: dict[str, asyncio.Task[None]] = {}  # by QuoteReqID or MDReqID
        self._stands: dict[str, str] = {}  # QuoteReqID: the quote that stands for it
        self._replaced: set[str] = set()  # quotes that another one took the place of
        self._transport: asyncio.WriteTransport | None = None

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves until either side ends it."""
        self._transport = writer.transport
        try:
            if not self._venue.dark():
                await self._session.run(reader, writer)
                await writer.drain()
        except OSError:
            pass
        finally:
            for job in self._jobs:
                job.cancel()
            writer.close()

    def _letting_in(self, logon: Message) -> str:
        offered, known = (logon.get(553), logon.get(554)), (self._venue.key, self._venue.secret)
        good = all(
            compare_digest(a.encode("latin-1", "replace"), b.encode())
            for a, b in zip(offered, known, strict=True)
        )
        return "" if good else "unknown user or wrong password"

    def _take(self, message: Message) -> None:
        match message.kind:
            case "R":
                self._begin(self._request(message))
            case "V":
                self._market_data(message)
            case "Z":
                self._stop(message.get(131))
            case "D":
                self._begin(self._order(message))
            case "H":
                self._begin(self._status(message))
            case kind:
                body: Fields = [(45, message.get(34)), (372, kind), (380, "3")]
                self._session.send("j", body)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        async def guarded() -> None:
            with suppress(Refusal):  # the venue is closing
                await work

        job = asyncio.ensure_future(guarded())
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        job.add_done_callback(lambda _: work.close())  # it may have been canceled unbegun
        return job

    def _stop(self, request_id: str) -> None:
        if stream := self._streams.pop(request_id, None):
            stream.cancel()

    def _reset(self) -> None:
        if self._transport:
            reset_connection(self._transport)

    # ---- prices

    async def _request(self, message: Message) -> None:
        mood = self._venue.mood(Stage.QUOTE)
        await self._venue.think()
        if mood is Mood.HANG_QUOTE:
            return
        request_id, symbol = message.get(131), message.get(55)
        try:
            self._venue.spend()
            side, quantity = self._wish(message)
            quote = self._price(symbol, side, quantity, mood)
        except Refusal as refusal:
            code = {"UNKNOWN_SYMBOL": "1", "SIZE_OUT_OF_LIMITS": "3"}.get(refusal.code, "99")
            body: Fields = [(131, request_id), (658, code), (146, "1"), (55, symbol or "?")]
            self._session.send("AG", [*body, (58, refusal.code)])
            return
        self._session.send("S", self._quote(request_id, quote))
        if self._venue.personality.kind == "fix-stream" and len(self._streams) < _MAX_STREAMS:
            self._streams[request_id] = self._begin(self._stream(request_id, quote))

    def _wish(self, message: Message) -> tuple[str, Decimal]:
        side = _SIDES.get(message.get(54))
        try:
            quantity = Decimal(message.get(38))
        except InvalidOperation:
            quantity = Decimal(0)
        if message.get(55) not in self._venue.personality.pairs:
            raise Refusal(422, "UNKNOWN_SYMBOL", "symbol is not offered here")
        if side is None or not quantity.is_finite() or quantity <= 0:
            raise Refusal(422, "BAD_FIELD", "side and quantity are needed")
        return side, quantity

    def _price(self, symbol: str, side: str, quantity: Decimal, mood: Any) -> Quote:
        venue = self._venue
        return venue.dealer.one_way(venue.personality, symbol, side, quantity, venue.now_ns(), mood)

    async def _stream(self, request_id: str, quote: Quote) -> None:
        """A new S whenever a tick is due, each in place of the one before."""
        while True:
            await asyncio.sleep(1 / self._venue.personality.ticks_per_second)
            if self._venue.dark():
                self._reset()
                return
            mood = self._venue.mood(Stage.TICK)
            if mood is not Mood.FREEZE:
                fresh = self._price(quote.symbol, quote.side, quote.quantity, mood)
                self._session.send("S", self._quote(request_id, fresh))

    def _quote(self, request_id: str, quote: Quote) -> Fields:
        """An S, which ends the one before it on the same request."""
        now = self._venue.clock_ns()
        former, self._stands[request_id] = self._stands.get(request_id), quote.quote_id
        if former and former != quote.quote_id:
            self._replaced.add(former)
        price, size = (133, 135) if quote.side == "BUY" else (132, 134)
        return [
            (131, request_id), (117, quote.quote_id), (537, "1"), (55, quote.symbol),
            (price, f"{quote.price:f}"), (size, f"{quote.quantity:f}"),
            (15, quote.symbol.partition("/")[0]),
            (62, stamp(now + quote.expires_in_ms * _NS_PER_MS)), (60, stamp(now)),
        ]  # fmt: skip

    def _market_data(self, message: Message) -> None:
        request_id, symbols = message.get(262), message.all(55)
        if message.get(263) == "2":
            self._stop(request_id)
        elif not set(symbols) <= set(self._venue.personality.pairs) or not symbols:
            self._session.send("Y", [(262, request_id), (281, "0")])
        elif request_id in self._streams or len(self._streams) >= _MAX_STREAMS:
            self._session.send("Y", [(262, request_id), (281, "1")])
        else:
            self._streams[request_id] = self._begin(self._books(request_id, symbols))

    async def _books(self, request_id: str, symbols: list[str]) -> None:
        while True:
            for symbol in symbols:
                self._book(request_id, symbol)
            await asyncio.sleep(1 / self._venue.personality.ticks_per_second)
            if self._venue.dark():
                self._reset()
                return

    def _book(self, request_id: str, symbol: str) -> None:
        venue = self._venue
        mood = venue.mood(Stage.TICK)
        if mood is Mood.FREEZE:
            return
        if mood is Mood.DROP:
            self._reset()
            return
        if mood is Mood.GAP:
            self._session.skip()
        habits = venue.personality
        levels = venue.dealer.book(habits, symbol, venue.now_ns(), mood, habits.book_levels)
        if mood is Mood.WRONG_SYMBOL:
            symbol = next(each for each in habits.pairs if each != symbol)
        until = stamp(venue.clock_ns() + levels[0][0].expires_in_ms * _NS_PER_MS)
        sides = [(side, each) for pair in levels for side, each in zip("01", pair, strict=True)]
        body: Fields = [(262, request_id), (55, symbol), (62, until), (268, str(len(sides)))]
        for side, quote in sides:
            body += [(269, side), (270, f"{quote.price:f}"), (271, f"{quote.quantity:f}")]
            body.append((299, quote.quote_id))
        for _ in range(2 if mood is Mood.REPEAT_TICK else 1):
            self._session.send("W", body)

    # ---- orders

    async def _order(self, message: Message) -> None:
        venue, order_id = self._venue, message.get(11)
        await venue.think()
        earlier = await venue.find(order_id)
        if earlier:  # the same order again: what became of it, and never a second deal
            if message.get(97) == "Y" or message.possible_duplicate:
                self._session.send("8", _status_of(earlier, "0"))
            else:
                self._session.send("8", _refusal(message, "DUPLICATE", self._execution_id()))
            return
        if message.get(117) in self._replaced:
            self._session.send("8", _refusal(message, "QUOTE_REPLACED", self._execution_id()))
            return
        mood = venue.mood(Stage.EXECUTE)
        if mood is Mood.HANG_EXECUTE:
            return
        if mood is Mood.RESET_BEFORE_FILL:
            self._reset()
            return
        if venue.personality.hold_ms:
            self._session.send("8", _accepted(message, self._execution_id()))
        await venue.wait(venue.personality.hold_ms)
        await venue.deal(message.get(117), order_id, Decimal(message.get(38)), mood)
        booked = [each for each in await venue.executions() if each.client_order_id == order_id]
        await self._confirm(message, booked, mood)

    async def _confirm(self, message: Message, booked: list[Execution], mood: Any) -> None:
        """Says what is booked, or loses the words on the way."""
        if mood in _SILENT:
            return
        if mood is Mood.ERROR_AFTER_FILL:
            body: Fields = [(45, message.get(34)), (372, "D"), (379, message.get(11)), (380, "4")]
            self._session.send("j", [*body, (58, "something went wrong")])
            return
        if isinstance(mood, Verbatim):
            return
        lost = mood is Mood.RESET_AFTER_FILL
        if lost:
            self._reset()
        for each in booked:
            for body in _reports(each, message):
                self._session.send("8", body, lost=lost)
        if mood is Mood.BUST:
            await self._venue.bust(message.get(11))
            self._session.send("8", _bust(booked[0], message, self._execution_id()))

    async def _status(self, message: Message) -> None:
        venue = self._venue
        mood = venue.mood(Stage.STATUS)
        if mood is Mood.HANG_STATUS:
            return
        execution = await venue.find(message.get(11))
        hidden = execution is not None and execution.shown_from_ns > venue.now_ns()
        if execution is None or hidden or mood is Mood.LOSE_STATUS:
            body: Fields = [
                (37, "NONE"), (11, message.get(11)), (17, "0"), (150, "I"), (39, "8"),
                (55, message.get(55)), (54, message.get(54)), (103, "5"), (58, "unknown order"),
                (151, "0"), (14, "0"), (6, "0"),
            ]  # fmt: skip
        else:
            body = _status_of(execution, "0")
        self._session.send("8", [*body, (790, message.get(790))] if message.get(790) else body)

    def _execution_id(self) -> str:
        return self._venue.next_id()


def _reports(execution: Execution, order: Message) -> list[Fields]:
    """The ExecutionReports of one execution, as they follow each other."""
    if execution.status == "REJECTED":
        return [_refusal(order, execution.reason, execution.execution_id)]
    partial = execution.status != "FILLED"
    body = _common(execution, "F", "1" if partial else "2")
    body += [(17, execution.execution_id), (32, execution.fill_quantity)]
    body.append((31, execution.fill_price))
    if execution.fee:
        body += [(12, execution.fee), (13, "3"), (479, execution.fee_asset)]
    if execution.status == "PARTIAL":  # the rest will not come
        end = _common(execution, "4", "4", leaves="0")
        return [body, [*end, (17, f"{execution.execution_id}-end")]]
    return [body]


def _common(execution: Execution, kind: str, status: str, leaves: str = "") -> Fields:
    done, ordered = Decimal(execution.fill_quantity), Decimal(execution.ordered_quantity)
    left = leaves or f"{max(ordered - done, Decimal(0)):f}"
    side = "1" if execution.side == "BUY" else "2"
    return [
        (37, f"LP-{execution.execution_id}"), (11, execution.client_order_id), (150, kind),
        (39, status), (55, execution.symbol or "?"), (54, side),
        (38, execution.ordered_quantity), (151, left), (14, execution.fill_quantity),
        (6, execution.fill_price),
    ]  # fmt: skip


def _status_of(execution: Execution, execution_id: str) -> Fields:
    status = {"FILLED": "2", "REJECTED": "8", "PARTIAL": "4", "PENDING": "1"}[execution.status]
    body = [*_common(execution, "I", status), (17, execution_id)]
    if execution.status == "REJECTED":
        code = _REJECTED.get(execution.reason, "99")
        body += [(103, code), (58, execution.reason)]
    if execution.fee:
        body += [(12, execution.fee), (13, "3"), (479, execution.fee_asset)]
    return body


def _refusal(order: Message, reason: str, execution_id: str) -> Fields:
    return [
        (37, "NONE"), (11, order.get(11)), (17, execution_id), (150, "8"), (39, "8"),
        (103, _REJECTED.get(reason, "99")), (58, reason), (55, order.get(55)), (54, order.get(54)),
        (38, order.get(38)), (151, "0"), (14, "0"), (6, "0"),
    ]  # fmt: skip


def _accepted(order: Message, execution_id: str) -> Fields:
    return [
        (37, "NONE"), (11, order.get(11)), (17, execution_id), (150, "0"), (39, "0"),
        (55, order.get(55)), (54, order.get(54)), (38, order.get(38)), (151, order.get(38)),
        (14, "0"), (6, "0"),
    ]  # fmt: skip


def _bust(execution: Execution, order: Message, execution_id: str) -> Fields:
    return [
        (37, f"LP-{execution.execution_id}"), (11, order.get(11)), (17, execution_id),
        (19, execution.execution_id), (150, "H"), (39, "4"), (55, order.get(55)),
        (54, order.get(54)), (151, "0"), (14, "0"), (6, "0"), (58, "erroneous trade"),
    ]  # fmt: skip
