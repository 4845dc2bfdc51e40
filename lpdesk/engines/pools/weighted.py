"""Balancer v2's weighted pools. Amounts scaled to 18 decimals; weights and fee with 18. 4.6."""

from __future__ import annotations

from lpdesk.engines.pools.errors import NoSwap
from lpdesk.engines.pools.powers import E18, div_down, div_up, mul_down, mul_up, power_up

MOST = 3 * E18 // 10
"""No swap may be more than so much of a balance."""


def out(given: int, held_in: int, weight_in: int, held_out: int, weight_out: int) -> int:
    """What comes out for `given`, its fee taken already. Raises `NoSwap`."""
    if given <= 0:
        raise NoSwap("nothing to swap")
    if given > mul_down(held_in, MOST):
        raise NoSwap("more than 30 % of the pool")
    left = power_up(div_up(held_in, held_in + given), div_down(weight_in, weight_out))
    return mul_down(held_out, max(0, E18 - left))


def into(wanted: int, held_in: int, weight_in: int, held_out: int, weight_out: int) -> int:
    """What must go in for `wanted`, before the fee. Raises `NoSwap`."""
    if wanted <= 0:
        raise NoSwap("nothing to swap")
    if wanted > mul_down(held_out, MOST):
        raise NoSwap("more than 30 % of the pool")
    grown = power_up(div_up(held_out, held_out - wanted), div_up(weight_out, weight_in))
    return mul_up(held_in, max(0, grown - E18))


def after_fee(given: int, fee: int) -> int:
    """What of `given` counts."""
    return given - mul_up(given, fee)


def with_fee(net: int, fee: int) -> int:
    """What must be given so that `net` counts."""
    return div_up(net, E18 - fee)
