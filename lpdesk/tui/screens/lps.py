"""F7: every LP on one line, its state and what it did in the recent races."""

from __future__ import annotations

from statistics import median
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from lpdesk.domain.values import Instant
from lpdesk.tui.panels.lps import lp_row
from lpdesk.tui.widgets.grid import Column, Row
from lpdesk.tui.widgets.lines import DeskGrid, Ink, InkScreen, Span
from lpdesk.views import DeskView, LpRow, words
from lpdesk.views import Row as RaceRow

_COLUMNS: Final = (
    Column("lp", "LP", 10),
    Column("state", "state", 8),
    Column("probe", "next probe", 10, "right", priority=1),
    Column("asks", "asked", 6, "right", priority=2),
    Column("quotes", "quotes", 6, "right"),
    Column("locks", "locks", 5, "right"),
    Column("trades", "trades", 6, "right"),
    Column("p50", "p50 ms", 6, "right"),
    Column("count", "of", 4, "right", priority=4),
    Column("kind", "kind", 6, priority=3),
    Column("why", "why", 12, grow=True),
)
_REFRESH_SECONDS: Final = 0.25


def score_row(lp: LpRow, view: DeskView, now: Instant) -> Row:
    """One LP's line; a figure without a race behind it is a dot."""
    ran = [row for card in view.rfqs for row in card.rows if row.lp == lp.name]
    times = [row.response_ns for row in ran if row.response_ns is not None]
    locks = sum(
        card.quote is not None and lp.name in card.quote.lp.split("+") for card in view.rfqs
    )
    trades = sum(lp.name in trade.lp.split("+") for trade in view.trades)
    waits = lp.state == "open" and lp.retry_at is not None and lp.retry_at > now
    probe = words.seconds((lp.retry_at or now) - now, 0) if waits else words.DASH
    known = lp_row(lp, now)
    return Row(
        lp.name,
        (
            *known.cells[:2],
            Span(probe, Ink.WARN if waits else Ink.DIM),
            _sum(ran, "asks"),
            _sum(ran, "quotes"),
            str(locks),
            str(trades),
            words.milliseconds(int(median(times))) if times else words.DASH,
            Span(str(len(times)), Ink.DIM),
            Span(lp.kind, Ink.DIM),
            Span(" ".join(filter(None, [lp.reason, lp.text])), Ink.DIM),
        ),
    )


def _sum(ran: list[RaceRow], what: str) -> str:
    return str(sum(getattr(row, what) for row in ran)) if ran else words.DASH


class LpsPage(InkScreen[str]):
    """A page over the desk. Enter on a blocked LP goes back with the word that unblocks it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f7,q", "leave", "Back", id="lps.back")]

    DEFAULT_CSS = """
    LpsPage { padding: 1 2; background: $background; }
    LpsPage > Static { height: 2; color: $desk-dim; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[DeskView | None, Instant] = (None, 0)

    def compose(self) -> ComposeResult:
        yield Static(
            Content.assemble(
                ("LPs", "bold $primary"),
                "  recent requests   Enter on a blocked one: unblock   Esc goes back",
            )
        )
        self.grid = DeskGrid(_COLUMNS, id="lp-table", empty="no LPs: add [[lps]] to the config")
        yield self.grid

    def on_mount(self) -> None:
        """Keep up with the desk while it is looked at."""
        self._draw()
        self.set_interval(_REFRESH_SECONDS, self._draw)

    def _draw(self) -> None:
        from lpdesk.tui.app import DeskApp

        assert isinstance(self.app, DeskApp)
        look = self.app.desk.look()
        if (look.view, look.second) != self._shown:
            self._shown = look.view, look.second
            lps = look.view.status.lps
            self.grid.show_rows([score_row(lp, look.view, look.second) for lp in lps])

    @on(DeskGrid.Chosen)
    def _chosen(self, event: DeskGrid.Chosen) -> None:
        view = self._shown[0]
        lps = view.status.lps if view is not None else ()
        if any(lp.name == event.key and lp.state == "blocked" for lp in lps):
            self.dismiss(f"unblock {event.key}")

    def action_leave(self) -> None:
        """Back to the desk."""
        self.dismiss("")
