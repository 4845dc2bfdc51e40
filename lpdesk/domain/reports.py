"""Reports: what happened outside, in the past tense. The desk believes none of them blindly."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from lpdesk.domain.pools import Pool
from lpdesk.domain.reasons import Reason
from lpdesk.domain.settings import Settings
from lpdesk.domain.values import Instant, Side


class Report(Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """Something that happened outside the core."""


class DeskStarted(Report, frozen=True, kw_only=True):
    """A process opened this journal. `instance`, drawn once a start, makes order ids unique."""

    instance: str
    settings: Settings
    version: str


class DeskStopped(Report, frozen=True, kw_only=True):
    """The process ends in order; live requests end with it."""

    why: str


class Pulse(Report, frozen=True, kw_only=True):
    """Time has come to a point that the desk asked to be woken at."""


class QuoteLevel(Struct, frozen=True):
    """One level of a ladder: so many base units at that price, and the id to deal on."""

    price: Decimal
    quantity: Decimal
    quote_ref: str


class LpQuoted(Report, frozen=True, kw_only=True):
    """An LP's one-way firm price for an ask. `validity_ns` counts from this report's receipt.

    Where the best price has less than `quantity`, `levels` are those that have it, best first, in
    full; each is dealt on by its own id. `price` and `quote_ref` are then the best level's.

    `undealable`: why it may only be looked at, where it is not firm; a matter of this quote alone.
    """

    lp: str
    ask_id: str
    quote_ref: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    validity_ns: int
    levels: tuple[QuoteLevel, ...] = ()
    undealable: str = ""


class LpFailed(Report, frozen=True, kw_only=True):
    """An LP gave no price for an ask: it declined, broke off, or sent something unusable."""

    lp: str
    ask_id: str
    reason: Reason
    text: str = ""
    retry_after_ns: int = 0


class LpWithdrew(Report, frozen=True, kw_only=True):
    """A streaming LP took its price for an ask back, or its stream went stale or broke."""

    lp: str
    ask_id: str
    reason: Reason
    text: str = ""


class PoolRead(Report, frozen=True, kw_only=True):
    """An AMM pool as it stands. `validity_ns`: how long it may be dealt on; None without end."""

    lp: str
    symbol: str
    pool: Pool
    validity_ns: int | None = None


class LpStreamed(Report, frozen=True, kw_only=True):
    """A streaming LP's top of book, conflated: indicative, for the market view."""

    lp: str
    symbol: str
    bid: Decimal
    ask: Decimal
    bid_size: Decimal
    ask_size: Decimal


class ReferenceTicked(Report, frozen=True, kw_only=True):
    """An exchange's top of book for the reference price, conflated. `source` names the feed."""

    source: str
    symbol: str
    bid: Decimal
    ask: Decimal


class ReferenceLost(Report, frozen=True, kw_only=True):
    """A feed broke off or went silent for a pair: its last price is no price any more."""

    source: str
    symbol: str
    reason: Reason
    text: str = ""


class TakerOrdered(Report, frozen=True, kw_only=True):
    """Somebody outside sent an order to our exchange. `price` is None for a market order."""

    taker: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal | None = None


class OrderFilled(Report, frozen=True, kw_only=True):
    """An LP says it filled our order. `partial` when it says that more may, or will not, come.

    `fee_text` is what it said of its fee where that is not a fee: the fill stands all the same.
    """

    lp: str
    order_id: str
    execution_id: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    partial: bool = False
    fee_text: str = ""


class OrderRejected(Report, frozen=True, kw_only=True):
    """An LP says it did not fill our order, and perhaps for how long it wants to hear nothing."""

    lp: str
    order_id: str
    reason: Reason
    text: str = ""
    retry_after_ns: int = 0


class OrderPending(Report, frozen=True, kw_only=True):
    """An LP holds our order and has not decided."""

    lp: str
    order_id: str


class OrderLost(Report, frozen=True, kw_only=True):
    """The answer to our order is lost or unreadable: nobody here knows whether it was filled."""

    lp: str
    order_id: str
    reason: Reason
    text: str = ""


class OrderNotSent(Report, frozen=True, kw_only=True):
    """No byte of our order left this machine."""

    lp: str
    order_id: str
    reason: Reason
    text: str = ""


class OrderNotFound(Report, frozen=True, kw_only=True):
    """The LP answered a status query: it does not know our order (yet)."""

    lp: str
    order_id: str


class FillRevised(Report, frozen=True, kw_only=True):
    """An LP takes a fill back, or says that it was another one. A person must look at it."""

    lp: str
    order_id: str
    execution_id: str
    text: str = ""


class QueryFailed(Report, frozen=True, kw_only=True):
    """A status query got no usable answer."""

    lp: str
    order_id: str
    reason: Reason
    text: str = ""


class ExecutionsListed(Report, frozen=True, kw_only=True):
    """An LP's own list of what it dealt with us since then, in its order; a row is its word."""

    lp: str
    run_id: str
    executions: tuple[OrderFilled | OrderRejected | OrderPending, ...]


class ExecutionsUnlisted(Report, frozen=True, kw_only=True):
    """An LP gave no list, or one that cannot be read: a list with holes proves nothing."""

    lp: str
    run_id: str
    reason: Reason
    text: str = ""


class WebhookDelivered(Report, frozen=True, kw_only=True):
    """An endpoint took a webhook: it answered 2xx."""

    event_id: str
    endpoint: str
    attempt: int
    status: int


class WebhookFailed(Report, frozen=True, kw_only=True):
    """A try failed. It is tried again at `next_at`; None: it was the last one.

    `gone`: the endpoint wants no more (410); then it waits, whatever `next_at` says.
    """

    event_id: str
    endpoint: str
    attempt: int
    status: int
    text: str
    next_at: Instant | None = None
    gone: bool = False
