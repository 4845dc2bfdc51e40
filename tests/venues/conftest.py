"""A raw LP, a place for reports, and a REST venue between the two."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lpdesk.clock import SystemClock
from lpdesk.venues import requesting
from lpdesk.venues.rest import RestVenue
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
