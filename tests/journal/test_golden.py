"""Journals that older desks have written: they are read, decided again alike, and carried on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lpdesk.domain import reports
from lpdesk.domain.record import Record
from lpdesk.journal import schema
from lpdesk.journal.reader import check_chain, read
from lpdesk.journal.writer import Writer
from lpdesk.replay import verify

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.sql"))


@pytest.fixture(params=GOLDEN, ids=[path.stem for path in GOLDEN])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(request.param.read_text(encoding="utf-8"))
    path.chmod(0o600)
    return path


def test_it_is_read_as_it_is(journal: Path) -> None:
    assert check_chain(journal).ok
    verdict = verify(journal)
    assert verdict.ok, verdict.sentence
    with closing(sqlite3.connect(journal)) as connection:
        assert schema.version(connection) < schema.NEWEST  # reading it has changed nothing


def test_it_is_carried_on_in_todays_format(journal: Path) -> None:
    """Its tables are brought up to date, as if today's desk had written them."""
    last = list(read(journal))[-1]
    writer = Writer(journal)
    pulse = Record(last.seq + 1, last.at + 1, reports.Pulse(), ())
    writer.append([pulse], durable=True)
    writer.close()
    result = check_chain(journal)
    assert result.ok, result.why
    assert verify(journal).ok
