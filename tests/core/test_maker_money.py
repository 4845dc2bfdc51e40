"""Anything at any time to the makers: money, holds, figures and limits stay right, and it replays.

`Audited` checks after every record; this file only makes things happen.
"""

from __future__ import annotations

import random
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lpdesk.desk import Desk
from lpdesk.domain import reports as rep
from lpdesk.domain.making import MakerState
from lpdesk.domain.values import ZERO, Side
from lpdesk.engines.profit import Profit
from tests.core.making import BTC, ETH, SYMBOL, D, Market, ev

PRICES = st.integers(-80, 80).map(lambda bp: f"{100_000 + 10 * bp}.{bp % 100:02d}")
SIZES = st.sampled_from(["0.00001", "0.3", "0.75", "2.00003", "6"])
SIDES = st.sampled_from("bs")
CLIENTS = st.sampled_from(["acme", "zeta"])
TICKS = st.tuples(st.just("tick"), PRICES)
STEPS = st.one_of(
    TICKS,
    TICKS,
    TICKS,
    st.tuples(st.just("take"), SIDES, SIZES),
    st.tuples(st.just("take"), SIDES, SIZES, PRICES),
    st.tuples(st.just("hand"), st.sampled_from(["lim", "post", "ioc", "fok"]), SIDES, SIZES, PRICES,
              CLIENTS),
    st.tuples(st.just("hand"), st.just("mkt"), SIDES, SIZES, st.just(""), CLIENTS),
    st.tuples(st.just("line"), st.sampled_from(["cxl", "cxl O-000001", "halt", "resume", "start",
              "stop", "set order_levels 2", "set order_amount 3", "set max_position 1",
              "set max_position 9", "set skew_factor 0.02", "set filled_order_delay 0"])),
    st.tuples(st.just("wait"), st.sampled_from(["1ms", "400ms", "2s", "12s"])),
    st.tuples(st.just("lost"), st.sampled_from(["binance", "okx"])),
    st.tuples(st.just("restart")),
)  # fmt: skip
FEES = st.sampled_from(["-2", "0", "3", "10"])


def happens(market: Market, step: tuple[str, ...]) -> None:
    match step:
        case ["tick", mid]:
            market.ticks(mid)
        case ["take", *words]:
            market.takes(*words)
        case ["hand", kind, side, size, price, client]:
            market.types(" ".join(f"{kind} {side} {size} {price} @{client}".split()))
        case ["line", line]:
            market.types(line)
        case ["wait", text]:
            market.later(text)
        case ["lost", source]:
            market.loses(source)
        case ["restart"]:
            market.restarts()


def replays(market: Market) -> None:
    """A fresh desk makes the same events of the same causes."""
    again = Desk()
    for record in market.simulation.records:
        events = again.step(record.cause, record.at)
        assert msgspec.json.encode(events) == msgspec.json.encode(record.events)


@hypothesis_settings(max_examples=100)
@given(
    steps=st.lists(STEPS, max_size=50), maker_fee=FEES, base=st.sampled_from(["100", "3", "0"]),
    strategy=st.sampled_from(["levels", "avellaneda"]),
    limits=st.sampled_from([{}, {"orders_per_second": "20"}, {"max_loss": "50"},
                            {"order_refresh_time": "5", "max_order_age": "9"}]),
)  # fmt: skip
def test_whatever_happens(steps, maker_fee, base, strategy, limits) -> None:
    market = Market(strategy=strategy, maker_fee=maker_fee, base=base, quote="300000", **limits)
    market.ticks("100000")
    for step in steps:
        happens(market, step)
    replays(market)


LIMITS = ({}, {"orders_per_second": "20"}, {"max_loss": "50"}, {"max_position": "3"})
LINES = (
    "cxl", "halt", "resume", "resume", "start", "start", "stop", "set order_levels 2",
    "set order_amount 3", "set order_amount 0", "set max_position 1", "set max_position 9",
    "set skew_factor 0.02", "set filled_order_delay 0", "set price_floor 99950",
)  # fmt: skip


def wandering(chance: random.Random, length: int) -> Market:
    """A price that walks and sometimes jumps, with everything else around it: long stories."""
    market = Market(
        strategy=chance.choice(("levels", "avellaneda")),
        maker_fee=chance.choice(("-2", "0", "3", "10")),
        base=chance.choice(("100", "3", "0")),
        quote="300000",
        **chance.choice(LIMITS),
    )
    mid = 100_000.0
    market.ticks("100000")
    for _ in range(length):
        draw, size, price = chance.random(), f"{chance.random() * 3:.5f}", mid + chance.gauss(0, 80)
        side, client = chance.choice("bs"), chance.choice(("acme", "zeta"))
        if draw < 0.45:
            mid += chance.gauss(0, 40 if chance.random() < 0.95 else 1000)
            happens(market, ("tick", f"{mid:.2f}"))
        elif draw < 0.65:
            happens(market, ("take", side, size))
        elif draw < 0.80:
            kind = chance.choice(("lim", "lim", "post", "ioc", "fok"))
            happens(market, ("hand", kind, side, size, f"{price:.2f}", client))
        elif draw < 0.84:
            happens(market, ("hand", "mkt", side, size, "", client))
        elif draw < 0.90:
            happens(market, ("line", chance.choice(LINES)))
        elif draw < 0.98:
            happens(market, ("wait", chance.choice(("1ms", "400ms", "2s", "12s"))))
        elif draw < 0.99:
            happens(market, ("lost", chance.choice(("binance", "okx"))))
        else:
            happens(market, ("restart",))
    return market


def test_long_walks_reach_everything_and_break_nothing() -> None:
    states, drawn = set(), 0
    for seed in range(40):
        market = wandering(random.Random(seed), 150)
        states |= {event.state for event in market.events(ev.MakerMoved)}
        drawn += len(market.events(ev.HoldDrawn))
        replays(market)
    assert states == set(MakerState) and drawn > 50


def trading_hours(seconds: int, every_ms: int, seed: int = 7) -> Market:
    """Two pairs, three sources that walk at random, and takers that come as they like."""
    chance = random.Random(seed)
    market = Market(
        BTC, ETH, maker_fee="-1", taker_fee="2", max_position="6", stale_after="120",
        max_drawdown="0", max_loss="0", max_price_change="300",
    )  # fmt: skip
    mids = {SYMBOL: 100_000.0, "ETH/USDT": 3_000.0}
    for _ in range(seconds * 1000 // every_ms):
        for symbol, mid in mids.items():
            mids[symbol] = mid * (1 + chance.gauss(0, 0.00005))
            middle = str(round(mids[symbol] * (1 + chance.gauss(0, 0.00001)), 2))
            market.ticks(middle, chance.choice(("binance", "okx", "kraken")), symbol=symbol)
            if chance.random() < 0.3:
                market.does(
                    rep.TakerOrdered(
                        taker=chance.choice(("noise", "informed")),
                        symbol=symbol,
                        side=chance.choice(list(Side)),
                        quantity=D(f"{chance.random() * 2:.5f}"),
                    )
                )
        market.later(f"{every_ms}ms")
    return market


def test_twenty_minutes_of_trading() -> None:
    market = trading_hours(20 * 60, every_ms=1000)
    assert len(market.events(ev.BookTraded)) > 500
    assert market.maker.presence > 80
    replays(market)


@pytest.mark.long
def test_a_day_of_trading() -> None:
    market = trading_hours(24 * 3600, every_ms=8000)
    assert len(market.events(ev.BookTraded)) > 5_000


def test_a_fill_before_any_mid_is_worth_its_own_price() -> None:
    profit = Profit()
    profit.filled(Side.BUY, D("99.5"), D(2), D("199"), D("0.1"), 0)
    assert (profit.total, profit.spread, profit.fees) == (D("-0.1"), ZERO, D("-0.1"))
    profit.moved(D("100.5"))
    assert profit.total == D("1.9") == profit.spread + profit.inventory + profit.fees
    assert profit.unrealised == 2


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(Side)), st.integers(1, 10_000), st.integers(1, 300),
            st.integers(-50, 50), st.integers(50, 10_000),
        )
    )
)  # fmt: skip
def test_the_parts_of_a_profit_sum_to_the_total(fills) -> None:
    profit = Profit()
    for at, (side, price, lots, fee, mid) in enumerate(fills):
        quantity = Decimal(lots).scaleb(-3)
        cash = (price * quantity).quantize(D("0.01"))
        profit.filled(side, D(price), quantity, cash, D(fee).scaleb(-2), at)
        profit.moved(D(mid) / 2)
        assert profit.total == profit.spread + profit.inventory + profit.fees
        parts = profit.realised + profit.unrealised + profit.fees
        assert abs(parts - profit.total) < D("1e-15")
