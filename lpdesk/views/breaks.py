"""Breaks between the LPs' words and ours, with age and owner; when each LP was last compared."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.values import Instant

KEPT_CLOSED = 500
"""Open breaks are all kept."""


class BreakRow(Struct, frozen=True):
    """One break; its age counts from `at` to `closed_at`, or to now while it is open."""

    break_id: str
    at: Instant
    kind: str
    lp: str
    order_id: str
    trade_id: str
    execution_id: str
    owner: str
    text: str
    closed_at: Instant | None = None
    how: str = ""
    why: str = ""

    @property
    def open(self) -> bool:
        return self.closed_at is None

    def age(self, now: Instant) -> int:
        """How long it has been, or was, open, in nanoseconds."""
        return (now if self.closed_at is None else self.closed_at) - self.at


class RunRow(Struct, frozen=True):
    """The last comparison with one LP's list; `trouble` says why there was none at the last try."""

    lp: str
    at: Instant | None = None
    listed: int = 0
    compared: int = 0
    mended: int = 0
    tried_at: Instant = 0
    trouble: str = ""


def found(rows: tuple[BreakRow, ...], event: ev.BreakFound, at: Instant) -> tuple[BreakRow, ...]:
    row = BreakRow(
        break_id=event.break_id,
        at=at,
        kind=event.kind.value,
        lp=event.lp,
        order_id=event.order_id,
        trade_id=event.trade_id,
        execution_id=event.execution_id,
        owner=event.owner,
        text=event.text,
    )
    return (row, *rows)


def closed(rows: tuple[BreakRow, ...], event: ev.BreakClosed, at: Instant) -> tuple[BreakRow, ...]:
    how = event.rule.value if event.rule else "by hand"
    rows = tuple(
        replace(row, closed_at=at, how=how, why=event.why)
        if row.break_id == event.break_id
        else row
        for row in rows
    )
    old = [row for row in rows if not row.open][KEPT_CLOSED:]
    return tuple(row for row in rows if row not in old) if old else rows


def assigned(
    rows: tuple[BreakRow, ...], event: ev.BreakAssigned, at: Instant
) -> tuple[BreakRow, ...]:
    return tuple(
        replace(row, owner=event.owner) if row.break_id == event.break_id else row for row in rows
    )


def compared(runs: tuple[RunRow, ...], event: ev.Reconciled, at: Instant) -> tuple[RunRow, ...]:
    row = RunRow(event.lp, at, event.listed, event.compared, len(event.mended), at)
    return _put(runs, row)


def missed(
    runs: tuple[RunRow, ...], event: ev.ReconciliationMissed, at: Instant
) -> tuple[RunRow, ...]:
    before = next((run for run in runs if run.lp == event.lp), RunRow(event.lp))
    trouble = f"{event.reason.value} {event.text}".rstrip()
    return _put(runs, replace(before, tried_at=at, trouble=trouble))


def _put(runs: tuple[RunRow, ...], row: RunRow) -> tuple[RunRow, ...]:
    others = [run for run in runs if run.lp != row.lp]
    return tuple(sorted((*others, row), key=lambda run: run.lp))
