"""Webhooks as a screen shows them: one row a webhook and endpoint, newest first."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.values import Instant

KEPT = 500


class HookRow(Struct, frozen=True):
    """One delivery; `state` is queued, delivered or dead, `next_at` when it is tried again."""

    event_id: str
    endpoint: str
    kind: str
    settlement_id: str
    at: Instant
    state: str = "queued"
    attempts: int = 0
    status: int = 0
    text: str = ""
    tried_at: Instant | None = None
    next_at: Instant | None = None


def queued(rows: tuple[HookRow, ...], event: ev.WebhookQueued, at: Instant) -> tuple[HookRow, ...]:
    new = [
        HookRow(event.event_id, each.endpoint, event.kind, event.settlement_id, at, next_at=at)
        for each in event.targets
    ]
    return (*new, *rows)[:KEPT]


def tried(rows: tuple[HookRow, ...], event: ev.WebhookTried, at: Instant) -> tuple[HookRow, ...]:
    return tuple(
        replace(
            row,
            state=event.outcome.value,
            attempts=event.attempt,
            status=event.status,
            text=event.text,
            tried_at=at,
            next_at=event.next_at,
        )
        if (row.event_id, row.endpoint) == (event.event_id, event.endpoint)
        else row
        for row in rows
    )


def resent(rows: tuple[HookRow, ...], event: ev.WebhookResent, at: Instant) -> tuple[HookRow, ...]:
    return tuple(
        replace(row, state="queued", attempts=0, next_at=at)
        if (row.event_id, row.endpoint) == (event.event_id, event.endpoint)
        else row
        for row in rows
    )


def unchanged(rows: tuple[HookRow, ...], event: object, at: Instant) -> tuple[HookRow, ...]:
    return rows


def words(event: object) -> tuple[str, str, str] | None:
    """Level, sentence and reference of what a dealer should notice."""
    match event:
        case ev.WebhookTried(outcome=ev.Outcome.DEAD):
            text = f"webhook {event.event_id} to {event.endpoint} given up: {event.text}"
            return "bad", text, event.event_id
        case ev.EndpointDisabled():
            return "warn", f"webhooks to {event.endpoint} wait: it says it is gone", ""
        case ev.EndpointEnabled():
            return "info", f"webhooks to {event.endpoint} go out again", ""
    return None
