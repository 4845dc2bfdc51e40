"""What a FIX session must never forget: both counters, and the exact bytes of what it sent.

One SQLite file a session, mode 0600, beside the journal. Numbers are on the disk before the bytes
that carry them leave; a message whose checksum is off is never sent again, and none is rebuilt.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path
from threading import Lock
from typing import NamedTuple
from zlib import crc32

from lpdesk.venues.notes import private

LOGON = "A"
"""Never sent again, and not kept: it has the password in it."""

KEPT = 20_000
"""Messages kept for resends; older ones can only be gap-filled."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS numbers (
    id INTEGER PRIMARY KEY CHECK (id = 1), next_out INTEGER NOT NULL, next_in INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS sent (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, raw BLOB NOT NULL, crc INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS orders (
    order_id TEXT PRIMARY KEY, raw BLOB NOT NULL, crc INTEGER NOT NULL
) STRICT;
"""


_PRUNE = "DELETE FROM orders WHERE rowid <= (SELECT max(rowid) FROM orders) - ?"


class Sent(NamedTuple):
    """One message as it went out. `order_id` of an order: kept beyond resets of the numbers."""

    number: int
    kind: str
    raw: bytes
    order_id: str = ""


class Store:
    """One session's memory. `save` may run in a thread; everything else is for the loop."""

    def __init__(self, path: Path | None) -> None:
        """Opens or makes the file; None keeps everything in memory. Raises ValueError."""
        self.durable = path is not None
        self._lock = Lock()
        try:
            if path is not None:
                private(path)
            self._db = sqlite3.connect(
                path or ":memory:", isolation_level=None, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")
            self._db.executescript(_SCHEMA)
            self._db.execute("DELETE FROM sent WHERE kind = ?", (LOGON,))  # older ones kept them
            row = self._db.execute("SELECT next_out, next_in FROM numbers").fetchone()
        except (OSError, sqlite3.Error) as trouble:
            where = path.name if path else "memory"
            raise ValueError(f"FIX session file {where} cannot be used: {trouble}") from None
        self.next_out: int = row[0] if row else 1
        self.next_in: int = row[1] if row else 1

    def save(self, batch: Sequence[Sent], next_out: int, next_in: int, *, reset: bool) -> None:
        """Durable on return: what is about to leave, and where both counters stand.

        With `reset` the counters began anew with `batch`, and what was sent before is gone.
        """
        kept = (s for s in batch if s.kind != LOGON)
        rows = [(s.number, s.kind, s.raw, _crc(s.number, s.raw)) for s in kept]
        orders = [(s.order_id, s.raw, crc32(s.raw)) for s in batch if s.order_id]
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                if reset:
                    self._db.execute("DELETE FROM sent")
                self._db.executemany("INSERT OR REPLACE INTO sent VALUES (?, ?, ?, ?)", rows)
                self._db.executemany("INSERT OR REPLACE INTO orders VALUES (?, ?, ?)", orders)
                if orders:
                    self._db.execute(_PRUNE, (KEPT,))
                if rows:
                    self._db.execute("DELETE FROM sent WHERE number <= ?", (next_out - KEPT,))
                self._db.execute(
                    "INSERT OR REPLACE INTO numbers VALUES (1, ?, ?)", (next_out, next_in)
                )
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise

    def sent(self, first: int, last: int, kinds: Collection[str], limit: int) -> list[Sent]:
        """The newest `limit` undamaged messages of these kinds from `first` to `last`, in order."""
        marks = ", ".join("?" for _ in kinds)
        with self._lock:
            rows = self._db.execute(
                "SELECT number, kind, raw, crc FROM sent WHERE number BETWEEN ? AND ? "
                f"AND kind IN ({marks}) ORDER BY number DESC LIMIT ?",
                (first, last, *sorted(kinds), limit),
            ).fetchall()
        return [Sent(n, kind, raw) for n, kind, raw, crc in reversed(rows) if crc == _crc(n, raw)]

    def order(self, order_id: str) -> bytes | None:
        """The bytes of an order as it went out, whenever that was."""
        with self._lock:
            row = self._db.execute(
                "SELECT raw, crc FROM orders WHERE order_id = ?", (order_id,)
            ).fetchone()
        return row[0] if row and row[1] == crc32(row[0]) else None

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._db.close()


def _crc(number: int, raw: bytes) -> int:
    """A message under another number is as wrong as a damaged one."""
    return crc32(raw, number)
