"""What a scorecard adds up: counters, sums and histograms that can be added and taken away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from lpdesk.domain.scoring import HORIZONS_NS, Mean, Score, Times
from lpdesk.domain.values import FIGURE_DECIMALS, SECOND, ZERO, Instant, round_even

BUCKET_NS = 3600 * SECOND
_MARKOUTS = tuple(f"markout{horizon}" for horizon in HORIZONS_NS)
_SUMS = ("cover", "slippage", *_MARKOUTS)
_COUNTS = (
    "requests", "responses", "timeouts", "malformed", "late", "quotes", "wins", "accepts",
    "trades", "rejects_for", "rejects_against", "rejects_still",
)  # fmt: skip


def three_digits(duration_ns: int) -> int:
    """123456789 -> 123000000: bounds a histogram, and what is off is under half a percent."""
    unit: int = 10 ** max(0, len(str(duration_ns)) - 3)
    return duration_ns // unit * unit


class Tally:
    """Counts by name, sums in bps by name, and histograms of durations by name."""

    __slots__ = ("counts", "sums", "times")

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.sums: dict[str, Decimal] = {}
        self.times: dict[str, Counter[int]] = {"response": Counter(), "hold": Counter()}

    def add(self, name: str, bps: Decimal) -> None:
        self.counts[name] += 1
        self.sums[name] = self.sums.get(name, ZERO) + bps

    def remove(self, other: Tally) -> None:
        """Take away what was counted there too."""
        self.counts -= other.counts  # `-=` of a Counter drops what has become zero
        for name, total in other.sums.items():
            self.sums[name] -= total
        for name, histogram in other.times.items():
            self.times[name] -= histogram

    def score(self) -> Score:
        counts = self.counts
        return Score(
            **{name: counts[name] for name in _COUNTS},
            response=_times(self.times["response"]),
            hold=_times(self.times["hold"]),
            cover=self.mean("cover"),
            slippage=self.mean("slippage"),
            markouts=tuple(self.mean(name) for name in _MARKOUTS),
        )

    def mean(self, name: str) -> Mean:
        samples = self.counts[name]
        if not samples:
            return Mean()
        return Mean(samples, round_even(self.sums[name] / samples, FIGURE_DECIMALS))


def _times(histogram: Counter[int]) -> Times:
    samples = histogram.total()
    if not samples:
        return Times()
    ranks = iter([-(-samples * percent // 100) for percent in (50, 95, 99)])
    return Times(samples, *_at_ranks(histogram, ranks))


def _at_ranks(histogram: Counter[int], ranks: Iterator[int]) -> Iterator[int]:
    """The values at these ranks (rising, from 1), nearest-rank."""
    rank, seen = next(ranks), 0
    for value in sorted(histogram):
        seen += histogram[value]
        while seen >= rank:
            yield value
            following = next(ranks, None)
            if following is None:
                return
            rank = following


class Windowed:
    """A tally of the last `WINDOW_NS`, to the hour: whole hours leave it."""

    __slots__ = ("buckets", "total")

    def __init__(self) -> None:
        self.buckets: dict[int, Tally] = {}
        self.total = Tally()

    def at(self, hour: int) -> tuple[Tally, Tally]:
        """Where to count what happens in an hour: its own tally and the window's."""
        bucket = self.buckets.get(hour)
        if bucket is None:
            bucket = self.buckets[hour] = Tally()
        return bucket, self.total

    def forget(self, before: Instant) -> None:
        """Hours that ended by `before` leave the window."""
        for hour in [hour for hour in self.buckets if (hour + 1) * BUCKET_NS <= before]:
            self.total.remove(self.buckets.pop(hour))
