"""A journal as a session: every place in it looks as it did, however one gets there."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path
from random import Random
from time import perf_counter

import pytest

from lpdesk import replay
from lpdesk.clock import VirtualClock
from lpdesk.domain import commands as cmd
from lpdesk.domain.record import Record
from lpdesk.domain.values import MILLISECOND, SECOND
from lpdesk.journal.errors import JournalRefused
from lpdesk.journal.writer import Writer
from lpdesk.replay import MARKERS, ReplaySession
from lpdesk.views import DeskView, fold, lineage
from tests.cli.damage import flip
from tests.cli.days import keep, long_day, short_day


def views(records: list[Record]) -> list[DeskView]:
    """The view at every seq, folded from the start; the first is before any record."""
    return list(accumulate(records, fold, initial=DeskView()))


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return short_day().records


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def path(tmp_path: Path, records: list[Record]) -> Path:
    return keep(tmp_path / "day.db", records)


@pytest.fixture
def session(path: Path, clock: VirtualClock) -> ReplaySession:
    return ReplaySession(path, clock)


def test_it_begins_at_the_end(session: ReplaySession, records: list[Record]) -> None:
    assert session.view == views(records)[-1]
    assert session.position == (len(records), len(records))
    assert session.now() == records[-1].at
    assert (session.label, session.playing, session.can_command) == ("REPLAY", False, False)


async def test_it_takes_no_orders(session: ReplaySession) -> None:
    with pytest.raises(PermissionError):
        await session.submit(cmd.Halt())


def test_any_seek_shows_what_a_fold_from_the_start_shows(
    path: Path, records: list[Record], clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With pages so small, and so few views kept, that every way of getting there is used."""
    monkeypatch.setattr(replay, "PAGE", 4)
    monkeypatch.setattr(replay, "MAX_KEPT", 8)
    session, wanted, random = ReplaySession(path, clock), views(records), Random(1)
    for _ in range(300):
        if random.random() < 0.5:
            session.seek_seq(random.randint(0, len(records)))
        else:
            session.step(random.randint(-6, 6))
        seq = session.position[0]
        assert session.view == wanted[seq]
        assert session.now() == records[max(seq, 1) - 1].at


def test_steps_and_seeks_stop_at_the_ends(session: ReplaySession, records: list[Record]) -> None:
    session.seek_seq(10**9)
    assert session.position[0] == len(records)
    session.step(-(10**9))
    assert session.position[0] == 0 and session.view == DeskView()
    session.seek_time(0)
    assert session.now() == records[0].at


def test_a_time_between_two_records_is_a_place(
    session: ReplaySession, records: list[Record]
) -> None:
    """A dealer remembers when, and the countdown then said something in between."""
    number = next(n for n, r in enumerate(records) if records[n + 1].at - r.at > 5 * MILLISECOND)
    session.seek_time(records[number].at + MILLISECOND)
    assert session.position[0] == records[number].seq
    assert session.now() == records[number].at + MILLISECOND


def test_the_same_place_is_the_same_object(session: ReplaySession) -> None:
    """A screen that holds the same view has nothing to draw."""
    session.seek_seq(7)
    assert session.view is session.view


def test_it_plays_as_it_happened(
    session: ReplaySession, records: list[Record], clock: VirtualClock
) -> None:
    session.seek_seq(1)
    session.set_speed(2)
    session.toggle_play()
    began, wanted = session.now(), views(records)
    for _ in range(200):
        clock.advance_to(clock.now() + 10 * MILLISECOND)
        assert session.now() - began == (clock.now() - VirtualClock().now()) * 2
        due = sum(record.at <= session.now() for record in records)
        assert session.view == wanted[due]
    session.toggle_play()
    stopped = session.now()
    clock.advance_to(clock.now() + SECOND)
    assert session.now() == stopped and not session.playing


def test_playing_ends_at_the_end_and_begins_anew(
    session: ReplaySession, records: list[Record], clock: VirtualClock
) -> None:
    session.seek_seq(len(records) - 1)
    session.toggle_play()
    clock.advance_to(clock.now() + 3600 * SECOND)
    assert session.view.seq == len(records)
    assert not session.playing and session.now() == records[-1].at
    session.toggle_play()
    assert session.playing and session.now() == records[0].at


@pytest.mark.parametrize("speed", [0, -1, 1001, float("nan")])
def test_no_speed_is_out_of_range(session: ReplaySession, speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        session.set_speed(speed)


def test_markers_are_what_a_dealer_looks_for(session: ReplaySession, records: list[Record]) -> None:
    marked = [r.seq for r in records if any(isinstance(event, MARKERS) for event in r.events)]
    session.seek_seq(0)
    seen = []
    while session.seek_marker(1):
        seen.append(session.position[0])
    assert seen == marked and len(marked) > 8
    back = [session.position[0]]
    while session.seek_marker(-1):
        back.append(session.position[0])
    assert back == marked[::-1]


def test_it_follows_a_journal_that_grows(
    tmp_path: Path, records: list[Record], clock: VirtualClock
) -> None:
    path = tmp_path / "live.db"
    writer = Writer(path)
    writer.append(records[:20], durable=True)
    clock = VirtualClock(records[19].at)
    session = ReplaySession(path, clock, follow=True)
    assert session.position == (20, 20) and session.playing
    writer.append(records[20:], durable=True)
    assert session.position == (20, 20), "asked again too soon"
    clock.advance_to(records[-1].at)
    assert session.position == (len(records), len(records))
    assert session.view == views(records)[-1]
    assert session.now() == clock.now()
    writer.close()


def test_a_damaged_journal_is_shown_up_to_the_damage(
    path: Path, records: list[Record], clock: VirtualClock
) -> None:
    damaged = flip(path, b'"type":"TradeSettled"')
    session = ReplaySession(path, clock)
    assert session.position[1] == damaged - 1
    assert session.label == f"REPLAY, DAMAGED: record {damaged}: hash differs"
    assert session.view == views(records)[damaged - 1]


def test_there_must_be_a_journal(tmp_path: Path, clock: VirtualClock) -> None:
    with pytest.raises(JournalRefused):
        ReplaySession(tmp_path / "none.db", clock)


@pytest.mark.slow
def test_seeking_in_a_long_journal_takes_no_time(tmp_path: Path, clock: VirtualClock) -> None:
    """As long as a morning; what a seek costs does not grow with the journal."""
    records = long_day(10_000)
    session, random = ReplaySession(keep(tmp_path / "long.db", records), clock), Random(1)
    times = []
    for _ in range(50):
        seq = random.randint(1, len(records))
        began = perf_counter()
        session.seek_seq(seq)
        times.append(perf_counter() - began)
        assert session.view.seq == seq
    assert sorted(times)[25] < 0.1


async def test_the_records_about_a_trade_are_those_up_to_the_place(
    session: ReplaySession, records: list[Record]
) -> None:
    of = lineage("T-000002", records)
    assert of.steps and lineage("T-000002", await session.about("T-000002")) == of
    session.seek_seq(of.steps[-1].seq - 1)
    before = lineage("T-000002", await session.about("T-000002"))
    assert before.steps == tuple(s for s in of.steps if s.seq < of.steps[-1].seq)
    assert await session.about("T-999999") == []
