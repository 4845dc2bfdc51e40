"""What is to be dealt, and where it can be: quotes, ladders of several levels, curves of pools."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from lpdesk.domain.values import BPS, ONE, ZERO, Instant, Side
from lpdesk.engines.pools.curves import Curve


class Mode(StrEnum):
    """How many sources one order may be divided over."""

    SWEEP = "sweep"  # as many as it takes
    FULL_AMOUNT = "full_amount"  # one, for all of it


class Order(Struct, frozen=True, kw_only=True):
    """`quantity` in multiples of `unit`. With a `limit` only what is at or better than it."""

    side: Side
    quantity: Decimal
    unit: Decimal
    limit: Decimal | None = None
    mode: Mode = Mode.SWEEP


class Level(NamedTuple):
    """So much at that price."""

    price: Decimal
    size: Decimal


class Source(Struct, frozen=True, kw_only=True):
    """A place to deal: a ladder, best level first, or the curve of a pool.

    It takes nothing, or from `minimum` to `maximum` in multiples of `lot`. `fee_bps` of the cash
    and `fixed_fee` for the leg are on top. A firm quote that cannot be divided has both limits at
    its size. Quotes that have expired at the time of the plan are out.
    """

    name: str
    levels: tuple[Level, ...] = ()
    curve: Curve | None = None
    minimum: Decimal = ZERO
    maximum: Decimal | None = None
    lot: Decimal = ZERO
    fee_bps: Decimal = ZERO
    fixed_fee: Decimal = ZERO
    expires_at: Instant | None = None

    def factor(self, side: Side) -> Decimal:
        """What the proportional fee makes of a price."""
        if not self.fee_bps:
            return ONE
        return (BPS + self.fee_bps if side is Side.BUY else BPS - self.fee_bps) / BPS

    @property
    def size(self) -> Decimal:
        """All that the levels have."""
        return sum((size for _, size in self.levels), ZERO)

    def cash(self, side: Side, quantity: Decimal) -> Decimal:
        """Exactly what a leg costs in all, or brings. Raises `NoSwap` of a pool."""
        if self.curve is not None:
            gross = self.curve.cash(side, quantity)
        else:
            gross, left = ZERO, quantity
            for price, size in self.levels:
                if size >= left:
                    gross += price * left
                    break
                gross += price * size
                left -= size
        if not self.fee_bps and not self.fixed_fee:
            return gross
        fees = gross * self.fee_bps / BPS + self.fixed_fee
        return gross + fees if side is Side.BUY else gross - fees
