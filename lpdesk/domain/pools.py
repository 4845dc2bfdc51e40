"""AMM pools as they stand on a chain: what their curve needs, and nothing else.

Amounts are whole numbers of a token's smallest unit, kept as `Decimal`: they outgrow 64 bits.
`base` and `quote` say which of the pool's tokens are those of the pair.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct


class Tokens(Struct, frozen=True, kw_only=True):
    """Of all pools: each token's decimals, in the pool's order."""

    decimals: tuple[int, ...]
    base: int = 0
    quote: int = 1


class ProductPool(Tokens, frozen=True, kw_only=True, tag="product"):
    """Uniswap v2 and its forks: `kept` of every `of` units that go in count."""

    reserves: tuple[Decimal, ...]
    kept: int = 997
    of: int = 1000


class Tick(Struct, frozen=True):
    """An initialised tick, and the liquidity that crossing it upwards adds."""

    tick: int
    net: Decimal


class RangePool(Tokens, frozen=True, kw_only=True, tag="range"):
    """Uniswap v3. `ticks`: the initialised ones in order."""

    sqrt_price: Decimal
    tick: int
    liquidity: Decimal
    fee_ppm: int
    spacing: int
    ticks: tuple[Tick, ...] = ()


class StablePool(Tokens, frozen=True, kw_only=True, tag="stable"):
    """Curve StableSwap. `fee` in 1e-10; `precision` 100, or 1 of the old 3pool."""

    reserves: tuple[Decimal, ...]
    amplification: int
    fee: int
    precision: int = 100


class WeightedPool(Tokens, frozen=True, kw_only=True, tag="weighted"):
    """Balancer v2. Weights and fee with 18 decimals; weights add up to one."""

    reserves: tuple[Decimal, ...]
    weights: tuple[Decimal, ...]
    fee: Decimal


Pool: TypeAlias = ProductPool | RangePool | StablePool | WeightedPool
