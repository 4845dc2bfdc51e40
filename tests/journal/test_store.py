"""One writer, many readers, all or nothing."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from lpdesk.domain import commands, events
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Record
from lpdesk.journal.codec import START, Tip
from lpdesk.journal.errors import JournalBusy, JournalDamaged, JournalFailed, JournalRefused
from lpdesk.journal.reader import check_chain, read
from lpdesk.journal.store import Journal
from lpdesk.journal.writer import Writer
from tests.journal.samples import AT, filler, trading


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "desk" / "journal.db"


def write(path: Path, records: list[Record]) -> Tip:
    writer = Writer(path)
    writer.append(records, durable=True)
    writer.close()
    return writer.tip


async def collect(journal: Journal, from_seq: int = 1) -> list[Record]:
    return [record async for record in journal.records(from_seq)]


# -- what is written


async def test_what_is_appended_is_read_in_order(path: Path) -> None:
    journal = await Journal.open(path)
    assert journal.last == START
    records = trading(300)
    await journal.append(records[:1], durable=True)
    await journal.append(records[1:700], durable=False)
    await journal.append([], durable=True)
    await journal.append(records[700:], durable=True)
    assert (journal.last.seq, journal.last.at) == (1200, records[-1].at)
    assert await collect(journal) == records
    assert await collect(journal, 257) == records[256:]
    assert await collect(journal, 1201) == await collect(journal, 5000) == []
    await journal.close()
    await journal.close()
    assert list(read(path)) == records
    assert list(read(path, 1200)) == records[1199:]
    assert check_chain(path).ok


async def test_it_goes_on_after_a_restart(path: Path) -> None:
    tip = write(path, filler(5))
    journal = await Journal.open(path)
    assert journal.last == tip
    await journal.append(filler(3, 6), durable=True)
    assert await collect(journal) == filler(8)
    await journal.close()
    assert not path.with_name("journal.db-wal").exists()


def test_a_letter_no_file_can_hold_does_not_stop_the_desk(path: Path) -> None:
    bad, good = "\ud800!", "\\ud800!"
    refused = events.LpMissed(
        rfq_id="R", lp="Tor", ask_id="A", reason=Reason.DECLINED, text=bad, response_ns=1
    )
    write(path, [Record(1, AT, commands.Halt(why=bad), (refused,))])
    (record,) = read(path)
    assert record.cause == commands.Halt(why=good)
    assert query(path, "SELECT text FROM lp_quotes") == [(good,)]
    assert check_chain(path).ok


async def test_a_batch_is_written_though_its_waiter_is_cancelled(path: Path) -> None:
    journal = await Journal.open(path)
    running = asyncio.create_task(journal.append(filler(2_000), durable=True))
    queued = asyncio.create_task(journal.append(filler(1, 2_001), durable=True))
    await asyncio.sleep(0)
    for waiter in (running, queued):
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
    await journal.append(filler(1, 2_002), durable=True)
    assert journal.last.seq == 2_002
    await journal.close()


async def test_many_read_while_one_writes(path: Path) -> None:
    journal = await Journal.open(path)
    written = 0

    async def write_on() -> None:
        nonlocal written
        for batch in range(40):
            await journal.append(filler(25, 1 + 25 * batch), durable=False)
            written += 25

    async def look() -> None:
        while written < 1000:
            atleast = written
            seen = await collect(journal)
            assert len(seen) >= atleast and seen == filler(len(seen))
            known = journal.last.seq  # the writer's thread goes on meanwhile
            committed = list(read(path))
            assert len(committed) >= known and committed == filler(len(committed))

    await asyncio.gather(write_on(), look(), look())
    assert check_chain(path).tip == journal.last
    await journal.close()


def test_only_a_durable_batch_waits_for_the_disk(path: Path) -> None:
    writer, statements = Writer(path), list[str]()
    writer._connection.set_trace_callback(statements.append)
    for seq, durable in enumerate((True, False, False, True, False), 1):
        writer.append(filler(1, seq), durable)
    writer.close()
    steps = [s for s in statements if not s.startswith(("INSERT", "REPLACE"))]
    full, normal = "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"
    commit = ["BEGIN IMMEDIATE", "COMMIT"]
    assert steps == [
        *commit,
        *[normal, *commit, *commit],
        *[full, *commit],
        *[normal, *commit],
        *[full, *commit],  # closing covers the last
        *["PRAGMA busy_timeout = 0", "PRAGMA wal_checkpoint(TRUNCATE)"],
    ]


# -- what plain SQL sees


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def test_plain_sql_sees_the_days_trading(path: Path) -> None:
    write(path, trading(1))
    assert query(path, "SELECT rfq_id, state, refreshes, auto_refresh FROM rfqs") == [
        ("R-000001", "accepted", 1, 1)
    ]
    assert query(path, "SELECT quote_id, client_price, reason FROM quotes") == [
        ("Q-000001", "100050.11", "withdrawn")
    ]
    assert query(path, "SELECT lp, verdict, all_in, reason FROM lp_quotes ORDER BY lp") == [
        ("Lumen", "live", "1E-7", None),
        ("Tor", "missed", None, "late"),
    ]
    assert query(path, "SELECT state, pnl, text FROM trades") == [
        ("failed", "75.01", "to see that table too")
    ]
    assert query(path, "SELECT state, price, fill_price, filled FROM legs") == [
        ("filled", "100000.10", "2", "3")
    ]
    assert query(path, "SELECT state, amount FROM holds") == [("posted", "1" + 30 * "0")]
    assert query(path, "SELECT line, account, amount FROM postings") == [
        (0, "house", "-150075.17"),
        (1, "desk", "150075.17"),
    ]
    assert query(path, "SELECT * FROM timeline WHERE seq = 2") == [
        (2, "2026-01-19T14:30:27.123456789Z", "LpQuoted", 3)
    ]
    assert query(path, "SELECT opened, state FROM blotter") == [
        ("2026-01-19T14:30:28.123456789Z", "failed")
    ]


# -- who may open it


def modes(path: Path) -> dict[str, str]:
    return {each.name: oct(stat.S_IMODE(each.stat().st_mode)) for each in path.parent.iterdir()}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
async def test_nobody_else_can_read_it(path: Path, umask: int) -> None:
    path.parent.parent.mkdir(mode=0o700)
    if umask == 0o277:
        path.parent.mkdir(mode=0o700)  # a umask like that makes even a directory useless
    before = os.umask(umask)
    try:
        journal = await Journal.open(path)
        await journal.append(filler(1), durable=True)
    finally:
        os.umask(before)
    names = ("journal.db", "journal.db-wal", "journal.db-shm", "journal.db.lock")
    assert modes(path) == dict.fromkeys(names, "0o600")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await journal.close()


async def test_the_same_process_cannot_open_it_twice(path: Path) -> None:
    journal = await Journal.open(path)
    with pytest.raises(JournalBusy, match="another process is writing"):
        await Journal.open(path)
    await journal.append(filler(1), durable=True)
    await journal.close()
    await (await Journal.open(path)).close()


@pytest.mark.parametrize("suffix", ["", "-wal", ".lock"])
def test_a_link_is_refused(path: Path, suffix: str) -> None:
    write(path, filler(1))
    elsewhere = path.with_name("elsewhere")
    link = path.with_name(path.name + suffix)
    if link.exists():
        link.rename(elsewhere)
    link.symlink_to(elsewhere)
    with pytest.raises(JournalRefused, match="symbolic link"):
        Writer(path)


def test_a_second_name_is_refused(path: Path) -> None:
    write(path, filler(1))
    path.with_name("other.db").hardlink_to(path)
    with pytest.raises(JournalRefused, match="second name"):
        Writer(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_loose_file_is_refused(path: Path, mode: int) -> None:
    write(path, filler(1))
    path.chmod(mode)
    with pytest.raises(JournalRefused, match="open to other users"):
        Writer(path)
    assert len(list(read(path))) == 1


def test_a_strangers_file_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, filler(1))
    owner = path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(JournalRefused, match="another user"):
        Writer(path)


def test_other_files_are_refused_untouched(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with pytest.raises(JournalRefused, match="no journal"):
        next(read(path))
    path.write_bytes(b"not a database at all" * 100)
    path.chmod(0o600)
    with pytest.raises(JournalRefused, match="not a journal"):
        Writer(path)
    assert path.read_bytes() == b"not a database at all" * 100
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE mail (text)")
    path.chmod(0o600)
    for opening in (lambda: Writer(path), lambda: next(read(path))):
        with pytest.raises(JournalRefused, match="some other SQLite database"):
            opening()


def test_a_newer_format_is_refused(path: Path) -> None:
    write(path, filler(1))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(JournalRefused, match="format 99"):
        Writer(path)


def test_a_damaged_end_is_refused_at_opening(path: Path) -> None:
    write(path, filler(9))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER records_never_change")
        connection.execute("UPDATE records SET at = at + 1 WHERE seq = 7")
    with pytest.raises(JournalDamaged, match="record 7: hash differs"):
        Writer(path)
    with pytest.raises(JournalDamaged, match="record 7: hash differs"):
        list(read(path))


def test_a_gap_before_the_checked_end_is_refused_at_opening(path: Path) -> None:
    write(path, filler(1_500))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER records_never_go")
        connection.execute("DELETE FROM records WHERE seq = 17")
    with pytest.raises(JournalDamaged, match="record 17: missing"):
        Writer(path)


def test_a_shell_cannot_change_a_record(path: Path) -> None:
    write(path, filler(1))
    with closing(sqlite3.connect(path)) as shell:
        for statement in ("UPDATE records SET at = 1", "DELETE FROM records"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                shell.execute(statement)


# -- when it fails


@pytest.mark.parametrize("table", ["records", "postings", "tip"])
async def test_a_failed_batch_leaves_nothing_and_ends_the_journal(path: Path, table: str) -> None:
    write(path, trading(2))
    with closing(sqlite3.connect(path)) as shell:
        shell.execute(
            f"CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    before = dump(path)
    journal = await Journal.open(path)
    tip = journal.last
    for records in (trading(1, 9), filler(1, 9), []):
        if records:
            with pytest.raises(JournalFailed, match="full"):
                await journal.append(records, durable=True)
    assert journal.last == tip
    await journal.close()
    assert dump(path) == before
    assert check_chain(path).tip == tip


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@pytest.mark.parametrize(
    ("records", "why"),
    [
        (filler(1, 3), "record 3 cannot follow record 1"),
        (filler(1, 1), "record 1 cannot follow record 1"),
        ([Record(2, 0, commands.Resume(), ())], "back in time"),
        ([*filler(1, 2), filler(1, 4)[0]], "record 4 cannot follow record 2"),
        ([Record(2, 2**63, commands.Resume(), ())], "too large"),
    ],
)
async def test_what_does_not_follow_fails(path: Path, records: list[Record], why: str) -> None:
    journal = await Journal.open(path)
    await journal.append(filler(1), durable=True)
    with pytest.raises(JournalFailed, match=why):
        await journal.append(records, durable=True)
    with pytest.raises(JournalFailed, match=why):
        await journal.append(filler(1, 2), durable=True)
    await journal.close()
    assert list(read(path)) == filler(1)


async def test_a_closed_journal_refuses(path: Path) -> None:
    journal = await Journal.open(path)
    await journal.close()
    with pytest.raises(JournalFailed, match="closed"):
        await journal.append(filler(1), durable=True)


async def test_a_locked_file_fails_in_bounded_time_and_the_loop_runs_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lpdesk.journal.writer.BUSY_SECONDS", 0.1)
    journal = await Journal.open(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        attempt = asyncio.create_task(journal.append(filler(1), durable=True))
        turns = 0
        while not attempt.done():
            turns += 1
            await asyncio.sleep(0)
        with pytest.raises(JournalFailed, match="locked"):
            await attempt
        assert turns > 100
    await journal.close()
    assert list(read(path)) == []
