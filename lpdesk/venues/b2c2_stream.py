"""`kind = "b2c2-stream"`: B2C2's WebSocket levels, dealt on by fill-or-kill orders.

A level is a price for a whole size; a request takes the smallest level that has it. Every frame is
the whole truth of its instrument: what a frame does not price has no price.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Final

from msgspec.structs import replace
from websockets.asyncio.client import ClientConnection

from lpdesk.clock import Clock
from lpdesk.domain.capabilities import KINDS
from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import BadNumber, positive
from lpdesk.domain.wire import Fields, Malformed, parse, plain
from lpdesk.venues.b2c2 import instrument, token
from lpdesk.venues.b2c2_orders import Orders
from lpdesk.venues.base import Endpoint, Submit
from lpdesk.venues.http import header_text
from lpdesk.venues.options import validity_ns
from lpdesk.venues.pushed import PushedVenue, websocket
from lpdesk.venues.requesting import RequestVenue
from lpdesk.venues.socket import Refused
from lpdesk.venues.ticks import Level, Tick
from lpdesk.venues.wire import exact

VALIDITY_MS: Final = 5_000
MAX_LEVELS: Final = 20
_STRANGERS: Final = frozenset({"3000", "3001", "3017"})
_BAD_LEVELS: Final = frozenset({"3004", "3018"})


class B2c2Stream(PushedVenue):
    """B2C2, streaming. Options: `levels`, which are sizes in base units, `["1", "5"]` or by pair
    `["BTC/USDT=1", "BTC/USDT=5"]`; `validity_ms`, `stream_url`, and those of `Orders`."""

    def __init__(self, endpoint: Endpoint, submit: Submit, clock: Clock) -> None:
        """Raises ValueError for options that can never work."""
        dialect = Orders(endpoint)
        orders = RequestVenue(endpoint, submit, clock, dialect, token(endpoint))
        url = str(endpoint.options.get("stream_url", "")) or websocket(endpoint.url, "/quotes")
        headers = (("Authorization", f"Token {header_text(endpoint)}"),)
        super().__init__(
            endpoint, submit, clock, orders, url, headers=headers, heartbeats=False, replaces=True
        )
        self._levels = {symbol: _levels(endpoint, symbol) for symbol in endpoint.symbols}
        self._names = {instrument(symbol, dialect.codes): symbol for symbol in endpoint.symbols}
        self._validity_ns = validity_ns(endpoint, VALIDITY_MS)
        self.capabilities = replace(KINDS["b2c2-stream"], validity_ns=self._validity_ns)
        self._wanted: dict[str, tuple[Decimal, ...]] = {}  # instrument -> what was subscribed last
        self._told_at: dict[str, int] = {}  # instrument -> their time of its last frame
        self._refs = count(1)

    # ---- the connection

    async def log_on(self, socket: ClientConnection) -> None:
        """They speak first: what may be traded here."""
        hello = Fields(parse(await socket.recv()))
        if hello.raw("success") is not True:
            if _code(hello) in _STRANGERS:
                raise Refused(_words(hello))
            raise Malformed(_words(hello))
        if hello.text("event") != "tradable_instruments":
            raise Malformed("no greeting")
        offered = hello.raw("tradable_instruments")
        self.pushing.welcome()
        self._told_at.clear()
        for name, symbol in self._names.items():
            if isinstance(offered, list) and name in offered:
                await socket.send(self._subscription(name, self._levels[symbol]))
            else:
                self._lose(symbol, Reason.DECLINED, f"{name} is not tradable here")

    def _subscription(self, name: str, levels: tuple[Decimal, ...]) -> str:
        self._wanted[name] = levels
        wish = {"event": "subscribe", "instrument": name, "levels": levels, "tag": name}
        return exact(wish).decode()

    # ---- what they say

    def take(self, fields: Fields) -> None:
        event = fields.text("event")
        name = fields.text("instrument") or fields.text("tag")
        symbol = self._names.get(name)
        if fields.raw("success") is not True:
            self._failed(event, name, symbol, fields)
        elif event == "price":
            if symbol is None:
                raise Malformed("an instrument that nobody subscribed")
            self._price(name, symbol, fields)

    def _failed(self, event: str, name: str, symbol: str | None, fields: Fields) -> None:
        """A subscription they do not take, or an interrupted stream: no price until the next."""
        code, words = _code(fields), _words(fields)
        if code in _STRANGERS:
            raise Refused(words)
        if event == "subscribe" and symbol is not None and code in _BAD_LEVELS:
            fewer = self._wanted[name][:-1]
            if fewer:  # the largest size may be more than we are allowed: less is better than none
                self.say(self._subscription(name, fewer))
                return
        reason = Reason.DECLINED if event == "subscribe" else Reason.STALE
        for each in [symbol] if symbol is not None else list(self._names.values()):
            self._lose(each, reason, words)

    def _price(self, name: str, symbol: str, fields: Fields) -> None:
        try:
            told_at = fields.whole("timestamp")
            if told_at < self._told_at.get(name, 0):
                return  # older than what stands
            self._told_at[name] = told_at
            sides = fields.inner("levels")
            asks, bids = self._side(name, sides, "buy"), self._side(name, sides, "sell")
            if bids[0].price > asks[0].price:
                raise Malformed("bid above ask")
        except Malformed as trouble:
            self.malformed += 1
            self._lose(symbol, Reason.MALFORMED, trouble.text)
            return
        except IndexError:
            self._lose(symbol, Reason.NO_LIQUIDITY, "one side has no price")
            return
        now = self.clock.now()
        self.pushing.tops[symbol].tick = Tick(
            bid=bids[0],
            ask=asks[0],
            received_at=now,
            expires_at=now + self._validity_ns,
            bids=bids,
            asks=asks,
            whole=True,
        )
        self.pushing.moved(symbol)

    def _side(self, name: str, sides: Fields, side: str) -> tuple[Level, ...]:
        """Theirs is the client's side: what is bought at is the ask. Sizes without a price drop."""
        rows = sides.rows(side)
        if len(rows) > MAX_LEVELS:
            raise Malformed("too many levels")
        ref = f"{name} {next(self._refs)}"
        priced = [row for row in rows if "price" in row]
        levels = [Level(row.positive("price"), row.positive("quantity"), ref) for row in priced]
        return tuple(sorted(levels, key=lambda level: level.size))

    def _lose(self, symbol: str, reason: Reason, text: str) -> None:
        self.pushing.tops[symbol].lose(reason, text)
        self.pushing.moved(symbol)


def _code(fields: Fields) -> str:
    return plain(fields.number("error_code")) if "error_code" in fields else ""


def _words(fields: Fields) -> str:
    return f"{_code(fields)} {fields.text('error_message')}".strip() or "no reason given"


def _levels(endpoint: Endpoint, symbol: str) -> tuple[Decimal, ...]:
    """The sizes to ask prices for, smallest first."""
    told = endpoint.options.get("levels", ())
    wrong = f'{endpoint.name}: options.levels: sizes such as ["1", "5"] or ["{symbol}=1"]'
    if not isinstance(told, tuple):
        raise ValueError(wrong)
    pairs = [text.rpartition("=") for text in told]
    own = [size for pair, _, size in pairs if pair == symbol]
    try:
        sizes = {positive(size) for size in own or [size for pair, _, size in pairs if not pair]}
    except BadNumber:
        raise ValueError(wrong) from None
    if not 0 < len(sizes) <= MAX_LEVELS:
        raise ValueError(wrong)
    return tuple(sorted(sizes))
