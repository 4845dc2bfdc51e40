"""Stand-in exchanges on loopback, a real feed of each dialect, and what it reported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.reports import ReferenceLost, ReferenceTicked
from lpdesk.domain.values import MILLISECOND, SECOND
from lpdesk.feeds.base import FEEDS, FeedEndpoint, Pace
from lpdesk.feeds.supervisor import SupervisedFeed
from lpdesk.sandbox.exchange import Exchange
from lpdesk.sandbox.exchanges import Exchanges, start_exchanges
from lpdesk.sandbox.market import Market
from tests.conftest import eventually

SYMBOLS = ("BTC/USDT", "ETH/USDT")
KINDS = ("binance", "okx", "coinbase", "kraken")
BRISK = Pace(
    stale_ns=10 * SECOND,  # a busy machine is not a frozen feed
    conflate_ns=20 * MILLISECOND,
    sign_of_life_ns=30 * MILLISECOND,
    backoff_s=0.02,
    backoff_cap_s=0.05,
    poll_s=0.05,
)
"""All that a test waits for, in fractions of a second."""

SOON_STALE = {"stale_ns": 120 * MILLISECOND, "stale_cap_ns": 150 * MILLISECOND}


class Heard:
    """What a feed reported."""

    def __init__(self) -> None:
        self.reports: list[Report] = []

    def __call__(self, report: Report) -> None:
        self.reports.append(report)

    def ticks(self, symbol: str = "BTC/USDT") -> list[ReferenceTicked]:
        return [
            it for it in self.reports if isinstance(it, ReferenceTicked) and it.symbol == symbol
        ]

    def losses(self, symbol: str = "BTC/USDT") -> list[ReferenceLost]:
        return [it for it in self.reports if isinstance(it, ReferenceLost) and it.symbol == symbol]

    def forget(self) -> None:
        self.reports.clear()

    async def tick(self, symbol: str = "BTC/USDT") -> ReferenceTicked:
        """The first since `forget`."""
        return (await eventually(lambda: self.ticks(symbol)))[0]

    async def loss(self, symbol: str = "BTC/USDT") -> tuple[Reason, str]:
        """The first since `forget`."""
        first = (await eventually(lambda: self.losses(symbol)))[0]
        return first.reason, first.text


class Scene:
    """One exchange and one feed of it."""

    def __init__(self, exchanges: Exchanges, kind: str) -> None:
        self.exchange: Exchange = exchanges.exchange(kind)
        self.address = next(it for it in exchanges.feeds if it.name == kind)
        self.heard = Heard()
        self.feed: SupervisedFeed = cast(Any, None)

    async def start(self, symbols: tuple[str, ...] = SYMBOLS, **pace: Any) -> Scene:
        """A feed with the brisk pace, changed by `pace`."""
        endpoint = FeedEndpoint(
            name=f"{self.address.name}-feed",
            kind=self.address.kind,
            url=self.address.url,
            rest_url=self.address.rest_url,
            symbols=symbols,
            pace=replace(BRISK, **pace),
        )
        feed = FEEDS[endpoint.kind](endpoint, self.heard, SystemClock())
        self.feed = cast(SupervisedFeed, feed)
        await self.feed.start()
        return self

    async def running(self, symbols: tuple[str, ...] = SYMBOLS, **pace: Any) -> Scene:
        """`start`, until there is a price of every pair."""
        await self.start(symbols, **pace)
        for symbol in symbols:
            await self.heard.tick(symbol)
        return self

    def mid(self) -> Decimal:
        top = self.exchange.top("BTC/USDT")
        return (Decimal(top.bid) + Decimal(top.ask)) / 2


@pytest.fixture
async def stage() -> AsyncIterator[Callable[[str], Any]]:
    """`await stage("okx")` gives a scene."""
    scenes: list[Scene] = []
    running: list[Exchanges] = []
    clock = SystemClock()

    async def set_up(kind: str, ticks_per_second: float = 50) -> Scene:
        exchanges = await start_exchanges(
            7,
            Market(7, clock.now()),
            only=[kind],
            now_ns=clock.now,
            ticks_per_second=ticks_per_second,
        )
        running.append(exchanges)
        scenes.append(Scene(exchanges, kind))
        return scenes[-1]

    yield set_up
    for scene in scenes:
        if scene.feed:
            await scene.feed.close()
    for exchanges in running:
        await exchanges.close()
