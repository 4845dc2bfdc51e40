"""The accounts of a journal, now or at a record: as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import json

from lpdesk.journal.balances import LAST, Balance
from lpdesk.journal.balances import balances as read
from lpdesk.reports.table import Align, Column, table


def balances(path: Path, seq: int | None, account: str) -> list[Balance]:
    """Those that are not empty, of accounts that begin with `account`."""
    found = read(path, LAST if seq is None else seq)
    return [row for row in found if row.account.startswith(account) and (row.balance or row.held)]


def json_lines(rows: Sequence[Balance]) -> Iterator[str]:
    for row in rows:
        yield json.encode(row._asdict() | {"available": row.available}).decode()


def table_lines(rows: Sequence[Balance], width: int) -> Iterator[str]:
    if not rows:
        return iter(["no accounts yet"])
    return table(
        [
            Column("account", [row.account for row in rows]),
            Column("asset", [row.asset for row in rows]),
            Column("balance", [f"{row.balance:,f}" for row in rows], Align.POINT),
            Column("held", [f"{row.held:,f}" if row.held else "" for row in rows], Align.POINT),
            Column("available", [f"{row.available:,f}" for row in rows], Align.POINT, 1),
        ],
        width,
    )
