"""One HTTP/1.1 connection to one LP: h11's rules on asyncio's transports, one exchange at a time.

A general client spends a millisecond of the loop on a request, and ten LPs are asked at once: the
first answer would wait for the sending of all the others. This is a quarter of that.
"""

from __future__ import annotations

import asyncio
import ssl
from ipaddress import ip_address
from typing import cast

import h11
from msgspec import Struct

from lpdesk.domain.reasons import Reason
from lpdesk.domain.wire import Malformed

HEAD_LIMIT = 100 * 1024
"""Bytes of a status line with its headers, or of a chunk's head."""


class Answer(Struct, frozen=True):
    """An answer that came whole. `retry_after` is that header's text."""

    status: int
    body: bytes
    retry_after: str


class NoAnswer(Exception):
    """Nothing usable came. Only if `unsent` is it sure that no byte of the request left."""

    def __init__(self, reason: Reason, text: str, *, unsent: bool = False) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
        self.unsent = unsent


class Line(asyncio.Protocol):
    """A connection that is open. Made by `connect`; `usable` until it breaks or is closed."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._head: h11.Response | None = None
        self._body = bytearray()
        self._limit = 0

    @property
    def usable(self) -> bool:
        """Whether another request may go this way."""
        return (
            self._transport is not None
            and not self._transport.is_closing()
            and self._http.our_state is h11.IDLE
        )

    async def exchange(self, request: h11.Request, body: bytes, limit: int) -> Answer:
        """Send one request at once, wait for its answer of at most `limit` bytes.

        Raises NoAnswer and Malformed; after these, or when cancelled, the line is closed.
        """
        assert self.usable and self._transport is not None
        self._head, self._limit = None, limit
        self._body.clear()
        self._answer = asyncio.get_running_loop().create_future()
        try:
            sent = (request, h11.Data(data=body), h11.EndOfMessage())
            self._transport.write(b"".join(self._http.send(event) or b"" for event in sent))
            return await self._answer
        finally:
            self._answer = None
            if self._http.our_state is not h11.IDLE:
                self.close()

    def close(self) -> None:
        """At once; what is on its way is given up."""
        if self._transport is not None:
            self._transport.abort()

    # ---- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._hear(data)

    def eof_received(self) -> None:
        self._hear(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(NoAnswer(Reason.UNREACHABLE, "connection broken"))

    # ---- the answer

    def _hear(self, data: bytes) -> None:
        """More of the answer, or its end. What comes unasked ends the line."""
        if self._answer is None or self._answer.done():
            self.close()
            return
        try:
            self._http.receive_data(data)
            while not self._answer.done() and self._take(self._http.next_event()):
                pass
        except h11.RemoteProtocolError:
            self._fail(NoAnswer(Reason.MALFORMED, "broken HTTP answer"))
        except Malformed as trouble:
            self._fail(trouble)

    def _take(self, event: object) -> bool:
        """Whether there may be more events."""
        match event:
            case h11.Response():
                encoding = _header(event, b"content-encoding") or "identity"
                if encoding.lower() != "identity":
                    raise Malformed("compressed answer")
                self._head = event
            case h11.Data():
                self._body += event.data
                if len(self._body) > self._limit:
                    raise Malformed("answer too large")
            case h11.EndOfMessage():
                self._done()
            case h11.ConnectionClosed():
                raise h11.RemoteProtocolError("closed without an answer")
        return event not in (h11.NEED_DATA, h11.PAUSED)

    def _done(self) -> None:
        assert self._answer is not None and self._head is not None
        if self._http.trailing_data[0]:  # would be taken for the next answer
            self.close()
        elif self._http.our_state is self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        retry_after = _header(self._head, b"retry-after")
        self._answer.set_result(Answer(self._head.status_code, bytes(self._body), retry_after))

    def _fail(self, trouble: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(trouble)


def _header(head: h11.Response, name: bytes) -> str:
    values = [value for key, value in head.headers if key == name]
    return b", ".join(values).decode("latin-1")


async def connect(host: str, port: int, tls: ssl.SSLContext | None) -> Line:
    """Open a connection. Raises OSError."""
    loop = asyncio.get_running_loop()
    race = None if _is_address(host) else 0.25  # one address needs none: cut off, it leaks a socket
    _, line = await loop.create_connection(Line, host, port, ssl=tls, happy_eyeballs_delay=race)
    return line


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
