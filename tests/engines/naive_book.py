"""The exchange again, as plainly as it can be said: one list of orders in time order.

Slow on purpose. Best order, level total, queue position: each is looked for in the whole list.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

from lpdesk.engines.book import BookSide, Event, Kind, Reason
from lpdesk.engines.matching import OrderType, Quotes, SelfMatch

NOBODY = 0


@dataclass
class Order:
    oid: int
    owner: int
    side: int
    price: int
    lots: int


class NaiveBook:
    def __init__(self, self_match: SelfMatch) -> None:
        self.self_match = self_match
        self.orders: list[Order] = []  # time order
        self.last_id = 0
        self.events: list[Event] = []

    # -- commands

    def place(
        self, owner: int, side: int, order_type: int, lots: int, price: int = 0
    ) -> list[Event]:
        order = self.new_order(owner, side, 0 if order_type == OrderType.MARKET else price, lots)
        reach = order.price or (10**9 if side == BookSide.BUY else 0)
        makers = self.crossed_by(side, reach)
        if order_type != OrderType.MARKET and price <= 0:
            return self.reject(order.oid, Reason.BAD_PRICE)
        if lots <= 0:
            return self.reject(order.oid, Reason.BAD_LOTS)
        if order_type == OrderType.POST_ONLY and makers:
            return self.reject(order.oid, Reason.WOULD_CROSS)
        self.say(Kind.ACCEPTED, order.oid, owner, side, order.price, lots)
        if order_type != OrderType.FOK or self.would_fill(order, makers):
            self.trade(order, makers)
        if order.lots and order_type in (OrderType.LIMIT, OrderType.POST_ONLY):
            self.join(order)
        elif order.lots:
            self.cancelled(order, Reason.UNFILLED)
        return self.done()

    def cancel(self, oid: int) -> list[Event]:
        for order in self.orders:
            if order.oid == oid:
                self.remove(order, Reason.REQUESTED)
                return self.done()
        return self.reject(oid, Reason.UNKNOWN_ORDER)

    def cancel_all(self, owner: int) -> list[Event]:
        for order in sorted(self.of(owner), key=lambda order: order.oid):
            self.remove(order, Reason.REQUESTED)
        return self.done()

    def amend(self, oid: int, price: int, lots: int, post_only: bool = False) -> list[Event]:
        order = next((order for order in self.orders if order.oid == oid), None)
        if order is None:
            return self.reject(oid, Reason.UNKNOWN_ORDER)
        if price <= 0:
            return self.reject(oid, Reason.BAD_PRICE)
        if lots <= 0:
            return self.reject(oid, Reason.BAD_LOTS)
        makers = self.crossed_by(order.side, price)
        if makers and post_only:
            return self.reject(oid, Reason.WOULD_CROSS)
        keeps_place = price == order.price and lots <= order.lots
        self.say(Kind.AMENDED, oid, order.owner, order.side, price, lots, order.price, order.lots,
                 int(keeps_place))  # fmt: skip
        if keeps_place:
            order.lots = lots
            return self.done()
        self.orders.remove(order)
        order.price, order.lots = price, lots
        self.trade(order, makers)
        if order.lots:
            self.join(order)
        return self.done()

    def refresh(self, owner: int, bids: Quotes, asks: Quotes, price_tolerance: int = 0,
                lots_tolerance: int = 0) -> list[Event]:  # fmt: skip
        prices = [-price for price, _ in bids] + [price for price, _ in asks]
        best_bid, best_ask = (
            max([p for p, _ in bids], default=0),
            min([p for p, _ in asks], default=10**9),
        )
        numbers = [number for quote in [*bids, *asks] for number in quote]
        if prices != sorted(prices) or best_bid >= best_ask or min(numbers, default=1) <= 0:
            return self.reject(0, Reason.BAD_LADDER)
        free = [(BookSide.BUY, *quote) for quote in bids] + [
            (BookSide.SELL, *quote) for quote in asks
        ]
        for order in sorted(self.of(owner), key=lambda o: (-o.side, -o.side * o.price)):
            near = [
                q for q in free if q[0] == order.side and abs(q[1] - order.price) <= price_tolerance
            ]
            crosses = (
                order.price >= best_ask if order.side == BookSide.BUY else order.price <= best_bid
            )
            if near and abs(near[0][2] - order.lots) <= lots_tolerance and not crosses:
                free.remove(near[0])
            else:
                self.remove(order, Reason.REPLACED)
        for side, price, lots in free:
            order = self.new_order(owner, side, price, lots)
            if self.crossed_by(side, price):
                self.say(Kind.REJECTED, order.oid, Reason.WOULD_CROSS)
            else:
                self.say(Kind.ACCEPTED, order.oid, owner, side, price, lots)
                self.join(order)
        return self.done()

    # -- the rules

    def crossed_by(self, side: int, price: int) -> list[Order]:
        """Orders a new one would meet, in price-time priority."""
        met = [o for o in self.orders if o.side != side and (price - o.price) * side >= 0]
        return sorted(met, key=lambda order: order.price * side)

    def would_fill(self, order: Order, makers: list[Order]) -> bool:
        lots = 0
        for maker in makers:
            if maker.owner != order.owner or not order.owner:
                lots += maker.lots
            elif self.self_match != SelfMatch.CANCEL_OLDEST and lots < order.lots:
                return False
        return lots >= order.lots

    def trade(self, order: Order, makers: list[Order]) -> None:
        for maker in makers:
            if not order.lots:
                return
            if maker.owner == order.owner != NOBODY:
                if self.self_match != SelfMatch.CANCEL_NEWEST:
                    self.remove(maker, Reason.SELF_MATCH)
                if self.self_match != SelfMatch.CANCEL_OLDEST:
                    self.cancelled(order, Reason.SELF_MATCH)
                    order.lots = 0
                continue
            lots = min(order.lots, maker.lots)
            self.say(Kind.FILLED, maker.oid, order.oid, order.side, maker.price, lots, maker.owner,
                     order.owner)  # fmt: skip
            order.lots -= lots
            maker.lots -= lots
            if not maker.lots:
                self.orders.remove(maker)

    # -- bookkeeping

    def new_order(self, owner: int, side: int, price: int, lots: int) -> Order:
        self.last_id += 1
        return Order(self.last_id, owner, side, price, lots)

    def of(self, owner: int) -> list[Order]:
        return [order for order in self.orders if order.owner == owner]

    def join(self, order: Order) -> None:
        self.orders.append(order)

    def remove(self, order: Order, reason: Reason) -> None:
        self.orders.remove(order)
        self.cancelled(order, reason)

    def cancelled(self, order: Order, reason: Reason) -> None:
        self.say(Kind.CANCELLED, order.oid, order.owner, order.lots, reason, order.side,
                 order.price)  # fmt: skip

    def say(self, *event: int) -> None:
        self.events.append(event)

    def reject(self, oid: int, reason: Reason) -> list[Event]:
        self.say(Kind.REJECTED, oid, reason)
        return self.done()

    def done(self) -> list[Event]:
        events, self.events = self.events, []
        return events

    def totals(self) -> dict[tuple[int, int], int]:
        """(side, price) -> lots of every level."""
        totals: Counter[tuple[int, int]] = Counter()
        for order in self.orders:
            totals[order.side, order.price] += order.lots
        return dict(totals)

    def state_hash(self) -> str:
        text = str(self.last_id)
        for side in BookSide:
            orders = [order for order in self.orders if order.side == side]
            for price in sorted({order.price for order in orders}, reverse=side == BookSide.BUY):
                level = [f"{o.oid}/{o.owner}x{o.lots}" for o in orders if o.price == price]
                text += f"\n{side * price}: {' '.join(level)}"
        return hashlib.sha256(text.encode()).hexdigest()
