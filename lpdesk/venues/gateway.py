"""The desk's way out: each event that concerns an LP goes to its venue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from lpdesk.domain.events import (
    ExecutionsAsked,
    LpAsked,
    OrderQueried,
    OrderSent,
    RfqEnded,
    RfqRefreshed,
    TradingHalted,
    TradingResumed,
)
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Event, Report
from lpdesk.domain.reports import ExecutionsUnlisted, LpFailed, OrderNotSent, QueryFailed
from lpdesk.venues.base import Lister, Outlet, Submit, Venue

Concern = LpAsked | OrderSent | OrderQueried | ExecutionsAsked


class Gateway:
    """All venues as one. `submit` gets the reports on LPs that are not there."""

    def __init__(
        self, venues: Iterable[Venue], submit: Submit, outlet: Outlet | None = None
    ) -> None:
        """`outlet` is that of all venues. Raises ValueError when two of them have one name."""
        self._outlet = outlet or Outlet()
        self._venues: dict[str, Venue] = {}
        self._submit = submit
        for venue in venues:
            if venue.name in self._venues:
                raise ValueError(f"two LPs named {venue.name}")
            self._venues[venue.name] = venue

    async def start(self) -> None:
        """Start all venues; does not wait until they are connected."""
        await asyncio.gather(*(venue.start() for venue in self._venues.values()))

    def send(self, event: Event) -> None:
        """Pass on what concerns an LP, ignore the rest. Never blocks; reports come later."""
        match event:
            case LpAsked() | OrderSent() | OrderQueried() | ExecutionsAsked():
                self._send_to(self._venues.get(event.lp), event)
            case TradingHalted() | TradingResumed():
                self._outlet.open = isinstance(event, TradingResumed)
            case RfqEnded() | RfqRefreshed():
                for venue in self._venues.values():
                    venue.release(event.rfq_id)

    def _send_to(self, venue: Venue | None, event: Concern) -> None:
        if venue is None:
            # Later, like every other report: never while the desk is still sending.
            asyncio.get_running_loop().call_soon(self._submit, _no_such_lp(event))
            return
        match event:
            case LpAsked():
                venue.ask(event)
            case OrderSent():
                venue.execute(event)
            case OrderQueried():
                venue.query(event)
            case ExecutionsAsked() if isinstance(venue, Lister):
                venue.list_executions(event)
            case ExecutionsAsked():
                asyncio.get_running_loop().call_soon(self._submit, _no_list(event))

    async def close(self) -> None:
        """Close all venues at once, in less than 300 ms."""
        closing = (venue.close() for venue in self._venues.values())
        await asyncio.gather(*closing, return_exceptions=True)


def _no_list(event: ExecutionsAsked) -> Report:
    text = "this kind of LP gives no list"
    reason = Reason.NOT_ENABLED
    return ExecutionsUnlisted(lp=event.lp, run_id=event.run_id, reason=reason, text=text)


def _no_such_lp(event: Concern) -> Report:
    reason, text = Reason.BAD_LP, "not configured"
    match event:
        case LpAsked():
            return LpFailed(lp=event.lp, ask_id=event.ask_id, reason=reason, text=text)
        case OrderSent():
            return OrderNotSent(lp=event.lp, order_id=event.order_id, reason=reason, text=text)
        case OrderQueried():
            return QueryFailed(lp=event.lp, order_id=event.order_id, reason=reason, text=text)
        case ExecutionsAsked():
            return ExecutionsUnlisted(lp=event.lp, run_id=event.run_id, reason=reason, text=text)
