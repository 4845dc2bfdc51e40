"""The settlements page: trades, settlements, needs and breaks, and what is behind each of them."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from lpdesk.domain.text import clean
from lpdesk.session import Session
from lpdesk.tui.panels import lineage as lineage_pane
from lpdesk.tui.panels.due import BreaksPane, NeedsPane, SettlementsPane
from lpdesk.tui.panels.lineage import LineagePane
from lpdesk.tui.panels.listing import ListPane
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.panels.trades import TradesPane
from lpdesk.tui.screens.page import Page
from lpdesk.tui.widgets.lines import DeskGrid
from lpdesk.views import lineage

_TALL: Final = 40
_BROAD: Final = 220
_NARROW: Final = 160


class SettlementsPage(Page):
    """All of them at once where there is room; in small terminals by turns.

    What Enter opens is put on a trail, and Esc goes back on it; without one the lineage is that of
    the trade under the cursor.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "turn(1)", "The next list", show=False, id="settlements.turn"),
        Binding("shift+tab", "turn(-1)", "The list before", show=False, id="settlements.back"),
    ]

    DEFAULT_CSS = """
    SettlementsPage {
        layout: grid; height: 1fr; grid-size: 2; grid-columns: 1fr 1fr;
        grid-rows: 11fr 12fr 8fr 9fr;
        TradesPane { column-span: 2; }
        LineagePane { row-span: 3; }
        &.-broad {
            grid-rows: 3fr 2fr 2fr 2fr;
            TradesPane { column-span: 1; } LineagePane { row-span: 4; }
        }
        &.-small {
            grid-size: 1; grid-rows: 1fr;
            Pane { padding: 0; column-span: 1; row-span: 1; }
        }
    }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(id="settlements-page")
        self._session = session
        self._trail: list[str] = []
        self._came_from = "trades"
        self.front = "trades"

    def compose(self) -> ComposeResult:
        self.trades = TradesPane()
        self.lineage = LineagePane(lambda: self.subject)
        self._by_name: dict[str, ListPane[Any] | LineagePane] = {
            "trades": self.trades,
            "lineage": self.lineage,
            "settlements": SettlementsPane(),
            "needs": NeedsPane(),
            "breaks": BreaksPane(),
        }
        yield from self.panes

    @property
    def panes(self) -> list[Pane]:
        """Trades, lineage, settlements, needs, breaks."""
        return [*self._by_name.values()]

    @property
    def list_pane(self) -> ListPane[Any]:
        """The list that had the keys last."""
        pane = self._by_name[self.front if self.front != "lineage" else self._came_from]
        assert isinstance(pane, ListPane)
        return pane

    @property
    def subject(self) -> str:
        """Whose lineage is shown."""
        return self._trail[-1] if self._trail else self.trades.grid.cursor_key or ""

    @property
    def under(self) -> tuple[str, ...]:
        """In a lineage what its line leads to, then whose it is."""
        if self.front == "lineage":
            return tuple(filter(None, (self.lineage.ref, self.subject)))
        key = self.list_pane.grid.cursor_key
        return (key,) if key else ()

    @property
    def marked(self) -> tuple[str, ...]:
        """Trades to gather."""
        return tuple(self.trades.marked)

    def mark(self, name: str) -> None:
        """Mark a trade, or not any more."""
        self.trades.mark(name)

    def on_resize(self, event: events.Resize) -> None:
        """Choose the layout for the size."""
        width, height = event.size
        self.set_class(width >= _BROAD and height >= _TALL, "-broad")
        self.set_class(width < _NARROW or height < _TALL, "-small")
        self._behind()

    def _behind(self) -> None:
        small = self.has_class("-small")
        tabs = tuple((key.capitalize(), key == self.front) for key in self._by_name)
        for key, pane in self._by_name.items():
            pane.display = not small or key == self.front  # at once: a class would come later
            pane.show_tabs(tabs if small else ())

    # Moving around

    def enter(self) -> None:
        """The keys go to what is in front, at once: also those typed ahead."""
        self.screen.set_focus(self._by_name[self.front].grid)

    def show_row(self, key: str) -> bool:
        """A trade or a settlement that was chosen elsewhere: what is behind it."""
        name = "settlements" if key.startswith("S-") else "trades"
        pane = self._by_name[name]
        assert isinstance(pane, ListPane)
        pane.show_states("all")
        pane.grid.select(key)
        if key not in pane.grid.keys:
            return False
        self._trail, self._came_from = [key] if name == "settlements" else [], name
        self.front = "lineage"
        self._behind()
        return True

    def back(self) -> bool:
        """From what was opened to where it was opened; whether there was a way back."""
        if self.front != "lineage" or not self._trail:
            return False
        self._trail.pop()
        if not self._trail:
            self._put(self._came_from)
        self.post_message(self.Moved())
        return True

    def action_turn(self, steps: int) -> None:
        """From list to list."""
        names = list(self._by_name)
        self._put(names[(names.index(self.front) + steps) % len(names)])

    @on(Pane.TabClicked)
    def _tab_clicked(self, event: Pane.TabClicked) -> None:
        event.stop()
        self._put(event.title.lower())

    def on_descendant_focus(self) -> None:
        """A click or a key: the list that has the keys is the one in front."""
        for name, pane in self._by_name.items():
            if pane.grid.has_focus and name != self.front:
                self._stand(name)
        self.post_message(self.Moved())

    def _stand(self, name: str) -> None:
        if name == "lineage" and self.front != "lineage":
            self._came_from = self.front
        self.front = name
        self._behind()

    def _put(self, name: str) -> None:
        self._stand(name)
        self.enter()

    # Opening

    @on(DeskGrid.Selected)
    def _selected(self, event: DeskGrid.Selected) -> None:
        """The lineage follows the cursor among the trades."""
        if event.grid is self.trades.grid:
            self._trail.clear()
        self.post_message(self.Moved())

    @on(DeskGrid.Chosen)
    def _chosen(self, event: DeskGrid.Chosen) -> None:
        """Open what the line is about."""
        if event.grid is self.lineage.grid:
            name = self.lineage.ref
        else:
            name = self.list_pane.about(event.key)
            self._trail.clear()
        if not name.startswith(("T-", "S-")):
            return
        if event.grid is not self.trades.grid and name != self.subject:
            self._trail.append(name)
        self._put("lineage")
        self.post_message(self.Moved())

    # Reading

    @on(lineage_pane.Wanted)
    def _wanted(self, event: lineage_pane.Wanted) -> None:
        self._read(event.name)

    @work(exclusive=True, group="lineage")
    async def _read(self, name: str) -> None:
        """Ask the journal; another one chosen meanwhile ends this."""
        try:
            records = await self._session.about(name)
        except Exception as error:  # the journal's trouble must not take the screen with it
            self.lineage.say(clean(f"cannot be read: {type(error).__name__}: {error}"))
            return
        self.lineage.tell(lineage(name, records))
