"""Instants as people write them, always UTC. Integer arithmetic: no nanosecond is lost."""

from __future__ import annotations

from functools import lru_cache

from lpdesk.domain.values import SECOND, Instant

DAY = 86_400


def time_of_day(at: Instant) -> str:
    """HH:MM:SS."""
    of_day = at // SECOND % DAY
    return f"{of_day // 3600:02d}:{of_day // 60 % 60:02d}:{of_day % 60:02d}"


def date(at: Instant) -> str:
    """YYYY-MM-DD."""
    return _civil(at // SECOND // DAY)


@lru_cache(64)
def _civil(day_number: int) -> str:
    """By the civil calendar (days since 1970, eras of 400 years)."""
    days = day_number + 719_468
    era, of_era = divmod(days, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    day = of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    return f"{year + era * 400 + (month <= 2):04d}-{month:02d}-{day:02d}"


def timestamp(at: Instant) -> str:
    """ISO 8601 with nanoseconds: 2026-01-19T14:30:25.123456789Z."""
    return f"{date(at)}T{time_of_day(at)}.{at % SECOND:09d}Z"
