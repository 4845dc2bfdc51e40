"""The invariants of reliability.md section 3, as a second bookkeeper who believes only the events.

`Auditor.check` is called after every step. It keeps its own balances, holds, trades and locks, in
the plainest way there is, and compares.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.desk import Desk
from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.record import Cause, Event
from lpdesk.domain.settings import Settings
from lpdesk.domain.values import BPS, Dealt, Instant, Side, decimals_of, round_even

ONE_BP = Decimal(1)


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def numbers(value: object) -> Iterator[object]:
    """Every number in an event."""
    if isinstance(value, Struct):
        for field in value.__struct_fields__:
            yield from numbers(getattr(value, field))
    elif isinstance(value, dict | tuple | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from numbers(each)
    elif isinstance(value, Decimal | float):
        yield value


class Trade:
    """What the auditor knows of a trade.

    `open_orders` have no answer yet; `hedge` is the first fill of each that had one, `booked` what
    those moved.
    """

    def __init__(self, opened: ev.TradeOpened) -> None:
        self.opened = opened
        self.state = "executing"
        self.open_orders: dict[str, ev.OrderSent] = {}
        self.orders: list[ev.OrderSent] = []
        self.rejected: set[str] = set()
        self.hedge: list[ev.LegFilled] = []
        self.booked: list[ev.Posting] = []
        self.to_book = False
        self.legs: list[ev.LegFilled] = []


def told(cause: Cause, event, kind) -> bool:
    """Whether `event` follows from what its LP said of that order, alone or in its list."""
    rows = cause.executions if isinstance(cause, rep.ExecutionsListed) else (cause,)
    return any(
        isinstance(row, kind) and (row.lp, row.order_id) == (event.lp, event.order_id)
        for row in rows
    )


class Auditor:
    """One method for each event that says something about an invariant."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.balances: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.opened: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.holds: dict[str, ev.HoldPlaced] = {}
        self.past_holds: set[str] = set()
        self.trades: dict[str, Trade] = {}
        self.dealt: set[str] = set()
        self.rfqs: dict[str, ev.RfqOpened] = {}
        self.locks: dict[str, ev.QuoteLocked] = {}
        self.ever_locked: dict[str, ev.QuoteLocked] = {}
        self.usable: dict[tuple[str, str], ev.QuoteReceived] = {}
        self.executions: set[tuple[str, str]] = set()
        self.fills: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.elsewhere: dict[str, Trade] = {}
        self.halted = False
        self.breaks: dict[str, bool] = {}

    def check(self, desk: Desk, cause: Cause, at: Instant, events: tuple[Event, ...]) -> None:
        for event in events:
            for value in numbers(event):  # I9
                assert isinstance(value, Decimal) and value.is_finite(), event
                assert value or not value.is_signed(), event
            handler = getattr(self, snake_case(type(event).__name__), None)
            if handler:
                handler(event, at, cause, events)
        self._check_books(desk)
        still = {name for name, is_open in self.breaks.items() if is_open}
        assert still == set(desk.reconciling.breaks.open)
        due = desk.next_due()
        if isinstance(cause, rep.Pulse):
            assert due is None or due > at, "a busy loop"

    def _check_books(self, desk: Desk) -> None:
        ledger = desk.state.ledger
        stored = {key: amount for key, amount in ledger.balances.items() if amount}
        assert stored == {key: amount for key, amount in self.balances.items() if amount}  # I2
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        positions: defaultdict[str, Decimal] = defaultdict(Decimal)
        for (account, asset), amount in self.balances.items():
            sums[asset] += amount
            if account == "desk" or account.startswith("client:"):
                positions[asset] += amount - self.opened[account, asset]
        assert not any(sums.values())  # I1
        for base in {pair.base for pair in self.settings.pairs}:
            assert positions[base] == self.fills[base]  # I12
        held: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for hold in self.holds.values():
            held[hold.account, hold.asset] += hold.amount
            assert hold.amount > 0
            assert self.trades[hold.trade_id].state in ("executing", "unknown")  # I5
        assert held == {key: amount for key, amount in ledger.held.items() if amount}  # I3
        for key, amount in held.items():
            assert self.balances[key] - amount >= 0  # I3
        for (account, _), amount in self.balances.items():
            assert amount >= 0 or not account.startswith("client:")  # I3
        live = {
            key for key, trade in self.trades.items() if trade.state in ("executing", "unknown")
        }
        assert {hold.trade_id for hold in self.holds.values()} == live  # I5
        assert set(desk.dealing.open_trades) == live
        for trade_id in live:  # I17: none is forgotten, something will happen to each
            assert desk.dealing.open_trades[trade_id].due is not None
        dues = [trade.due for trade in desk.dealing.open_trades.values()]
        assert desk.dealing.due == min(dues, default=None)  # kept, not searched for

    # ---- requests

    def rfq_opened(self, event, at, cause, events) -> None:
        self.rfqs[event.rfq_id] = event

    def rfq_ended(self, event, at, cause, events) -> None:
        del self.rfqs[event.rfq_id]  # once
        self.locks.pop(event.rfq_id, None)

    def rfq_refreshed(self, event, at, cause, events) -> None:
        self.locks.pop(event.rfq_id, None)

    def rfq_rerouted(self, event, at, cause, events) -> None:
        if not event.trade_id:
            assert event.rfq_id in self.rfqs and event.rfq_id not in self.locks
            return
        trade = self.trades[event.trade_id]  # I18: nothing of it is out, or ever was rerouted
        assert trade.state in ("executing", "unknown") and not trade.open_orders
        assert event.rfq_id not in self.elsewhere
        self.elsewhere[event.rfq_id] = trade

    def _asked_elsewhere(self, event, at) -> None:
        """What is missing of a hedge, of whom was not tried, while the client's quote stands."""
        trade = self.elsewhere[event.rfq_id]
        lock = self.ever_locked[trade.opened.quote_id]
        assert not trade.open_orders and at < lock.dealable_until
        assert event.lp not in [order.lp for order in trade.orders]
        assert event.quantity <= lock.quantity - sum(leg.quantity for leg in trade.hedge)

    def lp_asked(self, event, at, cause, events) -> None:
        assert not self.halted
        if event.rfq_id in self.elsewhere:
            self._asked_elsewhere(event, at)
            return
        assert event.rfq_id in self.rfqs
        lock = self.locks.get(event.rfq_id)
        assert lock is None or event.lp not in lock.lp.split("+")  # the lock is not asked again
        assert event.quantity > 0 and event.deadline_at > at

    def quote_received(self, event, at, cause, events) -> None:
        assert event.verdict is not ev.Verdict.LIVE or at < event.dealable_until
        if event.verdict in (ev.Verdict.LIVE, ev.Verdict.SHORT):
            self.usable[event.lp, event.quote_ref] = event
            for level in cause.levels:
                self.usable[event.lp, level.quote_ref] = replace(
                    event,
                    quote_ref=level.quote_ref,
                    price=level.price,
                    quantity=level.quantity,
                )

    def quote_locked(self, event, at, cause, events) -> None:
        rfq = self.rfqs[event.rfq_id]
        former = self.locks.get(event.rfq_id)
        buys = rfq.base_side is Side.BUY
        assert at < event.dealable_until  # I21
        self._check_cover(event)
        if event.cause is ev.LockCause.FIRST:
            assert former is None
        elif event.cause is ev.LockCause.IMPROVED:
            gain = former.client_price - event.client_price
            gain = gain if buys else -gain
            assert gain * BPS >= former.client_price * ONE_BP and at < former.dealable_until
        else:
            assert isinstance(cause, rep.LpWithdrew) or any(
                isinstance(other, ev.LpHealthChanged) and other.state == "blocked"
                for other in events
            )
        factor = BPS + event.markup_bps if buys else BPS - event.markup_bps
        assert event.client_price * BPS == event.all_in * factor  # I8
        self._check_amounts(rfq, event)
        self.locks[event.rfq_id] = self.ever_locked[event.quote_id] = event

    def _check_cover(self, lock: ev.QuoteLocked) -> None:
        """I20: every leg is a quote that the LP made, no larger; they sum to what is hedged."""
        if not lock.legs:
            cover = self.usable[lock.lp, lock.quote_ref]
            assert (cover.rfq_id, cover.price) == (lock.rfq_id, lock.lp_price)
            return
        for leg in lock.legs:
            quote = self.usable[leg.lp, leg.quote_ref]
            assert (quote.rfq_id, quote.price) == (lock.rfq_id, leg.price)
            assert 0 < leg.quantity <= quote.quantity
            assert lock.dealable_until <= quote.dealable_until
        assert sum(leg.quantity for leg in lock.legs) == lock.quantity
        lps = dict.fromkeys(leg.lp for leg in lock.legs)
        assert lock.lp == "+".join(lps) and len(lock.legs) > 1

    def _check_amounts(self, rfq: ev.RfqOpened, lock: ev.QuoteLocked) -> None:
        """I7: the dealt amount is exact, the other within one unit and never against the desk."""
        pair = self.settings.pair(rfq.symbol)
        dealt_is_paid = rfq.side is Side.SELL
        exact, rounded = (lock.pays, lock.receives) if dealt_is_paid else (lock.receives, lock.pays)
        other = Dealt.QUOTE if rfq.dealt is Dealt.BASE else Dealt.BASE
        decimals = pair.decimals(other)
        assert exact == rfq.amount and decimals_of(rounded) <= decimals
        true = exact * lock.client_price if rfq.dealt is Dealt.BASE else exact / lock.client_price
        error = true - rounded if dealt_is_paid else rounded - true
        assert -Decimal("1e-40") <= error < Decimal(1).scaleb(-decimals)

    def quote_unlocked(self, event, at, cause, events) -> None:
        del self.locks[event.rfq_id]

    # ---- trades

    def trade_opened(self, event, at, cause, events) -> None:
        assert event.quote_id not in self.dealt and not self.halted  # I13
        self.dealt.add(event.quote_id)
        lock = self.locks[event.rfq_id]
        assert lock.quote_id == event.quote_id and at < lock.dealable_until
        assert (lock.pays, lock.receives, lock.client_price) == (
            event.pays,
            event.receives,
            event.client_price,
        )
        self.trades[event.trade_id] = Trade(event)

    def order_sent(self, event, at, cause, events) -> None:
        trade = self.trades[event.trade_id]
        assert trade.state in ("executing", "unknown")
        assert at < event.send_by and not self.halted  # I15
        cover = self.usable[event.lp, event.quote_ref]
        assert (cover.rfq_id, cover.price) == (trade.opened.rfq_id, event.price)
        assert event.send_by <= cover.dealable_until
        assert event.quote_ref not in [order.quote_ref for order in trade.orders]
        lock = self.ever_locked[trade.opened.quote_id]
        assert at < lock.dealable_until and event.send_by <= lock.dealable_until  # I15
        assert decimals_of(event.quantity) <= self.settings.pair(event.symbol).base_decimals  # I7
        legs = lock.legs or (
            ev.QuoteLeg(lock.lp, lock.quote_ref, lock.quantity, lock.lp_price, lock.all_in, ""),
        )
        first = {leg.lp for leg in legs}
        assert len(trade.orders) < len(legs) or event.lp not in first, "an LP that was tried"
        if len(trade.orders) < len(legs):  # I15: what the client saw
            leg = legs[len(trade.orders)]
            assert (leg.lp, leg.quote_ref, leg.price, leg.quantity) == (
                event.lp,
                event.quote_ref,
                event.price,
                event.quantity,
            )
        trade.orders.append(event)
        trade.open_orders[event.order_id] = event
        out = sum(order.quantity for order in trade.orders if order.order_id not in trade.rejected)
        near = out <= lock.quantity or trade.opened.dealt is Dealt.QUOTE
        assert near, "I13, I18: more is out than is to be hedged"

    def trade_unknown(self, event, at, cause, events) -> None:
        trade = self.trades[event.trade_id]
        assert trade.state in ("executing", "unknown")
        assert event.order_id in trade.open_orders
        trade.state = "unknown"

    def leg_rejected(self, event, at, cause, events) -> None:
        trade = self.trades[event.trade_id]
        order = trade.open_orders.pop(event.order_id)  # I18
        trade.rejected.add(event.order_id)
        assert told(cause, event, rep.OrderRejected | rep.OrderNotSent | rep.OrderNotFound)
        if isinstance(cause, rep.OrderNotFound):
            assert trade.state == "unknown"
            received = self.usable[event.lp, order.quote_ref]
            assert at > received.dealable_until  # and a grace, on top of the buffer

    def leg_filled(self, event, at, cause, events) -> None:
        assert (event.order_id, event.execution_id) not in self.executions  # once
        self.executions.add((event.order_id, event.execution_id))
        assert told(cause, event, rep.OrderFilled)
        trade = self.trades[event.trade_id]
        trade.legs.append(event)
        base = trade.opened.symbol.partition("/")[0]
        self.fills[base] += event.quantity if event.side is Side.BUY else -event.quantity
        if trade.open_orders.pop(event.order_id, None):
            trade.hedge.append(event)
            trade.to_book = True
        else:  # the LP has answered before: this is a break, unless a partial fill goes on
            first = next(order for order in trade.orders if order.order_id == event.order_id)
            done = sum(leg.quantity for leg in trade.legs if leg.order_id == event.order_id)
            assert done <= first.quantity or any(isinstance(e, ev.BreakFound) for e in events)

    def trade_settled(self, event, at, cause, events) -> None:
        trade = self.trades[event.trade_id]
        assert trade.state in ("executing", "unknown")  # I16
        trade.state = "settled"
        pair = self.settings.pair(trade.opened.symbol)
        moved = [other for other in events if isinstance(other, ev.Transferred)]
        assert len([other for other in moved if other.trade_id == event.trade_id]) == 1  # I6
        booked = sum(
            posting.amount
            for posting in trade.booked
            if posting.account.startswith("desk") and posting.asset == event.pnl_asset
        )
        quantity = sum(leg.quantity for leg in trade.hedge)
        price = sum(leg.price * leg.quantity for leg in trade.hedge) / quantity
        price = trade.hedge[0].price if len(trade.hedge) == 1 else round_even(price, 12)
        in_quote = pair.profit is Dealt.QUOTE
        worth = event.residual * price if in_quote else event.residual / price
        unit = Decimal(1).scaleb(-pair.decimals(pair.profit))
        assert event.pnl == booked + worth.quantize(unit, ROUND_DOWN)  # I8, residual at the LP's
        assert event.pnl_asset == pair.asset(pair.profit)
        assert quantity == event.quantity and price == event.lp_price

    def trade_failed(self, event, at, cause, events) -> None:
        trade = self.trades[event.trade_id]
        assert trade.state in ("executing", "unknown") and not trade.open_orders  # I16, I18
        trade.state = "failed"
        assert not any(  # the client owes nothing; what legs filled is the desk's own
            posting.account.startswith("client:")
            for other in events
            if isinstance(other, ev.Transferred)
            for posting in other.postings
        )

    # ---- breaks and their end

    def break_found(self, event, at, cause, events) -> None:
        assert event.break_id not in self.breaks
        self.breaks[event.break_id] = True

    def break_closed(self, event, at, cause, events) -> None:
        assert self.breaks[event.break_id]  # once
        assert (event.rule is None) == isinstance(cause, cmd.CloseBreak) == bool(event.why)
        self.breaks[event.break_id] = False

    # ---- money

    def hold_placed(self, event, at, cause, events) -> None:
        assert event.hold_id not in self.holds and event.hold_id not in self.past_holds
        self.holds[event.hold_id] = event

    def hold_resolved(self, event, at, cause, events) -> None:
        hold = self.holds.pop(event.hold_id)  # I4: once
        self.past_holds.add(event.hold_id)
        ends = ev.TradeSettled if event.posted else ev.TradeFailed
        assert any(isinstance(e, ends) and e.trade_id == hold.trade_id for e in events)

    def transferred(self, event, at, cause, events) -> None:
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for posting in event.postings:
            sums[posting.asset] += posting.amount
            self.balances[posting.account, posting.asset] += posting.amount
            if event.trade_id in self.trades and self.trades[event.trade_id].to_book:
                self.trades[event.trade_id].booked.append(posting)
            if not event.trade_id:
                self.opened[posting.account, posting.asset] += posting.amount
        assert not any(sums.values())  # I1
        if event.trade_id in self.trades:
            self.trades[event.trade_id].to_book = False

    def quote_uncovered(self, event, at, cause, events) -> None:
        raise AssertionError(event)  # I14: the client price stays covered at every instant

    def trading_halted(self, event, at, cause, events) -> None:
        self.halted = True

    def trading_resumed(self, event, at, cause, events) -> None:
        self.halted = False
