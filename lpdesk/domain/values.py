"""Values every floor shares: sides, money, time. Money is `Decimal`, time integer nanoseconds."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from enum import StrEnum
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

Instant = int
"""Nanoseconds since 1970-01-01 UTC."""

SECOND = 1_000_000_000
MILLISECOND = 1_000_000

BPS = Decimal(10_000)
FIGURE_DECIMALS = 6
"""Places kept of figures that only inform (bps); decisions use the unrounded value."""

ZERO = Decimal(0)
ONE = Decimal(1)

MONEY = Context(
    prec=80, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow]
)
"""Digits enough for products of 18-decimal tokens; a NaN or an overflow raises, never spreads."""


class Side(StrEnum):
    """What somebody does with an asset."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class Dealt(StrEnum):
    """Which asset of the pair an amount, or a profit, is counted in."""

    BASE = "base"
    QUOTE = "quote"


def exact(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` in the `MONEY` context, whatever context the caller's task has."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with localcontext(MONEY):
            return function(*args, **kwargs)

    return run


class BadNumber(ValueError):
    """A text that is not a plain, bounded, finite decimal number."""


_PLAIN = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,2})?", re.ASCII)
MAX_EXPONENT = 18


def number(text: object) -> Decimal:
    """The one gate for numbers from outside: ASCII, at most 40 + 40 digits, exponent within ±18.

    Takes text (or a Decimal or int that a JSON reader made of text); never a float.
    Raises `BadNumber`, with a reason that is safe to show: it never repeats the input.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | Decimal):
        raise BadNumber("not a number")
    if isinstance(text, int):
        if abs(text) >= 10**40:
            raise BadNumber("too many digits")
        return Decimal(text)
    if isinstance(text, Decimal):
        return _bounded(text)
    if len(text) > 90:
        raise BadNumber("too many digits")
    if not _PLAIN.fullmatch(text):
        raise BadNumber("not a plain decimal number")
    return _bounded(Decimal(text))


def _bounded(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise BadNumber("not a finite number")
    digits, exponent = len(value.as_tuple().digits), value.as_tuple().exponent
    assert isinstance(exponent, int)
    if digits > 58 or exponent < -40:
        raise BadNumber("too many digits")
    if value and abs(value.adjusted()) > MAX_EXPONENT:
        raise BadNumber(f"exponent outside ±{MAX_EXPONENT}")
    if value.is_zero():
        return ZERO
    return value if exponent <= 0 else value.quantize(ONE, context=MONEY)


def positive(text: object) -> Decimal:
    """`number`, and greater than zero. Raises `BadNumber`."""
    value = number(text)
    if value <= 0:
        raise BadNumber("not greater than zero")
    return value


def decimals_of(value: Decimal) -> int:
    """How many decimals `value` really uses: 1.50 uses one."""
    exponent = value.normalize(MONEY).as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def trimmed(value: Decimal) -> Decimal:
    """The same without noughts at its end: an LP may count decimals, whatever they say."""
    return value.quantize(ONE.scaleb(-decimals_of(value)), context=MONEY)


def round_up(value: Decimal, decimals: int) -> Decimal:
    """To `decimals` places, towards +infinity: what a client pays."""
    return value.quantize(ONE.scaleb(-decimals), rounding=ROUND_CEILING, context=MONEY)


def round_down(value: Decimal, decimals: int) -> Decimal:
    """To `decimals` places, towards -infinity: what a client receives."""
    return value.quantize(ONE.scaleb(-decimals), rounding=ROUND_FLOOR, context=MONEY)


def round_even(value: Decimal, decimals: int) -> Decimal:
    """To `decimals` places, half to even: for figures that are shown, never for money moved."""
    return value.quantize(ONE.scaleb(-decimals), rounding=ROUND_HALF_EVEN, context=MONEY)
