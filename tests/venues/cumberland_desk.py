"""The Cumberland stand-in, an adapter to it, and an order as the desk places it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain.events import OrderSent
from lpdesk.domain.record import Report
from lpdesk.domain.reports import LpQuoted, LpStreamed, LpWithdrew
from lpdesk.domain.values import MILLISECOND, SECOND, Side
from lpdesk.sandbox import Sandbox
from lpdesk.venues import cumberland, cumberland_reads, pushing, socket
from lpdesk.venues.base import Endpoint
from lpdesk.venues.cumberland import CumberlandVenue
from tests.venues.effects import ask, order
from tests.venues.liar import Reports

CLOCK = SystemClock()
NAME = "lovelace"


def quicken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "PUSH_NS", 5 * MILLISECOND)
    monkeypatch.setattr(socket, "BACKOFF_S", 0.01)
    monkeypatch.setattr(cumberland, "PULSE_S", 0.01)
    monkeypatch.setattr(cumberland, "AGAIN_NS", 10 * MILLISECOND)
    monkeypatch.setattr(cumberland, "EXECUTE_NS", 400 * MILLISECOND)
    monkeypatch.setattr(cumberland_reads, "QUERY_NS", 200 * MILLISECOND)


def made(sandbox: Sandbox, reports: Reports, **options: Any) -> CumberlandVenue:
    (lp,) = sandbox.lps
    it = Endpoint(
        name=lp.name, kind=lp.kind, url=lp.url, symbols=("BTC/USDT", "DOGE/USDT"),
        options=lp.options | options, timeout_ns=2 * SECOND,
    )  # fmt: skip
    return CumberlandVenue(it, reports, CLOCK)


async def price(reports: Reports) -> LpQuoted:
    report = await reports.next(LpStreamed, LpWithdrew)
    assert isinstance(report, LpQuoted), report
    return report


async def outcome(reports: Reports) -> Report:
    return await reports.next(LpStreamed, LpQuoted, LpWithdrew)


def steady(sandbox: Sandbox) -> None:
    """The market stands still: a new version has the price of the one before."""
    market = sandbox.market
    mid = market.mid("BTC/USDT", CLOCK.now())
    object.__setattr__(market, "mid", lambda *_: mid)


async def dealt(lp: CumberlandVenue, reports: Reports, side: Side = Side.BUY) -> OrderSent:
    """The request ends and the order follows, as the desk does it."""
    lp.ask(ask(lp=NAME, quantity="0.25", side=side))
    quoted = await price(reports)
    assert (quoted.quantity, quoted.side) == (Decimal("0.25"), side)
    assert 0 < quoted.validity_ns <= 8 * SECOND
    lp.release("R-1")
    sent = order(
        lp=NAME, quote_ref=quoted.quote_ref, quantity="0.25", price=quoted.price, side=side
    )
    lp.execute(sent)
    return sent
