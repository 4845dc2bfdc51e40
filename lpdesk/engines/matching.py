"""The in-process exchange: price-time priority matching for one pair.

Every command is a plain call that returns its events, flat int tuples (see `Kind`). The engine
numbers the orders, 1, 2, 3 ..., so the same commands give the same events anywhere.

Owner 0 is nobody: such orders may trade with each other and are cancelled one by one. Fees are the
caller's: an event carries price and lots.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from enum import IntEnum
from operator import itemgetter
from typing import Final

from lpdesk.engines.book import (
    ACCEPTED,
    AMENDED,
    CANCELLED,
    FILLED,
    LONG_QUEUE,
    REJECTED,
    Event,
    Events,
    OrderBook,
    Reason,
)

REQUESTED: Final = int(Reason.REQUESTED)
REPLACED: Final = int(Reason.REPLACED)
UNFILLED: Final = int(Reason.UNFILLED)
SELF_MATCH: Final = int(Reason.SELF_MATCH)
WOULD_CROSS: Final = int(Reason.WOULD_CROSS)
UNKNOWN_ORDER: Final = int(Reason.UNKNOWN_ORDER)
BAD_PRICE: Final = int(Reason.BAD_PRICE)
BAD_LOTS: Final = int(Reason.BAD_LOTS)

Quotes = Sequence[tuple[int, int]]
"""One side of a ladder: (price in ticks, size in lots), best first."""

Ladder = list[tuple[int, int]]
"""Both sides at once: (key, lots), ascending."""

BY_KEY: Final = itemgetter(1)
NO_QUOTE: Final = (2**70, 0)  # further away than any tolerance


class OrderType(IntEnum):
    """How an order treats what it cannot fill at once; up to `POST_ONLY` it rests."""

    LIMIT = 0
    POST_ONLY = 1  # rejected rather than take liquidity
    IOC = 2  # immediate or cancel
    FOK = 3  # fill or kill: all at once or nothing
    MARKET = 4  # IOC at any price


class SelfMatch(IntEnum):
    """Self-match prevention: which order goes when two of one owner would trade."""

    CANCEL_NEWEST = 1
    CANCEL_OLDEST = 2
    CANCEL_BOTH = 3


LIMIT: Final = int(OrderType.LIMIT)
POST_ONLY: Final = int(OrderType.POST_ONLY)
FOK: Final = int(OrderType.FOK)
MARKET: Final = int(OrderType.MARKET)
CANCEL_NEWEST: Final = int(SelfMatch.CANCEL_NEWEST)
CANCEL_OLDEST: Final = int(SelfMatch.CANCEL_OLDEST)


class MatchingEngine(OrderBook):
    """One pair's exchange. Owners are ints; each command is atomic and returns its events."""

    __slots__ = ("_self_match",)

    def __init__(self, self_match: SelfMatch = SelfMatch.CANCEL_NEWEST) -> None:
        super().__init__()
        self._self_match = int(self_match)

    def place(self, owner: int, side: int, order_type: int, lots: int, price: int = 0) -> Events:
        """Enter an order; `price` is ignored for a market order. The first event names its id.

        Rejected with `BAD_LOTS`, `BAD_PRICE` or (post-only) `WOULD_CROSS`.
        """
        self._last_id = oid = self._last_id + 1
        if order_type > POST_ONLY or price <= 0 or lots <= 0:
            return self._place_other(oid, owner, side, order_type, lots, price)
        if side > 0:
            side, key, opposite = 1, -price, self._asks
        else:
            side, key, opposite = -1, price, self._bids
        if opposite and opposite[0] + key <= 0:
            if order_type:
                return ((REJECTED, oid, WOULD_CROSS),)
            events: list[Event] = [(ACCEPTED, oid, owner, side, price, lots)]
            lots = self._take(oid, owner, side, key, lots, price, opposite, events)
            if lots:
                self._rest(oid, owner, key, lots)
            return events
        # `_rest`, unrolled, as `_leave` is in `cancel`: a call costs a fifth of an order. Looking
        # twice, `in` and `[]`, is quicker than `get` once: both are single instructions.
        levels = self._levels
        if key in levels:
            levels[key][oid] = lots
        else:
            levels[key] = {oid: lots}
            insort(self._bids if key < 0 else self._asks, key)
        if owner:
            self._owners[oid] = owner
            owned = self._owned
            if owner in owned:
                owned[owner][oid] = key
            else:
                owned[owner] = {oid: key}
        else:
            self._keys[oid] = key
        return ((ACCEPTED, oid, owner, side, price, lots),)

    def _place_other(
        self, oid: int, owner: int, side: int, order_type: int, lots: int, price: int
    ) -> Events:
        """An order that never rests, or a bad one."""
        if order_type == MARKET:
            price = 0
        elif price <= 0:
            return ((REJECTED, oid, BAD_PRICE),)
        if lots <= 0:
            return ((REJECTED, oid, BAD_LOTS),)
        side, opposite = (1, self._asks) if side > 0 else (-1, self._bids)
        events: list[Event] = [(ACCEPTED, oid, owner, side, price, lots)]
        key = -side * price if price or not opposite else -opposite[-1]
        meets = bool(opposite) and opposite[0] + key <= 0
        if meets and (order_type != FOK or self._fills(owner, opposite, key, lots)):
            lots = self._take(oid, owner, side, key, lots, price, opposite, events)
        if lots:
            events.append((CANCELLED, oid, owner, lots, UNFILLED, side, price))
        return events

    def cancel(self, oid: int) -> Events:
        """Take one order off the book; rejected with `UNKNOWN_ORDER` when it does not rest."""
        nobodys = self._keys
        if oid in nobodys:
            owner = 0
            key = nobodys.pop(oid)
        else:
            owner = self._owners.pop(oid, 0)
            if not owner:
                return ((REJECTED, oid, UNKNOWN_ORDER),)
            key = self._owned[owner].pop(oid)
        level = self._levels[key]
        lots = level.pop(oid)
        if not level:
            del self._levels[key]
            keys = self._bids if key < 0 else self._asks
            del keys[bisect_left(keys, key)]
        elif len(level) > LONG_QUEUE:
            self._holes[key] = self._holes.get(key, 0) + 1
        if key < 0:
            return ((CANCELLED, oid, owner, lots, REQUESTED, 1, -key),)
        return ((CANCELLED, oid, owner, lots, REQUESTED, -1, key),)

    def cancel_all(self, owner: int) -> Events:
        """Take every order of `owner` off the book, oldest id first. No order, no event."""
        events: list[Event] = []
        self._pull(owner, sorted(self._owned.get(owner, {}).items()), REQUESTED, events)
        return events

    def amend(self, oid: int, price: int, lots: int, post_only: bool = False) -> Events:
        """Give a resting order a new price and open size.

        At the same price a size that does not grow keeps its place in the queue; anything else
        goes to the back, and trades first if the new price crosses. Rejected, leaving the order as
        it was, with `UNKNOWN_ORDER`, `BAD_PRICE`, `BAD_LOTS` or (`post_only`) `WOULD_CROSS`.
        """
        owner, old_key = self._find(oid)
        if not old_key:
            return ((REJECTED, oid, UNKNOWN_ORDER),)
        if price <= 0:
            return ((REJECTED, oid, BAD_PRICE),)
        if lots <= 0:
            return ((REJECTED, oid, BAD_LOTS),)
        side, opposite = (1, self._asks) if old_key < 0 else (-1, self._bids)
        key, former = -side * price, (abs(old_key), self._levels[old_key][oid])
        if key == old_key and lots <= former[1]:
            self._levels[key][oid] = lots
            return ((AMENDED, oid, owner, side, price, lots, *former, 1),)
        meets = bool(opposite) and opposite[0] + key <= 0
        if meets and post_only:
            return ((REJECTED, oid, WOULD_CROSS),)
        events: list[Event] = [(AMENDED, oid, owner, side, price, lots, *former, 0)]
        self._forget((oid,))
        self._leave(oid, old_key)
        if meets:
            lots = self._take(oid, owner, side, key, lots, price, opposite, events)
        if lots:
            self._rest(oid, owner, key, lots)
        return events

    def refresh(
        self,
        owner: int,
        bids: Quotes,
        asks: Quotes,
        price_tolerance: int = 0,
        lots_tolerance: int = 0,
    ) -> Events:
        """Make `bids` and `asks` the only orders of `owner` (> 0), in one step, by difference.

        The owner's orders, best first, each claim the first free quote within `price_tolerance`
        ticks. Where the size is within `lots_tolerance` lots too, and the order does not cross the
        new ladder, it stays with its place in the queue; otherwise it is cancelled, and unclaimed
        quotes are placed post-only. A ladder that is not best first, crosses itself or has a bad
        price or size is rejected whole (`BAD_LADDER`, order 0) and the old quotes stand; a quote
        that would cross others is rejected alone (`WOULD_CROSS`).
        """
        if not _quotable(bids, asks):
            return ((REJECTED, 0, int(Reason.BAD_LADDER)),)
        stale, fresh = self._claim(owner, bids, asks, price_tolerance, lots_tolerance)
        events: list[Event] = []
        if stale:
            self._pull(owner, stale, REPLACED, events)
        if fresh:
            self._post(owner, fresh, events)
        return events

    def _take(
        self, oid: int, owner: int, side: int, key: int, lots: int, price: int,
        opposite: list[int], events: list[Event],
    ) -> int:  # fmt: skip
        """Trade up to `lots` with the best of `opposite`, whose first `key` meets.

        Gives what is left to rest or to cancel: 0 too if self-match prevention took the rest.
        """
        levels, owners, nobodys = self._levels, self._owners, self._keys
        mode = self._self_match
        while True:
            best = opposite[0]
            queue = self._queue(best) if self._holes else levels[best]
            at = best if side > 0 else -best
            gone: list[int] = []
            for maker, size in queue.items():
                maker_owner = owners[maker] if maker in owners else 0  # noqa: SIM401
                if owner and maker_owner == owner:
                    if mode != CANCEL_NEWEST:
                        gone.append(maker)
                        events.append((CANCELLED, maker, owner, size, SELF_MATCH, -side, at))
                    if mode != CANCEL_OLDEST:
                        events.append((CANCELLED, oid, owner, lots, SELF_MATCH, side, price))
                        lots = 0
                        break
                    continue
                if size > lots:
                    queue[maker] = size - lots
                    events.append((FILLED, maker, oid, side, at, lots, maker_owner, owner))
                    lots = 0
                    break
                gone.append(maker)
                events.append((FILLED, maker, oid, side, at, size, maker_owner, owner))
                lots -= size
                if not lots:
                    break
            if len(gone) == len(queue):
                del levels[best], opposite[0]
            elif gone:
                for maker in gone:
                    del queue[maker]
                if len(queue) > LONG_QUEUE:
                    self._holes[best] = self._holes.get(best, 0) + len(gone)
            for maker in gone:
                if maker in nobodys:
                    del nobodys[maker]
                else:
                    del self._owned[owners.pop(maker)][maker]
            if not lots or not opposite or opposite[0] + key > 0:
                return lots

    def _fills(self, owner: int, opposite: list[int], key: int, lots: int) -> bool:
        """Whether a fill-or-kill order would trade in full, self-match prevention included."""
        for best in opposite:
            if best + key > 0:
                return False
            for maker, size in self._queue(best).items():
                if not owner or self._owners.get(maker, 0) != owner:
                    lots -= size
                    if lots <= 0:
                        return True
                elif self._self_match != CANCEL_OLDEST:
                    return False
        return False

    def _pull(
        self, owner: int, orders: Iterable[tuple[int, int]], reason: int, events: list[Event]
    ) -> None:
        """Cancel orders of `owner`: `_leave` unrolled, as `_post` is `_rest`."""
        levels, owners, mine = self._levels, self._owners, self._owned.get(owner, {})
        for oid, key in orders:
            del owners[oid], mine[oid]
            level = levels[key]
            if key < 0:
                events.append((CANCELLED, oid, owner, level.pop(oid), reason, 1, -key))
            else:
                events.append((CANCELLED, oid, owner, level.pop(oid), reason, -1, key))
            if not level:
                del levels[key]
                keys = self._bids if key < 0 else self._asks
                del keys[bisect_left(keys, key)]
            elif len(level) > LONG_QUEUE:
                self._holes[key] = self._holes.get(key, 0) + 1

    def _post(self, owner: int, fresh: Ladder, events: list[Event]) -> None:
        """Place the quotes that take nothing; reject the others."""
        levels, owners, mine = self._levels, self._owners, self._owned.setdefault(owner, {})
        bids, asks = self._bids, self._asks
        highest = -bids[0] if bids else 0
        taken = -asks[0] if asks else -NO_QUOTE[0]
        oid = self._last_id
        for key, lots in fresh:
            oid += 1
            if key <= taken or 0 < key <= highest:
                events.append((REJECTED, oid, WOULD_CROSS))
                continue
            if key in levels:
                levels[key][oid] = lots
            else:
                levels[key] = {oid: lots}
                insort(bids if key < 0 else asks, key)
            owners[oid] = owner
            mine[oid] = key
            if key < 0:
                events.append((ACCEPTED, oid, owner, 1, -key, lots))
            else:
                events.append((ACCEPTED, oid, owner, -1, key, lots))
        self._last_id = oid

    def _claim(
        self, owner: int, bids: Quotes, asks: Quotes, price_tolerance: int, lots_tolerance: int
    ) -> tuple[list[tuple[int, int]], Ladder]:
        """Split by difference: the owner's (order, key) that must go, the quotes nobody claimed.

        Both lists run best first, so one walk over the two pairs them.
        """
        wanted = [(-price, lots) for price, lots in bids]
        wanted += asks
        mine, levels = self._owned.get(owner), self._levels
        if not mine:
            return [], wanted
        highest = bids[0][0] if bids else 0
        lowest = asks[0][0] if asks else NO_QUOTE[0]
        stale: list[tuple[int, int]] = []
        fresh: Ladder = []
        wanted.append(NO_QUOTE)
        quotes = iter(wanted)
        target, size = quote = next(quotes)
        before = -price_tolerance
        # The sort is stable: at one price the owner's orders come in queue order.
        for order in sorted(mine.items(), key=BY_KEY):
            oid, key = order
            off = target - key
            while off < before:
                fresh.append(quote)
                target, size = quote = next(quotes)
                off = target - key
            if (
                off <= price_tolerance
                and -lots_tolerance <= levels[key][oid] - size <= lots_tolerance
                and (key > 0) == (target > 0)
                and -lowest < key
                and (key < 0 or key > highest)
            ):
                target, size = quote = next(quotes)
            else:
                stale.append(order)
        fresh += [quote, *quotes]
        fresh.pop()  # the mark at the end
        return stale, fresh


def _quotable(bids: Quotes, asks: Quotes) -> bool:
    """Whether the ladder is best first, does not cross itself, and has good prices and sizes."""
    last = bids[0][0] if bids else 1
    for price, lots in bids:
        if price > last or lots <= 0:
            return False
        last = price
    if last <= 0:
        return False
    last = bids[0][0] + 1 if bids else 1
    for price, lots in asks:
        if price < last or lots <= 0:
            return False
        last = price
    return True
