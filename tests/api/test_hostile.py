"""What strangers send: slow, large, broken. Bounded, answered with a reason, and never with 5xx."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.desks import JSON_API, SECRETS, Desk, Market, data, error, served


@pytest.fixture
async def hurried(
    tmp_path: Path, market: Market, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    """A desk that gives a request 0.15 s to come in, and takes four connections."""
    monkeypatch.setenv("LPDESK_API__RECEIVE_SECONDS", "0.15")
    monkeypatch.setenv("LPDESK_API__MAX_CONNECTIONS", "4")
    async with served(tmp_path, market) as desk:
        yield desk


async def sent(desk: Desk, *pieces: bytes, every_s: float = 0) -> bytes:
    """All that comes back on one connection, until the desk closes it."""
    assert desk.live.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.live.port)

    async def write() -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(every_s)

    writing = asyncio.create_task(write())
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writing.cancel()
        await asyncio.wait([writing])
        writer.close()


HEAD = b"GET /healthz HTTP/1.1\r\nHost: desk\r\n"
POST = (
    f"POST /v2/quotes HTTP/1.1\r\nHost: desk\r\nAuthorization: Bearer {SECRETS['bot']}\r\n"
    f"Content-Type: {JSON_API}\r\n"
).encode()


async def test_half_a_header_is_cut_off(hurried: Desk) -> None:
    assert (await sent(hurried, HEAD)).startswith(b"HTTP/1.1 408 ")
    assert (await sent(hurried)).startswith(b"HTTP/1.1 408 ")


async def test_one_byte_at_a_time_is_cut_off(hurried: Desk) -> None:
    pieces = [bytes([byte]) for byte in HEAD]
    assert (await sent(hurried, *pieces, every_s=0.02)).startswith(b"HTTP/1.1 408 ")


async def test_half_a_header_after_a_whole_request_is_cut_off(hurried: Desk) -> None:
    said = await sent(hurried, HEAD + b"\r\n", HEAD, every_s=0.05)
    assert said.startswith(b"HTTP/1.1 200 ") and b"HTTP/1.1 408 " in said


async def test_a_body_that_does_not_come_is_cut_off(hurried: Desk) -> None:
    for more in (b"", b"Expect: 100-continue\r\n"):
        said = await sent(hurried, POST + more + b"Content-Length: 100\r\n\r\n", b"{")
        assert b"HTTP/1.1 408 " in said and b"comes within 0.15 s" in said
        assert said.count(b"content-length") == 1, "nothing after it"


async def test_too_many_connections_are_not_taken(hurried: Desk) -> None:
    assert hurried.live.port is not None
    held = [await asyncio.open_connection("127.0.0.1", hurried.live.port) for _ in range(4)]
    assert await sent(hurried, HEAD + b"\r\n") == b""
    for _, writer in held:
        writer.close()
        await writer.wait_closed()
    health = await hurried.caller("").http.get("/healthz")
    assert health.status_code == 200


async def test_line_ends_keep_no_connection(hurried: Desk) -> None:
    said = await sent(hurried, HEAD + b"\r\n", *[b"\r\n"] * 50, every_s=0.02)
    assert said.startswith(b"HTTP/1.1 200 ") and b"HTTP/1.1 408 " in said


NO_HTTP = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no host": b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
    "two hosts": HEAD + b"Host: other\r\nConnection: close\r\n\r\n",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length and chunks": (
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "folded": HEAD + b"X: a\r\n b\r\nConnection: close\r\n\r\n",
    "space before the colon": HEAD + b"Connection : close\r\n\r\n",
}


@pytest.mark.parametrize("name", NO_HTTP)
async def test_what_is_no_http_is_refused_in_a_document(desk: Desk, name: str) -> None:
    said, _, body = (await sent(desk, NO_HTTP[name])).partition(b"\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400 ") and JSON_API.encode() in said
    assert json.loads(body)["errors"][0]["code"] == "malformed"


@pytest.mark.parametrize(
    ("behind", "more"), [(b"\x00rubbish", 0), (HEAD + b"X: " + b"x" * 9_000, 1)]
)
async def test_what_follows_a_request_takes_no_answer_from_it(
    hurried: Desk, behind: bytes, more: int
) -> None:
    """A client that deals must not read a refusal of what it sent behind its order.

    Half a head may be told that it was too slow, after the answer.
    """
    wanted = {"asset-id": "BTC", "unit-count": "1", "transaction-type": "buy"}
    body = json.dumps({"data": {"type": "quotes", "attributes": wanted}}).encode()
    whole = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
    said = await sent(hurried, whole + behind)
    assert said.startswith(b"HTTP/1.1 201 ")
    assert said.count(b"HTTP/1.1 ") - 1 == said.count(b"HTTP/1.1 408 ") <= more


async def test_no_other_protocol_is_taken_up(desk: Desk) -> None:
    said = await sent(desk, HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + HEAD)
    assert said.startswith(b"HTTP/1.1 200 ") and said.count(b"HTTP/1.1") == 1


async def test_headers_and_bodies_are_bounded(desk: Desk) -> None:
    many = b"".join(b"X-%d: y\r\n" % n for n in range(10_000))
    whole = b"X: " + b"x" * 20_000 + b"\r\nConnection: close\r\n\r\n"  # in one read or two
    for head in (b"X: " + b"x" * 70_000, many, whole):
        assert (await sent(desk, HEAD + head)).startswith(b"HTTP/1.1 431 ")
    bot = desk["bot"]
    huge = await bot.call("POST", "/v2/quotes", {"data": "x" * 70_000})
    assert error(huge, 413)["detail"] == "a body has at most 65536 bytes"
    chunks = b"".join(b"1000\r\n" + b"x" * 0x1000 + b"\r\n" for _ in range(32))
    said = await sent(desk, POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert not said or said.startswith(b"HTTP/1.1 413 ")  # a reset may overtake the answer
    assert desk.live.session.view.rfqs == ()


BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "NaN": b'{"data": NaN}',
    "deep": b"[" * 30_000,
    "twice": b'{"data": {"type": "quotes", "type": "quotes"}}',
    "digits": b'{"data": ' + b"9" * 5_000 + b"}",
    "latin-1": b'{"data": "\xe9"}',
    "utf-16": '{"data": 1}'.encode("utf-16"),
    "mark": b"\xef\xbb\xbf{}",
    "trailing": b"{} {}",
}
DOCUMENTS = {
    "list": (b"[]", 422, None),
    "empty": (b"{}", 422, None),
    "null": (b'{"data": null}', 422, "/data"),
    "type": (b'{"data": {"type": "cats"}}', 409, "/data/type"),
    "id": (b'{"data": {"type": "quotes", "id": "1"}}', 403, "/data/id"),
    "member": (b'{"data": {"type": "quotes"}, "x": 1}', 422, "/x"),
    "surrogate": (b'{"data": {"type": "quotes"}, "\\ud800": 1}', 422, "/\ufffd"),
    "attributes": (b'{"data": {"type": "quotes", "attributes": []}}', 422, "/data/attributes"),
}  # fmt: skip


async def raw(desk: Desk, body: bytes, content_type: str = JSON_API) -> object:
    caller = desk["bot"]
    headers = {"Authorization": f"Bearer {SECRETS['bot']}", "Content-Type": content_type}
    return await caller.http.post("/v2/quotes", content=body, headers=headers)


async def test_broken_bodies_are_refused_without_a_trace(desk: Desk) -> None:
    seq = desk.live.session.view.seq
    for name, body in BODIES.items():
        assert error(await raw(desk, body), 400)["code"] == "malformed", name
    for name, (body, status, pointer) in DOCUMENTS.items():
        refused = error(await raw(desk, body), status)
        assert refused.get("source", {}).get("pointer") == pointer, name
    assert desk.live.session.view.seq == seq


async def test_media_types(desk: Desk) -> None:
    wanted = {"asset-id": "BTC", "unit-count": "1", "transaction-type": "buy"}
    good = json.dumps({"data": {"type": "quotes", "attributes": wanted}}).encode()
    mine, profile = f"{JSON_API}; charset=utf-8", f'{JSON_API}; profile="https://x.example/p"'
    extended = f'{JSON_API}; ext="https://x.example/e"'
    for media_type in ("text/plain", mine, extended, "multipart/form-data", ""):
        assert error(await raw(desk, good, media_type), 415)
    for media_type in ("application/json; charset=utf-8", profile):
        assert data(await raw(desk, good, media_type), 201)
    packed = await desk["bot"].call("POST", "/v2/quotes", {}, Content_Encoding="gzip")
    assert error(packed, 415)
    for accept in (mine, f"{mine}, */*", extended, "text/html"):
        assert error(await desk["bot"].call("GET", "/v2/quotes", Accept=accept), 406)
    for accept in (f"text/html, {JSON_API};q=0.5", f"{mine}, {JSON_API}", profile, "*/*"):
        assert data(await desk["bot"].call("GET", "/v2/quotes", Accept=accept))


@pytest.mark.parametrize("count", ['"0.500000000000000000"', "0.500000000000000000000000000000"])
async def test_noughts_at_the_end_are_no_decimals(desk: Desk, count: str) -> None:
    """Neither for us nor for an LP, which may count them."""
    wanted = {"asset-id": "BTC", "unit-count": "?", "transaction-type": "buy"}
    body = json.dumps({"data": {"type": "quotes", "attributes": wanted}}).replace('"?"', count)
    quote = data(await raw(desk, body.encode()), 201)
    done = data(await desk["bot"].act(quote["id"], "execute"))["attributes"]
    assert (done["status"], done["unit-count"]) == ("settled", "0.5")


async def test_paths_and_methods_that_are_not(desk: Desk) -> None:
    bot = desk["bot"]
    assert error(await bot.get("/v2/cats"), 404)
    assert error(await bot.get("/v2/quotes/%00%1b[2J"), 404)
    assert error(await bot.get("/v2/quotes/%ff"), 404)
    wrong = await bot.call("DELETE", "/v2/quotes")
    assert error(wrong, 405) and wrong.headers["allow"]
    assert error(await bot.get("/v2/quotes/Q-000001?x=1"), 400)


async def test_a_key_has_so_many_requests_under_way(
    tmp_path: Path, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LPDESK_API__MAX_IN_FLIGHT", "2")
    market.venue.become(latency_ms=(100, 100, 100))
    async with served(tmp_path, market) as desk:
        answers = await asyncio.gather(*(desk["bot"].quote(unit_count="1") for _ in range(5)))
        refused = [error(each, 429) for each in answers if each.status_code == 429]
        assert len(refused) == 3
        assert {each.headers.get("retry-after") for each in answers} == {None, "1"}
        assert data(await desk["rival"].quote(unit_count="0.005"), 201)
