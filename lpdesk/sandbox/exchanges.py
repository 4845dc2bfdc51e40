"""Four stand-in exchanges on loopback sockets, for reference prices: each its own dialect."""

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from lpdesk.sandbox.exchange import Exchange, Manners, Prices
from lpdesk.sandbox.exchange_dialects import Binance, Coinbase, Kraken, Okx
from lpdesk.sandbox.loopback import Server
from lpdesk.sandbox.market import PAIRS, Market

_CAST: Final[tuple[tuple[Manners, str, float], ...]] = (
    (Binance(), "0.05", 0.10),  # half spread, noise (standard deviation), both in bps
    (Okx(), "0.10", 0.15),
    (Coinbase(), "0.20", 0.25),
    (Kraken(), "0.30", 0.30),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeEndpoint:
    """How to reach one stand-in: the fields of a feed's configuration."""

    name: str
    kind: str
    url: str
    rest_url: str
    symbols: tuple[str, ...]


class Exchanges:
    """Running stand-ins. Made by `start_exchanges`; ends with `close`."""

    def __init__(self, running: tuple[tuple[Exchange, Server], ...]) -> None:
        self._running = running
        self.feeds: tuple[ExchangeEndpoint, ...] = tuple(
            ExchangeEndpoint(
                name=exchange.name,
                kind=exchange.manners.kind,
                url=f"ws://127.0.0.1:{server.port}{exchange.manners.path}",
                rest_url=f"http://127.0.0.1:{server.port}",
                symbols=tuple(PAIRS),
            )
            for exchange, server in running
        )

    def exchange(self, name: str) -> Exchange:
        """The stand-in of that name, to look into and to steer; KeyError if there is none."""
        for exchange, _ in self._running:
            if exchange.name == name:
                return exchange
        raise KeyError(name)

    async def close(self) -> None:
        """Ends every connection. Idempotent, well under a second."""
        running, self._running = self._running, ()
        for exchange, _ in running:
            exchange.closing.set()
        await asyncio.gather(*(server.close() for _, server in running))


async def start_exchanges(
    seed: int,
    market: Market,
    *,
    only: Collection[str] | None = None,
    now_ns: Callable[[], int] = time.time_ns,
    ticks_per_second: float = 5.0,
) -> Exchanges:
    """Starts all four, or those named in `only`: "binance", "okx", "coinbase", "kraken".

    Each prices around `market` at `now_ns` (UTC nanoseconds) with a spread and a noise of its own,
    and tells every client each of its pairs `ticks_per_second` times a second.
    """
    running: list[tuple[Exchange, Server]] = []
    try:
        for manners, half_spread_bps, noise_bps in _CAST:
            name = manners.kind
            if only is not None and name not in only:
                continue
            prices = Prices(seed, name, market, half_spread_bps, noise_bps)
            exchange = Exchange(name, manners, prices, now_ns, ticks_per_second)
            running.append((exchange, await Server.open(exchange.app, manners.ping_seconds)))
    except BaseException:
        await Exchanges(tuple(running)).close()
        raise
    return Exchanges(tuple(running))
