"""Tables as plain text: aligned columns, decimal points under each other, made to fit a width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

ROOMY = 100
"""Below this width columns stand one cell apart, else two."""


class Align(Enum):
    """How the cells of a column stand."""

    LEFT = auto()
    RIGHT = auto()
    POINT = auto()  # on the decimal point


class Column(NamedTuple):
    """A column. When the width is short the highest `rank` goes first; rank 0 always stays."""

    title: str
    cells: Sequence[str]
    align: Align = Align.LEFT
    rank: int = 0


def table(columns: Sequence[Column], width: int) -> Iterator[str]:
    """The lines of a table at most `width` cells wide, if its unbreakable columns allow."""
    gap = "  " if width >= ROOMY else " "
    shown = [(column, _aligned(column)) for column in columns]
    while any(column.rank for column, _ in shown):
        needed = sum(cell_len(cells[0]) + len(gap) for _, cells in shown) - len(gap)
        if needed <= width:
            break
        shown.remove(max(shown, key=lambda each: each[0].rank))
    for line in zip(*(cells for _, cells in shown), strict=True):
        yield gap.join(line).rstrip()


def _aligned(column: Column) -> list[str]:
    """Title and cells, all of one width."""
    cells = _pointed(column.cells) if column.align is Align.POINT else list(column.cells)
    cells = [column.title, *cells]
    width = max(map(cell_len, cells))
    if column.align is Align.LEFT:
        return [set_cell_size(cell, width) for cell in cells]
    return [" " * (width - cell_len(cell)) + cell for cell in cells]


def _pointed(cells: Sequence[str]) -> list[str]:
    """Pad behind the point, so that right-aligned cells have their points in one column."""
    tails = [len(cell) - cell.find(".") if "." in cell else 0 for cell in cells]
    longest = max(tails, default=0)
    return [cell + " " * (longest - tail) for cell, tail in zip(cells, tails, strict=True)]
