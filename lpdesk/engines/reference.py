"""The reference price: the median of the fresh sources, or a reason why there is none.

Domain rule 10 and protocols 5.5: at least two fresh sources, outliers left out, crossed ones too.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from lpdesk.domain.values import BPS, Instant

MIN_SOURCES = 2
OUTLIER_BPS = Decimal(50)


class Tick(Struct, frozen=True):
    """One source's top of book."""

    at: Instant
    bid: Decimal
    ask: Decimal

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2


class Price(Struct, frozen=True):
    """The reference now. `mid` is None when there is none, and `why` says so in words."""

    mid: Decimal | None
    sources: int
    why: str = ""


class Reference:
    """All sources of one pair."""

    def __init__(self) -> None:
        self._ticks: dict[str, Tick] = {}

    def ticked(self, source: str, bid: Decimal, ask: Decimal, at: Instant) -> None:
        """A new price of `source`; an unusable one takes the old one's place as no price."""
        self._ticks.pop(source, None)
        if bid.is_finite() and ask.is_finite() and 0 < bid < ask:
            self._ticks[source] = Tick(at, bid, ask)

    def lost(self, source: str) -> None:
        self._ticks.pop(source, None)

    def forget(self, at: Instant, stale_after_ns: int) -> None:
        """Drop the sources that have gone stale."""
        fresh = {s: tick for s, tick in self._ticks.items() if at - tick.at <= stale_after_ns}
        self._ticks = fresh

    def price(self, at: Instant, stale_after_ns: int) -> Price:
        """The median of the sources that are fresh and agree. Of two, neither is the outlier."""
        fresh = sorted(tick.mid for tick in self._ticks.values() if at - tick.at <= stale_after_ns)
        if len(fresh) < MIN_SOURCES:
            return Price(None, len(fresh), f"{len(fresh)} of {MIN_SOURCES} fresh sources")
        middle = median(fresh) if len(fresh) > MIN_SOURCES else fresh[0]
        agreed = [mid for mid in fresh if abs(mid - middle) * BPS <= OUTLIER_BPS * middle]
        if len(agreed) < MIN_SOURCES:
            return Price(None, len(agreed), "sources disagree")
        return Price(median(agreed), len(agreed))

    def stale_at(self, stale_after_ns: int) -> Instant | None:
        """When the reference may next lose a source by age."""
        return min((tick.at + stale_after_ns + 1 for tick in self._ticks.values()), default=None)


def median(ordered: list[Decimal]) -> Decimal:
    """The middle of a sorted, non-empty list."""
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
