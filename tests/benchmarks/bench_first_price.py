"""How soon a dealer can deal: the desk's first locked price against a gather-all loop, same LPs.

Ten stand-in LPs on real sockets, in a process of their own, with fixed delays of 0.1 to 0.5 s; then
the same with one that never answers (2 s time-out). Each round's desk has dealt with its LPs once
before, as a desk has that is open, and has them in an order of its own, so the fastest is not the
first that is asked. The fastest LP's own delay is taken where it passes: from the first byte of the
request in its process to the last of the answer; the commit before anything is sent is the desk's
own of that request. What is left is the desk's and the wire's.
Run: .venv/bin/python -m tests.benchmarks.bench_first_price
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from lpdesk import config
from lpdesk.bootstrap import LiveDesk
from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.entry import parse_request
from lpdesk.domain.record import Record
from lpdesk.journal.store import Journal
from lpdesk.sandbox import Mood, loopback, start_sandbox
from lpdesk.venues.wire import sign

LPS = 10
ROUNDS = 7
FASTEST_S = 0.1
TIMEOUT_S = 2.0
PAUSE_S = 0.7
"""Between two requests of a dealer: what the LPs were still asked for the former is over."""


class Timed(loopback._Connection):
    """Says how long each request was in the LP's hands: from its first byte to the answer's end."""

    came = 0.0

    def data_received(self, data: bytes) -> None:
        self.came = self.came or time.perf_counter()
        super().data_received(data)

    def on_response_complete(self) -> None:
        taken, self.came = time.perf_counter() - self.came, 0.0
        if taken < FASTEST_S + 0.4 / LPS:
            asyncio.get_running_loop().call_soon(partial(print, taken, flush=True))
        super().on_response_complete()


async def serve(hung: bool) -> None:
    """The child: ten LPs; prints where they are and the fastest's delays, ends with its input."""
    loopback._Connection = Timed
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


@dataclass
class Lps:
    """The LPs in their own process: how to reach them, and the fastest's own delays in seconds."""

    found: list[dict[str, Any]] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, output: asyncio.StreamReader) -> None:
        while line := await output.readline():
            self.delays.append(float(line))
            self.answered.set()

    async def quiet(self) -> None:
        """A dealer's pause, after which nobody is asked any more."""
        await asyncio.sleep(PAUSE_S)
        self.delays.clear()
        self.answered.clear()


@asynccontextmanager
async def lps(*, hung: bool) -> AsyncIterator[Lps]:
    """The LPs, as the child says."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.bench_first_price", "serve", str(int(hung))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None and child.stdin is not None
    them = Lps()
    while (line := await child.stdout.readline()) != b"ready\n":
        them.found.append(json.loads(line))
    listening = asyncio.create_task(them.listen(child.stdout))
    try:
        yield them
    finally:
        child.stdin.close()
        await child.wait()
        await listening


@dataclass
class Ear:
    """Hears the desk's records of one request."""

    locked: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    lps: set[str] = field(default_factory=set)

    def __call__(self, record: Record) -> None:
        for event in record.events:
            if isinstance(event, ev.QuoteLocked):
                self.locked.set()
            elif isinstance(event, ev.QuoteReceived | ev.LpMissed):
                self.lps.add(event.lp)
        if len(self.lps) == LPS:
            self.answered.set()


class Taken(NamedTuple):
    """Seconds from the request to the first locked client price, and what of them is not ours."""

    whole: float
    lp: float
    commit: float


async def desk_first_price(them: Lps, turn: int, folder: Path) -> Taken:
    """What a dealer waits for who has waited for the desk to be idle."""
    order = random.Random(turn).sample(them.found, LPS)
    (folder / "lps.toml").write_text("\n".join(lp["toml"] for lp in order))
    conf = config.load(folder / "lps.toml", {})
    desk = LiveDesk(conf, folder / f"{time.monotonic_ns()}.db", 7)
    await desk.start()
    assert desk.runtime is not None
    committed = commits(desk.runtime.journal)
    request = parse_request("b 1.5 btc/usdt", desk.session.view.settings.pairs)
    taken = Taken(0, 0, 0)
    for _ in range(2):
        ear = Ear()
        desk.listeners.append(ear)
        await them.quiet()
        committed.clear()
        started = time.perf_counter()
        await desk.session.submit(request)
        await ear.locked.wait()
        whole = time.perf_counter() - started
        await them.answered.wait()
        taken = Taken(whole, them.delays[0], committed[0])
        await ear.answered.wait()
        desk.listeners.remove(ear)
        rfq_id = desk.session.view.rfqs[0].rfq_id
        await desk.session.submit(cmd.CancelRfq(rfq_id=rfq_id))
    await desk.close()
    return taken


def commits(journal: Journal) -> list[float]:
    """From now on: the seconds of each durable commit, as the desk waits for it."""
    append, taken = journal.append, list[float]()

    async def timed(records: Sequence[Record], *, durable: bool) -> None:
        started = time.perf_counter()
        await append(records, durable=durable)
        if durable:
            taken.append(time.perf_counter() - started)

    journal.append = timed  # type: ignore[method-assign]
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
    async with lps(hung=hung) as them:
        ours, theirs = [], []
        with tempfile.TemporaryDirectory(dir=".") as folder:
            for turn in range(ROUNDS):
                ours.append(await desk_first_price(them, turn, Path(folder)))
                theirs.append(await gather_first_price(them.found))
    ratios = [b / a.whole for a, b in zip(ours, theirs, strict=True)]
    late = [1000 * (each.whole - each.lp - each.commit) for each in ours]
    whole, lp, one_commit = (1000 * statistics.median(part) for part in zip(*ours, strict=True))
    print(
        f"{'one LP never answers' if hung else 'all answer':22} desk {whole:7.1f} ms"
        f"  gather-all {1000 * statistics.median(theirs):7.1f} ms"
        f"  ratio {statistics.median(ratios):5.1f}x"
        f"  of it the fastest LP itself {lp:.1f} ms, one commit {one_commit:.1f} ms,"
        f" the desk's {statistics.median(late):.1f} ms ({min(late):.1f}-{max(late):.1f})"
    )


async def main() -> None:
    await compare(hung=False)
    await compare(hung=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[2] == "1") if sys.argv[1:2] == ["serve"] else main())
