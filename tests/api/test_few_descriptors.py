"""A desk with 64 file descriptors refuses more strangers than that, and works on (N11)."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from tests.cli.processes import lines, process
from tests.conftest import eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="no such limit there"),
]

LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from lpdesk.__main__ import main
main()
"""
HALF = b"GET /healthz HTTP/1.1\r\nHost: desk\r\n"


async def healthy(port: int) -> bool:
    """Whether a request is answered now."""
    with suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HALF + b"connection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer.startswith(b"HTTP/1.1 200 ")
    return False


async def test_more_strangers_than_descriptors(tmp_path: Path) -> None:
    where = ("serve", "--json", "--port", "0", "--journal", str(tmp_path / "desk.db"))
    async with (
        process("-c", LIMITED, *where, stderr=PIPE) as desk,
        AsyncExitStack() as strangers,
        asyncio.timeout(60),
    ):
        port = int(json.loads(await anext(lines(desk)))["url"].rpartition(":")[2])
        for _ in range(200):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            strangers.callback(writer.close)
            writer.write(HALF)
        await strangers.aclose()
        await eventually(lambda: healthy(port), 20)
        desk.send_signal(signal.SIGTERM)
        _, errors = await desk.communicate()
        assert (desk.returncode, errors) == (0, b"")
