"""The in-process exchange: price-time priority matching for one pair.

Every command is a plain call that returns its events, a list of flat int tuples (see `Kind`). The
engine numbers the orders, 1, 2, 3 ..., so the same commands give the same events anywhere.

Fees are left to the caller as rates: an event carries price and lots, `fee` is exact, and the
matching loop does no work for it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from decimal import Context, Decimal, Inexact
from enum import IntEnum
from typing import Final

from lpdesk.engines.book import DEPTH, LONG_QUEUE, Event, Kind, OrderBook, Reason

ACCEPTED: Final = int(Kind.ACCEPTED)
FILLED: Final = int(Kind.FILLED)
CANCELLED: Final = int(Kind.CANCELLED)
REJECTED: Final = int(Kind.REJECTED)
AMENDED: Final = int(Kind.AMENDED)

REQUESTED: Final = int(Reason.REQUESTED)
REPLACED: Final = int(Reason.REPLACED)
UNFILLED: Final = int(Reason.UNFILLED)
SELF_MATCH: Final = int(Reason.SELF_MATCH)
WOULD_CROSS: Final = int(Reason.WOULD_CROSS)

MAX: Final = 2**62  # ticks or lots; keeps every sum of a real book inside 64 bits
ANY_PRICE: Final = -MAX - 1  # the signed price of no order: worse than all

Quotes = Sequence[tuple[int, int]]
"""One side of a ladder: (price in ticks, size in lots), best first."""

Ladder = list[tuple[int, int]]
"""Both sides at once: (signed price, lots), descending."""

NO_QUOTE: Final = (-(2**70), 0)  # further away than any tolerance

_EXACT: Final = Context(prec=60, traps=[Inexact])


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


# Plain ints: reading an enum member through its class costs more than matching an order.
LIMIT: Final = int(OrderType.LIMIT)
POST_ONLY: Final = int(OrderType.POST_ONLY)
FOK: Final = int(OrderType.FOK)
MARKET: Final = int(OrderType.MARKET)
CANCEL_NEWEST: Final = int(SelfMatch.CANCEL_NEWEST)
CANCEL_OLDEST: Final = int(SelfMatch.CANCEL_OLDEST)


def fee(price: int, lots: int, bps: Decimal) -> Decimal:
    """Fee of one fill in tick-lots, exact; negative is a rebate. Raises `Inexact`, never rounds."""
    return _EXACT.multiply(Decimal(price * lots), bps).scaleb(-4, _EXACT)


class MatchingEngine(OrderBook):
    """One pair's exchange. Owners are ints; each command is atomic and returns its events."""

    __slots__ = ("_self_match",)

    def __init__(self, self_match: SelfMatch = SelfMatch.CANCEL_NEWEST) -> None:
        super().__init__()
        self._self_match = int(self_match)

    def place(
        self, owner: int, side: int, order_type: int, lots: int, price: int = 0
    ) -> list[Event]:
        """Enter an order; `price` is ignored for a market order. The first event names its id.

        Rejected with `BAD_LOTS`, `BAD_PRICE` or (post-only) `WOULD_CROSS`.
        """
        self._last_id = oid = self._last_id + 1
        if order_type == MARKET:
            price = 0
        elif not 0 < price <= MAX:
            return [(REJECTED, oid, int(Reason.BAD_PRICE))]
        if not 0 < lots <= MAX:
            return [(REJECTED, oid, int(Reason.BAD_LOTS))]
        if side > 0:
            side, key, opposite = 1, price, self._asks
        else:
            side, key, opposite = -1, -price, self._bids
        accepted = (ACCEPTED, oid, owner, side, price, lots)
        floor = -key if price else ANY_PRICE
        if opposite and opposite[-1] >= floor:
            if order_type == POST_ONLY:
                return [(REJECTED, oid, WOULD_CROSS)]
            return self._cross(accepted, order_type, opposite, floor)
        if order_type > POST_ONLY:
            return [accepted, (CANCELLED, oid, owner, lots, UNFILLED)]
        return [accepted, self._rest(oid, owner, key, lots)]

    def cancel(self, oid: int) -> list[Event]:
        """Take one order off the book; rejected with `UNKNOWN_ORDER` when it does not rest."""
        owner = self._owners.get(oid)
        if owner is None:
            return [(REJECTED, oid, int(Reason.UNKNOWN_ORDER))]
        _, lots, depth = self._leave(oid, owner)
        return [(CANCELLED, oid, owner, lots, REQUESTED), depth]

    def cancel_all(self, owner: int) -> list[Event]:
        """Take every order of `owner` off the book, oldest id first. No order, no event."""
        events: list[Event] = []
        depth = self._pull(owner, self.orders_of(owner), REQUESTED, events)
        self._owned.pop(owner, None)
        events += depth.values()
        return events

    def amend(self, oid: int, price: int, lots: int, post_only: bool = False) -> list[Event]:
        """Give a resting order a new price and open size.

        At the same price a size that does not grow keeps its place in the queue; anything else
        goes to the back, and trades first if the new price crosses. Rejected, leaving the order as
        it was, with `UNKNOWN_ORDER`, `BAD_PRICE`, `BAD_LOTS` or (`post_only`) `WOULD_CROSS`.
        """
        owner = self._owners.get(oid)
        if owner is None:
            return [(REJECTED, oid, int(Reason.UNKNOWN_ORDER))]
        if not 0 < price <= MAX:
            return [(REJECTED, oid, int(Reason.BAD_PRICE))]
        if not 0 < lots <= MAX:
            return [(REJECTED, oid, int(Reason.BAD_LOTS))]
        old_key = self._owned[owner][oid]
        key, opposite = (price, self._asks) if old_key > 0 else (-price, self._bids)
        if key == old_key:
            return self._resize(oid, owner, key, lots)
        crosses = bool(opposite) and opposite[-1] >= -key
        if crosses and post_only:
            return [(REJECTED, oid, WOULD_CROSS)]
        events: list[Event] = [(AMENDED, oid, owner, price, lots, 0)]
        depth = [self._leave(oid, owner)[2]]
        if crosses:
            lots = self._take(oid, owner, opposite, -key, lots, events, depth)
        if lots:
            depth.append(self._rest(oid, owner, key, lots))
        return events + depth

    def refresh(
        self,
        owner: int,
        bids: Quotes,
        asks: Quotes,
        price_tolerance: int = 0,
        lots_tolerance: int = 0,
    ) -> list[Event]:
        """Make `bids` and `asks` the owner's only orders, in one step and by difference.

        The owner's orders, best first, each claim the first free quote within `price_tolerance`
        ticks. Where the size is within `lots_tolerance` lots too, and the order does not cross the
        new ladder, it stays with its place in the queue; otherwise it is cancelled, and unclaimed
        quotes are placed post-only. A ladder that is not best first, crosses itself or has a bad
        price or size is rejected whole (`BAD_LADDER`, order 0) and the old quotes stand; a quote
        that would cross others is rejected alone (`WOULD_CROSS`).
        """
        if not _quotable(bids, asks):
            return [(REJECTED, 0, int(Reason.BAD_LADDER))]
        stale, fresh = self._claim(owner, bids, asks, price_tolerance, lots_tolerance)
        events: list[Event] = []
        depth = self._pull(owner, stale, REPLACED, events)
        self._post(owner, fresh, events, depth)
        events += depth.values()
        return events

    def _cross(
        self, accepted: Event, order_type: int, opposite: list[int], floor: int
    ) -> list[Event]:
        """Trade an accepted order that meets the other side, then rest or cancel what is left."""
        _, oid, owner, _, _, lots = accepted
        events, depth = [accepted], list[Event]()
        if order_type != FOK or self._fills(owner, opposite, floor, lots):
            lots = self._take(oid, owner, opposite, floor, lots, events, depth)
        if lots and order_type == LIMIT:
            depth.append(self._rest(oid, owner, -floor, lots))
        elif lots:
            events.append((CANCELLED, oid, owner, lots, UNFILLED))
        return events + depth

    def _take(
        self, oid: int, owner: int, opposite: list[int], floor: int, lots: int,
        events: list[Event], depth: list[Event],
    ) -> int:  # fmt: skip
        """Trade up to `lots` with the best of `opposite` while its signed price is >= `floor`.

        Gives what is left to rest or to cancel: 0 too if self-match prevention took the rest.
        """
        owners, self_match = self._owners, self._self_match
        while lots and opposite and opposite[-1] >= floor:
            key = opposite[-1]
            queue = self._queue(key)
            side, price = (-1, key) if key > 0 else (1, -key)
            gone: list[int] = []
            removed = 0
            for maker, size in queue.items():
                maker_owner = owners[maker]
                if maker_owner == owner:
                    if self_match != CANCEL_NEWEST:
                        gone.append(maker)
                        removed += size
                        events.append((CANCELLED, maker, owner, size, SELF_MATCH))
                    if self_match != CANCEL_OLDEST:
                        events.append((CANCELLED, oid, owner, lots, SELF_MATCH))
                        lots = 0
                        break
                    continue
                if size > lots:
                    queue[maker] = size - lots
                    size = lots
                else:
                    gone.append(maker)
                events.append((FILLED, maker, oid, side, price, size, maker_owner, owner))
                removed += size
                lots -= size
                if not lots:
                    break
            if removed:
                depth.append(self._shrink(key, queue, gone, removed))
        return lots

    def _shrink(self, key: int, queue: dict[int, int], gone: list[int], removed: int) -> Event:
        """Forget the orders in `gone`, at the front of the best level of its side."""
        owners, owned = self._owners, self._owned
        for oid in gone:
            del owned[owners.pop(oid)][oid]
        if len(gone) == len(queue):
            del self._levels[key], self._totals[key]
            (self._bids if key > 0 else self._asks).pop()
            return self._depth_event(key)
        for oid in gone:
            del queue[oid]
        self._totals[key] -= removed
        if len(queue) > LONG_QUEUE:
            self._holes[key] = self._holes.get(key, 0) + len(gone)
        return self._depth_event(key)

    def _fills(self, owner: int, opposite: list[int], floor: int, lots: int) -> bool:
        """Whether a fill-or-kill order would trade in full, self-match prevention included."""
        for key in reversed(opposite):
            if key < floor:
                return False
            for maker, size in self._queue(key).items():
                if self._owners[maker] != owner:
                    lots -= size
                    if lots <= 0:
                        return True
                elif self._self_match != CANCEL_OLDEST:
                    return False
        return False

    def _resize(self, oid: int, owner: int, key: int, lots: int) -> list[Event]:
        """Amend the size alone: a bigger order re-joins the queue at the back."""
        queue = self._queue(key)
        growth = lots - queue[oid]
        if growth > 0:
            del queue[oid]
            mine = self._owned[owner]
            mine[oid] = mine.pop(oid)
        queue[oid] = lots
        self._totals[key] += growth
        amended = (AMENDED, oid, owner, abs(key), lots, int(growth <= 0))
        return [amended, self._depth_event(key)]

    def _pull(
        self, owner: int, oids: Iterable[int], reason: int, events: list[Event]
    ) -> dict[int, Event]:
        """Cancel orders of `owner`. Gives signed price -> `DEPTH` of the levels they leave.

        `_leave` unrolled, as `_post` is `_rest`: 40 calls fewer make a refresh 2 us faster.
        """
        levels, totals, owners = self._levels, self._totals, self._owners
        mine, depth = self._owned[owner], dict[int, Event]()
        for oid in oids:
            del owners[oid]
            key = mine.pop(oid)
            level = levels[key]
            lots = level.pop(oid)
            if level:
                totals[key] = total = totals[key] - lots
                if len(level) > LONG_QUEUE:
                    self._holes[key] = self._holes.get(key, 0) + 1
            else:
                total = 0
                del levels[key], totals[key]
                keys = self._bids if key > 0 else self._asks
                del keys[bisect_left(keys, key)]
            events.append((CANCELLED, oid, owner, lots, reason))
            depth[key] = (DEPTH, 1, key, total) if key > 0 else (DEPTH, -1, -key, total)
        return depth

    def _post(
        self, owner: int, fresh: Ladder, events: list[Event], depth: dict[int, Event]
    ) -> None:
        """Place the quotes that take nothing; reject the others."""
        levels, totals, owners, mine = self._levels, self._totals, self._owners, self._owned[owner]
        bids, asks = self._bids, self._asks
        oid = self._last_id
        best_bid = bids[-1] if bids else ANY_PRICE
        best_ask = asks[-1] if asks else ANY_PRICE
        for key, lots in fresh:
            oid += 1
            if key + (best_ask if key > 0 else best_bid) >= 0:
                events.append((REJECTED, oid, WOULD_CROSS))
                continue
            level = levels.get(key)
            if level is None:
                levels[key] = {oid: lots}
                total = lots
                insort(bids if key > 0 else asks, key)
            else:
                level[oid] = lots
                total = totals[key] + lots
            totals[key] = total
            owners[oid] = owner
            mine[oid] = key
            side, price = (1, key) if key > 0 else (-1, -key)
            events.append((ACCEPTED, oid, owner, side, price, lots))
            depth[key] = (DEPTH, side, price, total)
        self._last_id = oid

    def _claim(
        self, owner: int, bids: Quotes, asks: Quotes, price_tolerance: int, lots_tolerance: int
    ) -> tuple[list[int], Ladder]:
        """Split by difference: the owner's orders that must go, and the quotes nobody claimed.

        Both lists run best first, so one walk over the two pairs them.
        """
        wanted = [NO_QUOTE, *[(-price, lots) for price, lots in reversed(asks)], *reversed(bids)]
        mine, levels = self._owned.get(owner, {}), self._levels
        stale, fresh = list[int](), Ladder()
        lead_bid = bids[0][0] if bids else ANY_PRICE
        lead_ask = -asks[0][0] if asks else ANY_PRICE
        # The sort is stable: at one price the owner's orders come in queue order.
        for oid in sorted(mine, key=mine.__getitem__, reverse=True):
            key = mine[oid]
            while wanted[-1][0] > key + price_tolerance:
                fresh.append(wanted.pop())
            target, size = wanted[-1]
            if (
                key - target <= price_tolerance
                and abs(levels[key][oid] - size) <= lots_tolerance
                and (key > 0) == (target > 0)
                and key + (lead_ask if key > 0 else lead_bid) < 0
            ):
                wanted.pop()
            else:
                stale.append(oid)
        fresh += wanted[:0:-1]
        return stale, fresh


def _quotable(bids: Quotes, asks: Quotes) -> bool:
    """Whether the ladder is best first, does not cross itself, and has good prices and sizes."""
    last = MAX
    for price, lots in bids:
        if not 0 < price <= last or not 0 < lots <= MAX:
            return False
        last = price
    last = bids[0][0] + 1 if bids else 1
    for price, lots in asks:
        if not last <= price <= MAX or not 0 < lots <= MAX:
            return False
        last = price
    return True
