"""Reference tick to ladder replaced, in the core, and the fold of its record into the views.

    PYTHONPATH=. python tests/benchmarks/bench_maker.py [--ticks 20000]

Garbage collector on. A tick counts as "replaced" when it changed the book. Besides wall time the
CPU time of the same calls is shown: on a shared machine the difference is other people's work.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from decimal import Decimal
from time import perf_counter_ns, thread_time_ns

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.making import MakerTerms
from lpdesk.domain.record import Cause, Record
from lpdesk.domain.settings import Pair, Settings
from lpdesk.domain.values import MILLISECOND, Side
from lpdesk.simulation import Simulation
from lpdesk.views import DeskView, fold

D = Decimal
PAIR = Pair(base="BTC", quote="USDT", base_decimals=5, quote_decimals=2, minimum=D("0.001"))


def spread(label: str, nanoseconds: list[int]) -> None:
    ranked = [ns / 1e3 for ns in sorted(nanoseconds)]
    count = len(ranked)
    print(
        f"  {label:36} n {count:6}   p50 {ranked[count // 2]:7.1f}   "
        f"p99 {ranked[count * 99 // 100]:7.1f}   max {ranked[-1]:8.1f} us"
    )


def desk(strategy: str, levels: int) -> Simulation:
    terms = MakerTerms(
        symbol=PAIR.symbol, strategy=strategy, parameters={"order_levels": D(levels)}
    )
    balances = {"BTC": D(100), "USDT": D(10_000_000)}
    settings = Settings(pairs=(PAIR,), makers=(terms,), desk_balances=balances)
    simulation = Simulation(lambda event, at: ())
    simulation.do(rep.DeskStarted(instance="bench", settings=settings, version="0"))
    return simulation


def causes(ticks: int) -> Iterator[Cause]:
    """Three sources a few ticks apart from a walking mid, and a taker now and then."""
    chance, mid = random.Random(1), 100_000.0
    for number in range(ticks):
        mid *= 1 + chance.gauss(0, 0.00005)
        bid = D(f"{mid * (1 + chance.gauss(0, 0.000005)):.2f}")
        source = ("binance", "okx", "kraken")[number % 3]
        yield rep.ReferenceTicked(source=source, symbol=PAIR.symbol, bid=bid, ask=bid + D("0.01"))
        if chance.random() < 0.05:
            side, size = chance.choice(list(Side)), D(f"{chance.random() + 0.01:.5f}")
            yield rep.TakerOrdered(taker="noise", symbol=PAIR.symbol, side=side, quantity=size)


def measure(strategy: str, levels: int, ticks: int) -> None:
    simulation, view = desk(strategy, levels), DeskView()
    replaced, cpu, quiet, folded = list[int](), list[int](), list[int](), list[int]()
    core, at = simulation.desk, simulation.clock.now()
    for number, cause in enumerate(causes(ticks)):
        at += 20 * MILLISECOND
        start, start_cpu = perf_counter_ns(), thread_time_ns()
        events = core.step(cause, at)
        used, used_cpu = perf_counter_ns() - start, thread_time_ns() - start_cpu
        if isinstance(cause, rep.ReferenceTicked):
            changed = any(isinstance(event, ev.BookChanged) for event in events)
            (replaced if changed else quiet).append(used)
            if changed:
                cpu.append(used_cpu)
        record = Record(number + 1, at, cause, events)
        start = perf_counter_ns()
        view = fold(view, record)
        folded.append(perf_counter_ns() - start)
    print(f"\n{strategy}, {levels} levels a side")
    spread("tick to ladder replaced", replaced)
    spread("same, CPU time", cpu)
    spread("tick that moved no quote", quiet)
    spread("fold of a record", folded)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=20_000)
    ticks = parser.parse_args().ticks
    for strategy, levels in (("levels", 5), ("levels", 20), ("avellaneda", 5)):
        measure(strategy, levels, ticks)


if __name__ == "__main__":
    main()
