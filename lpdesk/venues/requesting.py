"""LPs that answer requests over HTTP: one ask is one request, one order is sent once or not at all.

What differs from LP to LP is a `Dialect`: pure functions from an effect to a call and from an
answer to a report. When, how often and how patiently is the same for all of them, and is here.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from lpdesk.clock import Clock
from lpdesk.domain.capabilities import Capabilities
from lpdesk.domain.events import ExecutionsAsked, LpAsked, OrderQueried, OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import (
    ExecutionsListed,
    ExecutionsUnlisted,
    LpFailed,
    LpQuoted,
    OrderLost,
    OrderNotFound,
    OrderNotSent,
    OrderRejected,
    QueryFailed,
)
from lpdesk.domain.values import SECOND, Instant
from lpdesk.domain.wire import Malformed
from lpdesk.venues.answers import Outcome, retry_after_ns
from lpdesk.venues.base import Endpoint, Submit, Tasks, VenueFailed
from lpdesk.venues.http import Http, Prove
from lpdesk.venues.line import Answer, NoAnswer

MAX_ASKS = 64
"""Asks under way at once; the other connections are kept for orders and queries."""

LATE_FACTOR = 3
"""A late quote is still worth a report until so many times the LP's time-out."""

EXECUTE_S = 30.0
QUERY_S = 10.0
LIST_S = 30.0
LIST_LIMIT = 4 * 1024 * 1024
LONG_LIST = 64 * 1024
"""Bytes from which on a list is read in a thread: prices must not wait for it."""


class Call(NamedTuple):
    """One request: `path` with its query, below the LP's address; `headers` of its own."""

    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Asking(Protocol):
    """How one kind of LP is asked. Pure; may raise Malformed where an answer is read.

    One that differs from what is said of its kind has its own `capabilities`.
    """

    def ask(self, ask: LpAsked) -> Call | LpFailed:
        """The request, or why there can be none."""
        ...

    def quoted(self, ask: LpAsked, answer: Answer, now: Instant) -> LpQuoted | LpFailed: ...


class Dialect(Asking, Protocol):
    """How one kind of LP says all things."""

    def order(self, order: OrderSent) -> Call: ...

    def executed(self, order: OrderSent, answer: Answer) -> Outcome | OrderLost: ...

    def query(self, query: OrderQueried) -> Call: ...

    def queried(
        self, query: OrderQueried, answer: Answer
    ) -> Outcome | OrderNotFound | QueryFailed: ...

    def listing(self, since_ns: Instant) -> Call: ...

    def listed(self, body: bytes) -> tuple[Outcome, ...]: ...


class AskVenue:
    """The asking of an LP. `prove` says who we are; None for the default signature."""

    def __init__(
        self,
        endpoint: Endpoint,
        submit: Submit,
        clock: Clock,
        asking: Asking,
        prove: Prove | None = None,
        media_type: str = "application/json",
    ) -> None:
        self.name = endpoint.name
        self.capabilities: Capabilities | None = getattr(asking, "capabilities", None)
        self._ask_s = LATE_FACTOR * endpoint.timeout_ns / SECOND
        self._submit = submit
        self._clock = clock
        self._asks = asking
        self._http = Http(endpoint, clock, prove, media_type)
        self._tasks = Tasks(endpoint.name)
        self._asking = 0

    async def start(self) -> None:
        """Nothing to wait for: connections open with the first request and are kept."""

    def ask(self, ask: LpAsked) -> None:
        """One request for one price."""
        self._tasks.spawn(self._ask(ask))

    def release(self, rfq_id: str) -> None:
        """Nothing to stop: one ask is one answer."""

    async def close(self) -> None:
        """End all work; an order on its way stays unreported and is asked for at the next start."""
        await self._tasks.close()
        await self._http.close()

    async def _ask(self, ask: LpAsked) -> None:
        if self._asking >= MAX_ASKS:
            self._submit(_failed(ask, Reason.TOO_MANY, "too many asks under way"))
            return
        call = self._asks.ask(ask)
        if isinstance(call, LpFailed):
            self._submit(call)
            return
        self._asking += 1
        try:
            answer = await self._http.call(*call, patience_s=self._ask_s)
            self._submit(self._asks.quoted(ask, answer, self._clock.now()))
        except NoAnswer as trouble:
            self._submit(_failed(ask, trouble.reason, trouble.text))
        except Malformed as trouble:
            self._submit(_failed(ask, Reason.MALFORMED, trouble.text))
        finally:
            self._asking -= 1


class RequestVenue(AskVenue):
    """An LP that answers requests, orders and queries over the same connections."""

    def __init__(
        self,
        endpoint: Endpoint,
        submit: Submit,
        clock: Clock,
        dialect: Dialect,
        prove: Prove | None = None,
        media_type: str = "application/json",
    ) -> None:
        super().__init__(endpoint, submit, clock, dialect, prove, media_type)
        self._dialect = dialect

    def execute(self, order: OrderSent) -> None:
        """One order, sent once or not at all."""
        self._tasks.spawn(self._execute(order))

    def query(self, query: OrderQueried) -> None:
        """One look at what the LP knows of an order."""
        self._tasks.spawn(self._query(query))

    def list_executions(self, asked: ExecutionsAsked) -> None:
        """Its whole list, for reconciliation."""
        self._tasks.spawn(self._list(asked))

    async def executions(self, since_ns: Instant) -> tuple[Outcome, ...]:
        """All the LP has dealt with us since then (UTC), in its order; `order_id` is its word.

        Raises VenueFailed if the list or any entry is unusable: a list with holes proves nothing.
        """
        found: tuple[Outcome, ...] = ()
        call: Call | None = self._dialect.listing(since_ns)
        pages = 0
        try:
            while call is not None:
                answer = await self._http.call(*call, patience_s=LIST_S, limit=LIST_LIMIT)
                if answer.status != 200:
                    raise VenueFailed(Reason.LP_ERROR, f"status {answer.status}")
                pages += 1
                if len(answer.body) < LONG_LIST:
                    rows, call = self._page(since_ns, answer.body, pages)
                else:
                    rows, call = await asyncio.to_thread(self._page, since_ns, answer.body, pages)
                found += rows
            return found
        except NoAnswer as trouble:
            raise VenueFailed(trouble.reason, trouble.text) from None
        except Malformed as trouble:
            raise VenueFailed(Reason.MALFORMED, trouble.text) from None

    def _page(
        self, since_ns: Instant, body: bytes, pages: int
    ) -> tuple[tuple[Outcome, ...], Call | None]:
        return self._dialect.listed(body), self.further(since_ns, body, pages)

    def further(self, since_ns: Instant, body: bytes, pages: int) -> Call | None:
        """The call for what so many pages of a list left out, `body` the last; most are whole."""
        return None

    async def _execute(self, order: OrderSent) -> None:
        lp, order_id = order.lp, order.order_id
        if self._clock.now() > order.send_by:
            late = OrderNotSent(lp=lp, order_id=order_id, reason=Reason.TOO_LATE)
            self._submit(late)
            return
        call = self._dialect.order(order)
        try:
            answer = await self._http.call(*call, patience_s=EXECUTE_S, send_by=order.send_by)
            told = self._dialect.executed(order, answer)
            if isinstance(told, OrderRejected) and answer.retry_after:
                wait_ns = retry_after_ns(answer.retry_after, self._clock.now())
                told = replace(told, retry_after_ns=wait_ns)
            self._submit(told)
        except NoAnswer as trouble:
            report = OrderNotSent if trouble.unsent else OrderLost
            self._submit(report(lp=lp, order_id=order_id, reason=trouble.reason, text=trouble.text))
        except Malformed as trouble:  # an answer that cannot be read proves nothing
            reason, text = Reason.MALFORMED, trouble.text
            self._submit(OrderLost(lp=lp, order_id=order_id, reason=reason, text=text))

    async def _query(self, query: OrderQueried) -> None:
        call = self._dialect.query(query)
        try:
            answer = await self._http.call(*call, patience_s=QUERY_S)
            self._submit(self._dialect.queried(query, answer))
        except NoAnswer as trouble:
            self._submit(_unsaid(query, trouble.reason, trouble.text))
        except Malformed as trouble:
            self._submit(_unsaid(query, Reason.MALFORMED, trouble.text))

    async def _list(self, asked: ExecutionsAsked) -> None:
        lp, run_id = asked.lp, asked.run_id
        try:
            rows = await self.executions(asked.since)
        except VenueFailed as trouble:
            why, text = trouble.reason, trouble.text
            self._submit(ExecutionsUnlisted(lp=lp, run_id=run_id, reason=why, text=text))
        else:
            self._submit(ExecutionsListed(lp=lp, run_id=run_id, executions=rows))


def _unsaid(query: OrderQueried, reason: Reason, text: str) -> QueryFailed:
    return QueryFailed(lp=query.lp, order_id=query.order_id, reason=reason, text=text)


def _failed(ask: LpAsked, reason: Reason, text: str) -> LpFailed:
    return LpFailed(lp=ask.lp, ask_id=ask.ask_id, reason=reason, text=text)
