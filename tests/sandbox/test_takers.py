"""Simulated takers: who comes when, for how much and why."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from itertools import pairwise
from statistics import median

import pytest

from lpdesk.domain.values import SECOND, Side
from lpdesk.sandbox.market import Market
from lpdesk.sandbox.takers import CROWD, Style, Taker, Takers, run_takers
from tests.conftest import eventually

NOW = 1_768_833_000 * SECOND
HOUR = 3_600 * SECOND
SYMBOLS = ("BTC/USDT", "ETH/USDT")


def crowd(seed=7, symbols=SYMBOLS, **more):
    market = Market(seed, NOW)
    return Takers(seed, symbols, market, started_ns=NOW, **more), market


def orders(takers, step_ns=SECOND, hours=1):
    """An hour of orders, looked for every `step_ns`, with the exchange's mids standing still."""
    mids = takers.market_mids(NOW)
    return [
        order
        for at_ns in range(NOW, NOW + int(hours * HOUR), step_ns)
        for order in takers.due(at_ns, mids)
    ]


def test_the_same_seed_gives_the_same_orders_however_often_one_looks():
    often, seldom = orders(crowd()[0], SECOND // 10, 0.1), orders(crowd()[0], SECOND, 0.1)
    assert often == seldom != []
    assert orders(crowd(8)[0], SECOND, 0.1) != seldom


def test_another_pair_leaves_the_others_unchanged():
    alone = orders(crowd(symbols=("BTC/USDT",))[0])
    together = [order for order in orders(crowd()[0]) if order.symbol == "BTC/USDT"]
    assert alone == together


def test_they_come_in_order_and_as_often_as_they_should():
    came = orders(crowd()[0])
    assert [order.at_ns for order in came] == sorted(order.at_ns for order in came)
    noise = [order for order in came if order.taker == "noise"]
    assert 2_200 < len(noise) < 2_600  # 20 a minute, two pairs, an hour
    assert {order.taker for order in came} == {"noise", "momentum", "informed"}
    gaps = [later.at_ns - one.at_ns for one, later in pairwise(came)]
    assert len(set(gaps)) > 0.9 * len(gaps)


def test_sizes_are_lognormal_and_limits_deal():
    came = [order for order in orders(crowd()[0]) if order.taker == "noise"]
    mids = crowd()[0].market_mids(NOW)
    notionals = [float(order.quantity * mids[order.symbol]) for order in came]
    assert 3_500 < median(notionals) < 4_500
    assert max(notionals) > 20_000
    limits = [order for order in came if order.kind == "limit"]
    assert 0.25 < len(limits) / len(came) < 0.35
    for order in limits:
        beyond = order.price / mids[order.symbol] - 1
        assert (beyond > 0) is (order.side is Side.BUY)
        assert abs(beyond) < Decimal("0.0006")
    assert all(order.price is None for order in came if order.kind == "market")


@pytest.mark.parametrize(
    ("style", "since_s", "until_s"), [(Style.MOMENTUM, -10, 0), (Style.INFORMED, 0, 1)]
)
def test_who_has_a_reason_is_right_about_it(style, since_s, until_s):
    taker = Taker(
        name="t", style=style, per_minute=60, notional=1_000, spread=0.1, reason_bps=Decimal("0.5")
    )
    takers, market = crowd(symbols=("BTC/USDT",), crowd=(taker,))
    came = []
    while len(came) < 100:
        at_ns = takers.next_due()
        came += takers.due(at_ns, takers.market_mids(at_ns))
    for order in came:
        move = market.mid(order.symbol, order.at_ns + until_s * SECOND) - market.mid(
            order.symbol, order.at_ns + since_s * SECOND
        )
        assert (move > 0) is (order.side is Side.BUY)


def test_nobody_trades_what_is_not_shown_or_comes_too_late():
    takers, _ = crowd()
    assert takers.due(NOW + HOUR // 60, {}) == []
    came = takers.due(NOW + HOUR, takers.market_mids(NOW))
    assert all(order.at_ns > NOW + HOUR - 5 * SECOND for order in came)
    assert takers.next_due() > NOW + HOUR


async def test_the_driver_sleeps_until_somebody_comes():
    fast = tuple(
        Taker(name=it.name, style=it.style, per_minute=3_000, notional=100, spread=0.1)
        for it in CROWD
    )
    started = time.time_ns()
    market = Market(7, started)
    takers = Takers(7, ("BTC/USDT",), market, started_ns=started, crowd=fast)
    looks = 0

    def now_ns() -> int:
        nonlocal looks
        looks += 1
        return time.time_ns()

    came = []
    running = asyncio.create_task(run_takers(takers, now_ns, came.append))
    await eventually(lambda: len(came) > 20)
    running.cancel()
    assert looks < 3 * len(came) + 10
    assert all(order.at_ns <= time.time_ns() for order in came)
