"""What is due: trade settlements and their next tries, what they will need, and the breaks."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar, Final

from lpdesk.domain.settings import Settings
from lpdesk.domain.values import Instant
from lpdesk.tui.figures import sum_text
from lpdesk.tui.look import Look
from lpdesk.tui.panels.listing import Filters, ListPane, Slice, Sorts
from lpdesk.tui.widgets.grid import Cell, Column, Row
from lpdesk.tui.widgets.lines import Ink, Span
from lpdesk.views import BreakRow, words
from lpdesk.views.settlements import Need, SettlementRow

STATES: Final[Mapping[str, Span]] = {
    "pending": Span("pending"),
    "settlement_failed": Span("FAILED", Ink.BAD),
    "settled": Span("settled", Ink.DIM),
    "rejected": Span("REJECTED", Ink.BAD),
}
"""How a settlement's state reads."""


def _missing(row: SettlementRow) -> tuple[tuple[str, Decimal], ...]:
    """What its last try missed; nothing once it has ended."""
    shorts = row.shortfalls if row.open else ()
    return tuple((short.asset, short.missing) for short in shorts)


class SettlementsPane(ListPane[SettlementRow]):
    """Trades that are settled together, newest first."""

    NAME = "Settlements"
    LIST_ID = "settlements-list"
    EMPTY = "no trade settlements"
    ONE = "settlement"
    COLUMNS = (
        Column("settlement", "settlement", 10),
        Column("parties", "parties", 12, priority=4),
        Column("state", "state", 8),
        Column("next", "next try", 8, "right"),
        Column("rejected", "rejected in", 11, "right", priority=6),
        Column("tries", "tries", 5, "right", priority=7),
        Column("trades", "trades", 6, "right", priority=5),
        Column("delivers", "we deliver", 14, "right"),
        Column("cash", "cash", 15, "right"),
        Column("missing", "missing", 16, "right"),
        Column("pays", "", 4, priority=8, grow=True),
    )
    SORTS: ClassVar[Sorts] = {
        "settlement": lambda row: row.settlement_id,
        "parties": lambda row: (row.terms.organization, row.terms.desk),
        "state": lambda row: row.state,
        "next": lambda row: row.next_at,
        "rejected": lambda row: row.terms.reject_at if row.open else None,
        "tries": lambda row: len(row.attempts),
        "trades": lambda row: len(row.terms.trades),
        "delivers": lambda row: max(row.terms.asset_exposures.values(), default=None),
        "cash": lambda row: max(row.terms.cash_exposures.values(), default=None),
        "missing": lambda row: max((amount for _, amount in _missing(row)), default=None),
    }
    FILTERS: ClassVar[Filters] = {
        "all": lambda row: True,
        "open": lambda row: row.open,
        "failed": lambda row: row.state == "settlement_failed",
        "settled": lambda row: row.state == "settled",
        "rejected": lambda row: row.state == "rejected",
    }
    ABOUT = (
        "Settlements with the time of their next try and what was missing at the last one.",
        "Enter opens one: its terms, trades, attempts, holds, postings and webhooks. t tries it",
        "now, after a `yes`. Space on trades marks them, g gathers the marked in a settlement.",
    )

    def see(self, look: Look) -> object:
        """Seconds matter while something is tried."""
        rows = look.view.settlements
        waiting = sum(row.open for row in rows)
        note = f"{waiting} open" if waiting else ""
        return Slice(rows, look.view.settings, look.second if waiting else 0, note)

    def key(self, row: SettlementRow) -> str:
        """Its id."""
        return row.settlement_id

    def moves(self, row: SettlementRow) -> bool:
        """Until it has ended."""
        return row.open

    def drawn(self, row: SettlementRow, slice: Slice) -> Row:
        """The settlement's line."""
        terms, at, settings = row.terms, slice.second, slice.settings
        paid = f"{len(row.integrator_trades)} from {terms.broker_account}"
        cells: tuple[Cell, ...] = (
            row.settlement_id,
            Span(f"{terms.organization} {terms.desk}", Ink.DIM),
            STATES.get(row.state, Span(row.state)),
            until(row.next_at, at),
            until(terms.reject_at if row.open else None, at),
            str(len(row.attempts)),
            str(len(terms.trades)),
            _sums(tuple(terms.asset_exposures.items()), settings, 14),
            _sums(tuple(terms.cash_exposures.items()), settings, 15),
            Span(_sums(_missing(row), settings, 14, " !"), Ink.BAD),
            Span(paid if row.integrator_trades else "", Ink.WARN),
        )
        return Row(row.settlement_id, cells)


class NeedsPane(ListPane[Need]):
    """What the trades that wait will need of each account, by time."""

    NAME = "Needs"
    LIST_ID = "needs"
    EMPTY = "nothing waits to be settled"
    ONE = "need"
    COLUMNS = (
        Column("due", "due", 7),
        Column("account", "account", 16, grow=True),
        Column("needed", "needed", 17, "right"),
        Column("short", "short", 19, "right"),
        Column("trades", "for", 11, priority=1),
    )
    SORTS: ClassVar[Sorts] = {
        "due": lambda need: need.at,
        "account": lambda need: need.account,
        "needed": lambda need: need.needed,
        "short": lambda need: need.short or None,
        "trades": lambda need: len(need.trades),
    }
    FILTERS: ClassVar[Filters] = {"all": lambda need: True, "short": lambda need: need.short > 0}
    ABOUT = (
        "What the settlements to come will need of each account, the earliest first, and how much",
        "of it will be missing as things are. The client's account pays, else its settlement's.",
    )

    def see(self, look: Look) -> object:
        """Seconds matter while anything waits."""
        needs = look.view.forecast()
        short = sum(need.short > 0 for need in needs)
        note = f"{short} short" if short else ""
        return Slice(needs, look.view.settings, look.second if needs else 0, note)

    def key(self, row: Need) -> str:
        """When, where and what."""
        return f"{row.at} {row.account} {row.asset}"

    def about(self, key: str) -> str:
        """The first trade that needs it."""
        need = self.row_of(key)
        return need.trades[0] if need else ""

    def moves(self, row: Need) -> bool:
        """It comes nearer."""
        return True

    def drawn(self, row: Need, slice: Slice) -> Row:
        """The need's line."""
        short = sum_text(row.short, row.asset, slice.settings)
        many = f" +{len(row.trades) - 1}" if len(row.trades) > 1 else ""
        cells: tuple[Cell, ...] = (
            until(row.at, slice.second),
            row.account,
            sum_text(row.needed, row.asset, slice.settings),
            Span(f"{short} !", Ink.BAD) if row.short else Span(words.DASH, Ink.DIM),
            Span(f"{row.trades[0]}{many}", Ink.DIM),
        )
        return Row(self.key(row), cells)


class BreaksPane(ListPane[BreakRow]):
    """Where an LP's word and ours differ, newest first; open ones at the start."""

    NAME = "Breaks"
    LIST_ID = "breaks"
    EMPTY = "no breaks"
    ONE = "break"
    COLUMNS = (
        Column("break", "break", 8),
        Column("open", "open", 6, "right"),
        Column("owner", "owner", 7, priority=2),
        Column("kind", "kind", 20),
        Column("lp", "LP", 7),
        Column("trade", "trade", 8, priority=1),
        Column("text", "what", 12, grow=True),
    )
    SORTS: ClassVar[Sorts] = {
        "break": lambda row: row.break_id,
        "open": lambda row: -row.at,
        "owner": lambda row: row.owner or None,
        "kind": lambda row: row.kind,
        "lp": lambda row: row.lp,
        "trade": lambda row: row.trade_id or None,
    }
    FILTERS: ClassVar[Filters] = {
        "open": lambda row: row.open,
        "closed": lambda row: not row.open,
        "all": lambda row: True,
    }
    ABOUT = (
        "Where an LP's own list and ours differ, with age and owner; what mends itself is closed",
        "by its rule. o hands one over, c closes it with a note: the line is begun, you end it.",
        "Enter shows the lineage of its trade. f: open, closed, all.",
    )

    def see(self, look: Look) -> object:
        """Seconds matter while one is open."""
        breaks = look.view.breaks
        waiting = len(breaks.open)
        note = f"{waiting} open" if waiting else ""
        return Slice(breaks.rows, look.view.settings, look.second if waiting else 0, note)

    def key(self, row: BreakRow) -> str:
        """Its id."""
        return row.break_id

    def about(self, key: str) -> str:
        """Its trade."""
        row = self.row_of(key)
        return row.trade_id if row else ""

    def moves(self, row: BreakRow) -> bool:
        """Its age grows."""
        return row.open

    def drawn(self, row: BreakRow, slice: Slice) -> Row:
        """The break's line."""
        end = f"{row.note}  " if row.note else ""
        end = end if row.open else f"closed: {row.why or row.how}  "
        cells: tuple[Cell, ...] = (
            row.break_id,
            words.age(row.age(slice.second)),
            row.owner or words.DASH,
            Span(row.kind, Ink.WARN if row.open else Ink.DIM),
            row.lp,
            row.trade_id or words.DASH,
            (Span(end), Span(row.text, Ink.DIM)),
        )
        return Row(row.break_id, cells)


def _sums(
    amounts: tuple[tuple[str, Decimal], ...], settings: Settings, width: int, sign: str = ""
) -> str:
    """The first sum and how many more there are; never a number in part."""
    if not amounts:
        return ""
    (asset, amount), *more = amounts
    first = sum_text(amount, asset, settings)
    text = f"{first} +{len(more)}" if more else first
    return f"{text if len(text) <= width else first}{sign}"


def until(at: Instant | None, now: Instant) -> Cell:
    """A countdown in the words of an age; what is due now says so."""
    if at is None:
        return Span(words.DASH, Ink.DIM)
    return Span("now", Ink.WARN) if at <= now else words.age(at - now)
