"""How soon a dealer can deal: the desk's first locked price against a gather-all loop, same LPs.

Ten stand-in LPs on real sockets with fixed delays of 0.1 to 0.5 s; then the same with one that
never answers (2 s time-out). Run: .venv/bin/python -m tests.benchmarks.bench_first_price
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from lpdesk import config
from lpdesk.bootstrap import LiveDesk
from lpdesk.domain import events as ev
from lpdesk.domain.entry import parse_request
from lpdesk.domain.record import Record
from lpdesk.sandbox import Mood, Sandbox, start_sandbox
from lpdesk.venues.wire import sign

LPS = 10
ROUNDS = 5
TIMEOUT_S = 2.0


async def lps(stack: AsyncExitStack, *, hung: bool) -> list[Sandbox]:
    """Ten sandboxes of one LP each, with delays spread from 100 to 500 ms."""
    made = []
    for index in range(LPS):
        sandbox = await start_sandbox(index, only={"kepler"})
        stack.push_async_callback(sandbox.close)
        delay = 100 + 400 * index / (LPS - 1)
        moods = {Mood.HANG_QUOTE: 1.0} if hung and index == LPS - 1 else {}
        sandbox.venue("kepler").become(latency_ms=(delay, delay, delay), moods=moods)
        made.append(sandbox)
    return made


def config_of(sandboxes: list[Sandbox], folder: Path) -> config.Config:
    blocks = []
    for index, sandbox in enumerate(sandboxes):
        blocks.append(sandbox.config_toml().replace('"kepler"', f'"lp{index}"'))
    path = folder / "lps.toml"
    path.write_text("\n".join(blocks))
    return config.load(path, {})


async def desk_first_price(sandboxes: list[Sandbox], folder: Path) -> float:
    """Seconds from the request to the first locked client price, durable commits included."""
    desk = LiveDesk(config_of(sandboxes, folder), folder / f"{time.monotonic_ns()}.db", 7)
    await desk.start()
    locked = asyncio.Event()

    def heard(record: Record) -> None:
        if any(isinstance(event, ev.QuoteLocked) for event in record.events):
            locked.set()

    desk.listeners.append(heard)
    request = parse_request("b 1.5 btc/usdt", desk.session.view.settings.pairs)
    started = time.perf_counter()
    await desk.session.submit(request)
    await locked.wait()
    taken = time.perf_counter() - started
    await desk.close()
    return taken


async def gather_first_price(sandboxes: list[Sandbox]) -> float:
    """Seconds until a loop that waits for everybody has its best price."""
    body = json.dumps({"symbol": "BTC/USDT", "side": "BUY", "quantity": "1.5"}).encode()

    async def ask(client: httpx.AsyncClient, sandbox: Sandbox) -> str | None:
        lp = sandbox.lps[0]
        stamp = str(time.time_ns() // 1_000_000)
        headers = {
            "X-API-KEY": lp.key,
            "X-TIMESTAMP": stamp,
            "X-SIGNATURE": sign(lp.secret, stamp, "POST", b"/v1/quote", body),
        }
        try:
            answer = await client.post(f"{lp.url}/v1/quote", content=body, headers=headers)
        except httpx.TimeoutException:
            return None
        return str(answer.json()["price"])

    async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
        started = time.perf_counter()
        prices = await asyncio.gather(*(ask(client, sandbox) for sandbox in sandboxes))
        assert min(price for price in prices if price)
        return time.perf_counter() - started


async def compare(*, hung: bool) -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandboxes = await lps(stack, hung=hung)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(await desk_first_price(sandboxes, folder))
            theirs.append(await gather_first_price(sandboxes))
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    late = [1000 * taken - 100 for taken in ours]
    name = "one LP never answers" if hung else "all answer"
    print(
        f"{name:22} desk {1000 * statistics.median(ours):7.1f} ms"
        f"  gather-all {1000 * statistics.median(theirs):7.1f} ms  ratio {ratio:5.1f}x"
        f"  after the fastest LP's own delay: median {statistics.median(late):.1f} ms"
    )


async def main() -> None:
    await compare(hung=False)
    await compare(hung=True)


if __name__ == "__main__":
    asyncio.run(main())
