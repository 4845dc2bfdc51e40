"""The ladder: the domain page's formulas in worked numbers, and how one takes another's place."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpdesk.domain.making import MakerTerms
from lpdesk.domain.settings import Pair
from lpdesk.engines.strategy import Situation, avellaneda, inventory_skew, levels
from tests.core.making import BTC, D, Market

EVEN = {"base": "100", "quote": "10000000"}  # at 100000 exactly half of each


def test_the_domain_pages_formulas_by_hand() -> None:
    """half = 100000 * 0.001 / 2 = 50; bid_i = 99950 (1 - 0.0005 i), size 0.5 (1 + 0.5 i)."""
    market = Market(order_levels="3", **EVEN)
    market.ticks("100000")
    assert market.ladder == (
        "ask 100150.05 1\n"  # 100050 * 1.0010 exactly
        "ask 100100.03 0.75\n"  # 100050 * 1.0005 = 100100.025, up
        "ask 100050.00 0.5\n"
        "bid 99950.00 0.5\n"
        "bid 99900.02 0.75\n"  # 99950 * 0.9995 = 99900.025, down
        "bid 99850.05 1"  # 99950 * 0.9990 = 99850.05
    )
    assert market.state == "ACTIVE"


def test_a_mid_between_ticks_rounds_away_from_itself() -> None:
    """99950.0025 down and 100050.0075 up, for a mid of 100000.005 and half of 0.05 %."""
    market = Market(order_levels="1", skew_factor="0", size_skew="0", **EVEN)
    market.ticks("100000.00", "binance")
    market.ticks("100000.01", "okx")
    assert market.ladder == "ask 100050.01 0.5\nbid 99950.00 0.5"


def test_too_much_base_lowers_both_sides_and_leans_the_sizes() -> None:
    """Base 30 of 40 is 75 %: skew (0.5 - 0.75) * 2 = -0.5; mid 100000 (1 - 0.001 / 2) = 99950."""
    market = Market(order_levels="1", base="30", quote="1000000")
    market.ticks("100000")
    assert market.maker.skew == D("-0.5") and market.maker.base_pct == 75
    assert market.ladder == (
        "ask 99999.98 0.625\n"  # 99950 * 1.0005 = 99999.975; 0.5 * 1.25
        "bid 99900.02 0.375"  # 99950 * 0.9995 = 99900.025; 0.5 * 0.75
    )


@pytest.mark.parametrize(
    ("base", "quote", "skew"),
    [("0", "100", 1), ("100", "0", -1), ("1", "100", 0), ("0", "0", 0), ("-5", "100", 1)],
)
def test_the_skew_is_clamped(base: str, quote: str, skew: int) -> None:
    assert inventory_skew(D(base), D(quote), D(100), D(50)) == skew


def test_a_level_that_no_longer_fits_its_limits_is_not_there() -> None:
    market = Market(order_levels="3", price_floor="99900", price_ceiling="100100.03", **EVEN)
    market.ticks("100000")
    assert market.ladder == (
        "ask 100100.03 0.75\nask 100050.00 0.5\nbid 99950.00 0.5\nbid 99900.02 0.75"
    )


def test_minimum_and_maximum_spread() -> None:
    narrow = Market(order_levels="1", bid_spread="2", minimum_spread="10", **EVEN)
    narrow.ticks("100000")
    assert narrow.ladder == "ask 100100.00 0.5\nbid 99900.00 0.5"
    wide = Market(order_levels="3", bid_spread="50", ask_spread="8", maximum_spread="12", **EVEN)
    wide.ticks("100000")
    assert wide.ladder == "ask 100080.00 0.5\nbid 99880.00 0.5"  # 85 and 13 bp are too far


def test_unchanged_orders_keep_their_place() -> None:
    """The tolerance is 0.005 % of the mid, 5: a move of 4 changes nothing, one of 6 everything."""
    market = Market(order_levels="3", **EVEN)
    market.ticks("100000")
    before = market.orders()
    market.later("100ms")
    market.ticks("100004")
    assert market.orders() == before
    market.ticks("100006")
    assert not market.orders().keys() & before.keys() and len(market.orders()) == 6


def test_only_what_differs_is_replaced() -> None:
    market = Market(order_levels="3", **EVEN)
    market.ticks("100000")
    before = market.orders()
    market.types("set bid_spread 6")
    after = market.orders()
    assert {order for order in after.values() if order[0] < 0} == {
        order for number, order in before.items() if number in after
    }


def test_a_fill_waits_for_the_delay_then_the_level_is_back() -> None:
    market = Market(order_levels="2", filled_order_delay="2", **EVEN)
    market.ticks("100000")
    market.takes("b", "0.5")
    assert market.ladder == "ask 100100.03 0.75\nbid 99950.00 0.5\nbid 99900.02 0.75"
    market.keeps_ticking("100000", "1.5s")
    assert len(market.orders()) == 3
    market.later("500ms")  # by the clock, without a tick
    assert len(market.orders()) == 4


def test_many_fills_do_not_starve_the_ladder() -> None:
    """The delay runs from the first fill of a ladder, not from the last one."""
    market = Market(order_levels="1", **EVEN)
    market.ticks("100000")
    for _ in range(20):
        market.takes("s", "0.1")
        market.keeps_ticking("100000", "500ms")
    assert market.maker.presence > 70 and market.maker.position == 2


def test_no_delay_counts_when_the_mid_reaches_our_quotes() -> None:
    market = Market(order_levels="1", order_refresh_time="600", skew_factor="0", **EVEN)
    market.ticks("100000")
    market.ticks("100040")
    assert market.best(-1) == 100_050
    market.ticks("100052")
    assert market.best(-1) > 100_100


def test_order_refresh_time_and_age_pass_by_the_clock_alone() -> None:
    market = Market(
        order_levels="1", order_refresh_time="2", max_order_age="10", stale_after="600",
        skew_factor="0", size_skew="0", **EVEN,
    )  # fmt: skip
    market.ticks("100000")
    market.ticks("100020")
    assert market.best(1) == 99_950
    market.later("2s")
    assert market.best(1) == D("99969.99")
    before = market.orders()
    market.later("7.9s")
    assert market.orders() == before
    market.later("100ms")  # the same prices, placed afresh: no order is older than its limit
    after = market.orders()
    assert list(after.values()) == list(before.values()) and not after.keys() & before.keys()


def test_the_ladder_never_takes_but_stands_before_what_rests() -> None:
    """A client's bid at 100000 and a reference that has fallen below it."""
    market = Market(order_levels="2", skew_factor="0", size_skew="0", **EVEN)
    market.ticks("100000")
    assert market.types("lim b 1 100000") == ""
    market.ticks("99900")
    assert market.ladder == (
        "ask 100000.01 0.75\nask 100000.01 0.5\nbid 99850.05 0.5\nbid 99800.12 0.75"
    )
    assert market.maker.position == 0


SYMBOLS = st.sampled_from(
    [BTC, Pair(base="X", quote="Y", base_decimals=0, quote_decimals=8, minimum=D(1))]
)
SITUATIONS = st.builds(
    Situation,
    mid=st.decimals("0.01", "200000", places=3),
    skew=st.decimals(-1, 1, places=4),
    position=st.decimals(-20, 20, places=5),
    variance=st.decimals("0", "500", places=6),
    time_left=st.decimals("0.01", "300", places=2),
)


@given(pair=SYMBOLS, situation=SITUATIONS, strategy=st.sampled_from([levels, avellaneda]))
def test_every_ladder_is_in_order_and_does_not_cross_itself(pair, situation, strategy) -> None:
    terms = MakerTerms(symbol=pair.symbol, parameters={"order_amount": D(7)})
    ladder = strategy(pair, terms, situation)
    bids, asks = [q.price for q in ladder.bids], [q.price for q in ladder.asks]
    assert bids == sorted(set(bids), reverse=True) and asks == sorted(set(asks))
    assert all(q.size > 0 and q.price > 0 for q in (*ladder.bids, *ladder.asks))
    assert not bids or not asks or bids[0] < asks[0]


@given(situation=SITUATIONS)
def test_avellaneda_against_floats(situation) -> None:
    """r = s - q gamma sigma^2 (T - t); half = (gamma sigma^2 (T - t) + 2/gamma ln(...)) / 2."""
    terms = MakerTerms(symbol="BTC/USDT", strategy="avellaneda", parameters={"order_levels": D(1)})
    mid, gamma, kappa = float(situation.mid), 0.01, 1.5
    sigma2 = float(situation.variance) / mid**2 * 1e8  # bp^2 a second
    risk = gamma * sigma2 * float(situation.time_left)
    away = min(200, max(-200, float(situation.position) / 0.5 * risk))
    fair = mid * (1 - away / 1e4)
    half = (risk + 2 / gamma * math.log(1 + gamma / kappa)) / 2
    half = min(200, max(1, half))
    ladder = avellaneda(BTC, terms, situation)
    if fair > 0.02:
        bid, ask = fair * (1 - half / 1e4), fair * (1 + half / 1e4)
        assert not ladder.asks or abs(float(ladder.asks[0].price) - ask) <= 0.0101 + ask * 1e-9
        assert not ladder.bids or abs(float(ladder.bids[0].price) - bid) <= 0.0101 + bid * 1e-9
        assert ladder.bids or bid < 0.01 or situation.skew == -1


def test_avellaneda_leans_against_its_position() -> None:
    market = Market(strategy="avellaneda", order_levels="2", skew_factor="0", **EVEN)
    for number in range(40):
        market.ticks(str(100_000 + number % 2 * 20))
        market.later("250ms")
    middle = (market.best(1) + market.best(-1)) / 2
    market.takes("s", "1")
    market.keeps_ticking("100020", "1s")
    assert market.maker.position == 1
    assert (market.best(1) + market.best(-1)) / 2 < middle
