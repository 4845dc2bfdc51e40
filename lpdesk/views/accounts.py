"""Accounts of clients and trade desks, and the desk's own: balances and what is held of them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.values import ZERO, Instant

Key = tuple[str, str]
"""An account and an asset."""

SHOWN = ("client:", "settlement:", "liquidity:", "desk")


class Accounts(Struct, frozen=True):
    """Balances of the accounts that are shown, and every open hold. Read, never written to."""

    balances: Mapping[Key, Decimal] = {}
    holds: Mapping[str, tuple[Key, Decimal]] = {}

    def held(self) -> dict[Key, Decimal]:
        """What is held of each account and asset, where anything is."""
        sums: dict[Key, Decimal] = {}
        for key, amount in self.holds.values():
            sums[key] = sums.get(key, ZERO) + amount
        return sums

    def available(self) -> dict[Key, Decimal]:
        held = self.held()
        return {key: amount - held.get(key, ZERO) for key, amount in self.balances.items()}


def moved(accounts: Accounts, event: ev.Transferred, at: Instant) -> Accounts:
    balances = dict(accounts.balances)
    for posting in event.postings:
        if posting.account.startswith(SHOWN):
            key = posting.account, posting.asset
            balances[key] = balances.get(key, ZERO) + posting.amount
    return replace(accounts, balances=balances)


def held(accounts: Accounts, event: ev.HoldPlaced, at: Instant) -> Accounts:
    hold = (event.account, event.asset), event.amount
    return replace(accounts, holds={**accounts.holds, event.hold_id: hold})


def released(accounts: Accounts, event: ev.HoldResolved, at: Instant) -> Accounts:
    holds = dict(accounts.holds)
    holds.pop(event.hold_id, None)
    return replace(accounts, holds=holds)


def drawn(accounts: Accounts, event: ev.HoldDrawn, at: Instant) -> Accounts:
    """Part of a hold was used up."""
    if event.hold_id not in accounts.holds:
        return accounts
    key, amount = accounts.holds[event.hold_id]
    return replace(accounts, holds={**accounts.holds, event.hold_id: (key, amount - event.amount)})
