"""The exchange against the naive book (I25, I26), and the properties of each command (I22-I24)."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpdesk.engines.book import BookSide, DepthFeed, Event, Kind
from lpdesk.engines.matching import MatchingEngine, OrderType, Quotes, SelfMatch
from tests.engines.naive_book import NaiveBook

ALICE, BOB, MAKER = 1, 2, 9


def of_kind(events: list[Event], kind: Kind) -> list[Event]:
    return [event[1:] for event in events if event[0] == kind]


def random_ladder(rng: random.Random, mid: int) -> tuple[Quotes, Quotes]:
    bids = [(mid - 1 - step * rng.randint(1, 2), rng.randint(1, 9)) for step in range(4)]
    asks = [(mid + 1 + step * rng.randint(1, 2), rng.randint(1, 9)) for step in range(4)]
    if rng.random() < 0.9:
        bids.sort(key=lambda quote: -quote[0])
        asks.sort(key=lambda quote: quote[0])
    return bids[: rng.randint(0, 4)], asks[: rng.randint(0, 4)]


def random_command(rng: random.Random, naive: NaiveBook) -> tuple[str, tuple[object, ...]]:
    """One command around a mid of 50; ids are recent ones, alive or not; some are refused."""
    draw = rng.random()
    recent = max(1, naive.last_id - rng.randint(0, 40))
    price, lots = 50 + rng.randint(-8, 8), rng.randint(1, 12)
    if draw < 0.55:
        side = rng.choice((BookSide.BUY, BookSide.SELL))
        return "place", (rng.randint(0, 4), side, rng.choice(list(OrderType)), lots, price)
    if draw < 0.75:
        return "cancel", (recent,)
    if draw < 0.8 and naive.orders:
        order = rng.choice(naive.orders)
        return "amend", (order.oid, order.price, order.lots + rng.randint(-1, 1))
    if draw < 0.9:
        return "amend", (recent, price, lots, rng.random() < 0.3)
    owner = rng.choice((1, 2, MAKER, MAKER))
    if draw < 0.97:
        tolerances = (rng.randint(0, 3), rng.randint(0, 3))
        return "refresh", (owner, *random_ladder(rng, 50 + rng.randint(-6, 6)), *tolerances)
    if draw < 0.98:
        return "cancel_all", (owner,)
    return "place", (1, BookSide.BUY, OrderType.LIMIT, lots * rng.randint(-1, 0), price)


def run_both(seed: int, commands: int, hash_every: int) -> Counter[Kind]:
    """Same commands to both books: equal events, equal hashes. Counts the events."""
    rng = random.Random(seed)
    mode = list(SelfMatch)[seed % 3]
    fast, naive, feed = MatchingEngine(mode), NaiveBook(mode), DepthFeed()
    seen: Counter[Kind] = Counter()
    shown: dict[tuple[int, int], int] = {}
    for number in range(commands):
        name, arguments = random_command(rng, naive)
        events = list(getattr(fast, name)(*arguments))
        assert events == getattr(naive, name)(*arguments), (seed, number, name, arguments)
        assert fast.best_bid is None or fast.best_ask is None or fast.best_bid < fast.best_ask
        seen.update(Kind(event[0]) for event in events)
        shown |= {(side, price): total for side, price, total in feed.fold(events)}
        if number % hash_every == 0:
            assert fast.state_hash() == naive.state_hash(), (seed, number)
            assert {place: lots for place, lots in shown.items() if lots} == naive.totals()
    assert fast.state_hash() == naive.state_hash()
    return seen


@pytest.mark.parametrize("seed", range(6))
def test_fast_book_equals_naive_book(seed: int) -> None:
    seen = run_both(seed, 10_000, hash_every=20)
    assert set(seen) == set(Kind)
    assert min(seen.values()) > 50


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 110))
def test_fast_book_equals_naive_book_over_a_million_commands(seed: int) -> None:
    run_both(seed, 100_000, hash_every=10)


orders = st.tuples(
    st.integers(0, 3), st.sampled_from(BookSide), st.sampled_from(OrderType), st.integers(1, 9),
    st.integers(45, 55),
)  # fmt: skip


def best_first(book: MatchingEngine, side: int) -> list[int]:
    """Ids resting opposite to `side`, in the order a taker must meet them."""
    keys = book._asks if side == BookSide.BUY else book._bids
    return [oid for key in keys for oid in book._levels[key]]


@given(st.lists(orders, max_size=40), st.sampled_from(SelfMatch))
@settings(max_examples=300, deadline=None)
def test_every_order_is_met_in_priority_at_resting_prices(
    flow: list[tuple[int, BookSide, OrderType, int, int]], mode: SelfMatch
) -> None:
    book = MatchingEngine(mode)
    for owner, side, order_type, lots, price in flow:
        queue = best_first(book, side)
        before = {oid: book.order(oid) for oid in queue}
        events = book.place(owner, side, order_type, lots, price)
        fills = of_kind(events, Kind.FILLED)
        pulled = [e[0] for e in of_kind(events, Kind.CANCELLED) if e[0] in before]
        met = [fill[0] for fill in fills]
        touched = sorted({*met, *pulled}, key=queue.index)
        assert touched == queue[: len(touched)] and met == sorted(met, key=queue.index)
        for maker, _, _, paid, size, maker_owner, taker_owner in fills:
            resting = before[maker]
            assert resting is not None and (maker_owner != taker_owner or not owner)
            assert taker_owner == owner
            assert paid == resting.price and 0 < size <= resting.lots
            assert order_type == OrderType.MARKET or (price - paid) * side >= 0
        assert all(book.order(maker) is None for maker in met[:-1])
        assert book.best_bid is None or book.best_ask is None or book.best_bid < book.best_ask


@given(st.lists(orders, max_size=40), st.sampled_from(SelfMatch))
@settings(max_examples=300, deadline=None)
def test_lots_are_conserved_and_depth_events_rebuild_the_book(
    flow: list[tuple[int, BookSide, OrderType, int, int]], mode: SelfMatch
) -> None:
    book = MatchingEngine(mode)
    entered: Counter[int] = Counter()
    ended: Counter[int] = Counter()
    feed, depth = DepthFeed(), dict[tuple[int, int], int]()
    for order in flow:
        events = book.place(*order)
        entered.update({e[0]: e[4] for e in of_kind(events, Kind.ACCEPTED)})
        ended.update({e[0]: e[2] for e in of_kind(events, Kind.CANCELLED)})
        for maker, taker, _, _, lots, *_ in of_kind(events, Kind.FILLED):
            ended.update({maker: lots, taker: 0})
            ended[taker] += lots
        changes = feed.fold(events)
        assert all(depth.get((side, price), 0) != lots for side, price, lots in changes)
        depth |= {(side, price): lots for side, price, lots in changes}
    open_lots = {oid: entered[oid] - ended[oid] for oid in entered}
    assert min(open_lots.values(), default=0) >= 0
    for oid, lots in open_lots.items():
        resting = book.order(oid)
        assert lots == (resting.lots if resting else 0)
    bids, asks = book.depth(100)
    shown = {(BookSide.BUY, p): n for p, n in bids} | {(BookSide.SELL, p): n for p, n in asks}
    assert {level: lots for level, lots in depth.items() if lots} == shown


def test_a_long_queue_survives_its_rebuilds() -> None:
    """Thousands at one price: the rebuilt queue must keep its order and lose nobody."""
    book = MatchingEngine()
    for _ in range(3000):
        book.place(ALICE, BookSide.SELL, OrderType.LIMIT, 2, 100)
    for oid in range(7, 3001, 7):
        book.cancel(oid)
    expected = [oid for oid in range(1, 3001) if oid % 7]
    filled: list[int] = []
    while book.best_ask is not None:
        filled += [
            e[0] for e in of_kind(book.place(BOB, BookSide.BUY, OrderType.IOC, 2, 100), Kind.FILLED)
        ]
    assert filled == expected
