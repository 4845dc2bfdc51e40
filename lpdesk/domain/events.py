"""Events: what the desk decided. Views are folded from them; a few also go out to LPs."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from lpdesk.domain.making import Level, MakerState, OrderKind
from lpdesk.domain.reasons import Reason
from lpdesk.domain.settings import Settings
from lpdesk.domain.values import Dealt, Instant, Side


class Event(Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """Something the desk decided."""


class Verdict(StrEnum):
    """What the desk made of an LP's quote."""

    LIVE = "live"  # full size, time left: it competes
    SIZING = "sizing"  # price of a quote-dealt request; asked again for the exact base size
    SHORT = "short"  # smaller than asked: at most a leg
    BRIEF = "brief"  # nothing left of its validity after the buffer
    LATE = "late"  # came after its deadline
    OUTLIER = "outlier"  # outside the band around the market
    BAD = "bad"  # unusable: wrong symbol, side, number or a quote id seen before


class LockCause(StrEnum):
    """Why the lock is where it is."""

    FIRST = "first"
    IMPROVED = "improved"
    REPLACED = "replaced"  # the cover was withdrawn; the next best took over


class RfqEnd(StrEnum):
    """How a request ended."""

    ACCEPTED = "accepted"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    NO_LIQUIDITY = "no liquidity"


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


class Posting(Struct, frozen=True):
    """One side of a movement: `amount` is added to the account (negative takes away)."""

    account: str
    asset: str
    amount: Decimal


# ---- the desk


class DeskOpened(Event, frozen=True, kw_only=True):
    instance: str
    settings: Settings


class DeskClosed(Event, frozen=True, kw_only=True):
    why: str


class CommandRefused(Event, frozen=True, kw_only=True):
    """A command that changed nothing. `field` names what was wrong; `example` is a good line."""

    reason: Reason
    field: str
    text: str
    example: str = ""


class TradingHalted(Event, frozen=True, kw_only=True):
    why: str


class TradingResumed(Event, frozen=True, kw_only=True):
    pass


# ---- market and LPs


class MarketMoved(Event, frozen=True, kw_only=True):
    """Top of book over the fresh streams. `spread_bps` of the mid; crossed when bid >= ask."""

    symbol: str
    bid: Decimal
    ask: Decimal
    mid: Decimal
    spread_bps: Decimal
    crossed: bool
    sources: int


class LpHealthChanged(Event, frozen=True, kw_only=True):
    """`state` is closed, open, half-open or blocked; `retry_at` is when an open breaker probes."""

    lp: str
    state: str
    reason: Reason | None = None
    text: str = ""
    retry_at: Instant | None = None


# ---- requests


class RfqOpened(Event, frozen=True, kw_only=True):
    rfq_id: str
    client: str
    symbol: str
    side: Side
    dealt: Dealt
    amount: Decimal
    base_side: Side
    via: str
    auto_refresh: bool
    expires_at: Instant


class LpAsked(Event, frozen=True, kw_only=True):
    """Goes out: ask `lp` for a price. `side` is the base side, `quantity` in base units."""

    rfq_id: str
    ask_id: str
    lp: str
    symbol: str
    side: Side
    quantity: Decimal
    deadline_at: Instant


class LpSkipped(Event, frozen=True, kw_only=True):
    """An LP that is not asked for this request, and why."""

    rfq_id: str
    lp: str
    reason: Reason
    text: str = ""
    retry_at: Instant | None = None


class QuoteReceived(Event, frozen=True, kw_only=True):
    """Every price that came, used or not. `response_ns` is from our ask to its receipt."""

    rfq_id: str
    lp: str
    ask_id: str
    quote_ref: str
    price: Decimal
    all_in: Decimal
    quantity: Decimal
    response_ns: int
    verdict: Verdict
    dealable_until: Instant
    text: str = ""


class LpMissed(Event, frozen=True, kw_only=True):
    """An LP gave no price: late, declined, unreachable, malformed, withdrawn."""

    rfq_id: str
    lp: str
    ask_id: str
    reason: Reason
    text: str
    response_ns: int


class QuoteLocked(Event, frozen=True, kw_only=True):
    """The client quote now stands on this LP quote. `exec_ns` is the LP's p95 time to execute."""

    rfq_id: str
    quote_id: str
    lp: str
    quote_ref: str
    lp_price: Decimal
    all_in: Decimal
    quantity: Decimal
    markup_bps: Decimal
    client_price: Decimal
    pays: Decimal
    pays_asset: str
    receives: Decimal
    receives_asset: str
    cause: LockCause
    improvement_bps: Decimal
    received_at: Instant
    dealable_until: Instant
    exec_ns: int


class QuoteUnlocked(Event, frozen=True, kw_only=True):
    """The price is gone without a successor; the request goes on."""

    rfq_id: str
    quote_id: str
    reason: Reason


class RoundEnded(Event, frozen=True, kw_only=True):
    """Every LP asked in this round has answered or missed its deadline."""

    rfq_id: str
    round: int


class RfqRefreshed(Event, frozen=True, kw_only=True):
    """The price expired; with auto-refresh a fresh first round starts."""

    rfq_id: str
    refreshes: int
    expires_at: Instant


class AutoRefreshSet(Event, frozen=True, kw_only=True):
    rfq_id: str
    on: bool


class RfqEnded(Event, frozen=True, kw_only=True):
    rfq_id: str
    how: RfqEnd
    reason: Reason | None = None
    text: str = ""


# ---- trades


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
    """Both sides have moved. `pnl` is in the profit asset; `residual` our change in the other."""

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


class TradeFailed(Event, frozen=True, kw_only=True):
    """The client owes nothing; nothing has moved."""

    trade_id: str
    reason: Reason
    text: str


class BreakFound(Event, frozen=True, kw_only=True):
    """An LP's word and ours differ; it needs a person."""

    break_id: str
    kind: BreakKind
    lp: str
    order_id: str
    trade_id: str
    text: str


# ---- the exchange and its maker


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
