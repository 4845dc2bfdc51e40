"""A book as W and X tell it: the levels that a wish would be dealt on, best first. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec import Struct

from lpdesk.domain.values import Instant
from lpdesk.domain.wire import Fields, Malformed
from lpdesk.venues.fix.codec import Message
from lpdesk.venues.fix.messages import validity_ns
from lpdesk.venues.fix.profile import Profile
from lpdesk.venues.ticks import Level, Tick

MAX_ENTRIES: Final = 2_000
UNSIZED: Final = Decimal(1_000_000_000)
"""The size of an entry of a venue that never says sizes: the order finds out."""

SNAPSHOT: Final = frozenset(
    b"269 270 15 271 272 273 274 275 336 276 277 282 283 284 286 59 432 126 110 18 287 37 299 288 "
    b"289 346 290 546 811 58 62 278".split()
)
UPDATE: Final = SNAPSHOT | frozenset(b"279 285 280 55 65 48 22 451".split())
"""What an entry of W and of X may hold."""


class Entry(Struct, frozen=True):
    """One price on one side ("0" bid, "1" offer)."""

    side: str
    level: Level


class Book:
    """One symbol's book. Each reader raises Malformed and leaves no book behind."""

    def __init__(self, profile: Profile) -> None:
        self.whole = False  # whether there was a snapshot for updates to change
        self._profile = profile
        self._entries: dict[str, Entry] = {}

    def clear(self) -> None:
        """No book any more."""
        self.whole = False
        self._entries.clear()

    def replace(self, message: Message) -> None:
        """W: the whole book. No entries is an empty book."""
        self._entries.clear()
        for fields in message.group(b"268", b"269", SNAPSHOT):
            self._put(fields)
        self.whole = True

    def change(self, fields: Fields) -> None:
        """One entry of X: new, changed or deleted, by its MDEntryID, or by side and price."""
        action = fields.identifier("279")
        if action not in ("0", "1", "2"):
            raise Malformed("279 not known")
        self._entries.pop(fields.text("280") or _key(fields), None)
        if action != "2":
            self._put(fields)

    def _put(self, fields: Fields) -> None:
        side = fields.identifier("269")
        if side not in ("0", "1"):
            return  # a trade, a high, a low
        if len(self._entries) >= MAX_ENTRIES:
            raise Malformed("too many entries")
        price = fields.positive("270")
        size = fields.positive("271") if self._profile.sizes else UNSIZED
        own = fields.text("299")
        ref = own or fields.text("278") or "-"
        if self._profile.orders == "limit":  # dealt on by its price, whatever the entry is called
            own, ref = "", f"limit {price:f}"
        self._entries[_key(fields)] = Entry(side, Level(price, size, ref, once=bool(own)))

    def tick(self, header: Fields, now: Instant) -> Tick | None:
        """Both sides, best first; None where one is missing. Raises Malformed if they cross."""
        bids, offers = self._side("0", reverse=True), self._side("1", reverse=False)
        if not bids or not offers:
            return None
        if bids[0].price > offers[0].price:
            raise Malformed("bid above offer")
        return Tick(
            bid=bids[0],
            ask=offers[0],
            received_at=now,
            expires_at=now + validity_ns(self._profile, header, "62"),
            bids=bids,
            asks=offers,
        )

    def _side(self, side: str, *, reverse: bool) -> tuple[Level, ...]:
        levels = [entry.level for entry in self._entries.values() if entry.side == side]
        return tuple(sorted(levels, key=lambda level: level.price, reverse=reverse))


def _key(fields: Fields) -> str:
    return fields.text("278") or f"{fields.text('269')}@{fields.text('270')}"
