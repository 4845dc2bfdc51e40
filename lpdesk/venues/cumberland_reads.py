"""What is read from Cumberland: the history of trades, and which pairs it offers."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from lpdesk.clock import Clock
from lpdesk.domain.events import ExecutionsAsked, OrderQueried
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.reports import (
    ExecutionsListed,
    ExecutionsUnlisted,
    OrderNotFound,
    QueryFailed,
)
from lpdesk.domain.values import SECOND, Instant
from lpdesk.domain.wire import Fields, Malformed, parse
from lpdesk.venues import cumberland_words as words
from lpdesk.venues.base import Endpoint, Submit
from lpdesk.venues.cumberland_words import PAGE, Us
from lpdesk.venues.http import Http
from lpdesk.venues.line import NoAnswer

QUERY_NS = 10 * SECOND
LIST_NS = 30 * SECOND
READ_S = 5.0
READ_LIMIT: Final = 4 * 1024 * 1024

RECENT: Final = 50
"""Trades to look among for one order's outcome; if it is not there, among all there are."""


class _Sought(Struct):
    """A history that was asked for: on behalf of an order, or of a whole list."""

    cause: OrderQueried | ExecutionsAsked
    count: int
    until: Instant


class History:
    """Requests for the trades of the past, over the venue's own connection."""

    def __init__(
        self,
        name: str,
        us: Us,
        submit: Submit,
        clock: Clock,
        run: str,
        send: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._name = name
        self._us = us
        self._submit = submit
        self._clock = clock
        self._run = run
        self._send = send
        self._ids = count(1)
        self._sought: dict[str, _Sought] = {}
        self.again: list[OrderQueried] = []
        """Orders that were not among the recent ones: to be sought among all."""

    async def seek(self, cause: OrderQueried | ExecutionsAsked, count: int) -> None:
        """Leads to one report on the order, or on the list."""
        patience = QUERY_NS if isinstance(cause, OrderQueried) else LIST_NS
        request_id = f"{self._run}-h{next(self._ids):x}"
        self._sought[request_id] = _Sought(cause, count, self._clock.now() + patience)
        if not await self._send(words.history_request(self._us, request_id, count)):
            self.unsaid(request_id, Reason.UNREACHABLE, "not connected")

    def unsaid(self, request_id: str, reason: Reason, text: str) -> None:
        """That request gets no answer."""
        sought = self._sought.pop(request_id, None)
        if sought is None:
            return
        cause = sought.cause
        if isinstance(cause, OrderQueried):
            it = QueryFailed(lp=self._name, order_id=cause.order_id, reason=reason, text=text)
            self._submit(it)
        else:
            self._submit(
                ExecutionsUnlisted(lp=self._name, run_id=cause.run_id, reason=reason, text=text)
            )

    def found(self, fields: Fields) -> None:
        """A history has come."""
        request_id = fields.text("counterpartyRequestId")
        sought = self._sought.get(request_id)
        if sought is None:
            return
        try:
            rows = [row for row in words.history(fields) if self._us.is_meant(row)]
            full = len(words.history(fields)) >= sought.count
            if isinstance(sought.cause, OrderQueried):
                report = self._status(sought.cause, rows, sought.count, full)
            else:
                report = self._list(sought.cause, rows, full)
        except Malformed as trouble:
            self.unsaid(request_id, Reason.MALFORMED, trouble.text)
            return
        del self._sought[request_id]
        if report is not None:
            self._submit(report)

    def _status(
        self, query: OrderQueried, rows: list[Fields], count: int, full: bool
    ) -> Report | None:
        """An order's outcome, or a look among more; a full page without it proves nothing."""
        lp, order_id = self._name, query.order_id
        for row in rows:
            if words.order_of(row) == order_id:
                return words.outcome(lp, order_id, row)
        if full and count < PAGE:
            self.again.append(query)
            return None
        if full:
            text = f"not among the last {PAGE}"
            return QueryFailed(lp=lp, order_id=order_id, reason=Reason.LP_ERROR, text=text)
        return OrderNotFound(lp=lp, order_id=order_id)

    def _list(self, asked: ExecutionsAsked, rows: list[Fields], full: bool) -> ExecutionsListed:
        """What was traded since. Raises Malformed where older trades have no room."""
        if full and (not rows or min(map(words.traded_at, rows)) >= asked.since):
            raise Malformed(f"more than {PAGE} trades since")
        since = [row for row in rows if words.traded_at(row) >= asked.since]
        told = tuple(words.outcome(self._name, words.order_of(row), row) for row in since)
        return ExecutionsListed(lp=self._name, run_id=asked.run_id, executions=told)

    def broken(self) -> None:
        """No answer will come."""
        for request_id in list(self._sought):
            self.unsaid(request_id, Reason.UNREACHABLE, "connection broken")

    def pulse(self, now: Instant) -> None:
        """What only time brings."""
        for request_id, sought in list(self._sought.items()):
            if now > sought.until:
                self.unsaid(request_id, Reason.TIMED_OUT, "no answer in time")


class Offers:
    """Which pairs they offer, by their reference data; anything as long as that is not known."""

    def __init__(self, endpoint: Endpoint, clock: Clock, tls: ssl.SSLContext | None) -> None:
        self._http = Http(endpoint, clock, prove=lambda *_: [], context=tls)
        self._enabled: dict[str, bool] = {}

    async def read(self, us: Us) -> None:
        """What they say now. Without an answer, what was known stays."""
        path = f"/reference_data?counterpartyId={quote(us.counterparty)}&counterpartyRequestId=r"
        try:
            answer = await self._http.call("GET", path, patience_s=READ_S, limit=READ_LIMIT)
            if answer.status != 200:
                return
            rows = Fields(parse(answer.body)).rows("availableTickers")
            self._enabled = {row.identifier("id"): row.raw("enabled") is not False for row in rows}
        except (NoAnswer, Malformed):
            return

    def objection(self, symbol: str) -> str:
        """Why there will be no price, or nothing."""
        name = words.ticker(symbol)
        if not self._enabled or self._enabled.get(name):
            return ""
        return f"{name} is {'not enabled' if name in self._enabled else 'not offered'}"

    async def close(self) -> None:
        await self._http.close()
