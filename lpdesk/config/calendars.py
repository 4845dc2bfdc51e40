"""Settlement days to come, as instants: time zones and holidays are looked up here and only here.

The core gets a table, which is on record with the desk's start: a replay needs no tz data and no
calendar. A holiday that is decreed later, or a changed time zone, is in the next start's table.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Protocol

from lpdesk.domain.settings import Day, SettlementCalendar
from lpdesk.domain.values import SECOND, Instant

EVERY_DAY, WEEKDAYS = "every day", "weekdays"
HORIZON_DAYS = 731
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Working(Protocol):
    def is_working_day(self, key: date) -> bool: ...


def settlement_calendar(
    calendar: str, time_zone: str, at_time: str, now: Instant
) -> SettlementCalendar:
    """Two years of settlement days from yesterday on, as the place itself counts days.

    A time that a clock change skips is the instant it would have been without the change; one that
    comes twice is the first. Raises `ValueError` for what is not known here.
    """
    zone, cut = _zone(time_zone), _time(at_time)
    today = (_EPOCH + timedelta(seconds=now // SECOND)).astimezone(zone).date()
    dates = [today + timedelta(days=n) for n in range(-1, HORIZON_DAYS)]
    working = _calendar(calendar, range(dates[0].year, dates[-1].year + 1))
    days = tuple(
        _day(_seconds(day, time(), zone), _seconds(day, cut, zone))
        for day in dates
        if working is None or working.is_working_day(day)
    )
    return SettlementCalendar(calendar=calendar, time_zone=time_zone, time=at_time, days=days)


def problem(calendar: str, time_zone: str) -> tuple[str, str] | None:
    """The field that is wrong and why, or None."""
    try:
        _zone(time_zone)
    except ValueError as error:
        return "time_zone", str(error)
    try:
        _calendar(calendar, range(2026, 2027))
    except ValueError as error:
        return "calendar", str(error)
    return None


class _Weekdays:
    def is_working_day(self, key: date) -> bool:
        return key.weekday() < 5


def _calendar(name: str, years: range) -> _Working | None:
    """None is every day. A country (GB), a part of one (US-NY) or a market (NYSE, ECB)."""
    if name == EVERY_DAY:
        return None
    if name == WEEKDAYS:
        return _Weekdays()
    try:
        import holidays
    except ImportError:
        raise ValueError("needs the extra: lpdesk[calendars]") from None
    country, _, part = name.partition("-")
    try:
        return holidays.country_holidays(country, subdiv=part or None, years=years)
    except NotImplementedError:
        pass
    try:
        return holidays.financial_holidays(name, years=years)
    except NotImplementedError:
        text = f'"{EVERY_DAY}", "{WEEKDAYS}", a country (GB) or a market (NYSE)'
        raise ValueError(text) from None


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no time zone of that name on this machine") from None


def _time(text: str) -> time:
    return time.fromisoformat(text)


def _day(start_s: int, cut_s: int) -> Day:
    return Day(start_s, cut_s - start_s)


def _seconds(day: date, at: time, zone: tzinfo) -> int:
    since = datetime.combine(day, at, tzinfo=zone) - _EPOCH
    return since.days * 86_400 + since.seconds
