"""A webhook that an endpoint has not taken yet: between the journal's outbox and its sender."""

from __future__ import annotations

from msgspec import Struct

from lpdesk.domain.values import Instant


class Owed(Struct, frozen=True, kw_only=True):
    """`payload` is the body, `attempts` the tries so far, `next_at` when the next one is due."""

    event_id: str
    number: int
    endpoint: str
    payload: str
    attempts: int = 0
    next_at: Instant = 0
