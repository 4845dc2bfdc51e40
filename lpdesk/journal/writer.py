"""The one connection that writes. Synchronous: `Journal` runs it on a thread of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from lpdesk.domain.record import Record
from lpdesk.journal import mark, schema
from lpdesk.journal.codec import Row, Tip, presentable, seal
from lpdesk.journal.errors import UNREADABLE, JournalDamaged, JournalFailed, JournalRefused
from lpdesk.journal.files import Lock, secure
from lpdesk.journal.projections import TABLES
from lpdesk.journal.reader import Chain, check_end, walk
from lpdesk.journal.rows import project

TAIL = 1_000
"""Records whose hashes are checked when a journal is opened; reading checks the others."""

BUSY_SECONDS = 5.0
"""How long a write waits for somebody's `sqlite3` shell before the journal fails."""

_SETTINGS = f"""
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA journal_size_limit = {64 << 20};
"""
_INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?)"
_TIP = "REPLACE INTO tip VALUES (1, ?, ?)"
_GAP = """
SELECT place FROM (SELECT seq, row_number() OVER (ORDER BY seq) AS place FROM records)
WHERE seq <> place LIMIT 1
"""


class Writer:
    """A journal open for writing; every call must come from the thread that made it."""

    def __init__(self, path: Path) -> None:
        """Open or create. Raises `JournalBusy`, `JournalRefused`, `JournalDamaged`."""
        new = secure(path)
        with ExitStack() as held:
            self._lock = Lock(path)
            held.callback(self._lock.release)
            if new:
                self._lock.write(b"")  # it may be left of another journal
            mark.check(path)
            try:
                self._connection = sqlite3.connect(path, BUSY_SECONDS, isolation_level=None)
                held.callback(self._connection.close)
                self.tip = self._prepare()
            except UNREADABLE as error:
                raise JournalRefused(f"cannot open {path}: {error}") from error
            first = self._connection.execute("SELECT hash FROM records WHERE seq = 1").fetchone()
            self._first: bytes = first[0] if first else b""  # which journal this is
            self._held = held.pop_all()
        self._durable = True
        self._failed = ""

    def _prepare(self) -> Tip:
        schema.version(self._connection)  # before the first write to a file that may not be ours
        self._connection.executescript(_SETTINGS)
        schema.migrate(self._connection, self._retell)
        if gap := self._connection.execute(_GAP).fetchone():
            raise JournalDamaged(gap[0], "missing")
        (last,) = self._connection.execute("SELECT ifnull(max(seq), 0) FROM records").fetchone()
        chain = Chain(last - TAIL + 1)
        for _ in walk(self._connection, chain):
            pass
        check_end(self._connection, chain.tip)
        return chain.tip

    def _retell(self) -> None:
        """The tables anew, from every record."""
        for table in TABLES:
            self._connection.execute(f"DELETE FROM {table}")
        project(self._connection, walk(self._connection, Chain()))

    def append(self, records: Sequence[Record], durable: bool) -> None:
        """Commit all of `records` or none; with `durable`, on the disk when this returns.

        Raises `JournalFailed`, and nothing else ever after: what a failed commit left is unknown.
        """
        if self._failed:
            raise JournalFailed(self._failed)
        try:
            self.tip = self._commit(records, durable)
            if durable and self.tip.seq:
                mark.note(self._lock, self._first, self.tip)
        except Exception as error:  # a full disk or a bug: either way the desk must halt
            self._failed = f"the journal failed: {error}"
            with suppress(sqlite3.Error):
                self._connection.rollback()
            raise JournalFailed(self._failed) from error

    def _commit(self, records: Sequence[Record], durable: bool) -> Tip:
        execute = self._connection.execute
        if durable is not self._durable:
            execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        execute("BEGIN IMMEDIATE")  # never an implicit one: its errors can get lost
        sealed, rows = _sealed(records, self.tip)
        self._connection.executemany(
            _INSERT,
            [(row.seq, row.at, row.cause.decode(), row.events.decode(), row.hash) for row in rows],
        )
        project(self._connection, sealed)
        tip = rows[-1].tip if rows else self.tip
        if rows and rows[0].seq == 1:
            self._first = rows[0].hash
        execute(_TIP, (tip.seq, tip.hash))
        execute("COMMIT")
        return tip

    def close(self) -> None:
        """Empty the write-ahead log into the file and let go. Raises `JournalFailed`."""
        with self._held:
            if self._failed:
                return
            if not self._durable:
                self.append((), durable=True)
            try:
                self._connection.execute("PRAGMA busy_timeout = 0")  # no waiting for readers
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            except sqlite3.Error as error:
                raise JournalFailed(f"the last checkpoint failed: {error}") from error


def _sealed(records: Sequence[Record], tip: Tip) -> tuple[list[Record], list[Row]]:
    """The records, each presentable, and their rows."""
    sealed, rows = list[Record](), list[Row]()
    last: Tip | Row = tip
    for record in records:
        try:
            last = seal(record, last)
        except UnicodeEncodeError:
            record = presentable(record)
            last = seal(record, last)
        sealed.append(record)
        rows.append(last)
    return sealed, rows
