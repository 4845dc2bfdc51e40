"""Where webhooks go, and when they are tried again."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from lpdesk.domain.values import SECOND

MINUTE_NS = 60 * SECOND
HOUR_NS = 60 * MINUTE_NS

DELAYS_NS = (
    5 * SECOND,
    5 * MINUTE_NS,
    30 * MINUTE_NS,
    2 * HOUR_NS,
    5 * HOUR_NS,
    10 * HOUR_NS,
    14 * HOUR_NS,
    20 * HOUR_NS,
    24 * HOUR_NS,
)
"""From a failed try to the next, growing: ten tries in 75.6 hours (Standard Webhooks)."""

JITTER = 10
"""Up to a tenth more, so that what failed together does not come back together."""

MAX_RETRY_AFTER_NS = 24 * HOUR_NS


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One address and its secrets: the newest first, an older one while it is being replaced."""

    name: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    allow_private: bool = False
    timeout_ns: int = 20 * SECOND


def delay_ns(attempt: int, retry_after_ns: int, random: Random) -> int | None:
    """How long to wait after try number `attempt` failed; None after the last one.

    What the endpoint asked for (`Retry-After`) is kept to, a day at most.
    """
    if attempt > len(DELAYS_NS):
        return None
    planned = DELAYS_NS[attempt - 1]
    planned += random.randrange(planned // JITTER)
    return max(planned, min(retry_after_ns, MAX_RETRY_AFTER_NS))
