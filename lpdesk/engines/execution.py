"""Accepted quotes and their hedge orders: what was sent, what is known, what is asked next.

Domain rule 6. A lost answer is not a failure: the order is `unknown` until the LP says otherwise,
and nothing is sent in its place.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from lpdesk.domain.events import (
    BreakKind,
    LegFilled,
    LegRejected,
    OrderQueried,
    OrderSent,
    Posting,
    RfqOpened,
    TradeOpened,
    TradeUnknown,
)
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import OrderFilled, OrderLost
from lpdesk.domain.settings import Lp, Pair
from lpdesk.domain.values import FIGURE_DECIMALS, MILLISECOND, SECOND, ZERO, Instant, round_even
from lpdesk.engines import pricing
from lpdesk.engines.cover import Cover
from lpdesk.engines.lane import Lock
from lpdesk.engines.lifecycle import (
    ORDER,
    TRADE,
    OrderMove,
    OrderState,
    TradeMove,
    TradeState,
)

FIRST_QUERY_NS = 250 * MILLISECOND
LAST_QUERY_NS = 5 * SECOND


class Order(Struct):
    """One order at one LP. `query_at` is set while its state is to be asked for."""

    order_id: str
    cover: Cover
    sent_at: Instant
    deadline_at: Instant
    state: OrderState = OrderState.SENT
    query_at: Instant | None = None
    queries: int = 0
    executions: list[str] = []
    filled: Decimal = ZERO

    @property
    def open(self) -> bool:
        """Whether its outcome is still to come."""
        return self.state in (OrderState.SENT, OrderState.UNKNOWN)

    @property
    def due(self) -> Instant | None:
        """Its deadline, or when its state is to be asked for; None once its outcome is known."""
        if self.state is not OrderState.SENT or self.query_at is None:
            return self.deadline_at if self.state is OrderState.SENT else self.query_at
        return min(self.deadline_at, self.query_at)


class Elsewhere(Struct):
    """The backup desk is asked to hedge: who is heard at the latest, and why it is asked."""

    until: Instant
    reason: Reason
    text: str


class Trade(Struct):
    """A client trade and the orders that hedge it, in the order they were sent.

    `legs` and `booked`: what has been filled of the hedge, and its postings so far. `missing`: base
    units of rejected orders that nobody else took. `wanted`: of the whole hedge. `until`: when the
    client's quote runs out, where nothing may be sent after that.
    """

    terms: TradeOpened
    pair: Pair
    hold_id: str = ""
    state: TradeState = TradeState.EXECUTING
    orders: list[Order] = []
    legs: list[LegFilled] = []
    booked: tuple[Posting, ...] = ()
    missing: Decimal = ZERO
    wanted: Decimal = ZERO
    until: Instant | None = None
    elsewhere: Elsewhere | None = None

    @property
    def trade_id(self) -> str:
        return self.terms.trade_id

    @property
    def done(self) -> bool:
        return self.state not in (TradeState.EXECUTING, TradeState.UNKNOWN)

    @property
    def open_orders(self) -> list[Order]:
        """The orders without a known outcome."""
        return [order for order in self.orders if order.open]

    @property
    def due(self) -> Instant | None:
        """When it wants attention: an order's deadline or status query, the backup's time."""
        times = [self.elsewhere.until] if self.elsewhere else []
        times += [due for order in self.orders if (due := order.due) is not None]
        return min(times) if times else None

    def move(self, move: TradeMove) -> None:
        self.state = TRADE.after(self.state, move)


def opened(trade_id: str, rfq: RfqOpened, lock: Lock, desk: str, token: str) -> TradeOpened:
    """A client's trade on the quote in force; `token` is how the caller named its request."""
    amounts = lock.terms.amounts
    return TradeOpened(
        trade_id=trade_id,
        rfq_id=rfq.rfq_id,
        quote_id=lock.quote_id,
        client=rfq.client,
        symbol=rfq.symbol,
        side=rfq.side,
        dealt=rfq.dealt,
        amount=rfq.amount,
        base_side=rfq.base_side,
        client_price=lock.terms.price,
        markup_bps=lock.terms.markup_bps,
        pays=amounts.pays,
        pays_asset=amounts.pays_asset,
        receives=amounts.receives,
        receives_asset=amounts.receives_asset,
        lp=lock.cover.lp,
        client_order_id=token,
        desk=desk,
        delayed=rfq.delayed,
        settle_days=rfq.settle_days,
    )


def send(trade: Trade, cover: Cover, lp: Lp, order_id: str, at: Instant) -> OrderSent:
    """Make the order that deals on `cover`; it goes out once its record is durable."""
    order = Order(order_id, cover, at, at + lp.timeout_ns)
    trade.orders.append(order)
    send_by = cover.dealable_until
    return OrderSent(
        order_id=order_id,
        trade_id=trade.trade_id,
        lp=cover.lp,
        quote_ref=cover.quote_ref,
        symbol=trade.pair.symbol,
        side=trade.terms.base_side,
        quantity=cover.quantity,
        price=cover.price,
        send_by=send_by if trade.until is None else min(send_by, trade.until),
        deadline_at=order.deadline_at,
    )


def lose(trade: Trade, order: Order, reason: Reason, text: str, at: Instant) -> TradeUnknown:
    """The order's outcome is not known; its LP is to be asked at once."""
    order.state = ORDER.after(order.state, OrderMove.LOSE)
    order.query_at = at
    trade.move(TradeMove.LOSE)
    return TradeUnknown(
        trade_id=trade.trade_id,
        order_id=order.order_id,
        lp=order.cover.lp,
        reason=reason,
        text=text,
    )


def query(trade: Trade, order: Order, at: Instant) -> OrderQueried:
    """Ask for the order's state, and again later with growing patience."""
    order.queries += 1
    order.query_at = at + min(FIRST_QUERY_NS << min(order.queries, 10), LAST_QUERY_NS)
    return OrderQueried(
        order_id=order.order_id,
        trade_id=trade.trade_id,
        lp=order.cover.lp,
        attempt=order.queries,
    )


def filled(trade: Trade, order: Order, report: OrderFilled, at: Instant) -> LegFilled:
    """The fill with its quality. The order's state is moved by the caller, who knows if it may."""
    order.executions.append(report.execution_id)
    order.filled += report.quantity
    order.query_at = None
    side = trade.terms.base_side
    return LegFilled(
        order_id=order.order_id,
        trade_id=trade.trade_id,
        lp=order.cover.lp,
        execution_id=report.execution_id,
        side=side,
        quoted_price=order.cover.price,
        price=report.price,
        quantity=report.quantity,
        fee=report.fee,
        fee_asset=report.fee_asset,
        slippage_bps=round_even(
            pricing.slippage_bps(order.cover.price, report.price, side), FIGURE_DECIMALS
        ),
        response_ns=at - order.sent_at,
    )


def unreadable(fill: OrderFilled) -> OrderLost:
    """A fill of nothing, or for nothing, is no answer."""
    text = f"a fill of {fill.quantity} at {fill.price}"
    return OrderLost(lp=fill.lp, order_id=fill.order_id, reason=Reason.MALFORMED, text=text)


def rejected(trade: Trade, order: Order, reason: Reason, text: str, at: Instant) -> LegRejected:
    order.state = ORDER.after(order.state, OrderMove.REJECT)
    order.query_at = None
    return LegRejected(
        order_id=order.order_id,
        trade_id=trade.trade_id,
        lp=order.cover.lp,
        reason=reason,
        text=text,
        response_ns=at - order.sent_at,
    )


def differences(order: Order, leg: LegFilled, at: Instant) -> list[tuple[BreakKind, str]]:
    """What a fill says that our order did not."""
    kinds = []
    asked, done = order.cover.quantity, order.filled
    if order.state is OrderState.REJECTED:
        kinds.append((BreakKind.FILL_AFTER_REJECT, "booked on the desk's own account"))
    if done < asked:
        kinds.append((BreakKind.PARTIAL_FILL, f"{asked - done} not hedged"))
    if done > asked and done > leg.quantity:  # the rest of a partial fill is no second one
        kinds.append((BreakKind.DOUBLE_FILL, f"{len(order.executions)} executions"))
    elif done > asked:
        kinds.append((BreakKind.OVERFILL, f"{done} of {asked}"))
    if leg.slippage_bps > 0:
        kinds.append((BreakKind.WORSE_PRICE, f"{leg.slippage_bps:.2f} bp worse"))
    if at > order.cover.expires_at:
        kinds.append((BreakKind.LATE_FILL, "learned after the quote had expired"))
    return kinds


def within_loss_limit(trade: Trade, cover: Cover, limit_bps: Decimal) -> bool:
    """Whether dealing on `cover` loses no more than `limit_bps` against the client price."""
    price = trade.terms.client_price
    return pricing.advantage_bps(price, cover.all_in, trade.terms.base_side) >= -limit_bps
