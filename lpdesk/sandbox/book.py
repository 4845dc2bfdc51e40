"""A stand-in's own durable record of what it executed: the evidence when two sides disagree."""

import sqlite3
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Final, Literal

Status = Literal["FILLED", "REJECTED", "PARTIAL", "PENDING"]


@dataclass(frozen=True, slots=True)
class Execution:
    """One answer to one order, as it went out. Amounts are the plain decimal text of the answer."""

    execution_id: str
    client_order_id: str
    quote_id: str
    symbol: str  # "" if the quote was unknown
    side: str
    ordered_quantity: str
    fill_price: str
    fill_quantity: str
    fee: str  # "" if there is none
    fee_asset: str
    status: Status
    reason: str  # "" unless rejected
    at_ns: int
    shown_from_ns: int  # denied to clients before this moment

    def answer(self) -> dict[str, str]:
        """The execution object of the protocol; what does not apply is absent."""
        answer = {
            "executionId": self.execution_id,
            "clientOrderId": self.client_order_id,
            "fillPrice": self.fill_price,
            "fillQuantity": self.fill_quantity,
            "status": self.status,
        }
        if self.fee:
            answer |= {"fee": self.fee, "feeAsset": self.fee_asset}
        if self.reason:
            answer["reason"] = self.reason
        return answer


_COLUMNS: Final = ", ".join(column.name for column in fields(Execution))
_MARKS: Final = ", ".join("?" for _ in fields(Execution))
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS executions (
    execution_id TEXT PRIMARY KEY, client_order_id TEXT NOT NULL, quote_id TEXT NOT NULL,
    symbol TEXT NOT NULL, side TEXT NOT NULL, ordered_quantity TEXT NOT NULL,
    fill_price TEXT NOT NULL, fill_quantity TEXT NOT NULL, fee TEXT NOT NULL,
    fee_asset TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    at_ns INTEGER NOT NULL, shown_from_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS by_client_order_id ON executions (client_order_id);
CREATE INDEX IF NOT EXISTS by_quote_id ON executions (quote_id);
CREATE INDEX IF NOT EXISTS by_time ON executions (at_ns);
"""


class Book:
    """The executions of one stand-in, in SQLite. One user at a time: the venue holds a lock."""

    def __init__(self, path: Path | None) -> None:
        """Opens or makes the file at `path`; None keeps the record in memory only."""
        self.durable = path is not None
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
        # Commits run in a worker thread so that the disk does not stop the loop.
        self._db = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False
        )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_SCHEMA)
        (opened,) = self._db.execute("PRAGMA user_version").fetchone()
        self.openings: int = opened + 1  # makes ids new after a restart
        self._db.execute(f"PRAGMA user_version = {self.openings}")

    def record(self, executions: tuple[Execution, ...]) -> None:
        """Writes all or none; on return they survive a power cut (if the book has a file)."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(
                f"INSERT OR REPLACE INTO executions ({_COLUMNS}) VALUES ({_MARKS})",
                [astuple(execution) for execution in executions],
            )
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def find(self, client_order_id: str) -> Execution | None:
        """The first execution under this client order id."""
        return next(iter(self._select("client_order_id = ?", client_order_id)), None)

    def dealt(self, quote_id: str) -> bool:
        """Whether some order has already traded on this quote."""
        return bool(self._select("quote_id = ? AND status <> 'REJECTED'", quote_id))

    def since(self, at_ns: int = 0) -> tuple[Execution, ...]:
        """Every execution at or after `at_ns` (UTC nanoseconds), oldest first."""
        return self._select("at_ns >= ?", at_ns)

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    def _select(self, condition: str, value: str | int) -> tuple[Execution, ...]:
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM executions WHERE {condition} ORDER BY at_ns, rowid", (value,)
        )
        return tuple(Execution(*row) for row in rows)


def finished(execution: Execution) -> Execution:
    """`execution` as it looks once the rest of the order has been filled."""
    return replace(execution, status="FILLED", fill_quantity=execution.ordered_quantity)
