"""What an LP's own record says: here, how long it takes to execute."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from lpdesk.domain.values import SECOND, Instant

WINDOW = 100
UNMEASURED_EXEC_NS = SECOND
"""Without a sample a second is assumed for the countdown's last band, nothing for validity."""


def percentile(samples: Iterable[int], percent: int) -> int | None:
    """Nearest rank; None, not zero, without a sample."""
    ordered = sorted(samples)
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


class Quality:
    """The last `WINDOW` execution times of each LP, in nanoseconds, and when they were measured."""

    def __init__(self) -> None:
        self._times: dict[str, deque[tuple[Instant, int]]] = {}
        self._p95: dict[str, int | None] = {}

    def executed(self, lp: str, response_ns: int, at: Instant) -> None:
        self._times.setdefault(lp, deque(maxlen=WINDOW)).append((at, response_ns))
        self._measure(lp)

    def exec_p95_ns(self, lp: str, since: Instant) -> int | None:
        """Of the times from `since` on; older ones are forgotten."""
        times = self._times.get(lp)
        if times and times[0][0] < since:
            while times and times[0][0] < since:
                times.popleft()
            self._measure(lp)
        return self._p95.get(lp)

    def _measure(self, lp: str) -> None:
        self._p95[lp] = percentile((response_ns for _, response_ns in self._times[lp]), 95)
