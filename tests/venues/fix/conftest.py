"""A scripted acceptor, and the adapter logged on to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lpdesk.domain.values import MILLISECOND
from lpdesk.venues.fix import link
from lpdesk.venues.fix.adapter import FixVenue
from tests.conftest import eventually
from tests.venues.fix.peer import Peer, desk, peer
from tests.venues.liar import Reports


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "BACKOFF_S", 0.01)
    monkeypatch.setattr(link, "FAREWELL_S", 0.02)
    monkeypatch.setattr(link, "TICK_S", 0.02)
    monkeypatch.setattr(link, "PARTIAL_NS", 50 * MILLISECOND)


@pytest.fixture
async def acceptor() -> AsyncIterator[Peer]:
    async with peer() as it:
        yield it


@pytest.fixture
async def venue(acceptor: Peer, reports: Reports) -> AsyncIterator[FixVenue]:
    """Logged on; its memory is memory."""
    async with desk(acceptor, reports) as it:
        await acceptor.lets_in()
        await eventually(lambda: it.link.is_up)
        yield it


@pytest.fixture
async def kept(acceptor: Peer, reports: Reports, tmp_path: Path) -> AsyncIterator[FixVenue]:
    """Logged on; what it must not forget is on the disk."""
    async with desk(acceptor, reports, tmp_path / "desk.db") as it:
        await acceptor.lets_in()
        await eventually(lambda: it.link.is_up)
        yield it
