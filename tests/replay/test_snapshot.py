"""A snapshot beside a journal: the desk that starts from it is the desk that ran it all again."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from lpdesk import rerun
from lpdesk.clock import VirtualClock
from lpdesk.domain.record import Record
from lpdesk.engines.strategy import avellaneda
from lpdesk.journal.errors import JournalRefused
from lpdesk.journal.store import Journal
from lpdesk.journal.writer import Writer
from lpdesk.rerun import Rerun, recall, take_snapshot
from lpdesk.runtime import Runtime
from lpdesk.snapshots import EVERY, Snapshots
from tests.cli.days import keep, short_day
from tests.tui.markets import working

DAYS: dict[str, Callable[[], list[Record]]] = {
    "four trades": lambda: short_day().records,
    "a desk at work, makers quoting": lambda: working().sim.records,
}


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return short_day().records


@pytest.fixture
def journal(tmp_path: Path, records: list[Record]) -> Path:
    """A day with its snapshot."""
    path = keep(tmp_path / "day.db", records)
    assert take_snapshot(path) == len(records) == recall(path).seq
    return path


def snapshot_of(journal: Path) -> Path:
    return journal.with_name(journal.name + ".snapshot")


@pytest.mark.parametrize("day", DAYS)
def test_snapshot_and_tail_are_the_whole_journal(tmp_path: Path, day: str) -> None:
    """I30. Taken four times along the day, each from the one before; `take` compares decisions."""
    records, whole = DAYS[day](), Rerun()
    places = [round(len(records) * part / 4) for part in range(5)]
    path = keep(tmp_path / "day.db", [])
    for first, last in pairwise(places):
        append(path, records[first:last])
        for record in records[first:last]:
            whole.take(record)
        assert take_snapshot(path) == last
        again = recall(path)
        assert (again.seq, again.at, again.view) == (last, whole.at, whole.view)
        for record in records[last:]:
            again.take(record)
        assert again.desk.next_due() == rerun_of(records).desk.next_due()


def append(path: Path, records: list[Record]) -> None:
    writer = Writer(path)
    writer.append(records, durable=False)
    writer.close()


def rerun_of(records: list[Record]) -> Rerun:
    whole = Rerun()
    for record in records:
        whole.take(record)
    return whole


async def test_a_desk_starts_from_it(journal: Path, records: list[Record]) -> None:
    day = short_day()
    day.deal()
    append(journal, more := day.records[len(records) :])
    live = await Journal.open(journal)
    runtime = Runtime(live, VirtualClock())
    assert await runtime.resume() == len(records)
    await live.close()
    assert runtime.view.seq == len(records) + len(more)


async def test_a_running_desk_has_it_taken_by_another_process(
    tmp_path: Path, records: list[Record]
) -> None:
    path = keep(tmp_path / "day.db", records)
    keeper = Snapshots(path, taken=0)
    keeper.heard(Record(EVERY - 1, 0, records[0].cause, ()))
    assert keeper.working is None
    keeper.heard(Record(EVERY, 0, records[0].cause, ()))
    assert keeper.working
    await keeper.working
    assert recall(path).seq == len(records)
    await keeper.close()


def test_a_flipped_bit_anywhere_is_seen(journal: Path) -> None:
    path = snapshot_of(journal)
    whole = path.read_bytes()
    for place in [*range(300), *range(300, len(whole), 997), len(whole) - 1]:
        damaged = bytearray(whole)
        damaged[place] ^= 4
        path.write_bytes(damaged)
        assert recall(journal).seq == 0, place
    for end in (0, 10, 400, len(whole) - 1):
        path.write_bytes(whole[:end])
        assert recall(journal).seq == 0, end
    path.write_bytes(whole)
    assert recall(journal).seq > 0


def test_another_code_does_not_use_it(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rerun, "code", lambda: "another")
    assert recall(journal).seq == 0


def test_nor_another_journal(journal: Path, records: list[Record], tmp_path: Path) -> None:
    """Say, one that lost its last records with the power."""
    shorter = keep(tmp_path / "shorter.db", records[:-1])
    snapshot_of(journal).rename(snapshot_of(shorter))
    assert recall(shorter).seq == 0


def test_a_snapshot_that_others_may_write_to_is_not_read(journal: Path) -> None:
    path = snapshot_of(journal)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o620)
    assert recall(journal).seq == 0
    path.chmod(0o600)
    os.link(path, path.with_name("second"))
    assert recall(journal).seq == 0


def test_a_strategy_that_is_gone_is_named_as_without_a_snapshot(tmp_path: Path) -> None:
    records = working().sim.records
    path = keep(tmp_path / "day.db", records)
    assert take_snapshot(path) == recall(path).seq == len(records)
    assert recall(path, {"avellaneda": avellaneda}).seq == 0
    with pytest.raises(JournalRefused, match="levels, a strategy that is not installed"):
        take_snapshot(path, {"avellaneda": avellaneda})


def test_what_did_not_get_on_the_disk_takes_no_room_there(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = sorted(journal.parent.iterdir())
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        take_snapshot(journal)
    assert sorted(journal.parent.iterdir()) == before and recall(journal).seq > 0
