"""Which event writes what about breaks, reconciliation and webhooks."""

from __future__ import annotations

from msgspec import Struct

from lpdesk.domain import events
from lpdesk.journal.statements import Write, insert, own, same, update

UPKEEP: dict[type[Struct], tuple[Write, ...]] = {
    events.BreakFound: (
        insert("breaks", own(events.BreakFound, "seq"), opened_at=":at", state="'open'"),
    ),
    events.BreakClosed: (
        update("breaks", "break_id", state="'closed'", closed_at=":at", **same("rule", "why")),
    ),
    events.WebhookQueued: (
        insert("outbox", ("event_id", "number", "kind", "settlement_id", "payload", "seq", "at")),
        insert(
            "deliveries",
            ("event_id", "endpoint", "seq"),
            each="targets",
            state="'queued'",
            attempts="0",
            next_at=":at",
        ),
    ),
    events.WebhookTried: (
        update(
            "deliveries",
            "endpoint",
            "AND event_id = :event_id",
            state=":outcome",
            attempts=":attempt",
            tried_at=":at",
            **same("status", "text", "next_at"),
        ),
    ),
    events.WebhookResent: (
        update(
            "deliveries",
            "endpoint",
            "AND event_id = :event_id",
            state="'queued'",
            attempts="0",
            next_at=":at",
        ),
    ),
    events.EndpointDisabled: (
        Write(
            "INSERT INTO endpoints (endpoint, seq, disabled_at, text)"
            " VALUES (:endpoint, :seq, :at, :text) ON CONFLICT (endpoint)"
            " DO UPDATE SET seq = :seq, disabled_at = :at, text = :text"
        ),
    ),
    events.EndpointEnabled: (update("endpoints", "endpoint", disabled_at="NULL"),),
    events.BreakAssigned: (update("breaks", "break_id", **same("owner", "note")),),
    events.Reconciled: (
        update("client_quotes", "trade_id", each="trades", **same("reconciliation")),
    ),
}
