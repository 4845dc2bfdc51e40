"""Domain rule 7: the plan is the best there is, sums exactly, and never crosses a limit."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from lpdesk.domain.values import ZERO, Side
from lpdesk.engines.router import (
    InsufficientLiquidity,
    Level,
    Mode,
    Order,
    Source,
    route,
    second_best,
)
from tests.engines.router import books

D = Decimal
UNIT = D("0.00001")


def lp(name: str, *levels: tuple[str, str], **rules) -> Source:
    rules = {key: D(value) for key, value in rules.items()}
    return Source(name=name, levels=tuple(Level(D(p), D(s)) for p, s in levels), **rules)


def buy(quantity: str, **more) -> Order:
    return Order(side=Side.BUY, quantity=D(quantity), unit=UNIT, **more)


def legs(plan) -> str:
    return ", ".join(
        f"{leg.source} {leg.quantity.normalize():f} @ {leg.all_in:.2f}" for leg in plan.legs
    )


def test_the_best_levels_of_all_are_taken_together() -> None:
    plan = route(
        buy("1.5"),
        [lp("alpha", ("100", "1"), ("103", "5")), lp("beta", ("101", "0.4"), ("102", "1"))],
    )
    assert legs(plan) == "alpha 1 @ 100.00, beta 0.5 @ 101.20" and plan.price == 102
    assert [leg.why for leg in plan.legs] == [
        "its levels better than the margin",
        "the rest, at the margin",
    ]


def test_full_amount_is_one_source_even_if_two_are_better() -> None:
    sources = [
        lp("alpha", ("100", "1")),
        lp("beta", ("101", "9")),
        lp("gamma", ("99", "1"), ("110", "9")),
    ]
    assert legs(route(buy("2"), sources)) == "gamma 1 @ 99.00, alpha 1 @ 100.00"
    assert legs(route(buy("2", mode=Mode.FULL_AMOUNT), sources)) == "beta 2 @ 101.00"


def test_a_limit_takes_what_is_at_or_better_and_reports_the_rest() -> None:
    plan = route(
        buy("5", limit=D(101)), [lp("alpha", ("100", "1"), ("102", "9")), lp("beta", ("101", "2"))]
    )
    assert legs(plan) == "alpha 1 @ 100.00, beta 2 @ 101.00" and plan.missing == 2
    assert route(buy("5", limit=D(99)), [lp("alpha", ("100", "1"))]).legs == ()


def test_a_fixed_fee_may_not_carry_a_leg_over_the_limit() -> None:
    plan = route(buy("1", limit=D(101)), [lp("alpha", ("100", "1"), fixed_fee="2")])
    assert plan.legs == () and plan.missing == 1
    plan = route(buy("4", limit=D(101)), [lp("alpha", ("100", "4"), fixed_fee="2")])
    assert legs(plan) == "alpha 4 @ 100.50"


def test_not_enough_says_how_much_is_missing() -> None:
    with pytest.raises(InsufficientLiquidity) as error:
        route(buy("5"), [lp("alpha", ("100", "1")), lp("beta", ("101", "2.5"))])
    assert error.value.missing == D("1.5")
    with pytest.raises(InsufficientLiquidity) as error:  # 3 cannot be made of what only comes whole
        route(
            buy("3"),
            [lp("alpha", ("100", "2"), minimum="2"), lp("beta", ("101", "2"), minimum="2")],
        )
    assert error.value.missing == 1


def test_quotes_that_only_come_whole_are_combined() -> None:
    whole = [
        lp(n, (p, s), minimum=s, maximum=s)
        for n, p, s in (("a", "100", "1"), ("b", "101", "0.7"), ("c", "102", "0.5"))
    ]
    plan = route(buy("1.5"), whole)
    assert legs(plan) == "a 1 @ 100.00, c 0.5 @ 102.00"
    assert plan.legs[0].why == "taken whole, it cannot be divided"


def test_minimums_lots_and_fixed_fees_change_the_plan() -> None:
    cheap = lp("cheap", ("100", "9"), minimum="1")
    assert legs(route(buy("0.5"), [cheap, lp("dear", ("103", "9"))])) == "dear 0.5 @ 103.00"
    lots = lp("lots", ("100", "9"), lot="0.4")
    assert (
        legs(route(buy("1"), [lots, lp("dear", ("103", "9"))]))
        == "lots 0.8 @ 100.00, dear 0.2 @ 103.00"
    )
    fee = lp("fee", ("100", "9"), fixed_fee="5")
    assert legs(route(buy("1"), [fee, lp("dear", ("103", "9"))])) == "dear 1 @ 103.00"
    assert legs(route(buy("2"), [fee, lp("dear", ("103", "9"))])) == "fee 2 @ 102.50"
    percent = lp("percent", ("100", "9"), fee_bps="400")
    assert legs(route(buy("1"), [percent, lp("dear", ("103", "9"))])) == "dear 1 @ 103.00"


def test_expired_quotes_are_out() -> None:
    old = Source(name="old", levels=(Level(D(99), D(9)),), expires_at=10)
    sources = [old, lp("alpha", ("100", "9"))]
    assert legs(route(buy("1"), sources, at=9)) == "old 1 @ 99.00"
    assert legs(route(buy("1"), sources, at=10)) == "alpha 1 @ 100.00"


def test_the_second_best_plan_does_without_one_of_the_sources() -> None:
    order, sources = (
        buy("2"),
        [lp("alpha", ("100", "1")), lp("beta", ("101", "2")), lp("gamma", ("101.5", "2"))],
    )
    plan = route(order, sources)
    other = second_best(order, sources, plan)
    assert legs(plan) == "alpha 1 @ 100.00, beta 1 @ 101.00"
    assert other is not None and legs(other) == "alpha 1 @ 100.00, gamma 1 @ 101.50"
    assert second_best(buy("5"), sources, route(buy("5"), sources)) is None


def test_a_pool_takes_as_much_as_its_price_stays_the_best() -> None:
    random = Random("one")
    amm = books.pool(random, "pool")
    best = amm.curve.spot(Side.BUY)
    alpha = lp("alpha", (str(best * D("1.001")), "100"))
    plan = route(buy("5"), [alpha, amm])
    by = {leg.source: leg for leg in plan.legs}
    assert set(by) == {"alpha", "pool"} and plan.quantity == 5
    more = amm.curve.cash(Side.BUY, by["pool"].quantity + UNIT) - by["pool"].cash
    assert abs(more / UNIT / plan.price - 1) < D("1e-4")


def check(order: Order, sources: list[Source]) -> bool:
    """Against every division there is; whether the whole order could be dealt."""
    missing, cash = books.everything(order, sources)
    if missing:
        with pytest.raises(InsufficientLiquidity) as short:
            route(order, sources)
        assert short.value.missing == missing * order.unit
        return False
    plan = route(order, sources)
    assert plan.quantity == order.quantity
    paid = float(plan.cash) if order.side is Side.BUY else -float(plan.cash)
    assert abs(paid - cash) <= 1e-9 * abs(cash), (order, sources, plan, cash)
    for leg in plan.legs:
        source = next(s for s in sources if s.name == leg.source)
        assert leg.quantity >= source.minimum and leg.quantity > 0
        assert source.maximum is None or leg.quantity <= source.maximum
        assert not source.lot or leg.quantity % source.lot == 0
    return True


def check_limit(order: Order, sources: list[Source], random: Random) -> None:
    limit = D(books.MID + random.randint(-20, 60))
    plan = route(
        Order(side=order.side, quantity=order.quantity, unit=order.unit, limit=limit), sources
    )
    assert plan.quantity + plan.missing == order.quantity
    for leg in plan.legs:
        assert leg.all_in <= limit if order.side is Side.BUY else leg.all_in >= limit
    assert all(leg.quantity > ZERO for leg in plan.legs)


def small(seed: str, count: int) -> int:
    random, whole = Random(seed), 0
    for _ in range(count):
        order, sources = books.small_book(random)
        whole += check(order, sources)
        check_limit(order, sources, random)
    return whole


def test_a_thousand_small_books_against_every_division_there_is() -> None:
    assert small("books", 1_000) > 500


@pytest.mark.long
@pytest.mark.parametrize(("lps", "levels", "pools", "count"), [(5, 10, 3, 300), (20, 20, 10, 50)])
def test_large_books_against_a_convex_solver(lps: int, levels: int, pools: int, count: int) -> None:
    pytest.importorskip("cvxpy")
    random = Random(f"large {lps}")
    for _ in range(count):
        order, sources = books.large_book(random, lps, levels, pools)
        plan = route(order, sources)
        best = books.convex(order, sources)
        assert plan.quantity == order.quantity
        assert abs(float(plan.cash) - best) <= 1e-9 * best, (order, sources)


@pytest.mark.long
def test_many_curves_of_every_kind_and_rules_at_once() -> None:
    """Too large to try everything: nothing that swaps a little between two legs is better."""
    random = Random("mixed")
    for _ in range(60):
        order, sources = books.large_book(random, 6, 6, 2)
        sources += [books.weighted_pool(random, f"w{n}") for n in range(2)]
        plan = route(order, sources)
        assert plan.quantity == order.quantity
        assert_no_swap_is_better(order, sources, plan)


def assert_no_swap_is_better(order: Order, sources: list[Source], plan) -> None:
    by = {source.name: source for source in sources}
    given = {source.name: ZERO for source in sources}
    given |= {leg.source: leg.quantity for leg in plan.legs}
    sign = 1 if order.side is Side.BUY else -1
    little = order.quantity / 1000 // order.unit * order.unit
    for giver in (name for name, quantity in given.items() if quantity > little):
        for taker in given:
            if taker == giver:
                continue
            more = given[taker] + little
            if by[taker].curve is None and more > sum(size for _, size in by[taker].levels):
                continue
            before = _cash(by[giver], order, given[giver]) + _cash(by[taker], order, given[taker])
            after = _cash(by[giver], order, given[giver] - little) + _cash(by[taker], order, more)
            assert sign * (after - before) > -plan.cash / 10**9, (giver, taker)


def _cash(source: Source, order: Order, quantity: Decimal) -> Decimal:
    return source.cash(order.side, quantity) if quantity else ZERO


@pytest.mark.parametrize("side", Side)
def test_stable_pools_share_with_a_ladder(side: Side) -> None:
    random = Random("stable")
    for _ in range(8):
        pools = [books.stable_pool(random, f"s{n}") for n in range(2)]
        first = pools[0].curve.spot(side)
        sources = [*pools, lp("alpha", (str(first.quantize(UNIT)), "500000"))]
        order = Order(side=side, quantity=D(1_200_000), unit=D("0.01"))
        plan = route(order, sources)
        assert plan.quantity == order.quantity
        assert_no_swap_is_better(order, sources, plan)
