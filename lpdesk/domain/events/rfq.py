"""Requests: asked, quoted, locked, ended."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from lpdesk.domain.events.base import Event
from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import Dealt, Instant, Side


class Verdict(StrEnum):
    """What the desk made of an LP's quote."""

    LIVE = "live"  # full size, time left: it competes
    SIZING = "sizing"  # price of a quote-dealt request; asked again for the exact base size
    INDICATIVE = "indicative"  # shown, never dealt
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
    firm_at: Instant | None = None
    desk: str = ""
    skip_retry: bool = False
    delayed: bool = False
    settle_days: int = 0


class RfqRerouted(Event, frozen=True, kw_only=True):
    """The trade desk asked first gave an error: the request goes on with the backup desk.

    With `trade_id` it would not fill what it had quoted: the backup is to hedge that trade.
    """

    rfq_id: str
    desk: str
    reason: Reason
    trade_id: str = ""


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


class QuoteLeg(Struct, frozen=True):
    """One LP quote of a set, and why the router has it in."""

    lp: str
    quote_ref: str
    quantity: Decimal
    price: Decimal
    all_in: Decimal
    why: str


class QuoteLocked(Event, frozen=True, kw_only=True):
    """The client quote now stands on this LP quote. `exec_ns` is the LP's p95 time to execute.

    On a set of them: `lp` names all, `legs` are its parts, prices are averages. `second` names the
    LPs of the second-best set, `second_bps` what it would have cost more.
    """

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
    legs: tuple[QuoteLeg, ...] = ()
    second: str = ""
    second_bps: Decimal | None = None


class QuoteUncovered(Event, frozen=True, kw_only=True):
    """A price was in force that nothing stood behind: the desk failed in what it is for."""

    rfq_id: str
    quote_id: str


class QuoteUnlocked(Event, frozen=True, kw_only=True):
    """The price is gone without a successor; the request goes on."""

    rfq_id: str
    quote_id: str
    reason: Reason


class QuoteFixed(Event, frozen=True, kw_only=True):
    """The client quote is given out: it stays as it is, and dealable, until `expires_at`.

    No LP is asked any more; if its cover is withdrawn, the request ends.
    """

    rfq_id: str
    quote_id: str
    expires_at: Instant


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


class RfqFellBack(Event, frozen=True, kw_only=True):
    """No LP can quote: the fallback's pools are asked. `text` says why, LP by LP."""

    rfq_id: str
    lps: tuple[str, ...]
    text: str


class RfqEnded(Event, frozen=True, kw_only=True):
    rfq_id: str
    how: RfqEnd
    reason: Reason | None = None
    text: str = ""
