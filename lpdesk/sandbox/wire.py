"""What crosses the wire: signatures, bounded bodies, and the gates for every field from outside."""

import asyncio
import json
import re
import socket
import struct
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from hmac import compare_digest
from hmac import new as new_hmac
from math import ceil
from typing import Any, Final, NoReturn

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from lpdesk.sandbox.market import PAIRS

MAX_BODY_BYTES: Final = 16_384
BODY_SECONDS: Final = 5.0
TIMESTAMP_WINDOW_MS: Final = 300_000

_TIMESTAMP: Final = re.compile(r"[0-9]{1,16}", re.ASCII)
_QUANTITY: Final = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)
_ORDER_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)


class Refusal(Exception):
    """An answer of 4xx or 5xx: HTTP status, machine code, words for people, extra headers."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def sign(secret: str, timestamp: str, method: str, target: bytes = b"", body: bytes = b"") -> str:
    """Hex HMAC-SHA256 of timestamp + method + path with query + body.

    A stream's auth message signs the method "AUTH" with neither path nor body.
    """
    message = f"{timestamp}{method}".encode("utf-8", "replace") + target + body
    return new_hmac(secret.encode(), message, sha256).hexdigest()


def check_credentials(
    offered: tuple[str, str, str], key: str, expected_signature: str, now_ms: int
) -> None:
    """Raises Refusal 401 unless the offered (key, timestamp, signature) are right and fresh."""
    offered_key, timestamp, signature = offered
    # Compared as bytes: compare_digest raises on text that is not ASCII.
    known = compare_digest(offered_key.encode("utf-8", "replace"), key.encode())
    genuine = compare_digest(signature.encode("utf-8", "replace"), expected_signature.encode())
    if not known:
        raise Refusal(401, "BAD_KEY", "unknown API key")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise Refusal(401, "BAD_TIMESTAMP", "timestamp must be Unix milliseconds")
    if abs(int(timestamp) - now_ms) > TIMESTAMP_WINDOW_MS:
        raise Refusal(401, "BAD_TIMESTAMP", "timestamp is more than five minutes off")
    if not genuine:
        raise Refusal(401, "BAD_SIGNATURE", "signature does not match")


def request_target(request: Request) -> bytes:
    """The path with its query exactly as the client sent (and signed) it."""
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return path + b"?" + query if query else path


async def read_body(request: Request) -> bytes:
    """The whole body. Raises Refusal 413 as soon as it is too large, 408 when it is too slow."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise Refusal(413, "BODY_TOO_LARGE", f"body exceeds {MAX_BODY_BYTES} bytes")
    except TimeoutError as trouble:
        raise Refusal(408, "BODY_TOO_SLOW", f"no body in {BODY_SECONDS:g} s") from trouble
    except ClientDisconnect as trouble:
        raise Refusal(400, "NO_BODY", "the client left") from trouble
    return bytes(body)


def error_answer(refusal: Refusal) -> Response:
    """The answer for a refusal, as the protocol wants it."""
    content = {"code": refusal.code, "message": refusal.message}
    return JSONResponse(content, refusal.status, refusal.headers)


def reset_connection(transport: asyncio.WriteTransport) -> None:
    """Cuts a connection with a TCP reset instead of a farewell."""
    linger_zero = struct.pack("ii", 1, 0)
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_zero)
    transport.abort()


async def until_one_ends(*works: Coroutine[Any, Any, object]) -> None:
    """Does them at the same time; when one has ended the others are. Raises what it raised."""
    jobs = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
    for job in done:
        job.result()


class Budget:
    """A token bucket over all requests to one venue."""

    _NS_PER_SECOND = 1_000_000_000

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._spent = 0.0
        self._as_of_ns = now_ns()

    def spend(self, rate_per_second: int) -> None:
        """Takes one token; raises Refusal 429 with Retry-After when there is none."""
        now_ns = self._now_ns()
        refilled = (now_ns - self._as_of_ns) / self._NS_PER_SECOND * rate_per_second
        self._spent, self._as_of_ns = max(0.0, self._spent - refilled), now_ns
        # Half as much again as promised: requests sent evenly may still arrive in bunches.
        over = self._spent + 1 - rate_per_second * 1.5
        if over > 0:
            seconds = ceil(over / rate_per_second)
            raise Refusal(429, "RATE_LIMIT", "too many requests", {"Retry-After": str(seconds)})
        self._spent += 1


def parse_object(text: bytes | str) -> dict[str, Any]:
    """A JSON object without NaN or duplicate keys; raises Refusal 400 for anything else."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        parsed = json.loads(text, object_pairs_hook=_unique, parse_constant=_not_a_number)
    except (ValueError, RecursionError) as trouble:
        raise Refusal(400, "BAD_JSON", "body must be one JSON object") from trouble
    if not isinstance(parsed, dict):
        raise Refusal(400, "BAD_JSON", "body must be one JSON object")
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        raise ValueError("duplicate key")
    return unique


def _not_a_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def text_field(fields: Mapping[str, Any], name: str) -> str:
    """A required string; raises Refusal 422."""
    value = fields.get(name)
    if not isinstance(value, str):
        raise Refusal(422, "BAD_FIELD", f"{name} must be a string")
    return value


def symbol_field(fields: Mapping[str, Any], offered: tuple[str, ...]) -> str:
    """One of the offered symbols; raises Refusal 422."""
    symbol = text_field(fields, "symbol")
    if symbol not in offered or symbol not in PAIRS:
        raise Refusal(422, "UNKNOWN_SYMBOL", "symbol is not offered here")
    return symbol


def side_field(fields: Mapping[str, Any]) -> str:
    """ "BUY" or "SELL"; raises Refusal 422."""
    side = text_field(fields, "side")
    if side not in ("BUY", "SELL"):
        raise Refusal(422, "BAD_SIDE", "side must be BUY or SELL")
    return side


def quantity_field(fields: Mapping[str, Any]) -> Decimal:
    """A positive plain decimal of at most 18 digits on either side; raises Refusal 422."""
    text = text_field(fields, "quantity")
    if not _QUANTITY.fullmatch(text) or not Decimal(text):
        raise Refusal(422, "BAD_QUANTITY", "quantity must be a positive plain decimal")
    return Decimal(text)


def order_id_field(fields: Mapping[str, Any]) -> str:
    """A client order id that is safe in a path; raises Refusal 422."""
    order_id = text_field(fields, "clientOrderId")
    if not _ORDER_ID.fullmatch(order_id):
        raise Refusal(422, "BAD_ORDER_ID", "clientOrderId must be 1 to 64 of A-Z a-z 0-9 . _ : -")
    return order_id


def since_ns(text: str) -> int:
    """An ISO 8601 time with zone, to the microsecond, as UTC ns; raises Refusal 422."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as trouble:
        raise Refusal(422, "BAD_SINCE", "since must be an ISO 8601 time") from trouble
    if moment.tzinfo is None:
        raise Refusal(422, "BAD_SINCE", "since must carry a zone, as in 2026-01-19T14:30:25Z")
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return ((elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds) * 1_000
