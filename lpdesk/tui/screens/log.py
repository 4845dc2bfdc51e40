"""The log: what the desk said, newest first, each by the number that its toast showed.

The number is that of the journal's record, so `go 412` of a replay shows the moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from textual import on
from textual.app import ComposeResult

from lpdesk.domain.instants import date
from lpdesk.tui.look import Look
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.screens.page import Page
from lpdesk.tui.widgets.grid import Column, Row
from lpdesk.tui.widgets.lines import LEVELS, SIGNS, DeskGrid, Ink, Span
from lpdesk.views import Notice, words

_COLUMNS: Final = (
    Column("number", "number", 8, "right"),
    Column("date", "date", 10, priority=2),
    Column("time", "time", 8),
    Column("sign", "", 1),
    Column("text", "what", 30, grow=True),
    Column("ref", "about", 9, priority=1),
)


class Slice(NamedTuple):
    """What the pane shows."""

    notices: tuple[Notice, ...]


class LogPane(Pane):
    """One line a notice."""

    _refs: Mapping[str, str] = {}

    ABOUT = (
        "What the desk said, by the number that stood beside it; `log 412` goes to one.",
        "Enter on one about a trade or a settlement opens that. `lpdesk replay --seq 412` shows",
        "the moment.",
    )

    def compose(self) -> ComposeResult:
        self.name_it("Log")
        self.grid = DeskGrid(_COLUMNS, id="log", empty="nothing has been said yet")
        yield self.grid

    def see(self, look: Look) -> object:
        """No times."""
        return Slice(look.view.notices)

    def show(self, slice: Slice, /) -> None:
        """Draw a slice."""
        count = len(slice.notices)
        self.name_it("Log", f"the last {count}" if count else "")
        rows: dict[str, Row] = {}  # oldest first, so that a key stays with its notice
        for notice in reversed(slice.notices):
            key = str(notice.seq)
            while key in rows:  # one record may have said several things
                key += "+"
            rows[key] = _row(notice, key)
        self._refs = {key: n.ref for key, n in zip(rows, reversed(slice.notices), strict=True)}
        self.grid.show_rows(list(rows.values())[::-1])

    def ref(self, key: str) -> str:
        """What the notice in that row is about."""
        return self._refs.get(key, "")


def _row(notice: Notice, key: str) -> Row:
    ink = LEVELS.get(notice.level, Ink.DIM)
    return Row(
        key,
        (
            Span(str(notice.seq), Ink.TITLE),
            Span(date(notice.at), Ink.DIM),
            Span(words.time_of_day(notice.at), Ink.DIM),
            Span(SIGNS.get(notice.level, ""), ink),
            Span(notice.text, ink),
            Span(notice.ref, Ink.DIM),
        ),
    )


class LogPage(Page):
    """The one pane of it."""

    DEFAULT_CSS = "LogPage { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__(id="log-page")

    def compose(self) -> ComposeResult:
        self.log_pane = LogPane()
        yield self.log_pane

    @property
    def panes(self) -> list[Pane]:
        """The log."""
        return [self.log_pane]

    def enter(self) -> None:
        """The keys go to the list."""
        self.screen.set_focus(self.log_pane.grid)

    def show_row(self, key: str) -> bool:
        """The notice with that number."""
        key = key.lstrip("#")
        self.log_pane.grid.select(key)
        return key in self.log_pane.grid.keys

    @on(DeskGrid.Chosen, "#log")
    def _chosen(self, event: DeskGrid.Chosen) -> None:
        ref = self.log_pane.ref(event.key)
        if ref.startswith(("T-", "S-")):
            self.post_message(self.Act("settlements", ref))
