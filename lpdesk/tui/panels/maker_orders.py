"""Orders by hand that rest on our exchange; x or Delete takes the one under the cursor off."""

from __future__ import annotations

from typing import ClassVar, Final, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from lpdesk.domain.settings import Pair, Settings
from lpdesk.tui.figures import SIDE_INK, price
from lpdesk.tui.look import Look
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.widgets.grid import Column, LineGrid, Row
from lpdesk.tui.widgets.lines import DeskGrid, Ink, Span
from lpdesk.views import words
from lpdesk.views.ladder import HandOrder

_COLUMNS: Final = (
    Column("order", "order", 8),
    Column("client", "client", 7, grow=True),
    Column("pair", "pair", 9, priority=1),
    Column("side", "side", 4),
    Column("rests", "rests", 9, "right"),
    Column("price", "price", 12, "right"),
)


class Slice(NamedTuple):
    """What the pane shows."""

    orders: tuple[tuple[str, HandOrder], ...]
    settings: Settings
    can_command: bool


class Unwanted(Message):
    """The dealer wants this order off the book."""

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        super().__init__()


class OrdersPane(Pane):
    """All pairs, oldest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x,delete", "cancel", "Cancel the order", show=False, id="orders.cancel")
    ]

    _going = ""
    """The order whose cancel is on its way: held keys must not ask for it again."""

    def compose(self) -> ComposeResult:
        self.name_it("Orders by hand")
        self.grid = DeskGrid(_COLUMNS, id="orders", empty="none: type lim b 0.5 btc/usdt 99950")
        yield self.grid

    def see(self, look: Look) -> object:
        """No times."""
        orders = [(each.symbol, order) for each in look.view.makers for order in each.orders]
        orders.sort(key=lambda item: item[1].order_id)
        return Slice(tuple(orders), look.view.settings, look.can_command and not look.replay)

    def show(self, slice: Slice, /) -> None:
        """Draw a slice."""
        self._going = ""
        hint = "x cancels" if slice.orders and slice.can_command else ""
        self.name_it("Orders by hand", hint)
        self.grid.show_rows(
            [_row(symbol, order, slice.settings.pair(symbol)) for symbol, order in slice.orders]
        )

    def action_cancel(self) -> None:
        """The one under the cursor."""
        order_id = self.grid.cursor_key
        if order_id and order_id != self._going:
            self._going = order_id
            self.post_message(Unwanted(order_id))

    @on(LineGrid.Selected)
    def _selected(self) -> None:
        self._going = ""


def _row(symbol: str, order: HandOrder, pair: Pair | None) -> Row:
    return Row(
        order.order_id,
        (
            order.order_id,
            order.client,
            Span(symbol, Ink.DIM),
            Span(order.side, SIDE_INK[order.side]),
            words.amount(order.resting, pair.base_decimals if pair else 8),
            price(order.price, pair),
        ),
    )
