"""`kill -9` of a desk that deals over FIX: its session file is as old as the kill (K16).

The LPs' side of each session lives on in their own process, so numbers must fit after the restart;
what the LP filled must be in the journal once, and no order may be dealt twice.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from tests.cli.processes import lines, process
from tests.crash.test_kill import PATIENCE_S, RULES, Books, Desk, Point, outcome
from tests.crash.venues import WIRED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL"),
]

AT_ONCE = 3


def points(count: int) -> list[Point]:
    """Every habit in turn, at any word and delay, some of them killed in recovery, too."""
    random = Random("1:fix kill points")
    habits = list(WIRED)
    return [
        Point(
            habits[number % len(habits)],
            random.choice(["QuoteLocked", "TradeOpened", "OrderSent", "OrderSent"]),
            random.choice([0, random.uniform(0, 5), random.uniform(0, 60)]),
            again=random.random() < 0.25,
        )
        for number in range(count)
    ]


async def kill_all(folder: Path, wanted: list[Point]) -> Counter[str]:
    ends, turns = Counter[str](), asyncio.Semaphore(AT_ONCE)
    lps = folder / "lps"

    async def one(number: int, point: Point, blocks: list[dict[str, str]]) -> None:
        async with turns:
            here = folder / f"{number:03}"
            here.mkdir()
            config = here / "desk.toml"
            config.write_text(RULES + "".join(_block(each, number) for each in blocks))
            desk = Desk(here, config)
            await desk.kill_at(point)
            for _ in range(2 if point.again else 0):
                await desk.kill_in_recovery(20)
            await desk.recover()
            ends[outcome(desk, Books(lps))] += 1
            _check_session(here / f"desk.db.{point.lp}.fix.db", starts=4 if point.again else 2)

    async with process("-m", "tests.crash.venues", str(lps), "wired") as venues:
        async with asyncio.timeout(PATIENCE_S):
            told = [json.loads(await anext(lines(venues))) for _ in WIRED]
        async with asyncio.TaskGroup() as group:
            for number, point in enumerate(wanted):
                group.create_task(one(number, point, told))
    return ends


def _block(lp: dict[str, str], number: int) -> str:
    """Each desk is a client of its own, whose numbers go on from logon to logon."""
    names = ("name", "kind", "url", "key", "secret")
    fields = "".join(f"{name} = {json.dumps(lp[name])}\n" for name in names)
    options = f'{{ sender = "DESK{number}", target = "{lp["name"].upper()}" }}'
    return f"[[lps]]\n{fields}options = {options}\ntimeout_seconds = 0.6\nrate_per_second = 500\n"


def _check_session(file: Path, starts: int) -> None:
    """Every number below the next was given out once, and at most one of them to the order.

    A logon is not kept, it may have a password in it: at most one a start.
    """
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
        ((next_out,),) = store.execute("SELECT next_out FROM numbers").fetchall()
        kinds = dict(store.execute("SELECT number, kind FROM sent").fetchall())
    logons = set(range(1, next_out)) - set(kinds)
    assert max(kinds, default=0) < next_out and 1 <= len(logons) <= starts
    assert list(kinds.values()).count("D") <= 1


@pytest.mark.long
async def test_a_killed_desk_deals_over_fix_once_or_not_at_all(tmp_path: Path) -> None:
    ends = await kill_all(tmp_path, points(30))
    assert ends.total() == 30 and min(ends["settled"], ends["failed"]) > 2, ends
