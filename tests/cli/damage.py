"""A flipped byte, where a disk or a hand might flip one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def flip(path: Path, text: bytes) -> int:
    """Flip one bit in the first record that has `text`, in the file itself; returns its seq."""
    with closing(sqlite3.connect(path)) as connection:
        found = "SELECT min(seq) FROM records WHERE instr(cause || events, ?)"
        (seq,) = connection.execute(found, (text.decode(),)).fetchone()
        (record,) = connection.execute(
            "SELECT events FROM records WHERE seq = ?", (seq,)
        ).fetchone()
    data = bytearray(path.read_bytes())
    place = data.find(record.encode()) + record.encode().find(text)
    assert data[place : place + len(text)] == text
    data[place + len(text) // 2] ^= 1
    path.write_bytes(data)
    return int(seq)
