"""A FIX acceptor that says exactly what a test scripts, with numbers of the test's choosing."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lpdesk.clock import SystemClock
from lpdesk.domain.values import SECOND
from lpdesk.venues.base import Endpoint
from lpdesk.venues.fix.adapter import FixVenue
from tests.conftest import eventually
from tests.venues.liar import Reports

SOH = "\x01"
DEADLINE_S = 4.0
_FRAME = re.compile(rb"8=FIX[^\x01]+\x019=(\d+)\x01")


def utc(seconds: float = 0) -> str:
    """The time in so many seconds."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y%m%d-%H:%M:%S.%f")[:-3]


def framed(body: str, begin: str = "FIX.4.4") -> bytes:
    """`35=…|49=…|` with its length and its sum; `|` is SOH."""
    inside = body.replace("|", SOH).encode("latin-1")
    data = f"8={begin}{SOH}9={len(inside)}{SOH}".encode() + inside
    return data + b"10=%03d\x01" % (sum(data) % 256)


class Heard(dict[str, str]):
    """One message of the desk: its fields, the first of each tag."""

    def __init__(self, raw: bytes) -> None:
        pairs = [part.split("=", 1) for part in raw.decode("latin-1").split(SOH)[:-1]]
        super().__init__((tag, value) for tag, value in reversed(pairs))
        self.raw = raw

    @property
    def kind(self) -> str:
        return self["35"]

    @property
    def number(self) -> int:
        return int(self["34"])


@dataclass
class Peer:
    """The other side of one session, over as many connections as the desk opens."""

    port: int = 0
    number: int = 1  # the next one of ours
    connections: int = 0
    heard: list[Heard] = field(default_factory=list)
    writer: asyncio.StreamWriter | None = None
    _inbox: asyncio.Queue[Heard] = field(default_factory=asyncio.Queue)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writer = writer
        buffer = b""
        try:
            while data := await reader.read(65_536):
                buffer += data
                while (head := _FRAME.match(buffer)) and len(buffer) >= head.end() + int(
                    head[1]
                ) + 7:
                    end = head.end() + int(head[1]) + 7
                    message = Heard(buffer[:end])
                    assert message.raw == framed(_body(message.raw), message["8"])
                    buffer = buffer[end:]
                    self.heard.append(message)
                    self._inbox.put_nowait(message)
        except ConnectionError:
            pass
        finally:
            writer.close()
            if self.writer is writer:
                self.writer = None

    async def hears(self, kind: str, *but: str) -> Heard:
        """The next message, which must be of this type; types in `but` are passed over."""
        async with asyncio.timeout(DEADLINE_S):
            while (message := await self._inbox.get()).kind in but:
                pass
        assert message.kind == kind, message.raw.replace(b"\x01", b"|")
        return message

    def says(self, kind: str, body: str = "", *, number: int | None = None, **more: str) -> None:
        """A message under our next number, or under `number`; `t43="Y"` adds a header field."""
        self.sends(self.message(kind, body, number=number, **more))

    def message(
        self, kind: str, body: str = "", *, number: int | None = None, **more: str
    ) -> bytes:
        if number is None:
            number = self.number
            self.number += 1
        header = {"t49": "LP1", "t56": "DESK1", "t34": str(number), "t52": utc()} | more
        fields = "".join(f"{tag[1:]}={value}|" for tag, value in header.items() if value)
        return framed(f"35={kind}|{fields}{body}")

    def sends(self, data: bytes) -> None:
        assert self.writer
        self.writer.write(data)

    async def lets_in(self, *, number: int | None = None, body: str = "98=0|108=30|") -> Heard:
        """Waits for the Logon and answers it."""
        logon = await self.hears("A")
        self.says("A", body, number=number)
        return logon

    async def cut(self) -> None:
        """Breaks the connection."""
        assert self.writer
        self.writer.transport.abort()
        await eventually(lambda: self.writer is None)

    async def is_left(self) -> None:
        """Waits until the desk has closed the connection."""
        connections = self.connections
        await eventually(lambda: self.writer is None or self.connections > connections)

    async def quiet(self) -> None:
        """Everything said so far has been taken in: our TestRequest is answered."""
        self.says("1", "112=quiet|")
        assert (await self.hears("0", "R", "D", "H", "V"))["112"] == "quiet"


def _body(raw: bytes) -> str:
    text = raw.decode("latin-1")
    return text[text.index(SOH + "35=") + 1 : text.rindex(SOH + "10=") + 1].replace(SOH, "|")


@asynccontextmanager
async def peer(tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """With `tls` the connections are under it."""
    it = Peer()
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0, ssl=tls)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()
        if it.writer:
            it.writer.transport.abort()
        await eventually(lambda: it.writer is None)


@asynccontextmanager
async def desk(
    at: Peer,
    reports: Reports,
    beside: Path | None = None,
    kind: str = "fix",
    scheme: str = "fix",
    **options: Any,
) -> AsyncIterator[FixVenue]:
    """The adapter, connecting to `at`."""
    endpoint = Endpoint(
        name="lp",
        kind=kind,
        url=f"{scheme}://127.0.0.1:{at.port}",
        key="desk",
        secret="s3cret",
        timeout_ns=2 * SECOND,
        symbols=("BTC/USDT", "ETH/USDT"),
        options={"sender": "DESK1", "target": "LP1"} | options,
        beside=beside,
    )
    venue = FixVenue(endpoint, reports, SystemClock())
    await venue.start()
    try:
        yield venue
    finally:
        await venue.close()
