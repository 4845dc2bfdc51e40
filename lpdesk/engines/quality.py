"""What an LP's own record says: here, how long it takes to execute."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from lpdesk.domain.values import SECOND

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
    """The last `WINDOW` execution times of each LP, in nanoseconds."""

    def __init__(self) -> None:
        self._execution_ns: dict[str, deque[int]] = {}
        self._p95: dict[str, int | None] = {}

    def executed(self, lp: str, response_ns: int) -> None:
        self._execution_ns.setdefault(lp, deque(maxlen=WINDOW)).append(response_ns)
        self._p95[lp] = percentile(self._execution_ns[lp], 95)

    def exec_p95_ns(self, lp: str) -> int | None:
        return self._p95.get(lp)
