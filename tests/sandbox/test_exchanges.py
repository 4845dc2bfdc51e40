"""The stand-in exchanges as a client without our adapters sees them."""

from __future__ import annotations

import json
from decimal import Decimal

import httpx
import pytest
import websockets

from lpdesk.sandbox import start_sandbox
from lpdesk.sandbox.exchange import Prices
from lpdesk.sandbox.exchanges import start_exchanges
from lpdesk.sandbox.market import Market

NOW = 1_768_833_000_000_000_000


@pytest.fixture
async def exchanges(clock):
    running = await start_exchanges(7, Market(7, clock()), now_ns=clock, ticks_per_second=100)
    yield running
    await running.close()


async def talk(url: str, hello: str, answers: int) -> list[str]:
    async with websockets.connect(url) as socket:
        await socket.send(hello)
        return [await socket.recv() for _ in range(answers)]


async def test_there_are_four_that_follow_the_one_market(exchanges, clock):
    market = Market(7, clock())
    assert [it.kind for it in exchanges.feeds] == ["binance", "okx", "coinbase", "kraken"]
    tops = {it.name: exchanges.exchange(it.name).top("BTC/USDT") for it in exchanges.feeds}
    mid = market.mid("BTC/USDT", clock())
    for top in tops.values():
        assert Decimal(top.bid) < Decimal(top.ask)
        assert abs(Decimal(top.bid) / mid - 1) < Decimal("0.0003")
    assert len({top.bid for top in tops.values()}) == 4


def test_a_price_depends_on_seed_name_pair_and_time_alone():
    def prices(seed, name):
        made = Prices(seed, name, Market(seed, NOW), "0.1", 0.2)
        return [made.top("BTC/USDT", NOW + step * 100_000_000) for step in range(5)]

    assert prices(7, "okx") == prices(7, "okx")
    assert prices(7, "okx") != prices(7, "kraken")
    assert prices(7, "okx") != prices(8, "okx")


async def test_binance_frames(exchanges):
    url = exchanges.feeds[0].url
    hello = '{"method":"SUBSCRIBE","params":["btcusdt@bookTicker"],"id":1}'
    ack, first, second = map(json.loads, await talk(url, hello, 3))
    assert ack == {"result": None, "id": 1}
    assert list(first) == ["u", "s", "b", "B", "a", "A"]
    assert second["u"] > first["u"]
    [refusal] = map(json.loads, await talk(url, '{"method":"NONSENSE","id":5}', 1))
    assert (refusal["code"], refusal["id"], "result" in refusal) == (2, 5, False)
    [refusal] = map(json.loads, await talk(url, "{", 1))
    assert refusal["code"] == 3


async def test_okx_frames(exchanges):
    url = exchanges.feeds[1].url
    arg = {"channel": "bbo-tbt", "instId": "BTC-USDT"}
    hello = json.dumps({"id": "1", "op": "subscribe", "args": [arg]})
    ack, tick = map(json.loads, await talk(url, hello, 2))
    assert (ack["event"], ack["arg"], tick["arg"]) == ("subscribe", arg, arg)
    assert [len(tick["data"][0][side][0]) for side in ("bids", "asks")] == [4, 4]
    assert await talk(url, "ping", 1) == ["pong"]
    assert json.loads((await talk(url, "{}", 1))[0])["code"] == "60012"


async def test_coinbase_frames_are_numbered_from_zero(exchanges):
    url = exchanges.feeds[2].url
    hello = '{"type":"subscribe","product_ids":["BTC-USD"],"channel":"ticker"}'
    frames = [json.loads(text) for text in await talk(url, hello, 4)]
    assert [frame["sequence_num"] for frame in frames] == [0, 1, 2, 3]
    assert [frame["channel"] for frame in frames] == ["subscriptions", "ticker", "ticker", "ticker"]


async def test_kraken_says_its_status_and_writes_numbers(exchanges):
    params = {"channel": "ticker", "symbol": ["BTC/USD"], "event_trigger": "bbo"}
    hello = json.dumps({"method": "subscribe", "params": params, "req_id": 7})
    texts = await talk(exchanges.feeds[3].url, hello, 3)
    status, ack, tick = (json.loads(text, parse_float=Decimal) for text in texts)
    assert status["data"][0]["system"] == "online"
    assert (ack["success"], ack["req_id"]) == (True, 7)
    assert isinstance(tick["data"][0]["bid"], Decimal)


@pytest.mark.parametrize(
    ("number", "target", "status"),
    [
        (0, "/api/v3/ticker/bookTicker?symbol=NOSUCH", 400),
        (1, "/api/v5/market/ticker?instId=NO-SUCH", 200),
        (2, "/api/v3/brokerage/market/products/NO-SUCH/ticker", 404),
        (3, "/0/public/Ticker?pair=NOSUCH", 200),
    ],
)
async def test_rest_refusals(exchanges, number, target, status):
    async with httpx.AsyncClient() as client:
        answer = await client.get(exchanges.feeds[number].rest_url + target)
    assert answer.status_code == status
    assert answer.json()


async def test_the_sandbox_brings_them_along_if_asked(clock):
    without = await start_sandbox(7, only=["kepler"], now_ns=clock)
    assert without.exchanges is None
    await without.close()
    sandbox = await start_sandbox(7, only=["kepler"], exchanges=True, now_ns=clock)
    assert sandbox.exchanges is not None
    assert len(sandbox.exchanges.feeds) == 4
    url = sandbox.exchanges.feeds[0].rest_url
    await sandbox.close()
    with pytest.raises(httpx.ConnectError):
        async with httpx.AsyncClient() as client:
            await client.get(url)
