"""One WebSocket to an LP, kept open: what breaks is opened again, with growing patience."""

from __future__ import annotations

import asyncio
import logging
import ssl
from contextlib import suppress
from random import Random
from typing import Any, Protocol, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from lpdesk.clock import Clock
from lpdesk.domain.values import SECOND
from lpdesk.domain.wire import Malformed
from lpdesk.venues.http import tls
from lpdesk.venues.mutual import trouble
from lpdesk.venues.wire import ANSWER_LIMIT

CLOSE_S = 0.05
OPEN_S = 5.0
SILENCE_S = 5.0
"""Without an answer to a ping, or a heartbeat where there are some: a dead connection."""

STEADY_NS = 10 * SECOND
BACKOFF_S = 0.5
BACKOFF_CAP_S = 30.0

_log = logging.getLogger(__name__)
# At DEBUG, websockets writes every frame down, and the first one may prove who we are.
_log.setLevel(logging.INFO)


class Refused(Exception):
    """The LP does not let us in, in these words."""


class Speech(Protocol):
    """What is said over a connection."""

    async def log_on(self, socket: ClientConnection) -> None:
        """Everything until prices may come. Raises Refused, Malformed and what a socket raises."""
        ...

    def heard(self, message: str | bytes) -> None:
        """One message. Whatever it is, nothing is raised but Refused, which ends the connection."""
        ...

    def refused(self, text: str) -> None:
        """We were not let in; it is tried again."""
        ...

    def broken(self) -> None:
        """The connection is gone, or did not come about."""
        ...


class _Connect(connect):
    """A connection to the configured host or none: a redirect would get our proof of identity."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _Connection(ClientConnection):
    """Keeps what the network ended it with: a refused certificate is told after the handshake."""

    ended_by: Exception | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended_by = exc
        super().connection_lost(exc)


class Socket:
    """Connects again and again. `heartbeats`: the LP says something every few seconds."""

    def __init__(
        self,
        name: str,
        url: str,
        speech: Speech,
        clock: Clock,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        context: ssl.SSLContext | None = None,
        heartbeats: bool = True,
        limit: int = ANSWER_LIMIT,
    ) -> None:
        """`url` is ws or wss; `context` for another TLS than everybody's; `limit` in bytes."""
        self._limit = limit
        self._url = url
        self._speech = speech
        self._clock = clock
        self._headers = headers
        self._secure = url.startswith("wss:")
        self._context = context
        self._heartbeats = heartbeats
        self._random = Random(f"venue:{name}")
        self._open: ClientConnection | None = None
        self._last: _Connection | None = None  # the latest try
        self.tries = 0

    @property
    def is_up(self) -> bool:
        """Whether we are logged on."""
        return self._open is not None

    async def send(self, text: str) -> bool:
        """Whether it may have left: False is sure that no byte did."""
        if self._open is None:
            return False
        with suppress(ConnectionClosed):  # a part may have been written before
            await self._open.send(text)
        return True

    async def run(self) -> None:
        """For as long as it is not cancelled."""
        failures = 0
        while True:
            began = self._clock.now()
            try:
                await self._session()
            except Refused as refusal:
                self._speech.refused(str(refusal))
            except InvalidStatus as answer:
                # Servers that are merely closed say 403 too, so only 401 is about who we are.
                if answer.response.status_code == 401:
                    self._speech.refused("not let in")
            except (OSError, TimeoutError, WebSocketException, Malformed) as broken:
                ended_by = self._last.ended_by if self._last else None
                if words := trouble(broken) or trouble(ended_by):
                    self._speech.refused(words)
                # what else it did to the asks is said below, for all causes alike
            self._speech.broken()
            steady = self._clock.now() - began > STEADY_NS
            failures = 0 if steady else failures + 1
            ceiling_s = min(BACKOFF_CAP_S, BACKOFF_S * 2 ** min(failures, 16))
            await asyncio.sleep(self._random.uniform(0, ceiling_s))

    def _made(self, *args: Any, **kwargs: Any) -> _Connection:
        self._last = _Connection(*args, **kwargs)
        return self._last

    async def _session(self) -> None:
        """One connection from its opening to its end, which is always an exception."""
        self._last, self.tries = None, self.tries + 1
        async with _Connect(
            self._url,
            create_connection=cast(type[ClientConnection], self._made),
            additional_headers=self._headers,
            ssl=(self._context or tls()) if self._secure else None,
            proxy=None,
            compression=None,
            max_size=self._limit,
            open_timeout=OPEN_S,
            ping_interval=SILENCE_S,
            ping_timeout=SILENCE_S,
            close_timeout=CLOSE_S,
            logger=_log,
        ) as socket:
            try:
                async with asyncio.timeout(OPEN_S):
                    await self._speech.log_on(socket)
                self._open = socket
                await self._listen(socket)
            finally:
                self._open = None
                socket.transport.abort()

    async def _listen(self, socket: ClientConnection) -> None:
        count = 0
        while True:
            async with asyncio.timeout(SILENCE_S if self._heartbeats else None):
                message = await socket.recv()
            self._speech.heard(message)
            count += 1
            if count % 32 == 0:
                await asyncio.sleep(0)  # recv does not yield while messages are waiting
