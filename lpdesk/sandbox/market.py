"""One simulated market, shared by every stand-in.

A price is a pure function of (seed, symbol, time since the start), so a read costs the same after a
second and after a week, may be made in any order, and never depends on who else looked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import exp, floor, sqrt
from random import Random
from typing import Final

NS_PER_SECOND: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class PairSpec:
    """A pair's assets, and the decimals its prices and sizes are quoted in."""

    base: str
    quote: str
    price_decimals: int
    size_decimals: int


PAIRS: Final[Mapping[str, PairSpec]] = {
    f"{base}/{quote}": PairSpec(base, quote, price_decimals, size_decimals)
    for base, quote, price_decimals, size_decimals in (
        ("BTC", "USDT", 2, 5),
        ("ETH", "USDT", 2, 4),
        ("USDC", "USDT", 4, 2),
        ("BTC", "USD", 2, 5),
        ("ETH", "USD", 2, 4),
        ("LTC", "USD", 2, 4),
        ("USDT", "USD", 4, 2),
        ("USDC", "USD", 4, 2),
    )
}

_TABLE_SIZE: Final = 2_048
_PERIODS: Final = tuple(float(3**power) for power in range(11))  # one second to sixteen hours
_BURST_SECONDS: Final = 30.0  # only moves shorter than this swell and calm with the regime
_REGIME_SECONDS: Final = 300.0


class _Walk:
    """Random-walk-like noise that can be read at any time: smooth noise on many time scales.

    Each scale weighs as the root of its period, as a walk's spread grows; the longest scale bounds
    the whole, which is the mean reversion.
    """

    def __init__(self, rng: Random, scale_bps: float) -> None:
        self._table = [rng.gauss(0.0, 1.0) for _ in range(_TABLE_SIZE)]
        self._phases = [rng.random() for _ in _PERIODS]
        self._scale = scale_bps / 10_000
        self._origin = self._noise(0.0)

    def at(self, seconds: float) -> float:
        """The logarithm of the price relative to the start (a pure number; 0 at the start)."""
        return self._noise(seconds) - self._origin

    def _noise(self, seconds: float) -> float:
        # Volatility comes in spells: slow noise sets how lively the fast scales are.
        liveliness = exp(0.4 * self._octave(seconds / _REGIME_SECONDS, len(_PERIODS)))
        total = 0.0
        for number, period in enumerate(_PERIODS):
            weight = sqrt(period) * (liveliness if period < _BURST_SECONDS else 1.0)
            total += weight * self._octave(seconds / period + self._phases[number], number)
        return self._scale * total

    def _octave(self, position: float, number: int) -> float:
        index = floor(position)
        fraction = position - index
        eased = fraction * fraction * (3.0 - 2.0 * fraction)
        left = self._table[(index * 7_919 + number * 104_729) % _TABLE_SIZE]
        right = self._table[((index + 1) * 7_919 + number * 104_729) % _TABLE_SIZE]
        return left + (right - left) * eased


# asset: price in USD at the start, own noise in bps, share of bitcoin's move that it follows
_ASSETS: Final[Mapping[str, tuple[float, float, float]]] = {
    "BTC": (100_000.0, 0.27, 0.0),
    "ETH": (3_400.0, 0.30, 0.8),
    "LTC": (90.0, 0.45, 0.7),
    "USDT": (1.0, 0.004, 0.0),
    "USDC": (1.0, 0.004, 0.0),
}


class Market:
    """The true mid price of every pair at every moment.

    All pairs are made from each asset's price in USD, so triangles close exactly.
    """

    def __init__(self, seed: int, started_ns: int) -> None:
        """`seed` chooses the paths; `started_ns` (UTC nanoseconds) is when they begin."""
        self._started_ns = started_ns
        self._walks = {
            asset: _Walk(Random(f"{seed}:market:{asset}"), scale_bps)
            for asset, (_, scale_bps, _) in _ASSETS.items()
        }

    def mid(self, symbol: str, at_ns: int) -> Decimal:
        """The mid of `symbol` ("BTC/USDT") in quote units at `at_ns`; KeyError if not traded."""
        pair = PAIRS[symbol]
        seconds = (at_ns - self._started_ns) / NS_PER_SECOND
        ratio = self._usd(pair.base, seconds)
        if pair.quote != "USD":
            ratio /= self._usd(pair.quote, seconds)
        return Decimal(f"{ratio:.10f}")

    def _usd(self, asset: str, seconds: float) -> float:
        start, _, follows = _ASSETS[asset]
        move = self._walks[asset].at(seconds)
        if follows:
            move += follows * self._walks["BTC"].at(seconds)
        return start * exp(move)
