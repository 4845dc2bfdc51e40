"""How figures and times read, on every screen and in every line of text."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from lpdesk.domain.events import CommandRefused
from lpdesk.domain.instants import DAY, date, time_of_day, timestamp
from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import SECOND, decimals_of, round_even

__all__ = [
    "advice", "age", "amount", "bps", "date", "good_line", "milliseconds", "money", "price",
    "refusal", "seconds", "share", "signed", "time_of_day", "timestamp",
]  # fmt: skip

DASH = "·"
_PIP: Final = 5
_MAX_DECIMALS: Final = 12


def money(value: Decimal | None, decimals: int) -> str:
    """Thousands marks and exactly `decimals` places, or a dot where there is nothing."""
    return DASH if value is None else f"{round_even(value, decimals):,f}"


def price(value: Decimal | None, least: int) -> str:
    """A price with the `least` places of its quote asset, and five where it is near 1.

    More for smaller ones, fewer for larger ones; steps are at 0.2, 2 and 20, since at 1 a pair of
    stable coins would change its width all day.
    """
    if value is None:
        return DASH
    return money(value, min(max(least, _PIP - (value * 5).adjusted()), _MAX_DECIMALS))


def signed(value: Decimal | None, decimals: int) -> str:
    """As `money`, with its sign; zero has none."""
    if value is None:
        return DASH
    rounded = round_even(value, decimals)
    return f"{rounded:+,f}" if rounded else f"{abs(rounded):,f}"


def amount(value: Decimal, decimals: int) -> str:
    """An amount as it was asked: no trailing zeros, at most `decimals` places."""
    return f"{round_even(value, min(decimals, decimals_of(value))):,f}"


def bps(value: Decimal | None, decimals: int = 2) -> str:
    """Basis points with sign and unit."""
    return DASH if value is None else f"{signed(value, decimals)}bp"


def share(value: Decimal | None) -> str:
    """A rate in whole per cent."""
    return DASH if value is None else f"{round_even(value * 100, 0)}%"


def seconds(duration_ns: int | None, decimals: int = 1) -> str:
    """A time span in seconds; never negative."""
    if duration_ns is None:
        return DASH
    step = SECOND // 10**decimals
    whole, rest = divmod(max(0, duration_ns) // step, 10**decimals)
    return f"{whole}.{rest:0{decimals}d} s" if decimals else f"{whole} s"


def refusal(event: CommandRefused, mark: str = ": ") -> str:
    """Why a command was refused; what is no order says so without `unknown command`.

    The journal's `O-000009 rests`, of an order that is not there, would read as the opposite.
    """
    text = event.text
    if event.field == "order" and event.reason is Reason.NOT_FOUND:
        text = f"no {text.removeprefix('no ')}"
    if event.reason is Reason.BAD_COMMAND and text:
        return text
    return f"{event.reason}{mark}{text}" if text else str(event.reason)


def good_line(event: CommandRefused) -> str:
    """What would do: a request; for an order there is none."""
    return "" if event.field == "order" else event.example


def advice(event: CommandRefused, mark: str = ": ") -> str:
    """`refusal` with its good line."""
    line = good_line(event)
    return refusal(event, mark) + (f"; for example: {line}" if line else "")


def milliseconds(duration_ns: int | None) -> str:
    """A time span in whole milliseconds, without its unit."""
    return DASH if duration_ns is None else str(max(0, duration_ns) // 1_000_000)


def age(duration_ns: int) -> str:
    """A time span as people say it: 8 s, 3 min, 3h29m, 2 d."""
    total = max(0, duration_ns) // SECOND
    if total < 60:
        return f"{total} s"
    if total < 3_600:
        return f"{total // 60} min"
    if total < DAY:
        return f"{total // 3_600}h{total % 3_600 // 60:02d}m"
    return f"{total // DAY} d"
