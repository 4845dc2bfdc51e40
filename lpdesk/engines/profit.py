"""P&L of making one pair, split so that the parts sum to the total to the last digit.

total = cash + position * mid = spread + inventory + fees, where spread is what each fill was better
than the mid at that moment, and inventory is what the mid's moves did to the position held.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import NamedTuple

from lpdesk.domain.values import BPS, SECOND, ZERO, Instant, Side

DAY_NS = 86_400 * SECOND


class Turnover(NamedTuple):
    """What fills made up: base, quote, and |price - mid| * quantity of our quotes."""

    volume: Decimal = ZERO
    notional: Decimal = ZERO
    captured: Decimal = ZERO

    @property
    def half_spread_bps(self) -> Decimal | None:
        """Spread captured per notional; None without a fill."""
        return self.captured / self.notional * BPS if self.notional else None


class Profit:
    """Grows with every fill and every new mid of one pair. Figures in quote units."""

    def __init__(self) -> None:
        self.position = ZERO
        self.cash = ZERO
        self.mid: Decimal | None = None
        self.spread = ZERO
        self.inventory = ZERO
        self.fees = ZERO
        self.realised = ZERO
        self.cost = ZERO  # of the open position, signed as the position
        self.peak = ZERO
        self._fills: deque[tuple[Instant, Turnover]] = deque()
        self._day = Turnover()

    def moved(self, mid: Decimal) -> None:
        """A new mid: the position held is worth more or less."""
        if mid == self.mid:
            return
        if self.mid is not None:
            self.inventory += self.position * (mid - self.mid)
        self.mid = mid
        self.peak = max(self.peak, self.total)

    def filled(
        self,
        side: Side,
        price: Decimal,
        quantity: Decimal,
        cash: Decimal,
        fee: Decimal,
        at: Instant,
    ) -> None:
        """A fill of a quote of ours for `cash`, at the current mid. `fee` positive is paid.

        Without any mid yet the fill's own price stands for it.
        """
        if self.mid is None:
            self.mid = price
        signed = quantity if side is Side.BUY else -quantity
        paid = cash if side is Side.BUY else -cash
        self._book_cost(signed, paid)
        self.position += signed
        self.cash -= paid + fee
        self.spread += signed * self.mid - paid
        self.fees -= fee
        self.peak = max(self.peak, self.total)
        turnover = Turnover(quantity, cash, abs(price - self.mid) * quantity)
        self._fills.append((at, turnover))
        self._day = Turnover(*(old + new for old, new in zip(self._day, turnover, strict=True)))

    def _book_cost(self, signed: Decimal, paid: Decimal) -> None:
        """Average cost: a fill against the position realises, one with it adds to the cost."""
        left = self.position + signed
        if self.position * signed >= 0:
            self.cost += paid
        elif left * self.position >= 0:
            gone = -signed * self.cost / self.position if left else self.cost
            self.realised -= paid + gone
            self.cost -= gone
        else:  # through zero: all of it goes, and what is left was dealt at this price
            price = paid / signed
            self.realised += self.position * price - self.cost
            self.cost = left * price

    @property
    def total(self) -> Decimal:
        return self.cash + self.position * (self.mid or ZERO)

    @property
    def unrealised(self) -> Decimal:
        return self.position * (self.mid or ZERO) - self.cost

    @property
    def drawdown(self) -> Decimal:
        """How far the total is below its best."""
        return max(ZERO, self.peak - self.total)

    def last_day(self, at: Instant) -> Turnover:
        """What the fills of the last 24 hours made up."""
        while self._fills and self._fills[0][0] < at - DAY_NS:
            _, gone = self._fills.popleft()
            self._day = Turnover(*(all_ - old for all_, old in zip(self._day, gone, strict=True)))
        return self._day
