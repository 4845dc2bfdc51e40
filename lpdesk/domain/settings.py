"""What a desk deals, with whom and by which rules: the pure part of the configuration.

The journal's `DeskStarted` records carry it, so a journal replays without any file beside it.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct

from lpdesk.domain.capabilities import KINDS, Capabilities, Found, Word, before
from lpdesk.domain.making import MakerTerms
from lpdesk.domain.values import SECOND, ZERO, Dealt, Instant


class Pair(Struct, frozen=True, kw_only=True):
    """base/quote: a price is quote units for one base unit. `minimum`, `maximum` in base units."""

    base: str
    quote: str
    base_decimals: int
    quote_decimals: int
    minimum: Decimal
    maximum: Decimal | None = None
    markup_bps: Decimal | None = Decimal(5)
    profit: Dealt = Dealt.QUOTE

    @property
    def symbol(self) -> str:
        return f"{self.base}/{self.quote}"

    def asset(self, dealt: Dealt) -> str:
        return self.base if dealt is Dealt.BASE else self.quote

    def decimals(self, dealt: Dealt) -> int:
        return self.base_decimals if dealt is Dealt.BASE else self.quote_decimals


LP_KINDS = tuple(kind for kind in KINDS if kind != "book")
"""The dialects that LPs may be configured with; `lpdesk.venues.base.VENUES` speaks them."""


class Lp(Struct, frozen=True, kw_only=True):
    """A liquidity provider's terms. Sizes in base units; `pairs` empty means every pair."""

    name: str
    kind: str
    tier: int = 1
    pairs: tuple[str, ...] = ()
    timeout_ns: int = 2 * SECOND
    poll_interval_ns: int = SECOND // 2
    rate_per_second: Decimal = Decimal(20)
    fee_bps: Decimal = ZERO
    fixed_fee: Decimal = ZERO  # quote units for each deal
    minimum: Decimal = ZERO
    maximum: Decimal | None = None
    lot: Decimal = ZERO
    credit: dict[str, Decimal] = {}
    indicative: bool = False  # shown, never dealt
    fallback: bool = False  # asked only when no other LP can quote
    forgets: bool = False  # a stand-in in memory: its books begin with this process
    note: str = ""  # what a dealer should know of how it is reached
    capabilities: Capabilities | None = None  # on record since the desk has them

    @property
    def can(self) -> Capabilities:
        """What the LP can do."""
        return self.capabilities or before(self.kind)

    @property
    def streams(self) -> bool:
        """Whether the LP pushes new prices by itself after one ask."""
        return self.can.streams

    @property
    def divisible(self) -> bool:
        """Whether a part of what it quotes may be dealt."""
        return self.can.divisible

    @property
    def only_shown(self) -> bool:
        """Whether its prices are for information, and never dealt on."""
        return self.indicative or self.can.word is Word.INDICATIVE

    @property
    def tells(self) -> bool:
        """Whether it can be asked what became of an order."""
        return self.can.found is not Found.NEVER


class Client(Struct, frozen=True, kw_only=True):
    """A client, which is an organization: its opening balances, limits and what it may do.

    Limits are in units of the quote asset: `maximum` for one trade, `rolling_limit` for all trades
    of the last 24 hours. `settlement_balances` open its settlement account.
    """

    name: str
    balances: dict[str, Decimal] = {}
    maximum: Decimal | None = None
    delayed_settlement: bool = False
    settlement_balances: dict[str, Decimal] = {}
    rolling_limit: Decimal | None = None


class TradeDesk(Struct, frozen=True, kw_only=True):
    """A group of LPs that quotes are routed to; `lps` empty means all. Its liquidity's opening."""

    name: str
    lps: tuple[str, ...] = ()
    balances: dict[str, Decimal] = {}


class Day(Struct, frozen=True, array_like=True):
    """A settlement day, where it is observed: `start_s` is its first second since 1970 UTC, and
    settling begins `cut_s` seconds on. In seconds, since hundreds of them are on record."""

    start_s: int
    cut_s: int

    @property
    def start(self) -> Instant:
        return self.start_s * SECOND

    @property
    def cut(self) -> Instant:
        """When settling begins."""
        return (self.start_s + self.cut_s) * SECOND


class SettlementCalendar(Struct, frozen=True, kw_only=True):
    """The settlement days to come, worked out when the desk started: the core has no tz data."""

    calendar: str
    time_zone: str
    time: str
    days: tuple[Day, ...] = ()


class TradeSettlementPair(Struct, frozen=True, kw_only=True):
    """How an organization and a trade desk settle with each other what they did not settle at once.

    `settlement_account` ("" for none) steps in when the end user's is short. Delays in minutes; an
    automatic settlement takes trades `auto_settlement_days` settlement days old.
    """

    id: str
    organization: str
    trade_desk: str
    settlement_delay_minutes: int = 0
    settlement_retry_delay_minutes: int = 30
    rejection_delay_minutes: int = 1_440
    auto_settlement_days: int = 1
    auto_settlement_time: str = "16:00"
    time_zone: str = "UTC"
    calendar: str = "every day"
    settlement_account: str = ""


class Markup(Struct, frozen=True, kw_only=True):
    """A markup rule. Empty client or pair means any; it holds from `from_base` base units up."""

    bps: Decimal
    client: str = ""
    pair: str = ""
    from_base: Decimal = ZERO


class Internal(Struct, frozen=True, kw_only=True):
    """How much of a request is dealt inside first, on our own exchange. Empty means any.

    At most `share` of the size (1 is all of it), where that is better than the best from outside
    by `minimum_edge_bps`.
    """

    share: Decimal
    minimum_edge_bps: Decimal = ZERO
    client: str = ""
    pair: str = ""


class Polling(StrEnum):
    """How LPs are asked again while a lock stands."""

    EACH = "each"  # every LP at its own interval; the lock may move on any answer
    ROUND = "round"  # all together; the lock may move when the last of the round has answered


class Routing(StrEnum):
    """What may stand behind one client quote."""

    SINGLE = "single"  # one LP's quote
    COMPOSITE = "composite"  # several, when no one can, or when they are better by the threshold


class Rules(Struct, frozen=True, kw_only=True):
    """Desk-wide rules of quoting, locking and hedging.

    `strict`: base is dealt in whole units of its pair, whatever an LP's sizes are, and no order
    goes out when the client's quote has run out, not even for one that was rejected.
    `edition` 2: times to execute age, a trade is not matched while a fill of it is disputed, a
    settlement's webhooks tell when it last failed, and a firm price whose time was over at a
    restart has expired.
    """

    lock_policy: str = "price"
    threshold_bps: Decimal = Decimal(1)
    routing: Routing = Routing.SINGLE
    dwell_ns: int = SECOND
    reject_cost_bps: Decimal = Decimal(5)
    hold_cost_bps_per_second: Decimal = Decimal(1)
    tier_margin_bps: Decimal = Decimal(2)
    polling: Polling = Polling.EACH
    round_interval_ns: int = 700_000_000
    validity_buffer_ns: int = 2 * SECOND
    max_validity_ns: int = 60 * SECOND
    rfq_duration_ns: int = 30 * SECOND
    auto_refresh: bool = False
    max_refreshes: int = 20
    max_live_rfqs: int = 50
    max_firm_quotes: int = 500
    orders_per_second: int = 50
    notional_per_second: Decimal = ZERO
    max_resting_orders: int = 500
    size_tolerance_bps: Decimal = Decimal(1)
    price_band_bps: Decimal = Decimal(500)
    fallback_band_bps: Decimal = Decimal(100)
    fallback_slippage_bps: Decimal = Decimal(50)
    stale_after_ns: int = 5 * SECOND
    loss_limit_bps: Decimal = ZERO
    unfound_grace_ns: int = 10 * SECOND
    scorecards: bool = False  # said as events: every new desk does, the first ones did not
    breaker_failures: int = 5
    breaker_retry_ns: int = 2 * SECOND
    breaker_retry_cap_ns: int = 60 * SECOND
    default_desk: str = ""
    backup_desk: str = ""
    backup_at_execution: bool = False  # every new desk does, the first ones did not
    strict: bool = False  # every new desk is, the first ones were not
    p95_within_timeout: bool = False  # of the time to execute: every new desk, not the first ones
    edition: int = 1  # of the desk's decisions; every new desk goes by the newest


class Reconcile(Struct, frozen=True, kw_only=True):
    """When our trades are compared with the LPs' lists. `every_ns` 0: only when asked.

    `young_ns`: what happened so shortly before a list was asked for need not be on it.
    """

    every_ns: int = 0
    young_ns: int = 10 * SECOND
    owner: str = ""


WEBHOOK_EVENTS: Final = ("create", "settle", "failed", "reject")


class Webhook(Struct, frozen=True, kw_only=True):
    """Whose endpoint it is, an organization's or a trade desk's, and what it hears of.

    Address and secrets stay outside.
    """

    name: str
    organization: str = ""
    desk: str = ""
    events: tuple[str, ...] = WEBHOOK_EVENTS


class Settings(Struct, frozen=True, kw_only=True):
    """Everything the pure desk needs to know."""

    pairs: tuple[Pair, ...] = ()
    lps: tuple[Lp, ...] = ()
    clients: tuple[Client, ...] = ()
    default_client: str = "house"
    markups: tuple[Markup, ...] = ()
    desk_balances: dict[str, Decimal] = {}
    rules: Rules = Rules()
    makers: tuple[MakerTerms, ...] = ()
    environment: str = "SANDBOX"
    trade_desks: tuple[TradeDesk, ...] = ()
    trade_settlement_pairs: tuple[TradeSettlementPair, ...] = ()
    calendars: tuple[SettlementCalendar, ...] = ()
    reconcile: Reconcile = Reconcile()
    webhooks: tuple[Webhook, ...] = ()
    internal: tuple[Internal, ...] = ()

    def pair(self, symbol: str) -> Pair | None:
        return next((pair for pair in self.pairs if pair.symbol == symbol), None)

    def lp(self, name: str) -> Lp | None:
        return next((lp for lp in self.lps if lp.name == name), None)

    def client(self, name: str) -> Client | None:
        return next((client for client in self.clients if client.name == name), None)

    def trade_desk(self, name: str) -> TradeDesk | None:
        return next((desk for desk in self.trade_desks if desk.name == name), None)

    def settlement_pair(self, pair_id: str) -> TradeSettlementPair | None:
        return next((pair for pair in self.trade_settlement_pairs if pair.id == pair_id), None)

    def settlement_pair_of(self, organization: str, desk: str) -> TradeSettlementPair | None:
        """What the two have agreed; a `desk` of "" finds the organization's only one."""
        pairs = [p for p in self.trade_settlement_pairs if p.organization == organization]
        if desk:
            pairs = [pair for pair in pairs if pair.trade_desk == desk]
        return pairs[0] if len(pairs) == 1 else None

    def settlement_days(self, pair: TradeSettlementPair) -> tuple[Day, ...]:
        """The settlement days to come of a trade-settlement pair, in order."""
        wanted = pair.calendar, pair.time_zone, pair.auto_settlement_time
        return next(
            (c.days for c in self.calendars if (c.calendar, c.time_zone, c.time) == wanted), ()
        )

    def decimals(self, asset: str) -> int | None:
        """The finest of an asset's decimals over all pairs; None for an asset of no pair."""
        found = [pair.base_decimals for pair in self.pairs if pair.base == asset]
        found += [pair.quote_decimals for pair in self.pairs if pair.quote == asset]
        return max(found, default=None)
