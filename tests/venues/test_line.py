"""One connection to an LP: what it may answer, what it may not, and whether the line is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain.wire import Malformed
from lpdesk.venues.base import Endpoint
from lpdesk.venues.http import Http
from lpdesk.venues.line import Line, NoAnswer, connect

REQUEST = b"GET / HTTP/1.1\r\nHost: lp\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LIMIT = 1_000


@asynccontextmanager
async def answering(
    answer: bytes, *, ends: bool = False, again: bytes = b""
) -> AsyncIterator[Line]:
    """A line to an LP that answers so, then sends `again` for as long as it is heard, or ends."""

    async def lp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
                while again:
                    writer.write(again)
                    await writer.drain()
                if ends:
                    return
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(lp, "127.0.0.1", 0)
    line = await connect("127.0.0.1", server.sockets[0].getsockname()[1], None)
    try:
        yield line
    finally:
        line.close()
        server.close()
        await server.wait_closed()


ANSWERS = {
    "plain": (OK, True),
    "in chunks": (CHUNKED + b"1\r\n{\r\n1;what=ever\r\n}\r\n0\r\nTrailer: x\r\n\r\n", True),
    "after a hint": (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, True),
    "goodbye": (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", False),
    "old": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", False),
    "twice": (OK + OK, False),
    "and rubbish": (OK + b"\x00", False),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_read_and_the_line_kept_if_it_is_clean(name: str) -> None:
    raw, kept = ANSWERS[name]
    async with answering(raw) as line:
        answer = await line.exchange(REQUEST, LIMIT)
        assert (answer.status, answer.body) == (200, b"{}")
        assert line.usable is kept
        if kept:
            assert (await line.exchange(REQUEST, LIMIT)).body == b"{}"


async def test_an_answer_without_a_length_lasts_until_the_end() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\n\r\n{}", ends=True) as line:
        assert (await line.exchange(REQUEST, LIMIT)).body == b"{}"
        assert not line.usable


async def test_when_to_ask_again_is_heard() -> None:
    slow = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
    async with answering(slow) as line:
        answer = await line.exchange(REQUEST, LIMIT)
        assert (answer.status, answer.retry_after) == (429, "7")


BROKEN = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}",
    "half a chunk": CHUNKED + b"5\r\n{}",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\n{}",
    "no length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
    "no chunk": CHUNKED + b"zz\r\n{}",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "no HTTP": b"SSH-2.0-lp\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_no_whole_answer_is_none(name: str) -> None:
    async with answering(BROKEN[name], ends=True) as line:
        with pytest.raises(NoAnswer, match="broken HTTP answer"):
            await line.exchange(REQUEST, LIMIT)
        assert not line.usable


ENDLESS = {
    "head": (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 10_000),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: x\r\n" * 1_000),
    "hints": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1_000),
    "body": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000),
    "chunks": (CHUNKED, b"1\r\nx\r\n" * 1_000),
    "chunk's head": (CHUNKED + b"1;x=", b"x" * 10_000),
    "trailers": (CHUNKED + b"0\r\n", b"X: x\r\n" * 1_000),
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_an_answer_without_end_is_cut_off(name: str) -> None:
    first, again = ENDLESS[name]
    async with answering(first, again=again) as line:
        with pytest.raises(Malformed, match="answer too large"):
            await line.exchange(REQUEST, LIMIT)
        assert not line.usable


async def test_a_header_cannot_be_two() -> None:
    def injected(*_: object) -> list[tuple[str, str]]:
        return [("X-API-KEY", "key\r\nX-Admin: yes")]

    endpoint = Endpoint(name="lp", kind="rest", url="http://127.0.0.1:9")
    http = Http(endpoint, SystemClock(), injected)
    with pytest.raises(ValueError, match="X-API-KEY"):
        await http.call("GET", "/", patience_s=1)
