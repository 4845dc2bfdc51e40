"""Orders entered by hand on our exchange, for a client: checked, held, matched, cancelled.

A resting order holds what it may still cost; each fill draws on the hold in its own record.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.making import OrderKind
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Event
from lpdesk.domain.settings import Pair
from lpdesk.domain.values import ZERO, Instant, Side, round_down
from lpdesk.engines.exchange import Exchange, Fill
from lpdesk.engines.ledger import Hold, client_account
from lpdesk.engines.quoting import check_limits, refused
from lpdesk.engines.state import State
from lpdesk.engines.window import Pace

Events = list[Event]


class HandOrder(Struct):
    """An order by hand that rests: its hold is drawn on as it fills."""

    order_id: str
    client: str
    side: Side
    exchange: Exchange
    number: int
    price: Decimal
    left: Decimal
    hold_id: str


class HandOrders:
    """All resting orders by hand of a desk."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.resting: dict[str, HandOrder] = {}
        self._pace = Pace()

    def check(
        self, cause: cmd.PlaceOrder, exchange: Exchange | None, at: Instant
    ) -> ev.CommandRefused | None:
        """The first thing wrong with an order, or None."""
        if self.state.halted:
            return refused(Reason.HALTED, "desk", "trading is halted")
        if exchange is None:
            return refused(Reason.BAD_PAIR, "pair", f"{cause.symbol} has no exchange here")
        pair = exchange.pair
        name = cause.client or self.state.settings.default_client
        client = self.state.settings.client(name)
        if client is None:
            return refused(Reason.BAD_CLIENT, "client", f"@{name} is not a client", pair)
        return (
            _malformed(pair, cause)
            or check_limits(pair, client, cause.quantity, cause.quantity * (cause.price or ZERO))
            or self._short(exchange, cause, client_account(name))
            or self._too_many(exchange, cause, at)
        )

    def _too_many(
        self, exchange: Exchange, cause: cmd.PlaceOrder, at: Instant
    ) -> ev.CommandRefused | None:
        """The desk's caps on orders by hand and on their value; whoever is let through counts."""
        rules, pair = self.state.settings.rules, exchange.pair
        price = cause.price
        worth = cause.quantity * price if price else exchange.cost(cause.side, cause.quantity)
        worth, most = worth or ZERO, Decimal(rules.orders_per_second)
        if len(self.resting) >= rules.max_resting_orders:
            return refused(Reason.TOO_MANY, "order", f"{len(self.resting)} rest already", pair)
        most_worth = rules.notional_per_second
        alone = bool(most_worth) and worth > most_worth
        if alone or self._pace.free_at(1, worth, most, most_worth, at) > at:
            text = f"the desk's cap is {rules.orders_per_second} orders a second"
            text += f" and {most_worth:,f} {pair.quote}" if most_worth else ""
            return refused(Reason.TOO_MANY, "order", text, pair)
        self._pace.sent(1, worth, at)
        return None

    def _short(
        self, exchange: Exchange, cause: cmd.PlaceOrder, account: str
    ) -> ev.CommandRefused | None:
        """What the client would be short of, were the order to fill in full, fees included."""
        pair = exchange.pair
        if cause.side is Side.SELL:
            asset, needed = pair.base, cause.quantity
        elif cause.price is None:
            cost = exchange.cost(cause.side, cause.quantity)
            if cost is None:
                return refused(Reason.NO_LIQUIDITY, "amount", "the book is too thin", pair)
            asset, needed = pair.quote, cost + exchange.taker_fee(cost)
        else:
            asset, needed = pair.quote, exchange.needed_for(cause.quantity, cause.price)
        missing = self.state.ledger.missing(account, asset, needed)
        if not missing:
            return None
        text = f"short of {missing:f} {asset}"
        return refused(Reason.NOT_ENOUGH_FUNDS, "client", text, pair)

    def enter(self, cause: cmd.PlaceOrder, exchange: Exchange) -> tuple[Events, tuple[Fill, ...]]:
        """Match a checked order; what is left rests under a hold. Gives its fills to be booked."""
        name = cause.client or self.state.settings.default_client
        owner, price = client_account(name), cause.price or ZERO
        outcome = exchange.place(owner, cause.side, cause.kind, cause.quantity, price)
        if outcome.refused:
            return [refused(Reason.BAD_COMMAND, "order", outcome.refused, exchange.pair)], ()
        entered = ev.OrderEntered(
            order_id=self.state.name("O"),
            symbol=cause.symbol,
            client=name,
            side=cause.side,
            kind=cause.kind,
            quantity=cause.quantity,
            price=cause.price,
            filled=outcome.filled,
            resting=outcome.resting,
        )
        if not outcome.resting:
            return [entered], outcome.fills
        order = HandOrder(
            entered.order_id, owner, cause.side, exchange, outcome.order, price,
            outcome.resting, self.state.name("H"),
        )  # fmt: skip
        return [entered, self._hold(order)], outcome.fills

    def _hold(self, order: HandOrder) -> ev.HoldPlaced:
        """Hold what the resting part may cost."""
        buys, pair = order.side is Side.BUY, order.exchange.pair
        asset = pair.quote if buys else pair.base
        amount = order.exchange.held_for(order.left, order.price) if buys else order.left
        self.state.ledger.place(order.hold_id, Hold(order.client, asset, amount))
        self.resting[order.order_id] = order
        return ev.HoldPlaced(
            hold_id=order.hold_id,
            trade_id=order.order_id,
            account=order.client,
            asset=asset,
            amount=amount,
        )

    def draw(self, exchange: Exchange, fill: Fill) -> tuple[str, Events]:
        """Whose resting order was hit, if by hand; its part of the hold is free, to pay with."""
        order = next(
            (
                order
                for order in self.resting.values()
                if order.exchange is exchange and order.number == fill.maker_order
            ),
            None,
        )
        if order is None:
            return "", []
        order.left -= fill.quantity
        if not order.left:
            return order.order_id, self.close(order, "filled")
        part = fill.quantity
        if order.side is Side.BUY:
            held = self.state.ledger.holds[order.hold_id].amount
            part = held - exchange.held_for(order.left, order.price)
        self.state.ledger.draw(order.hold_id, part)
        drawn = ev.HoldDrawn(hold_id=order.hold_id, trade_id=order.order_id, amount=part)
        return order.order_id, [drawn]

    def cancel(self, cause: cmd.CancelOrders) -> tuple[Events, set[str]]:
        """Take off one order, or all; with the symbols whose books have changed."""
        named = [self.resting[cause.order_id]] if cause.order_id in self.resting else []
        orders = named or ([] if cause.order_id else list(self.resting.values()))
        if not orders:
            text = f"{cause.order_id or 'no order'} rests"
            return [refused(Reason.NOT_FOUND, "order", text)], set()
        events: Events = []
        for order in orders:
            events += self.close(order, "cancelled")
        return events, {order.exchange.pair.symbol for order in orders}

    def close_all(self, why: str) -> Events:
        events: Events = []
        for order in list(self.resting.values()):
            events += self.close(order, why)
        return events

    def close(self, order: HandOrder, why: str) -> Events:
        """The order rests no more; what is left of its hold is free."""
        order.exchange.cancel(order.number)
        del self.resting[order.order_id]
        self.state.ledger.resolve(order.hold_id)
        symbol = order.exchange.pair.symbol
        return [
            ev.OrderClosed(order_id=order.order_id, symbol=symbol, left=order.left, why=why),
            ev.HoldResolved(hold_id=order.hold_id, trade_id=order.order_id, posted=not order.left),
        ]


def _malformed(pair: Pair, cause: cmd.PlaceOrder) -> ev.CommandRefused | None:
    """What is wrong with an order's numbers, whoever enters it."""
    quantity, price = cause.quantity, cause.price
    if not quantity.is_finite() or quantity <= 0:
        return refused(Reason.BAD_AMOUNT, "amount", "must be greater than zero", pair)
    if round_down(quantity, pair.base_decimals) != quantity:
        return refused(Reason.TOO_PRECISE, "amount", f"lots of 1e-{pair.base_decimals}", pair)
    if (cause.kind is OrderKind.MARKET) != (price is None):
        text = "a market order has none" if price is not None else f"a {cause.kind} order needs one"
        return refused(Reason.BAD_AMOUNT, "price", text, pair)
    if price is not None and (not price.is_finite() or price <= 0):
        return refused(Reason.BAD_AMOUNT, "price", "must be greater than zero", pair)
    if price is not None and round_down(price, pair.quote_decimals) != price:
        return refused(Reason.TOO_PRECISE, "price", f"ticks of 1e-{pair.quote_decimals}", pair)
    return None
