"""The matching engine against its peers: same seeded orders, same trades, one interleaved run.

    python -m tests.benchmarks.bench_matching [--rounds 3] [--peers VENV]

Peers: `pip install lightmatchingengine pyorderbook`. All three report what each order did
(ours: flat tuples, theirs: objects), and check an order's numbers themselves. The peers know no
owners, so the like comparison is with orders of nobody; the second line adds an owner to every
order, with the index by owner and the self-match prevention that come with it.

Trust the ratios; absolute times follow the machine's mood.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import random
import statistics
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter_ns, process_time_ns
from typing import Any, NamedTuple

from lpdesk.engines.book import Kind
from lpdesk.engines.matching import MatchingEngine, OrderType
from tests.benchmarks.peers import arguments

MID = 100_000
LIMIT, IOC, FILLED = int(OrderType.LIMIT), int(OrderType.IOC), int(Kind.FILLED)

Op = tuple[int, int, int, int]
"""(owner, side, lots, price), or (0, 0, 0, order to cancel). Orders are numbered from 1."""
Fill = tuple[int, int, int, int]
"""(maker, taker, price, lots)"""


class Workload(NamedTuple):
    name: str
    resting: int
    half_width: int  # levels on each side of the mid
    add: float
    cancel: float  # what remains is aggressive


DESK = Workload("desk", 1_000, 85, 0.49, 0.41)
DEEP = Workload("deep", 40_000, 460, 0.50, 0.40)
OPS = 200_000


class Live:
    """Ids that rest, with O(1) random choice."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.at: dict[int, int] = {}

    def add(self, oid: int) -> None:
        self.at[oid] = len(self.ids)
        self.ids.append(oid)

    def drop(self, oid: int) -> None:
        place, last = self.at.pop(oid), self.ids.pop()
        if last != oid:
            self.ids[place], self.at[last] = last, place


def stream(work: Workload, seed: int = 7) -> tuple[list[Op], list[Op]]:
    """Orders that build the book, then `OPS` operations that hold it within 5 % of its size."""
    rng, book, live = random.Random(seed), MatchingEngine(), Live()

    def order(owner: int, lots: int, distance: int) -> Op:
        side = rng.choice((1, -1))
        op = (owner, side, lots, MID - side * distance)
        events = book.place(owner, side, LIMIT, lots, op[3])
        live.add(events[0][1])
        for event in events:
            if event[0] == FILLED:
                for oid in event[1:3]:
                    if oid in live.at and book.order(oid) is None:
                        live.drop(oid)
        return op

    def passive() -> Op:
        return order(rng.randint(1, 20), rng.randint(1, 100), rng.randint(1, work.half_width))

    build = [passive() for _ in range(work.resting)]
    ops: list[Op] = []
    while len(ops) < OPS:
        draw, size = rng.random(), len(live.ids) / work.resting
        if draw >= work.add + work.cancel:
            ops.append(order(99, rng.randint(1, 90), -work.half_width))
        elif size < 0.95 or (size < 1.05 and draw < work.add):
            ops.append(passive())
        else:
            oid = rng.choice(live.ids)
            book.cancel(oid)
            live.drop(oid)
            ops.append((0, 0, 0, oid))
    return build, ops


# -- contenders: `run` does the operations for the clock, `fills` does them and reads the trades


class Lpdesk:
    name = "lpdesk"

    def __init__(self) -> None:
        self.engine = MatchingEngine()

    def run(self, ops: list[Op]) -> None:
        place, cancel = self.engine.place, self.engine.cancel
        for owner, side, lots, price in ops:
            if side:
                place(owner, side, LIMIT, lots, price)
            else:
                cancel(price)

    def fills(self, ops: list[Op]) -> Iterator[Fill]:
        for owner, side, lots, price in ops:
            if side:
                for event in self.engine.place(owner, side, LIMIT, lots, price):
                    if event[0] == FILLED:
                        yield event[1], event[2], event[4], event[5]
            else:
                self.engine.cancel(price)


class WithOwners(Lpdesk):
    name = "lpdesk, with owners"


class LightMatchingEngine:
    name = "lightmatchingengine"

    def __init__(self) -> None:
        peer = importlib.import_module("lightmatchingengine.lightmatchingengine")
        self.engine: Any = peer.LightMatchingEngine()

    def run(self, ops: list[Op]) -> None:
        add, cancel = self.engine.add_order, self.engine.cancel_order
        for _, side, lots, price in ops:
            if side:
                add("X", price, lots, 1 if side > 0 else 2)
            else:
                cancel(price, "X")

    def fills(self, ops: list[Op]) -> Iterator[Fill]:
        for _, side, lots, price in ops:
            if not side:
                self.engine.cancel_order(price, "X")
                continue
            order, trades = self.engine.add_order("X", price, lots, 1 if side > 0 else 2)
            for trade in trades:
                if trade.order_id != order.order_id:
                    yield trade.order_id, order.order_id, trade.trade_price, trade.trade_qty


class PyOrderBook:
    name = "pyorderbook"

    def __init__(self) -> None:
        peer = importlib.import_module("pyorderbook")
        logging.disable(logging.CRITICAL)  # its cancel logs with a broken format string
        self.book: Any = peer.Book()
        self.make: Any = peer.Order
        self.sides: dict[int, Any] = {1: peer.Side.BID, -1: peer.Side.ASK}
        self.orders: list[Any] = [None]

    def run(self, ops: list[Op]) -> None:
        match, cancel, make = self.book.match, self.book.cancel, self.make
        orders, sides = self.orders, self.sides
        for _, side, lots, price in ops:
            if side:
                order = make(sides[side], "X", price, lots)
                orders.append(order)
                match(order)
            else:
                cancel(orders[price])

    def fills(self, ops: list[Op]) -> Iterator[Fill]:
        numbers = {order.id: number for number, order in enumerate(self.orders) if order}
        for _, side, lots, price in ops:
            if not side:
                self.book.cancel(self.orders[price])
                continue
            order = self.make(self.sides[side], "X", price, lots)
            taker = numbers[order.id] = len(self.orders)
            self.orders.append(order)
            for trade in self.book.match(order).trades:
                maker = numbers[trade.standing_order_id]
                yield maker, taker, int(trade.fill_price), trade.fill_quantity


CONTENDERS: list[Any] = [Lpdesk, WithOwners, LightMatchingEngine, PyOrderBook]


def nobodys(ops: list[Op]) -> list[Op]:
    """The same orders without owners, except for cancels, which have none."""
    return [(0, side, lots, price) for _, side, lots, price in ops]


def build_of(name: str) -> str:
    """Version, and whether it is compiled."""
    try:
        released = version(name)
    except PackageNotFoundError:
        return ""
    module = importlib.import_module(name)
    compiled = list(Path(module.__file__ or "").parent.rglob("*.so"))
    return f"{released}, {'compiled' if compiled else 'pure Python'}"


def installed(contenders: list[Any]) -> list[Any]:
    present = []
    for contender in contenders:
        try:
            contender()
        except ImportError as missing:
            print(f"{contender.name} is left out: {missing}.")
        else:
            present.append(contender)
    return present


def throughput(work: Workload, rounds: int) -> None:
    """CPU time in interleaved rounds, each on a fresh book; ratios are medians over rounds."""
    owned = stream(work)
    build, ops = owned
    free = nobodys(build), nobodys(ops)
    cancels = sum(not op[1] for op in ops)
    aggressive = sum(op[0] == 99 for op in ops)
    present = installed(CONTENDERS)
    checks: dict[str, int] = {}
    kops: dict[str, list[float]] = {contender.name: [] for contender in present}
    fills = 0
    for contender in present:
        engine = contender()
        build, ops = owned if contender is WithOwners else free
        engine.run(build)
        trades = list(engine.fills(ops))
        checks[engine.name] = hash(tuple(trades))
        fills = fills or len(trades)
    for _ in range(rounds):
        for contender in present:
            engine = contender()
            build, ops = owned if contender is WithOwners else free
            engine.run(build)
            start = process_time_ns()
            engine.run(ops)
            kops[engine.name].append(OPS * 1e6 / (process_time_ns() - start))
    adds = OPS - cancels - aggressive
    print(
        f"\n{work.name}: {work.resting:,} resting over {2 * work.half_width} levels, {OPS:,} ops "
        f"({adds / OPS:.0%} add, {cancels / OPS:.0%} cancel, {aggressive / OPS:.0%} aggressive), "
        f"{fills:,} fills"
    )
    for name, rates in kops.items():
        ratio = statistics.median(
            ours / its for ours, its in zip(kops["lpdesk"], rates, strict=True)
        )
        same = "same trades" if checks[name] == checks["lpdesk"] else "OTHER TRADES"
        print(
            f"  {name:22}{statistics.median(rates):8.0f} kops/s   lpdesk is {ratio:5.1f}x   {same}"
            f"   {build_of(name)}"
        )


# -- latency, our engine alone, garbage collector on


def spread(label: str, nanoseconds: list[int], inherent_max: int | None = None) -> None:
    ranked = [ns / 1e3 for ns in sorted(nanoseconds)]
    p50, p99, most = ranked[len(ranked) // 2], ranked[len(ranked) * 99 // 100], ranked[-1]
    tail = "" if inherent_max is None else f"   max in every round {inherent_max / 1e3:6.0f}"
    print(f"  {label:44} p50 {p50:6.2f}   p99 {p99:6.2f}   max {most:6.0f}{tail}")


def latency(work: Workload, rounds: int) -> None:
    """Per call, timer included. An operation slow in every round is the engine's own doing."""
    build, ops = stream(work)
    least = [2**62] * len(ops)
    samples: list[int] = []
    for _ in range(rounds):
        engine = Lpdesk()
        engine.run(build)
        samples = time_each(engine.engine, ops)
        least = list(map(min, least, samples))
    spread(f"{work.name}, one operation", samples, max(least))
    taking = [ns for ns, op in zip(samples, ops, strict=True) if op[0] == 99]
    spread(f"{work.name}, one aggressive order", taking)


def time_each(engine: MatchingEngine, ops: list[Op]) -> list[int]:
    place, cancel, clock = engine.place, engine.cancel, perf_counter_ns
    samples = []
    for owner, side, lots, price in ops:
        if side:
            start = clock()
            place(owner, side, LIMIT, lots, price)
        else:
            start = clock()
            cancel(price)
        samples.append(clock() - start)
    return samples


def ladder_refresh(kept: int, count: int = 20_000) -> None:
    """Ten quotes a side in a book of 1,000 others; `kept` of the twenty stay where they are."""
    build, _ = stream(DESK._replace(half_width=400))
    engine = Lpdesk()
    engine.run(build)
    samples = []
    for number in range(count):
        shift = number % 2
        bids = [(MID - 1 - 2 * n - (shift if n >= kept // 2 else 0), 10 + n) for n in range(10)]
        asks = [(MID + 1 + 2 * n + (shift if n >= kept // 2 else 0), 10 + n) for n in range(10)]
        start = perf_counter_ns()
        engine.engine.refresh(50, bids, asks)
        samples.append(perf_counter_ns() - start)
    spread(f"ladder refresh, {kept} of 20 kept", samples)


def ladder_one_by_one(count: int = 20_000) -> None:
    """The same replacement as twenty cancels and twenty places."""
    build, _ = stream(DESK._replace(half_width=400))
    ours = Lpdesk()
    ours.run(build)
    place, cancel = ours.engine.place, ours.engine.cancel
    samples, live = [], [place(50, 1, LIMIT, 1, MID - 50)[0][1]]
    for number in range(count):
        start = perf_counter_ns()
        for oid in live:
            cancel(oid)
        live = []
        for n in range(10):
            distance = 1 + 2 * n + number % 2
            live.append(place(50, 1, LIMIT, 10 + n, MID - distance)[0][1])
            live.append(place(50, -1, LIMIT, 10 + n, MID + distance)[0][1])
        samples.append(perf_counter_ns() - start)
    spread("same, by 20 cancels and 20 places", samples)


def one_level(count: int = 60_000) -> None:
    """All orders at one price, taken singly, or cancelled oldest first and touched at times."""
    for label, cancelling in (("taken one by one", False), ("cancelled oldest first", True)):
        engine = MatchingEngine()
        for _ in range(count):
            engine.place(1, -1, LIMIT, 2, MID)
        samples = []
        for oid in range(1, count - 1):
            start = perf_counter_ns()
            if cancelling:
                engine.cancel(oid)
            else:
                engine.place(2, 1, IOC, 2, MID)
            samples.append(perf_counter_ns() - start)
            if cancelling and oid % 100 == 0:
                start = perf_counter_ns()
                engine.place(2, 1, IOC, 1, MID)
                engine.amend(oid + 1, MID, 2)
                samples[-1] += perf_counter_ns() - start
        mean = sum(samples) / len(samples) / 1e3
        spread(f"{count:,} at one price, {label}", samples)
        print(f"  {'':44} mean {mean:.2f} us")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = arguments(parser).rounds
    print("Throughput, CPU time")
    for work in (DESK, DEEP):
        throughput(work, rounds)
    print("\nLatency in us, garbage collector on")
    for work in (DESK, DEEP):
        latency(work, rounds)
    for kept in (0, 10, 20):
        ladder_refresh(kept)
    ladder_one_by_one()
    one_level()


if __name__ == "__main__":
    main()
