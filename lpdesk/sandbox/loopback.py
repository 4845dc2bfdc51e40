"""A web application on a free loopback port, inside the caller's event loop."""

import asyncio
import logging
import socket
import ssl
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_STREAM_MESSAGE_BYTES: Final = 65_536
_GOODBYE_SECONDS: Final = 0.1

# uvicorn logs a client's malformed request as a warning, and a logger without any handler prints
# warnings on stderr, which under the TUI is the dealer's screen.
logging.getLogger("uvicorn").addHandler(logging.NullHandler())


class _Connection(HttpToolsProtocol):
    """Shows the application its transport, so that a stand-in can cut the line."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {"transport": transport}
        super().connection_made(transport)


class Server(uvicorn.Server):
    """uvicorn without its main loop: no polling while idle, no signals, no waiting to stop."""

    port: int

    @classmethod
    async def open(
        cls,
        app: Starlette,
        ping_seconds: float | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> "Server":
        """Serves `app`; its WebSockets ping every `ping_seconds`, if the protocol has that."""
        config = uvicorn.Config(
            app,
            http=_Connection,
            ws="websockets-sansio",
            ws_max_size=MAX_STREAM_MESSAGE_BYTES,
            ws_ping_interval=ping_seconds,
            ws_per_message_deflate=False,
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        config.load()
        config.ssl = tls
        server = cls(config)
        server.lifespan = config.lifespan_class(config)
        # asyncio turns Nagle's delay off only on sockets that say they are TCP: 40 ms an answer.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        server.port = listener.getsockname()[1]
        await server.startup(sockets=[listener])
        return server

    async def close(self) -> None:
        """Lets running answers out for a moment, then cuts what is left."""
        for listener in self.servers:
            listener.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        await _settle(state.tasks)
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # asyncio tells a protocol of its end on the next turn
        await _settle(state.tasks)


async def _settle(tasks: set[asyncio.Task[Any]]) -> None:
    if tasks:
        await asyncio.wait(list(tasks), timeout=_GOODBYE_SECONDS)
