"""The adapter against somebody else's engine: a QuickFIX acceptor with its data dictionary.

Needs the package `quickfix`, which builds for a quarter of an hour; skipped without.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lpdesk.domain.reports import LpQuoted, LpWithdrew, OrderFilled, OrderLost
from lpdesk.venues.fix.adapter import FixVenue
from tests.cli.processes import process
from tests.conftest import eventually
from tests.venues.effects import ask, order, query
from tests.venues.fix.peer import Peer, desk
from tests.venues.liar import Reports

pytest.importorskip("quickfix")

DICTIONARY = Path(sys.prefix) / "share" / "quickfix" / "FIX44.xml"


class Engine:
    """The acceptor's process, and what it says."""

    def __init__(self) -> None:
        self.port = 0
        self.lines: list[str] = []

    async def listen(self, output: asyncio.StreamReader) -> None:
        while line := await output.readline():
            self.lines.append(line.decode().strip())


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    script = str(Path(__file__).with_name("quickfix_acceptor.py"))
    it = Engine()
    async with process(script, str(tmp_path), str(DICTIONARY), stdin=PIPE) as child:
        assert child.stdout
        it.port = int(await child.stdout.readline())
        listening = asyncio.ensure_future(it.listen(child.stdout))
        yield it
        listening.cancel()
        await asyncio.wait([listening])


@pytest.fixture
async def lp(engine: Engine, reports: Reports, tmp_path: Path) -> AsyncIterator[FixVenue]:
    async with desk(Peer(port=engine.port), reports, tmp_path / "desk.db") as it:
        await eventually(lambda: it.link.is_up)
        yield it


async def quoted(lp: FixVenue, reports: Reports, quantity: str) -> LpQuoted:
    lp.ask(ask(quantity=quantity))
    report = await reports.next()
    assert isinstance(report, LpQuoted), report
    lp.release("R-1")
    return report


async def test_quickfix_takes_what_we_say(engine: Engine, lp: FixVenue, reports: Reports) -> None:
    price = await quoted(lp, reports, "1.5")
    lp.execute(order("O-1", price.quote_ref, price=price.price))
    filled = await reports.next()
    assert isinstance(filled, OrderFilled) and filled.execution_id == "E-O-1"
    assert (filled.price, filled.quantity) == (price.price, price.quantity)
    lp.query(query("O-1"))  # asked again, nothing new
    lp.query(query("O-7"))
    known = await reports.next()
    assert isinstance(known, OrderFilled) and known.order_id == "O-7"
    assert not [line for line in engine.lines if line.startswith(("admin 3", "trouble"))]


async def test_quickfix_sends_again_what_was_lost(
    engine: Engine, lp: FixVenue, reports: Reports
) -> None:
    price = await quoted(lp, reports, "2")
    lp.execute(order("O-2", price.quote_ref, quantity="2", price=price.price))
    assert isinstance(await reports.next(LpWithdrew), OrderLost)
    filled = await reports.next()
    assert isinstance(filled, OrderFilled) and filled.execution_id == "E-O-2"
    assert engine.lines.count("app D") == 1
    assert [line[:7] for line in engine.lines].count("admin 2") <= 1
    await eventually(lambda: lp.link.is_up)
    assert (await quoted(lp, reports, "1")).quantity == 1
