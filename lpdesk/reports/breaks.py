"""`lpdesk reconcile`: what each LP's list said, and the open breaks, for people and pipes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from lpdesk.domain.instants import timestamp
from lpdesk.domain.values import Instant
from lpdesk.reports.table import Column, table
from lpdesk.views import BreakRow, RunRow
from lpdesk.views.words import age


def table_lines(
    runs: Sequence[RunRow], breaks: Sequence[BreakRow], now: Instant, width: int
) -> Iterator[str]:
    """One line an LP, then one an open break, oldest first."""
    for run in runs:
        if run.trouble:
            yield f"{run.lp}: no list, {run.trouble}"
        else:
            mended = f", {run.mended} mended" if run.mended else ""
            yield f"{run.lp}: {run.listed} on its list, {run.compared} orders compared{mended}"
    rows = sorted((row for row in breaks if row.open), key=lambda row: row.break_id)
    if not rows:
        yield "no breaks"
        return
    yield ""
    yield from table(
        [
            Column("Break", [row.break_id for row in rows]),
            Column("Age", [age(row.age(now)) for row in rows]),
            Column("Owner", [row.owner for row in rows], rank=2),
            Column("LP", [row.lp for row in rows]),
            Column("Kind", [row.kind for row in rows]),
            Column("Trade", [row.trade_id or "-" for row in rows], rank=1),
            Column("Order", [row.order_id for row in rows], rank=3),
            Column("What", [row.text for row in rows]),
        ],
        width,
    )


def json_lines(
    runs: Sequence[RunRow], breaks: Sequence[BreakRow], now: Instant
) -> Iterator[str]:  # fmt: skip
    """One object an LP (`"type": "run"`), then one an open break (`"break"`), oldest first."""
    for run in runs:
        yield json.dumps(
            {
                "type": "run",
                "lp": run.lp,
                "ok": not run.trouble,
                "listed": run.listed,
                "compared": run.compared,
                "mended": run.mended,
                "trouble": run.trouble,
            }
        )
    for row in sorted((row for row in breaks if row.open), key=lambda row: row.break_id):
        yield json.dumps(
            {
                "type": "break",
                "break_id": row.break_id,
                "kind": row.kind,
                "lp": row.lp,
                "order_id": row.order_id,
                "trade_id": row.trade_id,
                "execution_id": row.execution_id,
                "owner": row.owner,
                "note": row.note,
                "opened_at": timestamp(row.at),
                "age_seconds": row.age(now) // 1_000_000_000,
                "text": row.text,
            }
        )
