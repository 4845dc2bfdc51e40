"""One request's race: who is asked when, which quote is the lock, until when it may be dealt on.

Domain rules 3 and 5. Event-driven: a quote competes when it arrives, nobody waits for the slowest.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from lpdesk.domain.events import (
    LockCause,
    LpAsked,
    QuoteFixed,
    QuoteLocked,
    QuoteUncovered,
    QuoteUnlocked,
    RfqEnd,
    RfqEnded,
    RfqFellBack,
    RfqOpened,
    RfqRefreshed,
    RfqRerouted,
    RoundEnded,
    Verdict,
)
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Event
from lpdesk.domain.reports import LpFailed, LpQuoted, LpWithdrew
from lpdesk.domain.settings import Lp, Pair, Polling, Settings
from lpdesk.domain.values import ZERO, Dealt, Instant
from lpdesk.engines import pricing
from lpdesk.engines.cover import Cover
from lpdesk.engines.field import Field
from lpdesk.engines.internal import most
from lpdesk.engines.lane import ENDS, Lane, Lock
from lpdesk.engines.lifecycle import TRADE, TradeState
from lpdesk.engines.lock import POLICIES
from lpdesk.engines.routing import Route


class Race(Field):
    """The race of one RFQ. Methods take the time and return the events they caused."""

    def __init__(
        self,
        rfq: RfqOpened,
        pair: Pair,
        lps: tuple[Lp, ...],
        settings: Settings,
        next_quote_id: Callable[[], str],
        at: Instant,
    ) -> None:
        super().__init__(rfq, pair, lps, settings, at)
        self.expires_at = rfq.expires_at
        self.auto_refresh = rfq.auto_refresh
        self.status = TradeState.PENDING
        self.ended = False  # as the status says; many ask
        self.desk = rfq.desk
        self.backup: Route | None = None
        self.hedging = False  # its trade is under way and may come back for a price
        self.fixed = False
        self.round = 0
        self._next_quote_id = next_quote_id
        self._takes = POLICIES[settings.rules.lock_policy].takes
        self._asks = 0
        self._refreshes = 0
        self._priced = False
        self._round_at = at
        self._reconsider_at: Instant | None = None

    # ---- asking

    def wanting(self, at: Instant) -> list[Lane]:
        """The LPs whose turn it is; never the one behind the lock, none once the price is fixed."""
        if self.ended or self.fixed:
            return []
        locked = self.locked()
        if self.rules.polling is Polling.ROUND:
            if self.pending() or at < self._round_at:
                return []
            self.round += 1
            self._round_at = at + self.rules.round_interval_ns
            return [lane for lane in self.lanes.values() if lane.lp.name not in locked]
        return [
            lane
            for lane in self.lanes.values()
            if lane.next_at is not None
            and lane.next_at <= at
            and lane.deadline_at is None
            and lane.lp.name not in locked
        ]

    def quantity_for(self, lane: Lane, market_price: Decimal | None, at: Instant) -> Decimal:
        """Base units to ask `lane` for: exact where the amount says, else by the best known price.

        Without any price, `Valuer.quantity` says how one is learned.
        """
        known = self.lock.cover if self.lock else self.best.top(at)
        best = known.all_in if known else market_price
        lane.full = self.value.quantity(lane.last_all_in or best, lane.probe)
        if self.internal and self.inside(lane.lp):
            return most(self.value, self.internal, lane.full)
        if lane.share is not None:
            return min(lane.share, lane.full)
        largest = lane.lp.maximum if self.sets else None
        return lane.full if largest is None else min(largest, lane.full)

    def ask(self, lane: Lane, quantity: Decimal, at: Instant) -> LpAsked:
        self._asks += 1
        return lane.ask(self.rfq, f"{self.rfq.rfq_id}.{self._asks}", quantity, at)

    # ---- answers

    def quoted(
        self, quote: LpQuoted, at: Instant, exec_p95_ns: int | None, mid: Decimal | None
    ) -> list[Event]:
        """An LP's price came. It is recorded whatever it is; a live one competes at once."""
        lane = self.lanes.get(quote.lp)
        if lane is None or (quote.ask_id != lane.ask_id and quote.ask_id not in lane.missed):
            return []
        late = lane.is_late(quote.ask_id, at)
        cover = self.value.cover(lane.lp, quote, at, self.expires_at, exec_p95_ns)
        verdict, text = (Verdict.LATE, "") if late else self._judge(lane, quote, cover, at, mid)
        if verdict is Verdict.LIVE:
            text = self.value.remark(quote.lp)
        received = lane.received(self.rfq.rfq_id, quote, cover, verdict, text, at)
        if late:
            return [received]
        lane.answered(at, again_at_once=verdict is Verdict.SIZING and not lane.sized)
        lane.sized = verdict is Verdict.SIZING  # a second time it waits for its interval
        if verdict in (Verdict.LIVE, Verdict.SIZING):
            lane.last_all_in = cover.all_in
        part = verdict is Verdict.SHORT and cover.dealable_until > at
        self.compete(lane, cover if verdict is Verdict.LIVE else None, cover if part else None)
        lane.settled = verdict is not Verdict.SIZING
        return [received, *self._after_answer(lane, at)]

    def missed(self, report: LpFailed | LpWithdrew, at: Instant) -> list[Event]:
        """An LP gave no price, or took a streamed one back."""
        lane = self.lanes.get(report.lp)
        if lane is None or report.ask_id != lane.ask_id:
            return []
        if isinstance(report, LpFailed) and lane.deadline_at is None:
            return []
        event = lane.miss(self.rfq.rfq_id, report.reason, report.text, at)
        larger = self.rfq.dealt is Dealt.QUOTE and lane.probes_on(report.reason)
        lane.settled = not larger
        lane.answered(at, again_at_once=larger)
        if isinstance(report, LpFailed) and lane.lp.streams:
            lane.next_at = at + lane.lp.poll_interval_ns
        self.compete(lane, None)
        events: list[Event] = [event]
        if isinstance(report, LpWithdrew) and not self.ended and report.lp in self.locked():
            events += self._replace(Reason.WITHDRAWN, at)
        return events + self._after_answer(lane, at)

    def bar(self, lp: str, at: Instant) -> list[Event]:
        """The LP's word is in doubt: whatever it quotes in this race is not dealt on."""
        lane = self.lanes.get(lp)
        if lane is None:
            return []
        lane.barred = True
        self.compete(lane, None)
        return [] if self.ended or lp not in self.locked() else self._replace(Reason.BLOCKED, at)

    def _judge(
        self, lane: Lane, quote: LpQuoted, cover: Cover, at: Instant, mid: Decimal | None
    ) -> tuple[Verdict, str]:
        if lane.barred:
            return Verdict.BAD, "blocked: waits for a person"
        if quote.undealable or lane.lp.only_shown:
            return Verdict.INDICATIVE, quote.undealable or "for information only"
        if lane.lp.fallback and (far := self.value.too_far(cover, mid)):
            return Verdict.INDICATIVE, far
        # a stream's size is cut to what was asked, so only its price identifies a quote
        content = (quote.price, None if lane.lp.streams else quote.quantity)
        if lane.refs.setdefault(quote.quote_ref, content) != content:
            return Verdict.BAD, "one quote id for two quotes"
        return self.value.judge(quote, cover, lane.asked_quantity, lane.full, at, mid)

    # ---- the lock

    def _after_answer(self, lane: Lane, at: Instant) -> list[Event]:
        if self.ended:  # a dealt request only gathers covers to fall back on
            return []
        events: list[Event] = []
        if self.rules.polling is Polling.EACH:
            events += self._contest(at) if lane.leg or self.internal else []
        elif not self.pending():
            events.append(RoundEnded(rfq_id=self.rfq.rfq_id, round=self.round))
            events += self._contest(at)
        self.share_out(at)
        return events + self.end_if_dry()

    def _contest(self, at: Instant) -> list[Event]:
        """The best challenger takes the lock if the policy lets it."""
        self._reconsider_at = None
        challenger = None if self.fixed else self.challenger(at)
        if challenger is None:
            return []
        if self.lock is None:
            return [self._take(challenger, LockCause.FIRST, at)]
        advantage = self._advantage(self.lock.cover.weighed, challenger.weighed)
        takes_at = self._takes(self.rules, advantage, self.lock.locked_at)
        if takes_at is None:
            return []
        if takes_at > at:
            self._reconsider_at = takes_at
            return []
        return [self._take(challenger, LockCause.IMPROVED, at)]

    def _advantage(self, locked: Decimal, challenger: Decimal) -> Decimal:
        """By how much the client price on one cover price is better than on another."""
        than, price = self.value.client_price(locked), self.value.client_price(challenger)
        return pricing.advantage_bps(than, price, self.rfq.base_side)

    def _replace(self, reason: Reason, at: Instant) -> list[Event]:
        """The cover is gone: the client quote does not stand a moment longer."""
        assert self.lock is not None
        if self.fixed:
            return self.end(RfqEnd.CANCELLED, reason, f"{self.lock.cover.lp} took its price back")
        if self.internal:  # who gave the rest may yet give the whole
            for lp in self.locked():
                self.contend(self.lanes[lp])
        successor = self.challenger(at)
        if successor:
            return [self._take(successor, LockCause.REPLACED, at)]
        gone, self.lock = self.lock, None
        return [QuoteUnlocked(rfq_id=self.rfq.rfq_id, quote_id=gone.quote_id, reason=reason)]

    def _take(self, cover: Cover, cause: LockCause, at: Instant) -> QuoteLocked:
        terms = self.value.terms(cover.all_in)
        before = self.lock and self.lock.cover.all_in
        improvement = self._advantage(before, cover.all_in) if before else ZERO
        for lp in self.locked():  # the former lock may compete again
            former = self.lanes[lp]
            if not former.lp.streams and former.deadline_at is None:
                former.next_at = max(at, former.asked_at + former.lp.poll_interval_ns)
            self.contend(former)
        for part in cover.parts:
            self.best.drop(part.lp)
        self._priced = True
        self.lock = Lock(self._next_quote_id(), cover, terms, at)
        return self.lock.event(self.rfq.rfq_id, cause, improvement)

    def uncovered(self, at: Instant) -> list[Event]:
        """Said of a price in force that nothing stands behind; it never should be."""
        lock = self.lock
        if lock is None or self.ended:
            return []
        parts = lock.cover.parts
        if all(p.dealable_until > at and not self.lanes[p.lp].barred for p in parts):
            return []
        return [QuoteUncovered(rfq_id=self.rfq.rfq_id, quote_id=lock.quote_id)]

    # ---- a firm quote

    @property
    def ripens_at(self) -> Instant | None:
        """When the price that now leads is to be fixed, if a firm quote is still wanted."""
        wanted = not self.ended and not self.fixed and self.lock is not None
        return self.rfq.firm_at if wanted else None

    def ripe(self, at: Instant) -> bool:
        """Whether it is time to fix the price: everybody has answered, or enough was waited."""
        ripens_at = self.ripens_at
        return ripens_at is not None and (ripens_at <= at or self.all_in())

    def fix(self) -> QuoteFixed:
        """Give the price out: from now on nothing moves it."""
        assert self.lock is not None
        self.fixed = True
        return QuoteFixed(
            rfq_id=self.rfq.rfq_id,
            quote_id=self.lock.quote_id,
            expires_at=min(self.expires_at, self.lock.cover.dealable_until),
        )

    # ---- time

    @property
    def due(self) -> Instant | None:
        """When the race next wants to be woken."""
        if self.ended:
            return None
        times = [self.expires_at]
        if self.lock:
            times.append(self.lock.cover.dealable_until)
        if self._reconsider_at is not None:
            times.append(self._reconsider_at)
        if self.ripens_at is not None:
            times.append(self.ripens_at)
        lanes = self.lanes.values()
        times += [lane.deadline_at for lane in lanes if lane.deadline_at is not None]
        if self.fixed:
            return min(times)
        if self.rules.polling is Polling.ROUND:
            return min(times if self.pending() else [*times, self._round_at])
        locked = self.locked()
        times += [
            lane.next_at
            for lane in lanes
            if lane.next_at is not None and lane.deadline_at is None and lane.lp.name not in locked
        ]
        return min(times)

    def overdue(self, at: Instant) -> bool:
        """Whether an input overtook the pulse that should have ended the price, or the request."""
        return not self.ended and (
            self.expires_at <= at
            or (self.lock is not None and self.lock.cover.dealable_until <= at)
        )

    def wake(self, at: Instant) -> list[Event]:
        """What time alone brings: expiry, deadlines, the end of a dwell."""
        if self.lock and self.lock.cover.dealable_until <= at:
            return self._expire(at)
        events = self.late(at)
        if self.ended:
            return events
        if self.expires_at <= at:
            return events + self._expire(at)
        if self._reconsider_at is not None and self._reconsider_at <= at:
            events += self._contest(at)
        return events

    def late(self, at: Instant) -> list[Event]:
        """Whoever has missed its deadline is not waited for."""
        events: list[Event] = []
        for lane in list(self.lanes.values()):  # the last to miss may bring the fallback in
            if lane.deadline_at is not None and lane.deadline_at <= at:
                events += self._time_out(lane, at)
        return events

    def _time_out(self, lane: Lane, at: Instant) -> list[Event]:
        event = lane.miss(self.rfq.rfq_id, Reason.TIMED_OUT, "", at)
        lane.give_up()
        lane.answered(at, again_at_once=False)
        self.compete(lane, None)
        return [event, *self._after_answer(lane, at)]

    def _expire(self, at: Instant) -> list[Event]:
        refreshes = self.auto_refresh and not self.fixed
        if not (refreshes and self._refreshes < self.rules.max_refreshes):
            if self._priced:
                return self.end(RfqEnd.EXPIRED)
            return self.end(RfqEnd.NO_LIQUIDITY, Reason.NO_LIQUIDITY)
        self._refreshes += 1
        self.expires_at = at + self.rules.rfq_duration_ns
        self.lock, self._reconsider_at, self._round_at = None, None, at
        self.shared = 0
        for lane in self.lanes.values():
            lane.fresh(at)
            self.compete(lane, None)
        return [
            RfqRefreshed(
                rfq_id=self.rfq.rfq_id, refreshes=self._refreshes, expires_at=self.expires_at
            )
        ]

    def end(self, how: RfqEnd, reason: Reason | None = None, text: str = "") -> list[Event]:
        """No more asking. Covers stay known: a rejected hedge may still fall back on them."""
        self.status, self.ended = TRADE.after(self.status, ENDS[how]), True
        return [RfqEnded(rfq_id=self.rfq.rfq_id, how=how, reason=reason, text=text)]

    def end_if_dry(self) -> list[Event]:
        """A first round in which nobody has a usable price ends the request."""
        if self.ended or self.lock or not self.all_in():
            return []
        if self.backup and not self._priced:
            return [self.reroute(self.backup, Reason.NO_LIQUIDITY)]
        if self.reserve:
            return [self._fall_back()]
        if self._priced:
            return []
        if any(lane.skipped is Reason.BELOW_MINIMUM for lane in self.lanes.values()):
            text = f"the minimum is {self.pair.minimum} {self.pair.base}"
            return self.end(RfqEnd.NO_LIQUIDITY, Reason.BELOW_MINIMUM, text)
        return self.end(RfqEnd.NO_LIQUIDITY, Reason.NO_LIQUIDITY, self.shortage())

    def _fall_back(self) -> RfqFellBack:
        """No LP can quote: the fallback's pools are asked as well, from now on."""
        why = ", ".join(f"{lane.lp.name} {lane.why}" for lane in self.lanes.values())
        start = self._round_at = self.expires_at - self.rules.rfq_duration_ns  # ask at once
        names = tuple(lp.name for lp in self.reserve)
        self.lanes |= {lp.name: Lane(lp, start) for lp in self.reserve}
        self.reserve = ()
        return RfqFellBack(rfq_id=self.rfq.rfq_id, lps=names, text=why or "no LP deals this")

    def reroute(self, to: Route, reason: Reason, trade_id: str = "") -> RfqRerouted:
        """The desk asked first gave an error: from now on only `to`'s LPs are in the race."""
        self.desk, self.backup = to.desk, None
        start = self._round_at = self.expires_at - self.rules.rfq_duration_ns  # ask at once
        self.reserve = tuple(lp for lp in to.lps if lp.fallback)
        self.lanes = {lp.name: Lane(lp, start) for lp in to.lps if not lp.fallback}
        name = self.rfq.rfq_id
        return RfqRerouted(rfq_id=name, desk=to.desk, reason=reason, trade_id=trade_id)
