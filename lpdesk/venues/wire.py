"""What crosses the wire to an LP: our signatures, and how large an answer may be."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from hmac import new as hmac_new

ANSWER_LIMIT = 64 * 1024
"""Bytes of one answer or one stream message."""


def exact(fields: Mapping[str, object]) -> bytes:
    """Compact JSON with decimals as JSON numbers, to the last digit and without an exponent."""

    def marked(value: object) -> str:
        assert isinstance(value, Decimal)
        return f"{_MARK}{value:f}"

    text = json.dumps(fields, separators=(",", ":"), default=marked)
    return _MARKED.sub(r"\1", text).encode()


_MARK = "decimal:"
_MARKED = re.compile(f'"{_MARK}(-?[0-9.]+)"')


def sign(secret: str, timestamp: str, method: str, target: bytes = b"", body: bytes = b"") -> str:
    """Hex HMAC-SHA256 of timestamp (Unix ms) + method + path with query as sent + body as sent.

    A stream's logon signs the method "AUTH" and nothing more.
    """
    message = timestamp.encode() + method.encode() + target + body
    return hmac_new(secret.encode(), message, sha256).hexdigest()
