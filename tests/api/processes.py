"""A desk as a user starts it: `lpdesk serve`, a process of its own, and callers with their keys."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from tests.api.desks import Caller, data
from tests.cli.processes import lines, process
from tests.conftest import eventually

STARTS_S = 60


class Served:
    """The running process, as seen from outside: HTTP, what it prints, and its clock's lines."""

    def __init__(self, child: Process, said: AsyncIterator[str], port: int) -> None:
        self.child = child
        self.port = port
        self._said = said
        self._callers: dict[str, Caller] = {}

    def __getitem__(self, key: str) -> Caller:
        return self._callers.setdefault(key, Caller(self.port, key))

    async def comes(self, when: str) -> str:
        """Set its clock forward, and wait until all that is due by then is done; what it says."""
        assert self.child.stdin is not None
        self.child.stdin.write(f"{when}\n".encode())
        async with asyncio.timeout(STARTS_S):
            told = json.loads(await anext(self._said))
        return str(told.get("now") or told["error"])

    async def until(self, quote_id: str, status: str) -> dict[str, Any]:
        """Wait until a quote reads so; its attributes then."""

        async def there() -> dict[str, Any] | None:
            shown = data(await self["dealer"].get(f"/v2/quotes/{quote_id}"))["attributes"]
            return shown if shown["status"] == status else None

        found = await eventually(there, 20, f"{quote_id} {status}")
        assert found is not None
        return found

    async def balances(self, account: str) -> dict[str, str]:
        """What an account has, by the API."""
        found = data(await self["auditor"].get(f"/v2/accounts/{account}"))["attributes"]
        assert found["held"] == dict.fromkeys(found["held"], "0"), "something is still reserved"
        return {asset: amount for asset, amount in found["balances"].items() if amount != "0"}

    async def close(self) -> None:
        for caller in self._callers.values():
            await caller.http.aclose()


@asynccontextmanager
async def running(config: Path, journal: Path, *more: str) -> AsyncIterator[Served]:
    """`lpdesk serve` on a free port, killed at the end of the block."""
    where = ("--config", str(config), "--journal", str(journal), "--port", "0", *more)
    async with AsyncExitStack() as stack:
        command = process("-m", "lpdesk", "serve", "--json", *where, stdin=PIPE)
        child = await stack.enter_async_context(command)
        said = lines(child)
        async with asyncio.timeout(STARTS_S):
            url = json.loads(await anext(said))["url"]
        desk = Served(child, said, int(url.rpartition(":")[2]))
        stack.push_async_callback(desk.close)
        yield desk
