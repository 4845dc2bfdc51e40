"""A pool's state, from configuration and from what its contract answers. Pure.

A contract's answer is words of 32 bytes; a call is four bytes and such words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeAlias

from msgspec.structs import replace

from lpdesk.domain.pools import Pool, ProductPool, RangePool, StablePool, Tick, WeightedPool
from lpdesk.domain.values import BadNumber, number
from lpdesk.domain.wire import Malformed
from lpdesk.venues.base import Option

Options: TypeAlias = Mapping[str, Option]
Calls: TypeAlias = "list[tuple[str, str]]"
"""(contract, data in hex) of every call that one reading takes."""

RESERVES, SLOT0, LIQUIDITY, TICK = "0x0902f1ac", "0x3850c7bd", "0x1a686502", "0xf30dba93"
BALANCE, AMPLIFICATION, FEE, POOL_TOKENS = "0x4903b0d1", "0xf446c1d0", "0xddca3f43", "0xf94d4668"
WORD = 64


def configured(options: Options) -> Pool:
    """The pool as the options say it. Raises ValueError, naming what is wrong."""
    curve = str(options.get("curve", ""))
    if curve not in _CURVES:
        raise ValueError(f"options.curve: one of {', '.join(_CURVES)}")
    try:
        return _CURVES[curve][0](options)
    except (BadNumber, KeyError, TypeError) as bad:
        raise ValueError(f"options: {bad} for a {curve} pool") from None


def calls(options: Options) -> Calls:
    """What to ask the chain for."""
    return _CURVES[str(options["curve"])][1](options)


def answered(pool: Pool, options: Options, answers: list[str]) -> Pool:
    """The pool with what the chain said. Raises Malformed."""
    known: Pool = _CURVES[str(options["curve"])][2](pool, [_words(each) for each in answers])
    return known


def _words(text: str) -> list[int]:
    digits = text.removeprefix("0x")
    if not digits or len(digits) % WORD or len(digits) > 64 * WORD:
        raise Malformed("an answer that is no row of words")
    try:
        return [int(digits[at : at + WORD], 16) for at in range(0, len(digits), WORD)]
    except ValueError:
        raise Malformed("an answer that is not in hex") from None


def _word(value: int) -> str:
    return f"{value & (2**256 - 1):064x}"


def _signed(word: int) -> int:
    return word - 2**256 if word >> 255 else word


def _numbers(options: Options, name: str, default: tuple[str, ...] = ()) -> tuple[Decimal, ...]:
    listed = options.get(name, default)
    if not isinstance(listed, tuple):
        raise BadNumber(f"{name}: a list is needed")
    return tuple(number(each) for each in listed)


def _whole(options: Options, name: str, default: int | None = None) -> int:
    value = options.get(name, default)
    if value is None:
        raise BadNumber(f"{name} is needed")
    return int(number(value if isinstance(value, str | int | Decimal) else str(value)))


def _tokens(options: Options) -> dict[str, object]:
    base = _whole(options, "base", 0)
    decimals = tuple(int(each) for each in _numbers(options, "decimals"))
    quote = _whole(options, "quote", 1 - base)
    if len(decimals) < 2 or not 0 <= base < len(decimals) or not 0 <= quote < len(decimals):
        raise BadNumber("decimals of every token, and base and quote among them, are needed")
    if any(not 0 <= each <= 18 for each in decimals) or base == quote:
        raise BadNumber("decimals are from 0 to 18, base and quote two tokens")
    return {"decimals": decimals, "base": base, "quote": quote}


def _reserves(options: Options, count: int) -> tuple[Decimal, ...]:
    return _numbers(options, "reserves", ("0",) * count)


def _product(options: Options) -> Pool:
    kept, of = _whole(options, "kept", 997), _whole(options, "of", 1000)
    return ProductPool(**_tokens(options), reserves=_reserves(options, 2), kept=kept, of=of)  # type: ignore[arg-type]


def _product_calls(options: Options) -> Calls:
    return [(str(options["pool"]), RESERVES)]


def _product_answer(pool: ProductPool, words: list[list[int]]) -> Pool:
    if len(words[0]) < 2:
        raise Malformed("no reserves")
    return replace(pool, reserves=(Decimal(words[0][0]), Decimal(words[0][1])))


def _range(options: Options) -> Pool:
    ticks = options.get("ticks", ())
    if not isinstance(ticks, tuple):
        raise BadNumber("ticks: a list is needed")
    known = []
    for each in ticks:
        tick, _, net = each.partition(":")
        known.append(Tick(int(number(tick)), number(net or "0")))
    return RangePool(
        **_tokens(options),  # type: ignore[arg-type]
        sqrt_price=number(options.get("sqrt_price", "0")),
        tick=_whole(options, "tick", 0),
        liquidity=number(options.get("liquidity", "0")),
        fee_ppm=_whole(options, "fee_ppm"),
        spacing=_whole(options, "spacing"),
        ticks=tuple(sorted(known, key=lambda each: each.tick)),
    )


def _range_calls(options: Options) -> Calls:
    pool, ticks = str(options["pool"]), options.get("ticks", ())
    assert isinstance(ticks, tuple)
    asked = sorted(int(each.partition(":")[0]) for each in ticks)
    return [(pool, SLOT0), (pool, LIQUIDITY), *((pool, TICK + _word(tick)) for tick in asked)]


def _range_answer(pool: RangePool, words: list[list[int]]) -> Pool:
    slot, liquidity, *nets = words
    if len(slot) < 2 or any(len(net) < 2 for net in nets):
        raise Malformed("no price or tick")
    ticks = tuple(
        Tick(each.tick, Decimal(_signed(net[1])))
        for each, net in zip(pool.ticks, nets, strict=True)
    )
    return replace(
        pool,
        sqrt_price=Decimal(slot[0]),
        tick=_signed(slot[1]),
        liquidity=Decimal(liquidity[0]),
        ticks=ticks,
    )


def _stable(options: Options) -> Pool:
    tokens = _tokens(options)
    decimals = tokens["decimals"]
    assert isinstance(decimals, tuple)
    return StablePool(
        **tokens,  # type: ignore[arg-type]
        reserves=_reserves(options, len(decimals)),
        amplification=_whole(options, "amplification", 0),
        fee=_whole(options, "fee", 0),
        precision=_whole(options, "precision", 100),
    )


def _stable_calls(options: Options) -> Calls:
    pool, decimals = str(options["pool"]), options["decimals"]
    assert isinstance(decimals, tuple)
    balances = [(pool, BALANCE + _word(i)) for i in range(len(decimals))]
    return [*balances, (pool, AMPLIFICATION), (pool, FEE)]


def _stable_answer(pool: StablePool, words: list[list[int]]) -> Pool:
    *balances, (amplification, *_), (fee, *_) = words
    reserves = tuple(Decimal(each[0]) for each in balances)
    return replace(pool, reserves=reserves, amplification=amplification, fee=fee)


def _weighted(options: Options) -> Pool:
    tokens = _tokens(options)
    decimals = tokens["decimals"]
    assert isinstance(decimals, tuple)
    return WeightedPool(
        **tokens,  # type: ignore[arg-type]
        reserves=_reserves(options, len(decimals)),
        weights=tuple(each.scaleb(18) for each in _numbers(options, "weights")),
        fee=number(options.get("fee", "0")).scaleb(18),
    )


def _weighted_calls(options: Options) -> Calls:
    return [(str(options["vault"]), POOL_TOKENS + str(options["pool"]).removeprefix("0x"))]


def _weighted_answer(pool: WeightedPool, words: list[list[int]]) -> Pool:
    """(addresses, balances, block): the second word says where the balances are."""
    row = words[0]
    at = row[1] // 32 if len(row) > 1 else len(row)
    count = row[at] if at < len(row) else 0
    if count != len(pool.decimals) or len(row) < at + 1 + count:
        raise Malformed("balances of other tokens")
    return replace(pool, reserves=tuple(Decimal(each) for each in row[at + 1 : at + 1 + count]))


_Answer = Callable[..., Pool]
_CURVES: dict[str, tuple[Callable[[Options], Pool], Callable[[Options], Calls], _Answer]] = {
    "product": (_product, _product_calls, _product_answer),
    "range": (_range, _range_calls, _range_answer),
    "stable": (_stable, _stable_calls, _stable_answer),
    "weighted": (_weighted, _weighted_calls, _weighted_answer),
}
