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
MOST_SPENT = 50_000
"""Of each key: some 6 MB."""

REPEATABLE = ("GET", "HEAD")
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


class Spent:
    """One key's signatures that had their one request. What is too old is refused, and forgotten.

    Nothing is known of what was signed before `since_ms`, when the desk was opened: that is too
    old. Of more than `most` the oldest are forgotten, and from then on too old as well.
    """

    def __init__(self, since_ms: int, most: int = MOST_SPENT) -> None:
        self._from_ms = since_ms
        self._most = most
        self._count = 0
        self._seconds: dict[int, set[bytes]] = {}  # by the second that they were made in

    @property
    def kept(self) -> int:
        """How many are known."""
        return self._count

    def spend(self, signature: bytes, timestamp_ms: int, now_ms: int) -> None:
        """Raises `Problem` 401 for one that was used before, or may have been."""
        second = timestamp_ms // 1_000
        if second not in self._seconds:
            self._forget(now_ms)
        if timestamp_ms < self._from_ms:
            raise _refused("signed too long ago, or before the desk was opened: sign it again")
        spent = self._seconds.setdefault(second, set())
        if signature in spent:
            raise _refused("this signature was used before: sign each request with a new timestamp")
        spent.add(signature)
        self._count += 1

    def _forget(self, now_ms: int) -> None:
        """Once for each second that anything is signed in."""
        for second in sorted(self._seconds):
            end_ms = (second + 1) * 1_000
            if self._count <= self._most and end_ms > now_ms - WINDOW_MS:
                return
            self._count -= len(self._seconds.pop(second))
            self._from_ms = max(self._from_ms, end_ms)


class Keys:
    """All keys. Everything that is compared is compared as bytes, in constant time."""

    def __init__(self, keys: Iterable[Key], since_ms: int = 0) -> None:
        self._by_name = {key.name.encode(): key for key in keys}
        self._by_token = {sha256(key.secret).digest(): key for key in self._by_name.values()}
        self._nobody = Key("", sha256(b"nobody").digest(), "")
        self._spent = {name: Spent(since_ms) for name in self._by_name}

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
        if method not in REPEATABLE:
            self._spent[name].spend(expected[:32], int(timestamp), now_ms)
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
