"""One signed request at a time to one LP, with everything bounded: connections, bytes and time."""

from __future__ import annotations

import asyncio
import ssl
from functools import cache
from importlib import import_module

import httpx
from msgspec import Struct

from lpdesk.clock import Clock
from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import MILLISECOND, SECOND, Instant
from lpdesk.domain.wire import Malformed
from lpdesk.venues.base import Endpoint
from lpdesk.venues.wire import ANSWER_LIMIT, read, sign

MAX_CONNECTIONS = 96
KEEP_ALIVE_S = 4.0
"""Less than the 5 s of common servers: an order seldom meets a connection that is closing."""

CONNECT_S = 5.0


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


@cache
def tls() -> ssl.SSLContext:
    """The one TLS context, verifying: loading the root certificates costs tens of milliseconds."""
    return httpx.create_ssl_context(verify=True, trust_env=False)


@cache
def load_network() -> None:
    """Import what the client would only import at its first connection: 40 ms of a first price."""
    import_module("anyio._backends._asyncio")


class Http:
    """The connections to one LP. Raises ValueError for an address or a key that can never work."""

    def __init__(self, endpoint: Endpoint, clock: Clock) -> None:
        self._base = _base_url(endpoint)
        self._key = _header_text(endpoint)
        self._secret = endpoint.secret
        self._clock = clock
        self._client = httpx.AsyncClient(
            verify=tls(),
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=16,
                keepalive_expiry=KEEP_ALIVE_S,
            ),
            # Nothing compressed is asked for, so nothing small can become large.
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )

    async def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        patience_s: float,
        send_by: Instant | None = None,
        limit: int = ANSWER_LIMIT,
    ) -> Answer:
        """Send one request, never twice, and read its whole answer of at most `limit` bytes.

        Waits `patience_s` in all. No byte is sent after `send_by`. Raises NoAnswer.
        """
        gate = _Gate(self._clock, send_by)
        request = self._request(method, path, body, self._opening_s(patience_s, send_by), gate)
        try:
            async with asyncio.timeout(patience_s):
                return await self._exchange(request, limit)
        except Malformed as trouble:
            raise NoAnswer(Reason.MALFORMED, trouble.text) from None
        except TimeoutError:
            raise NoAnswer(Reason.TIMED_OUT, "no answer in time") from None
        except httpx.HTTPError as trouble:
            raise _no_answer(trouble, gate) from None

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def _opening_s(self, patience_s: float, send_by: Instant | None) -> float:
        """Seconds to wait for a connection: none is of use after `send_by`."""
        left_s = patience_s if send_by is None else (send_by - self._clock.now()) / SECOND
        return min(CONNECT_S, patience_s, max(left_s, 0.001))

    def _request(
        self, method: str, path: str, body: bytes, opening_s: float, gate: _Gate
    ) -> httpx.Request:
        timeout = httpx.Timeout(None, connect=opening_s, pool=opening_s)
        request = self._client.build_request(
            method,
            self._base + path,
            content=body or None,
            timeout=timeout,
            extensions={"trace": gate.pass_through},
        )
        timestamp = str(self._clock.now() // MILLISECOND)
        request.headers["X-API-KEY"] = self._key
        request.headers["X-TIMESTAMP"] = timestamp
        request.headers["X-SIGNATURE"] = sign(
            self._secret, timestamp, method, request.url.raw_path, body
        )
        if body:
            request.headers["Content-Type"] = "application/json"
        return request

    async def _exchange(self, request: httpx.Request, limit: int) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise Malformed("compressed answer")
            body = await read(response.aiter_raw(), limit)
            return Answer(response.status_code, body, response.headers.get("Retry-After", ""))
        finally:
            await response.aclose()


class _Gate:
    """Stands where a request's first byte is about to leave, and remembers that it did."""

    def __init__(self, clock: Clock, send_by: Instant | None) -> None:
        self._clock = clock
        self._send_by = send_by
        self.passed = False

    async def pass_through(self, step: str, _: object) -> None:
        """httpx's `trace` hook."""
        if step != "http11.send_request_headers.started":
            return
        if self._send_by is not None and self._clock.now() > self._send_by:
            raise NoAnswer(Reason.TOO_LATE, "connected too late", unsent=True)
        self.passed = True


_BEFORE_SENDING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""A kept-alive connection that the LP closed fails while sending, so it is none of these."""


def _no_answer(trouble: httpx.HTTPError, gate: _Gate) -> NoAnswer:
    if isinstance(trouble, _BEFORE_SENDING) and not gate.passed:
        text = "no free connection" if isinstance(trouble, httpx.PoolTimeout) else "cannot connect"
        return NoAnswer(Reason.UNREACHABLE, text, unsent=True)
    if isinstance(trouble, httpx.TimeoutException):
        return NoAnswer(Reason.TIMED_OUT, "no answer in time")
    if isinstance(trouble, httpx.ProtocolError | httpx.DecodingError):
        return NoAnswer(Reason.MALFORMED, "broken HTTP answer")
    return NoAnswer(Reason.UNREACHABLE, "connection broken")


def _base_url(endpoint: Endpoint) -> str:
    """`url` as http or https, without a slash at its end. Raises ValueError."""
    scheme, separator, rest = endpoint.url.rstrip("/").partition("://")
    scheme = {"ws": "http", "wss": "https"}.get(scheme, scheme)
    base = f"{scheme}{separator}{rest}"
    try:
        url = httpx.URL(base)
    except httpx.InvalidURL:
        raise ValueError(f"{endpoint.name}: url cannot be read") from None
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise ValueError(f"{endpoint.name}: url must be http(s)://host[:port][/path]")
    return base


def _header_text(endpoint: Endpoint) -> str:
    if not endpoint.key.isascii() or not endpoint.key.isprintable() or " " in endpoint.key:
        raise ValueError(f"{endpoint.name}: key must be printable ASCII without spaces")
    return endpoint.key
