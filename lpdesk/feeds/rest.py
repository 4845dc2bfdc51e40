"""One price by REST, for the time without a connection. Everything bounded: bytes and time."""

from __future__ import annotations

import asyncio
import ssl
from functools import cache

import httpx

from lpdesk.domain.wire import Fields, Malformed, parse

ANSWER_LIMIT = 64 * 1024
PATIENCE_S = 2.0
MAX_REST_S = 120
"""However long a server tells us to stay away."""

SLOW_DOWN = (418, 429)


class NoAnswer(Exception):
    """Nothing usable came; stay away for `rest_s`."""

    def __init__(self, text: str, rest_s: float = 0.0) -> None:
        super().__init__(text)
        self.rest_s = rest_s


@cache
def tls() -> ssl.SSLContext:
    """The one TLS context, verifying: loading the root certificates costs tens of milliseconds."""
    return httpx.create_ssl_context(verify=True, trust_env=False)


class Rest:
    """The REST side of one exchange. Raises ValueError for an address that can never work."""

    def __init__(self, base: str) -> None:
        try:
            url = httpx.URL(base)
        except httpx.InvalidURL:
            raise ValueError("rest_url cannot be read") from None
        if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
            raise ValueError("rest_url must be http(s)://host[:port][/path]")
        self._base = base.rstrip("/")
        self._client = httpx.AsyncClient(
            verify=tls() if url.scheme == "https" else False,
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=4, keepalive_expiry=4.0),
            # Nothing compressed is asked for, so nothing small can become large.
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )

    async def get(self, target: str) -> Fields:
        """The object that an answer of status 200 holds. Raises NoAnswer, Malformed."""
        try:
            async with (
                asyncio.timeout(PATIENCE_S),
                self._client.stream("GET", self._base + target, timeout=None) as response,
            ):
                if response.status_code != 200:
                    raise NoAnswer(f"HTTP {response.status_code}", _rest_s(response))
                if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                    raise Malformed("compressed answer")
                return Fields(parse(await _read(response)))
        except TimeoutError:
            raise NoAnswer("no answer in time") from None
        except httpx.HTTPError:
            raise NoAnswer("connection broken") from None

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > ANSWER_LIMIT:
            raise Malformed("answer too large")
    return bytes(body)


def _rest_s(response: httpx.Response) -> float:
    """How long to stay away: as told, or a while if told so without a number."""
    if response.status_code not in SLOW_DOWN:
        return 0.0
    told = response.headers.get("Retry-After", "")
    seconds = int(told) if told.isascii() and told.isdigit() and len(told) < 9 else 10
    return float(min(seconds, MAX_REST_S))
