"""T+N on the virtual clock: weekends, clock changes, month ends, holidays, and the horizon."""

from __future__ import annotations

from datetime import datetime

import pytest
from msgspec.structs import replace

from lpdesk.clock import VirtualClock
from lpdesk.config.calendars import problem, settlement_calendar
from lpdesk.domain import events as ev
from lpdesk.domain.instants import timestamp
from lpdesk.domain.values import SECOND, Instant
from tests.core.settling import ALPHA, Settling, organization, settling


def instant(text: str) -> Instant:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


# dealt (with its offset), T+N, calendar, place, time there -> when it is gathered, UTC
DAYS = """
2026-01-19T14:30+00:00  1  every day  UTC               16:00  2026-01-20T16:00
2026-01-19T23:59+00:00  1  every day  UTC               00:00  2026-01-20T00:00
2026-01-15T12:00+00:00  3  weekdays   UTC               16:00  2026-01-20T16:00
2026-01-16T12:00+00:00  3  weekdays   UTC               16:00  2026-01-21T16:00
2026-01-17T12:00+00:00  1  weekdays   UTC               16:00  2026-01-19T16:00
2026-01-18T12:00+00:00  3  weekdays   UTC               16:00  2026-01-21T16:00
2026-01-29T12:00+00:00  3  every day  UTC               16:00  2026-02-01T16:00
2026-01-29T12:00+00:00  3  weekdays   UTC               16:00  2026-02-03T16:00
2028-02-27T12:00+00:00  3  every day  UTC               16:00  2028-03-01T16:00
2026-03-05T12:00-05:00  3  weekdays   America/New_York  16:00  2026-03-10T20:00
2026-03-04T12:00-05:00  2  weekdays   America/New_York  16:00  2026-03-06T21:00
2026-10-29T12:00-04:00  2  weekdays   America/New_York  16:00  2026-11-02T21:00
2026-03-28T12:00+00:00  1  every day  Europe/London     01:30  2026-03-29T01:30
2026-10-24T12:00+01:00  1  every day  Europe/London     01:30  2026-10-25T00:30
2026-01-19T23:30+00:00  1  weekdays   Asia/Tokyo        09:00  2026-01-21T00:00
2026-01-19T03:30+00:00  1  weekdays   America/New_York  16:00  2026-01-19T21:00
2026-11-24T12:00-05:00  3  NYSE       America/New_York  16:00  2026-11-30T21:00
2026-12-22T12:00+00:00  3  GB         Europe/London     16:00  2026-12-29T16:00
2026-06-30T12:00-04:00  2  US-NY      America/New_York  16:00  2026-07-02T20:00
2026-07-02T12:00-04:00  1  NYSE       America/New_York  16:00  2026-07-06T20:00
"""
ROWS = [[part.strip() for part in line.split("  ") if part] for line in DAYS.strip().splitlines()]


@pytest.mark.parametrize(
    ("dealt", "days", "calendar", "place", "time", "gathered"),
    ROWS,
    ids=[f"{row[0][:10]} T+{row[1]} {row[2]} {row[3]}" for row in ROWS],
)
def test_t_plus_n(
    dealt: str, days: str, calendar: str, place: str, time: str, gathered: str
) -> None:
    now = instant(dealt)
    policy = {"calendar": calendar, "time_zone": place, "auto_settlement_time": time}
    desk = Settling(ALPHA, settling(None, now, **policy), VirtualClock(now))
    desk.deals(f"b 1 btc/usdt t+{days}")
    (executed,) = desk.events(ev.TradeExecuted)
    assert timestamp(executed.settles_at)[:16] == gathered
    desk.later("10d")
    assert desk.when(ev.SettlementCreated) == [gathered] and desk.states() == "settled"


def test_t_plus_0_is_today_while_there_is_time_and_else_the_next_day() -> None:
    for start, gathered in (("14:30", "2026-01-19T16:00"), ("16:00", "2026-01-20T16:00")):
        now = instant(f"2026-01-19T{start}+00:00")
        desk = Settling(ALPHA, settling(None, now, auto_settlement_days=0), VirtualClock(now))
        desk.deals("b 1 btc/usdt t+0 via otc")
        desk.later("3d")
        assert desk.when(ev.SettlementCreated) == [gathered]


def test_what_is_due_on_a_day_is_gathered_in_one_settlement() -> None:
    desk = Settling(ALPHA, settling(organization("1000000", "10")))
    desk.deals("b 1 btc/usdt t+2", "s 1 btc/usdt t+3")
    desk.later("1d")
    desk.deals("b 1 btc/usdt t+1", "b 1 btc/usdt t+2")
    desk.later("5d")
    assert desk.settlements() == [
        "S-000001 settled T-000001 T-000003",
        "S-000002 settled T-000002 T-000004",
    ]


def test_two_years_are_known_and_past_them_a_request_is_refused_with_the_reason() -> None:
    desk = Settling(ALPHA, settling())
    desk.later("729d")
    desk.deals("b 0.1 btc/usdt t+1")
    assert desk.types("b 0.1 btc/usdt t+2") == (
        "settlement: the every day calendar ends before: a restart of the desk extends it"
    )
    again = settling(None, desk.simulation.clock.now())
    desk.settings = replace(desk.settings, calendars=again.calendars)
    desk.restarts()
    desk.deals("b 0.1 btc/usdt t+2")
    desk.later("5d")
    assert desk.states() == "settled settled"


def test_a_calendar_that_ends_between_price_and_accept_refuses_the_accept() -> None:
    desk = Settling(ALPHA, settling())
    midnight = desk.settings.calendars[0].days[-1].start
    desk.simulation.run(midnight - 2 * SECOND - desk.began)
    assert desk.types("b 0.1 btc/usdt t+1") == ""
    desk.later("3s")
    assert "calendar ends before" in desk.types("p") and desk.events(ev.TradeOpened) == []


def test_the_days_are_on_record_so_that_a_replay_needs_no_tz_data() -> None:
    now = instant("2026-01-19T12:00Z")
    calendar = settlement_calendar("weekdays", "Europe/London", "16:00", now)
    assert len(calendar.days) == 523 and calendar.days[0].start_s == 1_768_780_800
    starts = [day.start for day in calendar.days]
    assert starts == sorted(starts)


@pytest.mark.parametrize(
    ("calendar", "zone", "field"),
    [("mondays", "UTC", "calendar"), ("every day", "Mars/Olympus", "time_zone"),
     ("US-ZZ", "UTC", "calendar"), ("every day", "../etc", "time_zone")],
)  # fmt: skip
def test_what_is_no_calendar_or_time_zone(calendar: str, zone: str, field: str) -> None:
    found = problem(calendar, zone)
    assert found is not None and found[0] == field
