"""The lineage of one trade: a tree from the client's request to the last posting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from textual.app import ComposeResult
from textual.message import Message

from lpdesk.domain.settings import Settings
from lpdesk.domain.text import clean
from lpdesk.tui.ancestry import branches, since
from lpdesk.tui.look import Look
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.sentences import pnl
from lpdesk.tui.widgets.grid import Column, Row
from lpdesk.tui.widgets.lines import DeskGrid, Ink, Span
from lpdesk.views import Lineage, TradeRow

_COLUMNS: Final = (
    Column("since", "since", 9, "right"),
    Column("what", "", 40, grow=True),
    Column("record", "record", 7, "right", priority=1),
)


class Slice(NamedTuple):
    """What the pane shows: whose lineage, and how it stands."""

    trade: TradeRow | None
    settings: Settings
    pnl: str


class Wanted(Message):
    """The records about this trade are wanted: another one was chosen, or it moved on."""

    def __init__(self, trade: TradeRow) -> None:
        self.trade = trade
        super().__init__()


class LineagePane(Pane):
    """Says which trade it wants to know about, and is told."""

    ABOUT = (
        "Where the trade comes from: all prices that came, where the lock was, what was sent,",
        "held and posted. The first column counts from the request; `go` to a record in a replay.",
    )

    def __init__(self, chosen: Callable[[], str]) -> None:
        """`chosen()` is the id of the trade whose lineage is wanted, or empty."""
        super().__init__()
        self._chosen = chosen
        self._slice: Slice | None = None
        self._known = Lineage("")

    def compose(self) -> ComposeResult:
        self.name_it("Lineage")
        self.grid = DeskGrid(_COLUMNS, id="lineage", empty="no trade is chosen")
        yield self.grid

    def see(self, look: Look) -> object:
        """No times: a lineage is what has happened."""
        trade = look.view.trade(self._chosen())
        return Slice(trade, look.view.settings, pnl(look, trade) if trade else "")

    def show(self, slice: Slice, /) -> None:
        """Draw a slice."""
        before, self._slice = self._slice, slice
        trade = slice.trade
        said = f"{trade.trade_id}  {trade.state} {slice.pnl}".rstrip() if trade else ""
        self.name_it("  ".join(filter(None, ["Lineage", said])))
        if trade is None:
            self.tell(Lineage(""))
        elif before is None or before.trade != trade:
            if trade.trade_id != self._known.trade_id:
                self.say("the journal is being read")
            self.post_message(Wanted(trade))

    def tell(self, known: Lineage) -> None:
        """Draw the tree."""
        self._known = known
        settings = self._slice.settings if self._slice else Settings()
        tree = branches(known, settings)
        if not tree:
            self.say("not in this journal" if known.trade_id else "no trade is chosen")
            return
        rows = [
            Row(
                str(number),
                (
                    Span("" if branch.at is None else since(branch.at, known.began), Ink.DIM),
                    (Span(branch.limb, Ink.DIM), *branch.text),
                    Span("" if branch.seq is None else f"{branch.seq:,}", Ink.DIM),
                ),
            )
            for number, branch in enumerate(tree)
        ]
        self.grid.show_rows(rows)

    def say(self, text: str) -> None:
        """A sentence in the place of the tree."""
        self.grid.show_rows([Row("", ("", Span(clean(text), Ink.DIM)))])
