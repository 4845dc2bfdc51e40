"""Open breaks: each opened once, closed by a rule or by a person, and not again for the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from lpdesk.domain.events import BreakAssigned, BreakClosed, BreakFound, BreakKind, Matching, Rule
from lpdesk.domain.record import Event
from lpdesk.domain.values import Instant
from lpdesk.engines.lifecycle import BREAK, BreakMove, BreakState
from lpdesk.engines.reconciliation import Books, Comparison, Finding, Ours, Window

SEEN_AGAIN = frozenset(
    {
        BreakKind.UNKNOWN_ORDER,
        BreakKind.MISSING_THERE,
        BreakKind.AMOUNT_DIFFERS,
        BreakKind.PRICE_DIFFERS,
        BreakKind.FEE_DIFFERS,
        BreakKind.STATE_DIFFERS,
        BreakKind.LISTED_TWICE,
        BreakKind.UNRESOLVED,
        BreakKind.REJECT_AFTER_FILL,
    }
)
"""Breaks that a list either shows or does not. The others are incidents: they have happened."""

DISPUTED = frozenset(
    {
        BreakKind.DOUBLE_FILL,
        BreakKind.OVERFILL,
        BreakKind.FILL_AFTER_REJECT,
        BreakKind.REVISED,
    }
)
"""Breaks in which the LP did not do what was ordered: agreeing on it does not make it right."""

Key = tuple[BreakKind, str, str, str]


class Break(Struct):
    """One break; `since` is where the list began that showed it, or might have."""

    found: BreakFound
    opened_at: Instant
    since: Instant
    state: BreakState = BreakState.OPEN

    @property
    def key(self) -> Key:
        found = self.found
        return found.kind, found.lp, found.order_id, found.execution_id


class Breaks:
    """All breaks, learned from the desk's events, and what a list does to those of its LP."""

    def __init__(self) -> None:
        self.all: dict[str, Break] = {}
        self.open: dict[str, Break] = {}
        self._explained: dict[Key, str] = {}

    def observe(self, event: Event, at: Instant, since: Instant) -> None:
        """Learn from what the desk decided. The same events twice change nothing."""
        match event:
            case BreakFound() if event.break_id not in self.all:
                self.all[event.break_id] = self.open[event.break_id] = Break(event, at, since)
            case BreakClosed() if event.break_id in self.open:
                closed = self.open.pop(event.break_id)
                closed.state = BREAK.after(closed.state, BreakMove.CLOSE)
                if event.rule is None:
                    self._explained[closed.key] = closed.found.text
            case BreakAssigned():
                mine = self.all[event.break_id]
                mine.state = BREAK.after(mine.state, BreakMove.ASSIGN)

    def is_explained(self, lp: str, finding: Finding) -> bool:
        """Whether a person has closed a break that said exactly this."""
        return any(self._explained.get(key) == finding.text for key in _keys(lp, finding))

    def opened(
        self, lp: str, findings: list[Finding], owner: str, name: Callable[[], str]
    ) -> list[Event]:
        """A break for each difference that has none."""
        standing = {broken.key: broken.found.text for broken in self.open.values()}
        events: list[Event] = []
        for finding in findings:
            exact, vague = _keys(lp, finding)
            if exact in standing or standing.get(vague) == finding.text:
                continue
            standing[exact] = finding.text
            found = BreakFound(
                break_id=name(),
                kind=finding.kind,
                lp=lp,
                order_id=finding.order_id,
                trade_id=finding.trade_id,
                text=finding.text,
                execution_id=finding.execution_id,
                owner=owner,
            )
            events.append(found)
        return events

    def mended(
        self,
        stood: Iterable[Break],
        window: Window,
        findings: list[Finding],
        found: Comparison,
        books: Books,
    ) -> list[Event]:
        """The end of those that `stood` and that it shows no more, or shows to be harmless."""
        seen = {(finding.kind, finding.order_id, finding.execution_id) for finding in findings}
        told = {(finding.kind, finding.order_id, finding.text) for finding in findings}
        orders = {ours.order_id: ours for ours in found.judged}
        events: list[Event] = []
        for broken in stood:
            this, rule = broken.found, None
            ours = orders.get(this.order_id)
            if this.lp != window.lp or (this.kind, this.order_id, this.execution_id) in seen:
                continue
            if not this.execution_id and (this.kind, this.order_id, this.text) in told:
                continue
            if this.kind in SEEN_AGAIN:
                stranger = books.of(window.lp, this.order_id) is None
                covered = ours is not None or (stranger and window.since <= broken.since)
                rule = Rule.NOT_SEEN if covered else None
            elif ours and ours.standing is Matching.MATCHED:
                rule = _harmless(this.kind, ours)
            if rule:
                events.append(BreakClosed(break_id=this.break_id, rule=rule))
        return events


def _harmless(kind: BreakKind, ours: Ours) -> Rule | None:
    if kind is BreakKind.LATE_FILL:
        return Rule.LATE_NEWS
    if kind is BreakKind.PARTIAL_FILL and ours.filled == ours.quantity:
        return Rule.FILLED_UP
    return None


def _keys(lp: str, finding: Finding) -> tuple[Key, Key]:
    """With the execution, and as a break says it that was found without one."""
    kind, order_id = finding.kind, finding.order_id
    return (kind, lp, order_id, finding.execution_id), (kind, lp, order_id, "")
