"""Accepted quotes: held, hedged, settled, or not."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from lpdesk.domain.events.base import Event
from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import Dealt, Instant, Side


class BreakKind(StrEnum):
    """What differs between an LP's word and ours."""

    PARTIAL_FILL = "partial fill"
    OVERFILL = "overfill"
    FILL_AFTER_REJECT = "fill after reject"
    REJECT_AFTER_FILL = "reject after fill"
    DOUBLE_FILL = "double fill"
    WORSE_PRICE = "worse price"
    UNKNOWN_ORDER = "fill of an unknown order"
    LATE_FILL = "fill after expiry"
    BAD_FEE = "unreadable fee"
    REVISED = "fill revised"
    PARTIAL_HEDGE = "partial hedge"
    MISSING_THERE = "not on its list"
    AMOUNT_DIFFERS = "amount differs"
    PRICE_DIFFERS = "price differs"
    FEE_DIFFERS = "fee differs"
    STATE_DIFFERS = "state differs"
    LISTED_TWICE = "listed twice"
    UNRESOLVED = "outcome not on its list"


class Posting(Struct, frozen=True):
    """One side of a movement: `amount` is added to the account (negative takes away)."""

    account: str
    asset: str
    amount: Decimal


class TradeOpened(Event, frozen=True, kw_only=True):
    """A client quote was accepted. Nothing has moved yet."""

    trade_id: str
    rfq_id: str
    quote_id: str
    client: str
    symbol: str
    side: Side
    dealt: Dealt
    amount: Decimal
    base_side: Side
    client_price: Decimal
    markup_bps: Decimal
    pays: Decimal
    pays_asset: str
    receives: Decimal
    receives_asset: str
    lp: str
    desk: str = ""
    delayed: bool = False
    settle_days: int = 0
    client_order_id: str = ""
    """What the client calls it, if it came over the API with a name."""


class AcceptRepeated(Event, frozen=True, kw_only=True):
    """This quote was accepted before; the one trade it made is named, nothing new is done."""

    trade_id: str
    quote_id: str


class HoldPlaced(Event, frozen=True, kw_only=True):
    hold_id: str
    trade_id: str
    account: str
    asset: str
    amount: Decimal


class HoldResolved(Event, frozen=True, kw_only=True):
    """`posted` (turned into a transfer) or voided (released)."""

    hold_id: str
    trade_id: str
    posted: bool


class HoldDrawn(Event, frozen=True, kw_only=True):
    """`amount` of a hold was used up; the rest goes on."""

    hold_id: str
    trade_id: str
    amount: Decimal


class OrderSent(Event, frozen=True, kw_only=True):
    """Goes out: execute `quote_ref`, not after `send_by`; lost if unanswered at `deadline_at`."""

    order_id: str
    trade_id: str
    lp: str
    quote_ref: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    send_by: Instant
    deadline_at: Instant


class LegFilled(Event, frozen=True, kw_only=True):
    """An LP filled. `slippage_bps` positive is worse for us; `response_ns` since it was sent."""

    order_id: str
    trade_id: str
    lp: str
    execution_id: str
    side: Side
    quoted_price: Decimal
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    slippage_bps: Decimal
    response_ns: int


class LegRejected(Event, frozen=True, kw_only=True):
    order_id: str
    trade_id: str
    lp: str
    reason: Reason
    text: str
    response_ns: int


class TradeUnknown(Event, frozen=True, kw_only=True):
    """An order's outcome is not known: nothing is sent again, the LP is asked until it says."""

    trade_id: str
    order_id: str
    lp: str
    reason: Reason
    text: str


class OrderQueried(Event, frozen=True, kw_only=True):
    """Goes out: ask the LP for the state of our order, by our id."""

    order_id: str
    trade_id: str
    lp: str
    attempt: int


class Transferred(Event, frozen=True, kw_only=True):
    """Postings that sum to zero per asset, made together."""

    transfer_id: str
    trade_id: str
    postings: tuple[Posting, ...]


class TradeSettled(Event, frozen=True, kw_only=True):
    """Both sides have moved. `pnl` is in the profit asset; `residual` our change in the other.

    Of a hedge in legs: `lp` names all, `lp_price` is their average, `response_ns` the slowest's; a
    fee in several assets is said by the legs alone.
    A delayed one names its settlement, and whether the settlement account paid.
    """

    trade_id: str
    lp: str
    lp_price: Decimal
    quantity: Decimal
    pnl: Decimal
    pnl_asset: str
    pnl_bps: Decimal
    residual: Decimal
    residual_asset: str
    fee: Decimal
    fee_asset: str
    slippage_bps: Decimal
    response_ns: int
    settlement_id: str = ""
    integrator_settled: bool = False


class TradeFailed(Event, frozen=True, kw_only=True):
    """The client owes nothing; nothing has moved."""

    trade_id: str
    reason: Reason
    text: str


class BreakFound(Event, frozen=True, kw_only=True):
    """An LP's word and ours differ; it needs a person, `owner`, unless a rule mends it."""

    break_id: str
    kind: BreakKind
    lp: str
    order_id: str
    trade_id: str
    text: str
    execution_id: str = ""
    owner: str = ""
