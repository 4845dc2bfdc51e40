"""`kill -9` at any moment of an accept: K1 to K6, K17 and K19 of the fault matrix.

A real desk is killed and started again on its journal; the LPs live in a process of their own and
keep their own books. What the books say must be what the journal says: one execution and a settled
trade of the same amounts, or none and nothing moved.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.record import Record
from lpdesk.journal.reader import read
from lpdesk.replay import verify
from tests.cli.processes import lines, process
from tests.crash.venues import HABITS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL"),
]

AT_ONCE = 4
PATIENCE_S = 60.0

RULES = """
[rules]
validity_buffer_seconds = 0.2
unfound_grace_seconds = 0.3
breaker_failures = 1000
price_band_bps = 5000
"""

WORDS = {
    "QuoteLocked": " LOCK ",
    "TradeOpened": " executing ",
    "TradeUnknown": " UNKNOWN ",
    "TradeSettled": " settled ",
}
"""What plain mode says where `rfq --json` names the event."""


LOSES_ANSWERS = ("hanger", "resetter", "faulter", "hider", "silent", "breaker")
NEVER_FILLS = ("silent", "breaker", "rejecter")

LEARNT_LATE = {ev.BreakKind.LATE_FILL}
"""A fill that the desk hears of after its restart may be later than the quote's end; no other break
may come of a crash."""


ENDS = (" settled ", " FAILED ", " EXPIRED", " NO LIQUIDITY")


class Point(NamedTuple):
    """Where a desk is killed: so long after `word` is on its output. `again`: killed twice more."""

    lp: str
    word: str
    delay_ms: float
    plain: bool = False
    again: bool = False


POINTS = (
    Point("firm", "QuoteLocked", 0),  # K1: asked for, perhaps not yet on record
    Point("firm", "OrderSent", 0),  # K2, K3: on record, being sent
    Point("looker", "TradeOpened", 60, plain=True),  # K3: the LP has it and has not decided
    Point("hanger", "OrderSent", 60),  # K4: filled, the answer never comes
    Point("resetter", "TradeUnknown", 0, again=True),  # K5: filled, being asked for
    Point("firm", "TradeSettled", 0, plain=True),  # K6: done, the dealer not told
    Point("silent", "OrderSent", 20),  # never filled, never answered
)


def many(count: int, seed: int = 1) -> Iterator[Point]:
    """Any habit, any word that it leads to, any delay, either front."""
    random = Random(f"{seed}:kill points")
    for _ in range(count):
        plain, lp = random.random() < 0.4, random.choice(list(HABITS))
        words = ["QuoteLocked", "TradeOpened", "OrderSent"]
        words += ["TradeUnknown", "OrderQueried"] if lp in LOSES_ANSWERS else []
        words += ["LegFilled", "TradeSettled"] if lp not in NEVER_FILLS else []
        yield Point(
            lp,
            random.choice([word for word in words if word in WORDS or not plain]),
            random.choice([0, random.uniform(0, 5), random.uniform(0, 30), random.uniform(0, 300)]),
            plain,
            random.random() < 0.25,
        )


class Desk:
    """One desk's journal, and the processes that have it one after the other."""

    def __init__(self, folder: Path, config: Path) -> None:
        self.journal = folder / "desk.db"
        self._where = ("--config", str(config), "--journal", str(self.journal))

    async def kill_at(self, point: Point) -> bool:
        """Deal with the point's LP and die there; False if the desk never got there."""
        request = f"b 0.5 btc/usdt via {point.lp}"
        if point.plain:
            front = process("-m", "lpdesk", *self._where, "--plain", stdin=PIPE)
        else:
            front = process("-m", "lpdesk", "rfq", request, "--after", "0", "--json", *self._where)
        async with front as desk, asyncio.timeout(PATIENCE_S):
            async for line in lines(desk):
                if _is(point, line):
                    await asyncio.sleep(point.delay_ms / 1_000)
                    return desk.returncode is None
                if point.plain and not _drive(desk, line, request):
                    break
        return False

    async def kill_in_recovery(self, delay_ms: float) -> None:
        async with process("-m", "lpdesk", *self._where, "--plain") as desk:
            async with asyncio.timeout(PATIENCE_S):
                await anext(lines(desk))
            await asyncio.sleep(delay_ms / 1_000)

    async def recover(self) -> None:
        """Start, wait until nothing is under way, end in order."""
        async with process("-m", "lpdesk", *self._where, "--plain") as desk:
            async with asyncio.timeout(PATIENCE_S):
                await desk.communicate()
            assert desk.returncode == 0


def _drive(desk: Process, line: str, request: str) -> bool:
    """The dealer in plain mode: asks when the desk is open, deals on any price; False at an end."""
    assert desk.stdin is not None
    if " desk open" in line:
        desk.stdin.write(f"{request}\n".encode())
    elif " LOCK " in line:
        desk.stdin.write(b"p\n")
    return not any(word in line for word in ENDS)


def _is(point: Point, line: str) -> bool:
    return WORDS[point.word] in line if point.plain else json.loads(line)["type"] == point.word


# ---- what must hold


class Books:
    """What the LPs have on record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def executions(self, instances: set[str]) -> list[sqlite3.Row]:
        """Every order that came from these starts of a desk, by whatever LP, filled or not."""
        found = []
        for file in self.folder.glob("*.sqlite3"):
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as book:
                book.row_factory = sqlite3.Row
                found += book.execute("SELECT * FROM executions").fetchall()
        return [row for row in found if row["client_order_id"].split("-")[0] in instances]


def outcome(desk: Desk, books: Books) -> str:
    """How it ended, after checking that journal and books agree."""
    if not desk.journal.exists():
        return "no journal"
    verdict = verify(desk.journal)
    assert verdict.ok, verdict.sentence()
    records = list(read(desk.journal))
    booked = books.executions(
        {cause.instance for cause in _causes(records) if isinstance(cause, rep.DeskStarted)}
    )
    sent = {event.order_id for event in _events(records, ev.OrderSent)}
    assert {row["client_order_id"] for row in booked} <= sent, "an order without a durable intent"
    fills = [row for row in booked if row["status"] == "FILLED"]
    opened = _events(records, ev.TradeOpened)
    settled, failed = _events(records, ev.TradeSettled), _events(records, ev.TradeFailed)
    assert len(opened) == len(settled) + len(failed) <= 1
    assert {each.kind for each in _events(records, ev.BreakFound)} <= LEARNT_LATE
    _check_holds(records, bool(settled))
    if not fills:
        assert not settled
        return "failed" if failed else "never accepted"
    (fill,), (trade,) = fills, settled
    assert Decimal(fill["fill_quantity"]) == trade.quantity == Decimal("0.5")
    assert Decimal(fill["fill_price"]) == trade.lp_price
    return "settled"


def _check_holds(records: Sequence[Record], settled: bool) -> None:
    """One hold, resolved once, and one movement if and only if the trade is settled."""
    placed, resolved = _events(records, ev.HoldPlaced), _events(records, ev.HoldResolved)
    assert [hold.hold_id for hold in placed] == [hold.hold_id for hold in resolved]
    assert all(hold.posted is settled for hold in resolved)
    moved = [each for each in _events(records, ev.Transferred) if each.trade_id]
    assert len(moved) == settled
    for transfer in moved:
        sums: Counter[str] = Counter()
        for posting in transfer.postings:
            sums[posting.asset] += posting.amount  # type: ignore[assignment]
        assert set(sums.values()) == {0}


def _causes(records: Sequence[Record]) -> Iterator[object]:
    return (record.cause for record in records)


def _events(records: Sequence[Record], kind: type) -> list[Any]:
    return [event for record in records for event in record.events if isinstance(event, kind)]


# ---- the tests


@asynccontextmanager
async def market(folder: Path) -> AsyncIterator[tuple[Books, Path]]:
    """The LPs' process, its books, and a configuration that uses it."""
    async with process("-m", "tests.crash.venues", str(folder)) as venues:
        async with asyncio.timeout(PATIENCE_S):
            told = [json.loads(await anext(lines(venues))) for _ in HABITS]
        config = folder / "desk.toml"
        config.write_text(RULES + "".join(map(_block, told)))
        yield Books(folder), config


def _block(lp: dict[str, Any]) -> str:
    names = ("name", "kind", "url", "key", "secret")
    fields = "".join(f"{name} = {json.dumps(lp[name])}\n" for name in names)
    return f"[[lps]]\n{fields}timeout_seconds = 0.6\npoll_seconds = 0.4\nrate_per_second = 500\n"


async def kill_everywhere(folder: Path, points: Sequence[Point]) -> tuple[Counter[str], int]:
    """Kill a desk at each point and let it recover: how often each end was reached.

    And how many desks were alive when they were killed: some words come with the last breath.
    """
    ends, kills = Counter[str](), Counter[bool]()
    turns = asyncio.Semaphore(AT_ONCE)
    random = Random("1:recovery")

    async def one(number: int, point: Point) -> None:
        async with turns:
            desk = Desk(folder / f"{number:04}", config)
            kills[await desk.kill_at(point)] += 1
            for _ in range(2 if point.again else 0):
                await desk.kill_in_recovery(random.uniform(0, 50))
            await desk.recover()
            try:
                ends[outcome(desk, books)] += 1
            except AssertionError as wrong:
                raise AssertionError(f"{number}: {point}: {wrong}") from wrong

    async with market(folder / "lps") as (books, config), asyncio.TaskGroup() as group:
        for number, point in enumerate(points):
            group.create_task(one(number, point))
    return ends, kills[True]


async def test_a_killed_desk_deals_once_or_not_at_all(tmp_path: Path) -> None:
    ends, killed = await kill_everywhere(tmp_path, POINTS)
    assert ends.total() == len(POINTS) and killed >= 5
    assert ends["settled"] >= 3 and ends["failed"] >= 1, ends


@pytest.mark.long
async def test_a_killed_desk_deals_once_or_not_at_all_wherever(tmp_path: Path) -> None:
    points = list(many(int(os.environ.get("KILLS", "100"))))
    ends, killed = await kill_everywhere(tmp_path, points)
    sys.stderr.write(f"{ends.total()} points, {killed} killed alive: {dict(ends)}\n")
    assert ends.total() == len(points)
    assert min(ends["settled"], ends["failed"]) > len(points) // 10, ends


async def test_a_second_desk_on_the_same_journal_is_refused(tmp_path: Path) -> None:
    journal = str(tmp_path / "desk.db")
    start = ("-m", "lpdesk", "--plain", "--journal", journal)
    async with process(*start, stdin=PIPE) as first:
        async with asyncio.timeout(PATIENCE_S):
            assert "desk open" in await anext(lines(first))
        async with process(*start) as second, asyncio.timeout(PATIENCE_S):
            assert (await second.communicate())[0] == b""
            assert second.returncode == 2
        first.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            await first.communicate()
        assert first.returncode == 0
    assert verify(journal).ok
