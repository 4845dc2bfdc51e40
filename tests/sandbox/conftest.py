"""A desk's side of the wire, written from the protocol's page and nothing of the sandbox's."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import httpx
import pytest
import websockets

from lpdesk.sandbox import LpEndpoint, Sandbox, start_sandbox

DEADLINE_SECONDS = 5.0


class HandClock:
    """A venue clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.ns = 1_768_833_000_000_000_000

    def __call__(self) -> int:
        return self.ns

    def advance(self, seconds: float) -> None:
        self.ns += int(seconds * 1_000_000_000)


class Client:
    """Signs and sends as a desk does."""

    def __init__(self, lp: LpEndpoint, clock: HandClock) -> None:
        self.lp = lp
        self.clock = clock
        self.http = httpx.AsyncClient(base_url=lp.url, timeout=DEADLINE_SECONDS)

    def signature(self, timestamp: str, message: bytes) -> str:
        signed = timestamp.encode() + message
        return hmac.new(self.lp.secret.encode(), signed, hashlib.sha256).hexdigest()

    async def call(
        self, method: str, target: str, body: object = None, **changes
    ) -> httpx.Response:
        """One signed call; `changes` spoil a header, or give a `timeout` in seconds."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
        timestamp = changes.pop("timestamp", str(self.clock() // 1_000_000))
        timeout = changes.pop("timeout", DEADLINE_SECONDS)
        headers = {
            "X-API-KEY": self.lp.key,
            "X-TIMESTAMP": timestamp,
            "X-SIGNATURE": self.signature(timestamp, f"{method}{target}".encode() + content),
        } | {name.replace("_", "-"): value for name, value in changes.items()}
        return await self.http.request(
            method, target, content=content, headers=headers, timeout=timeout
        )

    async def quote(self, symbol="BTC/USDT", side="BUY", quantity="1.5") -> dict:
        asked = {"symbol": symbol, "side": side, "quantity": quantity}
        return (await self.call("POST", "/v1/quote", asked)).raise_for_status().json()

    async def execute(self, quote_id: str, order_id: str, **more) -> dict:
        order = {"quoteId": quote_id, "clientOrderId": order_id} | more
        return (await self.call("POST", "/v1/execute", order)).raise_for_status().json()

    async def status(self, order_id: str) -> httpx.Response:
        return await self.call("GET", f"/v1/executions/{order_id}")

    async def listed(self, since="2026-01-01T00:00:00Z") -> list[dict]:
        answer = await self.call("GET", f"/v1/executions?since={since}")
        return answer.raise_for_status().json()["executions"]

    @asynccontextmanager
    async def stream(self, *symbols: str) -> AsyncIterator["Stream"]:
        """A stream that is authenticated and subscribed."""
        url = self.lp.url.replace("http://", "ws://") + "/v1/stream"
        async with websockets.connect(url) as socket:
            stream = Stream(socket)
            timestamp = str(self.clock() // 1_000_000)
            auth = {"type": "auth", "apiKey": self.lp.key, "timestamp": timestamp}
            await stream.say(auth | {"signature": self.signature(timestamp, b"AUTH")})
            assert await stream.hear("auth") == {"type": "auth", "status": "ok"}
            wanted = {"type": "subscribe", "channels": ["quotes"], "symbols": list(symbols)}
            await stream.say(wanted)
            yield stream


class Stream:
    def __init__(self, socket) -> None:
        self.socket = socket

    async def say(self, message: dict) -> None:
        await self.socket.send(json.dumps(message))

    async def hear(self, kind: str) -> dict:
        """The next message of this type, in good time."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                message = json.loads(await self.socket.recv())
                if message["type"] == kind:
                    return message


class Stage:
    """Starts sandboxes and clients, and closes them all."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.open: list[Sandbox | httpx.AsyncClient] = []

    async def __call__(self, *names: str, cast="default", directory=None) -> Sandbox:
        sandbox = await start_sandbox(
            7, cast=cast, only=names or None, directory=directory, now_ns=self.clock
        )
        self.open.append(sandbox)
        return sandbox

    def client(self, sandbox: Sandbox, name: str) -> Client:
        client = Client(next(lp for lp in sandbox.lps if lp.name == name), self.clock)
        self.open.append(client.http)
        return client

    async def villain(self, name: str) -> Client:
        return self.client(await self(name, cast="villains"), name)

    async def close(self) -> None:
        for thing in self.open:
            await (thing.close() if isinstance(thing, Sandbox) else thing.aclose())


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def stage(clock: HandClock) -> AsyncIterator[Stage]:
    stage = Stage(clock)
    yield stage
    await stage.close()


@pytest.fixture
def bps() -> Callable[[str, str], Decimal]:
    """How far the first price is above the second, in basis points."""
    return lambda price, other: (Decimal(price) / Decimal(other) - 1) * 10_000
