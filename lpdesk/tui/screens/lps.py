"""F7: every LP on one line with its state and record, and the record of one of them at length."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from lpdesk.domain.values import Instant
from lpdesk.tui.actions import over_pages
from lpdesk.tui.panels.lps import lp_row
from lpdesk.tui.panels.scorecard import ScorecardLines, Slice
from lpdesk.tui.widgets.grid import Column, Row
from lpdesk.tui.widgets.lines import DeskGrid, Ink, InkScreen, Span
from lpdesk.views import DeskView, LpRow, words

_COLUMNS: Final = (
    Column("lp", "LP", 10),
    Column("state", "state", 8),
    Column("probe", "next probe", 10, "right", priority=5),
    Column("asks", "asked", 6, "right", priority=1),
    Column("answered", "answer", 6, "right", priority=3),
    Column("won", "won", 5, "right"),
    Column("orders", "orders", 6, "right", priority=2),
    Column("filled", "filled", 6, "right"),
    Column("p50", "p50 ms", 6, "right"),
    Column("p95", "p95 ms", 6, "right", priority=2),
    Column("behind", "behind", 9, "right", priority=4),
    Column("after", "after 30 s", 10, "right", priority=4),
    Column("kind", "kind", 11, priority=6),
    Column("why", "why", 10, grow=True),
)
_REFRESH_SECONDS: Final = 0.25


def score_row(lp: LpRow, view: DeskView, now: Instant) -> Row:
    """One LP's line; a figure without a sample behind it is a dot."""
    score = view.scorecard(lp.name).score
    waits = lp.state == "open" and lp.retry_at is not None and lp.retry_at > now
    probe = words.seconds((lp.retry_at or now) - now, 0) if waits else words.DASH
    known = lp_row(lp, now)
    return Row(
        lp.name,
        (
            *known.cells[:2],
            Span(probe, Ink.WARN if waits else Ink.DIM),
            str(score.requests) if score.requests else words.DASH,
            words.share(score.response_rate),
            words.share(score.win_rate),
            str(score.accepts) if score.accepts else words.DASH,
            words.share(score.fill_rate),
            words.milliseconds(score.response.p50),
            words.milliseconds(score.response.p95),
            words.bps(score.cover.bps),
            words.bps(score.markouts[2].bps),
            Span(lp.kind, Ink.DIM),
            Span(" ".join(filter(None, [lp.reason, lp.text, lp.note])), Ink.DIM),
        ),
    )


def recent(lp: str, view: DeskView) -> tuple[int, ...]:
    """How long the LP took to answer in the requests still on the screen, oldest first."""
    rows = (row for card in reversed(view.rfqs) for row in card.rows if row.lp == lp)
    return tuple(row.response_ns for row in rows if row.response_ns is not None)


class LpsPage(InkScreen[str]):
    """A page over the desk. Enter on a blocked LP goes back with the word that unblocks it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f7,q", "leave", "Back", id="lps.back"),
        *over_pages("lp-table"),
    ]

    DEFAULT_CSS = """
    LpsPage { padding: 1 2; background: $background; }
    LpsPage > Static { height: 2; color: $desk-dim; }
    LpsPage > #lp-table { max-height: 50%; }
    LpsPage > #lp-card { margin: 1 0 0 0; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[DeskView | None, Instant] = (None, 0)

    def compose(self) -> ComposeResult:
        yield Static(
            Content.assemble(
                ("LPs", "bold $primary"),
                "  last 24 hours   Enter on a blocked one: unblock   Esc goes back",
            )
        )
        self.grid = DeskGrid(_COLUMNS, id="lp-table", empty="no LPs: add [[lps]] to the config")
        yield self.grid
        self.card = ScorecardLines(id="lp-card")
        yield self.card

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
            self.grid.styles.height = len(lps) + 1
            self.grid.show_rows([score_row(lp, look.view, look.second) for lp in lps])
            self._look_at(self.grid.cursor_key)

    def _look_at(self, lp: str | None) -> None:
        """The record of one LP under the table."""
        view = self._shown[0]
        if lp is not None and view is not None:
            self.card.see(Slice(view.scorecard(lp), recent(lp, view), view.settings.lp(lp)))

    @on(DeskGrid.Selected)
    def _moved(self, event: DeskGrid.Selected) -> None:
        self._look_at(event.key)

    @on(DeskGrid.Chosen)
    def _chosen(self, event: DeskGrid.Chosen) -> None:
        view = self._shown[0]
        lps = view.status.lps if view is not None else ()
        if any(lp.name == event.key and lp.state == "blocked" for lp in lps):
            self.dismiss(f"unblock {event.key}")

    def action_leave(self) -> None:
        """Back to the desk."""
        self.dismiss("")
