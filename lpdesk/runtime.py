"""The running desk: inbox, one stamp for each input, `step`, append, publish. One loop, one task.

Nothing leaves before its record is durable: a batch is everything that arrived while the batch
before was being committed, and its effects go out after its own commit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from lpdesk.clock import Clock
from lpdesk.desk import Desk
from lpdesk.domain.events import (
    BreakFound,
    EndpointEnabled,
    ExecutionsAsked,
    LpAsked,
    OrderQueried,
    OrderSent,
    QuoteFixed,
    Settling,
    TradeExecuted,
    TradeFailed,
    TradeSettled,
    TradeUnknown,
    WebhookQueued,
    WebhookResent,
)
from lpdesk.domain.record import Cause, Command, Event, Record, Report
from lpdesk.domain.reports import DeskStarted, DeskStopped, LpStreamed, Pulse
from lpdesk.domain.settings import Settings
from lpdesk.domain.values import Instant
from lpdesk.engines.strategy import STRATEGIES, Strategies
from lpdesk.journal.reader import about
from lpdesk.journal.store import Journal
from lpdesk.rerun import recall
from lpdesk.views import DeskView, fold

MAX_BATCH = 512
MAX_INBOX = 50_000
MAX_PULSES = 1_000

LETS_OUT = {
    LpAsked,
    OrderSent,
    OrderQueried,
    QuoteFixed,
    ExecutionsAsked,
    WebhookQueued,
    WebhookResent,
    EndpointEnabled,
    TradeSettled,
    TradeFailed,
    TradeUnknown,
    TradeExecuted,
    Settling,
    BreakFound,
}
"""Events that go out, or that somebody will rely on: their batch waits for the disk."""

PAGE = 1_000
"""Records between two words on how far a start is."""

Progress = Callable[[int, int], None]
Listener = Callable[[Record], None]
Answer = asyncio.Future[tuple[Event, ...]]


class Runtime:
    """Drives one desk over one journal. Feed it with `report` and `command`, run it with `run`."""

    def __init__(self, journal: Journal, clock: Clock, strategies: Strategies = STRATEGIES) -> None:
        self.journal = journal
        self.clock = clock
        self.strategies = strategies
        self.desk = Desk(strategies)
        self.view = DeskView()
        self.listeners: list[Listener] = []
        self.dropped = 0
        self._send: Callable[[Event], None] = lambda event: None
        self._inbox: deque[tuple[Instant, Cause, Answer | None]] = deque()
        self._wake = asyncio.Event()
        self._seq = 0
        self._at: Instant = 0
        self._stamped: Instant = 0
        self._closed = False

    # ---- in

    def now(self) -> Instant:
        """The clock, never behind the last record."""
        return max(self.clock.now(), self._at)

    def report(self, report: Report) -> None:
        """Something happened outside. Never blocks; a flood of ticks is shed, nothing else is."""
        if len(self._inbox) >= MAX_INBOX and isinstance(report, LpStreamed):
            self.dropped += 1
            return
        self._put(report, None)

    async def command(self, command: Command) -> tuple[Event, ...]:
        """What the desk decided on `command`, once it is durable."""
        answer: Answer = asyncio.get_running_loop().create_future()
        self._put(command, answer)
        return await answer

    async def about(self, name: str) -> Sequence[Record]:
        """The records about a trade or a settlement, read in a thread of its own."""
        return await asyncio.to_thread(about, self.journal.path, name, self.view.seq)

    def _put(self, cause: Cause, answer: Answer | None) -> None:
        if self._closed:
            if answer:
                answer.set_exception(ConnectionError("the desk is closed"))
            return
        self._stamped = max(self.clock.now(), self._stamped)
        self._inbox.append((self._stamped, cause, answer))
        self._wake.set()

    # ---- resume, start, stop

    async def resume(self, progress: Progress = lambda records, of: None) -> int:
        """Become the desk that the journal leaves; returns the `seq` that its snapshot gave.

        `progress` is told now and then how many records of how many are read.
        Raises `JournalDamaged` and `JournalRefused` as `Rerun.take` does.
        """
        rerun = recall(self.journal.path, self.strategies)
        recalled = rerun.seq
        async for record in self.journal.records(recalled + 1):
            rerun.take(record)
            if record.seq % PAGE == 0:
                progress(record.seq, self.journal.last.seq)
        self.desk, self.view = rerun.desk, rerun.view
        self._seq, self._at = rerun.seq, rerun.at
        self._stamped = self._at
        if self.clock.now() < self._at:  # set back meanwhile: if time stood still until it is
            self.clock.advance_to(self._at)  # there again, no quote would expire
        return recalled

    async def open(
        self, instance: str, settings: Settings, version: str, send: Callable[[Event], None]
    ) -> None:
        """Open for business: the first input of this process, and a way out for effects.

        Needs `run` to be running; returns when the opening is on record.
        """
        self._send = send
        started = DeskStarted(instance=instance, settings=settings, version=version)
        answer: Answer = asyncio.get_running_loop().create_future()
        self._put(started, answer)
        await answer

    async def run(self) -> None:
        """Until cancelled or closed. Raises what breaks the journal or the desk: both halt it."""
        try:
            while not self._closed or self._inbox:
                batch = self._take()
                if batch:
                    await self._commit(batch)
                    await asyncio.sleep(0)  # a flood of inputs must not starve the screen
                else:
                    await self._sleep()
        except BaseException as error:
            self._abandon(error)
            raise

    async def close(self, why: str) -> None:
        """Take one last input, commit it, and end `run`."""
        if not self._closed:
            self._put(DeskStopped(why=why), None)
            self._closed = True
            self._wake.set()

    def _abandon(self, error: BaseException) -> None:
        """Nobody may wait for an answer that will never come."""
        self._closed = True
        for _, _, answer in self._inbox:
            if answer and not answer.done():
                answer.set_exception(ConnectionError(f"the desk has stopped: {error!r}"))
        self._inbox.clear()

    async def _sleep(self) -> None:
        """Until an input comes or the desk is due."""
        loop = asyncio.get_running_loop()
        due = self.desk.next_due()
        timer = None
        if due is not None:
            timer = loop.call_later(max(0, due - self.clock.now()) / 1e9, self._wake.set)
        await self._wake.wait()
        self._wake.clear()
        if timer:
            timer.cancel()

    # ---- step

    def _take(self) -> list[tuple[Record, Answer | None]]:
        """Step what is in the inbox, each deadline before any later input, then what is due now."""
        done: list[tuple[Record, Answer | None]] = []
        while self._inbox and len(done) < MAX_BATCH:
            at, cause, answer = self._inbox.popleft()
            done += self._pulse(at)
            done.append((self._step(cause, at), answer))
        if not self._inbox:
            done += self._pulse(self.clock.now())
        return done

    def _pulse(self, until: Instant) -> Iterable[tuple[Record, None]]:
        for _ in range(MAX_PULSES):
            due = self.desk.next_due()
            if due is None or due > until:
                return
            yield self._step(Pulse(), until), None
        raise AssertionError("the desk is due for ever")

    def _step(self, cause: Cause, at: Instant) -> Record:
        self._at = max(at, self._at)
        events = self.desk.step(cause, self._at)
        self._seq += 1
        return Record(self._seq, self._at, cause, events)

    # ---- out

    async def _commit(self, batch: list[tuple[Record, Answer | None]]) -> None:
        durable = any(
            answer is not None or any(type(event) in LETS_OUT for event in record.events)
            for record, answer in batch
        )
        try:
            await self.journal.append([record for record, _ in batch], durable=durable)
        except BaseException as error:
            for _, answer in batch:
                if answer and not answer.done():
                    answer.set_exception(ConnectionError(f"not recorded: {error}"))
            raise
        for record, answer in batch:
            self.view = fold(self.view, record)
            for event in record.events:
                self._send(event)
            if answer and not answer.done():
                answer.set_result(record.events)
            for listener in self.listeners:
                listener(record)
