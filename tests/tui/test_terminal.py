"""The real thing: an app in a pty, a terminal that may stop reading, and what is left behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.conftest import eventually
from tests.tui.terminal import Terminal, picture

pytestmark = pytest.mark.slow

APP = "tests/tui/moving_app.py"
BUSY = ("--cells", "200", "--updates", "90")  # three seconds of more than a terminal can hold
LEFT_AS_FOUND = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l", b"\x1b[<u")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Where the app writes what it knows."""
    return tmp_path / "report.json"


async def frozen(terminal: Terminal, report: Path) -> dict[str, Any]:
    """Stop the numbers and wait for the app's report."""
    terminal.type("f")
    return await reported(report)


async def reported(report: Path) -> dict[str, Any]:
    """The app's report, when it has frozen."""
    await eventually(report.exists, 20, "the report")
    return await eventually(lambda: report.read_text() and json.loads(report.read_text()))


def shown(terminal: Terminal) -> list[str]:
    return [line.rstrip() for line in terminal.screen.display]


def expected(facts: dict[str, Any]) -> list[str]:
    return [line.rstrip() for line in facts["lines"]]


async def test_our_path_and_textuals_end_in_the_same_picture(tmp_path: Path) -> None:
    pictures = []
    for path in ([], ["--stock"]):
        report = tmp_path / f"report{len(path)}.json"
        async with Terminal(APP, str(report), "--cells", "0", *path) as terminal:
            await eventually(lambda t=terminal: t.shows("lp-19"), 10)
            terminal.resize(70, 24)
            await eventually(lambda t=terminal: "n2" in t.screen.display[1], 10)
            facts = await frozen(terminal, report)
            await eventually(lambda t=terminal, f=facts: shown(t) == expected(f))
            pictures.append(picture(terminal.screen))
    assert pictures[0] == pictures[1]


async def test_a_terminal_that_stops_reading_delays_nothing(report: Path) -> None:
    async with Terminal(APP, str(report), *BUSY, width=160) as terminal:
        await eventually(lambda: terminal.shows("keys 0"), 10)
        terminal.stop_reading()
        before = len(terminal.raw)
        terminal.type("abc")
        facts = await reported(report)
        assert facts["keys"] == 3, "input is read while output waits"
        assert facts["lag"] < 0.5, "the loop never waited for the terminal"
        terminal.read()
        await eventually(lambda: shown(terminal) == expected(facts))
        assert len(terminal.raw) - before < 200_000, "frames were left out, not queued"


async def test_leaving_gives_the_terminal_back(report: Path) -> None:
    async with Terminal(APP, str(report)) as terminal:
        await eventually(lambda: terminal.shows("keys 0"), 10)
        terminal.type("q")
        await eventually(lambda: terminal.ended, 10, "the end")
        assert terminal.process.returncode == 0
        assert terminal.modes == terminal.modes_before
        await eventually(lambda: all(mode in terminal.raw for mode in LEFT_AS_FOUND))


async def test_leaving_a_stopped_terminal_takes_a_bounded_time(report: Path) -> None:
    async with Terminal(APP, str(report), *BUSY, width=160) as terminal:
        await eventually(lambda: terminal.shows("keys 0"), 10)
        terminal.stop_reading()
        await reported(report)
        terminal.type("q")
        await eventually(lambda: terminal.ended, 10, "the end, with nobody reading")
        assert terminal.process.returncode == 0
        assert terminal.modes == terminal.modes_before
        terminal.emulating = False  # the last frame was broken off, which pyte cannot swallow
        seen = len(terminal.raw)
        terminal.read()
        await eventually(lambda: all(mode in terminal.raw[seen:] for mode in LEFT_AS_FOUND))


async def test_a_terminal_that_is_gone_ends_the_app(report: Path) -> None:
    async with Terminal(APP, str(report)) as terminal:
        await eventually(lambda: terminal.shows("keys 0"), 10)
        terminal.stop_reading()
        terminal.hang_up()
        await eventually(lambda: terminal.ended, 10, "the end")


@pytest.mark.long
async def test_a_terminal_stopped_for_a_minute_with_twenty_requests_live(tmp_path: Path) -> None:
    """Time goes on without it: expiries come when they are due, keys deal on nothing old, and the
    first picture afterwards is that of now."""
    report, seconds = tmp_path / "report.json", 60
    command = ("-m", "tests.tui.stopped_app", str(report), str(tmp_path / "j.db"), "20")
    async with Terminal(*command, str(seconds), width=160, height=48) as terminal:
        await eventually(report.with_suffix(".started").exists, 30, "the requests")
        await eventually(lambda: terminal.shows("F9 deals"), 20)
        terminal.stop_reading()
        stopped, picture_before = len(terminal.raw), "\n".join(terminal.screen.display)
        for _ in range(8):  # all through the minute
            await eventually(clock_passes(seconds / 10), seconds, "some of the minute")
            terminal.type("\x1b[20~p\r")  # F9, and the word
        facts = await eventually(lambda: report.exists() and json.loads(report.read_text()), 60)
        assert facts["behind"], "frames were left out"
        assert facts["lag_p99_ms"] < 50, facts
        assert facts["live"] >= 19 and facts["expired"] >= 40 and facts["late_ms"][-1] < 100, facts[
            "late_ms"
        ]
        for at, price in facts["accepted"]:  # what stood there when it stopped may still be good
            assert price in picture_before and at < 12, "no key dealt on what nobody saw"
        terminal.read()
        await eventually(lambda: shows_now(terminal), 2, "now")
        assert len(terminal.raw) - stopped < 100_000, "one picture, not a minute of them"


def clock_passes(seconds: float) -> Callable[[], bool]:
    until = monotonic() + seconds
    return lambda: monotonic() >= until


def shows_now(terminal: Terminal) -> bool:
    """The clock of the status bar is that on the wall, or was a second ago."""
    clocks = [datetime.now(UTC) - timedelta(seconds=ago) for ago in (0, 1)]
    return any(f"{clock:%H:%M:%S}Z" in terminal.screen.display[0] for clock in clocks)
