"""The market as the streams show it: top of book per pair over the fresh LPs. Indicative only."""

from __future__ import annotations

from decimal import Decimal

from lpdesk.domain.events import MarketMoved
from lpdesk.domain.reports import LpStreamed
from lpdesk.domain.values import BPS, FIGURE_DECIMALS, SECOND, Instant, round_even

CROSS_WINDOW_NS = SECOND // 2
"""Ticks further apart than this are no proof of a crossed market: it may just have moved."""


class Market:
    """An LP's new tick replaces its old one; ticks older than `stale_after_ns` are out."""

    def __init__(self, stale_after_ns: int) -> None:
        self.stale_after_ns = stale_after_ns
        self.tops: dict[str, MarketMoved] = {}
        self._ticks: dict[str, dict[str, tuple[Instant, Decimal, Decimal]]] = {}

    def moved(self, tick: LpStreamed, at: Instant) -> MarketMoved | None:
        """The new top of book, or None when the tick is unusable or changes nothing."""
        if tick.bid <= 0 or tick.ask <= 0 or tick.bid > tick.ask:
            return None
        ticks = self._ticks.setdefault(tick.symbol, {})
        ticks[tick.lp] = (at, tick.bid, tick.ask)
        fresh = [seen for seen in ticks.values() if at - seen[0] <= self.stale_after_ns]
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
