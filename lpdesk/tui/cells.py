"""What a terminal cell shows: Textual's strips taken apart into text and pens.

This is also the last gate before the terminal. Textual passes escape sequences in widget text
through raw (reliability M1), so whatever widget drew it, a control character ends here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from rich.cells import split_graphemes
from rich.color import Color, ColorSystem
from rich.style import Style
from textual.strip import Strip

from lpdesk.domain.text import SUBSTITUTE

_ATTRIBUTES: Final = (
    ("bold", "1"),
    ("dim", "2"),
    ("italic", "3"),
    ("underline", "4"),
    ("blink", "5"),
    ("blink2", "6"),
    ("reverse", "7"),
    ("conceal", "8"),
    ("strike", "9"),
    ("underline2", "21"),
    ("frame", "51"),
    ("encircle", "52"),
    ("overline", "53"),
)
_OBEYED: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NARROW: Final = re.compile(
    "[ -~\u00b7\u2026\u2500-\u257f]*"
)  # a cell each; frames are made of these
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_MAX_GRAPHEME: Final = 12
"""Characters in one cell: enough for a family emoji, too few for a tower of marks."""


class Pen(NamedTuple):
    """How a cell is drawn, as SGR codes. Pens are interned: equal pens are the same object."""

    attributes: frozenset[str]
    foreground: str
    background: str


PLAIN: Final = Pen(frozenset(), "39", "49")


@lru_cache(maxsize=4096)
def _interned(pen: Pen) -> Pen:
    return PLAIN if pen == PLAIN else pen


@lru_cache(maxsize=8192)
def pen_of(style: Style | None, colors: ColorSystem | None) -> Pen:
    """The pen for a Rich style in a terminal with that many colours; None is for NO_COLOR, where
    only bold, dim, reverse and the like are left. Links are not drawn."""
    if style is None:
        return PLAIN
    attributes = frozenset(code for name, code in _ATTRIBUTES if getattr(style, name))
    return _interned(
        Pen(
            attributes,
            _codes(style.color, colors, foreground=True),
            _codes(style.bgcolor, colors, foreground=False),
        )
    )


def _codes(color: Color | None, colors: ColorSystem | None, *, foreground: bool) -> str:
    if color is None or colors is None:
        return "39" if foreground else "49"
    return ";".join(color.downgrade(colors).get_ansi_codes(foreground))


@lru_cache(maxsize=8192)
def pen_change(old: Pen | None, new: Pen) -> str:
    """The shortest escape sequence from one pen to another; `None` is a pen we do not know."""
    if old is new:
        return ""
    codes: list[str] = []
    if old is None or old.attributes - new.attributes:
        codes.append("0")
        old = PLAIN
    codes.extend(sorted(new.attributes - old.attributes))
    if new.foreground != old.foreground:
        codes.append(new.foreground)
    if new.background != old.background:
        codes.append(new.background)
    return f"\x1b[{';'.join(codes)}m" if codes else ""


def strip_cells(strip: Strip, colors: ColorSystem | None) -> tuple[list[str], list[Pen]]:
    """The strip as texts and pens, one of each for every cell.

    A wide character stands in its first cell and leaves `""` in the second; combining marks stand
    with their base.
    """
    texts: list[str] = []
    pens: list[Pen] = []
    for text, style, control in strip:
        if control:
            continue
        before = len(texts)
        texts.extend(text if _NARROW.fullmatch(text) else _graphemes(text))
        pens.extend([pen_of(style, colors)] * (len(texts) - before))
    return texts, pens


@lru_cache(maxsize=4096)
def _graphemes(text: str) -> tuple[str, ...]:
    """One entry for each cell that Textual counted, without anything a terminal would obey."""
    cells: list[str] = []
    for start, end, width in split_graphemes(text)[0]:
        if not width:
            continue  # a control or a mark with no base: Textual gave it no cell
        safe = _SURROGATE.sub(SUBSTITUTE, _OBEYED.sub("", text[start:end]))
        cells.append(safe[:_MAX_GRAPHEME] or " ")
        cells.extend([""] * (width - 1))
    return tuple(cells)
