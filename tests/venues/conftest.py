"""A raw LP, a place for reports, and a REST venue between the two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lpdesk.clock import SystemClock
from lpdesk.sandbox import Sandbox, start_sandbox
from lpdesk.sandbox.node import Node
from lpdesk.venues import account, fusion_orders, requesting
from lpdesk.venues.rest import RestVenue
from lpdesk.venues.swaps import SwapVenue
from tests.venues import swapping
from tests.venues.liar import Liar, Reports, endpoint, liar


@pytest.fixture
async def lp() -> AsyncIterator[Liar]:
    async with liar() as server:
        yield server


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
async def venue(
    lp: Liar, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RestVenue]:
    monkeypatch.setattr(requesting, "EXECUTE_S", 0.4)
    monkeypatch.setattr(requesting, "QUERY_S", 0.4)
    it = RestVenue(endpoint(lp.url, timeout_ms=130), reports, SystemClock())
    await it.start()
    yield it
    await it.close()


@pytest.fixture
def stand_in() -> str:
    """Which one runs; test files say another."""
    return "weyl"


@pytest.fixture
async def onchain(stand_in: str) -> AsyncIterator[Sandbox]:
    """A swap LP with its chain."""
    it = await start_sandbox(7, cast="full", only=[stand_in])
    it.venue(stand_in).become(latency_ms=(1, 1, 1), rate_per_second=1000, hold_ms=0)
    yield it
    await it.close()


@pytest.fixture
def node(onchain: Sandbox, stand_in: str) -> Node:
    chain = onchain.venue(stand_in).chain
    assert isinstance(chain, Node)
    return chain


@pytest.fixture
async def swapper(
    onchain: Sandbox, reports: Reports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SwapVenue]:
    for module in (account, fusion_orders):
        monkeypatch.setattr(module, "QUERY_S", 0.4)
    it = swapping.venue(onchain, reports, tmp_path / "desk.db")
    yield it
    await it.close()
