"""Routing, laziness, and an end without remains."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain.events import LpAsked, OrderQueried, OrderSent, RfqEnd, RfqEnded, RfqRefreshed
from lpdesk.domain.events import TradingResumed as Unrelated
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import LpFailed, OrderNotSent, QueryFailed
from lpdesk.venues.base import VENUES
from lpdesk.venues.gateway import Gateway
from tests.conftest import eventually
from tests.venues.effects import ask, order, query
from tests.venues.liar import Reports, Said, endpoint, liar, stream_liar


class Recorder:
    """A venue that only writes down what it is told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.told: list[object] = []

    async def start(self) -> None:
        self.told.append("start")

    def ask(self, ask: LpAsked) -> None:
        self.told.append(ask)

    def execute(self, order: OrderSent) -> None:
        self.told.append(order)

    def query(self, query: OrderQueried) -> None:
        self.told.append(query)

    def release(self, rfq_id: str) -> None:
        self.told.append(rfq_id)

    async def close(self) -> None:
        self.told.append("close")


async def test_each_event_goes_to_its_venue() -> None:
    one, two = Recorder("one"), Recorder("two")
    gateway = Gateway([one, two], Reports())
    await gateway.start()
    to_one: list[LpAsked | OrderSent | OrderQueried] = [
        ask(lp="one"),
        order(lp="one"),
        query(lp="one"),
    ]
    for event in to_one:
        gateway.send(event)
    gateway.send(RfqEnded(rfq_id="R-1", how=RfqEnd.CANCELLED))
    gateway.send(RfqRefreshed(rfq_id="R-2", refreshes=1, expires_at=0))
    gateway.send(Unrelated())
    await gateway.close()
    assert one.told == ["start", *to_one, "R-1", "R-2", "close"]
    assert two.told == ["start", "R-1", "R-2", "close"]


async def test_an_unknown_lp_is_a_definite_failure() -> None:
    reports = Reports()
    gateway = Gateway([], reports)
    gateway.send(ask(lp="x"))
    gateway.send(order(lp="x"))
    gateway.send(query(lp="x"))
    assert not reports.seen  # never while the desk is still sending
    kinds = [await reports.next() for _ in range(3)]
    assert [type(report) for report in kinds] == [LpFailed, OrderNotSent, QueryFailed]
    assert all(getattr(report, "reason", None) is Reason.BAD_LP for report in kinds)


def test_two_venues_of_one_name() -> None:
    with pytest.raises(ValueError, match="two LPs named one"):
        Gateway([Recorder("one"), Recorder("one")], Reports())


@pytest.mark.parametrize("module", ["lpdesk.venues.gateway", "lpdesk.venues.base"])
def test_importing_loads_no_network_library(module: str) -> None:
    code = f"import sys, {module}; print({{'httptools', 'httpx', 'websockets'}} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


async def test_close_is_prompt_and_leaves_nothing() -> None:
    reports, clock = Reports(), SystemClock()
    async with liar() as lp, stream_liar() as streaming:
        before = asyncio.all_tasks()
        hanging = VENUES["rest"](endpoint(lp.url), reports, clock)
        open_stream = VENUES["stream"](endpoint(streaming.url, "stream"), reports, clock)
        object.__setattr__(open_stream, "name", "other")
        gateway = Gateway([hanging, open_stream], reports)
        await gateway.start()
        lp.says(*[Said(then="hang")] * 3)
        for event in (ask(), order(), query()):
            gateway.send(event)
        await eventually(lambda: len(lp.heard) == 3)
        await streaming.subscribed()
        began = time.perf_counter()
        await gateway.close()
        assert time.perf_counter() - began < 0.3
        gateway.send(ask())  # too late for anything
        ours = {task for task in asyncio.all_tasks() - before if "venue" in task.get_name()}
        assert not ours and not reports.seen
