"""Constant product, Uniswap v2: reserves x and y, `x * y` never falls. Protocols 4.3.

The fee is taken from what goes in: `kept` of every `of` units count, 997 of 1000 for 0.30 %.
"""

from __future__ import annotations

from lpdesk.engines.pools.errors import NoSwap

KEPT, OF = 997, 1000


def out(given: int, reserve_in: int, reserve_out: int, kept: int = KEPT, of: int = OF) -> int:
    """What comes out for `given`, rounded down. Raises `NoSwap`."""
    if given <= 0 or reserve_in <= 0 or reserve_out <= 0:
        raise NoSwap("nothing to swap")
    return given * kept * reserve_out // (reserve_in * of + given * kept)


def into(wanted: int, reserve_in: int, reserve_out: int, kept: int = KEPT, of: int = OF) -> int:
    """What must go in for `wanted` to come out, rounded up. Raises `NoSwap`."""
    if wanted <= 0 or reserve_in <= 0 or wanted >= reserve_out:
        raise NoSwap("the pool has less" if wanted > 0 else "nothing to swap")
    return reserve_in * wanted * of // ((reserve_out - wanted) * kept) + 1
