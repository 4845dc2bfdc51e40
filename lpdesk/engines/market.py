"""The market as the streams show it: top of book per pair over the fresh LPs. Indicative only."""

from __future__ import annotations

from decimal import Decimal

from lpdesk.domain.events import MarketMoved
from lpdesk.domain.reports import LpStreamed
from lpdesk.domain.settings import Rules
from lpdesk.domain.values import BPS, FIGURE_DECIMALS, SECOND, Instant, round_even
from lpdesk.engines.reference import median

CROSS_WINDOW_NS = SECOND // 2
"""Ticks further apart than this are no proof of a crossed market: it may just have moved."""


MAJORITY = 3
"""With fewer voices nobody can say which of them is wrong."""

Tick = tuple[Instant, Decimal, Decimal]


class Market:
    """An LP's new tick replaces its old one; stale ones, and what most gainsay, are out."""

    def __init__(self, rules: Rules) -> None:
        self.stale_after_ns = rules.stale_after_ns
        self.tops: dict[str, MarketMoved] = {}
        self._band_bps = rules.price_band_bps if rules.strict else None
        self._ticks: dict[str, dict[str, Tick]] = {}

    def moved(self, tick: LpStreamed, at: Instant) -> MarketMoved | None:
        """The new top of book, or None when the tick is unusable or changes nothing."""
        if tick.bid <= 0 or tick.ask <= 0 or tick.bid > tick.ask:
            return None
        ticks = self._ticks.setdefault(tick.symbol, {})
        ticks[tick.lp] = (at, tick.bid, tick.ask)
        fresh = [seen for seen in ticks.values() if at - seen[0] <= self.stale_after_ns]
        fresh = fresh if self._band_bps is None else agreeing(fresh, self._band_bps)
        bid = max(fresh, key=lambda seen: seen[1])
        ask = min(fresh, key=lambda seen: seen[2])
        mid = (bid[1] + ask[2]) / 2
        top = MarketMoved(
            symbol=tick.symbol,
            bid=bid[1],
            ask=ask[2],
            mid=mid,
            spread_bps=round_even((ask[2] - bid[1]) / mid * BPS, FIGURE_DECIMALS),
            crossed=bid[1] >= ask[2] and abs(bid[0] - ask[0]) <= CROSS_WINDOW_NS,
            sources=len(fresh),
        )
        if top == self.tops.get(tick.symbol):
            return None
        self.tops[tick.symbol] = top
        return top

    def mid(self, symbol: str, at: Instant) -> Decimal | None:
        """The middle of the fresh market, or None: a stale mid is no yardstick."""
        top = self.tops.get(symbol)
        ticks = self._ticks.get(symbol, {})
        if top is None or all(at - seen[0] > self.stale_after_ns for seen in ticks.values()):
            return None
        return top.mid

    def crossed(self, symbol: str, at: Instant) -> bool:
        top = self.tops.get(symbol)
        return top is not None and top.crossed and self.mid(symbol, at) is not None


def agreeing(ticks: list[Tick], band_bps: Decimal) -> list[Tick]:
    """Without those that are further from the median than the band."""
    mids = [(bid + ask) / 2 for _, bid, ask in ticks]
    if (middle := majority(mids)) is None:
        return ticks
    pairs = zip(ticks, mids, strict=True)
    return [tick for tick, mid in pairs if not beyond(mid, middle, band_bps)]


def majority(prices: list[Decimal]) -> Decimal | None:
    """What most say that something is worth; None where they are too few to say."""
    return median(sorted(prices)) if len(prices) >= MAJORITY else None


def beyond(price: Decimal, yardstick: Decimal, band_bps: Decimal) -> bool:
    return abs(price - yardstick) * BPS > band_bps * yardstick
