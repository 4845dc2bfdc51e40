"""How soon a dealer can deal: the desk's first locked price against a gather-all loop, same LPs.

Ten stand-in LPs on real sockets, in a process of their own, with fixed delays of 0.1 to 0.5 s; then
the same with one that never answers (2 s time-out). Each round's desk has dealt with its LPs once
before, as a desk has that is open. Run: .venv/bin/python -m tests.benchmarks.bench_first_price
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from lpdesk import config
from lpdesk.bootstrap import LiveDesk
from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.entry import parse_request
from lpdesk.domain.record import Record
from lpdesk.sandbox import Mood, start_sandbox
from lpdesk.venues.wire import sign

LPS = 10
ROUNDS = 7
FASTEST_S = 0.1
TIMEOUT_S = 2.0


async def serve(hung: bool) -> None:
    """The child: ten LPs; prints where they are, ends with its input."""
    async with AsyncExitStack() as stack:
        for index in range(LPS):
            sandbox = await start_sandbox(index, only={"kepler"})
            stack.push_async_callback(sandbox.close)
            delay = 1000 * FASTEST_S + 400 * index / (LPS - 1)
            moods = {Mood.HANG_QUOTE: 1.0} if hung and index == LPS - 1 else {}
            sandbox.venue("kepler").become(latency_ms=(delay, delay, delay), moods=moods)
            lp = sandbox.lps[0]
            toml = sandbox.config_toml().replace('"kepler"', f'"lp{index}"')
            print(json.dumps({"url": lp.url, "key": lp.key, "secret": lp.secret, "toml": toml}))
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


@asynccontextmanager
async def lps(*, hung: bool) -> AsyncIterator[list[dict[str, Any]]]:
    """The LPs, as the child says."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.bench_first_price", "serve", str(int(hung))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None and child.stdin is not None
    found = []
    while (line := await child.stdout.readline()) != b"ready\n":
        found.append(json.loads(line))
    try:
        yield found
    finally:
        child.stdin.close()
        await child.wait()


async def desk_first_price(found: list[dict[str, Any]], folder: Path) -> float:
    """Seconds from the request to the first locked client price, durable commits included."""
    (folder / "lps.toml").write_text("\n".join(lp["toml"] for lp in found))
    conf = config.load(folder / "lps.toml", {})
    desk = LiveDesk(conf, folder / f"{time.monotonic_ns()}.db", 7)
    await desk.start()
    locked, answered = asyncio.Event(), asyncio.Event()
    heard_of: set[str] = set()

    def heard(record: Record) -> None:
        for event in record.events:
            if isinstance(event, ev.QuoteLocked):
                locked.set()
            elif isinstance(event, ev.QuoteReceived | ev.LpMissed):
                heard_of.add(event.lp)
        if len(heard_of) == LPS:
            answered.set()

    desk.listeners.append(heard)
    request = parse_request("b 1.5 btc/usdt", desk.session.view.settings.pairs)
    for _ in range(2):
        locked.clear()
        answered.clear()
        heard_of.clear()
        started = time.perf_counter()
        await desk.session.submit(request)
        await locked.wait()
        taken = time.perf_counter() - started
        await answered.wait()
        rfq_id = desk.session.view.rfqs[0].rfq_id
        await desk.session.submit(cmd.CancelRfq(rfq_id=rfq_id))
    await desk.close()
    return taken


async def gather_first_price(found: list[dict[str, Any]]) -> float:
    """Seconds until a loop that waits for everybody has its best price."""
    body = json.dumps({"symbol": "BTC/USDT", "side": "BUY", "quantity": "1.5"}).encode()

    async def ask(client: httpx.AsyncClient, lp: dict[str, Any]) -> str | None:
        stamp = str(time.time_ns() // 1_000_000)
        headers = {
            "X-API-KEY": lp["key"],
            "X-TIMESTAMP": stamp,
            "X-SIGNATURE": sign(lp["secret"], stamp, "POST", b"/v1/quote", body),
        }
        try:
            answer = await client.post(f"{lp['url']}/v1/quote", content=body, headers=headers)
        except httpx.TimeoutException:
            return None
        return str(answer.json()["price"])

    async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
        started = time.perf_counter()
        prices = await asyncio.gather(*(ask(client, lp) for lp in found))
        assert min(price for price in prices if price)
        return time.perf_counter() - started


async def compare(*, hung: bool) -> None:
    async with lps(hung=hung) as found:
        ours, theirs = [], []
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(ROUNDS):
                ours.append(await desk_first_price(found, Path(folder)))
                theirs.append(await gather_first_price(found))
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    late = [1000 * (taken - FASTEST_S) for taken in ours]
    name = "one LP never answers" if hung else "all answer"
    print(
        f"{name:22} desk {1000 * statistics.median(ours):7.1f} ms"
        f"  gather-all {1000 * statistics.median(theirs):7.1f} ms  ratio {ratio:5.1f}x"
        f"  after the fastest LP's own delay: median {statistics.median(late):.1f},"
        f" best {min(late):.1f} ms"
    )


async def main() -> None:
    await compare(hung=False)
    await compare(hung=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[2] == "1") if sys.argv[1:2] == ["serve"] else main())
