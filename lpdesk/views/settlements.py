"""Trade settlements: where each stands, its attempts, and what the coming ones will need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.settings import Settings
from lpdesk.domain.values import SECOND, ZERO, Instant, exact
from lpdesk.views.accounts import Accounts, Key
from lpdesk.views.blotter import TradeRow

KEPT_SETTLEMENTS = 500
KEPT_ATTEMPTS = 50


class AttemptRow(Struct, frozen=True):
    """One attempt; `outcome` is settled or failed, with what was missing."""

    attempt: int
    at: Instant
    by_hand: bool
    outcome: str = ""
    shortfalls: tuple[ev.Shortfall, ...] = ()


class SettlementRow(Struct, frozen=True):
    """One trade settlement. `next_at` is its next attempt, None once it has ended."""

    terms: ev.SettlementCreated
    state: str
    since: Instant
    next_at: Instant | None
    attempts: tuple[AttemptRow, ...] = ()
    integrator_trades: tuple[str, ...] = ()

    @property
    def settlement_id(self) -> str:
        return self.terms.settlement_id

    @property
    def open(self) -> bool:
        return self.next_at is not None

    @property
    def shortfalls(self) -> tuple[ev.Shortfall, ...]:
        """What the last attempt missed."""
        return self.attempts[-1].shortfalls if self.attempts else ()


def created(
    rows: tuple[SettlementRow, ...], event: ev.SettlementCreated, at: Instant
) -> tuple[SettlementRow, ...]:
    """Newest first. The oldest that have ended make room."""
    rows = (SettlementRow(event, "pending", at, min(event.attempt_at, event.reject_at)), *rows)
    surplus = len(rows) - KEPT_SETTLEMENTS
    if surplus <= 0:
        return rows
    gone = [row for row in reversed(rows) if not row.open][:surplus]
    return tuple(row for row in rows if row not in gone)


def attempted(row: SettlementRow, event: ev.SettlementAttempted, at: Instant) -> SettlementRow:
    attempt = AttemptRow(event.attempt, at, event.by_hand)
    return replace(row, attempts=(*row.attempts[1 - KEPT_ATTEMPTS :], attempt))


def failed(row: SettlementRow, event: ev.SettlementFailed, at: Instant) -> SettlementRow:
    """`since` is when it first failed."""
    since = row.since if row.state == "settlement_failed" else at
    row = _outcome(row, "failed", event.shortfalls)
    next_at = min(event.attempt_at, event.reject_at)
    return replace(row, state="settlement_failed", since=since, next_at=next_at)


def settled(row: SettlementRow, event: ev.SettlementSettled, at: Instant) -> SettlementRow:
    row = _outcome(row, "settled", ())
    return replace(
        row, state="settled", since=at, next_at=None, integrator_trades=event.integrator_trades
    )


def rejected(row: SettlementRow, event: ev.SettlementRejected, at: Instant) -> SettlementRow:
    return replace(row, state="rejected", since=at, next_at=None)


def told(
    event: ev.SettlementSettled | ev.SettlementFailed | ev.SettlementRejected,
) -> tuple[str, str]:
    """Level and words of a notice."""
    match event:
        case ev.SettlementSettled():
            paid = len(event.integrator_trades)
            part = f", {paid} of {len(event.trades)} from the settlement account" if paid else ""
            return "good", f"settled{part}"
        case ev.SettlementFailed():
            short = ", ".join(f"{s.account} {s.missing:,f} {s.asset}" for s in event.shortfalls[:3])
            return "bad", f"failed, nothing has moved; missing: {short}"
        case ev.SettlementRejected():
            return "bad", f"rejected after {event.attempt} attempts"


def _outcome(
    row: SettlementRow, outcome: str, shortfalls: tuple[ev.Shortfall, ...]
) -> SettlementRow:
    if not row.attempts:
        return row
    last = replace(row.attempts[-1], outcome=outcome, shortfalls=shortfalls)
    return replace(row, attempts=(*row.attempts[:-1], last))


class Need(Struct, frozen=True):
    """What an account must have at a time, and how much of it will be missing as things are."""

    at: Instant
    account: str
    asset: str
    needed: Decimal
    short: Decimal
    trades: tuple[str, ...]


@exact
def forecast(
    trades: Sequence[TradeRow],
    settlements: Sequence[SettlementRow],
    accounts: Accounts,
    settings: Settings,
) -> tuple[Need, ...]:
    """The needs of all trades that wait, by time; each takes from what the ones before it left.

    The end user's account pays, else the settlement account, as in an attempt. Nothing that may
    come in meanwhile is counted on.
    """
    times = {row.settlement_id: row.next_at for row in settlements}
    waiting = [(_time(row, times, settings), row) for row in trades if row.state == "pending"]
    waiting.sort(key=lambda each: (each[0], each[1].trade_id))
    return _needs(waiting, accounts, lambda row: _stand_in(row, settings))


@exact
def attempt_needs(
    row: SettlementRow, trades: Sequence[TradeRow], accounts: Accounts, now: Instant
) -> tuple[Need, ...]:
    """What an attempt at that settlement would need now, of what is there now."""
    by_id = {trade.trade_id: trade for trade in trades}
    waiting = [(now, by_id[name]) for name in row.terms.trades if name in by_id]
    own = row.terms.broker_account
    return _needs(waiting, accounts, lambda trade: own)


def _needs(
    waiting: Sequence[tuple[Instant, TradeRow]],
    accounts: Accounts,
    stand_in: Callable[[TradeRow], str],
) -> tuple[Need, ...]:
    left = accounts.available()
    needs: dict[tuple[Instant, Key], tuple[Decimal, Decimal, tuple[str, ...]]] = {}
    for at, row in waiting:
        payer = f"client:{row.client}", row.pays_asset
        other = stand_in(row)
        if other and left.get(payer, ZERO) < row.pays:
            payer = other, row.pays_asset
        deliverer = f"liquidity:{row.desk}", row.receives_asset
        for key, amount in ((payer, row.pays), (deliverer, row.receives)):
            before = max(ZERO, left.get(key, ZERO))
            left[key] = left.get(key, ZERO) - amount
            needed, short, names = needs.get((at, key), (ZERO, ZERO, ()))
            short += max(ZERO, amount - before)
            needs[at, key] = needed + amount, short, (*names, row.trade_id)
    return tuple(
        Need(at, *key, needed, short, names) for (at, key), (needed, short, names) in needs.items()
    )


@exact
def exposures(trades: Iterable[TradeRow]) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """What gathering them would come to: what the trade desk delivers of each base asset, and what
    it gets of each quote asset, both net."""
    assets: dict[str, Decimal] = {}
    cash: dict[str, Decimal] = {}
    for row in trades:
        base = row.symbol.partition("/")[0]
        for asset, amount in ((row.receives_asset, row.receives), (row.pays_asset, -row.pays)):
            sums, sign = (assets, 1) if asset == base else (cash, -1)
            sums[asset] = sums.get(asset, ZERO) + sign * amount
    return assets, cash


def _stand_in(row: TradeRow, settings: Settings) -> str:
    """The settlement account that pays where the client's cannot, or none."""
    agreed = settings.settlement_pair(row.pair_id)
    return agreed.settlement_account if agreed else ""


def _time(row: TradeRow, times: Mapping[str, Instant | None], settings: Settings) -> Instant:
    """When a waiting trade is tried next."""
    planned = times.get(row.settlement_id)
    if planned is not None:
        return planned
    agreed = settings.settlement_pair(row.pair_id)
    delay = agreed.settlement_delay_minutes if agreed else 0
    return (row.settles_at or 0) + delay * 60 * SECOND
