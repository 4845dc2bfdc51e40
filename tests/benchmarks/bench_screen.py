"""What the screen costs: our grids beside Textual's DataTable, in real ptys of 160x50 cells.

    python tests/benchmarks/bench_screen.py [--seconds 5] [--rounds 3]

Both show a leaderboard and a blotter with the same numbers. CPU is the app's own process time,
bytes are counted at the terminal's side, and both apps take turns in one run, so trust the ratios
on any machine. Exit code 1 when a gate is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import os
import pty
import random
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import zlib
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, process_time, sleep
from typing import Any, ClassVar

ROOT = Path(__file__).parents[2]
BOARD, BLOTTER = (12, 6), (20, 10)  # rows and columns
ECHO = [chr(0x3B1 + n) for n in range(16)]  # shown for keys, and nowhere else
WARM_SECONDS = 1.5


# The apps


def child(options: argparse.Namespace) -> None:
    """Run one of the two apps in this process."""
    from textual import events
    from textual.app import App
    from textual.widgets import DataTable, Static

    from lpdesk.tui.frames import FrameApp
    from lpdesk.tui.pacing import Pacer
    from lpdesk.tui.widgets.grid import Column, LineGrid, Row

    shapes = (BOARD, BLOTTER)
    tables = [[[f"{r * 37 + c}.00" for c in range(w)] for r in range(h)] for h, w in shapes]
    dice = random.Random(11)

    def changes(cells: int) -> Iterator[tuple[int, int, int, str]]:
        for _ in range(cells):
            which = dice.randrange(2)
            height, width = shapes[which]
            row, column = dice.randrange(height), dice.randrange(width)
            text = f"{dice.random() * 10_000:.2f}"
            tables[which][row][column] = text
            yield which, row, column, text

    class Grids(FrameApp[None]):
        def panes(self) -> Iterator[Any]:
            for _, width in shapes:
                yield LineGrid([Column(str(n), f"c{n}", 9, "decimal", 0, 2) for n in range(width)])

        def ready(self) -> None:
            self.pacer = Pacer()
            self.slices = [self.rows(0), self.rows(1)]
            for which, grid in enumerate(self.query(LineGrid)):
                self.pacer.add(Paced(self, grid, which), lambda which=which: self.slices[which])

        def rows(self, which: int) -> list[object]:
            return [object()]

        def tick(self) -> None:
            for which, *_ in changes(options.cells):
                self.slices[which] = [object()]
            self.pacer.changed()

    class Paced:
        """Builds rows when it shows, as panels do."""

        def __init__(self, app: Grids, grid: LineGrid, which: int) -> None:
            self.grid, self.table = grid, tables[which]

        def show(self, slice: object) -> None:
            self.grid.show_rows([Row(str(y), tuple(row)) for y, row in enumerate(self.table)])

    class Tables(App[None]):
        def panes(self) -> Iterator[Any]:
            for _ in shapes:
                yield DataTable(cursor_type="row")

        def ready(self) -> None:
            self.tables = list(self.query(DataTable))
            for table, cells in zip(self.tables, tables, strict=True):
                table.add_columns(*(f"c{n}" for n in range(len(cells[0]))))
                table.add_rows(cells)

        def tick(self) -> None:
            for which, row, column, text in changes(options.cells):
                self.tables[which].update_cell_at((row, column), text)

    base: Any = Grids if options.child == "grid" else Tables

    class Bench(base):  # type: ignore[misc]
        CSS = "LineGrid, DataTable { height: 1fr; } #echo { height: 1; }"
        ENABLE_COMMAND_PALETTE: ClassVar[bool] = False
        keys = 0

        def compose(self) -> Iterator[Any]:
            yield Static("-", id="echo", markup=False)
            yield from self.panes()

        async def on_mount(self) -> None:
            self.ready()
            self.jobs = [asyncio.create_task(run(self, options))]

        async def on_event(self, event: events.Event) -> None:
            if isinstance(event, events.Key) and not event.is_forwarded:
                self.query_one("#echo", Static).update(ECHO[self.keys % len(ECHO)])
                self.keys += 1
            await super().on_event(event)

    Bench().run()


async def run(app: Any, options: argparse.Namespace) -> None:
    """Tick at `hz`, watch the loop, and report the steady window to the parent."""
    lags: list[float] = []

    async def watch() -> None:
        while True:
            before = monotonic()
            await asyncio.sleep(0.005)
            lags.append(monotonic() - before - 0.005)

    ticks = 0
    start = monotonic()

    async def tick() -> None:
        nonlocal ticks
        due = monotonic()
        while True:
            app.tick()
            ticks += 1
            due += 1 / options.hz
            await asyncio.sleep(max(0.0, due - monotonic()))

    jobs = [asyncio.create_task(tick())]
    if options.watch:
        jobs.append(asyncio.create_task(watch()))
    await asyncio.sleep(WARM_SECONDS)
    lags.clear()
    ticks, cpu, start = 0, process_time(), monotonic()
    options.report.with_suffix(".started").touch()
    await asyncio.sleep(options.seconds)
    wall = monotonic() - start
    facts = {"cpu": (process_time() - cpu) / wall, "ticks": ticks / wall, "lags": lags}
    options.report.write_text(json.dumps(facts))
    for job in jobs:
        job.cancel()


# The terminal's side


class Link:
    """One app in a pty, with a reader that may be slow."""

    def __init__(self, app: str, seconds: float, hz: float, cells: int, watch: bool) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        self.report = Path(tempfile.mkdtemp()) / "report"
        arguments = ["--child", app, "--report", str(self.report), "--seconds", str(seconds)]
        arguments += ["--hz", str(hz), "--cells", str(cells), *(["--watch"] if watch else [])]
        environ = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES"}}
        environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, __file__, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environ,
            start_new_session=True,
        )
        os.close(slave)
        self.data = bytearray()
        self.window = bytearray()

    def read(self, seconds: float, most: int = 65536) -> bytes:
        """What arrives within `seconds`."""
        if not select.select([self.master], [], [], seconds)[0]:
            return b""
        data = os.read(self.master, most)
        self.data += data
        if b"\x1b[?2026$p" in data:
            os.write(self.master, b"\x1b[?2026;2$y")
        if self.report.with_suffix(".started").exists() and not self.report.exists():
            self.window += data
        return data

    def finish(self) -> dict[str, Any]:
        """The app's report, once it has written it; ends the app."""
        facts: dict[str, Any] = json.loads(self.report.read_text())
        facts["bytes"] = len(self.window)
        facts["zlib"] = len(zlib.compress(bytes(self.window), 6))
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        return facts


def measure(app: str, seconds: float, hz: float, cells: int, rate: float = 0) -> dict[str, Any]:
    """CPU, bytes and loop lag of one app; `rate` in bytes a second slows the reader down."""
    link = Link(app, seconds, hz, cells, watch=rate > 0)
    deadline = monotonic() + seconds + WARM_SECONDS + 60
    while not link.report.exists() and monotonic() < deadline:
        if rate and link.report.with_suffix(".started").exists():
            sleep(0.05)
            link.read(0, int(rate * 0.05))
        else:
            link.read(0.01)
    sleep(0.05)
    return link.finish()


def keys_to_repaint(app: str, hz: float, cells: int, count: int) -> list[float]:
    """Milliseconds from a key to the bytes that show it, `count` times under load, sorted."""
    link = Link(app, count * 0.1 + 5, hz, cells, watch=False)
    while not link.report.with_suffix(".started").exists():
        link.read(0.01)
    times = []
    dice = random.Random(5)
    for number in range(count):
        pause = monotonic() + 0.04 + dice.random() * 0.04
        while monotonic() < pause:
            link.read(0.005)
        sought, seen = ECHO[number % len(ECHO)].encode(), b""
        before = monotonic()
        os.write(link.master, b"z")
        while sought not in seen and monotonic() - before < 5:
            seen += link.read(0.1)
        times.append((monotonic() - before) * 1000)
    link.process.kill()
    link.process.wait()
    os.close(link.master)
    return sorted(times)


# The run


class Gates:
    """Prints figures beside their targets and remembers misses."""

    missed = 0

    def say(self, what: str, figure: str, target: str = "", met: bool = True) -> None:
        self.missed += not met
        print(f"{what:<46} {figure:>24}   {target:<12}{'' if met else ' MISSED'}")


def side_by_side(gates: Gates, options: argparse.Namespace) -> None:
    """10 cells changing 10 times a second, both apps in turns."""
    pairs = [
        (measure("table", options.seconds, 10, 10), measure("grid", options.seconds, 10, 10))
        for _ in range(options.rounds)
    ]
    for name, unit, least in (("cpu", 100, 15), ("bytes", 1, 50), ("zlib", 1, 3)):
        ratio = statistics.median(table[name] / grid[name] for table, grid in pairs)
        table, grid = (statistics.median(pair[side][name] for pair in pairs) for side in (0, 1))
        scale = unit if name == "cpu" else 1 / options.seconds / 1000
        figure = f"{table * scale:.2f} / {grid * scale:.2f} = {ratio:.1f}x"
        label = f"10 cells at 10 Hz, {name} {'%' if name == 'cpu' else 'kB/s'}"
        gates.say(label, figure, f">= {least}x", ratio >= least)


def load(gates: Gates, options: argparse.Namespace) -> None:
    """10,000 cell updates a second, keys under that load, and a slow link."""
    grid, table = (measure(app, options.seconds, 1000, 10) for app in ("grid", "table"))
    rate = grid["bytes"] / options.seconds / 1000
    gates.say("10,000 cells/s, CPU", f"{grid['cpu']:.1%}", "< 25%", grid["cpu"] < 0.25)
    gates.say("10,000 cells/s, kB/s", f"{rate:.1f}", "< 40", rate < 40)
    gates.say("10,000 cells/s, ticks/s", f"{grid['ticks']:.0f}", ">= 980", grid["ticks"] >= 980)
    gates.say("  DataTable", f"{table['cpu']:.1%}, {table['ticks']:.0f} ticks/s")
    for app, hz in (("grid", 1000), ("table", 100)):
        times = keys_to_repaint(app, hz, 10, 120 if app == "grid" else 40)
        p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
        ours = app == "grid"
        met = not ours or (p50 < 8 and p99 < 50)
        target = "< 8, < 50" if ours else ""
        gates.say(
            f"key to repaint, {app} at {hz} Hz, p50 p99 ms", f"{p50:.1f} {p99:.1f}", target, met
        )
    for app in ("grid", "table"):
        slow = measure(app, options.seconds, 30, 100, rate=8000)
        lags = sorted(slow["lags"]) or [float("inf")]
        p99, most = lags[int(len(lags) * 0.99)] * 1000, lags[-1] * 1000
        figure = f"{p99:.1f} {most:.1f} ({len(lags)} beats)"
        gates.say(f"8 kB/s reader, {app}: lag p99 max ms", figure)


def main() -> int:
    """Parse, run, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=("grid", "table"), help=argparse.SUPPRESS)
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--hz", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--cells", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--watch", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options)
        return 0
    gates = Gates()
    side_by_side(gates, options)
    load(gates, options)
    return 1 if gates.missed else 0


if __name__ == "__main__":
    sys.exit(main())
