"""What every LP adapter is: something that takes the desk's effects and gives back reports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast, runtime_checkable

from lpdesk.clock import Clock
from lpdesk.domain.events import ExecutionsAsked, LpAsked, OrderQueried, OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.values import SECOND

Submit: TypeAlias = Callable[[Report], None]

Option: TypeAlias = bool | int | Decimal | str | tuple[str, ...]

CLOSE_PATIENCE_S = 0.25


class Outlet:
    """Whether orders may leave: the kill switch, looked at again when one is about to be written.

    An order may have waited for a connection when trading was halted.
    """

    open = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Where an LP is and how we prove who we are. `symbols`: what a stream subscribes to.

    `stale_ns`: a streamed price without a successor for so long is no price. `options`: what only
    this kind of LP understands. `beside`: the file that an adapter's own durable files lie beside;
    None keeps them in memory.
    """

    name: str
    kind: str
    url: str
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    timeout_ns: int = 2 * SECOND
    stale_ns: int = 5 * SECOND
    symbols: tuple[str, ...] = ()
    options: Mapping[str, Option] = field(default_factory=dict, repr=False)
    beside: Path | None = None
    outlet: Outlet = field(default_factory=Outlet, repr=False, compare=False)


class Venue(Protocol):
    """One LP. `ask`, `execute` and `query` neither block nor raise; only reports come back.

    It may have `capabilities`, where they differ from its kind's, and a `note` for the dealer.
    """

    @property
    def name(self) -> str: ...

    async def start(self) -> None:
        """Begin; an LP that cannot be reached is no error here."""
        ...

    def ask(self, ask: LpAsked) -> None:
        """Leads to LpQuoted, LpFailed or LpWithdrew; streams go on until `release`."""
        ...

    def execute(self, order: OrderSent) -> None:
        """Leads to one report on the order, unless the venue is closed first. Never sent twice."""
        ...

    def query(self, query: OrderQueried) -> None:
        """Leads to one report: what the LP knows of the order, or that it did not say."""
        ...

    def release(self, rfq_id: str) -> None:
        """Stop pushing prices for that request."""
        ...

    async def close(self) -> None:
        """End all work at once, in less than 300 ms. What was on its way stays unreported."""
        ...


@runtime_checkable
class Lister(Protocol):
    """An LP that can say what it dealt with us: its `capabilities` say `lists`."""

    def list_executions(self, asked: ExecutionsAsked) -> None:
        """Leads to one ExecutionsListed, whole, or ExecutionsUnlisted. Never blocks, nor raises."""
        ...


class VenueFailed(Exception):
    """An LP gave no usable answer to a direct call. `text` is clean and short."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


Factory: TypeAlias = Callable[[Endpoint, Submit, Clock], Venue]


def _late(module: str, name: str) -> Factory:
    """A factory that imports its module when first called: the first paint does not wait for it."""

    def make(endpoint: Endpoint, submit: Submit, clock: Clock) -> Venue:
        return cast(Factory, getattr(import_module(module), name))(endpoint, submit, clock)

    return make


VENUES: Mapping[str, Factory] = {
    "rest": _late("lpdesk.venues.rest", "RestVenue"),
    "b2c2": _late("lpdesk.venues.b2c2", "B2c2Venue"),
    "b2c2-stream": _late("lpdesk.venues.b2c2_stream", "B2c2Stream"),
    "b2trader": _late("lpdesk.venues.b2trader", "venue"),
    "stream": _late("lpdesk.venues.stream", "StreamVenue"),
    "cumberland": _late("lpdesk.venues.cumberland", "CumberlandVenue"),
    "trade_desk": _late("lpdesk.venues.trade_desk", "TradeDeskVenue"),
    "pool": _late("lpdesk.venues.pools", "PoolVenue"),
    "zerox": _late("lpdesk.venues.zerox", "venue"),
    "oneinch": _late("lpdesk.venues.oneinch", "venue"),
    "oneinch-fusion": _late("lpdesk.venues.fusion", "venue"),
    "fix": _late("lpdesk.venues.fix.adapter", "FixVenue"),
    "fix-stream": _late("lpdesk.venues.fix.adapter", "FixVenue"),
}
"""Every kind of LP. The factories raise ValueError for an endpoint that can never work."""

GROUP = "lpdesk.venues"


def factory(kind: str) -> Factory:
    """What makes an LP of that kind: ours, or of a package's entry point in `GROUP`.

    Raises ValueError for a kind that nothing speaks.
    """
    if kind in VENUES:
        return VENUES[kind]
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP, name=kind):
        return cast(Factory, point.load())
    raise ValueError(f"no kind of LP is called {kind}: one of {', '.join(VENUES)}")


class Tasks:
    """The tasks of one venue: started without waiting, ended together."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._live: set[asyncio.Task[None]] = set()
        self._closed = False

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in the background; nothing starts after `close`."""
        if self._closed:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work, name=f"venue {self._owner}")
        self._live.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """An outside failure is a report, so an exception here is a bug: it must be heard."""
        self._live.discard(task)
        if not task.cancelled() and (bug := task.exception()):
            task.get_loop().call_exception_handler(
                {"message": f"bug in venue {self._owner}", "exception": bug, "task": task}
            )

    async def close(self) -> None:
        """Cancel everything and wait for it, at most `CLOSE_PATIENCE_S`."""
        self._closed = True
        if live := tuple(self._live):
            for task in live:
                task.cancel()
            await asyncio.wait(live, timeout=CLOSE_PATIENCE_S)
