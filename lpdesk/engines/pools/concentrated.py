"""Concentrated liquidity, Uniswap v3: within a range and across ticks. Protocols 4.4."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from lpdesk.engines.pools.errors import NoSwap
from lpdesk.engines.pools.ticks import (
    MAX_SQRT,
    MAX_TICK,
    MIN_SQRT,
    after_input,
    after_output,
    amount0,
    amount1,
    sqrt_price_at,
    tick_at,
)

MILLION = 1_000_000


class Range(NamedTuple):
    """A pool as it stands: square root price, its tick, liquidity in range, fee in millionths.

    `ticks`: the initialised ones in order, each with the liquidity that crossing upwards adds. The
    contract looks for them in words of 256 times the spacing, and rounds at the end of each.
    """

    price: int
    tick: int
    liquidity: int
    fee_ppm: int
    spacing: int
    ticks: tuple[tuple[int, int], ...] = ()


class Step(NamedTuple):
    """One move within a range: where the price went, what went in, came out and was paid in fee."""

    price: int
    given: int
    taken: int
    fee: int


class Swap(NamedTuple):
    """A whole swap: what went in (fee included), what came out, and the pool after it.

    `left` is what could not be done: the pool ran out of liquidity.
    """

    given: int
    taken: int
    left: int
    after: Range
    crossed: tuple[int, ...]


def step(price: int, target: int, liquidity: int, amount: int, fee_ppm: int) -> Step:
    """Move towards `target` with `amount`: positive is to go in, negative is to come out."""
    zero_in, exact_in = price >= target, amount >= 0
    low, high = min(price, target), max(price, target)
    in_, out_ = (amount0, amount1) if zero_in else (amount1, amount0)
    if exact_in:
        net = amount * (MILLION - fee_ppm) // MILLION
        whole = net >= in_(low, high, liquidity, up=True)
        moved = target if whole else after_input(price, liquidity, net, zero_in=zero_in)
    else:
        whole = -amount >= out_(low, high, liquidity, up=False)
        moved = target if whole else after_output(price, liquidity, -amount, zero_in=zero_in)
    low, high = min(price, moved), max(price, moved)
    given = in_(low, high, liquidity, up=True)
    taken = out_(low, high, liquidity, up=False)
    if not exact_in:
        taken = min(taken, -amount)
    if exact_in and moved != target:
        return Step(moved, given, taken, amount - given)
    return Step(moved, given, taken, -(-given * fee_ppm // (MILLION - fee_ppm)))


def swap(pool: Range, amount: int, *, zero_in: bool, limit: int | None = None) -> Swap:
    """Swap through as many ranges as it takes: `amount` positive in, negative out.

    `limit` bounds the square root price. Raises `NoSwap` for a swap of nothing.
    """
    if amount == 0:
        raise NoSwap("nothing to swap")
    bound = limit if limit is not None else (MIN_SQRT + 1 if zero_in else MAX_SQRT - 1)
    price, tick, liquidity = pool.price, pool.tick, pool.liquidity
    left, given, taken, crossed = amount, 0, 0, list[int]()
    while left and price != bound:
        edge_tick, net = next_edge(pool, tick, zero_in=zero_in)
        if net is None and not liquidity and not more_ticks(pool, tick, zero_in=zero_in):
            break
        edge = sqrt_price_at(edge_tick)
        target = max(edge, bound) if zero_in else min(edge, bound)
        before = price
        moved = step(price, target, liquidity, left, pool.fee_ppm) if liquidity else None
        price = moved.price if moved else target
        if moved:
            given += moved.given + moved.fee
            taken += moved.taken
            left += moved.taken if left < 0 else -(moved.given + moved.fee)
        if price == edge:
            tick = edge_tick - 1 if zero_in else edge_tick
            if net is not None:
                liquidity += -net if zero_in else net
                crossed.append(edge_tick)
        elif price != before:
            tick = tick_at(price)
    after = pool._replace(price=price, tick=tick, liquidity=liquidity)
    return Swap(given, taken, abs(left), after, tuple(crossed))


def next_edge(pool: Range, tick: int, *, zero_in: bool) -> tuple[int, int | None]:
    """Where the range ends, and what crossing there adds: None at the end of a word."""
    word = tick // pool.spacing if zero_in else tick // pool.spacing + 1
    end = ((word >> 8 << 8) + (0 if zero_in else 255)) * pool.spacing
    end = max(-MAX_TICK, min(MAX_TICK, end))
    place = bisect_right(pool.ticks, tick, key=_tick) - (1 if zero_in else 0)
    if not 0 <= place < len(pool.ticks):
        return end, None
    found, net = pool.ticks[place]
    inside = found >= end if zero_in else found <= end
    return (found, net) if inside else (end, None)


def more_ticks(pool: Range, tick: int, *, zero_in: bool) -> bool:
    """Whether any liquidity may still come in that direction."""
    if not pool.ticks:
        return False
    return pool.ticks[0][0] <= tick if zero_in else pool.ticks[-1][0] > tick


def _tick(entry: tuple[int, int]) -> int:
    return entry[0]
