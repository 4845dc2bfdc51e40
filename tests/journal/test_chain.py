"""No change goes unseen, and the first bad record is named."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import copyfile

import pytest

from lpdesk.journal.errors import JournalDamaged, JournalError
from lpdesk.journal.projections import TABLES
from lpdesk.journal.reader import check_chain, read
from lpdesk.journal.writer import Writer
from lpdesk.replay import verify
from tests.journal.samples import filler, trading

RFQS = 5
BAD = 14  # one of the middle: a record with every kind of event of a quoting


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "journal.db"
    writer = Writer(path)
    writer.append(trading(RFQS), durable=True)
    writer.close()
    assert check_chain(path).ok
    return path


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    copyfile(whole, copy := tmp_path / "journal.db")
    return copy


@contextmanager
def tampering(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER records_never_change")
        connection.execute("DROP TRIGGER records_never_go")
        yield connection


def found(path: Path) -> tuple[int | None, str]:
    result = check_chain(path)
    assert result.ok is (result.seq is None)
    return result.seq, result.why


@pytest.mark.parametrize("column", ["cause", "events", "hash"])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.5, 0.7, 1.0])
@pytest.mark.parametrize("bit", [1, 128])
def test_a_flipped_bit_is_found(path: Path, column: str, part: float, bit: int) -> None:
    """At the ends it breaks the JSON, between them a name, a number or a text; 128 breaks UTF-8."""
    with tampering(path) as connection:
        query = f"SELECT CAST({column} AS BLOB) FROM records WHERE seq = {BAD}"
        (data,) = connection.execute(query).fetchone()
        place = round(part * (len(data) - 1))
        changed = data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]
        value = "?" if column == "hash" else "CAST(? AS TEXT)"
        connection.execute(f"UPDATE records SET {column} = {value} WHERE seq = {BAD}", (changed,))
    assert found(path) == (BAD, "hash differs")
    assert list_until_damage(path) == trading(RFQS)[: BAD - 1]


def list_until_damage(path: Path) -> list[object]:
    records: list[object] = []
    with pytest.raises(JournalDamaged) as damage:
        records.extend(read(path))
    assert damage.value.seq == len(records) + 1
    return records


@pytest.mark.parametrize("bit", [0, 1, 20, 40, 62])
def test_a_flipped_bit_of_the_time_is_found(path: Path, bit: int) -> None:
    with tampering(path) as connection:
        connection.execute(f"UPDATE records SET at = at + (1 << {bit}) WHERE seq = {BAD}")
    assert found(path) == (BAD, "hash differs")


@pytest.mark.parametrize("seq", [0, -1, BAD + 100, 1 << 62])
def test_a_changed_number_is_found(path: Path, seq: int) -> None:
    with tampering(path) as connection:
        connection.execute(f"UPDATE records SET seq = {seq} WHERE seq = {BAD}")
    assert found(path)[0] in (1, BAD)
    assert found(path)[0] == BAD or seq < 1


def test_a_missing_record_is_found(path: Path) -> None:
    with tampering(path) as connection:
        connection.execute(f"DELETE FROM records WHERE seq = {BAD}")
    assert found(path) == (BAD, f"missing; the next one is {BAD + 1}")


def test_a_missing_end_is_found(path: Path) -> None:
    with tampering(path) as connection:
        connection.execute(f"DELETE FROM records WHERE seq >= {BAD}")
    assert found(path) == (BAD, "missing; the journal once ended with record 20")


def test_missing_records_are_found_though_the_end_was_moved(path: Path) -> None:
    with tampering(path) as connection:
        connection.execute(f"DELETE FROM records WHERE seq >= {BAD}")
        connection.execute(
            "UPDATE tip SET (seq, hash) = (SELECT seq, hash FROM records ORDER BY seq DESC LIMIT 1)"
        )
    seq, why = found(path)
    assert "differs from the events" in why
    assert seq in (BAD - 1, BAD)


@pytest.mark.parametrize("columns", ["cause, events", "at, cause, events, hash"])
def test_swapped_records_are_found(path: Path, columns: str) -> None:
    with tampering(path) as connection:
        source = f"(SELECT {columns} FROM old WHERE old.seq = {2 * BAD + 1} - records.seq)"
        connection.executescript(
            "CREATE TEMP TABLE old AS SELECT * FROM records;"
            f"UPDATE records SET ({columns}) = {source} WHERE seq IN ({BAD}, {BAD + 1})"
        )
    assert found(path) == (BAD, "hash differs")


def test_an_added_record_is_found(path: Path) -> None:
    with tampering(path) as connection:
        connection.execute(
            "INSERT INTO records SELECT seq + 1, at, cause, events, hash FROM records"
            " ORDER BY seq DESC LIMIT 1"
        )
    assert found(path) == (21, "hash differs")


TOLD = {
    **dict.fromkeys(("quotes", "quote_legs", "trades"), "lp"),
    **dict.fromkeys(("legs", "breaks", "scorecards"), "lp"),
    **dict.fromkeys(("rfqs", "client_quotes"), "symbol"),
    **dict.fromkeys(("holds", "postings", "shortfalls", "cash"), "account"),
    "api_requests": "digest",
    "settlements": "desk",
    "settlement_trades": "trade_id",
    "attempts": "state",
    "outbox": "payload",
    "deliveries": "state",
    "endpoints": "text",
}
"""A column of each table that tells a story."""


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET {} = 'x'"])
def test_a_table_that_tells_another_story_is_found(path: Path, table: str, change: str) -> None:
    with tampering(path) as connection:
        column = TOLD[table]
        key = TABLES[table]
        where = f" WHERE ({key}) = (SELECT {key} FROM {table} ORDER BY seq DESC LIMIT 1)"
        connection.execute(change.format(table, column) + where)
    seq, why = found(path)
    assert why == f"table {table} differs from the events"
    assert seq in range(17, 21)
    assert check_chain(path, projections=False).ok


def test_a_cut_file_is_found(path: Path) -> None:
    """At every page: unreadable or with a record less, never a shorter journal that looks whole."""
    data = path.read_bytes()
    for size in range(4096, len(data), 4096):
        path.write_bytes(data[:size])
        try:
            assert not check_chain(path).ok
        except JournalError as error:
            assert "not a journal" in str(error)  # noqa: PT017


@pytest.mark.parametrize("bit", [pytest.param(1, marks=pytest.mark.long), 128])
def test_damage_anywhere_in_the_file_is_found_or_harmless(path: Path, bit: int) -> None:
    """In free space and in indexes too: never a record that is not ours."""
    data, records, seen = path.read_bytes(), trading(RFQS), 0
    for place in range(0, len(data), 64 * 7):
        path.write_bytes(data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :])
        try:
            ok = check_chain(path).ok
            assert list(read(path)) == records
        except JournalError:
            ok = False
        seen += not ok
    assert seen > 30


@pytest.fixture
def logged(tmp_path: Path) -> Path:
    """A journal whose desk was killed: all of it is in the write-ahead log still."""
    writer = Writer(path := tmp_path / "there" / "journal.db")
    writer.append(trading(RFQS), durable=True)
    return killed(writer, path, tmp_path / "killed")


def killed(writer: Writer, path: Path, folder: Path) -> Path:
    """What is on the disk, before the writer can end in order."""
    folder.mkdir(0o700)
    for end in ("", "-wal", ".lock"):
        copyfile(f"{path}{end}", copy := folder / f"{path.name}{end}")
        copy.chmod(0o600)
    writer.close()
    return folder / path.name


@pytest.mark.parametrize("part", [0.001, 0.2, 0.5, 0.99])
def test_a_flipped_bit_of_the_log_is_found(logged: Path, part: float) -> None:
    """SQLite takes what is before it for all there is. Nothing is done to what is left."""
    log = logged.with_name("journal.db-wal")
    damaged = bytearray(log.read_bytes())
    damaged[round(part * len(damaged))] ^= 4
    log.write_bytes(damaged)
    for _ in range(2):
        with pytest.raises(JournalDamaged, match=r"on the disk once, so says journal\.db\.lock"):
            Writer(logged)
        assert log.read_bytes() == damaged
    if part > 0.1:  # else there is no journal left to verify
        verdict = verify(logged)
        assert not verdict.ok and "on the disk once" in verdict.why


def test_a_log_without_a_flaw_is_taken_in(logged: Path) -> None:
    Writer(logged).close()
    assert list(read(logged)) == trading(RFQS)


def test_what_was_not_durable_is_not_missed(tmp_path: Path) -> None:
    """A power cut may take what nobody was told of."""
    told, rest = trading(RFQS)[:-3], trading(RFQS)[-3:]
    writer = Writer(path := tmp_path / "there" / "journal.db")
    writer.append(told, durable=True)
    log = path.with_name("journal.db-wal").read_bytes()
    writer.append(rest, durable=False)
    cut = killed(writer, path, tmp_path / "cut")
    cut.with_name("journal.db-wal").write_bytes(log)
    Writer(cut).close()
    assert list(read(cut)) == told


def test_a_new_journal_in_the_place_of_another_owes_it_nothing(logged: Path) -> None:
    """The lock's file stays behind when a journal is deleted."""
    for end in ("", "-wal"):
        logged.with_name(f"journal.db{end}").unlink()
    writer = Writer(logged)
    writer.append(trading(1), durable=True)
    writer.close()
    Writer(logged).close()


def test_a_journal_that_was_put_in_the_place_of_another_is_its_own(
    logged: Path, tmp_path: Path
) -> None:
    logged.with_name("journal.db-wal").unlink()
    writer = Writer(other := tmp_path / "other.db")
    writer.append(filler(3), durable=True)
    writer.close()
    copyfile(other, logged)
    Writer(logged).close()
    assert list(read(logged)) == filler(3)
