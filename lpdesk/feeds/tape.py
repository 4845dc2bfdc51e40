"""What can be believed of an exchange's prices, and when the desk hears of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import ReferenceLost, ReferenceTicked
from lpdesk.domain.values import BadNumber, Instant, positive
from lpdesk.feeds.base import Pace, Submit
from lpdesk.feeds.dialect import Said

USUAL_GAPS = 5
"""A price older than so many of its usual gaps is too old."""


class _Price(Struct):
    """One pair's price: what the exchange last said, and what the desk knows of it."""

    symbol: str
    top: tuple[Decimal, Decimal] | None = None
    version: int | None = None
    said_at: Instant = 0
    usual_gap_ns: int = 0
    told: tuple[Decimal, Decimal] | None = None
    told_at: Instant = 0
    lost: bool = False


class Tape:
    """The prices of one exchange. Only fresh ones reach the desk, and not more often than agreed.

    A price's age counts from our receipt of the last message that said something new about it.
    """

    def __init__(self, source: str, symbols: Mapping[str, str], pace: Pace, submit: Submit) -> None:
        """`symbols`: our name of each market."""
        self.dropped = 0
        """Repeated or overtaken messages."""
        self.malformed = 0
        """Messages that were refused."""
        self.said_at: Instant = 0
        """When any price last said something new."""
        self._source = source
        self._pace = pace
        self._submit = submit
        self._prices = {market: _Price(symbol) for market, symbol in symbols.items()}

    def take(self, said: Said, now: Instant) -> None:
        """Believe, drop or refuse what was said; a market that we do not know is refused."""
        price = self._prices.get(said.market)
        if price is None:
            self.malformed += 1
            return
        if said.version is not None:
            if price.version is not None and said.version <= price.version:
                self.dropped += 1
                return
            price.version = said.version
        try:
            price.top = _top(said)
        except BadNumber as trouble:
            self.malformed += 1
            self._lose(price, Reason.MALFORMED, str(trouble))
            return
        self._note_age(price, now)
        self._tell(price, now)

    def lose(self, market: str, reason: Reason, text: str) -> None:
        """There is no price of `market` until the next good one."""
        if price := self._prices.get(market):
            self._lose(price, reason, text)

    def lose_all(self, reason: Reason, text: str) -> None:
        """There is no price at all. Said once for each pair, also if there never was one."""
        for price in self._prices.values():
            self._lose(price, reason, text)

    def lose_missing(self, reason: Reason, text: str) -> None:
        """Say why those pairs have no price that have none."""
        for price in self._prices.values():
            if price.top is None:
                self._lose(price, reason, text)

    def refuse(self, text: str, market: str = "") -> None:
        """A message could not be read; without a `market` it may have been about any of them."""
        self.malformed += 1
        if market:
            self.lose(market, Reason.MALFORMED, text)
        else:
            self.lose_all(Reason.MALFORMED, text)

    def restart(self) -> None:
        """A new connection with none before it: versions may begin anywhere."""
        for price in self._prices.values():
            price.version = None

    def pulse(self, now: Instant) -> None:
        """Notice what has become too old, tell what was held back, give signs of life."""
        for price in self._prices.values():
            if price.top is not None and now - price.said_at > self._patience_ns(price):
                self._lose(price, Reason.STALE, "no new price")
            self._tell(price, now)

    def _note_age(self, price: _Price, now: Instant) -> None:
        if price.said_at and not price.lost:
            # An average of the last eight or so, so that one lull does not count for much.
            price.usual_gap_ns += (now - price.said_at - price.usual_gap_ns) // 8
        price.said_at = self.said_at = now

    def _patience_ns(self, price: _Price) -> int:
        patience_ns = max(self._pace.stale_ns, USUAL_GAPS * price.usual_gap_ns)
        return min(patience_ns, self._pace.stale_cap_ns)

    def _tell(self, price: _Price, now: Instant) -> None:
        if price.top is None:
            return
        since_ns = now - price.told_at
        wait_ns = self._pace.conflate_ns
        if price.top == price.told and not price.lost:
            wait_ns = self._pace.sign_of_life_ns
        if price.told_at and since_ns < wait_ns:
            return
        price.told, price.told_at, price.lost = price.top, now, False
        bid, ask = price.top
        self._submit(ReferenceTicked(source=self._source, symbol=price.symbol, bid=bid, ask=ask))

    def _lose(self, price: _Price, reason: Reason, text: str) -> None:
        price.top = None
        if price.lost:
            return
        price.lost = True
        self._submit(
            ReferenceLost(source=self._source, symbol=price.symbol, reason=reason, text=text)
        )


def _top(said: Said) -> tuple[Decimal, Decimal]:
    """Bid and ask. Raises BadNumber, also when they are crossed or equal."""
    sides = []
    for name, value in (("bid", said.bid), ("ask", said.ask)):
        try:
            sides.append(positive(value))
        except BadNumber as trouble:
            raise BadNumber(f"{name} {trouble}") from None
    bid, ask = sides
    if bid >= ask:
        raise BadNumber("bid not below ask")
    return bid, ask
