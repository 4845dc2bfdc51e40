"""Where a trade comes from and what became of it: every event about it, from its request on.

Not kept in the view: it is made from records that the session reads when somebody wants to know.
"""

from __future__ import annotations

from collections.abc import Iterable

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
    rfq_id = opened.rfq_id if isinstance(opened, ev.TradeOpened) else ""
    return Lineage(
        trade_id, rfq_id, tuple(s for s in steps if rfq_id and _names(s.event, trade_id, rfq_id))
    )


def _opens(event: Event, trade_id: str) -> bool:
    return isinstance(event, ev.TradeOpened) and event.trade_id == trade_id


def _names(event: Event, trade_id: str, rfq_id: str) -> bool:
    """Whatever event names it, also such as will be invented: by the names of the fields."""
    return getattr(event, "trade_id", "") == trade_id or getattr(event, "rfq_id", "") == rfq_id
