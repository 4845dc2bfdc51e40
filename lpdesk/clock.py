"""Time as an argument: where the desk's `at` comes from. The core itself never reads a clock."""

from __future__ import annotations

import time
from typing import Protocol

from lpdesk.domain.values import Instant


class Clock(Protocol):
    """Something that tells the time."""

    def now(self) -> Instant:
        """Nanoseconds UTC; never goes back."""
        ...

    def advance_to(self, at: Instant) -> None:
        """Set it forward to `at`, from where it runs on. Raises ValueError on a step back."""
        ...


class SystemClock:
    """The machine's monotonic clock, labelled once with the wall clock.

    Steps of the wall clock (NTP, an operator, a leap second) move no expiry. Time asleep counts
    where the system can tell (`CLOCK_BOOTTIME`), so a laptop wakes up with its quotes expired.
    """

    def __init__(self) -> None:
        self._source = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        self._offset = time.time_ns() - time.clock_gettime_ns(self._source)

    def now(self) -> Instant:
        return time.clock_gettime_ns(self._source) + self._offset

    def advance_to(self, at: Instant) -> None:
        ahead = at - self.now()
        if ahead < 0:
            raise ValueError("time does not go back")
        self._offset += ahead


class SetClock(SystemClock):
    """A clock that began at a chosen instant and runs as the machine's does.

    For days that nobody can wait for, in a sandbox: no LP outside would agree with it.
    """

    def __init__(self, start: Instant) -> None:
        super().__init__()
        self._offset += start - self.now()


class VirtualClock:
    """A clock that only moves when told to: for scenarios and tests."""

    def __init__(self, start: Instant = 1_768_833_000_000_000_000) -> None:
        self._now = start

    def now(self) -> Instant:
        return self._now

    def advance_to(self, at: Instant) -> None:
        if at < self._now:
            raise ValueError("time does not go back")
        self._now = at
