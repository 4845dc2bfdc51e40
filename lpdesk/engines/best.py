"""The best of the covers that compete for a lock."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from lpdesk.domain.values import Instant
from lpdesk.engines.cover import Cover

_FAR: Final = Decimal("Infinity")


class Best:
    """Kept rather than searched for: all are looked at only when the best goes or worsens."""

    __slots__ = ("_best", "_covers", "_lp", "_price")

    def __init__(self) -> None:
        self._covers: dict[str, Cover] = {}
        self._hold(None)

    def put(self, cover: Cover) -> None:
        """An LP's new cover replaces its old one."""
        price, _, lp = cover.rank
        self._covers[lp] = cover
        if price > self._price:  # nearly always: one comparison, not a tuple's two
            if lp == self._lp:
                self._search()
        elif self._best is None or cover.rank < self._best.rank:
            self._hold(cover)
        elif lp == self._lp:
            self._search()

    def drop(self, lp: str) -> None:
        """That LP does not compete any more, if it did."""
        if self._covers.pop(lp, None) is not None and lp == self._lp:
            self._search()

    def top(self, at: Instant) -> Cover | None:
        """The best that may still be dealt on."""
        best = self._best
        if best is None or best.dealable_until > at:
            return best
        self.drop(best.lp)
        return self.top(at)

    def _search(self) -> None:
        best: Cover | None = None
        price = _FAR
        for cover in self._covers.values():
            own = cover.rank[0]
            if own <= price and (best is None or cover.rank < best.rank):  # as in `put`
                best, price = cover, own
        self._hold(best)

    def _hold(self, best: Cover | None) -> None:
        self._best = best
        self._lp = best.lp if best else ""
        self._price = best.rank[0] if best else _FAR
