"""One HTTP/1.1 connection to one LP: httptools on asyncio's transports, one exchange at a time.

A general client spends a millisecond of the loop on a request, and ten LPs are asked at once: the
first answer would wait for the sending of all the others. Beside the socket this takes 14 us.
"""

from __future__ import annotations

import asyncio
import ssl
from ipaddress import ip_address
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from msgspec import Struct

from lpdesk.domain.reasons import Reason
from lpdesk.domain.wire import Malformed

HEAD_LIMIT = 100 * 1024
"""Bytes of all that is not the body: the status line, headers, the chunks' heads."""


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
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._clean = True
        """Whether nothing is on its way."""
        self._begin(0)

    @property
    def usable(self) -> bool:
        """Whether another request may go this way."""
        return self._clean and self._transport is not None and not self._transport.is_closing()

    async def exchange(self, request: bytes, limit: int) -> Answer:
        """Send one request at once, wait for its answer of at most `limit` bytes.

        Raises NoAnswer and Malformed; after these, or when cancelled, the line is closed.
        """
        assert self.usable and self._transport is not None
        self._begin(limit)
        self._clean = False
        self._answer = asyncio.get_running_loop().create_future()
        try:
            self._transport.write(request)
            return await self._answer
        finally:
            self._answer = None
            if not self._clean:
                self.close()

    def close(self) -> None:
        """At once; what is on its way is given up."""
        if self._transport is not None:
            self._transport.abort()

    # ---- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """More of the answer. What comes unasked ends the line."""
        self._left -= len(data)
        if self._answer is None or self._answer.done():
            self.close()
        elif self._left < 0:
            self._fail(Malformed("answer too large"))
        else:
            try:
                self._parser.feed_data(data)
            except (HttpParserError, HttpParserUpgrade):
                self._break()

    def eof_received(self) -> None:
        """The end of an answer that did not say how long it is; or of one that is cut off."""
        if self._open_ended:
            self._done()
        else:
            self._break()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(NoAnswer(Reason.UNREACHABLE, "connection broken"))
        del self._parser  # it knows us as we know it

    # ---- what the parser calls

    def on_message_begin(self) -> None:
        if self._clean:  # a second answer: it would be taken for the next one
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"content-encoding" and value.lower() != b"identity":
            self._fail(Malformed("compressed answer"))
        elif name == b"retry-after":
            self._retry_after = value.decode("latin-1")
        elif name in (b"content-length", b"transfer-encoding"):
            self._framed = True

    def on_headers_complete(self) -> None:
        self._open_ended = not self._framed

    def on_body(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > self._limit:
            self._fail(Malformed("answer too large"))

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:  # the answer is still to come
            self._open_ended = False
        else:
            self._clean = self._parser.should_keep_alive()
            self._done()

    # ---- the answer

    def _begin(self, limit: int) -> None:
        self._limit, self._left = limit, limit + HEAD_LIMIT
        self._body = bytearray()
        self._retry_after = ""
        self._framed = self._open_ended = False

    def _done(self) -> None:
        if self._answer is not None and not self._answer.done():
            status = self._parser.get_status_code()
            self._answer.set_result(Answer(status, bytes(self._body), self._retry_after))

    def _break(self) -> None:
        self._fail(NoAnswer(Reason.MALFORMED, "broken HTTP answer"))

    def _fail(self, trouble: Exception) -> None:
        self._clean = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(trouble)


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
