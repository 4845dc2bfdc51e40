"""What the last seconds say: how far a price has moved, and how much a maker has sent.

Exact and of constant cost a price: a window is read on every tick.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from lpdesk.domain.values import BPS, SECOND, ZERO, Instant

SAMPLE_EVERY_NS = SECOND // 4
"""Volatility is measured between prices that far apart: closer ones are mostly noise."""


class PriceWindow:
    """The reference prices of a window: their reach, and their variance a second."""

    def __init__(self) -> None:
        self._lows: deque[tuple[Instant, Decimal]] = deque()  # rising: the first is the lowest
        self._highs: deque[tuple[Instant, Decimal]] = deque()  # falling: the first is the highest
        self._samples: deque[tuple[Instant, Decimal]] = deque()
        self._squares = ZERO

    def moved_bps(self, mid: Decimal, at: Instant, length_ns: int) -> Decimal:
        """How far `mid` is from the window's furthest price; `mid` is in the window from now on."""
        lows, highs, start = self._lows, self._highs, at - length_ns
        while lows and lows[0][0] < start:
            lows.popleft()
        while highs and highs[0][0] < start:
            highs.popleft()
        while lows and lows[-1][1] >= mid:
            lows.pop()
        while highs and highs[-1][1] <= mid:
            highs.pop()
        lows.append((at, mid))
        highs.append((at, mid))
        low, high = lows[0][1], highs[0][1]
        return max((mid - low) / low, (high - mid) / high) * BPS

    def rebase(self) -> None:
        """The next price is where moves are measured from. What is known of volatility stays."""
        self._lows.clear()
        self._highs.clear()

    def sample(self, mid: Decimal, at: Instant, length_ns: int) -> None:
        """Keep a price for the variance."""
        samples = self._samples
        if samples and at < samples[-1][0] + SAMPLE_EVERY_NS:
            return
        if samples:
            self._squares += (mid - samples[-1][1]) ** 2
        samples.append((at, mid))
        while samples[0][0] < at - length_ns:
            _, gone = samples.popleft()
            self._squares -= (samples[0][1] - gone) ** 2

    @property
    def variance(self) -> Decimal:
        """Mean squared move per second, in quote units squared."""
        if len(self._samples) < 2:
            return ZERO
        lasted = self._samples[-1][0] - self._samples[0][0]
        return self._squares * SECOND / lasted


class Pace:
    """Orders and notional sent in the last second, against their caps."""

    def __init__(self) -> None:
        self._sent: deque[tuple[Instant, int, Decimal]] = deque()
        self._orders = 0
        self._notional = ZERO

    def sent(self, orders: int, notional: Decimal, at: Instant) -> None:
        self._sent.append((at, orders, notional))
        self._orders += orders
        self._notional += notional

    def free_at(
        self, orders: int, notional: Decimal, most: Decimal, most_notional: Decimal, at: Instant
    ) -> Instant:
        """When so much more may be sent: `at` for now. What is sent counts for one second."""
        while self._sent and self._sent[0][0] <= at - SECOND:
            _, gone, worth = self._sent.popleft()
            self._orders -= gone
            self._notional -= worth
        total, value, free = self._orders + orders, self._notional + notional, at
        for sent_at, gone, worth in self._sent:
            if total <= most and (value <= most_notional or not most_notional):
                break
            total, value, free = total - gone, value - worth, sent_at + SECOND
        return free
