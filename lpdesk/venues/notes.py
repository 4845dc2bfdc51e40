"""What an adapter must remember of an order beyond its process: lines in a file, mode 0600.

For LPs that do not let us ask by our own id: what they call the deal is noted down, and on the
disk, before the order leaves.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

MAX_NOTES = 100_000


class Notes:
    """Key and value, the last value holds. Without a path only as long as the process."""

    def __init__(self, path: Path | None) -> None:
        """Reads the file, if there is one. Raises ValueError when it cannot be used."""
        self._path = path
        self._known: dict[str, str] = {}
        if path is None:
            return
        try:
            private(path)
            for line in path.read_text(encoding="utf-8").splitlines()[-MAX_NOTES:]:
                self._read(line)
        except OSError as trouble:
            raise ValueError(f"{path.name} cannot be used: {trouble.strerror}") from None

    def _read(self, line: str) -> None:
        try:
            key, value = json.loads(line)
            self._known[str(key)] = str(value)
        except (ValueError, TypeError):  # the last line of a process that was killed
            return

    def get(self, key: str) -> str:
        """What was noted, or nothing."""
        return self._known.get(key, "")

    def key_of(self, value: str) -> str:
        """The latest key with that value, or nothing."""
        return next((key for key, known in reversed(self._known.items()) if known == value), "")

    def write(self, key: str, value: str) -> None:
        """Durable on return; may run in a thread. Raises OSError."""
        self._known[key] = value
        if self._path is None:
            return
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, value]) + "\n")
            file.flush()
            os.fsync(file.fileno())


def private(path: Path) -> None:
    """Make a file that is ours alone, or make it so; its name survives a power cut.

    Raises OSError, also for a symbolic link: what is there is named itself.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(path, flags, 0o600))
    path.chmod(0o600)
    if sys.platform != "win32":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
