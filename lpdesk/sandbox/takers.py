"""Simulated takers: who trades with the exchange's maker, seeded, on whatever clock is given.

Arrivals, sizes and whims come from one named random stream for each taker and pair, so they depend
on seed and time alone, and another taker or pair leaves the others unchanged.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from enum import Enum, auto
from math import log
from random import Random
from typing import Final, Literal

from lpdesk.domain.values import SECOND, Instant, Side
from lpdesk.sandbox.market import PAIRS, Market

LATE_NS: Final = 5 * SECOND
"""A taker whose time is so long past (the machine slept) does not come any more."""

_LOOK_AHEAD_NS: Final = SECOND
_LOOK_BACK_NS: Final = 10 * SECOND
_BPS: Final = Decimal(10_000)
_LIMIT_BPS: Final = Decimal(5)
"""How far beyond the mid a limit order still deals."""


class Style(Enum):
    """Why somebody trades."""

    NOISE = auto()  # for reasons of their own: either side
    MOMENTUM = auto()  # with the last ten seconds' move
    INFORMED = auto()  # knows where the market will be in a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Taker:
    """One kind of taker. Sizes are lognormal around `notional`, in quote units."""

    name: str
    style: Style
    per_minute: float
    """Average visits, for each pair; who sees no reason does not trade at a visit."""
    notional: float
    spread: float
    """Standard deviation of the size's logarithm."""
    reason_bps: Decimal = Decimal(0)
    """The least move that is a reason to trade."""
    limit_share: float = 0.3
    """Share of orders with a limit; the others are market orders."""


CROWD: Final = (
    Taker(name="noise", style=Style.NOISE, per_minute=20.0, notional=4_000.0, spread=1.0),
    Taker(
        name="momentum",
        style=Style.MOMENTUM,
        per_minute=8.0,
        notional=10_000.0,
        spread=0.8,
        reason_bps=Decimal(1),
    ),
    Taker(
        name="informed",
        style=Style.INFORMED,
        per_minute=4.0,
        notional=20_000.0,
        spread=0.6,
        reason_bps=Decimal("0.8"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakerOrder:
    """What a taker wants: to deal at once or not at all, so a rest is to be cancelled."""

    taker: str
    symbol: str
    side: Side
    quantity: Decimal
    """Base units, at the market's usual precision; not yet in anybody's lots."""
    kind: Literal["market", "limit"]
    price: Decimal | None
    at_ns: Instant
    """When the taker came."""


class _Visitor:
    """One taker in one pair: when it comes next, and what it does then."""

    def __init__(self, seed: int, taker: Taker, symbol: str, started_ns: Instant) -> None:
        self.taker = taker
        self.symbol = symbol
        self._pair = PAIRS[symbol]
        self._random = Random(f"{seed}:taker:{taker.name}:{symbol}")
        self.next_ns = started_ns
        self.move_on()

    def move_on(self) -> None:
        """To the next visit: a Poisson process."""
        gap_s = self._random.expovariate(self.taker.per_minute / 60)
        self.next_ns += max(1, int(gap_s * SECOND))

    def order(self, mid: Decimal | None, market: Market) -> TakerOrder | None:
        """What it wants now, None if it has no reason. Draws the same numbers whatever it wants."""
        taker, draw = self.taker, self._random
        whim, notional = draw.random(), draw.lognormvariate(log(taker.notional), taker.spread)
        limited = draw.random() < taker.limit_share
        side = self._side(whim, mid, market) if mid else None
        if mid is None or side is None:
            return None
        pair = self._pair
        exact = Decimal(f"{notional:.2f}") / mid
        quantity = exact.quantize(Decimal(1).scaleb(-pair.size_decimals), ROUND_DOWN)
        if not quantity:
            return None
        return TakerOrder(
            taker=taker.name,
            symbol=self.symbol,
            side=side,
            quantity=quantity,
            kind="limit" if limited else "market",
            price=_limit(mid, side, pair.price_decimals) if limited else None,
            at_ns=self.next_ns,
        )

    def _side(self, whim: float, mid: Decimal, market: Market) -> Side | None:
        if self.taker.style is Style.NOISE:
            return Side.BUY if whim < 0.5 else Side.SELL
        if self.taker.style is Style.MOMENTUM:
            before = market.mid(self.symbol, self.next_ns - _LOOK_BACK_NS)
            after = market.mid(self.symbol, self.next_ns)
        else:
            # What it sees is the exchange's mid: a maker that lags is the one who pays.
            before = mid
            after = market.mid(self.symbol, self.next_ns + _LOOK_AHEAD_NS)
        move_bps = (after / before - 1) * _BPS
        if abs(move_bps) < self.taker.reason_bps:
            return None
        return Side.BUY if move_bps > 0 else Side.SELL


class Takers:
    """All takers of all pairs. Nothing happens but by `due`."""

    def __init__(
        self,
        seed: int,
        symbols: Sequence[str],
        market: Market,
        *,
        started_ns: Instant,
        crowd: Sequence[Taker] = CROWD,
    ) -> None:
        """The first of them may come right after `started_ns`. KeyError for an unknown pair."""
        self._market = market
        self._visitors = [
            _Visitor(seed, taker, symbol, started_ns) for taker in crowd for symbol in symbols
        ]
        self._queue = [(it.next_ns, number) for number, it in enumerate(self._visitors)]
        heapq.heapify(self._queue)

    def next_due(self) -> Instant | None:
        """When the next taker comes; None if nobody ever does."""
        return self._queue[0][0] if self._queue else None

    def due(self, at_ns: Instant, mids: Mapping[str, Decimal]) -> list[TakerOrder]:
        """The orders of all who came until `at_ns` and since the last call, in order of coming.

        `mids`: what the exchange shows; nobody trades a pair that is not in it.
        """
        orders = []
        while self._queue and self._queue[0][0] <= at_ns:
            came_ns, number = self._queue[0]
            visitor = self._visitors[number]
            order = visitor.order(mids.get(visitor.symbol), self._market)
            if order and came_ns > at_ns - LATE_NS:
                orders.append(order)
            visitor.move_on()
            heapq.heapreplace(self._queue, (visitor.next_ns, number))
        return orders

    def market_mids(self, at_ns: Instant) -> dict[str, Decimal]:
        """The sandbox market itself, where there is no exchange to look at."""
        symbols = dict.fromkeys(visitor.symbol for visitor in self._visitors)
        return {symbol: self._market.mid(symbol, at_ns) for symbol in symbols}


async def run_takers(
    takers: Takers,
    now_ns: Callable[[], Instant],
    submit_order: Callable[[TakerOrder], None],
    mids: Callable[[], Mapping[str, Decimal]] | None = None,
) -> None:
    """Calls `submit_order` for each order when it is due, until cancelled; sleeps in between.

    `mids` gives what the exchange shows; without it takers look at the sandbox's market.
    """
    while (next_ns := takers.next_due()) is not None:
        await asyncio.sleep(max(0, next_ns - now_ns()) / SECOND)
        at_ns = now_ns()
        shown = mids() if mids else takers.market_mids(at_ns)
        for order in takers.due(at_ns, shown):
            submit_order(order)


def _limit(mid: Decimal, side: Side, decimals: int) -> Decimal:
    away = 1 + _LIMIT_BPS / _BPS if side is Side.BUY else 1 - _LIMIT_BPS / _BPS
    rounding = ROUND_CEILING if side is Side.BUY else ROUND_FLOOR
    return (mid * away).quantize(Decimal(1).scaleb(-decimals), rounding)
