"""Figures three lines high, or five: heavy for the digits that matter, light for the rest.

The weight says without any colour which digits a dealer compares.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Final

from lpdesk.tui.widgets.lines import Ink, Line, Span

_GLYPHS: Final = {
    "0": ("┏━┓", "┃ ┃", "┗━┛"),
    "1": (" ┓ ", " ┃ ", " ┻ "),
    "2": ("╺━┓", "┏━┛", "┗━╸"),
    "3": ("╺━┓", " ━┫", "╺━┛"),
    "4": ("╻ ╻", "┗━┫", "  ╹"),
    "5": ("┏━╸", "┗━┓", "╺━┛"),
    "6": ("┏━╸", "┣━┓", "┗━┛"),
    "7": ("╺━┓", "  ┃", "  ╹"),
    "8": ("┏━┓", "┣━┫", "┗━┛"),
    "9": ("┏━┓", "┗━┫", "╺━┛"),
    ",": (" ", " ", ","),
    ".": (" ", " ", "."),
    "-": ("   ", "╺━╸", "   "),
}
_LIGHT: Final = str.maketrans("┏━┓┃┗┛┣┫┻╺╸╻╹", "┌─┐│└┘├┤┴╶╴╷╵")


_ARMS: Final = {"right": "━┏┗┣┻╺", "left": "━┓┛┫┻╸", "down": "┏┓┃┣┫╻", "up": "┗┛┃┣┫┻╹"}
"""Which characters reach out of their cell, and where to."""

TALL: Final = 5
"""Lines of a figure that is read from across the room."""


def big(quiet: str, loud: str, height: int = 3) -> tuple[Line, ...]:
    """The lines of a figure: digits of `quiet` light and dim, of `loud` heavy and bright.

    `height` is 3 or `TALL`; digits are as wide as they are high.
    """
    light, heavy = (
        [_tall(_GLYPHS[digit]) if height == TALL else _GLYPHS[digit] for digit in digits]
        for digits in (quiet, loud)
    )
    return tuple(
        (
            Span("".join(glyph[row] for glyph in light).translate(_LIGHT), Ink.DIM),
            Span("".join(glyph[row] for glyph in heavy), Ink.STRONG),
        )
        for row in range(height)
    )


@cache
def _tall(glyph: tuple[str, ...]) -> tuple[str, ...]:
    """Five lines of three: a cell is put between any two, joined where both reach for it."""
    if len(glyph[0]) == 1:
        return (" ", " ", *glyph)
    wide = [_between(line, "right", "left", "━") for line in glyph]
    columns = ("".join(column) for column in zip(*wide, strict=True))
    return tuple(map("".join, zip(*(_between(c, "down", "up", "┃") for c in columns), strict=True)))


def _between(cells: str, this_way: str, that_way: str, joint: str) -> str:
    """`cells` with one more between each two."""
    out = cells[0]
    for one, other in pairwise(cells):
        joined = one in _ARMS[this_way] and other in _ARMS[that_way]
        out += (joint if joined else " ") + other
    return out
