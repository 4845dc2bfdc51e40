"""Files that nobody else can read, and a lock that the operating system lets go of by itself."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from lpdesk.journal.errors import JournalBusy, JournalRefused

NOTE_BYTES = 256
_ATTENDANTS = ("", "-wal", "-shm", ".lock")


def secure(path: Path) -> bool:
    """Make the journal's directory (0700) and file (0600), or check those that are there.

    Whether the file is new. SQLite gives `-wal` and `-shm` its mode. Raises `JournalRefused`.
    """
    for suffix in _ATTENDANTS:
        check(path.with_name(path.name + suffix))
    _make_directory(path.parent)
    try:
        os.close(_private(path, os.O_EXCL))
    except FileExistsError:
        return False
    _sync_directory(path.parent)
    return True


def check(path: Path) -> None:
    """Nothing there, or a plain file that is ours alone. Raises `JournalRefused`."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(status.st_mode):
        raise JournalRefused(f"{path} is a symbolic link; name the file itself")
    if not stat.S_ISREG(status.st_mode):
        raise JournalRefused(f"{path} is not a regular file")
    if status.st_nlink > 1:  # SQLite would give each name a write-ahead log of its own
        raise JournalRefused(f"{path} has a second name (hard link); remove one")
    if sys.platform == "win32":
        return
    if status.st_uid != os.geteuid():
        raise JournalRefused(f"{path} belongs to another user (uid {status.st_uid})")
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise JournalRefused(f"{path} is open to other users (mode {mode:04o}); chmod 600 it")


def replace(path: Path, data: bytes) -> None:
    """The file anew, whole or not at all, readable by us alone. Raises OSError.

    What came of it until then is taken away again: on a full disk the journal needs the room.
    """
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    try:
        with open(_private(new, os.O_EXCL), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _private(path: Path, flags: int) -> int:
    """A descriptor of a 0600 file, whatever the umask. Raises OSError."""
    flags |= os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, 0o600)
    if sys.platform != "win32":
        os.fchmod(descriptor, 0o600)  # a umask can have taken the owner's bits too
    return descriptor


def _make_directory(directory: Path) -> None:
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        _sync_directory(each.parent)


def _sync_directory(directory: Path) -> None:
    """A new name survives a power cut only when its directory is on the disk."""
    if sys.platform == "win32":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Lock:
    """One writer for one journal, held as long as this process lives and does not let go.

    A file of its own: closing any descriptor of a database drops SQLite's locks on it. It stays
    behind when released, since removing it would let two processes lock two different files.
    """

    def __init__(self, journal: Path) -> None:
        """Take the lock. Raises `JournalBusy` at once when another holder lives."""
        self._descriptor = _private(_lock_of(journal), 0)
        try:
            self._take()
        except OSError:
            os.close(self._descriptor)
            raise JournalBusy(f"another process is writing {journal}") from None

    def _take(self) -> None:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(self._descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, note: bytes) -> None:
        """Put a short note in the file, in place of the one before."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, note.ljust(NOTE_BYTES))

    def release(self) -> None:
        os.close(self._descriptor)


def noted(journal: Path) -> bytes:
    """The note in the file of a journal's lock, whoever holds it; nothing without one."""
    try:
        return _lock_of(journal).read_bytes()[:NOTE_BYTES].rstrip()
    except OSError:
        return b""


def _lock_of(journal: Path) -> Path:
    return journal.with_name(journal.name + ".lock")
