"""The resting half of the exchange: price levels, their queues, and the words of the event stream.

Prices are whole ticks, sizes whole lots. Inside, side and price are one integer, the *key*: a bid
at 100 is -100, an ask at 100 is +100. The best order of either side then has the lowest key, both
sides share every line of code, and an order with `key` meets the other side's best `k` exactly when
`key + k <= 0`.

An order is not an object but an entry in two or three int dictionaries (its level, its key, its
owner): dictionaries of ints are invisible to the garbage collector, so a deep book never stalls.
What can be summed when somebody asks (the depth of a level) is not kept.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from itertools import takewhile
from typing import Final, NamedTuple

Event = tuple[int, ...]
"""One report as plain ints, the first a `Kind`; the layouts are listed there."""

Events = Sequence[Event]
"""What one command did, in order, to be read: a tuple where one event says it all, as that is made
in a third less time, else the list that was gathered."""


class BookSide(IntEnum):
    """Side of an order."""

    BUY = 1
    SELL = -1


class Kind(IntEnum):
    """What an event reports, with the fields that follow its kind. Prices in ticks, sizes in lots.

    Owner 0 is nobody. What the events of a command did to each price is in them: see `DepthFeed`.
    """

    ACCEPTED = 1  # order, owner, side, price (0: market), lots
    FILLED = 2  # maker order, taker order, taker side, price, lots, maker owner, taker owner
    CANCELLED = 3  # order, owner, lots taken off, Reason, side, price (0: market)
    REJECTED = 4  # order (0: a whole ladder), Reason
    AMENDED = 5  # order, owner, side, price, lots now open, former price, former lots, 1 if it
    #              kept its place else 0


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


# Plain ints for the hot path: reading an enum member through its class costs more than matching an
# order, and a tuple that holds one stays visible to the collector.
ACCEPTED: Final = int(Kind.ACCEPTED)
FILLED: Final = int(Kind.FILLED)
CANCELLED: Final = int(Kind.CANCELLED)
REJECTED: Final = int(Kind.REJECTED)
AMENDED: Final = int(Kind.AMENDED)

LONG_QUEUE: Final = 256  # orders at one price from which holes are worth counting


class Resting(NamedTuple):
    """One order in the book; `lots` is what is still open."""

    owner: int
    side: BookSide
    price: int
    lots: int


class OrderBook:
    """Every resting order of one pair in price-time priority, and what may be asked about them."""

    __slots__ = ("_asks", "_bids", "_holes", "_keys", "_last_id", "_levels", "_owned", "_owners")

    def __init__(self) -> None:
        self._bids: list[int] = []  # keys of the levels, ascending: the best is first
        self._asks: list[int] = []
        self._levels: dict[int, dict[int, int]] = {}  # key -> {order: lots}, oldest first
        self._keys: dict[int, int] = {}  # order of nobody -> key
        self._owners: dict[int, int] = {}  # order of somebody -> owner
        self._owned: dict[int, dict[int, int]] = {}  # owner -> {order: key}
        self._holes: dict[int, int] = {}  # key -> orders gone from a long queue
        self._last_id = 0

    @property
    def best_bid(self) -> int | None:
        """Highest bid in ticks, none when there is no bid."""
        return -self._bids[0] if self._bids else None

    @property
    def best_ask(self) -> int | None:
        """Lowest ask in ticks, none when there is no ask."""
        return self._asks[0] if self._asks else None

    def depth(self, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Bids and asks as (price, lots), best first, at most `levels` (> 0) a side."""
        queues = self._levels
        bids = [(-key, sum(queues[key].values())) for key in self._bids[:levels]]
        asks = [(key, sum(queues[key].values())) for key in self._asks[:levels]]
        return bids, asks

    def queue(self, side: int) -> Iterator[tuple[int, int, int]]:
        """(price, lots, owner) of every order of one side, in the order in which they would fill.

        Owner 0 is nobody.
        """
        for key in self._bids if side > 0 else self._asks:
            for oid, lots in self._levels[key].items():
                yield abs(key), lots, self._owners.get(oid, 0)

    def order(self, oid: int) -> Resting | None:
        """The resting order `oid`, none when it does not rest (any more)."""
        owner, key = self._find(oid)
        if not key:
            return None
        side = BookSide.BUY if key < 0 else BookSide.SELL
        return Resting(owner, side, abs(key), self._levels[key][oid])

    def orders_of(self, owner: int) -> list[int]:
        """Ids of the resting orders of `owner` (not of nobody), ascending."""
        return sorted(self._owned.get(owner, ()))

    def lots_ahead(self, oid: int) -> int | None:
        """Lots at the same price that fill before `oid`, none when it does not rest."""
        _, key = self._find(oid)
        if not key:
            return None
        queue = self._levels[key]
        return sum(queue[ahead] for ahead in takewhile(lambda other: other != oid, queue))

    def state_hash(self) -> str:
        """SHA-256 (hex) of the last id given and every order in priority order, bids then asks.

        Equal hashes mean equal answers to every later command (engine settings apart).
        """
        digest = hashlib.sha256(b"%d" % self._last_id)
        owners = self._owners
        for key in (*self._bids, *self._asks):
            queue = self._levels[key].items()
            orders = " ".join(f"{oid}/{owners.get(oid, 0)}x{lots}" for oid, lots in queue)
            digest.update(f"\n{-key}: {orders}".encode())
        return digest.hexdigest()

    def _find(self, oid: int) -> tuple[int, int]:
        """Owner and key of a resting order; key 0 when it does not rest."""
        owner = self._owners.get(oid, 0)
        return owner, self._owned[owner][oid] if owner else self._keys.get(oid, 0)

    def _rest(self, oid: int, owner: int, key: int, lots: int) -> None:
        """Join the back of the queue at `key`."""
        levels, owned = self._levels, self._owned
        if key in levels:
            levels[key][oid] = lots
        else:
            levels[key] = {oid: lots}
            insort(self._bids if key < 0 else self._asks, key)
        if not owner:
            self._keys[oid] = key
            return
        self._owners[oid] = owner
        if owner in owned:
            owned[owner][oid] = key
        else:
            owned[owner] = {oid: key}

    def _leave(self, oid: int, key: int) -> int:
        """Take an order that is no longer registered out of its level. Gives its open lots."""
        level = self._levels[key]
        lots = level.pop(oid)
        if not level:
            del self._levels[key]
            keys = self._bids if key < 0 else self._asks
            del keys[bisect_left(keys, key)]
        elif len(level) > LONG_QUEUE:
            self._holes[key] = self._holes.get(key, 0) + 1
        return lots

    def _forget(self, oids: Iterable[int]) -> None:
        """Strike orders that have left their level from the register."""
        keys, owners, owned = self._keys, self._owners, self._owned
        for oid in oids:
            if keys.pop(oid, None) is None:
                del owned[owners.pop(oid)][oid]

    def _queue(self, key: int) -> dict[int, int]:
        """The level at `key`, rebuilt first when too many orders have gone from a long queue.

        A dict walks over the holes its deleted entries leave at the front: 60,000 orders taken one
        by one would cost 30,000 steps each. Rebuilding at ~6 sqrt(n) holes keeps both costs small.
        A count that outlives its level costs the next one there an early rebuild, nothing else.
        """
        level = self._levels[key]
        if self._holes and self._holes.get(key, 0) ** 2 > 32 * len(level):
            del self._holes[key]
            level = self._levels[key] = dict(level)
        return level


class DepthFeed:
    """The market-data feed of a book: the new total of each price that a command has changed.

    Totals are folded from the events alone, outside of the engine's hot path.
    """

    __slots__ = ("_totals",)

    def __init__(self) -> None:
        self._totals: dict[tuple[int, int], int] = {}  # (side, price) -> lots

    def fold(self, events: Events) -> list[tuple[int, int, int]]:
        """(side, price, lots now resting there) for what one command changed; 0 once empty."""
        moved: dict[tuple[int, int], int] = {}

        def move(side: int, price: int, lots: int) -> None:
            moved[side, price] = moved.get((side, price), 0) + lots

        taker = 0
        for event in events:
            match event:
                case (Kind.ACCEPTED, _, _, side, taker, lots):
                    move(side, taker, lots)
                case (Kind.AMENDED, _, _, side, taker, lots, former, former_lots, _):
                    move(side, former, -former_lots)
                    move(side, taker, lots)
                case (Kind.FILLED, _, _, side, price, lots, _, _):
                    move(-side, price, -lots)
                    move(side, taker, -lots)
                case (Kind.CANCELLED, _, _, lots, _, side, price):
                    move(side, price, -lots)
        return [(*place, self._moved(place, lots)) for place, lots in moved.items() if lots]

    def _moved(self, place: tuple[int, int], lots: int) -> int:
        total = self._totals.pop(place, 0) + lots
        if total:
            self._totals[place] = total
        return total
