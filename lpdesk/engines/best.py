"""The best of the covers that compete for a lock."""

from __future__ import annotations

from operator import attrgetter

from lpdesk.domain.values import Instant
from lpdesk.engines.cover import Cover


class Best:
    """Kept rather than searched for: all are looked at only when the best goes or worsens."""

    __slots__ = ("_best", "_covers")

    def __init__(self) -> None:
        self._covers: dict[str, Cover] = {}
        self._best: Cover | None = None

    def put(self, cover: Cover) -> None:
        """An LP's new cover replaces its old one."""
        lp, rank, best = cover.lp, cover.rank, self._best
        self._covers[lp] = cover
        if best is None:
            self._best = cover
        elif rank[0] > best.rank[0]:  # nearly always: one comparison, not a tuple's two
            if best.lp == lp:
                self._search()
        elif rank < best.rank:
            self._best = cover
        elif best.lp == lp:
            self._search()

    def drop(self, lp: str) -> None:
        """That LP does not compete any more, if it did."""
        gone = self._covers.pop(lp, None)
        if gone is not None and gone is self._best:
            self._search()

    def top(self, at: Instant) -> Cover | None:
        """The best that may still be dealt on."""
        best = self._best
        if best is None or best.dealable_until > at:
            return best
        self.drop(best.lp)
        return self.top(at)

    def _search(self) -> None:
        self._best = min(self._covers.values(), key=attrgetter("rank"), default=None)
