"""Reading a journal without a desk: closed, or live in another process. Never writes to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from lpdesk.domain.record import Record
from lpdesk.journal import schema
from lpdesk.journal.codec import START, Row, Tip, decoded, unseal
from lpdesk.journal.errors import UNREADABLE, JournalDamaged, JournalRefused
from lpdesk.journal.projections import first_difference
from lpdesk.journal.rows import project

CHUNK = 256
"""Rows for one read: each is a transaction of its own, so a slow reader holds no checkpoint up."""

# As bytes: the chain is over bytes, and damaged text need not be UTF-8.
ROWS = (
    "SELECT seq, at, CAST(cause AS BLOB), CAST(events AS BLOB), hash"
    " FROM records WHERE seq >= ? ORDER BY seq LIMIT ?"
)


# The tables say where to look; the records are read, as only they are the truth.
_FROM = """
SELECT rfqs.seq FROM trades JOIN rfqs USING (rfq_id) WHERE trade_id = :name
UNION ALL SELECT seq FROM settlements WHERE settlement_id = :name
"""
_NAMES = """
WITH settled (id) AS (
    SELECT settlement_id FROM trades WHERE trade_id = :name AND settlement_id <> ''
    UNION SELECT settlement_id FROM settlement_trades WHERE trade_id = :name
    UNION SELECT settlement_id FROM settlements WHERE settlement_id = :name
)
SELECT :name
UNION SELECT rfq_id FROM trades WHERE trade_id = :name
UNION SELECT id FROM settled
UNION SELECT event_id FROM outbox JOIN settled ON settlement_id = id
UNION SELECT break_id FROM breaks WHERE trade_id = :name
LIMIT 200
"""
_ABOUT = (
    "SELECT seq, at, CAST(cause AS BLOB), CAST(events AS BLOB), hash FROM records"
    " WHERE seq BETWEEN ? AND ? AND ({}) ORDER BY seq LIMIT ?"
)
MOST_ABOUT = 2_000
"""Records about one trade that are read: a day-long request polls its LPs many thousand times."""


class ChainResult(NamedTuple):
    """Good records up to `tip`; then the first bad `seq` and why, or None and ""."""

    tip: Tip
    seq: int | None = None
    why: str = ""

    @property
    def ok(self) -> bool:
        return self.seq is None


class Chain:
    """Stored rows to records, each checked against the one before.

    It begins one row early, at `next_seq`: the record whose hash the first wanted one follows.
    """

    def __init__(self, from_seq: int = 1) -> None:
        self.tip = START
        self.next_seq = max(from_seq, 1) - 1
        self._linked = self.next_seq == 0

    @property
    def query(self) -> tuple[str, tuple[int, int]]:
        """SQL and parameters for the next chunk of rows."""
        return ROWS, (self.next_seq, CHUNK)

    def follow(self, rows: Iterable[Sequence[Any]]) -> Iterator[Record]:
        """Raises `JournalDamaged` at the first row that does not follow."""
        for row in map(Row._make, rows):
            record = unseal(row, self.tip) if self._linked else None
            if record is None and row.seq != self.next_seq:
                raise JournalDamaged(self.next_seq, f"missing; the next one is {row.seq}")
            self.tip, self.next_seq, self._linked = row.tip, row.seq + 1, True
            if record is not None:
                yield record


def read(path: Path | str, from_seq: int = 1) -> Iterator[Record]:
    """The records from `from_seq` up to the end as it is when reached.

    Raises `JournalRefused` for a file that is no journal, `JournalDamaged` at the first bad record.
    """
    with closing(connect(Path(path))) as connection:
        yield from walk(connection, Chain(from_seq))


def about(path: Path | str, name: str, to_seq: int | None = None) -> list[Record]:
    """The records that name a trade or a settlement, or what belongs to it: a trade's request, its
    settlement and breaks, the webhooks of either. Oldest first, up to `to_seq`.

    At most `MOST_ABOUT`; none for a name that is not there. Reads all records since the first, so
    not for a loop that others wait for. Raises `JournalRefused`, `JournalDamaged`.
    """
    with closing(connect(Path(path))) as connection:
        first = connection.execute(_FROM, {"name": name}).fetchone()
        if first is None:
            return []
        names = [f'"{known}"' for (known,) in connection.execute(_NAMES, {"name": name})]
        wanted = _ABOUT.format(" OR ".join(["instr(events, ?)"] * len(names)))
        values = (first[0], 2**62 if to_seq is None else to_seq, *names, MOST_ABOUT)
        return [decoded(Row._make(row)) for row in connection.execute(wanted, values)]


def walk(connection: sqlite3.Connection, chain: Chain) -> Iterator[Record]:
    """What `chain` still has before it. Raises `JournalDamaged`."""
    while True:
        with readable(chain):
            rows = connection.execute(*chain.query).fetchall()
        if not rows:
            return
        yield from chain.follow(rows)


@contextmanager
def readable(chain: Chain) -> Iterator[None]:
    """When SQLite cannot read on, raise `JournalDamaged` at the record that was wanted next."""
    try:
        yield
    except UNREADABLE as error:
        raise JournalDamaged(chain.next_seq, f"unreadable: {error}") from error


def check_chain(path: Path | str, *, projections: bool = True) -> ChainResult:
    """Check every record and the end of the chain, then the tables against the events.

    A journal that grows meanwhile is checked as it was at the start. The tables of an older format
    are not: they are told anew when a desk opens it. Raises `JournalRefused`.
    """
    chain = Chain()
    with closing(connect(Path(path))) as connection, closing(sqlite3.connect("")) as rebuilt:
        projections = projections and schema.version(connection) == schema.NEWEST
        schema.migrate(rebuilt)
        connection.execute("BEGIN")  # one snapshot for the records and the tables
        try:
            records = walk(connection, chain)
            project(rebuilt, records if projections else ())
            for _ in records:
                pass
            check_end(connection, chain.tip)
            if projections and (found := first_difference(connection, rebuilt)):
                raise JournalDamaged(*found)
        except JournalDamaged as damage:
            return ChainResult(chain.tip, damage.seq, damage.why)
        except UNREADABLE as error:
            return ChainResult(chain.tip, chain.next_seq, f"unreadable: {error}")
    return ChainResult(chain.tip)


def connect(path: Path) -> sqlite3.Connection:
    """A read-only connection. Raises `JournalRefused` when there is no journal at `path`."""
    if not path.exists():
        raise JournalRefused(f"no journal at {path}")
    connection = sqlite3.connect(uri(path), uri=True, isolation_level=None)
    try:
        if schema.version(connection) == 0:
            raise JournalRefused(f"{path} is empty")
    except JournalRefused:
        connection.close()
        raise
    return connection


def uri(path: Path) -> str:
    """The SQLite address that opens `path` read-only."""
    return f"{path.absolute().as_uri()}?mode=ro"


def check_end(connection: sqlite3.Connection, tip: Tip) -> None:
    """That the chain goes as far as was committed. Raises `JournalDamaged`."""
    seq, digest = connection.execute("SELECT seq, hash FROM tip").fetchone() or START[::2]
    if seq > tip.seq:
        raise JournalDamaged(tip.seq + 1, f"missing; the journal once ended with record {seq}")
    if (seq, digest) != (tip.seq, tip.hash):
        raise JournalDamaged(tip.seq, f"not the end that was committed, which is record {seq}")
