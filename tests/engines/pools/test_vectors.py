"""Every vector of the pools' own repositories and of protocols.md 4, to the last digit."""

from __future__ import annotations

from math import isqrt

import pytest

from lpdesk.engines.pools import concentrated, product, stable, ticks, weighted
from lpdesk.engines.pools.concentrated import Range
from lpdesk.engines.pools.errors import NoSwap
from lpdesk.engines.pools.stable import Balances

E = 10**18


@pytest.mark.parametrize(
    ("given", "reserve_in", "reserve_out", "out"),
    [
        (E, 5 * E, 10 * E, 1662497915624478906),
        (E, 10 * E, 5 * E, 453305446940074565),
        (2 * E, 5 * E, 10 * E, 2851015155847869602),
        (2 * E, 10 * E, 5 * E, 831248957812239453),
        (E, 10 * E, 10 * E, 906610893880149131),
        (E, 100 * E, 100 * E, 987158034397061298),
        (E, 1000 * E, 1000 * E, 996006981039903216),
        (2, 100, 100, 1),
        (250000000000, 52345678901234, 16543210987654321098765, 78399104720076825479),
    ],
)
def test_constant_product_out(given: int, reserve_in: int, reserve_out: int, out: int) -> None:
    assert product.out(given, reserve_in, reserve_out) == out


@pytest.mark.parametrize(
    ("wanted", "reserve_in", "reserve_out", "into"),
    [
        (1, 100, 100, 2),
        (E, 5 * E, 10 * E, 557227237267357629),
        (78399104720076825479, 52345678901234, 16543210987654321098765, 250000000000),
    ],
)
def test_constant_product_into(wanted: int, reserve_in: int, reserve_out: int, into: int) -> None:
    assert product.into(wanted, reserve_in, reserve_out) == into


@pytest.mark.parametrize("wrong", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_constant_product_refuses(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(NoSwap):
        product.out(*wrong)
    with pytest.raises(NoSwap):
        product.into(*wrong)
    with pytest.raises(NoSwap):
        product.into(5, 5, 5)


def test_the_ticks_factors_are_the_contracts() -> None:
    assert ticks.FACTORS[0] == 0xFFFCB933BD6FAD37AA2D162D1A594001
    assert ticks.FACTORS[19] == 0x48A170391F7DC42444E8FA2 and len(ticks.FACTORS) == 20


PRICES = {
    -887272: 4295128739,
    -887271: 4295343490,
    -738203: 7409801140451,
    -150000: 43836292794701720435367485,
    -1000: 75364347830767020784054125655,
    -50: 79030349367926598376800521322,
    0: 79228162514264337593543950336,
    50: 79426470787362580746886972461,
    100: 79625275426524748796330556128,
    250: 80224679980005306637834519095,
    500: 81233731461783161732293370115,
    1000: 83290069058676223003182343270,
    -60: 78990846045029531151608375686,
    60: 79466191966197645195421774833,
    887272: ticks.MAX_SQRT,
}


@pytest.mark.parametrize(("tick", "price"), PRICES.items())
def test_square_root_prices(tick: int, price: int) -> None:
    assert ticks.sqrt_price_at(tick) == price
    if tick < ticks.MAX_TICK:
        assert ticks.tick_at(price) == tick
        assert tick == -ticks.MAX_TICK or ticks.tick_at(price - 1) == tick - 1


def q(a: int, b: int) -> int:
    return isqrt((a << 192) // b)


ONE, L = q(1, 1), 2 * E


@pytest.mark.parametrize(
    ("price", "target", "liquidity", "amount", "fee", "result"),
    [
        (ONE, q(101, 100), L, E, 600, (9975124224178055, 9925619580021728, 5988667735148)),
        (ONE, q(101, 100), L, -E, 600, (9975124224178055, 9925619580021728, 5988667735148)),
        (ONE, q(1000, 100), L, E, 600, (999400000000000000, 666399946655997866, 600000000000000)),
        (ONE, q(10000, 100), L, -E, 600, (2000000000000000000, E, 1200720432259356)),
        (
            20282409603651670423947251286016, 20282409603651670423947251286016 * 11 // 10,
            1024, -4, 3000, (26215, 0, 79),
        ),
        (
            2413, 79887613182836312, 1985041575832132834610021537970, 10, 1872, (0, 0, 10),
        ),
    ],
)  # fmt: skip
def test_a_step(
    price: int, target: int, liquidity: int, amount: int, fee: int, result: tuple[int, int, int]
) -> None:
    moved = concentrated.step(price, target, liquidity, amount, fee)
    assert moved[1:] == result
    if fee == 600 and target == q(101, 100):
        assert moved.price == target == 79623317895830914510639640423
    if price == 2413:
        assert moved.price == price


POOL = Range(ONE, 0, 14 * E // 10, 3000, 60, (
    (-600, 4 * E // 10), (-60, E), (60, -E), (600, -4 * E // 10),
))  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "zero_in", "out", "price", "tick", "crossed"),
    [
        (5 * 10**15, True, 4966241820515915, 78837788152248926347275324824, -99, (-60,)),
        (5 * 10**15, False, 4966241820515915, 79620469859765087681315458499, 98, (60,)),
        (10**15, True, 996290498837613, 79171780896011963359637123042, -15, ()),
    ],
)
def test_a_swap_across_ticks(
    amount: int, zero_in: bool, out: int, price: int, tick: int, crossed: tuple[int, ...]
) -> None:
    swap = concentrated.swap(POOL, amount, zero_in=zero_in)
    assert (swap.given, swap.taken, swap.left) == (amount, out, 0)
    assert (swap.after.price, swap.after.tick, swap.crossed) == (price, tick, crossed)


def test_a_pool_that_runs_dry_says_what_is_left() -> None:
    swap = concentrated.swap(POOL, 10**20, zero_in=True)
    assert swap.left and swap.given + swap.left == 10**20 and swap.crossed == (-60, -600)
    assert swap.after.liquidity == 0


DAI3 = Balances(
    (170123456000000000000000789, 181000000123456, 95432100654321), (18, 6, 6), 2000, 1000000, 1
)


def test_stable_the_old_3pool() -> None:
    assert stable.invariant(DAI3.scaled, 2000 * 3, 1) == 446546456603430163802840647
    assert stable.out(DAI3, 0, 2, 1000000 * E) == 999509157107
    assert stable.out(DAI3, 1, 0, 250000 * 10**6) == 249967458562260094309673
    assert stable.out(DAI3, 2, 1, 10**6) == 1000313


def test_stable_the_template() -> None:
    even = Balances((1000000 * E, 1000000 * 10**6), (18, 6), 100, 4000000)
    assert stable.invariant(even.scaled, 100 * 100 * 2, 100) == 2000000 * E
    assert stable.out(even, 0, 1, 1000 * E) == 999590103
    assert stable.out(even, 1, 0, 1000 * 10**6) == 999590103058584712249
    odd = Balances((1500000 * E, 500000 * 10**6), (18, 6), 200, 4000000)
    assert stable.invariant(odd.scaled, 200 * 100 * 2, 100) == 1998345726703727282921083
    assert stable.out(odd, 0, 1, 10000 * E) == 9906489815
    assert stable.out(odd, 1, 0, 10000 * 10**6) == 10082223696842058415226


def test_stable_gives_the_least_that_must_go_in() -> None:
    for wanted in (1, 999590103, 123456789012, 10**6):
        given = stable.into(DAI3, 0, 2, wanted)
        assert stable.out(DAI3, 0, 2, given) >= wanted > stable.out(DAI3, 0, 2, given - 1)


@pytest.mark.parametrize(
    ("held_in", "weight_in", "held_out", "weight_out", "amount", "out", "into"),
    [
        (100, 50, 100, 40, 15, 16029314312985897200, 13884562941469534000),
        (1000, 80, 2000000, 20, 10, 78039311034367422000000, 1250003916266000),
        (500, 50, 800, 50, 25, 38095238095238095200, 16129032258064516500),
        (1000, 30, 4000, 70, 5, 8540939704508600000, 2922754045137728000),
    ],
)
def test_weighted(
    held_in: int, weight_in: int, held_out: int, weight_out: int, amount: int, out: int, into: int
) -> None:
    pool = (held_in * E, weight_in * E // 100, held_out * E, weight_out * E // 100)
    assert weighted.out(amount * E, *pool) == out
    assert weighted.into(amount * E, *pool) == into


def test_weighted_fees() -> None:
    fee, pool = 3 * 10**15, (1000 * E, 8 * 10**17, 2000000 * E, 2 * 10**17)
    assert weighted.out(weighted.after_fee(10 * E, fee), *pool) == 77810942311520184000000
    assert weighted.into(1000 * E, *pool) == 125039077164393000
    assert weighted.with_fee(weighted.into(1000 * E, *pool), fee) == 125415323133794384


def test_weighted_refuses_more_than_three_tenths() -> None:
    with pytest.raises(NoSwap):
        weighted.out(31 * E, 100 * E, E // 2, 100 * E, E // 2)
    with pytest.raises(NoSwap):
        weighted.into(31 * E, 100 * E, E // 2, 100 * E, E // 2)
