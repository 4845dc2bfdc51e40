"""A pool as a source of a pair's base: exact amounts for a size, and its marginal price in bends.

A bend is a stretch on which the marginal price of the q-th base unit is that of a constant product:
`(root / (depth - q))^2` to buy, `(root / (depth + q))^2` to sell, fee included. Uniswap v2 is one
bend, v3 one for each range; of StableSwap and weighted pools they are fitted to the exact curve.
"""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from typing import NamedTuple

from msgspec.structs import replace

from lpdesk.domain.pools import Pool, ProductPool, RangePool, StablePool, WeightedPool
from lpdesk.domain.values import ONE, ZERO, Side, round_down
from lpdesk.engines.pools.concentrated import next_edge
from lpdesk.engines.pools.errors import NoSwap
from lpdesk.engines.pools.swaps import as_range, swap_in, swap_out
from lpdesk.engines.pools.ticks import Q96, sqrt_price_at

ROUGH = Context(prec=40)
"""Digits of marginal prices; amounts are whole numbers."""

MOST = {ProductPool: Decimal("0.9"), StablePool: Decimal("0.8"), WeightedPool: Decimal("0.3")}
"""No more than so much of the base reserve is ever planned on; of a weighted pool it is a rule."""

FITTED = 160
FINER = 9
MAX_RANGES = 64


class Bend(NamedTuple):
    """A stretch of `size` base units. `root` is zero on one of a single price, `start`."""

    start: Decimal
    end: Decimal
    size: Decimal
    depth: Decimal
    root: Decimal

    def at(self, quantity: Decimal, side: Side) -> Decimal:
        """The marginal price of that unit of the bend."""
        if not self.root:
            return self.start
        left = self.depth - quantity if side is Side.BUY else self.depth + quantity
        return (self.root / left) ** 2


class Curve:
    """A pool seen from one pair. Sizes in base units, cash in quote units, as `Decimal`."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._base_unit = ONE.scaleb(-pool.decimals[pool.base])
        self._quote_unit = ONE.scaleb(-pool.decimals[pool.quote])
        self._bends: dict[Side, list[Bend]] = {side: [] for side in Side}
        self._planned: dict[Side, Decimal] = {}
        self._slopes: dict[Side, Decimal] = {}

    def cash(self, side: Side, quantity: Decimal) -> Decimal:
        """What buying `quantity` costs, or selling it brings, exactly. Raises `NoSwap`.

        A size with more digits than the token has is rounded against us.
        """
        pool = self.pool
        if side is Side.BUY:
            amount = swap_out(pool, self._raw(quantity, up=True), pool.quote, pool.base).amount
        else:
            amount = swap_in(pool, self._raw(quantity, up=False), pool.base, pool.quote).amount
        return amount * self._quote_unit

    def _raw(self, quantity: Decimal, *, up: bool) -> int:
        raw = int(quantity / self._base_unit)
        return raw + 1 if up and raw * self._base_unit < quantity else raw

    def bends(self, side: Side, quantity: Decimal) -> list[Bend]:
        """The marginal price of `quantity` base units, or of all there is, best first."""
        if self._planned.get(side, -ONE) < quantity:
            self._planned[side] = quantity
            with localcontext(ROUGH):
                self._bend_to(side, quantity)
        return self._bends[side]

    def spot(self, side: Side) -> Decimal | None:
        """The price of the very first unit; None when the pool has nothing."""
        bends = self.bends(side, ZERO)
        return bends[0].start if bends else None

    @property
    def mid(self) -> Decimal | None:
        """Between the two, where the fee is not."""
        buy, sell = self.spot(Side.BUY), self.spot(Side.SELL)
        return (buy + sell) / 2 if buy is not None and sell is not None else None

    def _bend_to(self, side: Side, quantity: Decimal) -> None:
        match self.pool:
            case ProductPool():
                self._bends[side] = self._product(self.pool, side)
            case RangePool():
                self._bends[side] = self._ranges(self.pool, side)
            case _:
                self._fit(side, quantity)

    def _product(self, pool: ProductPool, side: Side) -> list[Bend]:
        base = pool.reserves[pool.base] * self._base_unit
        quote = pool.reserves[pool.quote] * self._quote_unit
        if not base or not quote:
            return []
        counts = Decimal(pool.kept) / pool.of
        depth = base if side is Side.BUY else base / counts
        return [_bend(side, depth, (base * quote / counts).sqrt(), base * MOST[ProductPool])]

    def _ranges(self, pool: RangePool, side: Side) -> list[Bend]:
        """One bend for each range, from the price outwards."""
        base_first = pool.base == 0
        zero_in = base_first is (side is Side.SELL)
        state, bends = as_range(pool), list[Bend]()
        counts = ONE - Decimal(pool.fee_ppm).scaleb(-6)
        price, tick, liquidity = state.price, state.tick, state.liquidity
        scale = (self._base_unit * self._quote_unit).sqrt()
        for _ in range(MAX_RANGES):
            edge_tick, net = next_edge(state, tick, zero_in=zero_in)
            edge = sqrt_price_at(edge_tick)
            if liquidity and edge != price:
                now, then = Decimal(price) / Q96, Decimal(edge) / Q96
                held = liquidity / now if base_first else liquidity * now
                after = liquidity / then if base_first else liquidity * then
                size = abs(held - after) * self._base_unit
                depth = held * self._base_unit
                if side is Side.SELL:
                    size, depth = size / counts, depth / counts
                bends.append(_bend(side, depth, liquidity * scale / counts.sqrt(), size))
            if net is not None:
                liquidity += -net if zero_in else net
            price, tick = edge, edge_tick - 1 if zero_in else edge_tick
            if not liquidity and net is None:
                break
        return bends

    def _fit(self, side: Side, quantity: Decimal) -> None:
        """Constant products through the exact curve's slopes, at growing distances as needed."""
        whole, bends = self.reserve * MOST[type(self.pool)], self._bends[side]
        done = sum((bend.size for bend in bends), ZERO)
        try:
            if not bends:
                self._slopes[side] = self._slope(side, ZERO, whole)
            while (not bends or done < quantity) and len(bends) < FITTED:
                k = len(bends) + 1
                end = whole * k * k / (FITTED * FITTED)
                slope = self._slope(side, end, whole)
                bends.append(_through(side, self._slopes[side], slope, end - done))
                self._slopes[side], done = slope, end
        except NoSwap:
            self._planned[side] = whole  # that is all it gives

    @property
    def reserve(self) -> Decimal:
        """The base that the pool holds."""
        assert not isinstance(self.pool, RangePool)
        return self.pool.reserves[self.pool.base] * self._base_unit

    def _slope(self, side: Side, size: Decimal, whole: Decimal) -> Decimal:
        """The slope of the exact curve there, over a stretch that drowns its last digits."""
        step = round_down(whole / 1_000_000, 15)
        if not step:
            raise NoSwap("hardly anything in the pool")
        middle = round_down(size, 15)
        if middle < step:  # at the start the slope is taken from one side, and bent back
            cash, further = self._fine_cash(side, step), self._fine_cash(side, 2 * step)
            return (4 * cash - further) / (2 * step)
        above, below = self._fine_cash(side, middle + step), self._fine_cash(side, middle - step)
        return (above - below) / (2 * step)

    def _fine_cash(self, side: Side, quantity: Decimal) -> Decimal:
        """`cash` with more digits: neither curve minds the scale it is drawn in."""
        if not quantity:
            return ZERO
        return self._finer().cash(side, quantity.scaleb(FINER)).scaleb(-FINER)

    def _finer(self) -> Curve:
        """The same pool, `FINER` digits larger, with as many decimals as its formula has."""
        pool = self.pool
        assert isinstance(pool, StablePool | WeightedPool)
        shifts = [18 - places + FINER for places in pool.decimals]
        reserves = tuple(a.scaleb(shift) for a, shift in zip(pool.reserves, shifts, strict=True))
        return Curve(replace(pool, reserves=reserves, decimals=tuple(18 for _ in shifts)))


def _bend(side: Side, depth: Decimal, root: Decimal, size: Decimal) -> Bend:
    end = depth - size if side is Side.BUY else depth + size
    return Bend((root / depth) ** 2, (root / end) ** 2, size, depth, root)


def _through(side: Side, start: Decimal, end: Decimal, size: Decimal) -> Bend:
    """The constant product with those marginal prices at both ends."""
    near, far = 1 / start.sqrt(), 1 / end.sqrt()
    fall = near - far if side is Side.BUY else far - near
    if fall <= 0:
        return Bend(start, start, size, ZERO, ZERO)
    root = size / fall
    return Bend(start, end, size, root * near, root)
