"""Swap LPs as tests use them: the stand-in with its chain, and orders on the way there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lpdesk.clock import Clock, SystemClock
from lpdesk.domain.events import OrderSent
from lpdesk.domain.record import Report
from lpdesk.domain.reports import (
    LpQuoted,
)
from lpdesk.domain.values import Side
from lpdesk.sandbox import Sandbox
from lpdesk.venues.base import VENUES, Endpoint
from lpdesk.venues.swaps import SwapVenue
from tests.venues.effects import ask, order, query
from tests.venues.liar import Reports

CLOCK = SystemClock()
NAME = "weyl"

BTC, USDT, TAKER, ROUTER = ("0x" + each * 20 for each in ("b7", "d7", "7a", "5e"))
CALL = {"to": ROUTER, "data": "0x2213bc0b00", "gas": "200000", "gasPrice": "1000", "value": "0"}
GOOD: dict[str, Any] = {
    "liquidityAvailable": True, "buyAmount": "150000000", "sellAmount": "150000000000",
    "maxSellAmount": "150450000000", "buyToken": BTC, "sellToken": USDT.upper().replace("X", "x"),
    "issues": {"allowance": None, "balance": None}, "transaction": CALL, "zid": "0xabc",
}  # fmt: skip
OPTIONS = {
    "tokens": (f"BTC={BTC}:8", f"USDT={USDT}:6"), "taker": TAKER, "contract": ROUTER,
    "node": "http://127.0.0.1:9/", "signer": "http://127.0.0.1:9/", "max_network_fee": "0.01",
}  # fmt: skip


PRESET = {
    "auctionDuration": 180, "startAuctionIn": 12, "initialRateBump": 50_000,
    "auctionStartAmount": "150500000000", "auctionEndAmount": "150000000000",
}  # fmt: skip
FUSION: dict[str, Any] = {
    "quoteId": "q-1", "fromTokenAmount": "150000000", "recommended_preset": "fast",
    "presets": {"fast": PRESET, "slow": PRESET | {"auctionEndAmount": "149000000000"}},
}  # fmt: skip


def plain(url: str, kind: str = "zerox", **changes: Any) -> Endpoint:
    return Endpoint(
        name="lp", kind=kind, url=url, key="k", symbols=("BTC/USDT",), options=OPTIONS | changes
    )


def venue(
    sandbox: Sandbox,
    reports: Reports,
    beside: Path | None = None,
    clock: Clock = CLOCK,
    **changes: Any,
) -> SwapVenue:
    """A client of the one stand-in; a change to None leaves the option out."""
    (lp,) = sandbox.lps
    options = {name: value for name, value in (lp.options | changes).items() if value is not None}
    endpoint = Endpoint(
        name=lp.name, kind=lp.kind, url=lp.url, key=lp.key, symbols=lp.pairs, options=options,
        beside=beside,
    )  # fmt: skip
    made = VENUES[lp.kind](endpoint, reports, clock)
    assert isinstance(made, SwapVenue)
    return made


async def quoted(lp: SwapVenue, reports: Reports, side: Side = Side.SELL) -> LpQuoted:
    lp.ask(ask(lp=lp.name, quantity="0.25", side=side))
    told = await reports.next()
    assert isinstance(told, LpQuoted), told
    return told


def deal(quote: LpQuoted, order_id: str = "O-1") -> OrderSent:
    return order(
        order_id, quote.quote_ref, lp=quote.lp, quantity="0.25", price=quote.price, side=quote.side
    )


async def sent(lp: SwapVenue, reports: Reports, side: Side = Side.SELL) -> tuple[OrderSent, Report]:
    """An order on a firm quote, and what was said when it was sent."""
    it = deal(await quoted(lp, reports, side))
    lp.execute(it)
    return it, await reports.next()


async def asked(lp: SwapVenue, reports: Reports, order_id: str = "O-1") -> Report:
    lp.query(query(order_id, lp=lp.name))
    return await reports.next()


class Later(SystemClock):
    """A clock that can be put forward."""

    ahead = 0

    def now(self) -> int:
        return super().now() + self.ahead
