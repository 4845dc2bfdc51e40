"""A desk on a virtual clock: causes go in at planned instants, time jumps from one to the next.

Used by the scenarios and by tests. The desk is the real one; only the outside is planned, by a
`World` that answers what the desk sends out.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable

from lpdesk.clock import VirtualClock
from lpdesk.desk import Desk
from lpdesk.domain.record import Cause, Event, Record
from lpdesk.domain.reports import Pulse
from lpdesk.domain.values import Instant

Answers = Iterable[tuple[int, Cause]]
World = Callable[[Event, Instant], Answers]
"""(what went out, when) -> what comes back, each after a delay in nanoseconds."""


class Simulation:
    """Runs a desk against a world. `records` is the journal so far."""

    def __init__(self, world: World, clock: VirtualClock | None = None) -> None:
        self.world = world
        self.clock = clock or VirtualClock()
        self.desk = Desk()
        self.records: list[Record] = []
        self._planned: list[tuple[Instant, int, Cause]] = []
        self._count = 0

    def plan(self, cause: Cause, delay_ns: int = 0) -> None:
        """Let `cause` arrive `delay_ns` from now; equal times keep the order of planning."""
        self._count += 1
        heapq.heappush(self._planned, (self.clock.now() + delay_ns, self._count, cause))

    def do(self, cause: Cause) -> tuple[Event, ...]:
        """Let `cause` arrive now; returns what the desk decided on it."""
        now = self.clock.now()
        record = Record(len(self.records) + 1, now, cause, self.desk.step(cause, now))
        self.records.append(record)
        for event in record.events:
            for delay_ns, answer in self.world(event, now):
                self.plan(answer, delay_ns)
        return record.events

    def crash(self) -> None:
        """The process dies: whatever was on its way to it is never heard."""
        self._planned.clear()

    def next_at(self) -> Instant | None:
        """When something happens next; None when nothing is planned and nothing is due."""
        times = [self._planned[0][0]] if self._planned else []
        due = self.desk.next_due()
        if due is not None:
            times.append(due)
        return max(min(times), self.clock.now()) if times else None

    def step(self) -> bool:
        """Let the next thing happen; a deadline comes before an input of the same instant."""
        at = self.next_at()
        if at is None:
            return False
        self.clock.advance_to(at)
        due = self.desk.next_due()
        if due is not None and due <= at:
            self.do(Pulse())
        else:
            self.do(heapq.heappop(self._planned)[2])
        return True

    def run(self, duration_ns: int | None = None) -> None:
        """Let everything happen, for `duration_ns` or until nothing is left."""
        end = None if duration_ns is None else self.clock.now() + duration_ns
        while (at := self.next_at()) is not None and (end is None or at <= end):
            self.step()
        if end is not None:
            self.clock.advance_to(max(end, self.clock.now()))
