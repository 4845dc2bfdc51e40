"""The router against a convex solver on the same random books, interleaved in one run.

    python -m tests.benchmarks.bench_router [--books 30] --peers VENV

The peer: `pip install cvxpy`. Both get the same sources as objects and give the optimal
cash; the solver's time is building and solving its problem, its import left out. Processor time of
the calling thread, so that what else the machine does slows neither. Trust the ratios.
"""

from __future__ import annotations

import argparse
import statistics
from random import Random
from time import thread_time_ns

from lpdesk.engines.router import route
from tests.benchmarks.peers import arguments
from tests.engines.router import books

REPEATED = 9
"""Plans made of each book: the machine's caches are the solver's otherwise."""

SHAPES = ((5, 10, 3), (20, 20, 10), (50, 20, 20))


def compare(lps: int, levels: int, pools: int, count: int) -> None:
    random, ours, theirs, gaps = Random(f"bench {lps}"), [], [], []
    for _ in range(count + 2):
        order, sources = books.large_book(random, lps, levels, pools)
        for _ in range(REPEATED):
            start = thread_time_ns()
            plan = route(order, sources)
            ours.append(thread_time_ns() - start)
        start = thread_time_ns()
        best = books.convex(order, sources)
        theirs.append(thread_time_ns() - start)
        gaps.append(abs(float(plan.cash) / best - 1))
    ours, theirs = ours[2 * REPEATED :], theirs[2:]  # the first books warm up
    mine, solver = statistics.median(ours), statistics.median(theirs)
    print(
        f"{lps:3} LPs x {levels} levels + {pools:2} pools: {mine / 1e3:7.0f} us against "
        f"{solver / 1e6:6.1f} ms = {solver / mine:5.0f}x; cash within {max(gaps):.1e}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--books", type=int, default=30)
    count = arguments(parser).books
    for shape in SHAPES:
        compare(*shape, count)


if __name__ == "__main__":
    main()
