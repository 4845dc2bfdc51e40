"""Every dialect against its stand-in, over real sockets: what all of them must do alike."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from lpdesk.domain.reasons import Reason
from tests.conftest import eventually
from tests.feeds.conftest import KINDS, SOON_STALE

every = pytest.mark.parametrize("kind", KINDS)

HELLOS = {
    "binance": [
        {
            "method": "SUBSCRIBE",
            "params": ["btcusdt@bookTicker", "ethusdt@bookTicker"],
            "id": 1,
        }
    ],
    "okx": [
        {
            "id": "1",
            "op": "subscribe",
            "args": [
                {"channel": "bbo-tbt", "instId": "BTC-USDT"},
                {"channel": "bbo-tbt", "instId": "ETH-USDT"},
            ],
        }
    ],
    "coinbase": [
        {"type": "subscribe", "product_ids": ["BTC-USDT", "ETH-USDT"], "channel": "ticker"},
        {"type": "subscribe", "channel": "heartbeats"},
    ],
    "kraken": [
        {
            "method": "subscribe",
            "params": {
                "channel": "ticker",
                "symbol": ["BTC/USDT", "ETH/USDT"],
                "event_trigger": "bbo",
                "snapshot": True,
            },
            "req_id": 1,
        }
    ],
}
TARGETS = {
    "binance": "/api/v3/ticker/bookTicker?symbol=BTCUSDT",
    "okx": "/api/v5/market/ticker?instId=BTC-USDT",
    "coinbase": "/api/v3/brokerage/market/products/BTC-USDT/ticker?limit=1",
    "kraken": "/0/public/Ticker?pair=XBTUSDT",
}


@every
async def test_prices_come_as_the_exchange_has_them(stage, kind):
    scene = await (await stage(kind)).running()
    tick = await scene.heard.tick()
    assert tick.source == f"{kind}-feed"
    assert 0 < tick.ask - tick.bid < tick.bid / 1_000
    assert abs(tick.bid / scene.mid() - 1) < Decimal("0.001")
    assert tick.bid == round(tick.bid, 2)  # read from text: no float on the way
    assert scene.feed.tape.malformed == 0


@every
async def test_the_subscription_is_as_documented(stage, kind):
    scene = await (await stage(kind)).running()
    assert [json.loads(text) for text in scene.exchange.heard] == HELLOS[kind]


@every
async def test_frozen_prices_are_lost_although_heartbeats_go_on(stage, kind):
    scene = await stage(kind)
    scene.exchange.beat_seconds = 0.02
    await scene.running(**SOON_STALE)
    scene.exchange.frozen = True
    assert await scene.heard.loss() == (Reason.STALE, "no new price")
    await scene.heard.loss("ETH/USDT")
    scene.heard.forget()
    scene.exchange.frozen = False
    await scene.heard.tick()
    assert scene.feed.connections == 1


@every
async def test_a_subscription_that_gives_nothing_is_made_anew(stage, kind):
    scene = await (await stage(kind)).running(quiet_s=0.1)
    scene.exchange.frozen = True
    await eventually(lambda: scene.exchange.connections > 1)
    scene.exchange.frozen = False
    scene.heard.forget()
    assert await scene.heard.tick()


@every
async def test_a_broken_connection_is_a_loss_and_is_made_again(stage, kind):
    scene = await (await stage(kind)).running(poll_s=10)
    scene.heard.forget()
    scene.exchange.disconnect()
    assert await scene.heard.loss() == (Reason.UNREACHABLE, "connection broken")
    scene.heard.forget()
    await scene.heard.tick()
    assert scene.exchange.connections == 2
    assert scene.heard.losses() == []


@every
async def test_rest_gives_prices_only_while_there_is_no_connection(stage, kind):
    scene = await (await stage(kind)).running()
    assert list(scene.exchange.asked) == []
    scene.exchange.go_dark()
    await scene.heard.loss()
    scene.heard.forget()
    tick = await scene.heard.tick()
    assert TARGETS[kind] in scene.exchange.asked
    assert abs(tick.bid / scene.mid() - 1) < Decimal("0.001")
    assert tick.bid < tick.ask
    scene.exchange.come_back()
    await eventually(lambda: scene.exchange.connections > 1)
    await scene.heard.tick("ETH/USDT")
    scene.exchange.asked.clear()
    scene.heard.forget()
    await eventually(lambda: len(scene.heard.ticks()) > 2)
    assert len(scene.exchange.asked) <= 1  # one may have been on its way


@every
async def test_a_dark_exchange_is_lost_once(stage, kind):
    scene = await (await stage(kind)).running()
    scene.heard.forget()
    scene.exchange.go_dark(rest=True)
    await scene.heard.loss("ETH/USDT")
    dialled = scene.feed.connections
    await eventually(lambda: scene.feed.connections > dialled + 3)
    assert len(scene.heard.losses()) == len(scene.heard.losses("ETH/USDT")) == 1
    scene.exchange.come_back()
    await scene.heard.tick()


@every
async def test_an_exchange_that_was_never_there_is_said_to_be_lost(stage, kind):
    scene = await stage(kind)
    scene.exchange.go_dark(rest=True)
    await scene.start()
    assert await scene.heard.loss() == (Reason.UNREACHABLE, "HTTP 503")
    assert scene.heard.ticks() == []


IMPOSSIBLE = [
    ("0", None, "bid not greater than zero"),
    (None, "0.00", "ask not greater than zero"),
    ("-1.5", None, "bid not greater than zero"),
    ("1e30", "2e30", "bid exponent outside ±18"),
    ("900000.00", None, "bid not below ask"),
    ("5.0", "5.00", "bid not below ask"),
]


@every
async def test_impossible_prices_are_refused_and_counted(stage, kind):
    scene = await (await stage(kind)).running()
    for bid, ask, text in IMPOSSIBLE:
        refused = scene.feed.tape.malformed
        scene.heard.forget()
        scene.exchange.spoil(bid, ask)
        assert await scene.heard.loss() == (Reason.MALFORMED, text)
        assert scene.feed.tape.malformed > refused
        scene.exchange.spoil()
        scene.heard.forget()
        assert (await scene.heard.tick()).ask < 500_000


@every
async def test_not_a_number(stage, kind):
    scene = await (await stage(kind)).running()
    scene.heard.forget()
    scene.exchange.spoil("NaN")
    said = "number not finite" if kind == "kraken" else "bid not a plain decimal number"
    assert await scene.heard.loss() == (Reason.MALFORMED, said)
    assert not any(tick.bid.is_nan() for tick in scene.heard.ticks())


UNREADABLE = [
    ("", "not JSON"),
    ("<html>busy</html>", "not JSON"),
    ("null", "not an object"),
    ("[[]]", "not an object"),
    ("[" * 30_000, "nested too deep"),
    ('{"a":1,"a":2}', "duplicate key"),
    ('{"a":' + "9" * 200 + "}", "number too long"),
]


@every
async def test_what_cannot_be_read_takes_the_prices_away(stage, kind):
    scene = await (await stage(kind)).running()
    for number, (message, text) in enumerate(UNREADABLE, 1):
        scene.heard.forget()
        await scene.exchange.say(message)
        assert await scene.heard.loss("ETH/USDT") == (Reason.MALFORMED, text)
        assert scene.feed.tape.malformed == number
        scene.heard.forget()
        await scene.heard.tick("ETH/USDT")
    assert scene.feed.connections == 1


@every
async def test_closing_is_quick_and_silent(stage, kind):
    scene = await (await stage(kind)).running()
    await scene.feed.close()
    scene.heard.forget()
    scene.exchange.disconnect()
    await eventually(lambda: not scene.exchange._sessions)
    assert scene.heard.reports == []


async def test_a_jump_arrives(stage):
    scene = await (await stage("binance")).running()
    before = (await scene.heard.tick()).bid
    scene.exchange.jump(-200)
    await eventually(lambda: scene.heard.ticks()[-1].bid < before * Decimal("0.99"))
    assert scene.heard.losses() == []
