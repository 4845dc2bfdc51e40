"""The desk in a browser: page, first frame, who may ask, and nobody left behind."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.cli.days import keep, short_day
from tests.cli.processes import lines, process
from tests.conftest import eventually

pytestmark = pytest.mark.slow
PATIENCE_S = 20.0


class Served(NamedTuple):
    """A server, and where it is."""

    process: asyncio.subprocess.Process
    url: str

    @property
    def viewers(self) -> list[int]:
        """Its processes."""
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [pid for pid in pids if _parent(pid) == self.process.pid]


def _parent(pid: int) -> int:
    """Whose child a process is; 0 when it has ended."""
    try:
        state, parent, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if state == "Z" else int(parent)


@asynccontextmanager
async def served(path: Path) -> AsyncIterator[Served]:
    keep(path, short_day().records)
    command = ("-m", "lpdesk", "web", "--journal", str(path), "--port", "0")
    async with process(*command, TEXTUAL_DRIVER="none:None") as child, asyncio.timeout(60):
        said = await anext(lines(child))
        found = re.search(r"on (http://127\.0\.0\.1:\d+); Ctrl-C", said)
        assert found is not None, said
        yield Served(child, found[1])


def browser(url: str, origin: str | None = None) -> Any:
    socket = url.replace("http:", "ws:") + "/ws?width=120&height=36"
    return connect(socket, origin=origin or url)  # type: ignore[arg-type]


async def read_until(socket: ClientConnection, text: str) -> str:
    """What was drawn, up to and with `text`."""
    seen = ""
    async with asyncio.timeout(PATIENCE_S):
        while text not in re.sub(r"\x1b\[[0-9;?<>=]*[a-zA-Z$]", "", seen):
            message = await socket.recv()
            seen += message.decode() if isinstance(message, bytes) else message
    return seen


async def test_a_browser_looks_at_the_desk(tmp_path: Path) -> None:
    async with served(tmp_path / "day.db") as desk, httpx.AsyncClient() as client:
        page = await client.get(desk.url)
        assert page.status_code == 200 and "day.db, read-only" in page.text
        assert "https://" not in page.text, "nothing is fetched from elsewhere"
        for path in re.findall(r'(?:src|href)="(static/[^"]+)"', page.text):
            assert (await client.get(f"{desk.url}/{path}")).status_code == 200
        stranger = await client.get(desk.url, headers={"Host": "elsewhere.example"})
        assert stranger.status_code == 403, "a name that was bound to loopback by somebody else"
        with pytest.raises(InvalidStatus, match="403"):
            await browser(desk.url, "http://elsewhere.example")
        async with browser(desk.url) as socket:
            await read_until(socket, "REPLAY")
            await socket.send('["resize", {"width": 80, "height": 24}]')
            await socket.send('["stdin", "\\u001b[24~"]')  # F12
            assert "HALTED" not in await read_until(socket, "this is a replay")


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are listed in /proc")
async def test_no_viewer_is_left_behind(tmp_path: Path) -> None:
    async with served(tmp_path / "day.db") as desk:
        async with browser(desk.url) as socket:
            await read_until(socket, "REPLAY")
            assert len(desk.viewers) == 1
        await eventually(lambda: desk.viewers == [], PATIENCE_S, "it leaves with its visitor")
        async with browser(desk.url) as socket:
            await read_until(socket, "REPLAY")
            (viewer,) = desk.viewers
            desk.process.kill()
            await desk.process.wait()
            await eventually(lambda: not _parent(viewer), PATIENCE_S, "nor does it outlive us")


async def test_no_journal_no_server(tmp_path: Path) -> None:
    async with process("-m", "lpdesk", "web", "--journal", str(tmp_path / "none.db")) as child:
        assert await child.wait() == 2
