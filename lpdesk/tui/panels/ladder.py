"""The maker's ladder. Without a maker: that there is none, and the market as the LPs make it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.app import ComposeResult

from lpdesk.domain.settings import Settings
from lpdesk.tui.figures import price
from lpdesk.tui.look import Look
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.widgets.lines import Ink, Line, Lines, Span, longest, spread
from lpdesk.views import MarketRow, words


class Slice(NamedTuple):
    """What the pane shows."""

    settings: Settings
    markets: tuple[MarketRow, ...]


class LadderPane(Pane):
    """What this desk makes itself."""

    slice: Slice | None = None

    def compose(self) -> ComposeResult:
        self.name_it("Ladder")
        self.body = _Body(self)
        yield self.body

    def see(self, look: Look) -> object:
        """No times."""
        card, status = look.card, look.view.status
        markets = [row for row in status.markets if card and row.symbol == card.symbol]
        return Slice(look.view.settings, tuple(markets or status.markets[:1]))

    def show(self, slice: Slice, /) -> None:
        """Draw a slice."""
        self.slice = slice
        self.name_it(" ".join(["Ladder", *(f" {row.symbol}" for row in slice.markets)]))
        self.body.draw()


class _Body(Lines):
    def __init__(self, pane: LadderPane) -> None:
        super().__init__(id="ladder")
        self._pane = pane

    def lines(self, width: int, height: int) -> Sequence[Line]:
        slice = self._pane.slice
        none: Line = (Span("no maker configured", Ink.TITLE),)
        why: Line = (Span("deals on LP prices only", Ink.DIM),)
        markets = (
            [line for row in slice.markets for line in _market(row, slice, width)] if slice else []
        )
        return [none, why, (), *markets]


def _market(row: MarketRow, slice: Slice, width: int) -> list[Line]:
    """Bid and ask of the LPs' streams, and the spread."""
    pair = slice.settings.pair(row.symbol)
    bid, ask = price(row.bid, pair), price(row.ask, pair)
    spread_bp = f"{words.money(row.spread_bps, 2)}bp"
    sign = Span("crossed !", Ink.WARN) if row.crossed else Span(spread_bp, Ink.DIM)
    both: Line = (Span(bid), Span(" / ", Ink.DIM), Span(ask))
    head: Line = (Span(row.symbol, Ink.DIM),)
    wide = (*head, Span("  "), *both, Span("  "), sign)
    if longest(width, wide):
        return [spread((*head, Span("  "), *both), (sign,), width)]
    return [spread(head, (sign,), width), longest(width, both, both[2:])]
