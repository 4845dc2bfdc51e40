"""Hostile text end to end: through every field, onto every screen, out of a real pty."""

from __future__ import annotations

import json
import re
from codecs import getincrementaldecoder
from pathlib import Path

import pytest

from lpdesk.tui.driver import QUESTION
from tests.conftest import eventually
from tests.tui.terminal import Terminal

pytestmark = pytest.mark.slow

OURS = re.compile(
    r"\x1b\[[0-9;:?<>=]*[A-Za-z]"  # pen, cursor and modes
    r"|\x1b\[\?\d+\$p|\x1b\[>[0-9;]*[a-zA-Z]"  # questions of the start
    r"|\x1b\]22;[a-z]+\x07"  # the pointer
    r"|\x1b\]0;lpdesk [^\x00-\x1f\x7f-\x9f]*\x07"  # the title
)
FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e0fff]"
)
QUERIES = re.compile(r"\x1b\[(?:6n|>?c)|\x1b\]52|\x1b\]8")


async def hostile(tmp_path: Path, count: int) -> None:
    report = tmp_path / "report.json"
    command = ("-m", "tests.tui.hostile_app", str(report), str(count), "41")
    async with Terminal(*command, width=120, height=36) as terminal:
        terminal.emulating = count <= 10_000  # pyte is slow; the bytes are looked at all the same
        await eventually(report.exists, 60 + count / 50, "the end")
        facts = await eventually(lambda: report.read_text() and json.loads(report.read_text()))
        question = QUESTION.encode()  # the report may be here before the last bytes are
        await eventually(lambda: terminal.raw.count(question) >= facts["asked"], 10, "all output")
        text = getincrementaldecoder("utf-8")().decode(bytes(terminal.raw))
        assert not terminal.ended, "nothing crashed"
        assert facts["crooked"] == [], (
            "every cell where the terminal draws it, every row in columns"
        )
        assert facts["shown"] >= count and facts["submitted"] == 0
        assert not QUERIES.search(text), "no question, clipboard or link"
        assert text.count(QUESTION) == facts["asked"], "our own question, and only when we ask it"
        left = OURS.sub("", text)
        found = FORBIDDEN.search(left)
        assert found is None, repr(left[max(0, found.start() - 60) : found.end() + 20])
        lines = facts["lines"]
        assert all(lines[y][0] in "╭│╰" for y in range(1, 32))
        if terminal.emulating:
            await eventually(lambda: aligned(terminal), 10, "every border in its column")


def aligned(terminal: Terminal) -> bool:
    """Left and right border stand in their columns on all lines of the panes."""
    rows = [terminal.screen.buffer[y] for y in range(1, 32)]
    return all(row[0].data in "╭│╰" and row[119].data in "╮│╯" for row in rows)


async def test_two_thousand_strings(tmp_path: Path) -> None:
    await hostile(tmp_path, 2_000)


@pytest.mark.long
async def test_a_hundred_thousand_strings(tmp_path: Path) -> None:
    await hostile(tmp_path, 100_000)
