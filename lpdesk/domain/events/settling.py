"""Delayed settlement and money from outside: trade settlements, their attempts, their end."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from lpdesk.domain.events.base import Event
from lpdesk.domain.values import Instant


class TradeExecuted(Event, frozen=True, kw_only=True):
    """A delayed trade is hedged: `executed_pending_settlement`. Figures as of `TradeSettled`.

    Unless it is settled by hand before, its settlement is created at `settles_at` by `pair_id`.
    """

    trade_id: str
    desk: str
    pair_id: str
    settles_at: Instant
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


class TradeRejected(Event, frozen=True, kw_only=True):
    """A delayed trade was never paid for. The desk keeps its hedge: it is long or short by it."""

    trade_id: str
    settlement_id: str
    position: Decimal
    position_asset: str
    text: str


class Shortfall(Struct, frozen=True, kw_only=True):
    """What an account did not have when an attempt wanted to hold it."""

    account: str
    asset: str
    balance: Decimal
    available: Decimal
    missing: Decimal


class Settling(Event, frozen=True, kw_only=True):
    """What every word about a trade settlement carries, as its webhooks do.

    Exposures are the trade desk's, net: `asset_exposures` what it delivers of each base asset,
    `cash_exposures` what it gets of each quote asset; negative the other way round.
    """

    settlement_id: str
    pair_id: str
    organization: str
    desk: str
    broker_account: str
    trades: tuple[str, ...]
    asset_exposures: dict[str, Decimal]
    cash_exposures: dict[str, Decimal]
    automatic: bool
    created_at: Instant


class SettlementCreated(Settling, frozen=True, kw_only=True):
    """Trades are to be settled together: first tried at `attempt_at`, given up at `reject_at`."""

    attempt_at: Instant
    reject_at: Instant


class SettlementAttempted(Event, frozen=True, kw_only=True):
    """The money of every trade is held, one by one, and moved if all of it is there."""

    settlement_id: str
    attempt: int
    by_hand: bool


class SettlementSettled(Settling, frozen=True, kw_only=True):
    """All trades are settled; `integrator_trades` were paid from the settlement account."""

    attempt: int
    settled_at: Instant
    integrator_settled: bool
    integrator_trades: tuple[str, ...]


class SettlementFailed(Settling, frozen=True, kw_only=True):
    """Something was not there: nothing has moved, and it is tried again at `attempt_at`."""

    attempt: int
    failed_at: Instant
    shortfalls: tuple[Shortfall, ...]
    attempt_at: Instant
    reject_at: Instant


class SettlementRejected(Settling, frozen=True, kw_only=True):
    """Time is up: it is rejected, and all its trades are."""

    attempt: int
    rejected_at: Instant


class Deposited(Event, frozen=True, kw_only=True):
    """Money came in; a `Transferred` of the same id moved it."""

    transfer_id: str
    account: str
    asset: str
    amount: Decimal


class Withdrawn(Event, frozen=True, kw_only=True):
    """Money went out; a `Transferred` of the same id moved it."""

    transfer_id: str
    account: str
    asset: str
    amount: Decimal
