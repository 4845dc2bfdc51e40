"""The maker's page: one mode of the desk, in the place of its panes."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from lpdesk.domain.commands import CancelOrders
from lpdesk.tui.dealer import Dealer, Say
from lpdesk.tui.panels import maker_orders, maker_parameters
from lpdesk.tui.panels.ladder import LadderPane
from lpdesk.tui.panels.maker_curves import CurvesPane
from lpdesk.tui.panels.maker_figures import FiguresPane
from lpdesk.tui.panels.maker_orders import OrdersPane
from lpdesk.tui.panels.maker_parameters import ParametersPane
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.screens.page import Page

_BROAD: Final = 116
_TABS: Final = {"parameters": "Parameters", "orders": "Orders by hand"}


class MakerPage(Page):
    """Ladder, plot, figures, parameters, orders; in small terminals the last two take turns."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "tab,shift+tab",
            "turn",
            "Parameters or orders",
            show=False,
            id="maker.turn",
            priority=True,  # at once, so that keys typed ahead go where it leads
        ),
        Binding("right_curly_bracket", "other(1)", "Next pair", show=False, id="maker.next"),
        Binding("left_curly_bracket", "other(-1)", "Pair before", show=False, id="maker.before"),
    ]

    DEFAULT_CSS = """
    MakerPage {
        layout: grid; height: 1fr;
        grid-size: 3; grid-columns: 32 1fr 46; grid-rows: 1fr 12 7;
        LadderPane { row-span: 3; }
        ParametersPane { row-span: 2; }
        FiguresPane { row-span: 2; }
        &.-large { grid-columns: 41 1fr 62; grid-rows: 1fr 6 10; }
        &.-vast { grid-columns: 48 1fr 106; grid-rows: 1fr 10 12; }
        &.-small {
            grid-size: 2; grid-columns: 36 1fr; grid-rows: 1fr 10;
            Pane { padding: 0; }
            LadderPane, ParametersPane, FiguresPane { row-span: 1; }
        }
        .-behind { display: none; }
    }
    """

    front = "parameters"

    def __init__(self, dealer: Dealer, say: Say) -> None:
        super().__init__(id="maker-page")
        self._dealer = dealer
        self._say = say

    def compose(self) -> ComposeResult:
        self.ladder = LadderPane("maker-ladder")
        self.curves, self.figures = CurvesPane(), FiguresPane()
        self.parameters, self.orders = ParametersPane(), OrdersPane()
        yield from (self.ladder, self.curves, self.parameters, self.figures, self.orders)

    @property
    def panes(self) -> list[Pane]:
        """All of them, as they are drawn."""
        return [self.ladder, self.curves, self.figures, self.parameters, self.orders]

    def on_resize(self, event: events.Resize) -> None:
        """Choose the layout for the size."""
        width, height = event.size
        small = width < _BROAD or height < 28
        self.set_class(small, "-small")
        self.set_class(not small and width >= 150 and height >= 38, "-large")
        self.set_class(width >= 220 and height >= 50, "-vast")
        if small:  # in two columns the figures stand under the ladder
            self.move_child(self.figures, before=self.parameters)
        else:
            self.move_child(self.figures, after=self.parameters)
        self._behind()

    def _behind(self) -> None:
        small = self.has_class("-small")
        tabs = tuple((title, key == self.front) for key, title in _TABS.items())
        for key, pane in (("parameters", self.parameters), ("orders", self.orders)):
            pane.set_class(small and key != self.front, "-behind")
            pane.show_tabs(tabs if small else ())

    def enter(self) -> None:
        """The keys go to the parameters, or to the orders when those are in front."""
        pane = self.parameters if self.front == "parameters" else self.orders
        self.screen.set_focus(pane.grid)

    def action_turn(self) -> None:
        """From the parameters to the orders and back."""
        self._put("orders" if self.front == "parameters" else "parameters")

    @on(Pane.TabClicked)
    def _tab_clicked(self, event: Pane.TabClicked) -> None:
        event.stop()
        self._put(next(key for key, title in _TABS.items() if title == event.title))

    def _put(self, name: str) -> None:
        self.front = name
        self._behind()
        self.enter()

    def action_other(self, step: int) -> None:
        """Another maker, whichever pane has the keys."""
        self.ladder.action_other(step)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """As in the ladder: a replay has these keys for itself."""
        return self.ladder.check_action(action, parameters)

    @on(maker_parameters.Changed)
    def _changed(self, event: maker_parameters.Changed) -> None:
        self._dealer.submit(event.command)

    @on(maker_parameters.Refused)
    def _refused(self, event: maker_parameters.Refused) -> None:
        self._say("warn", event.bad.text, event.bad.field)

    @on(maker_orders.Unwanted)
    def _unwanted(self, event: maker_orders.Unwanted) -> None:
        self._dealer.submit(CancelOrders(order_id=event.order_id))
