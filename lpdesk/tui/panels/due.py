"""What is due: the trade settlements and their next tries, what they will need, the open breaks."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from textual.app import ComposeResult

from lpdesk.domain.settings import Settings
from lpdesk.domain.values import Instant
from lpdesk.tui.figures import sum_places
from lpdesk.tui.look import Look
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.widgets.grid import Cell, Column, Row
from lpdesk.tui.widgets.lines import DeskGrid, Ink, Span
from lpdesk.views import BreakRow, words
from lpdesk.views.settlements import Need, SettlementRow

_SETTLEMENTS: Final = (
    Column("id", "settlement", 10),
    Column("parties", "parties", 12, priority=4),
    Column("state", "state", 9),
    Column("next", "next try", 9, "right"),
    Column("reject", "rejected in", 11, "right", priority=3),
    Column("tries", "tries", 5, "right", priority=2),
    Column("trades", "trades", 6, "right", priority=2),
    Column("exposure", "we deliver, and cash", 18, grow=True),
    Column("missing", "missing", 14, priority=1),
)
_NEEDS: Final = (
    Column("when", "due", 9),
    Column("account", "account", 14),
    Column("asset", "", 5),
    Column("needed", "needed", 16, "decimal"),
    Column("short", "short", 16, "decimal"),
    Column("trades", "for", 8, grow=True, priority=1),
)
_BREAKS: Final = (
    Column("id", "break", 8),
    Column("age", "open", 6, "right"),
    Column("owner", "owner", 8, priority=2),
    Column("kind", "kind", 14),
    Column("lp", "LP", 8),
    Column("trade", "trade", 8, priority=1),
    Column("text", "what", 12, grow=True),
)
_STATES: Final[Mapping[str, Span]] = {
    "pending": Span("pending"),
    "settlement_failed": Span("FAILED", Ink.BAD),
    "settled": Span("settled", Ink.GOOD),
    "rejected": Span("REJECTED", Ink.BAD),
}
_SHOWN: Final = 100


class Slice(NamedTuple):
    """What the pane shows."""

    settlements: tuple[SettlementRow, ...]
    needs: tuple[Need, ...]
    breaks: tuple[BreakRow, ...]
    settings: Settings
    second: Instant


class DuePane(Pane):
    """Three lists, one below the other; Enter on a settlement asks to try it now."""

    ABOUT = (
        "Settlements with the time of their next try, what the coming ones will need of each",
        "account and how much of it is missing, and the breaks that wait for a person.",
        "Enter on a settlement tries it now, after a `yes`. `settle new T-1 T-2` gathers trades;",
        "`break B-3 owner anna`, `break B-3 close why` are for breaks.",
    )

    DEFAULT_CSS = """
    DuePane > DeskGrid { height: 1fr; }
    DuePane > #settlements-list { height: 2fr; }
    """

    def compose(self) -> ComposeResult:
        self.grid = DeskGrid(_SETTLEMENTS, id="settlements-list", empty="no trade settlements yet")
        self.needs = DeskGrid(_NEEDS, id="needs", empty="nothing waits to be settled")
        self.breaks = DeskGrid(_BREAKS, id="breaks", empty="no open breaks")
        yield from (self.grid, self.needs, self.breaks)

    def see(self, look: Look) -> object:
        """Seconds matter while something is tried or open."""
        view = look.view
        rows, breaks = view.settlements[:_SHOWN], view.breaks.open[:_SHOWN]
        needs = view.forecast()[:_SHOWN]
        moving = breaks or needs or any(row.open for row in rows)
        return Slice(rows, needs, breaks, view.settings, look.second if moving else 0)

    def show(self, slice: Slice, /) -> None:
        """Draw a slice."""
        short = sum(need.short > 0 for need in slice.needs)
        note = f"{short} short" if short else ""
        self.name_it("Due", "  ".join(filter(None, [note, _count(len(slice.breaks))])))
        at = slice.second
        self.grid.show_rows([_settlement(row, slice.settings, at) for row in slice.settlements])
        self.needs.show_rows([_need(need, slice.settings, at) for need in slice.needs])
        self.breaks.show_rows([_break(row, at) for row in slice.breaks])


def _count(breaks: int) -> str:
    return f"{breaks} break{'s' * (breaks != 1)} open" if breaks else ""


def _settlement(row: SettlementRow, settings: Settings, now: Instant) -> Row:
    terms = row.terms
    exposures = [*terms.asset_exposures.items(), *terms.cash_exposures.items()]
    missing = [f"{short.missing:f} {short.asset}" for short in row.shortfalls]
    paid = f"{len(row.integrator_trades)} by its own" if row.integrator_trades else ""
    cells: tuple[Cell, ...] = (
        row.settlement_id,
        Span(f"{terms.organization} {terms.desk}", Ink.DIM),
        _STATES.get(row.state, Span(row.state)),
        _until(row.next_at, now),
        _until(terms.reject_at if row.open else None, now),
        str(len(row.attempts)),
        str(len(terms.trades)),
        ", ".join(_sum(amount, asset, settings) for asset, amount in exposures),
        Span(", ".join(missing) if row.state == "settlement_failed" else paid, Ink.WARN),
    )
    return Row(row.settlement_id, cells)


def _need(need: Need, settings: Settings, now: Instant) -> Row:
    places = sum_places(need.asset, settings)
    short = Span(f"{words.money(need.short, places)} !", Ink.BAD) if need.short else words.DASH
    cells: tuple[Cell, ...] = (
        _until(need.at, now),
        need.account,
        Span(need.asset, Ink.DIM),
        words.money(need.needed, places),
        short,
        Span(" ".join(need.trades), Ink.DIM),
    )
    return Row(f"{need.at} {need.account} {need.asset}", cells)


def _break(row: BreakRow, now: Instant) -> Row:
    cells: tuple[Cell, ...] = (
        row.break_id,
        words.age(row.age(now)),
        row.owner or words.DASH,
        Span(row.kind, Ink.WARN),
        row.lp,
        row.trade_id or words.DASH,
        Span(row.text, Ink.DIM),
    )
    return Row(row.break_id, cells)


def _sum(amount: Decimal, asset: str, settings: Settings) -> str:
    return f"{words.money(amount, sum_places(asset, settings))} {asset}"


def _until(at: Instant | None, now: Instant) -> Cell:
    """A countdown in the words of an age; what is due now says so."""
    if at is None:
        return Span(words.DASH, Ink.DIM)
    return Span("now", Ink.WARN) if at <= now else words.age(at - now)
