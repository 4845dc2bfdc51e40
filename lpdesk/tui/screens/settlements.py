"""The settlements page: all trades, and where the one under the cursor comes from.

A further pane, such as what is due when, is one more in `compose` and `panes`.
"""

from __future__ import annotations

from typing import ClassVar, Final

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from lpdesk.domain.text import clean
from lpdesk.session import Session
from lpdesk.tui.panels import lineage as lineage_pane
from lpdesk.tui.panels.lineage import LineagePane
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.panels.trades import TradesPane
from lpdesk.tui.screens.page import Page
from lpdesk.tui.widgets.lines import DeskGrid
from lpdesk.views import TradeRow, lineage

_TALL: Final = 26
_BROAD: Final = 220
_TABS: Final = {"trades": "Settlements", "lineage": "Lineage"}


class SettlementsPage(Page):
    """The list above its lineage, beside it where there is room; in small terminals by turns."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,shift+tab", "turn", "List or lineage", show=False, id="settlements.turn")
    ]

    DEFAULT_CSS = """
    SettlementsPage {
        layout: grid; height: 1fr; grid-size: 1; grid-rows: 2fr 3fr;
        &.-broad { grid-size: 2; grid-columns: 1fr 110; grid-rows: 1fr; }
        &.-small { grid-rows: 1fr; Pane { padding: 0; } }
        .-behind { display: none; }
    }
    """

    front = "trades"

    def __init__(self, session: Session) -> None:
        super().__init__(id="settlements-page")
        self._session = session

    def compose(self) -> ComposeResult:
        self.trades = TradesPane()
        self.lineage = LineagePane(lambda: self.trades.grid.cursor_key or "")
        yield from (self.trades, self.lineage)

    @property
    def panes(self) -> list[Pane]:
        """List and lineage."""
        return [self.trades, self.lineage]

    def on_resize(self, event: events.Resize) -> None:
        """Choose the layout for the size."""
        width, height = event.size
        self.set_class(width >= _BROAD, "-broad")
        self.set_class(width < _BROAD and height < _TALL, "-small")
        self._behind()

    def _behind(self) -> None:
        small = self.has_class("-small")
        tabs = tuple((title, key == self.front) for key, title in _TABS.items())
        for key, pane in (("trades", self.trades), ("lineage", self.lineage)):
            pane.set_class(small and key != self.front, "-behind")
            pane.show_tabs(tabs if small else ())

    def enter(self) -> None:
        """The keys go to the list, or to the lineage when that is in front."""
        (self.trades if self.front == "trades" else self.lineage).grid.focus()

    def show_row(self, key: str) -> bool:
        """A trade that was chosen elsewhere: its lineage."""
        self.trades.show_states("all")
        self.trades.grid.select(key)
        if key not in self.trades.grid.keys:
            return False
        self.front = "lineage"
        self._behind()
        return True

    def action_turn(self) -> None:
        """From the list to the lineage and back."""
        self.front = "lineage" if self.front == "trades" else "trades"
        self._behind()
        self.enter()

    @on(DeskGrid.Selected, "#trades")
    def _selected(self) -> None:
        self.post_message(self.Moved())

    @on(DeskGrid.Chosen, "#trades")
    def _chosen(self) -> None:
        self.action_turn()

    @on(lineage_pane.Wanted)
    def _wanted(self, event: lineage_pane.Wanted) -> None:
        self._read(event.trade)

    @work(exclusive=True, group="lineage")
    async def _read(self, trade: TradeRow) -> None:
        """Ask the journal; another trade chosen meanwhile ends this."""
        try:
            records = await self._session.about(trade.trade_id)
        except Exception as error:  # the journal's trouble must not take the screen with it
            self.lineage.say(clean(f"cannot be read: {type(error).__name__}: {error}"))
            return
        self.lineage.tell(lineage(trade.trade_id, records))
