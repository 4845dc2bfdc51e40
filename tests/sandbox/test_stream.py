"""The WebSocket stream of a stand-in."""

import asyncio
import json

import pytest
import websockets

from lpdesk.sandbox import Mood


@pytest.fixture
async def sandbox(stage):
    sandbox = await stage("alpha")
    sandbox.venue("alpha").become(ticks_per_second=20)
    return sandbox


@pytest.fixture
def alpha(stage, sandbox):
    return stage.client(sandbox, "alpha")


async def test_quotes_follow_in_sequence_for_each_symbol(alpha):
    async with alpha.stream("BTC/USDT", "ETH/USDT") as stream:
        heard = [await stream.hear("quote") for _ in range(6)]
    for symbol in ("BTC/USDT", "ETH/USDT"):
        quotes = [quote for quote in heard if quote["symbol"] == symbol]
        assert [quote["sequence"] for quote in quotes] == [1, 2, 3]
    assert set(heard[0]) == {
        *("type", "symbol", "bid", "ask", "bidSize", "askSize", "timestamp", "sequence"),
        *("bidQuoteId", "askQuoteId", "expiresIn"),
    }
    assert len({quote[side] for quote in heard for side in ("bidQuoteId", "askQuoteId")}) == 12


async def test_a_streamed_quote_is_executed_by_its_side(alpha):
    async with alpha.stream("BTC/USDT") as stream:
        quote = await stream.hear("quote")
        bought = await alpha.execute(quote["askQuoteId"], "D-1")
        sold = await alpha.execute(quote["bidQuoteId"], "D-2", quantity="0.25")
    assert (bought["fillPrice"], bought["fillQuantity"]) == (quote["ask"], quote["askSize"])
    assert (sold["fillPrice"], sold["fillQuantity"]) == (quote["bid"], "0.25")


async def test_the_heart_beats_without_any_subscription(alpha):
    async with alpha.stream() as stream:
        assert await stream.hear("heartbeat") == {"type": "heartbeat"}
        assert await stream.hear("heartbeat") == {"type": "heartbeat"}


@pytest.mark.parametrize("timestamp", ["1", "Ω", "\ud800", None])
async def test_nothing_is_said_before_a_good_auth(alpha, timestamp):
    async with websockets.connect(alpha.lp.url.replace("http", "ws") + "/v1/stream") as socket:
        auth = {"type": "auth", "apiKey": alpha.lp.key, "timestamp": timestamp, "signature": "x"}
        await socket.send(json.dumps(auth))
        assert json.loads(await socket.recv())["type"] == "error"
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd.code == 1008


async def test_an_unknown_symbol_is_named_and_the_stream_goes_on(alpha):
    async with alpha.stream("DOGE/USDT") as stream:
        assert (await stream.hear("error"))["code"] == "UNKNOWN_SYMBOL"
        await stream.say({"type": "subscribe", "channels": ["quotes"], "symbols": ["LTC/USD"]})
        assert (await stream.hear("quote"))["symbol"] == "LTC/USD"


async def test_noise_ends_the_stream(alpha):
    async with alpha.stream() as stream:
        await stream.socket.send(b"\x00\xff")
        with pytest.raises(websockets.ConnectionClosed):
            await stream.hear("nothing")


@pytest.mark.parametrize(
    ("mood", "sequences"),
    [
        (Mood.GAP, [1, 3, 4]),
        (Mood.REORDER, [1, 0, 3]),
        (Mood.REPEAT_TICK, [1, 2, 2]),
        (Mood.FREEZE, [1, 2, 3]),
    ],
)
async def test_a_scripted_tick_misbehaves_once(sandbox, alpha, mood, sequences):
    async with alpha.stream("BTC/USDT") as stream:
        heard = [await stream.hear("quote")]
        sandbox.venue("alpha").script(mood)
        heard += [await stream.hear("quote") for _ in range(2)]
    assert [quote["sequence"] for quote in heard] == sequences


async def test_a_crossed_tick_has_its_bid_above_its_ask(sandbox, alpha):
    sandbox.venue("alpha").script(Mood.CROSS)
    async with alpha.stream("BTC/USDT") as stream:
        quote = await stream.hear("quote")
    assert float(quote["bid"]) > float(quote["ask"])


async def test_a_dropped_stream_breaks_off(sandbox, alpha):
    async with alpha.stream("BTC/USDT") as stream:
        await stream.hear("quote")
        sandbox.venue("alpha").script(Mood.DROP)
        with pytest.raises(websockets.ConnectionClosedError):
            await stream.hear("nothing")


async def test_closing_ends_streams_at_once_and_leaves_nothing_behind(stage, sandbox, alpha):
    before = asyncio.all_tasks()
    async with alpha.stream("BTC/USDT") as stream:
        await stream.hear("quote")
        started = asyncio.get_running_loop().time()
        await sandbox.close()
        assert asyncio.get_running_loop().time() - started < 0.3
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await stream.hear("nothing")
        assert closed.value.rcvd.code == 1012
    assert asyncio.all_tasks() <= before
