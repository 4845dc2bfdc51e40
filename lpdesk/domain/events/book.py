"""Our exchange and its maker."""

from __future__ import annotations

from decimal import Decimal

from lpdesk.domain.events.base import Event
from lpdesk.domain.making import Level, MakerState, OrderKind
from lpdesk.domain.values import Instant, Side


class MakerMoved(Event, frozen=True, kw_only=True):
    """A pair's maker: its state with reason and way back, its reference, inventory and P&L.

    `until` is when it comes back by itself. P&L in quote units; `pnl` = spread + inventory + fees.
    `presence` is the share of time with quotes on both sides since its start.
    """

    symbol: str
    state: MakerState
    why: str
    until: Instant | None
    mid: Decimal | None
    sources: int
    skew: Decimal
    base_pct: Decimal
    position: Decimal
    pnl: Decimal
    spread: Decimal
    inventory: Decimal
    fees: Decimal
    realised: Decimal
    unrealised: Decimal
    volume: Decimal
    notional: Decimal
    captured: Decimal
    half_spread_bps: Decimal | None
    presence: Decimal


class MakerSet(Event, frozen=True, kw_only=True):
    symbol: str
    parameter: str
    before: Decimal
    after: Decimal


class BookChanged(Event, frozen=True, kw_only=True):
    """The top of our exchange's book, best first."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class BookTraded(Event, frozen=True, kw_only=True):
    """A match on our exchange. `side` is the taker's; `mid` is the reference at that moment.

    `order_id` is the order by hand that rested, if it was one.
    """

    symbol: str
    maker: str
    taker: str
    side: Side
    price: Decimal
    quantity: Decimal
    cash: Decimal
    maker_fee: Decimal
    taker_fee: Decimal
    mid: Decimal | None
    order_id: str = ""


class OrderEntered(Event, frozen=True, kw_only=True):
    """An order entered by hand: what it filled at once and what rests."""

    order_id: str
    symbol: str
    client: str
    side: Side
    kind: OrderKind
    quantity: Decimal
    price: Decimal | None
    filled: Decimal
    resting: Decimal


class OrderClosed(Event, frozen=True, kw_only=True):
    """An order entered by hand rests no more: filled, or taken off with `left` unfilled."""

    order_id: str
    symbol: str
    left: Decimal
    why: str
