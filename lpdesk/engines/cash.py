"""Deposits and withdrawals: money that comes from outside, or goes there."""

from __future__ import annotations

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Event
from lpdesk.domain.settings import Settings
from lpdesk.domain.values import round_down
from lpdesk.engines.ledger import (
    WORLD,
    client_account,
    liquidity_account,
    movement,
    settlement_account,
)
from lpdesk.engines.quoting import refused
from lpdesk.engines.state import State


def moved(state: State, cause: cmd.Deposit | cmd.Withdraw) -> list[Event]:
    """One movement between the outside world and an account of ours, or why not."""
    account = cause.account or client_account(state.settings.default_client)
    refusal = _refusal(state, cause, account)
    if refusal:
        return [refusal]
    comes = isinstance(cause, cmd.Deposit)
    giver, taker = (WORLD, account) if comes else (account, WORLD)
    transfer = state.transfer("", movement(cause.asset, cause.amount, giver, taker))
    told = (ev.Deposited if comes else ev.Withdrawn)(
        transfer_id=transfer.transfer_id, account=account, asset=cause.asset, amount=cause.amount
    )
    return [told, transfer]


def _refusal(
    state: State, cause: cmd.Deposit | cmd.Withdraw, account: str
) -> ev.CommandRefused | None:
    decimals = state.settings.decimals(cause.asset)
    if account not in accounts(state.settings):
        return refused(Reason.BAD_ACCOUNT, "account", f"{account} is not an account here")
    if decimals is None:
        return refused(Reason.BAD_ASSET, "asset", f"{cause.asset} is in no pair")
    if not cause.amount.is_finite() or cause.amount <= 0:
        return refused(Reason.BAD_AMOUNT, "amount", "must be greater than zero")
    if round_down(cause.amount, decimals) != cause.amount:
        text = f"{cause.asset} has {decimals} decimals"
        return refused(Reason.TOO_PRECISE, "amount", text)
    missing = state.ledger.missing(account, cause.asset, cause.amount)
    if missing and isinstance(cause, cmd.Withdraw):
        text = f"{account} is short of {missing:f} {cause.asset}"
        return refused(Reason.NOT_ENOUGH_FUNDS, "amount", text)
    return None


def accounts(settings: Settings) -> tuple[str, ...]:
    """The accounts that money may be paid into: two of each organization, one of each desk."""
    names = [client_account(client.name) for client in settings.clients]
    names += [settlement_account(client.name) for client in settings.clients]
    return (*names, *(liquidity_account(desk.name) for desk in settings.trade_desks))
