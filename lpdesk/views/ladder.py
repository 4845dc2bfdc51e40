"""The maker's pair: its book with our orders marked, recent trades, figures and their history."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.making import Level, MakerState, MakerTerms
from lpdesk.domain.values import SECOND, Instant, Side

KEPT_TRADES = 30
KEPT_POINTS = 600
POINT_EVERY_NS = SECOND


class BookTrade(Struct, frozen=True):
    """One match. `ours` says which side of it the maker was: maker, taker or none."""

    at: Instant
    side: Side
    price: Decimal
    quantity: Decimal
    ours: str


class Point(Struct, frozen=True):
    """One second of history: reference, our best quotes, share of base in the inventory."""

    at: Instant
    mid: Decimal
    bid: Decimal | None
    ask: Decimal | None
    base_pct: Decimal
    pnl: Decimal


class HandOrder(Struct, frozen=True):
    """An order by hand that rests."""

    order_id: str
    client: str
    side: Side
    price: Decimal | None
    resting: Decimal


class MakerView(Struct, frozen=True):
    """One pair. `maker` is None until it has said something."""

    terms: MakerTerms
    maker: ev.MakerMoved | None = None
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    trades: tuple[BookTrade, ...] = ()
    points: tuple[Point, ...] = ()
    orders: tuple[HandOrder, ...] = ()

    @property
    def symbol(self) -> str:
        return self.terms.symbol


def told(event: ev.MakerMoved) -> tuple[str, str]:
    """How loud, and what is said of its new state."""
    level = "info" if event.state is MakerState.ACTIVE else "warn"
    return level, f"{event.state.value} {event.why}".rstrip()


def moved(view: MakerView, event: ev.MakerMoved, at: Instant) -> MakerView:
    view = replace(view, maker=event)
    last = view.points[-1].at if view.points else 0
    if event.mid is None or at < last + POINT_EVERY_NS:
        return view
    point = Point(
        at=at,
        mid=event.mid,
        bid=next((level.price for level in view.bids if level.ours), None),
        ask=next((level.price for level in view.asks if level.ours), None),
        base_pct=event.base_pct,
        pnl=event.pnl,
    )
    return replace(view, points=(*view.points[-KEPT_POINTS + 1 :], point))


def parameter_set(view: MakerView, event: ev.MakerSet, at: Instant) -> MakerView:
    parameters = view.terms.parameters | {event.parameter: event.after}
    return replace(view, terms=replace(view.terms, parameters=parameters))


def book_changed(view: MakerView, event: ev.BookChanged, at: Instant) -> MakerView:
    return replace(view, bids=event.bids, asks=event.asks)


def traded(view: MakerView, event: ev.BookTraded, at: Instant) -> MakerView:
    ours = "maker" if event.maker == "maker" else "taker" if event.taker == "maker" else ""
    trade = BookTrade(at, event.side, event.price, event.quantity, ours)
    orders = tuple(
        replace(order, resting=order.resting - event.quantity)
        if order.order_id == event.order_id
        else order
        for order in view.orders
    )
    return replace(view, orders=orders, trades=(trade, *view.trades[: KEPT_TRADES - 1]))


def entered(view: MakerView, event: ev.OrderEntered, at: Instant) -> MakerView:
    if not event.resting:
        return view
    order = HandOrder(event.order_id, event.client, event.side, event.price, event.resting)
    return replace(view, orders=(*view.orders, order))


def closed(view: MakerView, event: ev.OrderClosed, at: Instant) -> MakerView:
    left = tuple(order for order in view.orders if order.order_id != event.order_id)
    return replace(view, orders=left)
