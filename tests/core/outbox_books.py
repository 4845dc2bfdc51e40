"""A second bookkeeper for webhooks: what is owed to whom, from events alone (K11, I32)."""

from __future__ import annotations

import json

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.record import Record
from lpdesk.domain.settings import Webhook

Tried = rep.WebhookDelivered | rep.WebhookFailed

HOOKS = (
    Webhook(name="acme-hook", organization="acme"),
    Webhook(name="otc-ends", desk="otc", events=("settle", "reject")),
    Webhook(name="noether-hook", organization="noether"),
)
KINDS = {
    ev.SettlementCreated: ("create", ["acme-hook"]),
    ev.SettlementSettled: ("settle", ["acme-hook", "otc-ends"]),
    ev.SettlementFailed: ("failed", ["acme-hook"]),
    ev.SettlementRejected: ("reject", ["acme-hook", "otc-ends"]),
}
"""What acme and otc settle, and who hears of it."""


class Outbox:
    """Each delivery's state; raises AssertionError at the first event that does not follow."""

    def __init__(self) -> None:
        self.states: dict[tuple[str, str], str] = {}
        self.disabled: set[str] = set()
        self.ids: list[str] = []

    def read(self, record: Record) -> None:
        changes = [event for event in record.events if isinstance(event, ev.Settling)]
        queued = [event for event in record.events if isinstance(event, ev.WebhookQueued)]
        told = [(q.kind, [target.endpoint for target in q.targets]) for q in queued]
        assert told == [KINDS[type(change)] for change in changes]  # in the same record, once
        for change, webhook in zip(changes, queued, strict=True):
            data = json.loads(webhook.payload)["data"]
            assert (data["id"], data["trade_count"]) == (change.settlement_id, len(change.trades))
        for event in record.events:
            self._read(event)

    def _read(self, event: object) -> None:
        match event:
            case ev.WebhookQueued():
                assert event.event_id not in self.ids
                self.ids.append(event.event_id)
                self.states |= {(event.event_id, t.endpoint): "queued" for t in event.targets}
            case ev.WebhookTried():
                assert self.states[event.event_id, event.endpoint] == "queued"
                self.states[event.event_id, event.endpoint] = event.outcome.value
            case ev.WebhookResent():
                assert self.states[event.event_id, event.endpoint] in ("dead", "delivered")
                self.states[event.event_id, event.endpoint] = "queued"
            case ev.EndpointDisabled():
                assert event.endpoint not in self.disabled
                self.disabled.add(event.endpoint)
            case ev.EndpointEnabled():
                self.disabled.remove(event.endpoint)

    def answer(self, pick: int, word: str, now: int) -> Tried:
        """A report about one of the newest deliveries, whatever has become of it."""
        known = list(self.states)[-4:] or [("msg_none", "acme-hook")]
        event_id, endpoint = known[pick % len(known)]
        if word == "delivered":
            return rep.WebhookDelivered(event_id=event_id, endpoint=endpoint, attempt=1, status=200)
        return rep.WebhookFailed(
            event_id=event_id,
            endpoint=endpoint,
            attempt=1,
            status=410 if word == "gone" else 500,
            text=word,
            next_at=None if word == "dead" else now,
            gone=word == "gone",
        )
