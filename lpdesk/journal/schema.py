"""The file's shape: numbered migrations from `schema.sql`, and whether a file is ours at all."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

from lpdesk.journal.errors import UNREADABLE, JournalRefused

APPLICATION_ID = 0x4C50444B  # "LPDK" in the file's header

_TEXT = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
MIGRATIONS = tuple(re.split(r"^-- migration \d+$", _TEXT, flags=re.MULTILINE)[1:])
NEWEST = len(MIGRATIONS)


def version(connection: sqlite3.Connection) -> int:
    """The schema's number, 0 for an empty file. Raises `JournalRefused` for any other file."""
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (number,) = connection.execute("PRAGMA user_version").fetchone()
        (objects,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except UNREADABLE as error:
        raise JournalRefused(f"not a journal: {error}") from error
    if (application, number, objects) == (0, 0, 0):
        return 0
    if application != APPLICATION_ID:
        raise JournalRefused("not a journal, but some other SQLite database")
    if not 1 <= number <= NEWEST:
        raise JournalRefused(f"written by another lpdesk: format {number}, this one knows {NEWEST}")
    return int(number)


def migrate(connection: sqlite3.Connection, retell: Callable[[], None] = lambda: None) -> None:
    """To the newest schema, one transaction for each step. May raise sqlite3.Error.

    `retell` writes the tables anew from the records, inside the last step: an older desk did not
    know what a newer table says of them.
    """
    before = version(connection)
    for number in range(before, NEWEST):
        connection.executescript(
            f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID};"
            f"{MIGRATIONS[number]}; PRAGMA user_version = {number + 1}"
        )
        if before and number + 1 == NEWEST:
            retell()
        connection.execute("COMMIT")
