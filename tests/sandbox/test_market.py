"""The simulated market: one seed, one history; triangles close; moves are of a real size."""

from decimal import Decimal
from itertools import pairwise
from math import log
from statistics import pstdev

from lpdesk.sandbox.market import PAIRS, Market

SECOND = 1_000_000_000


def path(seed: int, symbol: str, seconds: range) -> list[Decimal]:
    market = Market(seed, 0)
    return [market.mid(symbol, second * SECOND) for second in seconds]


def test_the_same_seed_tells_the_same_story_in_any_order():
    forwards = path(7, "BTC/USDT", range(100))
    backwards = path(7, "BTC/USDT", range(99, -1, -1))
    assert forwards == backwards[::-1]
    assert forwards != path(8, "BTC/USDT", range(100))


def test_prices_start_where_the_desk_expects_them():
    starts = {symbol: Market(3, 0).mid(symbol, 0) for symbol in PAIRS}
    assert starts["BTC/USDT"] == 100_000
    assert starts["ETH/USDT"] == 3_400
    assert starts["LTC/USD"] == 90
    assert starts["USDC/USDT"] == 1


def test_triangles_close_at_every_moment():
    market = Market(7, 0)
    for second in range(0, 100_000, 997):
        at = second * SECOND
        through_usdt = market.mid("ETH/USDT", at) * market.mid("USDT/USD", at)
        assert abs(market.mid("ETH/USD", at) / through_usdt - 1) < Decimal("1e-9")


def test_bitcoin_moves_about_half_a_basis_point_a_second_and_the_peg_hardly_at_all():
    for seed in range(5):
        prices = path(seed, "BTC/USDT", range(3_600))
        moves = [log(after / before) * 10_000 for before, after in pairwise(prices)]
        assert 0.25 < pstdev(moves) < 0.7
        assert all(abs(peg - 1) < Decimal("0.001") for peg in path(seed, "USDC/USDT", range(3_600)))


def test_a_week_stays_within_reason():
    prices = path(7, "BTC/USDT", range(0, 7 * 86_400, 600))
    assert Decimal(90_000) < min(prices) < max(prices) < Decimal(110_000)
