"""The pure core: one step, the best price kept, one record folded.

`python -m tests.benchmarks.bench_core`. No clock, no loop, no disk is in what is measured. The
steps are those of one request with 20 LPs that answer in 50 to 400 ms and are asked again at once;
prices move a little with every answer, so the lock does too.
"""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from statistics import median, quantiles
from time import perf_counter_ns, thread_time_ns
from typing import Any

from lpdesk.desk import Desk
from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.record import Cause, Record
from lpdesk.domain.settings import Client, Lp, Pair, Rules, Settings
from lpdesk.domain.values import MILLISECOND, SECOND, Dealt, Instant, Side
from lpdesk.engines.best import Best
from lpdesk.engines.cover import Cover
from lpdesk.views import DeskView, fold

LPS, STEPS, UPDATES, SOURCES, ROUNDS = 20, 20_000, 20_000, 50, 15
STEP_TARGET_US, BEST_TARGET = 100, 25
D = Decimal


def desk_settings() -> Settings:
    lps = tuple(Lp(name=f"lp{n:02}", kind="rest", rate_per_second=D(1000)) for n in range(LPS))
    pair = Pair(base="BTC", quote="USDT", base_decimals=5, quote_decimals=2, minimum=D("0.001"))
    return Settings(
        pairs=(pair,),
        lps=lps,
        clients=(Client(name="acme"),),
        default_client="acme",
        rules=Rules(rfq_duration_ns=3_600 * SECOND),
    )


class Outside:
    """Plans the LPs' answers and says what happens next."""

    def __init__(self) -> None:
        self.chance = random.Random(1)
        self.planned: list[tuple[int, int, Cause]] = []
        self.count = 0

    def hears(self, event: ev.Event, at: int) -> None:
        if not isinstance(event, ev.LpAsked):
            return
        self.count += 1
        quote = rep.LpQuoted(
            lp=event.lp,
            ask_id=event.ask_id,
            quote_ref=f"q{self.count}",
            symbol=event.symbol,
            side=event.side,
            price=D(100_000) + D(self.chance.randint(-1_000, 1_000)) / 100,
            quantity=event.quantity,
            validity_ns=10 * SECOND,
        )
        delay = self.chance.randint(50, 400) * MILLISECOND
        heapq.heappush(self.planned, (at + delay, self.count, quote))

    def next(self, due: int | None) -> tuple[int, Cause]:
        if due is not None and (not self.planned or due <= self.planned[0][0]):
            return due, rep.Pulse()
        at, _, cause = heapq.heappop(self.planned)
        return at, cause


def steps() -> tuple[dict[str, list[int]], list[Record]]:
    """Nanoseconds of every step by the kind of its cause, and the journal."""
    desk, outside, at = Desk(), Outside(), 1_768_833_000 * SECOND
    request = cmd.RequestQuote(symbol="BTC/USDT", side=Side.BUY, dealt=Dealt.BASE, amount=D("1.5"))
    started = rep.DeskStarted(instance="bench", settings=desk_settings(), version="0")
    todo: list[Cause] = [started, request]
    times: defaultdict[str, list[int]] = defaultdict(list)
    records: list[Record] = []
    while len(records) < STEPS:
        at, cause = (at, todo.pop(0)) if todo else outside.next(desk.next_due())
        began = perf_counter_ns()
        events = desk.step(cause, at)
        times[type(cause).__name__].append(perf_counter_ns() - began)
        records.append(Record(len(records) + 1, at, cause, events))
        for event in events:
            outside.hears(event, at)
            if isinstance(event, ev.RfqEnded):
                todo.append(request)
    return times, records


def folding(records: list[Record]) -> list[int]:
    view, times = DeskView(), []
    for record in records:
        began = perf_counter_ns()
        view = fold(view, record)
        times.append(perf_counter_ns() - began)
    return times


def quotes() -> Iterator[Cover]:
    """One LP after the other moves its price a little."""
    chance = random.Random(2)
    names = [f"lp{n:02}" for n in range(SOURCES)]  # as in the desk, where an LP has one name object
    for n in range(UPDATES):
        price = D(100_000) + D(chance.randint(-1_000, 1_000)) / 100
        lp = names[chance.randrange(SOURCES)]
        yield Cover(
            lp=lp,
            quote_ref="",
            price=price,
            all_in=price,
            quantity=D(1),
            received_at=n,
            expires_at=10**12,
            dealable_until=10**12,
            exec_ns=0,
            rank=(price, n, lp),
        )


def kept(updates: list[Cover]) -> list[Cover | None]:
    """What the race does: a dictionary, and the best remembered."""
    best, bests = Best(), []
    for cover in updates:
        best.put(cover)
        bests.append(best.top(0))
    return bests


def searched(updates: list[Cover], key: Callable[[Cover], Any]) -> list[Cover]:
    """What it is compared with: filter the LP's old quote out, append the new, take the best."""
    covers: list[Cover] = []
    bests = []
    for cover in updates:
        covers = [old for old in covers if old.lp != cover.lp]
        covers.append(cover)
        bests.append(min((each for each in covers if each.dealable_until > 0), key=key))
    return bests


def by_rank(cover: Cover) -> tuple[Decimal, Instant, str]:
    return cover.rank


def by_price(cover: Cover) -> Decimal:
    return cover.all_in


def per_update_ns(contender: Callable[[list[Cover]], object], updates: list[Cover]) -> float:
    began = thread_time_ns()  # a long round is interrupted more often than a short one
    contender(updates)
    return (thread_time_ns() - began) / len(updates)


def figures(name: str, times: list[int]) -> str:
    p99 = quantiles(times, n=100)[98] if len(times) > 1 else times[0]
    return (
        f"{name:<22} {len(times):>6}  median {median(times) / 1e3:7.1f} us  p99 {p99 / 1e3:7.1f} us"
    )


def best_figures() -> str:
    """Interleaved, the quickest of each: what the machine does meanwhile slows all down.

    The like comparison is with the search that ranks as the desk does (handicaps, ties by receipt
    and name) and so gives the same covers; the other looks at bare prices.
    """
    updates = list(quotes())
    contenders = (kept, partial(searched, key=by_rank), partial(searched, key=by_price))
    assert contenders[0](updates) == contenders[1](updates)
    rounds = [[per_update_ns(run, updates) for run in contenders] for _ in range(ROUNDS)]
    ours, ranked, priced = (min(times) for times in zip(*rounds, strict=True))
    return (
        f"best kept over {SOURCES} LPs: {ours:.0f} ns an update against {ranked:.0f} ns of"
        f" filter-append-min: {ranked / ours:.1f}x (target {BEST_TARGET}x); by bare prices"
        f" {priced:.0f} ns: {priced / ours:.1f}x"
    )


def main() -> None:
    print(best_figures())
    times, records = steps()
    every = [each for sample in times.values() for each in sample]
    print(f"Desk.step, {LPS} LPs on a request (target: median under {STEP_TARGET_US} us)")
    print(figures("all steps", every))
    for name in ("LpQuoted", "Pulse", "RequestQuote"):
        print(figures(f"  {name}", times[name]))
    print(figures("fold, a record", folding(records)))


if __name__ == "__main__":
    main()
