"""Instants as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from lpdesk.domain.values import SECOND, Instant

DAY_NS = 86_400 * SECOND

_WHEN = re.compile(
    r"(?:(\d{4}-\d\d-\d\d)(?:[T ]|$))?(?:(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?Z?", re.ASCII
)


def instant(text: str, day: Instant) -> Instant:
    """`2026-01-19T14:30:25.123456789Z`, or less of it: a date alone is its midnight.

    A time alone is of the day of the instant `day`. Always UTC. Raises ValueError.
    """
    match = _WHEN.fullmatch(text.strip())
    if not match or not text.strip("Z "):
        raise ValueError(f"{text!r} is no time: write 2026-01-19T14:30:25Z, 2026-01-19 or 14:30:25")
    date, hours, minutes, seconds, fraction = match.groups()
    if date:
        midnight = int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()) * SECOND
    else:
        midnight = day - day % DAY_NS
    if int(hours or 0) > 23 or int(minutes or 0) > 59 or int(seconds or 0) > 59:
        raise ValueError(f"{text!r} is no time of day")
    of_day = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    return midnight + of_day * SECOND + int((fraction or "").ljust(9, "0"))
