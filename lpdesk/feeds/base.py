"""What every reference feed is: something that gives back prices, or that there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol, TypeAlias, cast

from lpdesk.clock import Clock
from lpdesk.domain.record import Report
from lpdesk.domain.values import MILLISECOND, SECOND

Submit: TypeAlias = Callable[[Report], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How patient a feed is. None stands for what its dialect advises."""

    stale_ns: int = 3 * SECOND
    """Least age at which a price is too old; a pair that ticks rarely has 5 of its usual gaps."""
    stale_cap_ns: int = 30 * SECOND
    """However rarely it ticks."""
    conflate_ns: int = 100 * MILLISECOND
    """Least time between two reports on one pair."""
    sign_of_life_ns: int = SECOND
    """An unchanged price is reported again after so long, while it is fresh."""
    quiet_s: float = 60.0
    """A connection that gave no price for so long is opened anew, whatever its heartbeat says."""
    backoff_s: float = 0.5
    backoff_cap_s: float = 30.0
    rotate_s: float | None = None
    """Age at which a connection gets its successor."""
    poll_s: float | None = None
    """Seconds between two requests for a price while there is no connection."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedEndpoint:
    """An exchange and the pairs we want of it. `kind`: the key in `FEEDS`.

    `url` empty means the exchange's public addresses. With an address of one's own, prices are
    polled only if `rest_url` is given too: a stand-in never falls back on the real exchange.
    `markets` names a pair otherwise than the dialect would: {"BTC/USDT": "BTC-USD"}.
    """

    name: str
    kind: str
    symbols: tuple[str, ...]
    url: str = ""
    rest_url: str = ""
    markets: Mapping[str, str] = field(default_factory=dict)
    pace: Pace = Pace()


class Feed(Protocol):
    """One exchange. Nothing it meets outside raises: it gives ReferenceTicked or ReferenceLost."""

    @property
    def name(self) -> str: ...

    async def start(self) -> None:
        """Begin; an exchange that cannot be reached is no error here."""
        ...

    async def close(self) -> None:
        """End all work at once, in less than 300 ms. Reports nothing more."""
        ...


Factory: TypeAlias = Callable[[FeedEndpoint, Submit, Clock], Feed]


def _late(module: str, dialect: str) -> Factory:
    """A factory that imports its dialect when first called: the first paint does not wait."""

    def make(endpoint: FeedEndpoint, submit: Submit, clock: Clock) -> Feed:
        supervised = import_module("lpdesk.feeds.supervisor").SupervisedFeed
        spoken = getattr(import_module(module), dialect)
        return cast(Feed, supervised(endpoint, spoken, submit, clock))

    return make


FEEDS: Mapping[str, Factory] = {
    "binance": _late("lpdesk.feeds.binance", "Binance"),
    "okx": _late("lpdesk.feeds.okx", "Okx"),
    "coinbase": _late("lpdesk.feeds.coinbase", "Coinbase"),
    "kraken": _late("lpdesk.feeds.kraken", "Kraken"),
}
"""Every kind of feed. The factories raise ValueError for an endpoint that can never work."""
