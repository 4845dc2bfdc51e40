"""The acceptor's session rules for one connection: numbers, gaps, resends, resets, heartbeats."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from lpdesk.sandbox.fix.wire import Fields, Message, cut, message, stamp

LOGON_SECONDS: Final = 5.0
TICK_SECONDS: Final = 0.1
_NS: Final = 1_000_000_000
_NEVER_AGAIN: Final = frozenset("0 1 2 3 4 5 A S W Z Y AG".split())
"""Admin messages are never sent again, and a price of then is no price now."""


class Over(Exception):
    """The connection must end; the text goes out as a Logout if there is one."""


@dataclass
class Ledger:
    """What a session with one client remembers from connection to connection."""

    next_out: int = 1
    next_in: int = 1
    sent: dict[int, tuple[str, Fields, str]] = field(default_factory=dict)  # kind, body, time
    live: bool = False

    def reset(self) -> None:
        """Both sides begin anew."""
        self.next_out, self.next_in = 1, 1
        self.sent.clear()


class Session:
    """One connection of one client. `application` gets what is not the session's own."""

    def __init__(
        self,
        name: str,
        ledgers: dict[str, Ledger],
        clock_ns: Callable[[], int],
        letting_in: Callable[[Message], str],
        application: Callable[[Message], None],
    ) -> None:
        """`letting_in` says why a Logon is refused, "" if it is not."""
        self.name = name
        self.client = ""
        self.up = False
        self._ledgers = ledgers
        self._ledger = Ledger()
        self._clock_ns = clock_ns
        self._letting_in = letting_in
        self._application = application
        self._writer: asyncio.StreamWriter | None = None
        self._queue: dict[int, Message] = {}
        self._gap_to = 0
        self._beat_ns = 30 * _NS
        self._heard_ns = self._sent_ns = clock_ns()
        self._tested = False

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves until the client or a rule ends it."""
        self._writer = writer
        ticking = asyncio.ensure_future(self._tick())
        try:
            await self._serve(reader)
        except Over as over:
            if str(over):
                self.send("5", [(58, str(over))])
        finally:
            ticking.cancel()
            if self.up:
                self._ledger.live = False
            self.up, self._writer = False, None

    async def _serve(self, reader: asyncio.StreamReader) -> None:
        buffer = bytearray()
        while data := await reader.read(65_536):
            buffer += data
            for each in cut(buffer):
                self._heard_ns, self._tested = self._clock_ns(), False
                self._take(each)

    def send(self, kind: str, body: Fields, *, lost: bool = False) -> None:
        """Numbers, remembers and writes a message; `lost` ones are only remembered."""
        number, now = self._ledger.next_out, stamp(self._clock_ns())
        self._ledger.next_out += 1
        self._ledger.sent[number] = (kind, body, now)
        if not lost:
            self._write(message(kind, self._header(number, now), body))

    def skip(self) -> None:
        """A number that is used up by nothing: the client sees a gap."""
        self._ledger.next_out += 1

    def _header(self, number: int, now: str) -> Fields:
        return [(49, self.name), (56, self.client), (34, str(number)), (52, now)]

    def _write(self, data: bytes) -> None:
        self._sent_ns = self._clock_ns()
        if self._writer and not self._writer.is_closing():
            self._writer.write(data)

    # ---- what comes

    def _take(self, each: Message) -> None:
        if not self.up:
            self._let_in(each)
        elif (each.get(49), each.get(56)) != (self.client, self.name):
            raise Over("CompID problem")
        elif each.kind == "4" and each.get(123) != "Y":
            self._move_to(each)
        elif each.number > self._ledger.next_in:
            self._too_high(each)
        elif each.number == self._ledger.next_in:
            self._next(each)
            while waiting := self._queue.pop(self._ledger.next_in, None):
                self._next(waiting)
        elif not each.possible_duplicate:
            expected = self._ledger.next_in
            raise Over(f"MsgSeqNum too low, expecting {expected} but received {each.number}")

    def _let_in(self, each: Message) -> None:
        """Only a Logon opens a session; whoever begins otherwise hears nothing at all."""
        if each.kind != "A" or each.get(56) != self.name or not each.get(49):
            raise Over
        self.client = each.get(49)
        ledger = self._ledgers.setdefault(self.client, Ledger())
        if ledger.live:
            raise Over
        self._ledger = ledger
        reset = each.get(141) == "Y"
        if reset:
            ledger.reset()
        if trouble := self._letting_in(each):
            raise Over(trouble)
        if each.number < ledger.next_in and not each.possible_duplicate:
            expected = ledger.next_in
            raise Over(f"MsgSeqNum too low, expecting {expected} but received {each.number}")
        self.up = ledger.live = True
        beat = each.get(108)
        self._beat_ns = (int(beat) if beat.isdecimal() else 30) * _NS
        echo: Fields = [(98, "0"), (108, beat or "30")]
        self.send("A", [*echo, (141, "Y")] if reset else echo)
        if each.number > ledger.next_in:
            self._ask_for_gap(each.number)
        else:
            ledger.next_in += 1

    def _too_high(self, each: Message) -> None:
        if each.kind == "2":
            self._resend(each)
        else:
            self._queue[each.number] = each
        if self._gap_to < self._ledger.next_in:
            self._ask_for_gap(each.number)

    def _ask_for_gap(self, seen: int) -> None:
        self._gap_to = seen
        self.send("2", [(7, str(self._ledger.next_in)), (16, "0")])

    def _next(self, each: Message) -> None:
        if each.kind == "4":
            self._move_to(each)
            return
        self._ledger.next_in += 1
        match each.kind:
            case "0" | "3" | "j":
                pass
            case "1":
                self.send("0", [(112, each.get(112))])
            case "2":
                self._resend(each)
            case "5":
                self.send("5", [])
                raise Over
            case _:
                self._application(each)

    def _move_to(self, each: Message) -> None:
        text = each.get(36)
        if not text.isdecimal() or int(text) < self._ledger.next_in:
            self.send("3", [(45, each.get(34)), (371, "36"), (373, "5")])
            return
        self._ledger.next_in = int(text)
        self._queue = {n: one for n, one in self._queue.items() if n >= self._ledger.next_in}

    def _resend(self, each: Message) -> None:
        """Executions once more as they were; a gap fill over each run of everything else."""
        first, last = (int(each.get(tag) or "0") for tag in (7, 16))
        last = min(last or self._ledger.next_out - 1, self._ledger.next_out - 1)
        now, gap = stamp(self._clock_ns()), first
        for number in range(first, last + 1):
            kind, body, at = self._ledger.sent.get(number, ("0", [], now))
            if kind in _NEVER_AGAIN:
                continue
            self._fill_gap(gap, number, now)
            header = [*self._header(number, now), (43, "Y"), (122, at)]
            self._write(message(kind, header, body))
            gap = number + 1
        self._fill_gap(gap, last + 1, now)

    def _fill_gap(self, first: int, new: int, now: str) -> None:
        if first < new:
            header = [*self._header(first, now), (43, "Y"), (122, now)]
            self._write(message("4", header, [(123, "Y"), (36, str(new))]))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = self._clock_ns()
            if not self.up or not self._beat_ns or self._writer is None:
                continue
            if now - self._heard_ns > 2.4 * self._beat_ns:
                self._writer.transport.abort()
            elif now - self._heard_ns > 1.2 * self._beat_ns and not self._tested:
                self._tested = True
                self.send("1", [(112, f"T{now}")])
            elif now - self._sent_ns > self._beat_ns:
                self.send("0", [])
