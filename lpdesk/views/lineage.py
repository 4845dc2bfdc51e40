"""Where a trade comes from and what became of it: every event about it, from its request on.

Not kept in the view: it is made from records that the session reads when somebody wants to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeGuard

from msgspec import Struct

from lpdesk.domain import events as ev
from lpdesk.domain.record import Event, Record
from lpdesk.domain.values import Instant


class Step(Struct, frozen=True):
    """One event, when it was and in which record."""

    seq: int
    at: Instant
    event: Event


class Lineage(Struct, frozen=True):
    """The events about one trade and its request, oldest first; none for an unknown trade."""

    trade_id: str
    rfq_id: str = ""
    steps: tuple[Step, ...] = ()

    @property
    def began(self) -> Instant:
        """When the request came."""
        return self.steps[0].at if self.steps else 0


def lineage(trade_id: str, records: Iterable[Record]) -> Lineage:
    """What `records` say about the trade; those about others are left out."""
    steps = [Step(record.seq, record.at, event) for record in records for event in record.events]
    opened = next((s.event for s in steps if _opens(s.event, trade_id)), None)
    if not isinstance(opened, ev.TradeOpened):
        return Lineage(trade_id)
    settled_by = {s.event.settlement_id for s in steps if _settles(s.event, trade_id)}
    ids = {
        "trade_id": {trade_id},
        "rfq_id": {opened.rfq_id},
        "settlement_id": settled_by,
        "break_id": {s.event.break_id for s in steps if _breaks(s.event, trade_id)},
        "event_id": {s.event.event_id for s in steps if _tells(s.event, settled_by)},
    }
    return Lineage(
        trade_id, opened.rfq_id, tuple(s for s in steps if _concerns(s.event, ids, trade_id))
    )


def _opens(event: Event, trade_id: str) -> bool:
    return isinstance(event, ev.TradeOpened) and event.trade_id == trade_id


def _settles(event: Event, trade_id: str) -> TypeGuard[ev.Settling]:
    return isinstance(event, ev.Settling) and trade_id in event.trades


def _breaks(event: Event, trade_id: str) -> TypeGuard[ev.BreakFound]:
    return isinstance(event, ev.BreakFound) and event.trade_id == trade_id


def _tells(event: Event, settled_by: set[str]) -> TypeGuard[ev.WebhookQueued]:
    return isinstance(event, ev.WebhookQueued) and event.settlement_id in settled_by


def _concerns(event: Event, ids: Mapping[str, set[str]], trade_id: str) -> bool:
    """Whatever event names it, also such as will be invented: by the names of the fields.

    The trade itself says most; a settlement is that of other trades, too.
    """
    if isinstance(event, ev.Reconciled):
        return any(match.trade_id == trade_id for match in event.trades)
    for field, known in ids.items():
        name = getattr(event, field, "")
        if name:
            return name in known
    return False
