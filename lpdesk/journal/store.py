"""The journal as the desk sees it: open, append, records, last, close. SQLite is behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

import aiosqlite

from lpdesk.domain.record import Record
from lpdesk.journal.codec import Tip
from lpdesk.journal.errors import JournalFailed
from lpdesk.journal.reader import Chain, readable, uri
from lpdesk.journal.writer import Writer

P = ParamSpec("P")
R = TypeVar("R")


class Journal:
    """One process's hold on one journal. Use it from one event loop; `await Journal.open(path)`."""

    def __init__(self, path: Path, thread: ThreadPoolExecutor, writer: Writer) -> None:
        self.path = path.absolute()
        self._thread = thread
        self._writer = writer
        self._closed = False

    @classmethod
    async def open(cls, path: Path | str) -> Journal:
        """Open or create the journal and check its end.

        Raises `JournalBusy` when another process has it, `JournalRefused` for a file that is not
        ours alone, `JournalDamaged` when the end of the chain does not hold.
        """
        path = Path(path)
        thread = ThreadPoolExecutor(1, "lpdesk-journal")  # it ends with the interpreter at latest
        try:
            writer = await _run(thread, Writer, path)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(path, thread, writer)

    @property
    def last(self) -> Tip:
        """`seq`, `at` and hash of the last committed record; (0, 0, GENESIS) before the first."""
        return self._writer.tip

    async def append(self, records: Sequence[Record], *, durable: bool) -> None:
        """Commit `records` as one batch, all or none; they must follow `last` without a gap.

        Returns when they are on the disk; with `durable` false when they are committed, which
        survives a crash of the process but not of the machine until the next durable batch.
        A batch once handed over is written even when its waiter is cancelled.
        Raises `JournalFailed`, and so does every later call.
        """
        if self._closed:
            raise JournalFailed("the journal is closed")
        if records:
            await _run(self._thread, self._writer.append, records, durable)

    async def records(self, from_seq: int = 1) -> AsyncIterator[Record]:
        """The records from `from_seq` up to the end as it is when reached, read beside the writer.

        Raises `JournalDamaged` at the first record that does not follow from the one before.
        """
        chain = Chain(from_seq)
        async with aiosqlite.connect(uri(self.path), uri=True, isolation_level=None) as connection:
            while True:
                with readable(chain):
                    rows = await connection.execute_fetchall(*chain.query)
                if not rows:
                    return
                for record in chain.follow(rows):
                    yield record

    async def close(self) -> None:
        """Write out what is left and let go of the file. Raises `JournalFailed`; harmless twice."""
        if self._closed:
            return
        self._closed = True
        try:
            await _run(self._thread, self._writer.close)
        finally:
            self._thread.shutdown(wait=False)


async def _run(
    thread: ThreadPoolExecutor, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Shielded: the thread finishes what it was given, so the loop must not pretend otherwise."""
    job = asyncio.wrap_future(thread.submit(function, *args, **kwargs))
    return await asyncio.shield(job)
