"""How far a journal is surely on the disk, noted beside it in the file of its lock.

SQLite takes the first damaged frame of its write-ahead log for the log's end: a bit that flips
there would take away, unseen, all that was acknowledged after it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from zlib import crc32

import msgspec

from lpdesk.journal import files, schema
from lpdesk.journal.codec import Tip
from lpdesk.journal.errors import UNREADABLE, JournalDamaged, JournalRefused
from lpdesk.journal.reader import uri

_HASH = "SELECT hash FROM records WHERE seq = ?"


class Mark(msgspec.Struct, frozen=True):
    """Record `seq` is on the disk. `first` is the hash of record 1: which journal it is about."""

    first: bytes
    seq: int
    hash: bytes


def note(lock: files.Lock, first: bytes, tip: Tip) -> None:
    """Say it after the commit was durable, never before. Needs no wait for the disk itself."""
    said = msgspec.json.encode(Mark(first, tip.seq, tip.hash))
    lock.write(b"%08x%b\n" % (crc32(said), said))


def check(journal: Path) -> None:
    """That what was on the disk still is. Raises `JournalDamaged`; changes nothing."""
    mark = _read(journal)
    if mark is None:
        return
    try:
        with closing(sqlite3.connect(uri(journal), uri=True, isolation_level=None)) as connection:
            told = schema.version(connection) != 0
            first, there = (_hash(connection, seq) if told else None for seq in (1, mark.seq))
    except (*UNREADABLE, JournalRefused):
        return  # whoever opens it says what it is
    if first not in (None, mark.first) or there == mark.hash:
        return
    why = f"it was on the disk once, so says {journal.name}.lock, and is not as it was"
    raise JournalDamaged(mark.seq, why)


def _hash(connection: sqlite3.Connection, seq: int) -> bytes | None:
    row = connection.execute(_HASH, (seq,)).fetchone()
    return row[0] if row else None


def _read(journal: Path) -> Mark | None:
    said = files.noted(journal)
    try:
        good = int(said[:8] or b"x", 16) == crc32(said[8:].rstrip(b"\n"))
        return msgspec.json.decode(said[8:], type=Mark) if good else None
    except (ValueError, msgspec.MsgspecError):
        return None
