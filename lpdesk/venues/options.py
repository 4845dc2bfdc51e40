"""Options that several kinds of LP have."""

from __future__ import annotations

from lpdesk.domain.values import MILLISECOND
from lpdesk.venues.base import Endpoint


def validity_ns(endpoint: Endpoint, default_ms: int) -> int:
    """`validity_ms`: how long a price is believed that does not say so. Raises ValueError."""
    value = endpoint.options.get("validity_ms", default_ms)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= 60_000:
        raise ValueError(f"{endpoint.name}: options.validity_ms: whole milliseconds, up to 60000")
    return value * MILLISECOND
