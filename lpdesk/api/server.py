"""uvicorn in the desk's own loop, with every connection bounded in bytes and in time."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from time import time_ns
from typing import Any, cast

import uvicorn
from msgspec import Struct
from msgspec.structs import replace
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from lpdesk.api import openapi
from lpdesk.api.access import Key, Keys
from lpdesk.api.app import HEAD_TOO_LARGE, MAX_HEADER_BYTES, build
from lpdesk.api.metrics import Metrics
from lpdesk.api.problems import Problem, document
from lpdesk.api.reading import Reader
from lpdesk.api.routes import ROUTES
from lpdesk.api.service import Service, Terms
from lpdesk.domain.record import Record
from lpdesk.domain.values import MILLISECOND
from lpdesk.domain.wire import dump
from lpdesk.session import Session

KEEP_ALIVE_S = 75
GOODBYE_S = 1.0
BACKLOG = 1024
REFUSAL = (
    b"%sconnection: close\r\ncontent-type: application/vnd.api+json\r\ncontent-length: %d\r\n\r\n"
)
STUCK_S = 10.0
"""A client that does not read its answer is given so long."""

# uvicorn warns of malformed requests, and a logger without any handler prints on the screen.
logging.getLogger("uvicorn").addHandler(logging.NullHandler())


class Limits(Struct, frozen=True, kw_only=True):
    """Of connections: how many there may be, and seconds for a whole request to come in."""

    connections: int
    receive_s: float


class _Together:
    """A transport that sends in one piece what is written in one turn of the loop.

    uvicorn writes an answer's head and then its body: two packets, and the client wakes twice.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._call_soon = loop.call_soon
        self._held: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._held:
            self._call_soon(self._flush)
        self._held.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held and not self._transport.is_closing():
            self._transport.write(b"".join(self._held))
        self._held.clear()


class Connection(HttpToolsProtocol):
    """uvicorn's, with a bound for a head, and a deadline for a request and for reading an answer.

    uvicorn times idle connections out and nothing else: half a header would be kept for ever.
    """

    limits = Limits(connections=512, receive_s=10)
    _deadline: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None
    _coming = False
    """Whether a request has begun, and is not here whole."""
    _in_head = True
    _head_bytes = 0
    _deaf = False
    """Whether what still comes is read, as else it would reset the answer, and thrown away."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if len(self.connections) >= self.limits.connections:
            transport.abort()
        super().connection_made(cast(asyncio.Transport, _Together(transport, self.loop)))
        self._arm()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEADER_BYTES:
            self._refuse("headers_too_large", HEAD_TOO_LARGE)
        elif self._owed and not self._coming:
            self._disarm()
        else:
            self._arm()

    @property
    def _owed(self) -> bool:
        """Whether a request waits for its answer."""
        return bool(self.cycle) and not self.cycle.response_complete

    def on_message_begin(self) -> None:
        self._coming = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head, self._head_bytes = False, 0
        super().on_headers_complete()
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False  # the parser is lost in what may follow

    def on_message_complete(self) -> None:
        self._coming, self._in_head = False, True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._coming:
            self._disarm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        if self._stuck:
            self._stuck.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        self._stuck = self.loop.call_later(STUCK_S, self.transport.abort)
        super().pause_writing()

    def resume_writing(self) -> None:
        if self._stuck:
            self._stuck.cancel()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        self._refuse("malformed", "this is no HTTP request")

    def _arm(self) -> None:
        if self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(self.limits.receive_s, self._too_slow)

    def _disarm(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        """The request did not come whole in time."""
        self._deadline = None
        self._refuse("too_slow", f"a whole request comes within {self.limits.receive_s:g} s")

    def _refuse(self, code: str, text: str) -> None:
        """The last answer here, to what is no whole request. One before it is answered first."""
        if self.transport.is_closing():
            return
        if self._owed and not self.cycle.more_body:
            self.cycle.keep_alive, self._deaf = False, True
            return
        if not self._owed or not self.cycle.response_started:
            status, body = document([Problem(code, text)])
            self.transport.write(REFUSAL % (STATUS_LINE[status], len(body)) + body)
        self.transport.close()


class Server(uvicorn.Server):
    """uvicorn without its main loop: no polling while idle, no signals."""

    port: int

    @classmethod
    async def open(cls, app: ASGIApp, host: str, port: int, limits: Limits) -> Server:
        """Serve `app`. Raises OSError when the address cannot be had."""
        limits = replace(limits, connections=room(limits.connections))
        protocol = type("BoundedConnection", (Connection,), {"limits": limits})
        config = uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            timeout_keep_alive=KEEP_ALIVE_S,
            backlog=max(1, limits.connections // 4),  # that are taken in before any is refused
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
        )
        config.load()
        server = cls(config)
        server.lifespan = config.lifespan_class(config)
        listener = _listener(host, port)
        server.port = listener.getsockname()[1]
        await server.startup(sockets=[listener])
        listener.listen(BACKLOG)  # they wait where they need no descriptor
        return server

    async def close(self) -> None:
        """No new connections; answers under way are let out, then what is left is cut."""
        for listener in self.servers:
            listener.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        await _settle(state.tasks)
        for task in list(state.tasks):
            task.cancel()
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # asyncio tells a protocol of its end on the next turn


def room(wanted: int) -> int:
    """So many connections, or as many as there are file descriptors for.

    A third of them: asyncio takes as many in again before it refuses any, and LPs need theirs. A
    loop that has none left does nothing else than ask for one.
    """
    try:
        import resource
    except ImportError:  # another system, other limits
        return wanted
    limit, used = resource.RLIMIT_NOFILE, sum(1 for _ in Path("/dev/fd").iterdir())
    soft, hard = resource.getrlimit(limit)
    if soft != resource.RLIM_INFINITY and soft < used + 3 * wanted:
        more = used + 3 * wanted
        soft = more if hard == resource.RLIM_INFINITY else min(more, hard)
        resource.setrlimit(limit, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, (soft - used) // 3))


def _listener(host: str, port: int) -> socket.socket:
    """asyncio turns Nagle's delay off only on sockets that say they are TCP: 40 ms an answer."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except BaseException:
        listener.close()
        raise
    return listener


async def _settle(tasks: set[asyncio.Task[Any]]) -> None:
    if tasks:
        await asyncio.wait(list(tasks), timeout=GOODBYE_S)


class Api:
    """The desk's HTTP side, from when it is open until it is closed."""

    def __init__(self, server: Server, reader: Reader) -> None:
        self.port = server.port
        self._server = server
        self._reader = reader

    @classmethod
    async def open(
        cls,
        session: Session,
        journal: Path,
        listen: Callable[[Callable[[Record], None]], None],
        keys: list[Key],
        terms: Terms,
        address: tuple[str, int],
        limits: Limits,
    ) -> Api:
        """Serve `session`, whose journal is at `journal`; `listen` says every durable record.

        Raises OSError when the address cannot be had, sqlite3.Error for the journal.
        """
        reader = Reader(journal)
        await reader.open()
        try:
            published = dump(openapi.document(ROUTES))
            service = Service(session, reader, terms, Metrics(), published)
            listen(service.news.heard)
            known = Keys(keys, since_ms=time_ns() // MILLISECOND)
            server = await Server.open(build(service, known, ROUTES), *address, limits)
        except BaseException:
            await reader.close()
            raise
        return cls(server, reader)

    async def close(self) -> None:
        """Stop answering, then reading."""
        await self._server.close()
        await self._reader.close()
