"""Curve's StableSwap: the order of the divisions is the contract's. Protocols 4.5."""

from __future__ import annotations

from typing import NamedTuple

from lpdesk.engines.pools.errors import NoSwap

ONE = 10**18
FEE_OF = 10**10
ROUNDS = 255


class Balances(NamedTuple):
    """A pool as it stands. `fee` in 1e-10; `precision` is 100 of newer pools, 1 of the old 3pool,
    which also takes its fee after scaling back."""

    balances: tuple[int, ...]
    decimals: tuple[int, ...]
    amplification: int
    fee: int
    precision: int = 100

    @property
    def rates(self) -> tuple[int, ...]:
        return tuple(10 ** (36 - places) for places in self.decimals)

    @property
    def scaled(self) -> tuple[int, ...]:
        """Balances as if all tokens had 18 decimals."""
        return tuple(b * rate // ONE for b, rate in zip(self.balances, self.rates, strict=True))


def invariant(xp: tuple[int, ...], ann: int, precision: int) -> int:
    """D, by Newton's method. Raises `NoSwap` on an empty pool or one that does not converge."""
    n, total = len(xp), sum(xp)
    if total == 0:
        return 0
    if not all(xp):
        raise NoSwap("a side of the pool is empty")
    d = total
    for _ in range(ROUNDS):
        dp = d
        for x in xp:
            dp = dp * d // (x * n)
        before = d
        over = (ann - precision) * d // precision + (n + 1) * dp
        d = (ann * total // precision + dp * n) * d // over
        if abs(d - before) <= 1:
            return d
    raise NoSwap("the pool does not converge")


def balance_after(pool: Balances, i: int, j: int, x: int) -> int:
    """What j's scaled balance is once i's is `x`. Raises `NoSwap`."""
    xp, n, precision = pool.scaled, len(pool.balances), pool.precision
    ann = pool.amplification * precision * n
    d = invariant(xp, ann, precision)
    c, total = d, 0
    for k, held in enumerate(xp):
        if k == j:
            continue
        z = x if k == i else held
        if z <= 0:
            raise NoSwap("a side of the pool is empty")
        total += z
        c = c * d // (z * n)
    c = c * d * precision // (ann * n)
    b, y = total + d * precision // ann, d
    for _ in range(ROUNDS):
        before = y
        y = (y * y + c) // (2 * y + b - d)
        if abs(y - before) <= 1:
            return y
    raise NoSwap("the pool does not converge")


def out(pool: Balances, i: int, j: int, given: int) -> int:
    """What comes out of j for `given` of i (the contract's get_dy). Raises `NoSwap`."""
    if given <= 0:
        raise NoSwap("nothing to swap")
    rates, xp = pool.rates, pool.scaled
    y = balance_after(pool, i, j, xp[i] + given * rates[i] // ONE)
    dy = xp[j] - y - 1
    if dy <= 0:
        return 0
    if pool.precision == 1:
        dy = dy * ONE // rates[j]
        return dy - pool.fee * dy // FEE_OF
    return (dy - pool.fee * dy // FEE_OF) * ONE // rates[j]


def into(pool: Balances, i: int, j: int, wanted: int) -> int:
    """The least of i for which at least `wanted` of j comes out. Raises `NoSwap`."""
    if wanted <= 0:
        raise NoSwap("nothing to swap")
    rates, xp = pool.rates, pool.scaled
    gross = -(-wanted * FEE_OF // (FEE_OF - pool.fee)) * rates[j] // ONE
    if gross + 2 >= xp[j]:
        raise NoSwap("the pool has less")
    guess = balance_after(pool, j, i, xp[j] - gross) - xp[i]
    guess = max(1, guess * ONE // rates[i])
    low, high, reach = guess, guess, 1
    while out(pool, i, j, high) < wanted:
        low, high, reach = high, high + reach, reach * 2
    reach = 1
    while low > 0 and out(pool, i, j, low) >= wanted:
        high, low, reach = low, max(0, low - reach), reach * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if out(pool, i, j, middle) >= wanted else (middle, high)
    return high
