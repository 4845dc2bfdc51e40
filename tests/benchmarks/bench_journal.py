"""Durable acknowledgements a second: group commit against one hop and commit for each event.

`python -m tests.benchmarks.bench_journal [DIRECTORY]`: 100 waiters, synchronous=FULL, the same
records for all, contenders interleaved. Ours also encodes, hashes and fills the tables; the peers
get finished rows and one table. DIRECTORY must be on a real disk (default: here). The bare group
commit writes finished rows too: what is left to win on this disk. How far ahead we are depends on
the disk, so where it is faster than the one that the aim was set on, all run once more as on that
one: on Linux with `cc`, each fdatasync of the process then sleeps until 0.4 ms are over.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, TemporaryFile
from time import perf_counter_ns
from typing import Generic, NamedTuple, TypeVar

import aiosqlite

from lpdesk.domain.record import Record
from lpdesk.journal.codec import START, Row, seal
from lpdesk.journal.store import Journal
from tests.journal.samples import quoting

WAITERS, ROUNDS, TARGET, SYNC_MS = 100, 5, 20.0, 0.4
TABLE = (
    "CREATE TABLE records (seq INTEGER PRIMARY KEY, at INTEGER, cause BLOB, events BLOB, hash BLOB)"
)
INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?)"

SLOWER = "SLOWER_NS"
SLOWER_C = """
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int fdatasync(int fd) {
    int failed = syscall(SYS_fdatasync, fd);
    struct timespec rest = {0, atol(getenv("SLOWER_NS"))};
    prctl(PR_SET_TIMERSLACK, 1);
    nanosleep(&rest, NULL);
    return failed;
}
"""
"""Loaded before libc: what SQLite calls, with a sleep behind it."""

PRAGMAS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")

T = TypeVar("T")
Submit = Callable[[int], Awaitable[object]]
"""Make the n-th record durable; returns when it is."""


class Result(NamedTuple):
    """Events a second, and how long one waiter waited, in milliseconds."""

    rate: float
    p50: float
    p99: float


class GroupCommit(Generic[T]):
    """The runtime's loop in little: what comes while one commit runs goes into the next."""

    def __init__(self, write: Callable[[list[T]], Awaitable[None]], items: list[T]) -> None:
        self._write, self._items = write, items
        self._inbox: list[tuple[T, asyncio.Future[None]]] = []
        self._running: asyncio.Task[None] | None = None

    def submit(self, n: int) -> asyncio.Future[None]:
        ack = asyncio.get_running_loop().create_future()
        self._inbox.append((self._items[n], ack))
        if self._running is None:
            self._running = asyncio.create_task(self._commit())
        return ack

    async def _commit(self) -> None:
        while self._inbox:
            batch, self._inbox = self._inbox, []
            await self._write([item for item, _ in batch])
            for _, ack in batch:
                ack.set_result(None)
        self._running = None


@asynccontextmanager
async def ours(path: Path, records: list[Record]) -> AsyncIterator[Submit]:
    journal = await Journal.open(path)
    yield GroupCommit(partial(journal.append, durable=True), records).submit
    assert journal.last.seq == len(records)
    await journal.close()


@asynccontextmanager
async def bare(path: Path, records: list[Record]) -> AsyncIterator[Submit]:
    """One statement for a batch of finished rows, and nothing that would make a journal of it."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as thread:
        connection = await loop.run_in_executor(thread, prepared, path)

        def write(rows: list[Row]) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(INSERT, rows)
            connection.execute("COMMIT")

        yield GroupCommit(partial(loop.run_in_executor, thread, write), sealed(records)).submit
        await loop.run_in_executor(thread, connection.close)


def prepared(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in (*PRAGMAS, TABLE):
        connection.execute(statement)
    return connection


@asynccontextmanager
async def each(path: Path, records: list[Record]) -> AsyncIterator[Submit]:
    """One statement, which is one commit, for each event."""
    rows = sealed(records)
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        await prepare(connection)
        yield lambda n: connection.execute(INSERT, rows[n])


@asynccontextmanager
async def statement_then_commit(path: Path, records: list[Record]) -> AsyncIterator[Submit]:
    """A shared connection without a lock: one waiter's commit may take others' statements along."""
    rows = sealed(records)
    async with aiosqlite.connect(path) as connection:
        await prepare(connection)

        async def submit(n: int) -> None:
            await connection.execute(INSERT, rows[n])
            await connection.commit()

        yield submit


async def prepare(connection: aiosqlite.Connection) -> None:
    for statement in (*PRAGMAS, TABLE):
        await connection.execute(statement)
    await connection.commit()


def sealed(records: list[Record]) -> list[Row]:
    rows, tip = list[Row](), START
    for record in records:
        rows.append(seal(record, tip))
        tip = rows[-1].tip
    return rows


async def measure(submit: Submit, count: int) -> Result:
    """`WAITERS` tasks, each with one record on its way."""
    numbers, waits = iter(range(count)), list[int]()

    async def waiter() -> None:
        for n in numbers:
            start = perf_counter_ns()
            await submit(n)
            waits.append(perf_counter_ns() - start)

    start = perf_counter_ns()
    await asyncio.gather(*(waiter() for _ in range(WAITERS)))
    seconds = (perf_counter_ns() - start) / 1e9
    waits.sort()
    return Result(count / seconds, waits[count // 2] / 1e6, waits[count * 99 // 100] / 1e6)


CONTENDERS = {
    "lpdesk, group commit": (ours, 20_000),
    "bare group commit": (bare, 20_000),
    "aiosqlite, commit each": (each, 2_000),
    "aiosqlite, statement + commit": (statement_then_commit, 2_000),
}


async def run(directory: Path) -> dict[str, list[Result]]:
    results: dict[str, list[Result]] = {name: [] for name in CONTENDERS}
    for turn in range(ROUNDS):
        for number, (name, (contender, count)) in enumerate(CONTENDERS.items()):
            path = directory / f"{turn}-{number}.db"
            async with contender(path, quoting(count)) as submit:
                results[name].append(await measure(submit, count))
    return results


def main(directory: str = ".") -> bool:
    """On this disk, then as on the aim's; whether the aim is met there."""
    met, sync_ms = compare(directory), fdatasync_ms(Path(directory))
    compiler = shutil.which("cc")
    if sync_ms >= SYNC_MS or compiler is None or SLOWER in os.environ:
        return met
    say(f"\nthe same where an fdatasync takes {SYNC_MS} ms")
    with TemporaryDirectory() as made:
        library = str(Path(made) / "slower.so")
        build = [compiler, "-shared", "-fPIC", "-x", "c", "-o", library, "-"]
        subprocess.run(build, input=SLOWER_C, text=True, check=True)
        env = os.environ | {"LD_PRELOAD": library, SLOWER: f"{1e6 * (SYNC_MS - sync_ms):.0f}"}
        again = [sys.executable, "-m", "tests.benchmarks.bench_journal", directory]
        return subprocess.run(again, env=env, check=False).returncode == 0


def compare(directory: str) -> bool:
    with TemporaryDirectory(dir=directory) as made:
        results = asyncio.run(run(Path(made)))
    rates = {name: median(result.rate for result in of) for name, of in results.items()}
    ours_name, limit, *peers = results
    for name, of in results.items():
        p50, p99 = median(r.p50 for r in of), median(r.p99 for r in of)
        say(f"{name:30} {rates[name]:9,.0f} events/s   ack p50 {p50:7.2f}  p99 {p99:7.2f} ms")
    for peer in peers:
        rounds = [a.rate / b.rate for a, b in zip(results[ours_name], results[peer], strict=True)]
        say(f"against {peer}: {median(rounds):.1f}x ({min(rounds):.1f} to {max(rounds):.1f})")
    say(
        f"one fdatasync here: {fdatasync_ms(Path(directory)):.2f} ms (p50); the ratio grows with it"
    )
    say(f"{limit} reaches {rates[limit] / rates[peers[0]]:.1f}x {peers[0]}")
    ratio = rates[ours_name] / rates[peers[0]]
    say(f"goal {TARGET:.0f}x against {peers[0]}: {'met' if ratio >= TARGET else 'MISSED'}")
    return ratio >= TARGET


def fdatasync_ms(directory: Path) -> float:
    """The disk's own price of one small durable write."""
    waits = []
    with TemporaryFile(dir=directory, buffering=0) as file:
        for _ in range(200):
            file.write(bytes(4096))
            start = perf_counter_ns()
            os.fdatasync(file.fileno())
            waits.append(perf_counter_ns() - start)
    return median(waits) / 1e6


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(not main(*sys.argv[1:]))
