"""Market data over FIX: V subscribes; W, X and Y come back. The asks listen to the top of book."""

from __future__ import annotations

from itertools import count

from lpdesk.clock import Clock
from lpdesk.domain.events import LpAsked
from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import SECOND, Instant
from lpdesk.domain.wire import Malformed
from lpdesk.venues.base import Endpoint, Submit
from lpdesk.venues.fix import messages
from lpdesk.venues.fix.book import UPDATE, Book
from lpdesk.venues.fix.codec import Message
from lpdesk.venues.fix.link import Link
from lpdesk.venues.fix.profile import Profile
from lpdesk.venues.pushing import Pushing

_REASONS = {
    "0": "unknown symbol", "1": "duplicate request id", "2": "bandwidth", "3": "permissions",
    "4": "subscription type", "5": "depth", "6": "update type", "8": "entry type",
}  # fmt: skip


AGAIN_NS = 10 * SECOND
"""How long a book by updates may lack its snapshot before it is subscribed anew."""


class MarketData:
    """One LP's books. A subscription lives as long as its connection, and never under an old id."""

    def __init__(
        self,
        endpoint: Endpoint,
        profile: Profile,
        run: str,
        link: Link,
        submit: Submit,
        clock: Clock,
    ) -> None:
        self._profile = profile
        self._run = run
        self._link = link
        self._clock = clock
        self._pushing = Pushing(endpoint, submit, clock)
        self._books = {symbol: Book(profile) for symbol in endpoint.symbols}
        self._symbols = {profile.venue_symbol(symbol): symbol for symbol in endpoint.symbols}
        self._subscribed: dict[str, str] = {}
        self._numbers: dict[int, str] = {}
        self._since: dict[str, Instant] = {}
        self._ids = count(1)

    def begin(self, ask: LpAsked) -> None:
        """From now on every price of its symbol, the present one at once."""
        self._pushing.begin(ask)

    def release(self, rfq_id: str) -> None:
        """Forget the asks of that request."""
        self._pushing.release(rfq_id)

    def spent(self, ref: str) -> None:
        """An order goes out on that quote."""
        self._pushing.spent(ref)

    def up(self) -> None:
        """Subscribe anew, with empty books."""
        self._subscribed, self._numbers = {}, {}
        self._pushing.welcome()
        for symbol, book in self._books.items():
            book.clear()
            self._subscribe(symbol)

    def _subscribe(self, symbol: str) -> None:
        request_id = f"{self._run}-{next(self._ids):x}"
        self._subscribed[request_id] = symbol
        body = messages.subscribe(self._profile, request_id, symbol)
        self._numbers[self._link.send("V", body)] = symbol
        self._since[symbol] = self._clock.now()

    def down(self, text: str) -> None:
        """No connection, no books."""
        self._subscribed = {}
        for book in self._books.values():
            book.clear()
        self._pushing.break_off()

    def pulse(self, now: Instant) -> None:
        """Sends what was held back to keep the pace, and notices what has become too old."""
        self._pushing.pulse()
        if self._profile.updates and self._link.is_up:
            for symbol, book in self._books.items():  # updates of a book that is gone tell nothing
                if not book.whole and now - self._since.get(symbol, now) > AGAIN_NS:
                    self._subscribe(symbol)

    def turned_down(self, number: int, words: str) -> None:
        """A subscription that the LP did not take."""
        if symbol := self._numbers.get(number):
            self._lose(symbol, Reason.DECLINED, words or "subscription rejected")

    def heard(self, message: Message) -> None:
        """W, X or Y; a book that was sent again after a gap is as old as the gap."""
        if message.flag(b"43"):
            return
        match message.kind:
            case "W":
                self._snapshot(message)
            case "X":
                self._update(message)
            case "Y":
                if symbol := self._subscribed.get(message.text(b"262")):
                    words = message.read().text("58") or _REASONS.get(message.text(b"281"), "")
                    self._lose(symbol, Reason.DECLINED, words or "subscription rejected")

    def _snapshot(self, message: Message) -> None:
        symbol = self._subscribed.get(message.text(b"262")) or self._symbols.get(
            message.text(b"55")
        )
        if symbol is None or self._symbols.get(message.text(b"55"), symbol) != symbol:
            return
        try:
            self._books[symbol].replace(message)
            self._show(symbol, message)
        except Malformed as trouble:
            self._lose(symbol, Reason.MALFORMED, trouble.text)

    def _update(self, message: Message) -> None:
        symbol = self._subscribed.get(message.text(b"262"))
        touched = []
        try:
            for entry in message.group(b"268", b"279", UPDATE):
                if "55" in entry:
                    symbol = self._symbols.get(entry.text("55"))
                if symbol is not None and self._books[symbol].whole:
                    touched.append(symbol)
                    self._books[symbol].change(entry)
            for each in dict.fromkeys(touched):
                self._show(each, message)
        except Malformed as trouble:
            for each in dict.fromkeys(touched) or ([symbol] if symbol else []):
                self._lose(each, Reason.MALFORMED, trouble.text)

    def _show(self, symbol: str, message: Message) -> None:
        tick = self._books[symbol].tick(message.read(), self._clock.now())
        if tick is None:
            self._lose(symbol, Reason.NO_LIQUIDITY, "one side of the book is empty", keep=True)
            return
        self._pushing.tops[symbol].tick = tick
        self._pushing.moved(symbol)

    def _lose(self, symbol: str, reason: Reason, text: str, *, keep: bool = False) -> None:
        """No price. A book that cannot be trusted is empty until its next snapshot."""
        if not keep:
            self._books[symbol].clear()
        self._pushing.tops[symbol].lose(reason, text)
        self._pushing.moved(symbol)
