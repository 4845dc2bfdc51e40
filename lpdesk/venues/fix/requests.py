"""Requests for quotes over FIX: R goes out; S, Z, AG, AI and b come back."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from lpdesk.clock import Clock
from lpdesk.domain.events import LpAsked
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import LpFailed, LpWithdrew
from lpdesk.domain.values import SECOND, Instant
from lpdesk.domain.wire import Malformed
from lpdesk.venues.base import Endpoint, Submit
from lpdesk.venues.fix import messages
from lpdesk.venues.fix.codec import Message
from lpdesk.venues.fix.link import Link
from lpdesk.venues.fix.profile import Profile

MAX_ASKS: Final = 256
ASKED_NS: Final = 60 * SECOND
"""How long an ask that is asked once is remembered: its quote may still be taken back."""

LINGER_NS: Final = 5 * SECOND
"""How long a stream's request outlives its end: the order on its quote must come first."""

RENEW_NS: Final = SECOND
"""Least time between two requests for one streaming ask."""


class _Live(Struct):
    """One ask, the request that stands for it, and the quote that stands."""

    ask: LpAsked
    asked_at: Instant
    request_id: str = ""
    number: int = 0
    ref: str = ""
    quotes: int = 0
    until: Instant = 0
    released_at: Instant | None = None


class Requests:
    """The asks of one LP. `streams`: one request brings price after price, else exactly one."""

    def __init__(
        self,
        endpoint: Endpoint,
        profile: Profile,
        run: str,
        link: Link,
        submit: Submit,
        clock: Clock,
        *,
        streams: bool,
    ) -> None:
        self._name = endpoint.name
        self._profile = profile
        self._run = run  # makes request ids new after every start
        self._link = link
        self._submit = submit
        self._clock = clock
        self._streams = streams
        self._symbols = {profile.venue_symbol(symbol): symbol for symbol in endpoint.symbols}
        self._live: dict[str, _Live] = {}
        self._made = 0

    def begin(self, ask: LpAsked) -> None:
        """Ask the LP. A new ask for a request ends the one before, unless prices are pushed."""
        if not self._streams:
            for request_id, live in list(self._live.items()):
                if live.ask.rfq_id == ask.rfq_id:
                    del self._live[request_id]
        if len(self._live) >= MAX_ASKS:
            self._fail(ask, Reason.TOO_MANY, "too many asks under way")
            return
        self._request(_Live(ask, self._clock.now()))

    def release(self, rfq_id: str) -> None:
        """Nobody wants these prices any more; an order on one of them may still follow."""
        now = self._clock.now()
        for live in self._live.values():
            if live.ask.rfq_id == rfq_id and live.released_at is None:
                live.released_at = now

    def up(self) -> None:
        """What streamed before the connection broke is asked for anew."""
        for live in list(self._live.values()):
            self._request(live)

    def down(self, text: str) -> None:
        """Quotes of a connection that is gone cannot be dealt on."""
        lives, self._live = self._live, {}
        for request_id, live in lives.items():
            if live.released_at is None:
                self._end(live, Reason.UNREACHABLE, text)
                live.ref = ""
                if self._streams and live.quotes:
                    self._live[request_id] = live

    def spent(self, ref: str) -> None:
        """An order goes out on that quote: nobody else has it, each request has its own."""

    def pulse(self, now: Instant) -> None:
        """Forget what is over; ask again for a stream whose price has run out."""
        for live in list(self._live.values()):
            if live.released_at is not None and now - live.released_at > LINGER_NS:
                del self._live[live.request_id]
                if self._streams and live.ref and self._link.is_up:
                    self._end_interest(live)
            elif self._streams:
                run_out = live.ref and now >= live.until
                if live.released_at is None and (run_out or not live.ref):
                    self._renew(live, now)
            elif now - live.asked_at > ASKED_NS:
                del self._live[live.request_id]

    def turned_down(self, number: int, words: str) -> None:
        """A request that the LP did not take."""
        for live in list(self._live.values()):
            if live.number == number:
                self._over(live, LpFailed, Reason.DECLINED, words or "request rejected")

    # ---- what the LP says

    def heard(self, message: Message) -> None:
        """S, AG, Z, AI or b; any other is not about us."""
        live = self._live.get(message.text(b"131")) or self._by_quote(message)
        if live is None:
            return
        match message.kind:
            case "S" if not message.flag(b"43"):  # what is sent again is a price of long ago
                self._quoted(live, message)
            case "AG":
                self._declined(live, message)
            case "Z":
                words = message.read().text("58") or "quote canceled"
                self._over(live, LpWithdrew, Reason.WITHDRAWN, words)
            case "AI" | "b":
                status = message.text(b"297")
                if reason := messages.WITHDRAWN.get(status):
                    words = message.read().text("58") or f"quote status {status}"
                    self._over(live, LpWithdrew, reason, words)

    def _by_quote(self, message: Message) -> _Live | None:
        """By QuoteID where the request's id is not repeated; `*` with 298=4 is every quote."""
        ref = message.text(b"117")
        if message.kind == "Z" and message.text(b"298") == "4":
            for live in list(self._live.values()):
                self._over(live, LpWithdrew, Reason.WITHDRAWN, "all quotes canceled")
            return None
        return next((live for live in self._live.values() if ref and live.ref == ref), None)

    def _quoted(self, live: _Live, message: Message) -> None:
        now = self._clock.now()
        told = messages.quote(self._profile, live.ask, message, self._symbols)
        if live.released_at is not None:
            return
        if isinstance(told, LpFailed):
            self._over(live, LpFailed, told.reason, told.text)
            return
        if live.quotes and not self._streams:
            # It replaces the first, which is dead by that; the desk asks anew.
            self._over(live, LpWithdrew, Reason.STALE, "replaced by a newer quote")
            return
        if live.ref and self._profile.replaces:  # nobody may rest on it a moment longer
            self._end(live, Reason.WITHDRAWN, "replaced by a newer quote")
        live.quotes += 1
        live.ref, live.until = told.ref, now + told.report.validity_ns
        self._submit(told.report)

    def _declined(self, live: _Live, message: Message) -> None:
        try:
            told = messages.rejected_request(live.ask, message)
        except Malformed as trouble:
            self._over(live, LpFailed, Reason.MALFORMED, trouble.text)
            return
        self._over(live, LpFailed, told.reason, told.text)

    def _over(
        self, live: _Live, kind: type[LpFailed | LpWithdrew], reason: Reason, text: str
    ) -> None:
        """No price stands for this ask any more. A streaming one is asked for again later."""
        if kind is LpFailed or not self._streams:
            self._live.pop(live.request_id, None)
        if live.released_at is None:
            self._end(live, reason, text)
        live.ref = ""

    def _end(self, live: _Live, reason: Reason, text: str) -> None:
        if live.ref:
            ask_id = live.ask.ask_id
            self._submit(LpWithdrew(lp=self._name, ask_id=ask_id, reason=reason, text=text))
        elif not live.quotes:
            self._fail(live.ask, reason, text)

    # ---- what we say

    def _request(self, live: _Live) -> None:
        now = self._clock.now()
        self._made += 1
        self._live.pop(live.request_id, None)
        live.request_id = f"{self._run}-{self._made:x}"
        live.asked_at = now
        body = messages.quote_request(self._profile, live.ask, live.request_id, now)
        live.number = self._link.send("R", body)
        self._live[live.request_id] = live

    def _renew(self, live: _Live, now: Instant) -> None:
        if now - live.asked_at >= RENEW_NS and live.quotes and self._link.is_up:
            live.ref = ""
            self._request(live)

    def _end_interest(self, live: _Live) -> None:
        body = messages.end_of_interest(self._profile, live.request_id, live.ref, live.ask.symbol)
        self._link.send("Z", body)

    def _fail(self, ask: LpAsked, reason: Reason, text: str) -> None:
        self._submit(LpFailed(lp=self._name, ask_id=ask.ask_id, reason=reason, text=text))
