"""Accepted quotes: held, hedged, settled; rejects fall back, lost outcomes are asked for.

What is durable when: the intent before the LP is asked, the LP's answer before the client is told.
"""

from __future__ import annotations

from decimal import Decimal

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Event
from lpdesk.domain.values import ONE, ZERO, Instant, Side
from lpdesk.engines import execution, pricing, settlement
from lpdesk.engines.aggregator import Race
from lpdesk.engines.composite import replacements
from lpdesk.engines.cover import Cover
from lpdesk.engines.delayed import Delayed
from lpdesk.engines.execution import Elsewhere, Order, Trade
from lpdesk.engines.ledger import Hold, client_account
from lpdesk.engines.lifecycle import ORDER, OrderMove, OrderState, TradeMove
from lpdesk.engines.quoting import Quoting, refused
from lpdesk.engines.state import State

Events = list[Event]
OrderReport = (
    rep.OrderFilled
    | rep.OrderRejected
    | rep.OrderNotSent
    | rep.OrderLost
    | rep.OrderPending
    | rep.OrderNotFound
)


class Dealing:
    """All trades of a desk."""

    def __init__(self, state: State, quoting: Quoting, delayed: Delayed) -> None:
        self.state = state
        self.quoting = quoting
        self.delayed = delayed
        self.open_trades: dict[str, Trade] = {}
        self.orders: dict[str, tuple[Trade, Order]] = {}
        self.dealt: dict[str, str] = {}
        self.elsewhere: dict[str, Trade] = {}  # by request: a backup desk is to hedge it
        self._dues: dict[str, Instant] = {}

    def resume(self, at: Instant) -> Events:
        """After a restart: whatever may have been sent is unknown, and asked for."""
        events, text = Events(), "the desk was restarted"
        for trade in self.elsewhere.values():  # nothing of it is out
            trade.elsewhere = None
            events += self._fail(trade, Reason.RESTARTED, text)
        self.elsewhere.clear()
        for trade in self.open_trades.values():
            for order in trade.open_orders:
                if order.state is OrderState.SENT:
                    events += self._lose(trade, order, Reason.RESTARTED, text, at)
                else:
                    events += self._query(trade, order, at)
            self._planned(trade, events)
        return events

    @property
    def due(self) -> Instant | None:
        """When the first trade wants attention."""
        return min(self._dues.values(), default=None)

    def _planned(self, trade: Trade, events: Events) -> Events:
        """Whatever touches a trade ends here: when it is due next is worked out once."""
        self._dues.pop(trade.trade_id, None)
        if (due := trade.due) is not None:
            self._dues[trade.trade_id] = due
        return events

    def wake(self, at: Instant) -> Events:
        events: Events = []
        for trade in list(self.open_trades.values()):
            if self._dues.get(trade.trade_id, at + 1) <= at:
                events += self._look_elsewhere(trade, at) if trade.elsewhere else []
                events += self._planned(trade, self._chase(trade, at))
        return events

    def accept(self, cause: cmd.AcceptQuote, at: Instant) -> Events:
        repeated = self.dealt.get(cause.quote_id)
        if repeated:
            return [ev.AcceptRepeated(trade_id=repeated, quote_id=cause.quote_id)]
        race = self.quoting.races.get(cause.rfq_id)
        refusal = self._check_accept(cause, race, at)
        if refusal:
            return [refusal]
        assert race is not None and race.lock is not None
        lock, rfq = race.lock, race.rfq
        amounts, token = lock.terms.amounts, cause.origin.token if cause.origin else ""
        opened = execution.opened(self.state.name("T"), rfq, lock, race.desk, token)
        rules = self.state.settings.rules
        until = lock.cover.dealable_until if rules.strict else None
        trade = Trade(opened, race.pair, wanted=lock.cover.quantity, until=until)
        self.open_trades[trade.trade_id] = trade
        race.hedging = race.backup is not None and rules.backup_at_execution
        self.dealt[lock.quote_id] = trade.trade_id
        self.delayed.opened(opened, at)
        self.state.rolling.add((rfq.client, race.pair.quote), trade.trade_id, amounts.quote, at)
        events = [opened, *([] if rfq.delayed else self._hold(trade))]
        events += self.quoting.end(race, ev.RfqEnd.ACCEPTED, text=trade.trade_id)
        events += [self._send(trade, part, at) for part in lock.cover.parts]
        return self._planned(trade, events)

    def _hold(self, trade: Trade) -> Events:
        """What the client pays is reserved before the hedge. A delayed trade's is not there yet."""
        terms, trade.hold_id = trade.terms, self.state.name("H")
        hold = Hold(client_account(terms.client), terms.pays_asset, terms.pays)
        self.state.ledger.place(trade.hold_id, hold)
        return [
            ev.HoldPlaced(
                hold_id=trade.hold_id,
                trade_id=trade.trade_id,
                account=hold.account,
                asset=hold.asset,
                amount=hold.amount,
            )
        ]

    def _release(self, trade: Trade, *, posted: bool) -> Events:
        if not trade.hold_id:
            return []
        self.state.ledger.resolve(trade.hold_id)
        return [ev.HoldResolved(hold_id=trade.hold_id, trade_id=trade.trade_id, posted=posted)]

    def _check_accept(
        self, cause: cmd.AcceptQuote, race: Race | None, at: Instant
    ) -> ev.CommandRefused | None:
        """Limits, credit and funds again, and that this is still the quote that was seen."""
        if self.state.halted:
            return refused(Reason.HALTED, "desk", "trading is halted")
        if race is None:
            return refused(Reason.NOT_FOUND, "rfq", f"{cause.rfq_id} is not known")
        lock = race.lock
        if race.ended or lock is None or lock.cover.dealable_until <= at:
            return refused(Reason.QUOTE_EXPIRED, "quote", "there is no dealable price any more")
        if lock.quote_id != cause.quote_id:
            text = f"{cause.quote_id or 'the quote'} was replaced by {lock.quote_id}"
            return refused(Reason.QUOTE_CHANGED, "quote", text)
        if race.rfq.firm_at is not None and cause.origin is None:
            text = "a firm quote is dealt on by whom it was given to, over the API"
            return refused(Reason.NOT_ENABLED, "quote", text)
        return self.quoting.unfit(race, at, crossed_ok=cause.crossed_ok)

    def _send(self, trade: Trade, cover: Cover, at: Instant) -> ev.OrderSent:
        """The intent. It is durable before any byte of it leaves."""
        lp = self.state.settings.lp(cover.lp)
        assert lp is not None
        number = f"{trade.trade_id.removeprefix('T-')}-{len(trade.orders) + 1}"
        sent = execution.send(trade, cover, lp, f"{self.state.instance}-{number}", at)
        order = trade.orders[-1]
        self.orders[sent.order_id] = (trade, order)
        self._count_credit(trade, order, ONE)
        return sent

    def _count_credit(self, trade: Trade, order: Order, sign: Decimal) -> None:
        """What an open order may make us owe its LP counts until its outcome is known."""
        buys = trade.terms.base_side is Side.BUY
        asset = trade.pair.base if buys else trade.pair.quote
        amount = order.cover.quantity * (ONE if buys else order.cover.price)
        self.state.in_flight[order.cover.lp, asset] += sign * amount

    def _chase(self, trade: Trade, at: Instant) -> Events:
        """An order's deadline has passed, or its state is to be asked for again."""
        events, late = Events(), "no answer in time"
        for order in trade.open_orders:
            if order.state is OrderState.SENT and order.deadline_at <= at:
                events += self._lose(trade, order, Reason.TIMED_OUT, late, at)
            elif order.query_at is not None and order.query_at <= at:
                events += self._query(trade, order, at)
        return events

    def _lose(self, trade: Trade, order: Order, reason: Reason, text: str, at: Instant) -> Events:
        """The outcome is not known from here on; an LP that can be asked is asked at once."""
        if not self._tells(order):
            text = f"{text}: {order.cover.lp} cannot be asked, call its desk"
        lost = execution.lose(trade, order, reason, text, at)
        return [lost, *self._query(trade, order, at)]

    def _query(self, trade: Trade, order: Order, at: Instant) -> Events:
        if self._tells(order):
            return [execution.query(trade, order, at)]
        order.query_at = None
        return []

    def _tells(self, order: Order) -> bool:
        lp = self.state.settings.lp(order.cover.lp)
        return lp is None or lp.tells

    def _order_of(self, cause: OrderReport) -> tuple[Trade, Order] | tuple[None, None]:
        """The order a report is about. An LP has no say on another LP's orders."""
        trade, order = self.orders.get(cause.order_id, (None, None))
        if trade is None or order is None or order.cover.lp != cause.lp:
            return None, None
        return trade, order

    def lost(self, cause: rep.OrderLost, at: Instant) -> Events:
        trade, order = self._order_of(cause)
        if trade is None or order is None or order.state is not OrderState.SENT:
            return []
        return self._planned(trade, self._lose(trade, order, cause.reason, cause.text, at))

    def pending(self, cause: rep.OrderPending, at: Instant) -> Events:
        trade, order = self.orders.get(cause.order_id, (None, None))
        if trade is None or order is None:
            return []
        if order.state is OrderState.SENT and order.query_at is None:
            order.query_at = at + execution.FIRST_QUERY_NS
        return self._planned(trade, [])

    def not_found(self, cause: rep.OrderNotFound, at: Instant) -> Events:
        """Proves nothing until the LP's quote has expired and a grace has passed."""
        trade, order = self._order_of(cause)
        if trade is None or order is None or order.state is not OrderState.UNKNOWN:
            return []
        if at < order.cover.expires_at + self.state.settings.rules.unfound_grace_ns:
            return []
        return self._next_cover(trade, order, Reason.NOT_FOUND, "the LP never had it", at)

    def rejected(self, cause: rep.OrderRejected | rep.OrderNotSent, at: Instant) -> Events:
        trade, order = self._order_of(cause)
        if trade is None or order is None or order.state is OrderState.REJECTED:
            return []
        if order.state is OrderState.FILLED:
            text = "the LP rejected what it had filled; the fill stands"
            return [self._break(ev.BreakKind.REJECT_AFTER_FILL, trade, order, text)]
        return self._next_cover(trade, order, cause.reason, cause.text, at)

    def _next_cover(
        self, trade: Trade, order: Order, reason: Reason, text: str, at: Instant
    ) -> Events:
        """This order is surely not filled: its size goes to the next best cover, or is missing."""
        events: Events = [execution.rejected(trade, order, reason, text, at)]
        self._count_credit(trade, order, -ONE)
        covers = self._fallback(trade, order.cover.quantity, at)
        events += [self._send(trade, cover, at) for cover in covers]
        if not covers:
            trade.missing += order.cover.quantity
            if not trade.open_orders:  # else the end waits for the legs that are still out
                events += self._turn_elsewhere(trade, reason, text, at)
        return self._planned(trade, events)

    def _turn_elsewhere(self, trade: Trade, reason: Reason, text: str, at: Instant) -> Events:
        """The trade's desk has failed: its backup may hedge what is missing, or the trade fails.

        Nothing is out any more: an outcome that is not known never comes here.
        """
        race = self.quoting.races.get(trade.terms.rfq_id)
        asked: Events = []
        if race is not None and race.hedging and race.stands(at) and not self.state.halted:
            asked = self.quoting.elsewhere(race, trade, reason, at)
        if not asked:
            return self._fail(trade, reason, text)
        trade.elsewhere = Elsewhere(at, reason, text)
        self.elsewhere[trade.terms.rfq_id] = trade
        return asked + self._look_elsewhere(trade, at)

    def offered(self, ask_id: str, at: Instant) -> Events:
        """An LP has answered, maybe one of a backup desk that is to hedge."""
        trade = self.elsewhere.get(ask_id.partition(".")[0])
        return self._planned(trade, self._look_elsewhere(trade, at)) if trade else []

    def _look_elsewhere(self, trade: Trade, at: Instant) -> Events:
        """The backup's first price within the loss limit is dealt on, while the quote stands."""
        race, waits = self.quoting.races[trade.terms.rfq_id], trade.elsewhere
        assert race.lock is not None and waits is not None
        events = race.late(at)
        covers = self._fallback(trade, trade.missing, at) if race.stands(at) else ()
        if not covers and race.stands(at) and (deadline := race.deadline_at):
            waits.until = min(race.lock.cover.dealable_until, deadline)
            return events
        trade.elsewhere = None
        del self.elsewhere[trade.terms.rfq_id]
        if not covers:
            return events + self._fail(trade, waits.reason, waits.text)
        trade.missing -= sum((cover.quantity for cover in covers), ZERO)
        return events + [self._send(trade, cover, at) for cover in covers]

    def _fail(self, trade: Trade, reason: Reason, text: str) -> Events:
        """The hedge is not whole: the client owes nothing; legs that filled are the desk's own."""
        trade.move(TradeMove.FAIL)
        self._over(trade)
        self.delayed.failed(trade.trade_id)
        self.state.rolling.drop((trade.terms.client, trade.pair.quote), trade.trade_id)
        stands = f"stands alone, {trade.missing} not hedged: on the desk's own account"
        filled = [order for order in trade.orders if order.state is OrderState.FILLED]
        return [
            *(self._break(ev.BreakKind.PARTIAL_HEDGE, trade, order, stands) for order in filled),
            *self._release(trade, posted=False),
            ev.TradeFailed(trade_id=trade.trade_id, reason=reason, text=text),
        ]

    def _over(self, trade: Trade) -> None:
        del self.open_trades[trade.trade_id]
        self._dues.pop(trade.trade_id, None)
        if race := self.quoting.races.get(trade.terms.rfq_id):
            race.hedging = False

    def _fallback(self, trade: Trade, quantity: Decimal, at: Instant) -> tuple[Cover, ...]:
        """The covers to deal on in place of a rejected order, none worse than the loss limit."""
        race = self.quoting.races.get(trade.terms.rfq_id)
        if race is None or self.state.halted or (trade.until is not None and trade.until <= at):
            return ()
        tried = {order.cover.lp for order in trade.orders}
        allowed = self.state.settings.rules.loss_limit_bps
        if trade.elsewhere or quantity == trade.wanted:
            for cover in race.covers(at):
                if cover.lp not in tried and execution.within_loss_limit(trade, cover, allowed):
                    return cover.parts
        if not race.sets:
            return ()
        limit = pricing.raised(trade.terms.client_price, trade.terms.base_side, allowed)
        return replacements(race.value, race.quotes(but=tried), race.curves, quantity, limit, at)

    # ---- fills and settlement

    def filled(self, cause: rep.OrderFilled, at: Instant) -> Events:
        trade, order = self._order_of(cause)
        if trade is None or order is None:
            text = f"{cause.quantity} at {cause.price}"
            return [self._break_at(ev.BreakKind.UNKNOWN_ORDER, cause.lp, cause.order_id, "", text)]
        if cause.execution_id in order.executions:
            return []
        if cause.price <= 0 or cause.quantity <= 0:
            return self.lost(execution.unreadable(cause), at)
        leg = execution.filled(trade, order, cause, at)
        told = execution.differences(order, leg, at)
        breaks = [self._break(kind, trade, order, text) for kind, text in told]
        if cause.fee_text:
            breaks.append(self._break(ev.BreakKind.BAD_FEE, trade, order, cause.fee_text))
        if not ORDER.allows(order.state, OrderMove.FILL):
            postings = settlement.hedge_postings(trade.pair, leg)
            return [leg, self.state.transfer(trade.trade_id, postings), *breaks]
        order.state = ORDER.after(order.state, OrderMove.FILL)
        self._count_credit(trade, order, -ONE)
        return self._planned(trade, [leg, *self._filled(trade, leg, at), *breaks])

    def _filled(self, trade: Trade, leg: ev.LegFilled, at: Instant) -> Events:
        """A leg is a fact and is booked; the client's side waits until the hedge is whole."""
        trade.legs.append(leg)
        waits = bool(trade.open_orders)
        if not waits and not trade.missing:
            return self._settle(trade, leg)
        postings = settlement.hedge_postings(trade.pair, leg)
        trade.booked += postings
        events: Events = [self.state.transfer(trade.trade_id, postings)]
        if waits:
            return events
        text = f"{trade.missing} {trade.pair.base} of the hedge could not be dealt"
        return events + self._turn_elsewhere(trade, Reason.NO_COVER, text, at)

    def _settle(self, trade: Trade, leg: ev.LegFilled) -> Events:
        """Hold to transfer, the client and the last leg at once: neither or both.

        Delayed: the desk's side alone, with what it will deliver set aside.
        """
        hedge = settlement.hedge_postings(trade.pair, leg)
        postings = settlement.client_postings(trade.terms) + hedge
        booked = trade.booked + postings
        figures = settlement.settled(trade.pair, trade.terms, trade.legs, booked)
        self._over(trade)
        if trade.terms.delayed:
            trade.move(TradeMove.EXECUTE)
            hedge += settlement.set_aside(trade.terms)
            executed = self.delayed.executed(trade.terms, figures)
            return [self.state.transfer(trade.trade_id, hedge), executed]
        trade.move(TradeMove.SETTLE)
        released = self._release(trade, posted=True)
        return [*released, self.state.transfer(trade.trade_id, postings), figures]

    def revised(self, cause: rep.FillRevised) -> Events:
        """What is booked stays booked until a person has spoken with the LP, who waits."""
        trade, _ = self.orders.get(cause.order_id, (None, None))
        trade_id = trade.trade_id if trade else ""
        text = f"{cause.execution_id} {cause.text}"
        kind = ev.BreakKind.REVISED
        return [self._break_at(kind, cause.lp, cause.order_id, trade_id, text)]

    def _break(self, kind: ev.BreakKind, trade: Trade, order: Order, text: str) -> ev.BreakFound:
        return self._break_at(kind, order.cover.lp, order.order_id, trade.trade_id, text)

    def _break_at(
        self, kind: ev.BreakKind, lp: str, order_id: str, trade_id: str, text: str
    ) -> ev.BreakFound:
        return ev.BreakFound(
            break_id=self.state.name("B"),
            kind=kind,
            lp=lp,
            order_id=order_id,
            trade_id=trade_id,
            text=text,
            owner=self.state.settings.reconcile.owner,
        )
