"""What was in every account at any record: the sums of its postings, and what was held of it."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from msgspec.json import Decoder

from lpdesk.domain import events as ev
from lpdesk.domain.record import Event
from lpdesk.domain.values import ZERO, exact
from lpdesk.journal.reader import connect

_EVENTS: Decoder[tuple[Event, ...]] = Decoder(tuple[Event, ...])
_POSTINGS = "SELECT account, asset, amount FROM postings WHERE seq <= ?"
_HOLDS = 'SELECT events FROM records WHERE seq <= ? AND instr(events, \'"type":"Hold\')'
LAST = 2**63 - 1


class Balance(NamedTuple):
    """One account's sum in one asset."""

    account: str
    asset: str
    balance: Decimal
    held: Decimal

    @property
    def available(self) -> Decimal:
        return self.balance - self.held


@exact
def balances(path: Path, seq: int = LAST) -> list[Balance]:
    """After the record `seq`, by account and asset; accounts that are empty again included.

    Postings are summed here and not in SQL, whose sums are no decimals. Raises `JournalRefused`,
    sqlite3.Error on a damaged file.
    """
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    holds: dict[str, tuple[tuple[str, str], Decimal]] = {}
    with closing(connect(path)) as connection:
        connection.execute("BEGIN")
        for account, asset, amount in connection.execute(_POSTINGS, (seq,)):
            sums[account, asset] += Decimal(amount)
        for (events,) in connection.execute(_HOLDS, (seq,)):
            for event in _EVENTS.decode(events):
                _hold(holds, event)
    held: defaultdict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for key, amount in holds.values():
        held[key] += amount
    return [Balance(*key, sums[key], held[key]) for key in sorted(sums)]


def _hold(holds: dict[str, tuple[tuple[str, str], Decimal]], event: Event) -> None:
    match event:
        case ev.HoldPlaced():
            holds[event.hold_id] = (event.account, event.asset), event.amount
        case ev.HoldDrawn():
            key, amount = holds[event.hold_id]
            holds[event.hold_id] = key, amount - event.amount
        case ev.HoldResolved():
            del holds[event.hold_id]
