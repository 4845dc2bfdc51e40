"""Figures three lines high: heavy for the digits that matter, light for the rest.

The weight says without any colour which digits a dealer compares.
"""

from __future__ import annotations

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


def big(quiet: str, loud: str) -> tuple[Line, Line, Line]:
    """The three lines of a figure: digits of `quiet` light and dim, of `loud` heavy and bright."""
    return _row(quiet, loud, 0), _row(quiet, loud, 1), _row(quiet, loud, 2)


def _row(quiet: str, loud: str, row: int) -> Line:
    light = "".join(_GLYPHS[digit][row] for digit in quiet).translate(_LIGHT)
    heavy = "".join(_GLYPHS[digit][row] for digit in loud)
    return Span(light, Ink.DIM), Span(heavy, Ink.STRONG)
