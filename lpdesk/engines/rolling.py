"""How much a client has dealt in the last 24 hours, in a quote asset."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from lpdesk.domain.values import SECOND, ZERO, Instant

WINDOW_NS = 86_400 * SECOND


class Rolling:
    """Trades of the window by client and quote asset; a failed one is taken out again."""

    def __init__(self) -> None:
        self._deals: defaultdict[tuple[str, str], dict[str, tuple[Instant, Decimal]]]
        self._deals = defaultdict(dict)
        self._sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def add(self, key: tuple[str, str], trade_id: str, amount: Decimal, at: Instant) -> None:
        self._deals[key][trade_id] = at, amount
        self._sums[key] += amount

    def drop(self, key: tuple[str, str], trade_id: str) -> None:
        """The trade came to nothing."""
        _, amount = self._deals[key].pop(trade_id, (0, ZERO))
        self._sums[key] -= amount

    def dealt(self, key: tuple[str, str], at: Instant) -> Decimal:
        """The window's sum, as of `at`."""
        deals = self._deals[key]
        while deals:
            trade_id, (then, _) = next(iter(deals.items()))
            if then > at - WINDOW_NS:
                break
            self.drop(key, trade_id)
        return self._sums[key]
