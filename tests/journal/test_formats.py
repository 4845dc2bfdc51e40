"""A journal of an older lpdesk, opened by this one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from lpdesk.journal import schema
from lpdesk.journal.codec import START, seal
from lpdesk.journal.reader import check_chain
from lpdesk.journal.writer import Writer
from tests.journal.samples import trading


def count(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM breaks").fetchone()[0])


def test_an_older_format_is_told_anew(tmp_path: Path) -> None:
    """What a newer table says is in the old records: opening the journal writes it down."""
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as old:
        path.chmod(0o600)
        old.executescript(
            f"PRAGMA application_id = {schema.APPLICATION_ID};"
            f"{schema.MIGRATIONS[0]}; PRAGMA user_version = 1"
        )
        tip = START
        for record in trading(1):
            row = seal(record, tip)
            tip = row.tip
            old.execute(
                "INSERT INTO records VALUES (?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?)", row
            )
        old.execute("REPLACE INTO tip VALUES (1, ?, ?)", (tip.seq, tip.hash))
        old.commit()
    assert check_chain(path).ok  # the tables of an older format are not compared
    Writer(path).close()
    assert check_chain(path).ok
    assert count(path) == 1
