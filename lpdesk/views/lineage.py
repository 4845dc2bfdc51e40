"""Where a trade or a settlement comes from and what became of it: every event about it.

Not kept in the view: it is made from records that the session reads when somebody wants to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeGuard

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.record import Event, Record
from lpdesk.domain.values import Instant

Ids = Mapping[str, set[str]]
"""Names that are wanted, by the fields of events that they stand in."""

_OF_ATTEMPTS: Final = (
    ev.HoldPlaced, ev.HoldResolved, ev.Transferred, ev.TradeSettled, ev.TradeRejected,
)  # fmt: skip
"""What an attempt does to a settlement's trades; it names them, not the settlement."""


class Step(Struct, frozen=True):
    """One event, when it was and in which record."""

    seq: int
    at: Instant
    event: Event


class Lineage(Struct, frozen=True):
    """The events about one trade and its request, or about one settlement, oldest first.

    None for a name that is not known. `rfq_id` is empty for a settlement.
    """

    name: str
    rfq_id: str = ""
    steps: tuple[Step, ...] = ()

    @property
    def began(self) -> Instant:
        """When the request came, or the settlement was made."""
        return self.steps[0].at if self.steps else 0


def lineage(name: str, records: Iterable[Record]) -> Lineage:
    """What `records` say about the trade or the settlement; those about others are left out."""
    steps = [Step(record.seq, record.at, event) for record in records for event in record.events]
    opened = next((s.event for s in steps if _opens(s.event, name)), None)
    if isinstance(opened, ev.TradeOpened):
        return _of_trade(name, opened.rfq_id, steps)
    if isinstance(opened, ev.SettlementCreated):
        return Lineage(name, "", _of_settlement(opened, steps))
    return Lineage(name)


def _of_trade(name: str, rfq_id: str, steps: Sequence[Step]) -> Lineage:
    settled_by = {s.event.settlement_id for s in steps if _settles(s.event, name)}
    ids = {
        "trade_id": {name},
        "rfq_id": {rfq_id},
        "settlement_id": settled_by,
        "break_id": {s.event.break_id for s in steps if _breaks(s.event, name)},
        "event_id": {s.event.event_id for s in steps if _tells(s.event, settled_by)},
    }
    its_own = (_narrowed(step, name) for step in steps if _concerns(step.event, ids, name))
    return Lineage(name, rfq_id, tuple(its_own))


def _narrowed(step: Step, trade_id: str) -> Step:
    """What a comparison with a whole list says of this trade."""
    if not isinstance(step.event, ev.Reconciled):
        return step
    mine = tuple(match for match in step.event.trades if match.trade_id == trade_id)
    return replace(step, event=replace(step.event, trades=mine))


def _of_settlement(created: ev.SettlementCreated, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Its own events, and those of the attempts on its trades, which are in the same records."""
    name, trades = created.settlement_id, {*created.trades}
    told = {s.event.event_id for s in steps if _tells(s.event, {name})}
    its_own = {s.seq for s in steps if getattr(s.event, "settlement_id", "") == name}
    return tuple(
        step
        for step in steps
        if getattr(step.event, "settlement_id", "") == name
        or getattr(step.event, "event_id", "") in told
        or (
            step.seq in its_own
            and isinstance(step.event, _OF_ATTEMPTS)
            and step.event.trade_id in trades
        )
    )


def _opens(event: Event, name: str) -> bool:
    if isinstance(event, ev.TradeOpened):
        return event.trade_id == name
    return isinstance(event, ev.SettlementCreated) and event.settlement_id == name


def _settles(event: Event, trade_id: str) -> TypeGuard[ev.Settling]:
    return isinstance(event, ev.Settling) and trade_id in event.trades


def _breaks(event: Event, trade_id: str) -> TypeGuard[ev.BreakFound]:
    return isinstance(event, ev.BreakFound) and event.trade_id == trade_id


def _tells(event: Event, settled_by: set[str]) -> TypeGuard[ev.WebhookQueued]:
    return isinstance(event, ev.WebhookQueued) and event.settlement_id in settled_by


def _concerns(event: Event, ids: Ids, trade_id: str) -> bool:
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
