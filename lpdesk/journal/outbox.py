"""Webhooks in the journal: what is owed, to whom, and how each try ended. Read-only."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from lpdesk.domain.owed import Owed
from lpdesk.domain.values import Instant
from lpdesk.journal.reader import connect

_OWED = """
SELECT event_id, number, endpoint, payload, attempts, ifnull(next_at, 0)
FROM deliveries JOIN outbox USING (event_id) WHERE state = 'queued' ORDER BY number, endpoint
"""
_ONE = "SELECT event_id, number, '', payload, 0, 0 FROM outbox WHERE event_id = ?"
_DISABLED = "SELECT endpoint FROM endpoints WHERE disabled_at IS NOT NULL ORDER BY endpoint"
_ALL = """
SELECT event_id, endpoint, kind, settlement_id, outbox.at, state, attempts, next_at, tried_at,
       status, ifnull(text, '')
FROM deliveries JOIN outbox USING (event_id) ORDER BY number, endpoint
"""
_FIELDS = ("event_id", "number", "endpoint", "payload", "attempts", "next_at")


class Delivery(NamedTuple):
    """How one webhook to one endpoint stands: queued, delivered or dead."""

    event_id: str
    endpoint: str
    kind: str
    settlement_id: str
    at: Instant
    state: str
    attempts: int
    next_at: Instant | None
    tried_at: Instant | None
    status: int | None
    text: str


def owed(path: Path) -> list[Owed]:
    """What no endpoint has taken yet, oldest first. Raises `JournalRefused`, sqlite3.Error."""
    with closing(connect(path)) as connection:
        return [Owed(**dict(zip(_FIELDS, row, strict=True))) for row in connection.execute(_OWED)]


def one(path: Path, event_id: str) -> Owed | None:
    """A webhook by its id, to whomever it was sent."""
    with closing(connect(path)) as connection:
        row = connection.execute(_ONE, (event_id,)).fetchone()
    return Owed(**dict(zip(_FIELDS, row, strict=True))) if row else None


def disabled(path: Path) -> list[str]:
    """The endpoints that said they are gone."""
    with closing(connect(path)) as connection:
        return [name for (name,) in connection.execute(_DISABLED)]


def deliveries(path: Path) -> list[Delivery]:
    """Every webhook to every endpoint, oldest first."""
    with closing(connect(path)) as connection:
        return [Delivery._make(row) for row in connection.execute(_ALL)]
