"""One LP and a served desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.desks import Desk, Market, served, stand_ins


@pytest.fixture
async def market() -> AsyncIterator[Market]:
    async with stand_ins() as market:
        yield market


@pytest.fixture
async def desk(tmp_path: Path, market: Market) -> AsyncIterator[Desk]:
    async with served(tmp_path, market) as desk:
        yield desk
