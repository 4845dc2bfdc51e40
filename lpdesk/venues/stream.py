"""`kind = "stream"`: an LP that pushes two-way quotes. Orders and queries go by its REST side."""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal
from random import Random
from urllib.parse import urlsplit

from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from lpdesk.clock import Clock
from lpdesk.domain.events import LpAsked, OrderQueried, OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import LpFailed, LpQuoted, LpStreamed, LpWithdrew
from lpdesk.domain.values import MILLISECOND, SECOND, Instant
from lpdesk.domain.wire import Fields, Malformed, dump, parse
from lpdesk.venues.base import Endpoint, Submit, Tasks
from lpdesk.venues.http import tls
from lpdesk.venues.rest import RestVenue
from lpdesk.venues.ticks import News, Tick, Top
from lpdesk.venues.wire import ANSWER_LIMIT, sign

MAX_ASKS = 256
PUSH_NS = 100 * MILLISECOND
"""Least time between two prices for one ask."""

SHOW_NS = SECOND
"""Least time between two indicative prices for one symbol."""

PULSE_S = 0.05
CLOSE_S = 0.05
OPEN_S = 5.0
SILENCE_S = 5.0
"""Heartbeats come every second: so long without a word is a dead connection."""

STEADY_NS = 10 * SECOND
BACKOFF_S = 0.5
BACKOFF_CAP_S = 30.0

_log = logging.getLogger(__name__)
# At DEBUG, websockets writes every frame down, and the first one proves who we are.
_log.setLevel(logging.INFO)


class _Refused(Exception):
    """The LP does not let us in."""


class _Connect(connect):
    """A connection to the configured host or none: a redirect would get our proof of identity."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _Live(Struct):
    """An ask and the price that stands for it, if one does."""

    ask: LpAsked
    top: Top
    tick: Tick | None = None
    pushed_at: Instant = 0


class _Shown(Struct):
    """The indicative price that the market view has."""

    prices: tuple[Decimal, Decimal] | None = None
    at: Instant = 0


class StreamVenue:
    """An LP that streams. One ask gets every later price of its symbol until it is released."""

    def __init__(self, endpoint: Endpoint, submit: Submit, clock: Clock) -> None:
        self.name = endpoint.name
        self.malformed = 0
        self._endpoint = endpoint
        self._submit = submit
        self._clock = clock
        # What is shown may be more than what we deal, so an order says how much.
        self._rest = RestVenue(endpoint, submit, clock, sized_orders=True)
        self._tasks = Tasks(endpoint.name)
        self._tops = {symbol: Top() for symbol in endpoint.symbols}
        self._shown = {symbol: _Shown() for symbol in endpoint.symbols}
        self._asks: dict[str, _Live] = {}
        self._refusal = ""
        self._random = Random(f"venue:{endpoint.name}")
        parts = urlsplit(endpoint.url)
        self._secure = parts.scheme in ("https", "wss")
        scheme = "wss" if self._secure else "ws"
        self._url = parts._replace(scheme=scheme, path=parts.path.rstrip("/") + "/v1/stream")

    async def start(self) -> None:
        """Connect in the background, again and again."""
        await self._rest.start()
        self._tasks.spawn(self._stay_connected())
        self._tasks.spawn(self._pulse())

    def ask(self, ask: LpAsked) -> None:
        """From now on every price of its symbol, the present one at once."""
        asyncio.get_running_loop().call_soon(self._begin, ask)

    def execute(self, order: OrderSent) -> None:
        """By REST, on the side's quote id and for exactly our quantity."""
        self._rest.execute(order)

    def query(self, query: OrderQueried) -> None:
        """By REST."""
        self._rest.query(query)

    def release(self, rfq_id: str) -> None:
        """Forget the asks of that request."""
        self._asks = {key: live for key, live in self._asks.items() if live.ask.rfq_id != rfq_id}

    async def close(self) -> None:
        """Break the connection and end all work."""
        self._asks.clear()
        await asyncio.gather(self._tasks.close(), self._rest.close())

    # ---- the connection

    async def _stay_connected(self) -> None:
        failures = 0
        while True:
            began = self._clock.now()
            try:
                await self._session()
            except _Refused as trouble:
                self._refuse(str(trouble))
            except InvalidStatus as trouble:
                # Servers that are merely closed say 403 too, so only 401 is about who we are.
                if trouble.response.status_code == 401:
                    self._refuse("not let in")
            except (OSError, TimeoutError, WebSocketException, Malformed):
                pass  # what it did to the asks is said below, for all causes alike
            self._break_off()
            steady = self._clock.now() - began > STEADY_NS
            failures = 0 if steady else failures + 1
            ceiling_s = min(BACKOFF_CAP_S, BACKOFF_S * 2 ** min(failures, 16))
            await asyncio.sleep(self._random.uniform(0, ceiling_s))

    async def _session(self) -> None:
        """One connection from its opening to its end, which is always an exception."""
        async with _Connect(
            self._url.geturl(),
            ssl=tls() if self._secure else None,
            proxy=None,
            compression=None,
            max_size=ANSWER_LIMIT,
            open_timeout=OPEN_S,
            ping_interval=SILENCE_S,
            ping_timeout=SILENCE_S,
            close_timeout=CLOSE_S,
            logger=_log,
        ) as socket:
            try:
                async with asyncio.timeout(OPEN_S):
                    await self._log_on(socket)
                await self._listen(socket)
            finally:
                socket.transport.abort()

    async def _log_on(self, socket: ClientConnection) -> None:
        timestamp = str(self._clock.now() // MILLISECOND)
        hello = {
            "type": "auth",
            "apiKey": self._endpoint.key,
            "timestamp": timestamp,
            "signature": sign(self._endpoint.secret, timestamp, "AUTH"),
        }
        await socket.send(dump(hello).decode())
        answer = Fields(parse(await socket.recv()))
        if answer.text("type") != "auth" or answer.text("status") != "ok":
            raise _Refused(answer.text("message") or answer.text("status") or "no reason given")
        self._refusal = ""
        symbols = list(self._endpoint.symbols)
        wish = {"type": "subscribe", "channels": ["quotes"], "symbols": symbols}
        await socket.send(dump(wish).decode())

    async def _listen(self, socket: ClientConnection) -> None:
        count = 0
        while True:
            async with asyncio.timeout(SILENCE_S):
                message = await socket.recv()
            self._take(message)
            count += 1
            if count % 32 == 0:
                await asyncio.sleep(0)  # recv does not yield while messages are waiting

    def _refuse(self, text: str) -> None:
        """We are not let in: no ask needs to wait for a price, now or until we are."""
        self._refusal = text
        asks, self._asks = self._asks, {}
        for live in asks.values():
            self._fail(live.ask, Reason.UNAUTHORISED, text)

    def _break_off(self) -> None:
        for top in self._tops.values():
            top.restart()
            top.lose(Reason.UNREACHABLE, "stream broken")
        self._push_all()

    # ---- quotes

    def _take(self, message: str | bytes) -> None:
        try:
            fields = Fields(parse(message))
            if fields.text("type") != "quote":
                return
            symbol = fields.text("symbol")
        except Malformed:
            self.malformed += 1
            return
        top = self._tops.get(symbol)
        if top is None:
            self.malformed += 1
            return
        news = top.take(fields, self._clock.now())
        if news is News.NONE:
            return
        if news is News.GONE and top.trouble is Reason.MALFORMED:
            self.malformed += 1
        for live in tuple(self._asks.values()):
            if live.top is top:
                self._push(live)
        self._show(symbol)

    async def _pulse(self) -> None:
        """Sends what was held back to keep the pace, and notices what has become too old."""
        while True:
            await asyncio.sleep(PULSE_S)
            self._push_all()
            for symbol in self._tops:
                self._show(symbol)

    def _show(self, symbol: str) -> None:
        """The top of book for the market view, if it moved and the last one is a second old."""
        shown, now = self._shown[symbol], self._clock.now()
        tick = self._tops[symbol].fresh(now, self._endpoint.stale_ns)
        if tick is None or now - shown.at < SHOW_NS:
            return
        bid, ask = tick.bid, tick.ask
        if shown.prices == (bid.price, ask.price):
            return
        shown.prices, shown.at = (bid.price, ask.price), now
        self._submit(
            LpStreamed(
                lp=self.name,
                symbol=symbol,
                bid=bid.price,
                ask=ask.price,
                bid_size=bid.size,
                ask_size=ask.size,
            )
        )

    # ---- asks

    def _begin(self, ask: LpAsked) -> None:
        top = self._tops.get(ask.symbol)
        if top is None:
            self._fail(ask, Reason.DECLINED, "symbol not subscribed")
        elif self._refusal:
            self._fail(ask, Reason.UNAUTHORISED, self._refusal)
        elif len(self._asks) >= MAX_ASKS:
            self._fail(ask, Reason.TOO_MANY, "too many asks under way")
        else:
            self._asks[ask.ask_id] = _Live(ask, top)
            self._push(self._asks[ask.ask_id])

    def _fail(self, ask: LpAsked, reason: Reason, text: str) -> None:
        self._submit(LpFailed(lp=self.name, ask_id=ask.ask_id, reason=reason, text=text))

    def _push_all(self) -> None:
        for live in tuple(self._asks.values()):
            self._push(live)

    def _push(self, live: _Live) -> None:
        """Bring what stands for an ask in line with the top of book, at the ask's own pace."""
        now = self._clock.now()
        tick = live.top.fresh(now, self._endpoint.stale_ns)
        if tick is None:
            self._withdraw(live)
        elif now - live.pushed_at >= PUSH_NS and _worth_pushing(live, tick, now):
            live.tick, live.pushed_at = tick, now
            self._submit(_quoted(live.ask, tick, now))

    def _withdraw(self, live: _Live) -> None:
        if live.tick is None:
            return
        live.tick = None
        gone = live.top.tick is None
        self._submit(
            LpWithdrew(
                lp=self.name,
                ask_id=live.ask.ask_id,
                reason=live.top.trouble if gone else Reason.STALE,
                text=live.top.text if gone else "no new quote",
            )
        )


def _quantity(ask: LpAsked, tick: Tick) -> Decimal:
    return min(ask.quantity, tick.level(ask.side).size)


def _worth_pushing(live: _Live, tick: Tick, now: Instant) -> bool:
    """Whether `tick` says something new: another price or size, or time when half of it is gone."""
    stands = live.tick
    if stands is None:
        return True
    if tick is stands:
        return False
    side = live.ask.side
    if stands.level(side).price != tick.level(side).price:
        return True
    if _quantity(live.ask, stands) != _quantity(live.ask, tick):
        return True
    return stands.expires_at - now < (stands.expires_at - live.pushed_at) // 2


def _quoted(ask: LpAsked, tick: Tick, now: Instant) -> LpQuoted:
    level = tick.level(ask.side)
    return LpQuoted(
        lp=ask.lp,
        ask_id=ask.ask_id,
        quote_ref=level.ref,
        symbol=ask.symbol,
        side=ask.side,
        price=level.price,
        quantity=_quantity(ask, tick),
        validity_ns=tick.expires_at - now,
    )
