"""The two apps of `bench_screen.py`: the same numbers in our grids, and in Textual's DataTable."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.widgets import DataTable, Static

from lpdesk.tui.frames import FrameApp
from lpdesk.tui.pacing import Pacer
from lpdesk.tui.widgets.grid import Column, LineGrid, Row

SHAPES = ((12, 6), (20, 10))  # rows and columns of a leaderboard and of a blotter
ECHO = [chr(0x3B1 + n) for n in range(16)]  # shown for keys, and nowhere else


class Feed:
    """The numbers, and how they change."""

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.dice = random.Random(11)
        self.tables = [
            [[f"{row * 37 + column}.00" for column in range(width)] for row in range(height)]
            for height, width in SHAPES
        ]

    def changes(self) -> Iterator[tuple[int, int, int, str]]:
        """Change some cells: table, row, column and text of each."""
        for _ in range(self.cells):
            which = self.dice.randrange(2)
            height, width = SHAPES[which]
            row, column = self.dice.randrange(height), self.dice.randrange(width)
            text = f"{self.dice.random() * 10_000:.2f}"
            self.tables[which][row][column] = text
            yield which, row, column, text


class Echoing:
    """Answers every key with another letter in the first line, and says when all is drawn."""

    keys = 0
    ready: Callable[[], object] = staticmethod(lambda: None)
    """Called when the app has been drawn."""

    def answer(self, app: App[None], event: events.Event) -> None:
        """Answer, if it was a key or the start."""
        if isinstance(event, events.Ready):
            self.ready()
        if isinstance(event, events.Key) and not event.is_forwarded:
            app.query_one("#echo", Static).update(ECHO[self.keys % len(ECHO)])
            self.keys += 1


class Paced:
    """A panel: builds its rows when it is told to show."""

    def __init__(self, grid: LineGrid, table: list[list[str]]) -> None:
        self.grid, self.table = grid, table
        self.slice: object = object()

    def show(self, slice: object) -> None:
        """Show the table as it is now."""
        self.grid.show_rows([Row(str(y), tuple(row)) for y, row in enumerate(self.table)])


class Grids(FrameApp[None]):
    """Ours."""

    CSS = "#echo { height: 1; }"
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = False

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self.feed, self.echoing = feed, Echoing()

    def compose(self) -> ComposeResult:
        """The line for keys, and the tables."""
        yield Static("-", id="echo", markup=False)
        for _, width in SHAPES:
            yield LineGrid([Column(f"{n}", f"c{n}", 9, "decimal", 0, 2) for n in range(width)])

    def on_mount(self) -> None:
        """Pace the panes as the desk does."""
        self.pacer = Pacer()
        pairs = zip(self.query(LineGrid), self.feed.tables, strict=True)
        self.panes = [Paced(grid, table) for grid, table in pairs]
        for pane in self.panes:
            self.pacer.add(pane, lambda pane=pane: pane.slice)

    def tick(self) -> None:
        """Some cells change."""
        for which, *_ in self.feed.changes():
            self.panes[which].slice = object()
        self.pacer.changed()

    async def on_event(self, event: events.Event) -> None:
        """Keys are answered wherever the focus is."""
        self.echoing.answer(self, event)
        await super().on_event(event)


class Tables(App[None]):
    """Textual's."""

    CSS = "DataTable { height: 1fr; } #echo { height: 1; }"
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = False

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self.feed, self.echoing = feed, Echoing()

    def compose(self) -> ComposeResult:
        """The line for keys, and the tables."""
        yield Static("-", id="echo", markup=False)
        for _ in SHAPES:
            yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        """Fill the tables."""
        self.shown: list[DataTable[str]] = list(self.query(DataTable))
        for table, cells in zip(self.shown, self.feed.tables, strict=True):
            table.add_columns(*(f"c{n}" for n in range(len(cells[0]))))
            table.add_rows(cells)

    def tick(self) -> None:
        """Some cells change."""
        for which, row, column, text in self.feed.changes():
            self.shown[which].update_cell_at((row, column), text)

    async def on_event(self, event: events.Event) -> None:
        """Keys are answered wherever the focus is."""
        self.echoing.answer(self, event)
        await super().on_event(event)
