"""`lpdesk webhooks`: every webhook to every endpoint, for people and pipes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from lpdesk.domain.instants import timestamp
from lpdesk.domain.values import Instant
from lpdesk.journal.outbox import Delivery
from lpdesk.reports.table import Align, Column, table

SECOND_PLACES = 19
"""An instant without its fraction."""


def table_lines(
    deliveries: Sequence[Delivery], disabled: Sequence[str], width: int
) -> Iterator[str]:
    """Oldest first; then the endpoints that want no more."""
    if not deliveries:
        yield "no webhooks"
    else:
        yield from table(
            [
                Column("Id", [each.event_id for each in deliveries]),
                Column("At", [_short(each.at) for each in deliveries], rank=2),
                Column("Event", [each.kind for each in deliveries]),
                Column("Settlement", [each.settlement_id for each in deliveries]),
                Column("Endpoint", [each.endpoint for each in deliveries]),
                Column("State", [each.state for each in deliveries]),
                Column("Tries", [str(each.attempts) for each in deliveries], Align.RIGHT),
                Column("Next", [_next(each) for each in deliveries], rank=1),
                Column("Why", [each.text for each in deliveries], rank=3),
            ],
            width,
        )
    for name in disabled:
        yield f"{name} is disabled: it said it is gone; `enable {name}` when it is back"


def json_lines(deliveries: Sequence[Delivery]) -> Iterator[str]:
    """One object a delivery, times in ISO 8601 or null."""
    for each in deliveries:
        fields = each._asdict()
        for name in ("at", "next_at", "tried_at"):
            fields[name] = None if fields[name] is None else timestamp(fields[name])
        yield json.dumps(fields)


def _short(at: Instant) -> str:
    return timestamp(at)[:SECOND_PLACES].replace("T", " ")


def _next(delivery: Delivery) -> str:
    queued = delivery.state == "queued" and delivery.next_at is not None
    return _short(delivery.next_at or 0) if queued else ""
