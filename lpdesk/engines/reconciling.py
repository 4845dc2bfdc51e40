"""Runs of reconciliation: each LP is asked for its list, evidence is taken, differences are told.

What a list proves goes the same way as an LP's answer: an order without an outcome is filled or
rejected by it, and a fill that we had not heard of is booked, or is a break that blocks the LP.
"""

from __future__ import annotations

from msgspec import Struct

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.events import Matching, Mended, Rule
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Event
from lpdesk.domain.settings import Lp
from lpdesk.domain.values import SECOND, Instant
from lpdesk.engines.breaks import DISPUTED, Breaks
from lpdesk.engines.dealing import Dealing
from lpdesk.engines.internal import KIND
from lpdesk.engines.lifecycle import BREAK, BreakMove, OrderState
from lpdesk.engines.quoting import refused
from lpdesk.engines.reconciliation import Books, Comparison, Ours, Window, compare
from lpdesk.engines.state import State

Events = list[Event]

FIRST_NS = 60 * SECOND
"""The first scheduled run is so long after the start, or sooner if they come more often."""

PATIENCE_NS = 60 * SECOND
OVERLAP_NS = 600 * SECOND
"""A list begins so long before what it has to cover: the LP's clock is not ours."""

DAY_NS = 86_400 * SECOND
LOOK_BACK_NS = DAY_NS + 3_600 * SECOND
"""How far an unasked run looks back at most; once a day, and first, it looks back so far."""

_TELLING = frozenset(
    {
        ev.OrderSent,
        ev.LegFilled,
        ev.LegRejected,
        ev.TradeUnknown,
        ev.Reconciled,
        ev.BreakFound,
        ev.BreakClosed,
        ev.BreakAssigned,
    }
)
"""Events to learn from: every step has many others."""

_WORST = (Matching.UNMATCHED, Matching.UNKNOWN, Matching.PENDING, Matching.MATCHED)


class Run(Struct, frozen=True):
    """A list that was asked for."""

    run_id: str
    lp: str
    since: Instant
    asked_at: Instant


class Reconciling:
    """All runs of a desk, its books of orders and its breaks."""

    def __init__(self, state: State, dealing: Dealing) -> None:
        self.state = state
        self.dealing = dealing
        self.books = Books()
        self.breaks = Breaks()
        self._runs: dict[str, Run] = {}
        self._listed_at: dict[str, Instant] = {}
        self._deep_at: dict[str, Instant] = {}
        self._shown: dict[str, Matching] = {}
        self._began_at: Instant | None = None
        self._opened_at: Instant = 0
        self._next_at: Instant | None = None

    # ---- time

    def open(self, at: Instant) -> None:
        """A process begins or resumes: lists that were on their way never come."""
        self._began_at = at if self._began_at is None else self._began_at
        self._opened_at = at
        self._runs.clear()
        every = self.state.settings.reconcile.every_ns
        self._next_at = at + min(every, FIRST_NS) if every else None

    @property
    def due(self) -> Instant | None:
        times = [run.asked_at + PATIENCE_NS for run in self._runs.values()]
        times += [] if self._next_at is None else [self._next_at]
        return min(times, default=None)

    def wake(self, at: Instant) -> Events:
        events: Events = []
        for run in list(self._runs.values()):
            if run.asked_at + PATIENCE_NS <= at:
                events += self._missed(run, Reason.TIMED_OUT, "no list in time")
        if self._next_at is not None and self._next_at <= at:
            self._next_at = at + self.state.settings.reconcile.every_ns
            events += self._ask(self.state.settings.lps, None, at)
        return events

    # ---- runs

    def start(self, cause: cmd.Reconcile, at: Instant) -> Events:
        """By hand: one LP or all, from `since` or as far as is due."""
        lps = self.state.settings.lps
        chosen = tuple(lp for lp in lps if cause.lp in ("", lp.name))
        if not chosen:
            return [refused(Reason.BAD_LP, "lp", f"{cause.lp} is not dealt with here")]
        if cause.since is not None and cause.since > at:
            return [refused(Reason.BAD_COMMAND, "since", "is not past")]
        events = self._ask(chosen, cause.since, at)
        return events or [refused(Reason.ALREADY_DONE, "lp", "the list is asked for already")]

    def _ask(self, lps: tuple[Lp, ...], since: Instant | None, at: Instant) -> Events:
        events: Events = []
        for lp in lps:
            if lp.name in self._runs:
                continue
            begin = self._since(lp, at) if since is None else since
            if lp.forgets:
                begin = max(begin, self._opened_at)
            run = Run(self.state.name("K"), lp.name, begin, at)
            if lp.kind == KIND:  # its book is ours: there is no second one to differ
                judged = [ours for ours in self.books.since(lp.name, begin) if ours.done]
                self._listed_at[lp.name] = at
                found = Comparison(judged=judged)
                _judge(found, set())
                events.append(self._reconciled(run, len(judged), found))
                continue
            self._runs[lp.name] = run
            if not lp.can.lists:
                events += self._missed(run, Reason.NOT_ENABLED, "this LP gives no list")
                continue
            events.append(ev.ExecutionsAsked(run_id=run.run_id, lp=lp.name, since=begin))
        return events

    def _since(self, lp: Lp, at: Instant) -> Instant:
        """Far enough for what was not compared yet, and once a day for what came late."""
        assert self._began_at is not None
        floor = max(at - LOOK_BACK_NS, self._began_at)
        if at - self._deep_at.get(lp.name, 0) >= DAY_NS:
            self._deep_at[lp.name] = at
            return floor
        times = [self._listed_at.get(lp.name, floor)]
        times += [
            ours.sent_at
            for ours in self.books.since(lp.name, floor)
            if ours.standing is not Matching.MATCHED
        ]
        times += [
            broken.since + OVERLAP_NS
            for broken in self.breaks.open.values()
            if broken.found.lp == lp.name
        ]
        return max(floor, min(times) - OVERLAP_NS)

    def unlisted(self, cause: rep.ExecutionsUnlisted) -> Events:
        run = self._runs.get(cause.lp)
        if run is None or run.run_id != cause.run_id:
            return []
        return self._missed(run, cause.reason, cause.text)

    def _missed(self, run: Run, reason: Reason, text: str) -> Events:
        del self._runs[run.lp]
        self._deep_at.pop(run.lp, None)
        return [ev.ReconciliationMissed(run_id=run.run_id, lp=run.lp, reason=reason, text=text)]

    def listed(self, cause: rep.ExecutionsListed, at: Instant) -> Events:
        """An LP's list has come: evidence first, then the comparison, then breaks."""
        run = self._runs.get(cause.lp)
        if run is None or run.run_id != cause.run_id:
            return []
        del self._runs[run.lp]
        self._listed_at[run.lp] = run.asked_at
        settings = self.state.settings
        stood = tuple(self.breaks.open.values())
        events, mended = self._evidence(run.lp, cause.executions, at)
        self.observe(events, at)
        settled_at = run.asked_at - settings.reconcile.young_ns
        window = Window(run.lp, run.since, settled_at, at)
        found = compare(self.books, window, cause.executions, settings)
        findings = [each for each in found.findings if not self.breaks.is_explained(run.lp, each)]
        found.mended[:0] = mended
        _judge(found, {finding.order_id for finding in findings})
        owner = settings.reconcile.owner
        closed = self.breaks.mended(stood, window, findings, found, self.books)
        events += closed
        events += self.breaks.opened(run.lp, findings, owner, lambda: self.state.name("B"))
        for event in events:
            self.breaks.observe(event, at, run.since)
        return [*events, self._reconciled(run, len(cause.executions), found)]

    def _evidence(
        self, lp: str, rows: tuple[rep.OrderFilled | rep.OrderRejected | rep.OrderPending, ...],
        at: Instant,
    ) -> tuple[Events, list[Mended]]:  # fmt: skip
        """Fills before rejects: an order that has both is filled."""
        events: Events = []
        mended: list[Mended] = []
        for row in sorted(rows, key=lambda row: isinstance(row, rep.OrderRejected)):
            ours = self.books.of(lp, row.order_id)
            if ours is None or row.lp != lp:
                continue
            had, done = ours.state, Events()
            if isinstance(row, rep.OrderFilled) and row.execution_id not in ours.fills:
                done, rule = self.dealing.filled(row, at), Rule.FILLED_BY_LIST
            elif isinstance(row, rep.OrderRejected) and not ours.done:
                done, rule = self.dealing.rejected(row, at), Rule.REJECTED_BY_LIST
            else:
                continue
            self.observe(done, at)
            events += done
            if had in (OrderState.SENT, OrderState.UNKNOWN) and done:
                mended.append(Mended(rule, row.order_id))
        return events, mended

    def _reconciled(self, run: Run, listed: int, found: Comparison) -> ev.Reconciled:
        broken = self._broken(run.lp) if self.state.settings.rules.edition > 1 else []
        for ours in broken:
            ours.standing = Matching.UNMATCHED
        trades = dict.fromkeys(ours.trade_id for ours in [*found.judged, *broken])
        return ev.Reconciled(
            run_id=run.run_id,
            lp=run.lp,
            since=run.since,
            listed=listed,
            compared=len(found.judged),
            trades=tuple(
                match for match in map(self._match, trades) if self._news(match)
            ),
            mended=tuple(found.mended),
        )  # fmt: skip

    def _broken(self, lp: str) -> list[Ours]:
        """The orders that are disputed: whatever a list says, they wait for a person."""
        breaks = [broken.found for broken in self.breaks.open.values()]
        orders = [found.order_id for found in breaks if found.kind in DISPUTED]
        return [ours for order_id in orders if (ours := self.books.of(lp, order_id))]

    def _match(self, trade_id: str) -> ev.Match:
        standings = [ours.standing for ours in self.books.trades[trade_id]]
        return ev.Match(trade_id, min(standings, key=_WORST.index))

    def _news(self, match: ev.Match) -> bool:
        return self._shown.get(match.trade_id, Matching.PENDING) is not match.reconciliation

    # ---- what happened

    def observe(self, events: Events, at: Instant) -> None:
        """Learn from what the desk decided. The same events twice change nothing."""
        for event in events:
            if type(event) in _TELLING:
                self._learn(event, at)

    def _learn(self, event: Event, at: Instant) -> None:
        match event:
            case ev.OrderSent() | ev.LegFilled() | ev.LegRejected() | ev.TradeUnknown():
                self.books.observe(event, at)
                unknown = isinstance(event, ev.TradeUnknown)
                self._shown[event.trade_id] = Matching.UNKNOWN if unknown else Matching.PENDING
            case ev.Reconciled():
                self._shown |= {each.trade_id: each.reconciliation for each in event.trades}
            case _:
                self.breaks.observe(event, at, at - OVERLAP_NS)

    # ---- people

    def close(self, cause: cmd.CloseBreak) -> Events:
        refusal = self._refusal(cause.break_id, BreakMove.CLOSE)
        if refusal is None and not cause.why:
            refusal = refused(Reason.BAD_COMMAND, "why", "say why it is no break any more")
        if refusal:
            return [refusal]
        return [ev.BreakClosed(break_id=cause.break_id, why=cause.why)]

    def assign(self, cause: cmd.AssignBreak) -> Events:
        refusal = self._refusal(cause.break_id, BreakMove.ASSIGN)
        if refusal:
            return [refusal]
        assigned = ev.BreakAssigned(break_id=cause.break_id, owner=cause.owner, note=cause.note)
        return [assigned]

    def _refusal(self, break_id: str, move: BreakMove) -> ev.CommandRefused | None:
        broken = self.breaks.all.get(break_id)
        if broken is None:
            return refused(Reason.NOT_FOUND, "break", f"{break_id} is not known")
        if not BREAK.allows(broken.state, move):
            return refused(Reason.ALREADY_DONE, "break", f"{break_id} is closed")
        return None


def _judge(found: Comparison, differing: set[str]) -> None:
    """How each order stands by what the list alone shows."""
    for ours in found.judged:
        ours.standing = _standing(ours, ours.order_id in differing)


def _standing(ours: Ours, differs: bool) -> Matching:
    if differs:
        return Matching.UNMATCHED
    if ours.done:
        return Matching.MATCHED
    return Matching.UNKNOWN if ours.state is OrderState.UNKNOWN else Matching.PENDING
