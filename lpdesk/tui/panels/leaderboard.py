"""The LP race of the RFQ in focus: who is where, how far from the lock, and who is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from textual.app import ComposeResult

from lpdesk.domain.reasons import Reason
from lpdesk.domain.settings import Pair
from lpdesk.domain.values import SECOND, Instant
from lpdesk.tui.figures import amount, price_spans
from lpdesk.tui.look import Look
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.widgets.grid import Cell, Column
from lpdesk.tui.widgets.grid import Row as GridRow
from lpdesk.tui.widgets.lines import DeskGrid, Ink, Line, Lines, Span
from lpdesk.views import Card, Row, words

RERANK_SECONDS: Final = 0.25
"""Positions move at most this often, so that a finger can point at one."""

FRESH_NS: Final = 600_000_000
"""How long a new price stays tinted."""

_COLUMNS: Final = (
    Column("rank", "#", 2),
    Column("lp", "LP", 7, grow=True),
    Column("price", "all-in", 11, "right"),
    Column("bp", "vs lock", 8, "right"),
    Column("ms", "ms", 4, "right"),
)
_REJECTS: Final = {
    "credit": "credit",
    "size": "size",
    "not authorised": "not auth",
    "rate limit": "too many",
    "LP error": "LP error",
    "no liquidity": "no depth",
}
"""What an LP said no with, in no more than the eight cells there are."""

_LIVE: Final = {"LOCK", "LEG", "live"}


class Slice(NamedTuple):
    """What the pane shows."""

    card: Card | None
    pair: Pair | None
    rows: tuple[Row, ...]
    fresh: frozenset[str]
    second: Instant
    can_ask: bool


class RacePane(Pane):
    """The race, and one line about the lock under it."""

    DEFAULT_CSS = "RacePane > Lines { height: 1; }"

    ABOUT = (
        "Every LP asked, best all-in price first; the lock is what the client price stands on.",
        "vs lock: how much worse, in basis points. ms: how long the first answer took.",
        "UNKNOWN, owes us: it has not said how an order ended, and is not asked for a price.",
    )

    settling = False
    """Positions on the screen are older than those of the view."""

    def compose(self) -> ComposeResult:
        self.grid = DeskGrid(_COLUMNS, id="race", empty="nobody is asked yet")
        self.note = _Note(self)
        yield self.grid
        yield self.note

    def on_mount(self) -> None:
        """Nothing ranked yet."""
        self._order: tuple[str, ...] = ()
        self._ranked = 0.0
        self._of = ""
        self.slice: Slice | None = None

    def see(self, look: Look) -> object:
        """Seconds matter while a lock is held or an LP rests."""
        card = look.card
        if card is None:
            return Slice(None, None, (), frozenset(), 0, look.can_command)
        fresh = frozenset(r.lp for r in card.rows if 0 <= look.now - r.changed_at < FRESH_NS)
        waits = card.live or any(row.retry_at for row in card.rows)
        second = look.second if waits else 0
        return Slice(card, look.pair, card.rows, fresh, second, look.can_command)

    def show(self, slice: Slice, /) -> None:
        """Draw a slice."""
        self.slice = slice
        card = slice.card
        if card is None:
            self.name_it("LP race")
        else:
            what = f"{card.symbol} {str(card.base_side).lower()}"
            self.name_it(f"LP race  {what} {amount(card.amount, slice.pair, card.dealt)}")
        rows = self._ordered(slice)
        places = range(1, len(rows) + 1)
        self.grid.show_rows(
            [race_row(row, place, slice) for row, place in zip(rows, places, strict=True)]
        )
        self.note.draw()

    def _ordered(self, slice: Slice) -> list[Row]:
        """The rows in the order on the screen, which follows the view's four times a second."""
        wanted = tuple(row.lp for row in slice.rows)
        of = slice.card.rfq_id if slice.card else ""
        now = asyncio.get_running_loop().time()
        known = set(wanted) == set(self._order) and of == self._of
        self.settling = known and wanted != self._order and now - self._ranked < RERANK_SECONDS
        if not self.settling and (wanted != self._order or not known):
            self._order, self._ranked, self._of = wanted, now, of
        by_lp = {row.lp: row for row in slice.rows}
        return [by_lp[lp] for lp in self._order]


def race_row(row: Row, place: int, slice: Slice) -> GridRow:
    """One LP's line: a price with its distance, or a word for why there is none."""
    locked = row.state in ("LOCK", "LEG")
    rank = (Span(str(place), Ink.DIM), Span("▸" if locked else " ", Ink.LOCK))
    if place > 9:  # both digits, and the lock in its colour
        rank = (Span(str(place), Ink.LOCK if locked else Ink.DIM), Span(""))
    name = Span(row.lp, Ink.LOCK if locked else "" if row.state in _LIVE else Ink.DIM)
    price, distance = _cells(row, slice)
    cells: tuple[Cell, ...] = (
        rank, name, price, distance, Span(_ms(row), Ink.DIM)
    )  # fmt: skip
    return GridRow(row.lp, cells)


def _share(row: Row) -> str:
    """How much of the size is this leg's: `leg 0.5`."""
    return f"leg {row.quantity.normalize():f}"[:8] if row.quantity is not None else "leg"


def _ms(row: Row) -> str:
    """Milliseconds, and seconds where four digits do not do."""
    if row.response_ns is None:
        return ""
    if row.response_ns >= 10 * SECOND:
        return words.age(row.response_ns)[:4].strip()
    return words.milliseconds(row.response_ns)


def _cells(row: Row, slice: Slice) -> tuple[Cell, Cell]:
    """The two cells that say where an LP stands."""
    if row.all_in is not None and row.state in _LIVE:
        fresh = row.lp in slice.fresh
        held = {"LOCK": "LOCK", "LEG": _share(row)}.get(row.state)
        loud = Ink.FRESH if fresh else Ink.LOCK if held else Ink.STRONG
        at = price_spans(row.all_in, slice.pair, loud)
        return at, Span(held, Ink.LOCK) if held else words.bps(row.vs_lock_bps)
    if row.all_in is not None:  # priced, but not for this size or not for long enough
        quiet = price_spans(row.all_in, slice.pair, Ink.DIM)
        return quiet, Span(row.state, Ink.WARN if row.state == "rejected" else Ink.DIM)
    if row.state == "open":
        wait = (row.retry_at or 0) - slice.second
        if wait <= 0 or slice.card is None or not slice.card.live:
            return Span("resting", Ink.WARN), ""
        return Span("resting", Ink.WARN), Span(words.seconds(wait, 0), Ink.DIM)
    if row.state in _REJECTS:
        return Span("REJ", Ink.WARN), Span(_REJECTS[row.state], Ink.DIM)
    if row.state == "asked":
        return Span("asked …", Ink.DIM), ""
    if row.state == Reason.OUTCOME_UNKNOWN:  # it still owes us the outcome of an order
        return Span("UNKNOWN", Ink.BAD), Span("owes us", Ink.DIM)
    return Span(row.state, Ink.WARN if row.state == "late" else Ink.DIM), ""


class _Note(Lines, can_focus=False):
    """How often the lock improved and how long it has stood; or the selected LP's own words."""

    def __init__(self, pane: RacePane) -> None:
        super().__init__(id="race-note")
        self._pane = pane

    def lines(self, width: int, height: int) -> Sequence[Line]:
        slice = self._pane.slice
        card = slice.card if slice else None
        if slice is None or card is None:
            return ()
        chosen = self._pane.grid.cursor_key if self._pane.grid.has_focus else None
        row = next((row for row in slice.rows if row.lp == chosen), None)
        if row is not None and row.text:
            return [(Span(f"{row.lp}: {row.text}", Ink.DIM),)]
        if not card.live or card.locked_at is None:
            return ()
        held = max(0, slice.second + SECOND - 1 - card.locked_at)
        return [(Span(f"lock held {words.age(held)}", Ink.DIM),)]
