"""A desk-like screen whose numbers move by themselves, for terminals and benchmarks to look at.

Run as `moving_app.py REPORT [--stock] [--hz N] [--cells N] [--updates N]`. After that many updates,
or on `f`, it freezes and writes the report; `q` ends it, any other letter counts as a key. The
report is JSON: the text that the screen should show, updates done, keys seen, and the longest time
the event loop was late, in seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from pathlib import Path
from time import monotonic
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from lpdesk.tui.frames import FrameApp
from lpdesk.tui.widgets.grid import Column, LineGrid, Row, Span

COLUMNS = (
    Column("lp", "LP", 8),
    *(Column(f"n{i}", f"n{i}", 9, "decimal", decimals=2) for i in range(9)),
)
BEAT_SECONDS, SETTLE_SECONDS = 0.01, 0.2
STYLES = ("prices--buy", "prices--sell", "prices--quiet")


class Prices(LineGrid):
    """A grid with the styles that a leaderboard would have."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(STYLES)
    DEFAULT_CSS = """
    Prices .prices--buy { color: #8fc9a0; }
    Prices .prices--sell { color: #e79a90; background: #302020; }
    Prices .prices--quiet { color: #8f9cab; text-style: bold; }
    """


class MovingApp(FrameApp[None]):
    """Two grids over each other, and a line that answers keys."""

    CSS = "Horizontal { height: 1fr; } Static { height: 1; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, report: Path, hz: float, cells: int, most: int, rows: int = 20) -> None:
        super().__init__()
        self.report, self.hz, self.cells, self.most = report, hz, cells, most
        self.random = random.Random(7)
        self.table = [[self.number() for _ in range(9)] for _ in range(rows)]
        self.moving, self.updates, self.keys, self.lag = True, 0, 0, 0.0

    def number(self) -> Span:
        """A number in some style."""
        text = f"{self.random.random() * 10**5:.2f}"
        return Span(text, self.random.choice(STYLES))

    def compose(self) -> ComposeResult:
        """A line for keys and two grids beside each other."""
        yield Static("keys 0", id="keys", markup=False)
        with Horizontal():
            yield Prices(COLUMNS, id="left")
            yield Prices(COLUMNS, id="right")

    async def on_mount(self) -> None:
        """Start moving, and watching the loop."""
        self.jobs = [asyncio.create_task(self.move()), asyncio.create_task(self.watch())]

    async def move(self) -> None:
        """Change some cells, `hz` times a second."""
        while self.moving:
            for _ in range(self.cells):
                self.random.choice(self.table)[self.random.randrange(9)] = self.number()
            rows = [Row(str(y), (f"lp-{y}", *row)) for y, row in enumerate(self.table)]
            for grid in self.query(Prices):
                grid.show_rows(rows)
            self.updates += 1
            if self.updates == self.most:
                self.freeze()
            await asyncio.sleep(1 / self.hz)

    async def watch(self) -> None:
        """Keep the longest time that a short sleep came late."""
        while True:
            before = monotonic()
            await asyncio.sleep(BEAT_SECONDS)
            self.lag = max(self.lag, monotonic() - before - BEAT_SECONDS)

    async def on_event(self, event: events.Event) -> None:
        """Count keys wherever the focus is."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self.press(event.key)
        await super().on_event(event)

    async def press(self, key: str) -> None:
        """Answer a key."""
        if key == "q":
            self.exit()
        elif key == "f":
            self.freeze()
        else:
            self.keys += 1
            self.query_one("#keys", Static).update(f"keys {self.keys}")

    def freeze(self) -> None:
        """Stop moving, and write the report when the last numbers are drawn."""
        self.moving = False
        self.set_timer(SETTLE_SECONDS, self.write_report)

    def write_report(self) -> None:
        """Say what the screen should show now."""
        lines = [strip.text for strip in self.screen._compositor.render_strips()]
        report = {"lines": lines, "updates": self.updates, "keys": self.keys, "lag": self.lag}
        part = self.report.with_suffix(".part")
        part.write_text(json.dumps(report))
        part.replace(self.report)  # whole or not at all: somebody is waiting to read it


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("report", type=Path)
    parser.add_argument("--stock", action="store_true")
    parser.add_argument("--hz", type=float, default=30)
    parser.add_argument("--cells", type=int, default=40)
    parser.add_argument("--updates", type=int, default=0)
    options = parser.parse_args()
    if options.stock:
        MovingApp.DIFFED = False
    MovingApp(options.report, options.hz, options.cells, options.updates).run()


if __name__ == "__main__":
    main()
