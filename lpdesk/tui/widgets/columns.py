"""Columns, cells, and fitting the one into the other: the arithmetic under `LineGrid`, pure.

Columns are promises: fixed widths, numbers on their decimal point, and a number is never shown
in part. One that does not fit is replaced by `#`, since "9,951.20" for "99,951.20" costs money.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size

from lpdesk.domain.text import ELLIPSIS, clean

Align: TypeAlias = Literal["left", "right", "decimal"]


_FIGURE: Final = "0123456789.,"
_FIGURES: Final = frozenset(_FIGURE)


class Span(NamedTuple):
    """A piece of a cell: plain text, never markup, and the component class that styles it."""

    text: str
    style: str = ""


Cell: TypeAlias = "str | Span | tuple[Span, ...]"


class Row(NamedTuple):
    """One row: a key that stays with it, cells in the order of the columns, a style under all."""

    key: str
    cells: tuple[Cell, ...]
    style: str = ""


class Column(NamedTuple):
    """A promise about a column.

    `width` and `decimals` are in cells; `decimals` counts what stands right of the point in an
    `align="decimal"` column, unit included. When the grid is narrow, the column with the highest
    `priority` goes first (the rightmost of equals); 0 is never dropped. The first `grow` column
    takes what width is left over.
    """

    key: str
    title: str
    width: int
    align: Align = "left"
    priority: int = 0
    decimals: int = 0
    grow: bool = False
    most: int = 0
    """Cells that it takes of what is left over, so that its longer cells are whole."""

    spill: int = 0
    """Cells of the gap behind it that a longer cell may take: for a sign that hangs over."""


class Placed(NamedTuple):
    """A column that is shown: its place among all columns, first cell and width in cells."""

    column: Column
    number: int
    x: int
    width: int


def place(columns: Sequence[Column], width: int, gap: int = 1) -> tuple[Placed, ...]:
    """The columns that fit into `width` cells, `gap` cells apart, from the left."""
    kept = list(enumerate(columns))

    def needed() -> int:
        return sum(column.width for _, column in kept) + gap * (len(kept) - 1)

    while kept and needed() > width:
        victim = max(kept, key=lambda item: (item[1].priority, item[0]))
        if victim[1].priority == 0:
            break
        kept.remove(victim)
    spare = max(0, width - needed())
    placed: list[Placed] = []
    x = 0
    for number, column in kept:
        extra = spare if column.grow else min(spare, max(0, column.most - column.width))
        spare -= extra
        room = min(column.width + extra, width - x)
        if room <= 0:
            break
        placed.append(Placed(column, number, x, room))
        x += room + gap
    return tuple(placed)


def spans_of(cell: Cell) -> tuple[Span, ...]:
    """The cell's spans, each through the text gate: nothing is drawn that did not pass it."""
    if isinstance(cell, str):
        return (Span(clean(cell)),)
    if isinstance(cell, Span):
        return (Span(clean(cell.text), cell.style),)
    return tuple(Span(clean(text), style) for text, style in cell)


def text_of(row: Row) -> str:
    """A row's words without their looks, for those who search in it."""
    return "\t".join("".join(s.text for s in spans_of(cell)) for cell in row.cells).casefold()


def room_for(spans: tuple[Span, ...], column: Column, width: int) -> int:
    """The column's width, and what a sign at its end hangs over."""
    if not column.spill:
        return width
    over = sum(cell_len(text) for text, _ in spans) - width
    return width + over if 0 < over <= column.spill else width


@lru_cache(maxsize=4096)
def fit(spans: tuple[Span, ...], width: int, align: Align, decimals: int) -> tuple[Span, ...]:
    """The spans padded or cut to exactly `width` cells; numbers are not cut but become `#`.

    Cached, as most cells of a row that changed did not; the text gate bounds what is kept.
    """
    size = sum(cell_len(text) for text, _ in spans)
    if size > width:
        figure = align != "left" and any(c in _FIGURES for text, _ in spans for c in text)
        return (Span("#" * width),) if figure else _cut(spans, width)
    right = _room_right_of(spans, decimals) if align == "decimal" else 0
    right = width - size if align == "left" else min(right, width - size)
    left = width - size - right
    fitted = [span for span in spans if span.text]
    if left:
        fitted.insert(0, Span(" " * left))
    if right:
        fitted.append(Span(" " * right))
    return tuple(fitted)


def _room_right_of(spans: tuple[Span, ...], decimals: int) -> int:
    """Cells to leave free so that the decimal point falls on its place."""
    text = "".join(text for text, _ in spans)
    point = text.find(".")
    if point < 0:
        return decimals + 1 if decimals else 0
    return max(0, decimals - cell_len(text[point + 1 :]))


def _cut(spans: tuple[Span, ...], width: int) -> tuple[Span, ...]:
    """The start of the spans and an ellipsis, `width` cells in all; without a part of a number."""
    if width <= 0:
        return ()
    kept: list[Span] = []
    room = width - 1
    for text, style in spans:
        size = cell_len(text)
        if size > room:
            start = set_cell_size(text, room)
            kept.append(Span(start, style))
            gone = _drop_figure(kept) if text[len(start) : len(start) + 1] in _FIGURES else 0
            before = kept.pop().text if kept and kept[-1].style == style else ""
            kept += [Span(before + ELLIPSIS, style), Span(" " * gone)]
            break
        kept.append(Span(text, style))
        room -= size
    return tuple(span for span in kept if span.text)


def _drop_figure(kept: list[Span]) -> int:
    """Takes a number off the end; how many cells that were."""
    gone = 0
    while kept:
        text, style = kept.pop()
        rest = text.rstrip(_FIGURE)
        gone += len(text) - len(rest)
        if rest:
            kept.append(Span(rest, style))
            break
    return gone


def titles(columns: Sequence[Column], places: Sequence[Placed]) -> tuple[Cell, ...]:
    """One title for each column, placed here, since words have no decimal point to stand on."""
    found = [""] * len(columns)
    for column, number, _, width in places:
        side: Align = "left" if column.align == "left" else "right"
        side = "left" if cell_len(column.title) > width else side
        fitted = fit(spans_of(column.title), width, side, 0)
        found[number] = "".join(text for text, _ in fitted)
    return tuple(found)
