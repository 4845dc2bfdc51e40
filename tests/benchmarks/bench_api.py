"""Quote-and-execute round trips over loopback HTTP, every commit durable: how many, how long.

Three processes: two LPs that answer at once, the served desk, and 50 clients, each with a
connection of its own: as fast as they are answered, with and without a name for each request
(`Idempotency-Key`), and at the rate that is the goal, each timed from when it was due.
Run: .venv/bin/python -m tests.benchmarks.bench_api [DIRECTORY] [--profile]. DIRECTORY must be on a
real disk. With `--profile` the costliest functions of the desk follow.
"""

from __future__ import annotations

import asyncio
import json
import os
import pstats
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple, cast

CLIENTS, WARM_UP, ROUND_TRIPS, ROUNDS = 50, 200, 1_500, 3
RATE_GOAL, P99_GOAL_MS = 300, 150
TICKS = os.sysconf("SC_CLK_TCK")
LPS = ("kepler", "borel")

CONFIG = """
[rules]
max_firm_quotes = 1000
[[clients]]
name = "acme"
balances = { BTC = 100000, USDT = 10000000000 }
[desk]
default_client = "acme"
[[api_keys]]
key = "bench"
secret = "bench-0123456789abcdef"
organization = "acme"
"""
LP = """
[[lps]]
name = "{name}"
kind = "rest"
url = "http://127.0.0.1:{port}"
key = "bench"
secret = "bench-0123456789abcdef"
rate_per_second = 100000
"""
HEAD = "Host: desk\r\nAuthorization: Bearer bench-0123456789abcdef\r\n"
WANTED = json.dumps(
    {
        "data": {
            "type": "quotes",
            "attributes": {
                "asset-id": "BTC",
                "cash-asset-id": "USDT",
                "transaction-type": "buy",
                "unit-count": "0.01",
            },
        }
    }
)


class Result(NamedTuple):
    """Round trips a second; milliseconds of a round trip and of each half of it."""

    rate: float
    p50: float
    p99: float
    quote_p99: float
    execute_p99: float
    desk_ms: float
    """CPU of the desk for one round trip."""


class Lp(asyncio.Protocol):
    """An LP that quotes and fills at once; by hand like `Client`, as its time is not the desk's."""

    count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        head, _, body = data.partition(b"\r\n\r\n")
        answer = self._answer(head.split(b" ", 2)[1], json.loads(body) if body else {})
        text = json.dumps(answer).encode()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(text), text)
        )

    def _answer(self, path: bytes, wanted: dict[str, str]) -> dict[str, Any]:
        Lp.count += 1
        price, quantity = {"price": "100000.25"}, {"quantity": "0.01"}
        match path:
            case b"/v1/quote":
                return {"quoteId": f"q{Lp.count}", "expiresIn": 10_000, **price, **quantity}
            case b"/v1/execute":
                order = {"clientOrderId": wanted["clientOrderId"], "executionId": f"x{Lp.count}"}
                filled = {"fillPrice": "100000.25", "fillQuantity": "0.01", "fee": "0"}
                return {"status": "FILLED", **order, **filled}
        return {"executions": []}


async def lps() -> None:
    """The child with the LPs: prints their ports, ends with its input."""
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(Lp, "127.0.0.1", 0) for _ in LPS]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await asyncio.to_thread(sys.stdin.read)


class Client:
    """One connection. HTTP by hand: the client's own time is not what is measured."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def post(self, path: str, body: str = "", key: str = "") -> tuple[int, bytes]:
        head = f"POST {path} HTTP/1.1\r\n{HEAD}Content-Length: {len(body)}\r\n"
        head += "Content-Type: application/vnd.api+json\r\n" if body else ""
        head += f"Idempotency-Key: {key}\r\n" if key else ""
        self._writer.write(f"{head}\r\n{body}".encode())
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return int(answer[9:12]), await self._reader.readexactly(length)

    async def round_trip(self, name: str) -> tuple[float, float]:
        """Ask and deal; seconds of each."""
        start = perf_counter()
        status, body = await self.post("/v2/quotes", WANTED, f"{name}-q" if name else "")
        asked = perf_counter()
        assert status == 201, body
        quote_id = json.loads(body)["data"]["id"]
        path = f"/v2/quotes/{quote_id}/execute"
        status, body = await self.post(path, key=f"{name}-x" if name else "")
        assert status == 200 and b'"status":"settled"' in body, (name, body)
        return asked - start, perf_counter() - asked


async def clients(port: int, count: int, prefix: str, rate: float) -> dict[str, Any]:
    """`CLIENTS` at once until `count` round trips are done, `rate` a second, or with 0 at once."""
    numbers, times = iter(range(count)), list[tuple[float, float]]()

    async def one() -> None:
        streams = await asyncio.open_connection("127.0.0.1", port)
        client = Client(*streams)
        for number in numbers:
            late = perf_counter() - start - number / rate if rate else 0
            if late < 0:
                await asyncio.sleep(-late)
            asked, dealt = await client.round_trip(f"{prefix}-{number}" if prefix else "")
            times.append((asked + max(late, 0), dealt))
        streams[1].close()

    start = perf_counter()
    await asyncio.gather(*(one() for _ in range(CLIENTS)))
    return {"seconds": perf_counter() - start, "times": times}


@asynccontextmanager
async def child(*arguments: str, stdin: int | None = PIPE) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=stdin, stdout=PIPE, limit=1 << 24
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.communicate()


def cpu_s(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def measured(port: int, pid: int, count: int, prefix: str, rate: float = 0) -> Result:
    before = cpu_s(pid)
    work = (str(port), str(count), prefix, str(rate))
    async with child("-m", "tests.benchmarks.bench_api", "clients", *work) as process:
        assert process.stdout is not None
        found = json.loads(await process.stdout.readline())
    used = cpu_s(pid) - before
    whole = sorted(sum(pair) for pair in found["times"])
    quotes = sorted(pair[0] for pair in found["times"])
    executes = sorted(pair[1] for pair in found["times"])
    last = len(whole) * 99 // 100
    return Result(
        rate=count / found["seconds"],
        p50=1e3 * whole[len(whole) // 2],
        p99=1e3 * whole[last],
        quote_p99=1e3 * quotes[last],
        execute_p99=1e3 * executes[last],
        desk_ms=1e3 * used / count,
    )


async def run(folder: Path, profile: bool) -> dict[str, list[Result]]:
    results: dict[str, list[Result]] = {"named": [], "unnamed": [], "at goal": []}
    out = ("-m", "cProfile", "-o", str(folder / "profile")) if profile else ()
    async with child("-m", "tests.benchmarks.bench_api", "lps") as market:
        assert market.stdout is not None
        ports = json.loads(await market.stdout.readline())
        blocks = (LP.format(name=name, port=port) for name, port in zip(LPS, ports, strict=True))
        (folder / "desk.toml").write_text(CONFIG + "".join(blocks))
        where = ("--config", str(folder / "desk.toml"), "--journal", str(folder / "desk.db"))
        serve = (*out, "-m", "lpdesk", "serve", "--json", "--port", "0", *where)
        async with child(*serve, stdin=None) as desk:
            assert desk.stdout is not None
            port = int(json.loads(await desk.stdout.readline())["url"].rpartition(":")[2])
            await measured(port, desk.pid, WARM_UP, "")
            for turn in range(1 if profile else ROUNDS):
                for name, of in results.items():
                    prefix = "" if name == "unnamed" else f"{name[:1]}{turn}"
                    rate = RATE_GOAL if name == "at goal" else 0
                    of.append(await measured(port, desk.pid, ROUND_TRIPS, prefix, rate))
        market.send_signal(signal.SIGTERM)
    return results


def main(*arguments: str) -> bool:
    profile = "--profile" in arguments
    folders = [each for each in arguments if not each.startswith("--")]
    with TemporaryDirectory(dir=folders[0] if folders else ".") as made:
        results = asyncio.run(run(Path(made), profile))
        if profile:
            pstats.Stats(str(Path(made) / "profile")).sort_stats("tottime").print_stats(45)
    for name, of in results.items():
        for result in sorted(of):
            print(
                f"{name:8} {result.rate:6.0f} round trips/s   p50 {result.p50:6.1f}"
                f"  p99 {result.p99:6.1f} ms (quote {result.quote_p99:.0f}, execute"
                f" {result.execute_p99:.0f})   desk {result.desk_ms:.2f} ms CPU each"
            )
    middle = sorted(results["named"])[len(results["named"]) // 2]
    met = middle.rate >= RATE_GOAL and middle.p99 <= P99_GOAL_MS
    print(f"goal {RATE_GOAL}/s, p99 {P99_GOAL_MS} ms at full speed: {'met' if met else 'MISSED'}")
    return met


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["lps"]:
            asyncio.run(lps())
        case ["clients", port, count, prefix, rate]:
            done = asyncio.run(clients(int(port), int(count), prefix, float(rate)))
            print(json.dumps(done))
        case arguments:
            sys.exit(not main(*arguments))
