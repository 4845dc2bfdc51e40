"""A stream's quotes as far as they can be believed: strictly read, in sequence, fresh. Pure."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum, auto

from msgspec import Struct

from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import Instant, Side
from lpdesk.domain.wire import Fields, Malformed
from lpdesk.venues.answers import validity_ns


class Level(Struct, frozen=True):
    """One side of a quote: price, size in base units, and the id to deal on.

    `once`: that id is a quote's own, so that whoever has dealt on it waits for the next.
    """

    price: Decimal
    size: Decimal
    ref: str
    once: bool = False


class Tick(Struct, frozen=True):
    """A two-way quote. Its time counts from our receipt; the LP's own clock is not asked.

    `bids` and `asks` are all levels, best first, of an LP that shows more than its best.
    `whole`: a level is a price for its whole size, so they do not add up: one is dealt on.
    """

    bid: Level
    ask: Level
    received_at: Instant
    expires_at: Instant
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    whole: bool = False

    def ladder(self, base_side: Side) -> tuple[Level, ...]:
        """What we deal on: a buyer of base lifts the asks, a seller hits the bids."""
        if base_side is Side.BUY:
            return self.asks or (self.ask,)
        return self.bids or (self.bid,)


def read_tick(fields: Fields, now: Instant) -> Tick:
    """A quote message as a tick. Raises Malformed, also when its bid is above its ask."""
    bid, ask = (
        Level(
            fields.positive(side),
            fields.positive(f"{side}Size"),
            fields.identifier(f"{side}QuoteId"),
            once=True,
        )
        for side in ("bid", "ask")
    )
    if bid.price > ask.price:
        raise Malformed("bid above ask")
    return Tick(bid=bid, ask=ask, received_at=now, expires_at=now + validity_ns(fields))


class News(Enum):
    """What a message did to the top of book."""

    FRESH = auto()  # a new quote
    NONE = auto()  # old or repeated: nothing
    GONE = auto()  # there is no quote to rely on any more


class Top:
    """One symbol's top of book, there only while nothing is missing and nothing is wrong."""

    def __init__(self) -> None:
        self.tick: Tick | None = None
        self.trouble = Reason.STALE
        self.text = ""
        self._sequence: int | None = None

    def take(self, fields: Fields, now: Instant) -> News:
        """Feed the next quote message of this symbol."""
        try:
            sequence = fields.whole("sequence")
        except Malformed as trouble:
            return self.lose(Reason.MALFORMED, trouble.text)
        last, expected = self._sequence, self._sequence is None or sequence == self._sequence + 1
        if last is not None and sequence <= last:
            return News.NONE
        self._sequence = sequence
        if not expected:
            # What was skipped may have withdrawn what follows, so this one is not believed either.
            return self.lose(Reason.STALE, "a quote is missing")
        try:
            self.tick = read_tick(fields, now)
        except Malformed as trouble:
            return self.lose(Reason.MALFORMED, trouble.text)
        return News.FRESH

    def lose(self, reason: Reason, text: str) -> News:
        """There is no quote until the next good one."""
        self.tick, self.trouble, self.text = None, reason, text
        return News.GONE

    def restart(self) -> None:
        """A new connection: sequences may begin anywhere."""
        self._sequence = None

    def fresh(self, now: Instant, max_age_ns: int) -> Tick | None:
        """The tick, if it is younger than `max_age_ns` and still holds."""
        tick = self.tick
        if tick is None or now - tick.received_at >= max_age_ns or now >= tick.expires_at:
            return None
        return tick
