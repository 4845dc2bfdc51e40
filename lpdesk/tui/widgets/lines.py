"""Free lines of text on the grid's machinery: the same text gate, the same line-by-line drawing.

`Ink` names what a piece of text means; the theme decides how that looks. Colour only ever repeats
what a word or a sign already says.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from enum import StrEnum
from typing import ClassVar, TypeAlias, TypeVar

from rich.cells import cell_len
from textual.css.styles import RenderStyles
from textual.screen import Screen

from lpdesk.domain.text import clean
from lpdesk.tui.widgets.grid import Column, LineGrid, Row, Span

__all__ = [
    "LEVELS",
    "SIGNS",
    "DeskGrid",
    "Ink",
    "InkScreen",
    "Line",
    "Lines",
    "Span",
    "aligned",
    "as_many",
    "joined",
    "longest",
    "size",
    "spread",
]

Line: TypeAlias = tuple[Span, ...]

R = TypeVar("R")

INK = "ink--"
_BLANK = 100
"""Cells of a gap in one piece: the text gate cuts longer pieces than any text of ours."""


class Ink(StrEnum):
    """What a piece of text means: the component classes every pane of the desk has."""

    STRONG = "ink--strong"  # the figure that money hangs on
    DIM = "ink--dim"  # there when looked for
    TITLE = "ink--title"
    BUY = "ink--buy"
    SELL = "ink--sell"
    GOOD = "ink--good"
    BAD = "ink--bad"
    WARN = "ink--warn"
    LOCK = "ink--lock"
    REPLAY = "ink--replay"
    FRESH = "ink--fresh"  # a value that has just changed, on its own ground
    BADGE = "ink--badge"
    ALARM = "ink--alarm"  # a badge that must be seen
    REEL = "ink--reel"  # the badge of a replay


LEVELS = {"info": Ink.DIM, "good": Ink.GOOD, "warn": Ink.WARN, "bad": Ink.BAD}
"""How a notice's level looks."""

SIGNS = {"info": " ", "good": "✓", "warn": "!", "bad": "!"}
"""And what stands before it, for those who see no colour."""


class InkScreen(Screen[R]):
    """A screen that mixes the inks once for all grids on it: a grid each would cost the start."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {ink.value for ink in Ink}

    DEFAULT_CSS = """
    InkScreen {
        .ink--strong { text-style: bold; }
        .ink--dim { color: $desk-dim; }
        .ink--title { color: $primary; text-style: bold; }
        .ink--buy { color: $desk-buy; text-style: bold; }
        .ink--sell { color: $desk-sell; text-style: bold; }
        .ink--good { color: $desk-good; }
        .ink--bad { color: $desk-bad; text-style: bold; }
        .ink--warn { color: $desk-warn; text-style: bold; }
        .ink--lock { color: $desk-lock; text-style: bold; }
        .ink--replay { color: $desk-replay; text-style: bold; }
        .ink--fresh { background: $desk-fresh; text-style: bold; }
        .ink--badge { background: $boost; text-style: bold; }
        .ink--alarm { background: $desk-bad; color: $background; text-style: bold; }
        .ink--reel { background: $desk-replay; color: $background; text-style: bold; }
    }
    InkScreen:nocolor {
        .ink--dim { text-style: dim; }
        .ink--fresh { text-style: bold underline; }
        .ink--badge, .ink--alarm, .ink--reel { text-style: bold reverse; }
    }
    """


class DeskGrid(LineGrid):
    """A line grid with the inks of its screen."""

    DEFAULT_CSS = """
    DeskGrid { .grid--cursor-idle { background: transparent; text-style: none; } }
    """

    def get_component_styles(self, *names: str) -> RenderStyles:
        """Inks come from the screen, the grid's own words from itself."""
        if names and names[0].startswith(INK):
            return self.screen.get_component_styles(*names)
        return super().get_component_styles(*names)


class Lines(DeskGrid):
    """Lines without columns, drawn anew for each width.

    A subclass says in `lines(width, height)` what it shows and calls `draw` when that changed.
    """

    def __init__(self, *, id: str | None = None) -> None:
        column = Column("line", "", 1, grow=True)
        super().__init__([column], header=False, cursor=False, id=id)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """What to show in that many cells and lines."""
        raise NotImplementedError

    def draw(self) -> None:
        """Show `lines`; those that look the same are not drawn again."""
        width, height = self.content_size
        if width and height:
            lines = list(self.lines(width, height))[:height]
            self.show_rows([Row(str(number), (line,)) for number, line in enumerate(lines)])

    def fill(self) -> None:
        """Other widths have other lines."""
        super().fill()
        self.draw()


def size(line: Line) -> int:
    """How many cells a line takes."""
    return sum(cell_len(clean(text)) for text, _ in line)


def spread(left: Line, right: Line, width: int) -> Line:
    """`left` and `right` at the two ends; `right` gives way when there is no room for both."""
    gap = width - size(left) - size(right)
    if gap < 1:
        return left
    blank = [Span(" " * min(_BLANK, gap - done)) for done in range(0, gap, _BLANK)]
    return (*left, *blank, *right)


def longest(width: int, *choices: Line) -> Line:
    """The first of the choices (longest first) that fits, so that no number is ever cut."""
    return next((line for line in choices if size(line) <= width), ())


def aligned(rows: Sequence[Sequence[str]], right: Container[int]) -> list[list[str]]:
    """Texts in columns, each as wide as its widest; those numbered in `right` end together."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]

    def fitted(text: str, number: int) -> str:
        blank = " " * (widths[number] - cell_len(text))
        return blank + text if number in right else text + blank

    return [[fitted(text, number) for number, text in enumerate(row)] for row in rows]


def joined(parts: Sequence[Line], gap: str = "   ") -> Line:
    """Parts on one line, `gap` between them; empty ones leave none."""
    line: list[Span] = []
    for part in parts:
        if part:
            line += [Span(gap), *part] if line else part
    return tuple(line)


def as_many(width: int, parts: Sequence[Line], gap: str = "   ") -> Line:
    """As many parts as fit, first ones first."""
    kept: list[Line] = []
    for part in parts:
        if size(joined([*kept, part], gap)) <= width:
            kept.append(part)
    return joined(kept, gap)
