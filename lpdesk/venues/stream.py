"""`kind = "stream"`: an LP that pushes two-way quotes. Orders and queries go by its REST side."""

from __future__ import annotations

import asyncio
import logging
from random import Random
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from lpdesk.clock import Clock
from lpdesk.domain.events import ExecutionsAsked, LpAsked, OrderQueried, OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import MILLISECOND, SECOND
from lpdesk.domain.wire import Fields, Malformed, dump, parse
from lpdesk.venues.base import Endpoint, Submit, Tasks
from lpdesk.venues.http import tls
from lpdesk.venues.pushing import Pushing
from lpdesk.venues.rest import RestVenue
from lpdesk.venues.ticks import News
from lpdesk.venues.wire import ANSWER_LIMIT, sign

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
        self._pushing = Pushing(endpoint, submit, clock)
        self._random = Random(f"venue:{endpoint.name}")
        parts = urlsplit(endpoint.url)
        self._secure = parts.scheme in ("https", "wss")
        scheme = "wss" if self._secure else "ws"
        self._url = parts._replace(scheme=scheme, path=parts.path.rstrip("/") + "/v1/stream")

    async def start(self) -> None:
        """Connect in the background, again and again."""
        await self._rest.start()
        self._tasks.spawn(self._stay_connected())
        self._tasks.spawn(self._pushing.run())

    def ask(self, ask: LpAsked) -> None:
        """From now on every price of its symbol, the present one at once."""
        asyncio.get_running_loop().call_soon(self._pushing.begin, ask)

    def execute(self, order: OrderSent) -> None:
        """By REST, on the side's quote id and for exactly our quantity."""
        self._rest.execute(order)

    def query(self, query: OrderQueried) -> None:
        """By REST."""
        self._rest.query(query)

    def list_executions(self, asked: ExecutionsAsked) -> None:
        """By REST."""
        self._rest.list_executions(asked)

    def release(self, rfq_id: str) -> None:
        """Forget the asks of that request."""
        self._pushing.release(rfq_id)

    async def close(self) -> None:
        """Break the connection and end all work."""
        self._pushing.clear()
        await asyncio.gather(self._tasks.close(), self._rest.close())

    # ---- the connection

    async def _stay_connected(self) -> None:
        failures = 0
        while True:
            began = self._clock.now()
            try:
                await self._session()
            except _Refused as trouble:
                self._pushing.refuse(str(trouble))
            except InvalidStatus as trouble:
                # Servers that are merely closed say 403 too, so only 401 is about who we are.
                if trouble.response.status_code == 401:
                    self._pushing.refuse("not let in")
            except (OSError, TimeoutError, WebSocketException, Malformed):
                pass  # what it did to the asks is said below, for all causes alike
            self._pushing.break_off()
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
        self._pushing.welcome()
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

    def _take(self, message: str | bytes) -> None:
        try:
            fields = Fields(parse(message))
            if fields.text("type") != "quote":
                return
            symbol = fields.text("symbol")
        except Malformed:
            self.malformed += 1
            return
        top = self._pushing.tops.get(symbol)
        if top is None:
            self.malformed += 1
            return
        news = top.take(fields, self._clock.now())
        if news is News.GONE and top.trouble is Reason.MALFORMED:
            self.malformed += 1
        if news is not News.NONE:
            self._pushing.moved(symbol)
