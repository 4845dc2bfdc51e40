"""What can be wrong with a journal."""

from __future__ import annotations

import sqlite3

UNREADABLE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""How SQLite says that a file is damaged; sometimes it quotes the damage in its own message."""


class JournalError(Exception):
    """Base of all of them; the message is for the operator."""


class JournalBusy(JournalError):
    """Another process has this journal open for writing."""


class JournalRefused(JournalError):
    """The file is missing, not a journal, or not safe to trust: a link, or open to other users."""


class JournalDamaged(JournalError):
    """A record does not follow from the one before. `seq` is the first bad one."""

    def __init__(self, seq: int, why: str) -> None:
        super().__init__(f"record {seq}: {why}")
        self.seq = seq
        self.why = why


class JournalFailed(JournalError):
    """A write failed. Whether the batch is on disk is unknown until the journal is opened again."""
