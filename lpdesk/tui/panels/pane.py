"""The frame around a pane: a thin border with a title, lit while the keys go there."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from rich.cells import cell_len
from textual import events
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from lpdesk.domain.text import clean
from lpdesk.tui.look import Look
from lpdesk.tui.widgets.lines import DeskGrid, Lines

_BETWEEN: Final = " │ "
_CORNER: Final = 3
"""Cells of border before a title."""


class Pane(Vertical):
    """A framed pane. `see` gives its slice of a look, `show` draws one."""

    ALLOW_MAXIMIZE = True

    DEFAULT_CSS = """
    Pane {
        border: round $foreground 25%;
        border-title-color: $desk-dim;
        border-subtitle-color: $desk-dim;
        padding: 0 1;
    }
    Pane:focus-within {
        border: round $primary;
        border-title-color: $primary;
        &:nocolor { border: heavy $primary; }
    }
    """

    class TabClicked(Message):
        """The title of a pane that stands behind this one, or its own, was clicked."""

        def __init__(self, title: str) -> None:
            self.title = title
            super().__init__()

    def see(self, look: Look) -> object:
        """What of the look this pane shows; equal slices look the same."""
        raise NotImplementedError

    def show(self, slice: Any, /) -> None:
        """Draw a slice."""
        raise NotImplementedError

    def name_it(self, title: str, subtitle: str = "") -> None:
        """Set the titles in the border, as plain text."""
        if (title, subtitle) != self._names:
            self._names = (title, subtitle)
            self._draw_border()

    def show_tabs(self, tabs: tuple[tuple[str, bool], ...]) -> None:
        """Panes that share a place name each other; (title, whether it is the one on show)."""
        if tabs != self._tabs:
            self._tabs = tabs
            self._draw_border()

    def on_click(self, event: events.Click) -> None:
        """A tab comes to the front."""
        left = event.screen_x - self.region.x - _CORNER
        for title, _ in self._tabs if event.screen_y == self.region.y else ():
            if 0 <= left < cell_len(title):
                self.post_message(self.TabClicked(title))
            left -= cell_len(title + _BETWEEN)

    def show_letter(self, letter: str) -> None:
        """In jump mode: the key that leads here."""
        self._letter = letter
        self._draw_border()

    @property
    def grid_or_none(self) -> DeskGrid | None:
        """Its list, if it is one that can be narrowed."""
        return next((g for g in self.query(DeskGrid) if not isinstance(g, Lines)), None)

    def narrow(self, wanted: str) -> None:
        """Only rows with this text."""
        grid = self.grid_or_none
        if grid is not None:
            self.wanted = wanted
            grid.narrow(wanted)
            self._draw_border()

    wanted = ""
    """What the rows on show have in common; empty shows all."""

    ABOUT: ClassVar[tuple[str, ...]] = ()
    """What `?` says of this pane."""

    _names: tuple[str, str] = ("", "")
    _tabs: tuple[tuple[str, bool], ...] = ()
    _letter = ""

    def _draw_border(self) -> None:
        title, subtitle = (Content(clean(text)) for text in self._names)
        if self._tabs:
            styled = [Content.styled(name, "bold" if on else "dim") for name, on in self._tabs]
            title = Content(_BETWEEN).join(styled)
        if self._letter:
            title = Content.assemble((f" {self._letter} ", "bold reverse"), " ", title)
        if self.wanted:
            narrow = Content.styled(f"/{clean(self.wanted, 40)}", "bold $warning")
            subtitle = Content("  ").join([narrow, subtitle])
        self.border_title = title or None
        self.border_subtitle = subtitle or None
