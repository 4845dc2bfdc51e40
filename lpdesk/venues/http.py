"""Requests to one LP that say who we are, with everything bounded: connections, bytes and time."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from functools import cache
from typing import NamedTuple, TypeAlias
from urllib.parse import quote, urlsplit

from lpdesk.clock import Clock
from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import MILLISECOND, SECOND, Instant
from lpdesk.domain.wire import Malformed
from lpdesk.venues.base import Endpoint
from lpdesk.venues.line import Answer, Line, NoAnswer, connect
from lpdesk.venues.wire import ANSWER_LIMIT, sign

MAX_CONNECTIONS = 96
KEEP_ALIVE_S = 4.0
"""Less than the 5 s of common servers: an order seldom meets a connection that is closing."""

CONNECT_S = 5.0


@cache
def tls() -> ssl.SSLContext:
    """The one TLS context, verifying: loading the root certificates costs tens of milliseconds."""
    from httpx import create_ssl_context

    context = create_ssl_context(verify=True, trust_env=False)
    context.set_alpn_protocols(["http/1.1"])
    return context


Prove: TypeAlias = Callable[[str, bytes, bytes, Instant], "list[tuple[str, str]]"]
"""(method, path with query as sent, body, now) -> the headers that prove who we are."""


class Http:
    """The connections to one LP. Raises ValueError for an address or a key that can never work.

    `context` is for another TLS than everybody's.
    Redirects are not followed, nothing of the environment is heeded, nothing is sent twice.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        clock: Clock,
        prove: Prove | None = None,
        media_type: str = "application/json",
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._site = _site(endpoint, context)
        self._outlet = endpoint.outlet
        self._prove = prove or signed(endpoint)
        self._headers = (
            ("Host", self._site.authority),
            ("Accept", media_type),
            # Nothing compressed is asked for, so nothing small can become large.
            ("Accept-Encoding", "identity"),
        )
        self._media_type = media_type
        self._clock = clock
        self._free = asyncio.Semaphore(MAX_CONNECTIONS)
        self._idle: list[Line] = []

    async def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: tuple[tuple[str, str], ...] = (),
        *,
        patience_s: float,
        send_by: Instant | None = None,
        limit: int = ANSWER_LIMIT,
    ) -> Answer:
        """Send one request, never twice, and read its whole answer of at most `limit` bytes.

        Waits `patience_s` in all. With `send_by` it is an order: no byte is sent after that, or
        while trading is halted. Raises NoAnswer.
        """
        opening_s = self._opening_s(patience_s, send_by)
        request = self._request(method, self._site.path + path, body, headers)
        try:
            async with asyncio.timeout(patience_s):
                await self._turn(opening_s)
                try:
                    line = await self._line(opening_s)
                    if send_by is not None and (withheld := self._withheld(send_by)):
                        self._keep(line)
                        raise withheld
                    answer = await line.exchange(request, limit)
                    self._keep(line)
                    return answer
                finally:
                    self._free.release()
        except Malformed as trouble:
            raise NoAnswer(Reason.MALFORMED, trouble.text) from None
        except TimeoutError:
            raise NoAnswer(Reason.TIMED_OUT, "no answer in time") from None

    async def close(self) -> None:
        """Close the connections that nobody uses; a cancelled call closes its own."""
        for line in self._idle:
            line.close()
        self._idle.clear()
        await asyncio.sleep(0)  # asyncio ends a connection on the next turn

    def _opening_s(self, patience_s: float, send_by: Instant | None) -> float:
        """Seconds to wait for a connection: none is of use after `send_by`."""
        left_s = patience_s if send_by is None else (send_by - self._clock.now()) / SECOND
        return min(CONNECT_S, patience_s, max(left_s, 0.001))

    def _withheld(self, send_by: Instant) -> NoAnswer | None:
        """Why an order that has its connection does not leave all the same."""
        if not self._outlet.open:
            return NoAnswer(Reason.HALTED, "halted before it was sent", unsent=True)
        if self._clock.now() > send_by:
            return NoAnswer(Reason.TOO_LATE, "connected too late", unsent=True)
        return None

    def _request(
        self, method: str, target: str, body: bytes, more: tuple[tuple[str, str], ...]
    ) -> bytes:
        """As it is sent. Raises ValueError for what would be read as more than one line."""
        raw = target.encode("ascii")
        headers = [*self._headers, *more, *self._prove(method, raw, body, self._clock.now())]
        if body:
            headers += [
                ("Content-Type", self._media_type),
                ("Content-Length", str(len(body))),
            ]
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        if " " in target or not all(map(str.isprintable, lines)):
            raise ValueError(f"no request can have these headers: {[name for name, _ in headers]}")
        return "\r\n".join((*lines, "", "")).encode("ascii") + body

    async def _turn(self, opening_s: float) -> None:
        if not self._free.locked():  # nearly always; a time-out of its own is not for nothing
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(opening_s):
                await self._free.acquire()
        except TimeoutError:
            raise NoAnswer(Reason.UNREACHABLE, "no free connection", unsent=True) from None

    async def _line(self, opening_s: float) -> Line:
        """A connection that was kept and is fresh, or a new one."""
        stale_at = asyncio.get_running_loop().time() - KEEP_ALIVE_S
        while self._idle:
            line = self._idle.pop()
            if line.usable and line.idle_since > stale_at:
                return line
            line.close()
        try:
            async with asyncio.timeout(opening_s):
                return await connect(self._site.host, self._site.port, self._site.tls)
        except OSError:  # a TimeoutError is one
            raise NoAnswer(Reason.UNREACHABLE, "cannot connect", unsent=True) from None

    def _keep(self, line: Line) -> None:
        if line.usable:
            line.idle_since = asyncio.get_running_loop().time()
            self._idle.append(line)
        else:
            line.close()


class _Site(NamedTuple):
    """An LP's address, as its parts are needed."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    authority: str
    path: str


def _site(endpoint: Endpoint, context: ssl.SSLContext | None) -> _Site:
    """`url` as http or https, without a slash at its end. Raises ValueError."""
    try:
        url = urlsplit(endpoint.url.rstrip("/"))
        host, port = url.hostname or "", url.port
        host = host if ":" in host else host.encode("idna").decode()
    except ValueError:  # UnicodeError is one
        raise ValueError(f"{endpoint.name}: url cannot be read") from None
    secure, known = url.scheme in ("https", "wss"), url.scheme in ("http", "https", "ws", "wss")
    more = "@" in url.netloc or url.query or url.fragment
    if not known or more or not re.fullmatch(r"[\w.:-]+", host, re.ASCII):
        raise ValueError(f"{endpoint.name}: url must be http(s)://host[:port][/path]")
    name = f"[{host}]" if ":" in host else host
    return _Site(
        host=host,
        port=port or (443 if secure else 80),
        tls=(context or tls()) if secure else None,
        authority=name if port is None else f"{name}:{port}",
        path=quote(url.path, safe="/%:@!$&'()*+,;=~"),
    )


def signed(endpoint: Endpoint) -> Prove:
    """The design's signature. Raises ValueError for a key that no header can carry.

    No two requests have the same: an LP that takes a signature once would refuse the second.
    """
    key, secret = header_text(endpoint), endpoint.secret
    last = 0

    def prove(method: str, target: bytes, body: bytes, now: Instant) -> list[tuple[str, str]]:
        nonlocal last
        last = max(now // MILLISECOND, last + 1)
        timestamp = str(last)
        signature = sign(secret, timestamp, method, target, body)
        return [("X-API-KEY", key), ("X-TIMESTAMP", timestamp), ("X-SIGNATURE", signature)]

    return prove


def header_text(endpoint: Endpoint) -> str:
    """The key as a header's value. Raises ValueError."""
    if not endpoint.key.isascii() or not endpoint.key.isprintable() or " " in endpoint.key:
        raise ValueError(f"{endpoint.name}: key must be printable ASCII without spaces")
    return endpoint.key
