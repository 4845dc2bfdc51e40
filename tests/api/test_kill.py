"""`kill -9` while a hundred executes of one quote are under way: one execution at the LP, or none.

A real `lpdesk serve`, killed and started again on its journal; the LPs live in a process of their
own and keep their own books, as in `tests/crash`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import httpx
import pytest

from tests.api.desks import JSON_API
from tests.cli.processes import lines, process
from tests.conftest import eventually
from tests.crash.test_kill import Books, Desk, market, outcome
from tests.crash.venues import HABITS

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL"),
]

SECRET = "killed-0123456789abcdef"
KEY = f"""
[[clients]]
name = "acme"
balances = {{ BTC = 1000, USDT = 100000000 }}
[[api_keys]]
key = "bot"
secret = "{SECRET}"
organization = "acme"
"""
DESKS = '[[trade_desks]]\nname = "otc"\n' + "".join(
    f'[[trade_desks]]\nname = "{lp}-desk"\nlps = ["{lp}"]\n' for lp in HABITS
)
ENDED = ("settled", "failed", "cancelled", "expired")


class Point(NamedTuple):
    """Whom it deals with, and when it is killed after the hundred were sent."""

    lp: str
    delay_ms: float


def points(count: int) -> list[Point]:
    random = Random("1:kill points of the API")
    delays = [0.0, random.uniform(0, 20), random.uniform(0, 100), random.uniform(0, 400)]
    return [Point(random.choice(list(HABITS)), random.choice(delays)) for _ in range(count)]


@asynccontextmanager
async def serving(config: Path, journal: Path) -> AsyncIterator[tuple[Any, httpx.AsyncClient]]:
    """The served desk's process, and a client of it."""
    where = ("--config", str(config), "--journal", str(journal), "--port", "0")
    async with process("-m", "lpdesk", "serve", "--json", *where) as desk:
        async with asyncio.timeout(60):
            url = json.loads(await anext(lines(desk)))["url"]
        headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": JSON_API}
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(
            base_url=url, headers=headers, limits=limits, timeout=30
        ) as client:
            yield desk, client


def hundred(client: httpx.AsyncClient, quote_id: str) -> list[asyncio.Task[httpx.Response]]:
    """A hundred executes; every second one is the same request by name."""
    names = ({"Idempotency-Key": "the-one"} if n % 2 else {} for n in range(100))
    path = f"/v2/quotes/{quote_id}/execute"
    return [asyncio.create_task(client.post(path, headers=name)) for name in names]


async def asked(client: httpx.AsyncClient, lp: str) -> str:
    wanted = {
        "asset-id": "BTC",
        "cash-asset-id": "USDT",
        "transaction-type": "buy",
        "unit-count": "0.5",
        "trade-desk-id": f"{lp}-desk",
    }
    body = {"data": {"type": "quotes", "attributes": wanted}}
    answer = await client.post("/v2/quotes", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def killed_and_asked_again(point: Point, config: Path, folder: Path) -> Counter[int]:
    """What the hundred are answered once the desk is back."""
    async with serving(config, folder / "desk.db") as (desk, client):
        quote_id = await asked(client, point.lp)
        executes = hundred(client, quote_id)
        await asyncio.sleep(point.delay_ms / 1_000)
        desk.kill()
        told = [
            each.json()
            for each in await asyncio.gather(*executes, return_exceptions=True)
            if isinstance(each, httpx.Response) and each.status_code in (200, 400)
        ]
    async with serving(config, folder / "desk.db") as (_, client):
        path = f"/v2/quotes/{quote_id}"

        async def ended() -> dict[str, Any] | None:
            shown = (await client.get(path)).json()["data"]["attributes"]
            return shown if shown["status"] in ENDED else None

        shown = await eventually(ended, 30, f"{point}: an end")
        answers = await asyncio.gather(*hundred(client, quote_id))
        check(point, shown, told, answers)
        return Counter(each.status_code for each in answers)


def check(point: Point, shown: Any, told: list[Any], answers: list[httpx.Response]) -> None:
    """What was said before the kill still holds, and all who ask again are told of one trade."""
    assert len(told) <= 51, point  # one, and the repeats of its name
    for before in told:
        if "data" in before and before["data"]["attributes"]["status"] == "settled":
            assert shown["status"] == "settled", point
    named = {error["meta"]["trade-id"] for each in answers if each.status_code == 409
             for error in each.json()["errors"] if error["code"] == "already_executed"}  # fmt: skip
    assert named <= {shown["trade-id"]}, point
    assert {each.status_code for each in answers} <= {200, 400, 409, 422}, point
    if shown["trade-id"] is None:
        assert {each.status_code for each in answers} <= {409, 422}, point


async def test_killed_in_between(tmp_path: Path) -> None:
    ends, answers = Counter[str](), Counter[int]()
    async with market(tmp_path / "lps") as (books, config):
        assert isinstance(books, Books)
        config.write_text(config.read_text() + KEY + DESKS)
        for number, point in enumerate(points(int(os.environ.get("KILLS", "20")))):
            folder = tmp_path / f"{number:03}"
            folder.mkdir()
            answers += await killed_and_asked_again(point, config, folder)
            ends[outcome(Desk(folder, config), books)] += 1
    sys.stderr.write(f"{dict(ends)} {dict(answers)}\n")
    assert ends["settled"] >= 3, ends
