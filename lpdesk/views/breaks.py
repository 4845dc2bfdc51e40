"""Breaks between the LPs' words and ours, with age and owner; when each LP was last compared."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.reasons import Reason
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
    note: str = ""
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
    """The last comparison with one LP's list; `trouble` says why there was none at the last try.

    `able`: whether that kind of LP gives lists at all.
    """

    lp: str
    at: Instant | None = None
    listed: int = 0
    compared: int = 0
    mended: int = 0
    tried_at: Instant = 0
    trouble: str = ""
    able: bool = True


class Breaks(Struct, frozen=True):
    """All open breaks and the last closed ones, newest first; and the runs, by LP."""

    rows: tuple[BreakRow, ...] = ()
    runs: tuple[RunRow, ...] = ()

    @property
    def open(self) -> tuple[BreakRow, ...]:
        return tuple(row for row in self.rows if row.open)


def found(breaks: Breaks, event: ev.BreakFound, at: Instant) -> Breaks:
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
    return replace(breaks, rows=(row, *breaks.rows))


def closed(breaks: Breaks, event: ev.BreakClosed, at: Instant) -> Breaks:
    how = event.rule.value if event.rule else "by hand"
    rows = _changed(breaks, event.break_id, closed_at=at, how=how, why=event.why)
    old = {row.break_id for row in [row for row in rows if not row.open][KEPT_CLOSED:]}
    return replace(breaks, rows=tuple(row for row in rows if row.break_id not in old))


def assigned(breaks: Breaks, event: ev.BreakAssigned, at: Instant) -> Breaks:
    return replace(
        breaks, rows=_changed(breaks, event.break_id, owner=event.owner, note=event.note)
    )


def compared(breaks: Breaks, event: ev.Reconciled, at: Instant) -> Breaks:
    run = RunRow(event.lp, at, event.listed, event.compared, len(event.mended), at)
    return replace(breaks, runs=_put(breaks.runs, run))


def missed(breaks: Breaks, event: ev.ReconciliationMissed, at: Instant) -> Breaks:
    before = next((run for run in breaks.runs if run.lp == event.lp), RunRow(event.lp))
    trouble = f"{event.reason.value} {event.text}".rstrip()
    able = event.reason is not Reason.NOT_ENABLED
    run = replace(before, tried_at=at, trouble=trouble, able=able)
    return replace(breaks, runs=_put(breaks.runs, run))


def words(
    event: ev.BreakFound | ev.BreakClosed | ev.BreakAssigned | ev.Reconciled
    | ev.ReconciliationMissed,
) -> tuple[str, str, str] | None:  # fmt: skip
    """Level, sentence and trade of what a dealer should notice."""
    match event:
        case ev.BreakFound():
            text = f"{event.break_id} {event.lp} {event.kind.value}: {event.text}"
            return "bad", text, event.trade_id
        case ev.BreakClosed():
            how = event.rule.value if event.rule else event.why
            return "info", f"{event.break_id} closed: {how}", ""
        case ev.ReconciliationMissed() if event.reason is not Reason.NOT_ENABLED:
            text = f"{event.lp} not reconciled: {event.reason.value} {event.text}".rstrip()
            return "warn", text, ""
        case _:
            return None


def _changed(breaks: Breaks, break_id: str, **changes: object) -> tuple[BreakRow, ...]:
    return tuple(
        replace(row, **changes) if row.break_id == break_id else row for row in breaks.rows
    )


def _put(runs: tuple[RunRow, ...], row: RunRow) -> tuple[RunRow, ...]:
    others = [run for run in runs if run.lp != row.lp]
    return tuple(sorted((*others, row), key=lambda run: run.lp))
