"""One face for every kind of pool: swap an exact amount in, or an exact amount out.

A swap gives what the other side is, in smallest units, and the pool after it.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from msgspec.structs import replace

from lpdesk.domain.pools import Pool, ProductPool, RangePool, StablePool, WeightedPool
from lpdesk.engines.pools import concentrated, product, stable, weighted
from lpdesk.engines.pools.errors import NoSwap


class Swapped(NamedTuple):
    """`amount` of the other token, and the pool as it then stands."""

    amount: int
    after: Pool


def swap_in(pool: Pool, given: int, i: int, j: int) -> Swapped:
    """Put `given` of token `i` in: what comes out of `j`. Raises `NoSwap`."""
    return _SWAPS[type(pool)][0](pool, given, i, j)


def swap_out(pool: Pool, wanted: int, i: int, j: int) -> Swapped:
    """Take `wanted` of token `j` out: what must go in of `i`. Raises `NoSwap`."""
    return _SWAPS[type(pool)][1](pool, wanted, i, j)


def _moved(pool: Any, i: int, given: int, j: int, taken: int) -> Any:
    """The pool with its balances after a swap."""
    reserves = list(pool.reserves)
    reserves[i] += given
    reserves[j] -= taken
    return replace(pool, reserves=tuple(reserves))


def _product_in(pool: ProductPool, given: int, i: int, j: int) -> Swapped:
    held, other = int(pool.reserves[i]), int(pool.reserves[j])
    taken = product.out(given, held, other, pool.kept, pool.of)
    return Swapped(taken, _moved(pool, i, given, j, taken))


def _product_out(pool: ProductPool, wanted: int, i: int, j: int) -> Swapped:
    held, other = int(pool.reserves[i]), int(pool.reserves[j])
    given = product.into(wanted, held, other, pool.kept, pool.of)
    return Swapped(given, _moved(pool, i, given, j, wanted))


def as_range(pool: RangePool) -> concentrated.Range:
    """The pool in whole numbers."""
    ticks = tuple((each.tick, int(each.net)) for each in pool.ticks)
    return concentrated.Range(
        int(pool.sqrt_price), pool.tick, int(pool.liquidity), pool.fee_ppm, pool.spacing, ticks
    )


def _range(pool: RangePool, amount: int, i: int) -> tuple[concentrated.Swap, RangePool]:
    done = concentrated.swap(as_range(pool), amount, zero_in=i == 0)
    if done.left:
        raise NoSwap("the pool has less")
    after = replace(
        pool,
        sqrt_price=Decimal(done.after.price),
        tick=done.after.tick,
        liquidity=Decimal(done.after.liquidity),
    )
    return done, after


def _range_in(pool: RangePool, given: int, i: int, j: int) -> Swapped:
    if given <= 0:
        raise NoSwap("nothing to swap")
    done, after = _range(pool, given, i)
    return Swapped(done.taken, after)


def _range_out(pool: RangePool, wanted: int, i: int, j: int) -> Swapped:
    if wanted <= 0:
        raise NoSwap("nothing to swap")
    done, after = _range(pool, -wanted, i)
    return Swapped(done.given, after)


def as_balances(pool: StablePool) -> stable.Balances:
    """The pool in whole numbers."""
    held = tuple(int(reserve) for reserve in pool.reserves)
    return stable.Balances(held, pool.decimals, pool.amplification, pool.fee, pool.precision)


def _stable_in(pool: StablePool, given: int, i: int, j: int) -> Swapped:
    taken = stable.out(as_balances(pool), i, j, given)
    return Swapped(taken, _moved(pool, i, given, j, taken))


def _stable_out(pool: StablePool, wanted: int, i: int, j: int) -> Swapped:
    given = stable.into(as_balances(pool), i, j, wanted)
    return Swapped(given, _moved(pool, i, given, j, wanted))


def _weighted_sides(pool: WeightedPool, i: int, j: int) -> tuple[int, int, int, int, int, int]:
    """Balances with 18 decimals and weights, and what scales each side."""
    scale_i, scale_j = (10 ** (18 - pool.decimals[k]) for k in (i, j))
    held_i, held_j = int(pool.reserves[i]) * scale_i, int(pool.reserves[j]) * scale_j
    return held_i, int(pool.weights[i]), held_j, int(pool.weights[j]), scale_i, scale_j


def _weighted_in(pool: WeightedPool, given: int, i: int, j: int) -> Swapped:
    *sides, scale_i, scale_j = _weighted_sides(pool, i, j)
    net = weighted.after_fee(given, int(pool.fee)) * scale_i
    taken = weighted.out(net, *sides) // scale_j
    return Swapped(taken, _moved(pool, i, given, j, taken))


def _weighted_out(pool: WeightedPool, wanted: int, i: int, j: int) -> Swapped:
    *sides, scale_i, scale_j = _weighted_sides(pool, i, j)
    net = -(-weighted.into(wanted * scale_j, *sides) // scale_i)
    given = weighted.with_fee(net, int(pool.fee))
    return Swapped(given, _moved(pool, i, given, j, wanted))


_Swap = Callable[[Any, int, int, int], Swapped]
_SWAPS: dict[type, tuple[_Swap, _Swap]] = {
    ProductPool: (_product_in, _product_out),
    RangePool: (_range_in, _range_out),
    StablePool: (_stable_in, _stable_out),
    WeightedPool: (_weighted_in, _weighted_out),
}
