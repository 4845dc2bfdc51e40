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
from pathlib import Path
from time import monotonic, process_time
from typing import Any

ROOT = Path(__file__).parents[2]
ECHO = [chr(0x3B1 + n) for n in range(16)]  # as the apps have it
WARM_SECONDS, BEAT_SECONDS = 1.5, 0.005


# The app's side


def child(options: argparse.Namespace) -> None:
    """Run one of the two apps in this process."""
    from tests.benchmarks.screen_apps import Feed, Grids, Tables

    app: Any = (Grids if options.child == "grid" else Tables)(Feed(options.cells))
    asyncio.run(both(app, options))


async def both(app: Any, options: argparse.Namespace) -> None:
    """The app, and what moves and measures it once it has been drawn."""
    jobs: list[asyncio.Task[None]] = []
    app.echoing.ready = lambda: jobs.append(asyncio.create_task(run(app, options)))
    await app.run_async()


async def run(app: Any, options: argparse.Namespace) -> None:
    """Tick at `hz`, watch the loop, and report the steady window to the parent."""
    lags: list[float] = []

    async def watch() -> None:
        while True:
            before = monotonic()
            await asyncio.sleep(BEAT_SECONDS)
            lags.append(monotonic() - before - BEAT_SECONDS)

    ticks = 0

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
    finished = options.report.with_suffix(".partial")
    finished.write_text(json.dumps(facts))
    finished.rename(options.report)
    for job in jobs:
        job.cancel()


# The terminal's side


class Link:
    """One app in a pty, with a reader that may be slow."""

    def __init__(
        self, app: str, seconds: float, hz: float, cells: int, watch: bool, script: str = __file__
    ) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        self.report = Path(tempfile.mkdtemp()) / "report"
        arguments = ["--child", app, "--report", str(self.report), "--seconds", str(seconds)]
        arguments += ["--hz", str(hz), "--cells", str(cells), *(["--watch"] if watch else [])]
        environ = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES"}}
        environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, script, *arguments],
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


def measure(
    app: str, seconds: float, hz: float, cells: int, rate: float = 0, script: str = __file__
) -> dict[str, Any]:
    """CPU, bytes and loop lag of one app; `rate` in bytes a second slows the reader down."""
    link = Link(app, seconds, hz, cells, watch=rate > 0, script=script)
    deadline = monotonic() + seconds + WARM_SECONDS + 60
    while not link.report.exists() and monotonic() < deadline:
        if rate and link.report.with_suffix(".started").exists():
            select.select([], [], [], 0.05)
            link.read(0, int(rate * 0.05))
        else:
            link.read(0.01)
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
