"""Beside a running desk, a process of its own keeps the journal's snapshot from falling far behind.

It decides again what the desk decided: one that does not repeat itself is found out the same day.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress
from pathlib import Path

from lpdesk.domain.record import Record

EVERY = 25_000
"""Records between two snapshots: what a start has to run again, in about a second."""

_log = logging.getLogger(__name__)


class Snapshots:
    """Give it every record. One process at a time, of low priority; the desk never waits for it."""

    def __init__(self, journal: Path, taken: int) -> None:
        """`taken`: the record of the snapshot that there is, 0 without one."""
        self._journal, self._taken = journal, taken
        self.working: asyncio.Task[None] | None = None
        """The process that is at work, if one is."""

    def heard(self, record: Record) -> None:
        if record.seq - self._taken >= EVERY and self.working is None:
            self._taken = record.seq
            self.working = asyncio.get_running_loop().create_task(self._take(), name="snapshot")

    async def _take(self) -> None:
        quiet = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "lpdesk", "snapshot", str(self._journal)),
                stdin=quiet, stdout=quiet, stderr=quiet,
            )  # fmt: skip
        except OSError as error:
            _log.warning("no snapshot: %s", error)
            return
        try:
            if code := await process.wait():
                _log.error("no snapshot: `lpdesk snapshot` ended with %s", code)
        finally:
            self.working = None
            if process.returncode is None:
                process.terminate()
                await process.wait()

    async def close(self) -> None:
        """End a process that is at work; the snapshot there is stays. Harmless twice."""
        if self.working:
            self.working.cancel()
            with suppress(asyncio.CancelledError):
                await self.working
