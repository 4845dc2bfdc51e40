"""Nobody gains by trading forth and back: of every pool, whatever its state and the size."""

from __future__ import annotations

from decimal import Decimal
from math import isqrt
from random import Random

import pytest

from lpdesk.domain.pools import Pool, ProductPool, RangePool, StablePool, Tick, WeightedPool
from lpdesk.domain.values import Side
from lpdesk.engines.pools.curves import Curve
from lpdesk.engines.pools.errors import NoSwap
from lpdesk.engines.pools.swaps import swap_in, swap_out
from lpdesk.engines.pools.ticks import tick_at

D = Decimal
E18 = 10**18


def amount(random: Random, digits: int) -> int:
    """Anything up to so many digits, small ones as likely as large ones."""
    return random.randint(1, 10 ** random.randint(1, digits))


def a_product(random: Random) -> Pool:
    reserves = (D(amount(random, 27) + 10), D(amount(random, 15) + 10))
    kept, of = random.choice([(997, 1000), (9975, 10000), (1000, 1000)])
    return ProductPool(decimals=(18, 6), reserves=reserves, kept=kept, of=of)


def a_range(random: Random) -> Pool:
    price = isqrt(amount(random, 12) * 2**192 // amount(random, 12)) + 2**40
    tick, spacing = tick_at(price), random.choice([1, 10, 60, 200])
    middle, liquidity, ticks = tick // spacing * spacing, amount(random, 24), list[tuple[int, D]]()
    for distance in (1, 3, 40, 700):
        net = D(amount(random, 20))
        ticks += [(middle - distance * spacing, net), (middle + distance * spacing, -net)]
        liquidity += int(net)
    fee = random.choice([0, 100, 500, 3000, 10000])
    known = tuple(Tick(*entry) for entry in sorted(ticks) if abs(entry[0]) < 887_000)
    return RangePool(
        decimals=(18, 6), sqrt_price=D(price), tick=tick, liquidity=D(liquidity), fee_ppm=fee,
        spacing=spacing, ticks=known,
    )  # fmt: skip


def a_stable(random: Random) -> Pool:
    """With a fee, as every pool has: without one the contract's Newton is a unit off at times."""
    middle = amount(random, 11) + 1000
    reserves = tuple(D(int(middle * random.uniform(0.2, 5)) * 10**places) for places in (18, 6, 6))
    return StablePool(decimals=(18, 6, 6), reserves=reserves, quote=random.choice([1, 2]),
                      amplification=random.choice([1, 100, 2000]),
                      fee=random.choice([1000000, 4000000]),
                      precision=random.choice([1, 100]))  # fmt: skip


def a_weighted(random: Random) -> Pool:
    share = random.choice([2, 20, 50, 80, 98]) * E18 // 100
    reserves = (D(amount(random, 24) + E18), D(amount(random, 14) + 10**6))
    fee = D(random.choice([0, 10**14, 3 * 10**15]))
    weights = (D(share), D(E18 - share))
    return WeightedPool(decimals=(18, 6), reserves=reserves, weights=weights, fee=fee)


POOLS = [a_product, a_range, a_stable, a_weighted]


def round_trip(random: Random, pool: Pool) -> bool:
    """One trip in random direction; whether it could be made. It never ends with more."""
    i, j = random.choice([(pool.base, pool.quote), (pool.quote, pool.base)])
    given = amount(random, 22 if pool.decimals[i] == 18 else 12)
    try:
        if random.random() < 0.5:
            there = swap_in(pool, given, i, j)
            back = swap_in(there.after, there.amount, j, i)
            assert back.amount <= given, (pool, i, j, given)
        else:
            there = swap_out(pool, given, i, j)
            back = swap_in(there.after, given, j, i)
            assert back.amount <= there.amount, (pool, i, j, given)
    except NoSwap:
        return False
    return True


def trips(seed: str, count: int) -> int:
    random, made = Random(seed), 0
    for n in range(count):
        if n % 50 < len(POOLS):
            pools = [make(random) for make in POOLS]
        made += round_trip(random, pools[n % len(POOLS)])
    return made


def test_a_round_trip_never_gains() -> None:
    assert trips("some", 2_000) > 1_000


@pytest.mark.long
@pytest.mark.parametrize("part", range(10))
def test_a_million_round_trips_never_gain(part: int) -> None:
    assert trips(f"part {part}", 100_000) > 50_000


@pytest.mark.parametrize("make", POOLS)
def test_exact_in_and_exact_out_agree(make) -> None:
    """What `swap_out` says must go in is enough, and hardly more than that."""
    random, made = Random("agree"), 0
    for _ in range(60):
        pool = make(random)
        given = amount(random, 20)
        try:
            taken = swap_in(pool, given, pool.base, pool.quote).amount
            needed = swap_out(pool, taken, pool.base, pool.quote).amount
        except NoSwap:
            continue
        made += 1
        assert needed <= given + 2 or make is a_weighted
        assert swap_in(pool, needed, pool.base, pool.quote).amount >= taken or make is a_weighted
    assert made > 10


@pytest.mark.parametrize("make", POOLS)
@pytest.mark.parametrize("side", Side)
def test_bends_add_up_to_the_exact_curve(make, side: Side) -> None:
    """Summed over its bends, a size costs what the exact swap says."""
    random, compared = Random("bends"), 0
    while compared < 20:
        pool = make(random)
        curve = Curve(pool)
        total, cash = D(0), D(0)
        for bend in curve.bends(side, D(10) ** 12)[:40]:
            total += bend.size
            cash += _area(bend, side)
            if bend.size < D("0.001") or cash < 10:
                continue
            try:
                exact = curve.cash(side, total)
            except NoSwap:
                break
            compared += 1
            assert abs(cash - exact) < max(exact / 100_000, D("0.001")), (pool, total)


def _area(bend, side: Side) -> Decimal:
    if not bend.root:
        return bend.start * bend.size
    end = bend.depth - bend.size if side is Side.BUY else bend.depth + bend.size
    return abs(bend.root**2 / end - bend.root**2 / bend.depth)
