"""A list that is told what to show: by state, narrowed, sorted; and that is written out so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from textual import on
from textual.app import ComposeResult

from lpdesk.domain.settings import Settings
from lpdesk.domain.values import Instant
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.widgets.grid import Column, Row
from lpdesk.tui.widgets.lines import DeskGrid

R = TypeVar("R")

Sorts = Mapping[str, Callable[[Any], Any]]
Filters = Mapping[str, Callable[[Any], bool]]


class Slice(NamedTuple):
    """What a list shows: all rows there are, in their own order, and a word on them."""

    rows: tuple[Any, ...]
    settings: Settings
    second: Instant
    note: str = ""


class ListPane(Pane, Generic[R]):
    """Rows in their own order, or as the dealer wants. A line is made once, and kept while it is
    the same. A list says what it holds in the class variables, and how a row looks in `drawn`.
    """

    NAME: ClassVar[str]
    LIST_ID: ClassVar[str]
    COLUMNS: ClassVar[Sequence[Column]]
    EMPTY: ClassVar[str]
    ONE: ClassVar[str]
    """What one of them is called."""

    SORTS: ClassVar[Sorts]
    """The columns that it can be sorted by, as `sort` names them."""

    FILTERS: ClassVar[Filters] = {}
    """What `f` goes through, the first of them at the start."""

    _by = ""
    _down = True
    _slice: Slice | None = None

    def compose(self) -> ComposeResult:
        self.name_it(self.NAME)
        self.states = next(iter(self.FILTERS), "")
        self.grid = DeskGrid(self.COLUMNS, id=self.LIST_ID, empty=self.EMPTY)
        self._made: dict[str, tuple[R, Instant, Row]] = {}
        yield self.grid

    # What a list says of its rows

    def key(self, row: R) -> str:
        """What the row is called."""
        raise NotImplementedError

    def about(self, key: str) -> str:
        """What Enter opens on the row of that name: a trade or a settlement, or nothing."""
        return key

    def drawn(self, row: R, slice: Slice) -> Row:
        """Its line."""
        raise NotImplementedError

    def moves(self, row: R) -> bool:
        """Whether its line changes with the time alone."""
        return False

    def counted(self, count: int) -> str:
        """So many of them, in words."""
        return f"{count} {self.ONE}{'s' * (count != 1)}"

    # What a dealer says to it

    def sort(self, by: str) -> bool:
        """By a column, largest first; again, smallest first; again, as ever.

        False for a column that cannot be sorted by.
        """
        if by not in self.SORTS:
            return False
        if by != self._by:
            self._by, self._down = by, True
        elif self._down:
            self._down = False
        else:
            self._by = ""
        self.again()
        return True

    def show_states(self, states: str) -> None:
        """Only rows in these states, as `FILTERS` names them."""
        self.states = states
        self.again()

    @property
    def shown_rows(self) -> list[R]:
        """The rows on show, in their order."""
        by_key = self._by_key()
        return [by_key[key] for key in self.grid.keys if key in by_key]

    def row_of(self, key: str) -> R | None:
        """The row of that name."""
        return self._by_key().get(key)

    def _by_key(self) -> dict[str, R]:
        return {self.key(row): row for row in self._slice.rows} if self._slice else {}

    # Drawing

    def show(self, slice: Slice, /) -> None:
        """Draw a slice."""
        self._slice = slice
        self.grid.empty = self.EMPTY if slice.settings.pairs else ""  # while it is starting
        self.name_it(self.NAME, self._said(slice))
        self.grid.show_rows([self._row(row, slice) for row in self._sorted(self._chosen(slice))])
        if len(self._made) > 2 * len(slice.rows) + 100:
            self._made.clear()

    def again(self) -> None:
        """Draw what is known, since it shall look otherwise."""
        if self._slice is not None:
            self._made.clear()
            self.show(self._slice)

    def _said(self, slice: Slice) -> str:
        count = len(slice.rows)
        by = f"by {self._by} {'▼' if self._down else '▲'}" if self._by else ""
        rows = self.counted(count) if count else ""
        states = f"f: {self.states}" if self.states else ""
        return "  ".join(filter(None, [states, by, rows, slice.note]))

    def _chosen(self, slice: Slice) -> Iterable[R]:
        return filter(self.FILTERS[self.states], slice.rows) if self.states else slice.rows

    def _sorted(self, rows: Iterable[R]) -> Iterable[R]:
        """What has no value comes last, whichever way it goes."""
        if not self._by:
            return rows
        of = self.SORTS[self._by]
        rows = list(rows)
        known = sorted((r for r in rows if of(r) is not None), key=of, reverse=self._down)
        return [*known, *(row for row in rows if of(row) is None)]

    def _row(self, row: R, slice: Slice) -> Row:
        key, second = self.key(row), slice.second if self.moves(row) else 0
        made = self._made.get(key)
        if made is not None and made[0] is row and made[1] == second:
            return made[2]
        drawn = self.drawn(row, slice._replace(second=second))
        self._made[key] = (row, second, drawn)
        return drawn

    @on(DeskGrid.HeaderClicked)
    def _header_clicked(self, event: DeskGrid.HeaderClicked) -> None:
        self.sort(event.key)
