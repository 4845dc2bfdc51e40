"""The ASGI application: every request passes the same gates before its handler sees it."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from email.utils import formatdate
from functools import lru_cache, partial
from hashlib import sha256
from time import perf_counter, time, time_ns
from urllib.parse import parse_qsl

from msgspec import json
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from lpdesk.api import problems
from lpdesk.api.access import Key, Keys, header
from lpdesk.api.problems import Problem
from lpdesk.api.routes import Route
from lpdesk.api.schema import Problems
from lpdesk.api.service import Answer, Ask, Service, do
from lpdesk.domain.commands import KeepAnswer, Origin
from lpdesk.domain.values import MILLISECOND
from lpdesk.domain.wire import Malformed, parse

JSON_API = "application/vnd.api+json"
JSON = "application/json"
MAX_PARAMETERS = 200
MAX_HEADER_BYTES = 16_384
HEAD_TOO_LARGE = f"path and headers have at most {MAX_HEADER_BYTES} bytes"
_log = logging.getLogger(__name__)
_TOKEN = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_NOBODY = Key("", b"", "")


def build(service: Service, keys: Keys, routes: Sequence[Route]) -> ASGIApp:
    """The application for these routes."""
    gates = Gates(service, keys)
    router = Router(
        [
            StarletteRoute(path, Call(partial(gates.pass_through, calls)))
            for path, calls in _by_path(routes).items()
        ],
        redirect_slashes=False,
        default=Call(_not_routed),
    )

    async def without_slash(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if len(path) > 1 and path.endswith("/"):
            scope["path"] = path.rstrip("/") or "/"
        await router(scope, receive, send)

    return without_slash


class Call:
    """A function from request to response as an application; what breaks in it is a plain 500."""

    def __init__(self, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            _check_head(scope)
            response = await self._answer(Request(scope, receive, send))
        except Problem as problem:
            response = _response(_refusal([problem]))
        except Exception:
            _log.exception("a bug in the API")
            response = _response(_refusal([Problem("internal", "the desk could not answer")]))
        await response(scope, receive, send)


def _by_path(routes: Sequence[Route]) -> dict[str, dict[str, Route]]:
    """Path -> method -> route; a path's wrong methods are then told its right ones."""
    paths: dict[str, dict[str, Route]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = route
    return paths


class Gates:
    """From the socket to the handler and back: who, how much at once, what, and only once."""

    def __init__(self, service: Service, keys: Keys) -> None:
        self._service = service
        self._keys = keys
        self._in_flight: Counter[str] = Counter()
        self._under_way: set[tuple[str, str]] = set()

    async def pass_through(self, calls: dict[str, Route], request: Request) -> Response:
        """Answer one request, whatever is wrong with it."""
        method = "GET" if request.method == "HEAD" else request.method  # uvicorn sends no body
        route = calls.get(method)
        if route is None:
            refusal = _refusal([Problem("method_not_allowed", "this path has no such method")])
            return _response(refusal, Allow=", ".join(calls))
        began = perf_counter()
        try:
            answer = await self._answer(route, request)
        except Problem as problem:
            answer = _refusal([problem])
        except Problems as several:
            answer = _refusal(several.problems)
        self._service.metrics.answered(route.name, answer.status, perf_counter() - began)
        return _response(answer)

    async def _answer(self, route: Route, request: Request) -> Answer:
        raw = request.headers.raw
        _check_accept(header(raw, b"accept"), route.media_type)
        body = await _read(request, self._service.terms.max_body_bytes)
        caller = _NOBODY if route.open else self._caller(request, body)
        if route.deals and not caller.may_deal:
            raise Problem("forbidden", f"a {caller.role}'s key may look, and not deal")
        if self._in_flight[caller.name] >= self._service.terms.max_in_flight:
            raise Problem("too_many", "too many requests of this key are under way")
        self._in_flight[caller.name] += 1
        try:
            return await self._handle(route, request, caller, body)
        finally:
            self._in_flight[caller.name] -= 1

    def _caller(self, request: Request, body: bytes) -> Key:
        path: bytes = request.scope["raw_path"]
        query: bytes = request.scope["query_string"]
        target = path + b"?" + query if query else path
        now_ms = time_ns() // MILLISECOND  # a signer goes by the world's time, wherever ours is set
        return self._keys.caller(request.headers.raw, request.method, target, body, now_ms)

    async def _handle(self, route: Route, request: Request, caller: Key, body: bytes) -> Answer:
        token = _token(header(request.headers.raw, b"idempotency-key")) if route.deals else ""
        digest = sha256(b"\n".join((route.name.encode(), _path(request), body))).hexdigest()
        attributes, spelt = _attributes(route, request, body)
        ask = Ask(
            service=self._service,
            caller=caller,
            path={name: str(value) for name, value in request.path_params.items()},
            query=_parameters(request),
            attributes=attributes,
            spelt=spelt,
            origin=Origin(caller=caller.name, token=token, digest=digest),
        )
        if not route.many and ask.query:
            raise Problem("malformed", "unknown parameter", parameter=ask.query[0][0] or "?")
        return await (self._once(route, ask) if token else route.handler(ask))

    async def _once(self, route: Route, ask: Ask) -> Answer:
        """The same name and request: the same answer, and one effect; also after a restart."""
        name = ask.origin.caller, ask.origin.token
        if name in self._under_way:
            raise Problem("in_progress", "this request is under way", header="Idempotency-Key")
        self._under_way.add(name)
        try:
            taken = self._service.reader.taken(*name)
            if taken and taken.digest != ask.origin.digest:
                text = "this key was used for another request"
                raise Problem("key_reused", text, header="Idempotency-Key")
            if taken and taken.status is not None:
                return _stored(taken.status, taken.body.encode())
            ask.taken = taken.events if taken else None
            return await self._kept(route, ask)
        finally:
            self._under_way.discard(name)

    async def _kept(self, route: Route, ask: Ask) -> Answer:
        """The handler's answer, on record if the request had an effect."""
        try:
            answer = await route.handler(ask)
        except Problem as problem:
            if not ask.had_effect or problem.status >= 500:
                raise
            answer = _refusal([problem])
        if ask.had_effect:
            body = answer.body.decode()
            keep = KeepAnswer(origin=ask.origin, status=answer.status, body=body)
            await do(self._service, keep)
        return answer


def _stored(status: int, body: bytes) -> Answer:
    """An answer as it was given, with where the object is that it told of."""
    location = json.decode(body)["data"]["links"]["self"] if status == 201 else ""
    return Answer(status, body, location)


# ---- in


def _check_head(scope: Scope) -> None:
    """What came before the body; in one piece it passes the connection's own limit."""
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    if len(scope["raw_path"]) + len(scope["query_string"]) + headers > MAX_HEADER_BYTES:
        raise Problem("headers_too_large", HEAD_TOO_LARGE)
    if scope["http_version"] == "1.1" and not header(scope["headers"], b"host"):
        raise Problem("malformed", "is needed", header="Host")


def _path(request: Request) -> bytes:
    path: str = request.scope["path"]
    return path.encode("utf-8", "replace")


def _token(value: bytes) -> str:
    if not value:
        return ""
    if not _TOKEN.fullmatch(value):
        text = "must be 1 to 128 letters, digits or . _ : -"
        raise Problem("malformed", text, header="Idempotency-Key")
    return value.decode()


def _parameters(request: Request) -> list[tuple[str, str]]:
    query: bytes = request.scope["query_string"]
    try:
        text = query.decode("ascii")
        return parse_qsl(
            text, keep_blank_values=True, max_num_fields=MAX_PARAMETERS, errors="strict"
        )
    except ValueError:
        raise Problem("malformed", "the query cannot be read") from None


def _attributes(
    route: Route, request: Request, body: bytes
) -> tuple[dict[str, object], dict[str, str]]:
    """What the body says, as its route wants it, and how that was spelt."""
    if not body:
        if route.body:
            raise Problem("malformed", "a JSON:API document is needed")
        return {}, {}
    raw = request.headers.raw
    if header(raw, b"content-encoding") not in (b"", b"identity"):
        raise Problem("unsupported_media_type", "bodies come as they are, not compressed")
    _check_content_type(header(raw, b"content-type"))
    try:
        document = parse(body)
    except (Malformed, RecursionError) as bad:
        raise Problem("malformed", f"the body is {bad}") from None
    if route.body:
        return route.body.read(document)
    if not isinstance(document, dict):
        raise Problem("malformed", "the body must be an object, or nothing")
    return {}, {}


def _check_content_type(value: bytes) -> None:
    media_type, _, parameters = value.lower().partition(b";")
    media_type = media_type.strip()
    if media_type == JSON_API.encode() and not _names(parameters) <= {b"profile"}:
        raise Problem("unsupported_media_type", f"{JSON_API} has no parameter here but profile")
    if media_type not in (JSON_API.encode(), JSON.encode()):
        raise Problem("unsupported_media_type", f"the body must be {JSON_API}")


def _check_accept(value: bytes, media_type: str) -> None:
    """406 where nothing that is accepted could be sent, or JSON:API only with what is not known."""
    if not value or media_type != JSON_API:
        return
    named, wide = [], False
    for each in value.lower().split(b","):
        kind, _, parameters = each.partition(b";")
        if kind.strip() == JSON_API.encode():
            named.append(_names(parameters) <= {b"profile", b"q"})
        wide |= kind.strip() in (b"*/*", b"application/*", JSON.encode())
    if not (any(named) if named else wide):
        text = f"answers are {JSON_API} without parameters"
        raise Problem("not_acceptable", text, header="Accept")


def _names(parameters: bytes) -> set[bytes]:
    """Of a media type. JSON:API 1.1: a profile may be ignored; no extension is known here."""
    return {each.partition(b"=")[0].strip() for each in parameters.split(b";") if each.strip()}


async def _read(request: Request, limit: int) -> bytes:
    """The whole body, at most `limit` bytes. The connection's own deadline bounds the time."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise Problem("too_large", f"a body has at most {limit} bytes")
    except ClientDisconnect:
        raise Problem("malformed", "the body did not come whole") from None
    return bytes(body)


# ---- out


def _refusal(found: Sequence[Problem]) -> Answer:
    return Answer(*problems.document(found))


@lru_cache(1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _response(answer: Answer, **headers: str) -> Response:
    headers["Date"] = _date(int(time()))  # RFC 9110; and a signer's clock can be set by it
    if answer.location:
        headers["Location"] = answer.location
    if answer.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if answer.status == 413:
        headers["Connection"] = "close"  # the rest of the body is not waited for
    if answer.status in (429, 503):
        headers["Retry-After"] = "1"
    return Response(answer.body, answer.status, headers, answer.media_type)


async def _not_routed(request: Request) -> Response:
    return _response(_refusal([Problem("not_found", "there is no such path")]))
