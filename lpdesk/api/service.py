"""What the handlers stand on: the desk's session, what is on record, and news of what was begun."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from msgspec import Struct

from lpdesk.api.access import Key
from lpdesk.api.metrics import Metrics
from lpdesk.api.problems import Problem
from lpdesk.api.reading import Parameters, Reader
from lpdesk.domain import events as ev
from lpdesk.domain.commands import Asked, Origin
from lpdesk.domain.record import Event, Record
from lpdesk.session import Session

E = TypeVar("E")
KEPT_NEWS = 8_192


class Terms(Struct, frozen=True, kw_only=True):
    """The API's own configuration. Seconds are of real time.

    `quote_wait_ns`: how long LPs are gathered for a quote, if one has answered. `patience_s`: until
    the first has, or until a trade's outcome is known.
    """

    quote_wait_ns: int
    patience_s: float
    cash_asset: str
    max_body_bytes: int
    max_in_flight: int


class Answer(Struct, frozen=True):
    """Status, body and where the object is."""

    status: int
    body: bytes
    location: str = ""
    media_type: str = "application/vnd.api+json"


class News:
    """Wakes whoever waits for the end of a request's race or of a trade's execution."""

    ENDS: ClassVar[dict[type, str]] = {
        ev.QuoteFixed: "rfq_id",
        ev.RfqEnded: "rfq_id",
        ev.TradeSettled: "trade_id",
        ev.TradeExecuted: "trade_id",
        ev.TradeFailed: "trade_id",
        ev.TradeUnknown: "trade_id",
    }

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    def heard(self, record: Record) -> None:
        """A record is durable. Called in the desk's loop, once for each."""
        for event in record.events:
            field = self.ENDS.get(type(event))
            if field:
                self._tell(getattr(event, field))

    def _tell(self, what: str) -> None:
        self._known[what] = None
        if len(self._known) > KEPT_NEWS:
            self._known.popitem(last=False)
        for waiting in self._waiting.pop(what, ()):
            if not waiting.done():
                waiting.set_result(None)

    async def of(self, what: str, patience_s: float) -> None:
        """Return when `what` has come to an end, or after `patience_s`."""
        if what in self._known:
            return
        waiting = asyncio.get_running_loop().create_future()
        others = self._waiting.setdefault(what, [])
        others.append(waiting)
        try:
            async with asyncio.timeout(patience_s):
                await waiting
        except TimeoutError:
            others.remove(waiting)
            if not others:
                self._waiting.pop(what, None)


class Service:
    """One desk, as the handlers know it."""

    def __init__(
        self, session: Session, reader: Reader, terms: Terms, metrics: Metrics, published: bytes
    ) -> None:
        self.metrics = metrics
        self.published = published
        """The OpenAPI document."""
        self.session = session
        self.reader = reader
        self.terms = terms
        self.news = News()


class Ask(Struct):
    """One request that has passed the gates, and what it has done so far.

    `taken` are the events of its command where it had its effect before, unanswered.
    """

    service: Service
    caller: Key
    path: dict[str, str]
    query: Parameters
    attributes: dict[str, Any]
    spelt: dict[str, str]
    origin: Origin
    taken: Sequence[Event] | None = None
    had_effect: bool = False

    @property
    def organization(self) -> str:
        """Whose objects may be seen; empty for all."""
        return self.caller.organization

    async def submit(self, command: Asked) -> Sequence[Event]:
        """What the desk decided on this request's command, now or when it first came."""
        self.had_effect = True
        if self.taken is not None:
            return self.taken
        return await do(self.service, command)


async def do(service: Service, command: Any) -> Sequence[Event]:
    """Submit a command. Raises `Problem` when the desk is not open."""
    try:
        return await service.session.submit(command)
    except (ConnectionError, PermissionError) as closed:
        raise Problem("unavailable", "the desk is not open") from closed


def first(events: Sequence[Event], kind: type[E]) -> E | None:
    """The first event of a kind."""
    return next((event for event in events if isinstance(event, kind)), None)
