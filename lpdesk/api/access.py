"""Who calls: API keys with roles, proved by an HMAC signature or a bearer token."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from hmac import compare_digest
from hmac import new as hmac_new

from msgspec import Struct

from lpdesk.api.problems import Problem

WINDOW_MS = 300_000
ROLES = ("integrator", "dealer", "supervisor")
MAY_DEAL = ("integrator", "dealer")

Headers = Sequence[tuple[bytes, bytes]]
_TIMESTAMP = re.compile(rb"[0-9]{1,16}")


class Key(Struct, frozen=True):
    """An API key. `organization` is empty for roles that see all."""

    name: str
    secret: bytes
    role: str
    organization: str = ""

    @property
    def may_deal(self) -> bool:
        return self.role in MAY_DEAL


def header(headers: Headers, name: bytes) -> bytes:
    """A header's value, empty if absent. Raises `Problem` when it is there twice."""
    found = [value for key, value in headers if key == name]
    if len(found) > 1:
        raise Problem("malformed", "said twice", header=name.decode())
    return found[0] if found else b""


def sign(secret: bytes, timestamp: bytes, method: str, target: bytes, body: bytes) -> bytes:
    """Hex HMAC-SHA256 of timestamp (Unix ms) + method + path with query as sent + body as sent."""
    message = timestamp + method.encode("utf-8", "replace") + target + body
    return hmac_new(secret, message, sha256).hexdigest().encode()


class Keys:
    """All keys. Everything that is compared is compared as bytes, in constant time."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._by_name = {key.name.encode(): key for key in keys}
        self._by_token = {sha256(key.secret).digest(): key for key in self._by_name.values()}
        self._nobody = Key("", sha256(b"nobody").digest(), "")

    def caller(self, headers: Headers, method: str, target: bytes, body: bytes, now_ms: int) -> Key:
        """Who sent this. Raises `Problem` 401."""
        bearer = header(headers, b"authorization")
        if bearer:
            return self._bearer(bearer)
        name = header(headers, b"x-api-key")
        if not name:
            raise _refused("a bearer token, or a signed request, is needed")
        key = self._by_name.get(name, self._nobody)
        timestamp = header(headers, b"x-timestamp")
        expected = sign(key.secret, timestamp, method, target, body)
        genuine = compare_digest(header(headers, b"x-signature").lower(), expected)
        if not _TIMESTAMP.fullmatch(timestamp):
            raise _refused("X-TIMESTAMP must be Unix milliseconds")
        if abs(int(timestamp) - now_ms) > WINDOW_MS:
            raise _refused("X-TIMESTAMP is more than five minutes off")
        if not genuine or key is self._nobody:
            raise _refused("unknown key, or the signature does not match")
        return key

    def _bearer(self, value: bytes) -> Key:
        scheme, _, token = value.partition(b" ")
        # Looked up by its digest: how long that takes says nothing about the token.
        key = self._by_token.get(sha256(token.strip()).digest())
        if (
            scheme.lower() != b"bearer"
            or key is None
            or not compare_digest(token.strip(), key.secret)
        ):
            raise _refused("unknown token")
        return key


def _refused(why: str) -> Problem:
    return Problem("not_authenticated", why)
