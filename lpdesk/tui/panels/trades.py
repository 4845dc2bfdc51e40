"""All trades on a page of their own: by state, sorted, narrowed, summed up, and written out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import ClassVar, Final

from textual.app import ComposeResult

from lpdesk.domain.settings import Settings
from lpdesk.domain.values import exact
from lpdesk.tui.figures import exposure_rows, sum_places
from lpdesk.tui.panels.blotter import OPEN, STATE, BlotterPane
from lpdesk.tui.panels.listing import Slice
from lpdesk.tui.questions import cannot_gather
from lpdesk.tui.widgets.grid import Row
from lpdesk.tui.widgets.lines import Ink, Line, Lines, Span, as_many
from lpdesk.views import TradeRow, words
from lpdesk.views.settlements import exposures

FILTERS: Final[dict[str, Callable[[TradeRow], bool]]] = {
    "all": lambda trade: True,
    "open": lambda trade: trade.state in OPEN,
    "settled": lambda trade: trade.state == "settled",
    "failed": lambda trade: trade.state in ("failed", "rejected"),
    "breaks": lambda trade: trade.breaks > 0,
    "api": lambda trade: trade.api,
}
"""What `f` goes through."""


class TradesPane(BlotterPane):
    """The blotter in full. What is on show, in its order, is what `export` writes."""

    NAME: ClassVar[str] = "Trades"
    LIST_ID: ClassVar[str] = "trades"

    DEFAULT_CSS = "TradesPane > Lines { height: 1; }"

    FILTERS = FILTERS

    ABOUT = (
        "Every trade; Enter or Tab goes to the lineage of the one under the cursor.",
        "f: all, open, settled, failed, with breaks. / narrows, `sort pnl` or a click orders it.",
        "Space marks one that waits to be settled, g gathers the marked ones in a settlement.",
        "e writes what is on show as CSV and JSON, beside the journal; ^Y copies it.",
    )

    def compose(self) -> ComposeResult:
        yield from super().compose()
        self.marked: dict[str, None] = {}
        self.sums = _Sums(self)
        yield self.sums

    def show(self, slice: Slice, /) -> None:
        """Draw a slice; what cannot be gathered any more is not marked."""
        waiting = (
            {row.trade_id for row in slice.rows if not cannot_gather(row)} if self.marked else ()
        )
        self.marked = {name: None for name in self.marked if name in waiting}
        super().show(slice)
        self.sums.draw()

    def drawn(self, row: TradeRow, slice: Slice) -> Row:
        """A marked one has a tick beside its state."""
        line = super().drawn(row, slice)
        if row.trade_id not in self.marked:
            return line
        ticked = Span(f"{row.state} ✓", Ink.TITLE)
        return line._replace(cells=(*line.cells[:STATE], ticked, *line.cells[STATE + 1 :]))

    def mark(self, name: str) -> None:
        """Mark a trade, or not any more."""
        if self.marked.pop(name, self) is self:
            self.marked[name] = None
        self.again()

    def narrow(self, wanted: str) -> None:
        """Only rows with this text, and their sums."""
        super().narrow(wanted)
        self.sums.draw()

    @exact
    def summed(self) -> list[Line]:
        """What those on show come to: by asset, the most important first."""
        trades, settings = self.shown_rows, self._slice.settings if self._slice else None
        if settings is None or not trades:
            return []
        pnl, fees = dict[str, Decimal](), dict[str, Decimal]()
        for trade in trades:
            if trade.pnl is not None:
                pnl[trade.pnl_asset] = pnl.get(trade.pnl_asset, Decimal(0)) + trade.pnl
            if trade.fee:
                fees[trade.fee_asset] = fees.get(trade.fee_asset, Decimal(0)) + trade.fee
        count = f"{len(trades)} trade{'s' * (len(trades) != 1)}"
        sums: list[Line] = [*self._marked(settings), (Span(f"{count} on show", Ink.DIM),)]
        for title, amounts in (("P&L ", pnl), ("fees ", fees)):
            for asset, value in sorted(amounts.items()):
                write = words.money if amounts is fees else words.signed
                text = write(value, sum_places(asset, settings))
                sums.append((Span(title, Ink.DIM), Span(f"{text} {asset}")))
        return sums

    def _marked(self, settings: Settings) -> list[Line]:
        """What gathering the marked ones would come to."""
        rows = [row for name in self.marked if (row := self.row_of(name))]
        if not rows:
            return []
        sums = exposure_rows(*exposures(rows), settings)
        told = (Span(f"{verb} {text}  ") for verb, text in sums)
        return [(Span(f"{len(rows)} marked  ", Ink.TITLE), *told)]


class _Sums(Lines, can_focus=False):
    def __init__(self, pane: TradesPane) -> None:
        super().__init__(id="trade-sums")
        self._pane = pane

    def lines(self, width: int, height: int) -> Sequence[Line]:
        return [as_many(width, self._pane.summed())]
