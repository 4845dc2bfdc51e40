"""Uniswap v3's square root prices: from ticks, between ticks, and what moving between them takes.

Prices are sqrt(token1 / token0) * 2^96 in raw units, rounded down. Protocols 4.4.
"""

from __future__ import annotations

from decimal import Decimal, localcontext

from lpdesk.engines.pools.errors import NoSwap

Q96 = 1 << 96
MAX_TICK = 887272
MIN_SQRT = 4295128739
MAX_SQRT = 1461446703485210103287273052203988822378723970342


def _factors() -> tuple[int, ...]:
    """2^128 / 1.0001^(2^(i-1)), to nearest: what each bit of a tick multiplies by."""
    with localcontext() as context:
        context.prec = 120
        base = Decimal("1.0001").sqrt()
        powers = [base]
        while len(powers) < 20:
            powers.append(powers[-1] * powers[-1])
        return tuple(int((Decimal(1 << 128) / power).to_integral_value()) for power in powers)


FACTORS = _factors()


def sqrt_price_at(tick: int) -> int:
    """The square root price at a tick, rounded up in its last bit. Raises `NoSwap`."""
    if abs(tick) > MAX_TICK:
        raise NoSwap("tick out of range")
    ratio, rest = 1 << 128, abs(tick)
    for factor in FACTORS:
        if rest & 1:
            ratio = ratio * factor >> 128
        rest >>= 1
    if tick > 0:
        ratio = ((1 << 256) - 1) // ratio
    return (ratio >> 32) + (1 if ratio & 0xFFFFFFFF else 0)


def tick_at(sqrt_price: int) -> int:
    """The greatest tick whose price is not above. Raises `NoSwap`."""
    if not MIN_SQRT <= sqrt_price < MAX_SQRT:
        raise NoSwap("price out of range")
    low, high = -MAX_TICK, MAX_TICK
    while low < high:
        middle = (low + high + 1) // 2
        if sqrt_price_at(middle) <= sqrt_price:
            low = middle
        else:
            high = middle - 1
    return low


def amount0(low: int, high: int, liquidity: int, *, up: bool) -> int:
    """Token0 between two square root prices, rounded up (paid in) or down (paid out)."""
    scaled = (liquidity << 96) * (high - low)
    if up:
        whole = -(-scaled // high)
        return -(-whole // low)
    return scaled // high // low


def amount1(low: int, high: int, liquidity: int, *, up: bool) -> int:
    """Token1 between two square root prices."""
    product = liquidity * (high - low)
    return -(-product // Q96) if up else product // Q96


def after_input(price: int, liquidity: int, given: int, *, zero_in: bool) -> int:
    """The price after `given` has gone in, rounded so that no more comes out than is due."""
    if not zero_in:
        return price + (given << 96) // liquidity
    scaled = liquidity << 96
    return -(-scaled * price // (scaled + given * price))


def after_output(price: int, liquidity: int, wanted: int, *, zero_in: bool) -> int:
    """The price after `wanted` has come out. Raises `NoSwap` when there is not so much."""
    if zero_in:
        moved = price - -(-(wanted << 96) // liquidity)
        if moved <= 0:
            raise NoSwap("the range has less")
        return moved
    scaled = liquidity << 96
    left = scaled - wanted * price
    if left <= 0:
        raise NoSwap("the range has less")
    return -(-scaled * price // left)
