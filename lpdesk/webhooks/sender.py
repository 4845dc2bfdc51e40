"""One signed POST to one endpoint, with everything bounded: time, connections, what is read."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache

import httpx
from msgspec import Struct
from standardwebhooks import Webhook

from lpdesk.domain.owed import Owed
from lpdesk.domain.values import SECOND, Instant
from lpdesk.webhooks.endpoint import Endpoint
from lpdesk.webhooks.target import Forbidden, resolve

AT_ONCE = 4
"""Webhooks under way to one endpoint."""


class Answer(Struct, frozen=True):
    """What came of a try: HTTP's status, or 0 and why there was none."""

    status: int
    text: str = ""
    retry_after_ns: int = 0

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        return self.status == 410


@cache
def _tls() -> object:
    return httpx.create_ssl_context(verify=True, trust_env=False)


class Sender:
    """The connections to one endpoint. Never follows a redirect, never uses a proxy."""

    def __init__(self, endpoint: Endpoint, now: Callable[[], Instant]) -> None:
        self._endpoint = endpoint
        self._now = now
        self._url = httpx.URL(endpoint.url)
        self._hooks = [Webhook(secret) for secret in endpoint.secrets]
        # Of its own: a resolver that hangs must hold up nobody else.
        self._resolver = ThreadPoolExecutor(1, f"webhook-{endpoint.name}")
        self._client = httpx.AsyncClient(
            verify=_tls(),  # type: ignore[arg-type]
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(
                max_connections=AT_ONCE, max_keepalive_connections=1, keepalive_expiry=4
            ),
        )

    async def post(self, owed: Owed) -> Answer:
        """One try; whatever goes wrong is in the answer."""
        timeout_s = self._endpoint.timeout_ns / SECOND
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchange(owed)
        except TimeoutError:
            return Answer(0, "no answer in time")
        except Forbidden as refused:
            return Answer(0, f"not sent: {refused}")
        except (httpx.HTTPError, OSError) as trouble:
            return Answer(0, _words(trouble))

    async def close(self) -> None:
        self._resolver.shutdown(wait=False, cancel_futures=True)
        await self._client.aclose()

    async def _exchange(self, owed: Owed) -> Answer:
        url = self._url
        port = url.port or (443 if url.scheme == "https" else 80)
        address = await resolve(url.host, port, self._endpoint.allow_private, self._resolver)
        host = url.netloc.decode("ascii")
        request = self._client.build_request(
            "POST",
            url.copy_with(host=address),
            content=owed.payload.encode("ascii"),
            headers={"Host": host, **self.headers(owed)},
            # The address was judged; the certificate is still the name's.
            extensions={"sni_hostname": url.host},
            timeout=None,
        )
        response = await self._client.send(request, stream=True)
        try:
            wait_ns = _retry_after_ns(response.headers.get("Retry-After", ""), self._now())
            text = "" if response.is_success else f"status {response.status_code}"
            return Answer(response.status_code, text, wait_ns)
        finally:
            await response.aclose()  # nobody needs the body

    def headers(self, owed: Owed) -> dict[str, str]:
        """Standard Webhooks: signed with every secret, now; the id is the same on every try."""
        at = datetime.fromtimestamp(self._now() // SECOND, UTC)
        signatures = [hook.sign(owed.event_id, at, owed.payload) for hook in self._hooks]
        return {
            "Content-Type": "application/json",
            "User-Agent": "lpdesk",
            "webhook-id": owed.event_id,
            "webhook-timestamp": str(self._now() // SECOND),
            "webhook-signature": " ".join(signatures),
        }


def _words(trouble: Exception) -> str:
    """Without the exception's own text, which may be the target's."""
    if isinstance(trouble, httpx.ConnectError | httpx.ConnectTimeout):
        return "cannot connect"
    if isinstance(trouble, httpx.HTTPError):
        return "connection broken"
    return "name not found"


def _retry_after_ns(text: str, now: Instant) -> int:
    """`Retry-After`, in seconds or as an HTTP date, as nanoseconds from `now`; 0 if unreadable."""
    if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        return int(text) * SECOND
    try:
        return max(0, int(parsedate_to_datetime(text).timestamp()) * SECOND - now)
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0
