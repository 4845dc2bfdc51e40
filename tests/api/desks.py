"""A served desk on a real socket, its stand-in LPs, and callers with keys of every role."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from time import time_ns
from typing import Any

import httpx

from lpdesk.api.access import sign
from lpdesk.bootstrap import LiveDesk
from lpdesk.clock import Clock, SystemClock
from lpdesk.config import load
from lpdesk.domain.record import Record
from lpdesk.sandbox import Execution, Sandbox, Venue, start_sandbox
from lpdesk.session import LiveSession
from tests.conftest import eventually

JSON_API = "application/vnd.api+json"
SECRETS = {
    name: f"{name}-{'0123456789abcdef' * 2}"
    for name in ("bot", "rival", "dealer", "auditor", "hardy", "lagrange")
}
CONFIG = """
[api]
enabled = true
port = 0
quote_wait_seconds = 0.5
patience_seconds = 5
cash_asset = "USDT"

[rules]
validity_buffer_seconds = 0.2
unfound_grace_seconds = 0.3
breaker_failures = 1000
price_band_bps = 5000

[[clients]]
name = "acme"
balances = { BTC = 1000, USDT = 100000000 }
maximum = 5000000
delayed_settlement = true

[[clients]]
name = "gauss"
balances = { BTC = 1, USDT = 1000 }
rolling_limit = 900
delayed_settlement = true

[[trade_desks]]
name = "otc"

[[trade_desks]]
name = "other"

[[trade_settlement_pairs]]
id = "acme-otc"
organization = "acme"
trade_desk = "otc"
settlement_delay_minutes = 5
settlement_retry_delay_minutes = 30
rejection_delay_minutes = 60
auto_settlement_days = 3
auto_settlement_time = "16:00"
time_zone = "America/New_York"
calendar = "weekdays"

[[trade_settlement_pairs]]
id = "acme-other"
organization = "acme"
trade_desk = "other"

[[trade_settlement_pairs]]
id = "gauss-otc"
organization = "gauss"
trade_desk = "otc"
settlement_delay_minutes = 5
rejection_delay_minutes = 60
settlement_account = "settlement:gauss"

[[api_keys]]
key = "bot"
secret = "SECRET:bot"
organization = "acme"

[[api_keys]]
key = "rival"
secret = "SECRET:rival"
organization = "gauss"

[[api_keys]]
key = "dealer"
secret = "SECRET:dealer"
role = "dealer"

[[api_keys]]
key = "auditor"
secret = "SECRET:auditor"
role = "supervisor"
"""


def config_text(more: str = "") -> str:
    text = CONFIG.replace("\n[desk]\n", "\n") + more
    for name, secret in SECRETS.items():
        text = text.replace(f"SECRET:{name}", secret)
    return text


class Caller:
    """One key's connections to one desk. Bodies are JSON:API, answers are read exactly."""

    def __init__(self, port: int, key: str, *, signs: bool = False) -> None:
        self.key, self._signs = key, signs
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20)

    async def call(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> httpx.Response:
        """One request; `headers` by their names with _ for -."""
        content = b"" if body is None else json.dumps(body).encode()
        request = self.http.build_request(method, path, content=content)
        request.headers.update({"Accept": JSON_API})
        if content:
            request.headers["Content-Type"] = JSON_API
        self._prove(request, content)
        for name, value in headers.items():
            request.headers[name.replace("_", "-")] = value
        return await self.http.send(request)

    def _prove(self, request: httpx.Request, body: bytes) -> None:
        if not self.key:
            return
        secret = SECRETS[self.key]
        if not self._signs:
            request.headers["Authorization"] = f"Bearer {secret}"
            return
        timestamp = str(time_ns() // 1_000_000)
        request.headers.update({"X-API-KEY": self.key, "X-TIMESTAMP": timestamp})
        signature = sign(
            secret.encode(), timestamp.encode(), request.method, request.url.raw_path, body
        )
        request.headers["X-SIGNATURE"] = signature.decode()

    async def get(self, path: str) -> httpx.Response:
        return await self.call("GET", path)

    async def quote(self, way: str = "buy", **attributes: object) -> httpx.Response:
        """Ask for a quote on BTC; `unit_count="1"` and the like."""
        named = {name.replace("_", "-"): value for name, value in attributes.items()}
        headers = {"Idempotency-Key": str(named.pop("token"))} if "token" in named else {}
        wanted = {"asset-id": "BTC", "transaction-type": way} | named
        body = {"data": {"type": "quotes", "attributes": wanted}}
        return await self.call("POST", "/v2/quotes", body, **headers)

    async def act(self, quote_id: str, what: str, **headers: str) -> httpx.Response:
        """`execute` or `cancel`."""
        return await self.call("POST", f"/v2/quotes/{quote_id}/{what}", **headers)

    async def dealt(self, way: str = "buy", **attributes: object) -> dict[str, Any]:
        """A quote, asked for and executed."""
        quote = data(await self.quote(way, **attributes), 201)
        return data(await self.act(quote["id"], "execute"))


def data(response: httpx.Response, status: int = 200) -> Any:
    """What the answer is about, if it is one of that status."""
    assert response.status_code == status, f"{response.status_code}: {response.text[:600]}"
    assert response.headers["content-type"] == JSON_API
    return response.json()["data"]


def error(response: httpx.Response, status: int) -> dict[str, Any]:
    """The one error of an answer of that status."""
    assert response.status_code == status, f"{response.status_code}: {response.text[:600]}"
    assert response.headers["content-type"] == JSON_API
    (only,) = response.json()["errors"]
    assert only["status"] == str(status)
    return dict(only)


@dataclass
class Market:
    """The stand-ins, which outlive a desk that is started again."""

    sandbox: Sandbox

    @property
    def venue(self) -> Venue:
        """The first of them."""
        return self.sandbox.venue(self.sandbox.lps[0].name)

    async def fills(self) -> list[str]:
        """What the LPs have on record: the order ids that they filled."""
        found: list[Execution] = []
        for lp in self.sandbox.lps:
            found += await self.sandbox.venue(lp.name).executions()
        return [each.client_order_id for each in found if each.status == "FILLED"]


@dataclass
class Desk:
    """A desk that is served."""

    live: LiveDesk
    stack: AsyncExitStack
    callers: dict[tuple[str, bool], Caller] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Caller:
        return self.caller(key)

    def caller(self, key: str, *, signs: bool = False) -> Caller:
        if (key, signs) not in self.callers:
            assert self.live.port is not None
            made = self.callers[key, signs] = Caller(self.live.port, key, signs=signs)
            self.stack.push_async_callback(made.http.aclose)
        return self.callers[key, signs]

    async def until(self, quote_id: str, status: str) -> dict[str, Any]:
        """Wait until a quote reads so; its attributes then."""
        path = f"/v2/quotes/{quote_id}"

        async def there() -> dict[str, Any] | None:
            shown = data(await self["dealer"].get(path))["attributes"]
            return shown if shown["status"] == status else None

        found = await eventually(there, 10, f"{quote_id} {status}")
        assert found is not None
        return found

    def after(self, kind: type) -> asyncio.Future[None]:
        """Done when such an event is durable."""
        runtime = self.live.runtime
        assert runtime is not None
        heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def listen(record: Record) -> None:
            if not heard.done() and any(isinstance(event, kind) for event in record.events):
                heard.set_result(None)

        runtime.listeners.append(listen)
        return heard

    def balance(self, account: str, asset: str) -> Decimal:
        return self.live.session.view.accounts.available().get((account, asset), Decimal(0))


@asynccontextmanager
async def stand_ins(
    names: Sequence[str] = ("kepler",), clock: Clock | None = None
) -> AsyncIterator[Market]:
    """LPs that answer quickly and hold no price back."""
    now_ns = clock.now if clock else time_ns
    sandbox = await start_sandbox(7, only=set(names), now_ns=now_ns)
    for lp in sandbox.lps:
        sandbox.venue(lp.name).become(
            latency_ms=(1, 2, 4), rate_per_second=10_000, hold_ms=0, moods={},
            jitter_bps=Decimal(0), validity_ms=8_000,
        )  # fmt: skip
    try:
        yield Market(sandbox)
    finally:
        await sandbox.close()


def write_config(folder: Path, lps: str, more: str = "") -> Path:
    path = folder / "desk.toml"
    path.write_text(config_text(more) + "\n" + lps, encoding="utf-8")
    return path


@asynccontextmanager
async def served(
    folder: Path, market: Market | str, more: str = "", clock: Clock | None = None
) -> AsyncIterator[Desk]:
    """A desk on that folder's journal, dealing with those LPs: stand-ins, or as configured."""
    lps = market if isinstance(market, str) else market.sandbox.config_toml()
    session = LiveSession(clock or SystemClock())
    live = LiveDesk(load(write_config(folder, lps, more)), folder / "desk.db", 7, session)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(live.close)
        await live.start()
        yield Desk(live, stack)
