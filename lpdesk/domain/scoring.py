"""An LP's scorecard: its record over a window, a sample count beside every figure.

No sample gives None, never zero. Source: the definitions of the fields below.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from lpdesk.domain.values import SECOND, round_even

WINDOW_NS = 24 * 3600 * SECOND
"""A scorecard tells of this long, to the hour."""

HORIZONS_NS = (SECOND, 5 * SECOND, 30 * SECOND, 60 * SECOND)
"""When after a fill the mark-out is taken."""

RATE_DECIMALS = 4

BANDS = ("S", "M", "L", "XL")
"""Size bands: up to 100, 1,000 and 10,000 times the pair's minimum, and above."""


def band(quantity: Decimal, minimum: Decimal) -> str:
    """The size band of `quantity` base units."""
    limit = minimum * 100
    for name in BANDS[:-1]:
        if quantity <= limit:
            return name
        limit *= 10
    return BANDS[-1]


class Times(Struct, frozen=True):
    """Percentiles of `samples` durations in nanoseconds, kept to three digits."""

    samples: int = 0
    p50: int | None = None
    p95: int | None = None
    p99: int | None = None


class Mean(Struct, frozen=True):
    """An average in bps of `samples` values."""

    samples: int = 0
    bps: Decimal | None = None


class Score(Struct, frozen=True, kw_only=True):
    """One LP's record.

    requests   asks that were sent
    responses  of them, those that the LP answered in time, with a price or with a refusal
    timeouts, malformed, late   asks unanswered in time; answers unreadable; prices after the time
    quotes     requests for which it had a usable price; wins: those that ended with its price
               behind the client's
    accepts    orders sent; trades: those that it filled
    rejects_*  the rest, by how the market had moved since the order was sent: `for` the client
               (an LP that rejects these picks), `against` the client, or `still`
    cover      distance from the winner's price when it lost, positive = worse
    slippage   fill against quote, positive = worse for us
    markouts   move of the mid after a fill at `HORIZONS_NS`, positive = good for us
    """

    requests: int = 0
    responses: int = 0
    timeouts: int = 0
    malformed: int = 0
    late: int = 0
    quotes: int = 0
    wins: int = 0
    accepts: int = 0
    trades: int = 0
    rejects_for: int = 0
    rejects_against: int = 0
    rejects_still: int = 0
    response: Times = Times()
    hold: Times = Times()
    cover: Mean = Mean()
    slippage: Mean = Mean()
    markouts: tuple[Mean, ...] = (Mean(),) * len(HORIZONS_NS)

    @property
    def rejects(self) -> int:
        return self.rejects_for + self.rejects_against + self.rejects_still

    @property
    def response_rate(self) -> Decimal | None:
        return share(self.responses, self.requests)

    @property
    def win_rate(self) -> Decimal | None:
        return share(self.wins, self.quotes)

    @property
    def fill_rate(self) -> Decimal | None:
        return share(self.trades, self.accepts)


def share(part: int, whole: int) -> Decimal | None:
    """`part` of `whole`, or None of nothing."""
    return round_even(Decimal(part) / whole, RATE_DECIMALS) if whole else None
