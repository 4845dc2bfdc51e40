"""Curves over time in braille dots, and shares in blocks, as lines of text. Pure.

A cell holds two dots across and four up. It can have one colour only, so of several curves in a
cell the last one given is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from lpdesk.tui.widgets.lines import Line, Span

_DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of a braille cell's dots, from the top row down."""

_BLANK: Final = 0x2800
_BLOCKS: Final = "▁▂▃▄▅▆▇█"


class Curve(NamedTuple):
    """Values at equal distances in time, and how they look; None is a gap."""

    values: tuple[Decimal | None, ...]
    ink: str


def plot(
    curves: Sequence[Curve], low: Decimal, high: Decimal, width: int, height: int
) -> list[Line]:
    """The curves in `width` x `height` cells, the newest value in the last dot column."""
    masks = [[0] * width for _ in range(height)]
    inks = [[""] * width for _ in range(height)]
    for curve in curves:
        values = curve.values[-2 * width :]
        first = 2 * width - len(values)
        before: int | None = None
        for number, value in enumerate(values, first):
            row = None if value is None else _row(value, low, high, 4 * height)
            if row is not None:
                for dot in range(*_reach(before, row)):
                    masks[dot // 4][number // 2] |= _DOTS[dot % 4][number % 2]
                    inks[dot // 4][number // 2] = curve.ink
            before = row
    return [_line(mask, ink) for mask, ink in zip(masks, inks, strict=True)]


def blocks(values: Sequence[Decimal | None], low: Decimal, high: Decimal, width: int) -> str:
    """One line of blocks, the newest value at the right."""
    kept = list(values)[-width:]
    marks = [" " if value is None else _block(value, low, high) for value in kept]
    return "".join(marks).rjust(width)


def gauge(share: Decimal, mark: Decimal, width: int) -> tuple[str, str, str]:
    """A scale from 0 to 100 with a mark on it: what is filled, the knob, what is left."""
    last = max(1, width - 1)
    knob = int(min(Decimal(100), max(Decimal(0), share)) * last / 100)
    tick = int(min(Decimal(100), max(Decimal(0), mark)) * last / 100)
    scale = ["╋" if place == tick else "━" for place in range(width)]
    return "".join(scale[:knob]), "●", "".join(scale[knob + 1 :])


def _row(value: Decimal, low: Decimal, high: Decimal, rows: int) -> int:
    """The dot row, 0 on top, of a value; what is outside is drawn on the edge."""
    if high <= low:
        return rows // 2
    share = (high - value) / (high - low)
    return min(rows - 1, max(0, int(share * rows)))


def _reach(before: int | None, row: int) -> tuple[int, int]:
    """The dots of a column that join it to the one before."""
    if before is None or before == row:
        return row, row + 1
    return (before + 1, row + 1) if before < row else (row, before)


def _block(value: Decimal, low: Decimal, high: Decimal) -> str:
    share = (value - low) / (high - low) if high > low else Decimal(0)
    return _BLOCKS[min(7, max(0, int(share * 8)))]


def _line(masks: list[int], inks: list[str]) -> Line:
    """Neighbours of one colour as one span."""
    spans: list[Span] = []
    for mask, ink in zip(masks, inks, strict=True):
        text = chr(_BLANK + mask) if mask else " "
        if spans and (spans[-1].style == ink or not mask):
            spans[-1] = Span(spans[-1].text + text, spans[-1].style)
        else:
            spans.append(Span(text, ink))
    return tuple(spans)
