"""Which LPs may be asked now: circuit breaker and rate budget heal alone, blocks do not."""

from __future__ import annotations

from msgspec import Struct

from lpdesk.domain.events import (
    BreakFound,
    BreakKind,
    LegFilled,
    LegRejected,
    LpHealthChanged,
    LpMissed,
    QuoteReceived,
    TradeUnknown,
    Verdict,
)
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Event
from lpdesk.domain.settings import Lp, Rules
from lpdesk.domain.values import SECOND, Instant

FAILURES = frozenset(
    {
        Reason.TIMED_OUT,
        Reason.UNREACHABLE,
        Reason.MALFORMED,
        Reason.LP_ERROR,
        Reason.UNAUTHORISED,
        Reason.RATE_LIMITED,
    }
)
BLOCKING = frozenset(
    {BreakKind.DOUBLE_FILL, BreakKind.OVERFILL, BreakKind.UNKNOWN_ORDER, BreakKind.REVISED}
)
"""Breaks after which an LP waits for a person: its word on what we owe is in doubt."""


_HEARD = {QuoteReceived, LpMissed, LegFilled, LegRejected, TradeUnknown, BreakFound}
"""Events to learn from: every step has many others."""


class Refusal(Struct, frozen=True):
    """Why an LP is not asked, and when it is worth trying again (None: a person decides)."""

    reason: Reason
    text: str = ""
    retry_at: Instant | None = None


class _State(Struct):
    state: str = "closed"
    failures: int = 0
    reason: Reason | None = None
    opened: int = 0
    retry_at: Instant = 0
    paused_until: Instant = 0
    budget_at: Instant = 0
    burst_ns: int = 0
    interval_ns: int = 0
    probe_ns: int = 0


class Health:
    """One breaker and one token bucket (as a theoretical arrival time) per LP."""

    def __init__(self, lps: tuple[Lp, ...], rules: Rules) -> None:
        self.rules = rules
        self.unknown: dict[str, str] = {}  # order -> LP that owes us its outcome
        self._lps = {lp.name: _State() for lp in lps}
        for lp in lps:
            interval = int(SECOND / lp.rate_per_second)
            self._lps[lp.name].interval_ns = interval
            self._lps[lp.name].burst_ns = max(interval, SECOND)
            self._lps[lp.name].probe_ns = 2 * lp.timeout_ns

    def refusal(self, lp: str, at: Instant) -> Refusal | None:
        """Why `lp` may not be asked at `at`, or None. A half-open LP gets one probe at a time."""
        state = self._lps[lp]
        if state.state == "blocked":
            return Refusal(Reason.BLOCKED, "waits for a person")
        if lp in self.unknown.values():
            return Refusal(Reason.OUTCOME_UNKNOWN, "it owes us an answer", at + SECOND)
        if state.state == "half-open" and at < state.retry_at:
            return Refusal(Reason.BREAKER_OPEN, "probing", state.retry_at)
        if state.state == "open" and at < state.retry_at:
            return Refusal(Reason.BREAKER_OPEN, str(state.reason or ""), state.retry_at)
        if at < state.paused_until:
            return Refusal(Reason.RATE_LIMITED, "asked to wait", state.paused_until)
        free_at = state.budget_at - state.burst_ns + state.interval_ns
        if at < free_at:
            return Refusal(Reason.RATE_LIMITED, "budget spent", free_at)
        return None

    def spend(self, lp: str, at: Instant) -> LpHealthChanged | None:
        """Take one request from the budget; an open breaker turns half-open with it."""
        state = self._lps[lp]
        state.budget_at = max(state.budget_at, at) + state.interval_ns
        if state.state not in ("open", "half-open"):
            return None
        state.state = "half-open"
        state.retry_at = at + state.probe_ns  # its request may end first: then probe again
        return LpHealthChanged(lp=lp, state="half-open", reason=state.reason)

    def pause(self, lp: str, until: Instant) -> None:
        """The LP said when to come back (`Retry-After`)."""
        state = self._lps.get(lp)
        if state is not None:
            state.paused_until = max(state.paused_until, until)

    def block(self, lp: str, text: str) -> LpHealthChanged | None:
        """Ask the LP nothing more until a person has looked."""
        state = self._lps.get(lp)
        if state is None or state.state == "blocked":
            return None
        state.state, state.reason = "blocked", Reason.BLOCKED
        return LpHealthChanged(lp=lp, state="blocked", reason=Reason.BLOCKED, text=text)

    def blocked(self) -> tuple[str, ...]:
        return tuple(lp for lp, state in self._lps.items() if state.state == "blocked")

    def unblock(self, lp: str) -> LpHealthChanged | None:
        state = self._lps.get(lp)
        if state is None or state.state != "blocked":
            return None
        return self._close(lp, state)

    def observe(self, event: Event, at: Instant) -> LpHealthChanged | None:
        """Learn from what the desk decided. Returns the change of state, if any."""
        if type(event) not in _HEARD:
            return None
        match event:
            case QuoteReceived() if event.verdict in (Verdict.BAD, Verdict.OUTLIER):
                return self._failed(event.lp, Reason.MALFORMED, at)
            case QuoteReceived() if event.verdict is not Verdict.LATE:
                return self._succeeded(event.lp)
            case LpMissed() if event.reason in FAILURES:
                return self._failed(event.lp, event.reason, at)
            case LpMissed() if event.reason is not Reason.WITHDRAWN:
                return self._succeeded(event.lp)
            case LegFilled() | LegRejected():
                self.unknown.pop(event.order_id, None)
                return None
            case TradeUnknown():
                self.unknown[event.order_id] = event.lp
                return self._failed(event.lp, Reason.OUTCOME_UNKNOWN, at)
            case BreakFound() if event.kind in BLOCKING:
                return self.block(event.lp, event.kind.value)
            case _:
                return None

    def _succeeded(self, lp: str) -> LpHealthChanged | None:
        state = self._lps.get(lp)
        if state is None:
            return None
        state.failures = 0
        return self._close(lp, state) if state.state in ("open", "half-open") else None

    def _close(self, lp: str, state: _State) -> LpHealthChanged:
        state.state, state.failures, state.opened, state.reason = "closed", 0, 0, None
        return LpHealthChanged(lp=lp, state="closed")

    def _failed(self, lp: str, reason: Reason, at: Instant) -> LpHealthChanged | None:
        state = self._lps.get(lp)
        if state is None or state.state in ("open", "blocked"):  # an old trade's LP; no news
            return None
        state.failures += 1
        if state.state == "closed" and state.failures < self.rules.breaker_failures:
            return None
        wait = min(self.rules.breaker_retry_ns << state.opened, self.rules.breaker_retry_cap_ns)
        state.state, state.reason, state.retry_at = "open", reason, at + wait
        state.opened = min(state.opened + 1, 20)
        return LpHealthChanged(lp=lp, state="open", reason=reason, retry_at=state.retry_at)
