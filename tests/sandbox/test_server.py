"""Starting, describing and ending the sandbox as a whole."""

import asyncio
import json
import os
import signal
import socket
import tomllib
from dataclasses import asdict
from decimal import Decimal

import httpx
import pytest

from lpdesk.sandbox import run_sandbox, start_sandbox


async def test_the_default_cast_is_seven_at_seven_addresses(stage):
    sandbox = await stage()
    names = [lp.name for lp in sandbox.lps]
    assert names == ["kepler", "alpha", "borel", "dirac", "euler", "fermat", "hilbert"]
    assert len({lp.url for lp in sandbox.lps}) == 7
    assert [lp.name for lp in sandbox.lps if lp.kind == "stream"] == ["alpha", "dirac"]


async def test_the_printed_configuration_is_the_truth(stage):
    sandbox = await stage()
    read = tomllib.loads(sandbox.config_toml(), parse_float=Decimal)["lps"]
    for block, lp in zip(read, sandbox.lps, strict=True):
        told = asdict(lp) | {"pairs": list(lp.pairs)}
        assert block == told


async def test_keys_follow_the_seed_and_stay_out_of_logs(stage):
    one, same = await stage("kepler"), await stage("kepler", "alpha")
    assert one.lps[0].secret == same.lps[0].secret
    assert one.lps[0].secret not in repr(one.lps)


async def test_unknown_casts_and_names_are_refused(stage):
    with pytest.raises(ValueError, match="no cast 'heroes'"):
        await start_sandbox(1, cast="heroes")
    with pytest.raises(ValueError, match="not in this cast: nobody"):
        await stage("kepler", "nobody")


async def test_closing_frees_the_ports_even_with_a_request_hanging(stage):
    sandbox = await stage("staller", cast="villains")
    client = stage.client(sandbox, "staller")
    sandbox.venue("staller").become(moods={}, latency_ms=(60_000, 60_000, 60_000))
    waiting = asyncio.create_task(client.quote())
    async with asyncio.timeout(5):
        while not sandbox._running[0][1].server_state.tasks:  # noqa: ASYNC110
            await asyncio.sleep(0)
    started = asyncio.get_running_loop().time()
    await sandbox.close()
    assert asyncio.get_running_loop().time() - started < 0.3
    with pytest.raises(httpx.HTTPError):
        await waiting
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(client.lp.url.rsplit(":", 1)[1])))


async def test_garbage_on_the_socket_prints_nothing(stage, capfd):
    sandbox = await stage("kepler")
    port = int(sandbox.lps[0].url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
    assert b"400" in await reader.read()
    writer.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "toml"])
async def test_the_command_describes_the_cast_and_ends_on_a_signal(as_json):
    lines: list[str] = []
    described = asyncio.Event()

    def write(line: str) -> None:
        lines.append(line)
        described.set()

    running = asyncio.create_task(run_sandbox(7, "default", None, as_json, write))
    async with asyncio.timeout(5):
        await described.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await running
    blocks = (
        [json.loads(line) for line in lines] if as_json else tomllib.loads("\n".join(lines))["lps"]
    )
    assert [block["name"] for block in blocks][:2] == ["kepler", "alpha"]
