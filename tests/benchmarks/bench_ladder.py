"""What the maker's screens cost while the book changes 1,000 times a second, in a 160x48 pty.

    python -m tests.benchmarks.bench_ladder [--seconds 6] [--changes 1000]

The whole desk screen runs, with a book whose maker follows a moving reference and is hit by takers,
and an RFQ that counts down. The records were made beforehand, so what is measured is the screen,
the folding of its view included: its process time, and the frames it writes. Three screens:
the desk, the desk with the keys in the ladder, and the maker's page.
Exit code 1 when a gate is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from pathlib import Path
from time import monotonic, process_time

from lpdesk.domain import events as ev
from lpdesk.domain.record import Command, Event, Record
from lpdesk.domain.values import Instant, Side
from lpdesk.tui.app import DeskApp
from lpdesk.tui.frames import FrontBuffer
from lpdesk.views import DeskView, fold
from tests.benchmarks.bench_screen import WARM_SECONDS, Gates, measure
from tests.tui.markets import active, refers, takes

SCREENS = {"desk": "", "ladder": "f4", "maker": "f10"}
CHANGES = 3_000
BATCH_SECONDS = 0.01


class Film:
    """A `Session`: the records of a busy book, folded one after the other, then from the start."""

    can_command = True
    label = "SANDBOX"

    def __init__(self) -> None:
        self.first, self.records = busy_book()
        self.at = 0
        self.view = self.first

    def turn(self) -> None:
        """The book changes once."""
        record = self.records[self.at % len(self.records)]
        self.view = fold(self.view if self.at % len(self.records) else self.first, record)
        self.at += 1

    def now(self) -> Instant:
        return self.records[(self.at or 1) % len(self.records) - 1].at

    async def submit(self, command: Command) -> tuple[Event, ...]:
        raise PermissionError("a film")


def busy_book() -> tuple[DeskView, list[Record]]:
    """Records that each change the BTC/USDT book: the mid walks, takers take; one RFQ is live."""
    desk, dice, away = (
        active(orders_per_second="100000", filled_order_delay="0"),
        random.Random(3),
        0,
    )
    desk.ask("b 1.5 btc/usdt")
    desk.run(1)
    first, records = desk.view, list[Record]()
    while len(records) < CHANGES:
        seen = len(desk.records)
        desk.run(0.001)
        if dice.random() < 0.3:
            takes(desk, dice.choice((Side.BUY, Side.SELL)), f"0.{dice.randrange(1, 90):02}")
        else:
            away = max(-60, min(60, away + dice.choice((-2, -1, 1, 2))))
            refers(desk, away)
        records += [
            record
            for record in desk.records[seen:]
            if any(isinstance(e, ev.BookChanged) and e.symbol == "BTC/USDT" for e in record.events)
        ]
    return first, records


async def run(app: DeskApp, film: Film, options: argparse.Namespace) -> None:
    """Turn the film `hz` times a second, and report the steady window."""
    frames = 0
    draw = FrontBuffer.frame

    def counting(self: FrontBuffer, cursor: tuple[int, int] = (0, 0)) -> str:
        nonlocal frames
        drawn = draw(self, cursor)
        frames += bool(drawn)
        return drawn

    FrontBuffer.frame = counting  # type: ignore[method-assign]
    if SCREENS[options.child]:
        app.simulate_key(SCREENS[options.child])
    changes, start, finished = 0, monotonic(), False
    cpu = wall = 0.0
    seen = 0
    while not finished:
        await asyncio.sleep(BATCH_SECONDS)
        while changes < (monotonic() - start) * options.hz:
            film.turn()
            changes += 1
            app.changed()
        lasted = monotonic() - start
        if not wall and lasted >= WARM_SECONDS:
            frames, cpu, wall, seen = 0, process_time(), monotonic(), changes
            options.report.with_suffix(".started").touch()
        finished = bool(wall) and monotonic() - wall >= options.seconds
    took = monotonic() - wall
    facts = {
        "cpu": (process_time() - cpu) / took,
        "frames": frames / took,
        "changes": (changes - seen) / took,
    }
    partial = options.report.with_suffix(".partial")
    partial.write_text(json.dumps(facts))
    partial.rename(options.report)


def child(options: argparse.Namespace) -> None:
    """The desk in this process."""
    film = Film()
    jobs: list[asyncio.Task[None]] = []
    app = DeskApp(
        film, on_ready=lambda: jobs.append(asyncio.ensure_future(run(app, film, options)))
    )
    app.run()


def main() -> int:
    """Parse, run, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--changes", type=float, default=1000)
    parser.add_argument("--child", choices=tuple(SCREENS), help=argparse.SUPPRESS)
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--hz", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--cells", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options)
        return 0
    gates = Gates()
    for screen in SCREENS:
        seen = measure(screen, options.seconds, options.changes, 1, script=__file__)
        frames, cpu = seen["frames"], seen["cpu"]
        what = f"{screen}, {seen['changes']:.0f} changes/s"
        gates.say(f"{what}: frames/s", f"{frames:.1f}", "<= 15", frames <= 15)
        gates.say(f"{what}: CPU", f"{cpu:.1%}", "< 20%", cpu < 0.2)
        gates.say(f"{what}: kB/s", f"{seen['bytes'] / options.seconds / 1000:.1f}")
    return 1 if gates.missed else 0


if __name__ == "__main__":
    sys.exit(main())
