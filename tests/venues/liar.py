"""LPs that say exactly what a test scripts, byte for byte, over real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from lpdesk.domain.record import Report
from lpdesk.domain.values import MILLISECOND
from lpdesk.venues.base import Endpoint
from tests.conftest import eventually

DEADLINE_S = 3.0


QUOTE = {"quoteId": "Q9", "price": "100000.00", "quantity": "1.5", "expiresIn": 10000}
FILL = {
    "executionId": "E1",
    "clientOrderId": "O-1",
    "fillPrice": "101.5",
    "fillQuantity": "1.5",
    "fee": "0.2",
    "feeAsset": "USDT",
    "status": "FILLED",
}
HTML = "<html><body>502 Bad Gateway</body></html>"
EVIL = "no\x1b[2J[@click=app.quit]x"


def without(fields: dict[str, Any], *names: str, **more: Any) -> dict[str, Any]:
    return {name: value for name, value in (fields | more).items() if name not in names}


@dataclass
class Said:
    """One scripted answer: the bytes, and what happens to the connection after them."""

    data: bytes = b""
    then: str = "keep"  # keep, close, reset, hang


@dataclass
class Heard:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def answer(
    body: bytes | str | dict[str, Any] = b"", status: int = 200, then: str = "keep", **headers: str
) -> Said:
    """A well-formed HTTP answer around any body; `_` in a header name stands for `-`."""
    if isinstance(body, dict):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return Said("\r\n".join(lines).encode() + b"\r\n\r\n" + body, then)


@dataclass
class Liar:
    """A raw HTTP server: the n-th request gets the n-th thing said, whatever it asked for."""

    port: int = 0
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    script: deque[Said] = field(default_factory=deque)
    open: dict[asyncio.Task[Any], asyncio.StreamWriter] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def says(self, *script: Said) -> None:
        self.script.extend(script)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.open[task] = writer
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
            while True:
                self.heard.append(await _hear(reader))
                said = self.script.popleft() if self.script else Said(then="close")
                writer.write(said.data)
                await writer.drain()
                if said.then == "hang":
                    await reader.read()
                if said.then == "reset":
                    linger = struct.pack("ii", 1, 0)
                    raw = writer.get_extra_info("socket")
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                if said.then != "keep":
                    break
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        del self.open[task]


async def _hear(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in headers.items()}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Heard(method, target, headers, body)


@asynccontextmanager
async def liar() -> AsyncIterator[Liar]:
    lp = Liar()
    server = await asyncio.start_server(lp.serve, "127.0.0.1", 0)
    lp.port = server.sockets[0].getsockname()[1]
    try:
        yield lp
    finally:
        server.close()
        for writer in lp.open.values():
            writer.transport.abort()
        await eventually(lambda: not lp.open)


@dataclass
class StreamLiar:
    """A WebSocket LP: lets everyone in (or not), then sends what it is told."""

    port: int = 0
    heard: list[dict[str, Any]] = field(default_factory=list)
    connections: int = 0
    sockets: list[ServerConnection] = field(default_factory=list)
    welcome: dict[str, Any] = field(default_factory=lambda: {"type": "auth", "status": "ok"})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, connection: ServerConnection) -> None:
        self.connections += 1
        with suppress(ConnectionClosed):
            self.heard.append(json.loads(await connection.recv()))
            await connection.send(json.dumps(self.welcome))
            self.heard.append(json.loads(await connection.recv()))
            self.sockets.append(connection)
            await connection.wait_closed()

    async def subscribed(self, times: int = 1) -> None:
        await eventually(lambda: len(self.sockets) >= times)

    async def say(self, *messages: dict[str, Any] | str | bytes) -> None:
        for message in messages:
            text = json.dumps(message) if isinstance(message, dict) else message
            await self.sockets[-1].send(text)

    def cut(self) -> None:
        self.sockets[-1].transport.abort()


@asynccontextmanager
async def stream_liar() -> AsyncIterator[StreamLiar]:
    lp = StreamLiar()
    async with serve(lp.serve, "127.0.0.1", 0, close_timeout=0.05) as server:
        lp.port = next(iter(server.sockets)).getsockname()[1]
        yield lp


def tick(number: int, bid: object = "99", ask: object = "101", **more: object) -> dict[str, Any]:
    """A quote message; `more` replaces fields, None leaves one out."""
    message = {
        "type": "quote",
        "symbol": "BTC/USDT",
        "bid": bid,
        "ask": ask,
        "bidSize": "5",
        "askSize": "6",
        "timestamp": 1,
        "sequence": number,
        "bidQuoteId": f"b{number}",
        "askQuoteId": f"a{number}",
        "expiresIn": 10_000,
    } | more
    return {name: value for name, value in message.items() if value is not None}


class Reports:
    """Takes what a venue submits; tests wait for the next one."""

    def __init__(self) -> None:
        self.seen: list[Report] = []
        self._queue: asyncio.Queue[Report] = asyncio.Queue()

    def __call__(self, report: Report) -> None:
        self.seen.append(report)
        self._queue.put_nowait(report)

    async def next(self, *without: type) -> Report:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                report = await self._queue.get()
                if not isinstance(report, without):
                    return report


def endpoint(url: str, kind: str = "rest", timeout_ms: int = 300) -> Endpoint:
    return Endpoint(
        name="lp",
        kind=kind,
        url=url,
        key="the-key",
        secret="lp-secret",
        timeout_ns=timeout_ms * MILLISECOND,
        stale_ns=timeout_ms * MILLISECOND,
        symbols=("BTC/USDT", "ETH/USDT"),
    )
