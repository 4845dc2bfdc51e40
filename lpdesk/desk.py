"""The desk: `step(cause, at)` is the one place where the engines meet.

Pure and synchronous. One case for each cause; every engine method returns the events it decided.
Replaying the same causes at the same times on a fresh desk gives the same events, byte for byte.
"""

from __future__ import annotations

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Cause, Command, Event, Report
from lpdesk.domain.values import Instant, exact
from lpdesk.engines import amm, cash, internal
from lpdesk.engines.amm import Amm
from lpdesk.engines.dealing import Dealing
from lpdesk.engines.delayed import Delayed
from lpdesk.engines.house import House
from lpdesk.engines.making import Making
from lpdesk.engines.quoting import Quoting, refused
from lpdesk.engines.reconciling import Reconciling
from lpdesk.engines.state import State
from lpdesk.engines.strategy import STRATEGIES, Strategies
from lpdesk.engines.webhooks import Webhooks

Events = list[Event]


class Desk:
    """All state of a desk, and the one door to it."""

    def __init__(self, strategies: Strategies = STRATEGIES) -> None:
        self.state = State()
        self.quoting = Quoting(self.state)
        self.delayed = Delayed(self.state)
        self.dealing = Dealing(self.state, self.quoting, self.delayed)
        self.making = Making(self.state, strategies)
        self.house = House(self.making)
        self.amm = Amm(self.state)
        self.quoting.reference = self.making.reference
        self.reconciling = Reconciling(self.state, self.dealing)
        self.webhooks = Webhooks(self.state)

    @exact
    def step(self, cause: Cause, at: Instant) -> tuple[Event, ...]:
        """Everything that follows from `cause` at time `at`. Raises `Bug` only."""
        events = self._answered([*_taken(cause), *self._decide(cause, at)], at)
        events += self.making.rebalanced(at)
        events += self._answered(self._pushed(events, at), at)
        for event in tuple(events):
            changed = self.state.health.observe(event, at)
            if changed:
                events.append(changed)
                if changed.state == "blocked":
                    events += self.quoting.bar(changed.lp, at)
            if isinstance(event, ev.LegFilled | ev.LegRejected):
                self.state.quality.executed(event.lp, event.response_ns, at)
        self.reconciling.observe(events, at)
        events += self.webhooks.queued(events, at)
        for event in events:
            self.state.scorecards.observe(event, at)
        return tuple(events)

    def next_due(self) -> Instant | None:
        """When the desk next wants a `Pulse`; None while nothing is waiting."""
        times = [
            self.dealing.due,
            self.quoting.due,
            self.making.due,
            self.delayed.due,
            self.reconciling.due,
            self.state.scorecards.due,
        ]
        return min([due for due in times if due is not None], default=None)

    def _decide(self, cause: Cause, at: Instant) -> Events:
        if isinstance(cause, cmd.Command):
            return self._commanded(cause, at)
        return self._reported(cause, at)

    def _reported(self, cause: Report, at: Instant) -> Events:
        if isinstance(cause, rep.LpFailed | rep.OrderRejected):
            self.state.health.pause(cause.lp, at + cause.retry_after_ns)
        match cause:
            case rep.Pulse():
                return [
                    *self.quoting.wake(at),
                    *self.dealing.wake(at),
                    *self.making.wake(at),
                    *self.delayed.wake(at),
                    *self.reconciling.wake(at),
                    *self.state.scorecards.said(at),
                ]
            case rep.LpQuoted():
                return [*self.quoting.quoted(cause, at), *self.dealing.offered(cause.ask_id, at)]
            case rep.LpFailed() | rep.LpWithdrew():
                return [*self.quoting.missed(cause, at), *self.dealing.offered(cause.ask_id, at)]
            case rep.LpStreamed():
                moved = self.state.market.moved(cause, at)
                return [moved] if moved else []
            case rep.PoolRead():
                self.amm.read(cause, at)
                return []
            case rep.OrderFilled():
                return self.dealing.filled(cause, at)
            case rep.OrderRejected() | rep.OrderNotSent():
                return self.dealing.rejected(cause, at)
            case rep.OrderLost():
                return self.dealing.lost(cause, at)
            case rep.OrderPending():
                return self.dealing.pending(cause, at)
            case rep.OrderNotFound():
                return self.dealing.not_found(cause, at)
            case rep.FillRevised():
                return self.dealing.revised(cause)
            case rep.QueryFailed():
                return []
            case rep.ExecutionsListed():
                return self.reconciling.listed(cause, at)
            case rep.ExecutionsUnlisted():
                return self.reconciling.unlisted(cause)
            case rep.WebhookDelivered():
                return self.webhooks.delivered(cause)
            case rep.WebhookFailed():
                return self.webhooks.failed(cause)
            case rep.ReferenceTicked():
                return self.making.ticked(cause, at)
            case rep.ReferenceLost():
                return self.making.lost(cause, at)
            case rep.TakerOrdered():
                return self.making.taken(cause, at)
            case rep.DeskStarted():
                return self._start(cause, at)
            case rep.DeskStopped():
                ended = self.quoting.end_live(Reason.RESTARTED, cause.why)
                return [*ended, ev.DeskClosed(why=cause.why)]

    def _commanded(self, cause: Command, at: Instant) -> Events:
        match cause:
            case cmd.RequestQuote():
                return self.quoting.request(cause, at)
            case cmd.AcceptQuote():
                return self.dealing.accept(cause, at)
            case cmd.CancelRfq():
                return self.quoting.cancel(cause)
            case cmd.SetAutoRefresh():
                return self.quoting.set_auto_refresh(cause)
            case cmd.KeepAnswer():
                return _kept(cause)
            case cmd.Halt():
                return self._halt(cause, at)
            case cmd.Resume():
                self.state.halted = False
                return [ev.TradingResumed(), *self.making.resume(at)]
            case cmd.PlaceOrder():
                return self.making.enter(cause, at)
            case cmd.CancelOrders():
                return self.making.cancel(cause, at)
            case cmd.SetMaker():
                return self.making.set(cause, at)
            case cmd.StartMaker():
                return self.making.run(cause.symbol, at)
            case cmd.StopMaker():
                return self.making.stop(cause.symbol, at)
            case cmd.Deposit() | cmd.Withdraw():
                return cash.moved(self.state, cause)
            case cmd.CreateSettlement():
                return self.delayed.create(cause, at)
            case cmd.SettleNow():
                return self.delayed.settle(cause, at)
            case cmd.UnblockLp():
                changed = self.state.health.unblock(cause.lp)
                return [changed] if changed else [refused(Reason.BAD_LP, "lp", "not blocked")]
            case cmd.Reconcile():
                return self.reconciling.start(cause, at)
            case cmd.CloseBreak():
                return self.reconciling.close(cause)
            case cmd.AssignBreak():
                return self.reconciling.assign(cause)
            case cmd.ResendWebhook():
                return self.webhooks.resend(cause)
            case cmd.EnableEndpoint():
                return self.webhooks.enable(cause)

    def _answered(self, events: Events, at: Instant) -> Events:
        """With the answers of our own exchange and of pools."""
        for event in events:  # grows meanwhile
            if isinstance(event, ev.LpAsked | ev.OrderSent):
                events += self._inside(event, at)
        return events

    def _pushed(self, events: Events, at: Instant) -> Events:
        """Where our own exchange is a stream: what live requests hear of a book that changed."""
        changed = {event.symbol for event in events if isinstance(event, ev.BookChanged)}
        races = self.quoting.live(changed) if changed else []
        return [
            told
            for race in races
            for report in self.house.pushed(race)
            for told in self._decide(report, at)
        ]

    def _inside(self, event: ev.LpAsked | ev.OrderSent, at: Instant) -> Events:
        """Our own exchange answers at once, and pools quote; all is treated like any LP's word."""
        lp = self.state.settings.lp(event.lp)
        match event, lp.kind if lp else "":
            case ev.OrderSent(), internal.KIND:
                client = self.dealing.orders[event.order_id][0].terms.client
                events, answer = self.house.execute(event, client, at)
                return events + self._decide(answer, at)
            case ev.LpAsked(), internal.KIND:
                race = self.quoting.races.get(event.rfq_id)
                return self._decide(self.house.quote(event, race), at)
            case ev.LpAsked(), amm.KIND:
                return self._decide(self.amm.quote(event, at), at)
        return []

    def _start(self, cause: rep.DeskStarted, at: Instant) -> Events:
        """A process begins or resumes: what was live is ended, what was sent is asked for."""
        events: Events = [
            ev.DeskOpened(instance=cause.instance, settings=cause.settings),
            *(self.quoting.run_out(at) if cause.settings.rules.edition > 1 else ()),
            *self.quoting.end_live(Reason.RESTARTED, "the desk was restarted"),
        ]
        self.state.reset(cause.instance, cause.settings)
        self.quoting.clear()
        self.reconciling.open(at)
        events += [*self.state.open_accounts(), *self.dealing.resume(at)]
        return events + self.making.start(at)

    def _halt(self, cause: cmd.Halt, at: Instant) -> Events:
        self.state.halted = True
        return [
            ev.TradingHalted(why=cause.why),
            *self.making.halt(cause.why, at),
            *self.quoting.end_live(Reason.HALTED, cause.why),
        ]


def _taken(cause: Cause) -> Events:
    """That a request from outside has had its effect, whatever that is."""
    origin = cause.origin if isinstance(cause, cmd.Asked) else None
    if origin is None or not origin.token or isinstance(cause, cmd.KeepAnswer):
        return []
    return [ev.RequestTaken(caller=origin.caller, token=origin.token, digest=origin.digest)]


def _kept(cause: cmd.KeepAnswer) -> Events:
    assert cause.origin is not None
    return [
        ev.AnswerKept(
            caller=cause.origin.caller,
            token=cause.origin.token,
            status=cause.status,
            body=cause.body,
        )
    ]
