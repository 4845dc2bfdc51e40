"""Webhooks: what is owed to whom, each try of it, and endpoints that want no more."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from lpdesk.domain.events.base import Event
from lpdesk.domain.values import Instant


class Outcome(StrEnum):
    """How a try ended: the state that the delivery is in after it."""

    DELIVERED = "delivered"
    QUEUED = "queued"  # it is tried again
    DEAD = "dead"  # it was the last try; a person may send it again


class Target(Struct, frozen=True):
    """An endpoint that a webhook is owed to."""

    endpoint: str


class WebhookQueued(Event, frozen=True, kw_only=True):
    """Goes out, to each target until it says 2xx: `payload` is the body, byte for byte (ASCII).

    `event_id` stays the same on every try; `number` counts, so that a receiver can order them.
    """

    event_id: str
    number: int
    kind: str
    settlement_id: str
    payload: str
    targets: tuple[Target, ...]


class WebhookTried(Event, frozen=True, kw_only=True):
    """One try. `status` is HTTP's, 0 for no answer; `next_at` is None unless it is tried again."""

    event_id: str
    endpoint: str
    attempt: int
    outcome: Outcome
    status: int
    text: str = ""
    next_at: Instant | None = None


class WebhookResent(Event, frozen=True, kw_only=True):
    """Goes out: a person wants it tried again, from the first try on."""

    event_id: str
    endpoint: str


class EndpointDisabled(Event, frozen=True, kw_only=True):
    """An endpoint answered that it is gone: what is owed to it waits until it is enabled."""

    endpoint: str
    text: str = ""


class EndpointEnabled(Event, frozen=True, kw_only=True):
    """Goes out: what waited for the endpoint is sent."""

    endpoint: str
