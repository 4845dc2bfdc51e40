"""What is each exchange's own: heartbeats, sequences, announcements, refusals."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import MILLISECOND
from lpdesk.domain.wire import Fields, Malformed, parse
from lpdesk.feeds.binance import Binance
from lpdesk.feeds.coinbase import Coinbase
from lpdesk.feeds.dialect import Beat, Hole, Leaving, Refused, Said, Shut
from lpdesk.feeds.kraken import Kraken
from lpdesk.feeds.okx import Okx
from tests.conftest import eventually
from tests.feeds.conftest import KINDS

DIALECTS = dict(zip(KINDS, (Binance, Okx, Coinbase, Kraken), strict=True))


# ---- the frames of the documentation

FRAMES = {
    "binance": (
        '{"u":400900217,"s":"BTCUSDT","b":"97120.10","B":"1.2","a":"97120.11","A":"0.8"}',
        Said("BTCUSDT", "97120.10", "97120.11", 400900217),
    ),
    "okx": (
        (
            '{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["97120.1","0.8","0",'
            '"4"]],"bids":[["97120.0","1.2","0","7"]],"ts":"1741262400123","seqId":123456}]}'
        ),
        Said("BTC-USDT", "97120.0", "97120.1", 123456),
    ),
    "coinbase": (
        (
            '{"channel":"ticker","client_id":"","timestamp":"2025-03-06T12:00:00.123456789Z",'
            '"sequence_num":0,"events":[{"type":"snapshot","tickers":[{"type":"ticker","product_id":'
            '"BTC-USD","price":"97120.10","best_bid":"97120.00","best_bid_quantity":"1.5",'
            '"best_ask":"97120.10","best_ask_quantity":"0.5"}]}]}'
        ),
        Said("BTC-USD", "97120.00", "97120.10"),
    ),
    "kraken": (
        (
            '{"channel":"ticker","type":"snapshot","data":[{"symbol":"BTC/USD","bid":97120.0,'
            '"bid_qty":1.2,"ask":97120.1,"ask_qty":0.8,"last":97120.1,'
            '"timestamp":"2025-03-06T12:00:00.123456Z"}]}'
        ),
        Said("BTC/USD", Decimal("97120.0"), Decimal("97120.1")),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_documented_frames(kind):
    frame, said = FRAMES[kind]
    assert DIALECTS[kind]().read(frame) == (said,)


def test_a_combined_stream_reads_like_a_raw_one():
    frame, said = FRAMES["binance"]
    assert Binance().read(f'{{"stream":"btcusdt@bookTicker","data":{frame}}}') == (said,)


MALFORMED = {
    "binance": [
        '{"u":-1,"s":"BTCUSDT","b":"1","a":"2"}',
        '{"u":1.5,"s":"BTCUSDT","b":"1","a":"2"}',
        '{"u":1,"b":"1","a":"2"}',
        '{"u":1,"s":7,"b":"1","a":"2"}',
        '{"stream":"x","data":[]}',
    ],
    "okx": [
        '{"arg":"BTC-USDT","data":[]}',
        '{"arg":{"instId":"BTC-USDT"},"data":{}}',
        '{"arg":{"instId":"BTC-USDT"},"data":[{"asks":[],"bids":[]}]}',
        '{"arg":{"instId":"BTC-USDT"},"data":[{"asks":["1"],"bids":[["1"]],"seqId":1}]}',
        '{"arg":{"instId":"BTC-USDT"},"data":[{"asks":[[]],"bids":[["1"]],"seqId":1}]}',
    ],
    "coinbase": [
        '{"channel":"ticker","events":[]}',
        '{"channel":"ticker","sequence_num":0}',
        '{"channel":"ticker","sequence_num":0,"events":[{"tickers":{}}]}',
        '{"channel":"ticker","sequence_num":0,"events":[{"tickers":[{"best_bid":"1"}]}]}',
        '{"channel":7,"sequence_num":0}',
    ],
    "kraken": [
        '{"channel":"ticker","data":{}}',
        '{"channel":"ticker","data":[{"bid":1,"ask":2}]}',
        '{"channel":["ticker"]}',
        '{"channel":"status","data":7}',
        '{"channel":"ticker","data":[7]}',
    ],
}


@pytest.mark.parametrize(
    ("kind", "frame"), [(kind, frame) for kind, frames in MALFORMED.items() for frame in frames]
)
def test_malformed_frames(kind, frame):
    with pytest.raises(Malformed):
        DIALECTS[kind]().read(frame)


@pytest.mark.parametrize(
    ("kind", "frame", "trouble", "text", "market"),
    [
        ("binance", '{"code":2,"msg":"Invalid request","id":1}', Refused, "Invalid request", ""),
        ("binance", '{"code":3,"msg":"a\\u001bb"}', Refused, "a\ufffdb", ""),
        ("okx", '{"event":"error","code":"60012","msg":"no"}', Refused, "no", ""),
        ("coinbase", '{"type":"error","message":"no"}', Refused, "no", ""),
        (
            "kraken",
            '{"method":"subscribe","success":false,"error":"no","symbol":"A/B"}',
            Refused,
            "no",
            "A/B",
        ),
        ("kraken", '{"channel":"status","data":[{"system":"post_only"}]}', Shut, "post_only", None),
    ],
)
def test_error_frames(kind, frame, trouble, text, market):
    with pytest.raises(trouble) as raised:
        DIALECTS[kind]().read(frame)
    assert raised.value.text == text
    assert getattr(raised.value, "market", None) == market


@pytest.mark.parametrize(
    ("kind", "frame"),
    [("binance", '{"e":"serverShutdown","E":1}'), ("okx", '{"event":"notice","code":"64008"}')],
)
def test_announced_ends(kind, frame):
    with pytest.raises(Leaving):
        DIALECTS[kind]().read(frame)


def test_what_says_nothing_about_prices_is_passed_over():
    for kind, frames in {
        "binance": ['{"result":null,"id":1}', '{"e":"somethingNew","E":1}'],
        "okx": ["pong", '{"event":"subscribe","arg":{}}', '{"event":"notice","code":"1"}'],
        "coinbase": ['{"channel":"heartbeats","sequence_num":0,"events":[]}'],
        "kraken": ['{"channel":"heartbeat"}', '{"method":"pong"}', '{"channel":"new"}'],
    }.items():
        for frame in frames:
            assert DIALECTS[kind]().read(frame) == ()


REST = {
    "binance": ['{"code":0}', '{"symbol":7,"bidPrice":"1","askPrice":"2"}'],
    "okx": ['{"code":0}', '{"code":"0"}', '{"code":"0","data":[]}', '{"code":"0","data":[7]}'],
    "coinbase": [],
    "kraken": [
        "{}",
        '{"error":{}}',
        '{"error":[]}',
        '{"error":[],"result":{}}',
        '{"error":[],"result":{"A":{},"B":{}}}',
        '{"error":[],"result":{"A":{"a":"1","b":["1"]}}}',
    ],
}


@pytest.mark.parametrize(
    ("kind", "body"), [(kind, body) for kind, bodies in REST.items() for body in bodies]
)
def test_malformed_rest_answers(kind, body):
    with pytest.raises(Malformed):
        DIALECTS[kind].read_rest("X", Fields(parse(body)))


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("okx", '{"code":"51001","msg":"no such thing","data":[]}', "no such thing"),
        ("kraken", '{"error":["EQuery:Unknown asset pair"]}', "EQuery:Unknown asset pair"),
    ],
)
def test_refusals_with_status_200(kind, body, text):
    with pytest.raises(Refused) as raised:
        DIALECTS[kind].read_rest("X", Fields(parse(body)))
    assert (raised.value.text, raised.value.market) == (text, "X")


# ---- over sockets


async def test_okx_is_pinged_in_text_when_it_is_quiet(stage, monkeypatch):
    monkeypatch.setattr(Okx, "BEAT", Beat(silence_s=0.5, text="ping", text_after_s=0.05))
    scene = await (await stage("okx")).running()
    assert "ping" not in scene.exchange.heard
    scene.exchange.frozen = True
    await eventually(lambda: list(scene.exchange.heard).count("ping") > 2)
    assert (scene.feed.connections, scene.feed.tape.malformed) == (1, 0)


@pytest.mark.parametrize(
    ("kind", "beat"),
    [
        ("binance", Beat(ping_s=0.1)),
        ("okx", Beat(silence_s=0.12, text="ping", text_after_s=0.06)),
        ("coinbase", Beat(silence_s=0.12)),
        ("kraken", Beat(silence_s=0.12)),
    ],
)
async def test_a_line_without_a_heartbeat_is_dead(stage, monkeypatch, kind, beat):
    monkeypatch.setattr(DIALECTS[kind], "BEAT", beat)
    scene = await (await stage(kind)).running()
    scene.heard.forget()
    scene.exchange.stall()
    reason, _ = await scene.heard.loss()
    assert reason is Reason.UNREACHABLE
    scene.heard.forget()
    assert await scene.heard.tick()


@pytest.mark.parametrize("kind", ["coinbase", "kraken"])
async def test_a_quiet_market_with_heartbeats_keeps_its_line(stage, monkeypatch, kind):
    monkeypatch.setattr(DIALECTS[kind], "BEAT", Beat(silence_s=0.25))
    scene = await stage(kind)
    scene.exchange.beat_seconds = 0.02
    outlasting_silence_ns = 350 * MILLISECOND
    await scene.running(stale_ns=outlasting_silence_ns, stale_cap_ns=outlasting_silence_ns)
    scene.exchange.frozen = True
    assert await scene.heard.loss() == (Reason.STALE, "no new price")
    assert scene.feed.connections == 1


async def test_a_hole_in_coinbases_numbers_means_a_new_connection(stage):
    scene = await (await stage("coinbase")).running()
    scene.exchange.skip()
    assert await scene.heard.loss() == (Reason.UNREACHABLE, "a message is missing")
    await eventually(lambda: scene.exchange.connections == 2)


def test_coinbase_drops_what_came_before():
    dialect, (frame, said) = Coinbase(), FRAMES["coinbase"]
    assert dialect.read(frame.replace('"sequence_num":0', '"sequence_num":7')) == (said,)
    assert dialect.read(frame.replace('"sequence_num":0', '"sequence_num":7')) == ()
    assert dialect.read(frame) == ()
    with pytest.raises(Hole):
        dialect.read(frame.replace('"sequence_num":0', '"sequence_num":9'))


async def test_old_binance_updates_are_dropped(stage):
    scene = await (await stage("binance")).running()
    tick = '{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}'
    await scene.exchange.say(tick)
    await eventually(lambda: scene.feed.tape.dropped)
    assert not any(it.bid == 1 for it in scene.heard.ticks())


@pytest.mark.parametrize("kind", ["binance", "okx"])
async def test_an_announced_end_is_met_with_a_successor_and_no_loss(stage, kind):
    scene = await (await stage(kind)).running()
    await scene.exchange.notice()
    await eventually(lambda: scene.exchange.connections == 2)
    await eventually(lambda: len(scene.exchange._sessions) == 1)
    scene.heard.forget()
    await scene.heard.tick()
    assert scene.heard.losses() == []


async def test_connections_are_replaced_before_their_age_is_a_problem(stage):
    scene = await (await stage("binance")).running(rotate_s=0.05)
    await eventually(lambda: scene.exchange.connections >= 4)
    await eventually(lambda: len(scene.exchange._sessions) <= 2)
    assert scene.heard.losses() == scene.heard.losses("ETH/USDT") == []


async def test_a_successor_that_cannot_be_had_leaves_the_old_line(stage):
    scene = await (await stage("binance")).running(backoff_cap_s=0.02)
    scene.exchange._dark = True
    await scene.exchange.notice()
    await eventually(lambda: scene.feed.connections >= 3)
    scene.exchange.come_back()
    await eventually(lambda: scene.exchange.connections == 2)
    assert scene.heard.losses() == []


async def test_kraken_in_maintenance_has_no_price(stage):
    scene = await (await stage("kraken")).running()
    scene.heard.forget()
    await scene.exchange.notice()
    assert await scene.heard.loss() == (Reason.UNREACHABLE, "maintenance")
    await scene.exchange.say('{"channel":"status","data":[{"system":"online"}]}')
    scene.heard.forget()
    assert await scene.heard.tick()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("okx", "Wrong URL or channel:bbo-tbt,instId:NO-SUCH"),
        ("coinbase", "unknown product NO-SUCH"),
        ("kraken", "Currency pair not supported NO/SUCH"),
    ],
)
async def test_a_pair_that_is_not_there_is_said_and_harms_no_other(stage, kind, text):
    scene = await stage(kind)
    await scene.start(("NO/SUCH", "BTC/USDT") if kind != "coinbase" else ("NO/SUCH",))
    assert await scene.heard.loss("NO/SUCH") == (Reason.DECLINED, text)
    if kind != "coinbase":  # which refuses the whole message
        assert await scene.heard.tick()


async def test_an_empty_side_of_okx_is_no_price(stage):
    scene = await (await stage("okx")).running()
    scene.heard.forget()
    scene.exchange.spoil(ask="")
    assert await scene.heard.loss() == (Reason.MALFORMED, "ask not a plain decimal number")


def test_hellos_are_json_that_names_every_market():
    for kind, dialect in DIALECTS.items():
        markets = tuple(dialect.market(symbol) for symbol in ("BTC/USD", "DOGE/EUR"))
        for text in dialect().hello(markets):
            assert json.loads(text), kind
