"""The settlements page: all trades, where the one under the cursor comes from, and what is due."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from lpdesk.domain.text import clean
from lpdesk.session import Session
from lpdesk.tui.panels import lineage as lineage_pane
from lpdesk.tui.panels.due import DuePane
from lpdesk.tui.panels.lineage import LineagePane
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.panels.trades import TradesPane
from lpdesk.tui.screens.page import Page
from lpdesk.tui.widgets.lines import DeskGrid
from lpdesk.views import TradeRow, lineage

_TALL: Final = 26
_BROAD: Final = 220
_TABS: Final = {"trades": "Settlements", "lineage": "Lineage", "due": "Due"}
_NARROW: Final = 160


class SettlementsPage(Page):
    """The trades above their lineage and what is due; in small terminals by turns."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "turn(1)", "The next list", show=False, id="settlements.turn"),
        Binding("shift+tab", "turn(-1)", "The list before", show=False, id="settlements.back"),
    ]

    DEFAULT_CSS = """
    SettlementsPage {
        layout: grid; height: 1fr; grid-size: 2; grid-columns: 1fr 1fr; grid-rows: 2fr 3fr;
        TradesPane { column-span: 2; }
        &.-broad { TradesPane { column-span: 1; } LineagePane { row-span: 2; } }
        &.-small { grid-size: 1; grid-rows: 1fr; Pane { padding: 0; column-span: 1; } }
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
        self.due = DuePane()
        yield from self.panes

    @property
    def panes(self) -> list[Pane]:
        """Trades, lineage, and what is due."""
        return [self.trades, self.lineage, self.due]

    @property
    def _by_name(self) -> dict[str, TradesPane | LineagePane | DuePane]:
        return {"trades": self.trades, "lineage": self.lineage, "due": self.due}

    def on_resize(self, event: events.Resize) -> None:
        """Choose the layout for the size."""
        width, height = event.size
        self.set_class(width >= _BROAD, "-broad")
        self.set_class(width < _NARROW or height < _TALL, "-small")
        self._behind()

    def _behind(self) -> None:
        small = self.has_class("-small")
        tabs = tuple((title, key == self.front) for key, title in _TABS.items())
        for key, pane in self._by_name.items():
            pane.set_class(small and key != self.front, "-behind")
            pane.show_tabs(tabs if small else ())

    def enter(self) -> None:
        """The keys go to what is in front."""
        self._by_name[self.front].grid.focus()

    def show_row(self, key: str) -> bool:
        """A trade that was chosen elsewhere: its lineage."""
        self.trades.show_states("all")
        self.trades.grid.select(key)
        if key not in self.trades.grid.keys:
            return False
        self.front = "lineage"
        self._behind()
        return True

    def action_turn(self, steps: int) -> None:
        """From list to list."""
        names = list(self._by_name)
        self._put(names[(names.index(self.front) + steps) % len(names)])

    def _put(self, name: str) -> None:
        self.front = name
        self._behind()
        self.enter()

    @on(DeskGrid.Chosen, "#settlements-list")
    def _try(self, event: DeskGrid.Chosen) -> None:
        """Try a settlement now: asked back with its numbers."""
        self.post_message(self.Act("money-settle", event.key))

    @on(DeskGrid.Selected, "#trades")
    def _selected(self) -> None:
        self.post_message(self.Moved())

    @on(DeskGrid.Chosen, "#trades")
    def _chosen(self) -> None:
        self._put("lineage")

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
