"""`kind = "fix"` asks for each price (R, S); `kind = "fix-stream"` listens to what is pushed.

Orders go out once or not at all. Whatever was written when the connection broke is lost until the
LP says what became of it: in a resend, or asked by our own id (H).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

from msgspec.structs import replace

from lpdesk.clock import Clock
from lpdesk.domain.capabilities import KINDS
from lpdesk.domain.events import LpAsked, OrderQueried, OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import LpFailed, OrderNotSent, QueryFailed
from lpdesk.domain.values import MILLISECOND, SECOND, Instant
from lpdesk.venues.base import Endpoint, Submit, Tasks
from lpdesk.venues.fix import messages
from lpdesk.venues.fix.codec import Message, decode
from lpdesk.venues.fix.link import Link
from lpdesk.venues.fix.market import MarketData
from lpdesk.venues.fix.orders import Orders
from lpdesk.venues.fix.profile import profile_of
from lpdesk.venues.fix.requests import Requests
from lpdesk.venues.fix.store import Store

PULSE_S = 0.05
EXECUTE_NS: Final = 30 * SECOND
QUERY_NS: Final = 10 * SECOND
REMEMBERED: Final = 1_024
MAX_EARLY: Final = 64
ANY_SYMBOL: Final = "[N/A]"
"""For an order of which we have nothing but its id: the LP finds it by that."""


class FixVenue:
    """One LP over one FIX session. Raises ValueError for an endpoint that can never work."""

    def __init__(self, endpoint: Endpoint, submit: Submit, clock: Clock) -> None:
        self.name = endpoint.name
        self._submit = submit
        self._clock = clock
        self._profile = profile = profile_of(endpoint)
        self.note = "" if profile.verified else "unverified"
        booked = endpoint.kind == "fix-stream" and profile.quotes == "book"
        self.capabilities = replace(
            KINDS[endpoint.kind],
            rfq=not booked,
            validity_ns=profile.validity_ns,
            verified=profile.verified,
        )
        beside = endpoint.beside
        self._store = Store(beside and beside.with_name(f"{beside.name}.{endpoint.name}.fix.db"))
        self.link = Link(endpoint, profile, self._store, clock, self)
        self._run = f"{clock.now() // MILLISECOND:x}"
        self._orders = Orders(endpoint.name)
        self._since: dict[str, Instant] = {}
        self._queries: dict[str, Instant] = {}
        self._numbers: OrderedDict[int, tuple[str, str]] = OrderedDict()
        self._queried = self._epoch = 0
        self._why_down = ""
        self._early: list[LpAsked] = []  # asked before the first connection came or failed
        self._tasks = Tasks(endpoint.name)
        speaking = (endpoint, profile, self._run, self.link, submit, clock)
        streams = endpoint.kind == "fix-stream"
        self._prices: Requests | MarketData = (
            MarketData(*speaking)
            if streams and profile.quotes == "book"
            else Requests(*speaking, streams=streams)
        )

    async def start(self) -> None:
        """Connect in the background, again and again."""
        self._tasks.spawn(self.link.run())
        self._tasks.spawn(self._pulse())

    def ask(self, ask: LpAsked) -> None:
        """A request for a price, or a place among those who listen."""
        asyncio.get_running_loop().call_soon(self._ask, ask)

    def execute(self, order: OrderSent) -> None:
        """One order, sent once or not at all."""
        asyncio.get_running_loop().call_soon(self._execute, order)

    def query(self, query: OrderQueried) -> None:
        """One look at what the LP knows of an order."""
        asyncio.get_running_loop().call_soon(self._query, query)

    def release(self, rfq_id: str) -> None:
        """Forget the asks of that request; those that stream end when no order can follow."""
        self._prices.release(rfq_id)

    async def close(self) -> None:
        """Log out, and end all work; what was on its way stays unreported."""
        await self.link.leave()
        await self._tasks.close()
        self.link.save_numbers()
        self._store.close()

    # ---- what the desk wants

    def _ask(self, ask: LpAsked) -> None:
        if self.link.is_up:
            self._prices.begin(ask)
            return
        if not self._why_down and len(self._early) < MAX_EARLY:
            self._early.append(ask)
            return
        reason = Reason.UNAUTHORISED if self.link.refused else Reason.UNREACHABLE
        text = self._why()
        self._submit(LpFailed(lp=self.name, ask_id=ask.ask_id, reason=reason, text=text))

    def _why(self) -> str:
        return self.link.refused or self._why_down or "not connected yet"

    def _execute(self, order: OrderSent) -> None:
        now = self._clock.now()
        late = now > order.send_by
        if late or not self.link.is_up:
            self.withheld(order.order_id, late=late)
            return
        self._orders.sent(order)
        self._prices.spent(order.quote_ref)
        self._since[order.order_id] = now
        kind, body = messages.order(self._profile, order, now)
        number = self.link.send(
            kind, body, order_id=order.order_id, send_by=order.send_by, ref=order.order_id
        )
        self._remember(number, "D", order.order_id)

    def _query(self, query: OrderQueried) -> None:
        order_id = query.order_id
        if not self.link.is_up:
            self._unanswered(order_id, Reason.UNREACHABLE, self._why())
            return
        self._queries[order_id] = self._clock.now()
        self._queried += 1
        symbol, side = self._terms(order_id)
        body = messages.status_request(order_id, f"{self._run}-{self._queried}", symbol, side)
        self._remember(self.link.send("H", body), "H", order_id)

    def _terms(self, order_id: str) -> tuple[str, str]:
        """Symbol and side of an order as the LP was told, whichever process told it."""
        sent = self._orders.known(order_id)
        if sent:
            return self._profile.venue_symbol(sent.symbol), messages.SIDES[sent.side]
        raw = self._store.order(order_id)
        if raw is None:
            return ANY_SYMBOL, "1"
        message = decode(raw)
        return message.text(b"55"), message.text(b"54")

    def _remember(self, number: int, kind: str, what: str) -> None:
        self._forget_numbers()
        self._numbers[number] = kind, what
        if len(self._numbers) > REMEMBERED:
            self._numbers.popitem(last=False)

    def _forget_numbers(self) -> None:
        """Where the counters began anew, the old numbers mean nothing."""
        epoch = self.link.session.epoch
        if epoch != self._epoch:
            self._epoch = epoch
            self._numbers.clear()

    # ---- what the link tells

    def up(self) -> None:
        """Logged on: prices are wanted again."""
        self._why_down = "disconnected"
        self._prices.up()
        self._take_early()

    def _take_early(self) -> None:
        early, self._early = self._early, []
        for ask in early:
            self._ask(ask)

    def wrote(self, ref: str) -> None:
        """From here on the order's outcome is the LP's to say."""

    def withheld(self, ref: str, *, late: bool) -> None:
        """Surely not sent."""
        self._since.pop(ref, None)
        reason = Reason.TOO_LATE if late else Reason.UNREACHABLE
        text = "" if late else self._why()
        if self._orders.known(ref):
            self._orders.rejected(ref, reason, text)
        self._submit(OrderNotSent(lp=self.name, order_id=ref, reason=reason, text=text))

    def down(self, text: str) -> None:
        """Every price is gone, every order without an answer is lost, no query will be answered."""
        self._why_down = text
        self._prices.down(text)
        self._take_early()
        for order_id in self._orders.open():
            self._lose(order_id, Reason.UNREACHABLE, text)
        for order_id in list(self._queries):
            self._unanswered(order_id, Reason.UNREACHABLE, text)

    def heard(self, message: Message) -> None:
        """One message of the LP."""
        match message.kind:
            case "8":
                self._told(message)
            case "3" | "j":
                self._turned_down(message)
            case "9":
                pass  # nothing of ours is ever canceled
            case _:
                self._prices.heard(message)

    # ---- orders

    def _told(self, message: Message) -> None:
        order_id = message.text(b"11")
        report = self._orders.told(message)
        if report is None:
            self._queries.pop(order_id, None)
            return
        self._since.pop(order_id, None)
        self._queries.pop(order_id, None)
        self._submit(report)

    def _turned_down(self, message: Message) -> None:
        """A message of ours was not taken: an order is rejected, a query or a request failed."""
        fields = message.read()
        words = fields.text("58")
        self._forget_numbers()
        kind, what = self._numbers.get(message.whole(b"45") or 0, ("", ""))
        if kind == "D":
            self._since.pop(what, None)
            report = self._orders.turned_down(what, fields.text("380"), words)
            if report:
                self._submit(report)
        elif kind == "H":
            self._unanswered(what, Reason.LP_ERROR, words)
        else:
            self._prices.turned_down(message.whole(b"45") or 0, words)

    def _lose(self, order_id: str, reason: Reason, text: str) -> None:
        self._since.pop(order_id, None)
        report = self._orders.lost(order_id, reason, text)
        if report:
            self._submit(report)

    def _unanswered(self, order_id: str, reason: Reason, text: str) -> None:
        self._queries.pop(order_id, None)
        self._submit(QueryFailed(lp=self.name, order_id=order_id, reason=reason, text=text))

    async def _pulse(self) -> None:
        """What only time brings: stale prices, and answers that never come."""
        while True:
            await asyncio.sleep(PULSE_S)
            now = self._clock.now()
            self._prices.pulse(now)
            for order_id, at in list(self._since.items()):
                if now - at > EXECUTE_NS:
                    self._lose(order_id, Reason.TIMED_OUT, "no answer in time")
            for order_id, at in list(self._queries.items()):
                if now - at > QUERY_NS:
                    self._unanswered(order_id, Reason.TIMED_OUT, "no answer in time")
