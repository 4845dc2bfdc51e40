"""Addresses, names, and REST at its most difficult."""

from __future__ import annotations

import pytest

from lpdesk.clock import SystemClock
from lpdesk.feeds.base import FEEDS, FeedEndpoint
from lpdesk.feeds.rest import NoAnswer, Rest
from tests.feeds.conftest import KINDS, Heard
from tests.venues.liar import answer, liar

MARKETS = {
    "binance": "BTCUSDT",
    "okx": "BTC-USDT",
    "coinbase": "BTC-USDT",
    "kraken": "BTC/USDT",
}


def feed(**fields):
    fields = {"name": "x", "kind": "okx", "symbols": ("BTC/USDT",)} | fields
    return FEEDS[fields["kind"]](FeedEndpoint(**fields), Heard(), SystemClock())


@pytest.mark.parametrize("kind", KINDS)
def test_without_an_address_it_is_the_public_one(kind):
    public = feed(kind=kind)
    assert public._markets == (MARKETS[kind],)
    assert public._url.startswith("wss://") and public._rest


def test_a_stand_in_never_falls_back_on_the_real_exchange():
    assert feed(url="ws://127.0.0.1:1/ws")._rest is None


def test_a_pair_may_be_read_off_another_market():
    assert feed(kind="kraken", markets={"BTC/USDT": "BTC/USD"})._markets == ("BTC/USD",)


@pytest.mark.parametrize(
    "fields",
    [
        {"symbols": ()},
        {"symbols": ("BTC/USDT", "BTC/USD"), "markets": {"BTC/USD": "BTC-USDT"}},
        {"url": "https://example.com"},
        {"url": "ws://"},
        {"url": "ws://x:99999"},
        {"url": "ws://x/#y"},
        {"rest_url": "ftp://x"},
        {"rest_url": "http://x?y=1"},
    ],
)
def test_an_endpoint_that_can_never_work(fields):
    with pytest.raises(ValueError, match=r"\w"):
        feed(**fields)


@pytest.mark.parametrize(
    ("status", "header", "rest_s"),
    [(429, "7", 7), (418, "99999", 120), (429, "soon", 10), (429, "", 10), (500, "7", 0)],
)
async def test_who_is_told_to_stay_away_does(status, header, rest_s):
    async with liar() as server:
        server.says(answer({}, status, Retry_After=header))
        rest = Rest(server.url)
        with pytest.raises(NoAnswer) as trouble:
            await rest.get("/x")
        await rest.close()
    assert trouble.value.rest_s == rest_s


async def test_an_endless_answer_is_cut():
    async with liar() as server:
        server.says(answer(b" " * 100_000))
        rest = Rest(server.url)
        with pytest.raises(Exception, match="answer too large"):
            await rest.get("/x")
        await rest.close()
