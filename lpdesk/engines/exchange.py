"""Our exchange for one pair: the matching engine in the desk's own units, with accounts and fees.

Prices and sizes are whole ticks and lots inside. Cash and fees of a fill are cut, not rounded up,
at the quote's decimals: however an order is split into fills, it never costs more than was held.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import NamedTuple

from msgspec import Struct

from lpdesk.domain.making import Level, OrderKind
from lpdesk.domain.settings import Pair
from lpdesk.domain.values import BPS, ZERO, Side, round_down, round_up
from lpdesk.engines.book import BookSide, Kind
from lpdesk.engines.book import Event as Flat
from lpdesk.engines.book import Reason as Why
from lpdesk.engines.lifecycle import Bug
from lpdesk.engines.matching import MatchingEngine, OrderType
from lpdesk.engines.strategy import Ladder, Quote

SIDES = {Side.BUY: BookSide.BUY, Side.SELL: BookSide.SELL}
KINDS = {
    OrderKind.LIMIT: OrderType.LIMIT,
    OrderKind.MARKET: OrderType.MARKET,
    OrderKind.IOC: OrderType.IOC,
    OrderKind.FOK: OrderType.FOK,
    OrderKind.POST_ONLY: OrderType.POST_ONLY,
}
REFUSALS = {
    Why.WOULD_CROSS: "would cross: post-only orders never take",
    Why.BAD_PRICE: "no such price",
    Why.BAD_LOTS: "no such size",
}
TOUCHED = (Kind.ACCEPTED, Kind.CANCELLED)

Quotes = list[tuple[int, int]]


class Fill(Struct, frozen=True):
    """One match. `side` is the taker's; fees positive are paid by that party."""

    maker: str
    taker: str
    maker_order: int
    taker_order: int
    side: Side
    price: Decimal
    quantity: Decimal
    cash: Decimal
    maker_fee: Decimal
    taker_fee: Decimal


class Outcome(Struct, frozen=True):
    """What a command did: the order's number, its fills, what rests or why it does not."""

    order: int
    fills: tuple[Fill, ...]
    filled: Decimal
    resting: Decimal
    refused: str = ""


class Placed(NamedTuple):
    """A ladder that was put in the book: new orders, their value, and whether it changed at all."""

    orders: int
    worth: Decimal
    changed: bool


class Exchange:
    """One pair's book. Owners are names; an owner never trades with itself."""

    def __init__(self, pair: Pair, maker_fee_bps: Decimal, taker_fee_bps: Decimal) -> None:
        self.pair = pair
        self.maker_fee_bps = maker_fee_bps
        self.taker_fee_bps = taker_fee_bps
        self.engine = MatchingEngine()
        self._owners: list[str] = [""]

    def place(
        self, owner: str, side: Side, kind: OrderKind, quantity: Decimal, price: Decimal = ZERO
    ) -> Outcome:
        """Enter an order. `quantity` and `price` must be whole lots and ticks."""
        events = self.engine.place(
            self._id(owner), SIDES[side], KINDS[kind], self._lots(quantity), self._ticks(price)
        )
        order = events[0][1]
        if events[0][0] == Kind.REJECTED:
            return Outcome(order, (), ZERO, ZERO, REFUSALS[Why(events[0][2])])
        fills = self._fills(events)
        filled = sum((fill.quantity for fill in fills), ZERO)
        rest = self.engine.order(order)
        return Outcome(order, fills, filled, self._quantity(rest.lots) if rest else ZERO)

    def quote(
        self, owner: str, ladder: Ladder, price_tolerance: Decimal, size_tolerance: Decimal
    ) -> Placed:
        """Replace the owner's whole ladder at once. Below zero a tolerance keeps no order.

        The ladder never takes: quotes that would meet somebody's order stand one tick before it.
        """
        bids, asks = self._side(ladder.bids), self._side(ladder.asks)
        price = int(price_tolerance.scaleb(self.pair.quote_decimals).to_integral(ROUND_FLOOR))
        size = int(size_tolerance.scaleb(self.pair.base_decimals))
        events = self.engine.refresh(self._id(owner), bids, asks, price, size)
        if any(event[0] == Kind.REJECTED for event in events):
            if events[0][1] == 0:
                raise Bug("a ladder out of order")
            bids, asks = self._slid(bids, asks)
            again = self.engine.refresh(self._id(owner), bids, asks, max(price, 0), size)
            events = [*events, *again]
        placed = [event for event in events if event[0] == Kind.ACCEPTED]
        worth = Decimal(sum(event[4] * event[5] for event in placed))
        worth = worth.scaleb(-self.pair.quote_decimals - self.pair.base_decimals)
        return Placed(len(placed), worth, any(event[0] in TOUCHED for event in events))

    def _slid(self, bids: Quotes, asks: Quotes) -> tuple[Quotes, Quotes]:
        """The ladder, moved out of the way of what rests: of others, as ours does not cross."""
        best_bid, best_ask = self.engine.best_bid, self.engine.best_ask
        return (
            [
                (price if best_ask is None else min(price, best_ask - 1), lots)
                for price, lots in bids
            ],
            [
                (price if best_bid is None else max(price, best_bid + 1), lots)
                for price, lots in asks
            ],
        )

    def cancel_all(self, owner: str) -> bool:
        """Take everything of `owner` off; whether there was anything."""
        return bool(self.engine.cancel_all(self._id(owner)))

    def cancel(self, order: int) -> bool:
        return self.engine.cancel(order)[0][0] != Kind.REJECTED

    def open_quantity(self, order: int) -> Decimal:
        """What of an order still rests."""
        resting = self.engine.order(order)
        return self._quantity(resting.lots) if resting else ZERO

    def orders_of(self, owner: str) -> list[int]:
        """The numbers of an owner's resting orders, ascending."""
        return self.engine.orders_of(self._id(owner))

    def sides(self, owner: str) -> tuple[bool, bool]:
        """Whether `owner` has bids and asks in the book."""
        orders = (self.engine.order(order) for order in self.orders_of(owner))
        seen = {order.side for order in orders if order}
        return BookSide.BUY in seen, BookSide.SELL in seen

    def cost(self, side: Side, quantity: Decimal, but: str = "") -> Decimal | None:
        """Cash of taking `quantity` now, before fees; None where the book is too thin.

        Cut for each fill as in the fills themselves: this is what would be paid, to the last unit.
        """
        found = self._met(side, quantity, but)
        return sum(map(self._cut, found), ZERO) if found else None

    def worth(self, side: Side, quantity: Decimal, but: str = "") -> Decimal | None:
        """As `cost`, with nothing cut."""
        found = self._met(side, quantity, but)
        return sum(found, ZERO) if found else None

    def _met(self, side: Side, quantity: Decimal, but: str) -> list[Decimal]:
        """The cash of each order that taking `quantity` would meet; none if they are too few."""
        found = self.reach(side, quantity, but)
        enough = sum((size for _, size, _ in found), ZERO) == quantity
        return [price * size for price, size, _ in found] if enough else []

    def reach(self, side: Side, quantity: Decimal, but: str) -> list[tuple[Decimal, Decimal, str]]:
        """(price, size, owner) of the orders that taking `quantity` would meet, in their turn.

        It ends before the first order of `but`, and where the book does.
        """
        left, found = self._lots(quantity), list[tuple[Decimal, Decimal, str]]()
        for ticks, lots, owner in self.engine.queue(-SIDES[side]):
            if not left or (but and self._owners[owner] == but):
                break
            taken = min(left, lots)
            found.append((self._price(ticks), self._quantity(taken), self._owners[owner]))
            left -= taken
        return found

    def taker_fee(self, cash: Decimal) -> Decimal:
        return self._fee(cash, self.taker_fee_bps)

    def held_for(self, quantity: Decimal, price: Decimal) -> Decimal:
        """The most that a resting buy can cost with its fees."""
        return self._most(quantity, price, max(ZERO, self.maker_fee_bps))

    def needed_for(self, quantity: Decimal, price: Decimal) -> Decimal:
        """The most that a new buy can cost, whatever part of it is filled at once."""
        return self._most(quantity, price, max(ZERO, self.maker_fee_bps, self.taker_fee_bps))

    def _most(self, quantity: Decimal, price: Decimal, fee_bps: Decimal) -> Decimal:
        cash = round_up(quantity * price, self.pair.quote_decimals)
        return cash + round_up(cash * fee_bps / BPS, self.pair.quote_decimals)

    def _fee(self, cash: Decimal, bps: Decimal) -> Decimal:
        """Cut towards zero: a rebate, too, is never more than its share."""
        fee = round_down(cash * abs(bps) / BPS, self.pair.quote_decimals)
        return fee if bps > 0 else -fee

    def _cash(self, ticks: int, lots: int) -> Decimal:
        return self._cut(self._price(ticks) * self._quantity(lots))

    def _cut(self, cash: Decimal) -> Decimal:
        return round_down(cash, self.pair.quote_decimals)

    def levels(self, count: int, ours: str) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Bids and asks for the screen, best first, with our part and what is ahead of it."""
        bids, asks = self.engine.depth(count)
        mine: dict[int, list[int]] = {}
        for order in self.orders_of(ours):
            resting = self.engine.order(order)
            if resting:
                mine.setdefault(resting.price * int(resting.side), []).append(order)
        return (
            tuple(self._level(price, lots, mine.get(price, [])) for price, lots in bids),
            tuple(self._level(price, lots, mine.get(-price, [])) for price, lots in asks),
        )

    def _level(self, price: int, lots: int, orders: list[int]) -> Level:
        resting = [self.engine.order(order) for order in orders]
        ours = sum(order.lots for order in resting if order)
        ahead = self.engine.lots_ahead(orders[0]) if orders else None
        return Level(
            self._price(price),
            self._quantity(lots),
            self._quantity(ours),
            self._quantity(ahead or 0),
        )

    def _fills(self, events: Sequence[Flat]) -> tuple[Fill, ...]:
        return tuple(self._fill(event) for event in events if event[0] == Kind.FILLED)

    def _fill(self, event: Flat) -> Fill:
        _, maker_order, taker_order, taker_side, ticks, lots, maker, taker = event
        side = Side.BUY if taker_side > 0 else Side.SELL
        price, quantity = self._price(ticks), self._quantity(lots)
        cash = self._cash(ticks, lots)
        return Fill(
            maker=self._owners[maker],
            taker=self._owners[taker],
            maker_order=maker_order,
            taker_order=taker_order,
            side=side,
            price=price,
            quantity=quantity,
            cash=cash,
            maker_fee=self._fee(cash, self.maker_fee_bps),
            taker_fee=self.taker_fee(cash),
        )

    def _side(self, quotes: tuple[Quote, ...]) -> Quotes:
        return [(self._ticks(quote.price), self._lots(quote.size)) for quote in quotes]

    def _id(self, owner: str) -> int:
        if owner not in self._owners:
            self._owners.append(owner)
        return self._owners.index(owner)

    def _ticks(self, price: Decimal) -> int:
        return _whole(price, self.pair.quote_decimals)

    def _lots(self, quantity: Decimal) -> int:
        return _whole(quantity, self.pair.base_decimals)

    def _price(self, ticks: int) -> Decimal:
        return Decimal(ticks).scaleb(-self.pair.quote_decimals)

    def _quantity(self, lots: int) -> Decimal:
        return Decimal(lots).scaleb(-self.pair.base_decimals)


def _whole(value: Decimal, decimals: int) -> int:
    scaled = value.scaleb(decimals)
    whole = int(scaled)
    if whole != scaled:
        raise Bug("finer than a tick or a lot")
    return whole
