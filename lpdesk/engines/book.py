"""The resting half of the exchange: price levels, their queues, and the words of the event stream.

Prices are whole ticks, sizes whole lots. Inside, side and price are one integer, the *signed
price*: a bid at 100 is +100, an ask at 100 is -100. The best order of either side then has the
highest signed price, both sides share every line of code, and an order for `p` meets the other
side's best `q` exactly when `p + q >= 0`.

An order is not an object but an entry in three int dictionaries (its level, its owner, its owner's
orders): dictionaries of ints are invisible to the garbage collector, so a deep book never stalls.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator
from enum import IntEnum
from itertools import takewhile
from typing import Final, NamedTuple

Event = tuple[int, ...]
"""One report as plain ints, the first a `Kind`; the layouts are listed there."""


class BookSide(IntEnum):
    """Side of an order; multiplied by a price it gives the signed price."""

    BUY = 1
    SELL = -1


class Kind(IntEnum):
    """What an event reports, with the fields that follow its kind. Prices in ticks, sizes in lots.

    `DEPTH` is the market-data feed: the new total of one touched level, zero once it is empty. In
    the events of one command the `DEPTH` ones come last, one for each touched level.
    """

    ACCEPTED = 1  # order, owner, side, price (0: market), lots
    FILLED = 2  # maker order, taker order, taker side, price, lots, maker owner, taker owner
    CANCELLED = 3  # order, owner, lots taken off, Reason
    REJECTED = 4  # order (0: a whole ladder), Reason
    AMENDED = 5  # order, owner, price, lots now open, 1 if it kept its place else 0
    DEPTH = 6  # side, price, lots now resting at that price


class Reason(IntEnum):
    """Why an order was cancelled or a command rejected."""

    REQUESTED = 1  # cancel or cancel_all
    REPLACED = 2  # not part of the owner's new ladder
    UNFILLED = 3  # market or IOC remainder; FOK that could not be filled in full
    SELF_MATCH = 4
    WOULD_CROSS = 5  # post-only
    UNKNOWN_ORDER = 6
    BAD_PRICE = 7
    BAD_LOTS = 8
    BAD_LADDER = 9  # out of order, crossed in itself, or a bad price or size


class Resting(NamedTuple):
    """One order in the book; `lots` is what is still open."""

    owner: int
    side: BookSide
    price: int
    lots: int


# Plain ints for the hot path: a tuple that holds an enum member stays visible to the collector.
DEPTH: Final = int(Kind.DEPTH)

LONG_QUEUE: Final = 256  # orders at one price from which holes are worth counting


class OrderBook:
    """Every resting order of one pair in price-time priority, and what may be asked about them."""

    __slots__ = (
        "_asks", "_bids", "_holes", "_last_id", "_levels", "_owned", "_owners", "_totals",
    )  # fmt: skip

    def __init__(self) -> None:
        # `key` is a signed price throughout; keys ascend, so the best is last on both sides.
        self._bids: list[int] = []
        self._asks: list[int] = []
        self._levels: dict[int, dict[int, int]] = {}  # key -> {order: lots}, oldest first
        self._totals: dict[int, int] = {}  # key -> lots
        self._owners: dict[int, int] = {}  # order -> owner
        self._owned: defaultdict[int, dict[int, int]] = defaultdict(dict)  # owner -> {order: key}
        self._holes: dict[int, int] = {}  # key -> orders gone from a long queue
        self._last_id = 0

    @property
    def best_bid(self) -> int | None:
        """Highest bid in ticks, none when there is no bid."""
        return self._bids[-1] if self._bids else None

    @property
    def best_ask(self) -> int | None:
        """Lowest ask in ticks, none when there is no ask."""
        return -self._asks[-1] if self._asks else None

    def depth(self, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Bids and asks as (price, lots), best first, at most `levels` (> 0) a side."""
        totals = self._totals
        bids = [(key, totals[key]) for key in self._bids[: -levels - 1 : -1]]
        asks = [(-key, totals[key]) for key in self._asks[: -levels - 1 : -1]]
        return bids, asks

    def resting(self, side: int) -> Iterator[tuple[int, int]]:
        """(price, lots) of every order of one side, in the order in which they would fill."""
        for key in reversed(self._bids if side > 0 else self._asks):
            for lots in self._levels[key].values():
                yield abs(key), lots

    def order(self, oid: int) -> Resting | None:
        """The resting order `oid`, none when it does not rest (any more)."""
        owner = self._owners.get(oid)
        if owner is None:
            return None
        key = self._owned[owner][oid]
        side = BookSide.BUY if key > 0 else BookSide.SELL
        return Resting(owner, side, abs(key), self._levels[key][oid])

    def orders_of(self, owner: int) -> list[int]:
        """Ids of the owner's resting orders, ascending."""
        return sorted(self._owned.get(owner, ()))

    def lots_ahead(self, oid: int) -> int | None:
        """Lots at the same price that fill before `oid`, none when it does not rest."""
        owner = self._owners.get(oid)
        if owner is None:
            return None
        queue = self._levels[self._owned[owner][oid]]
        return sum(queue[ahead] for ahead in takewhile(lambda other: other != oid, queue))

    def state_hash(self) -> str:
        """SHA-256 (hex) of the last id given and every order in priority order, bids then asks.

        Equal hashes mean equal answers to every later command (engine settings apart).
        """
        digest = hashlib.sha256(b"%d" % self._last_id)
        owners = self._owners
        for keys in (self._bids, self._asks):
            for key in reversed(keys):
                queue = self._levels[key].items()
                orders = " ".join(f"{oid}/{owners[oid]}x{lots}" for oid, lots in queue)
                digest.update(f"\n{key}: {orders}".encode())
        return digest.hexdigest()

    def _rest(self, oid: int, owner: int, key: int, lots: int) -> Event:
        """Join the back of the queue at signed price `key`. Gives the level's `DEPTH`."""
        level = self._levels.get(key)
        if level is None:
            self._levels[key] = {oid: lots}
            total = lots
            insort(self._bids if key > 0 else self._asks, key)
        else:
            level[oid] = lots
            total = self._totals[key] + lots
        self._totals[key] = total
        self._owners[oid] = owner
        self._owned[owner][oid] = key
        return (DEPTH, 1, key, total) if key > 0 else (DEPTH, -1, -key, total)

    def _leave(self, oid: int, owner: int) -> tuple[int, int, Event]:
        """Take a resting order of `owner` off. Gives its signed price, open lots and `DEPTH`."""
        del self._owners[oid]
        key = self._owned[owner].pop(oid)
        level = self._levels[key]
        lots = level.pop(oid)
        if level:
            self._totals[key] = total = self._totals[key] - lots
            if len(level) > LONG_QUEUE:
                self._holes[key] = self._holes.get(key, 0) + 1
        else:
            total = 0
            del self._levels[key], self._totals[key]
            keys = self._bids if key > 0 else self._asks
            del keys[bisect_left(keys, key)]
        return key, lots, (DEPTH, 1, key, total) if key > 0 else (DEPTH, -1, -key, total)

    def _queue(self, key: int) -> dict[int, int]:
        """The level at `key`, rebuilt first when too many orders have gone from a long queue.

        A dict walks over the holes its deleted entries leave at the front: 60,000 orders taken one
        by one would cost 30,000 steps each. Rebuilding at ~6 sqrt(n) holes keeps both costs small.
        A count that outlives its level costs the next one there an early rebuild, nothing else.
        """
        level = self._levels[key]
        if key in self._holes and self._holes[key] ** 2 > 32 * len(level):
            del self._holes[key]
            level = self._levels[key] = dict(level)
        return level

    def _depth_event(self, key: int) -> Event:
        lots = self._totals.get(key, 0)
        return (DEPTH, 1, key, lots) if key > 0 else (DEPTH, -1, -key, lots)
