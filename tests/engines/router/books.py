"""Random books for the router, and solvers of their own to compare its plans with."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from decimal import Decimal
from random import Random

from lpdesk.domain.pools import ProductPool, StablePool, WeightedPool
from lpdesk.domain.values import Side
from lpdesk.engines.pools.curves import Curve
from lpdesk.engines.pools.errors import NoSwap
from lpdesk.engines.router import Level, Order, Source

D = Decimal
MID = 100_000
E18 = 10**18


def ladder(random: Random, name: str, side: Side, unit: Decimal, depth: int, **rules) -> Source:
    """An LP's levels around the middle, best first, sizes in units."""
    sign = 1 if side is Side.BUY else -1
    price, levels = D(MID) + sign * D(random.randint(-300, 4000)) / 100, []
    for _ in range(depth):
        levels.append(Level(price, random.randint(1, 40) * unit))
        price += sign * D(random.randint(1, 900)) / 100
    return Source(name=name, levels=tuple(levels), **rules)


def pool(random: Random, name: str, **rules) -> Source:
    """A constant product near the middle."""
    base = random.randint(20, 3000)
    price = MID * (1 + random.uniform(-0.002, 0.002))
    reserves = (D(base * 10**8), D(int(base * price) * 10**6))
    return Source(name=name, curve=Curve(ProductPool(decimals=(8, 6), reserves=reserves)), **rules)


def weighted_pool(random: Random, name: str) -> Source:
    share = random.choice([20, 50, 80]) * E18 // 100
    base = random.randint(200, 3000)
    quote = int(base * MID * (E18 - share) / share * random.uniform(0.998, 1.002))
    state = WeightedPool(decimals=(8, 6), reserves=(D(base * 10**8), D(quote * 10**6)),
                         weights=(D(share), D(E18 - share)), fee=D(10**15))  # fmt: skip
    return Source(name=name, curve=Curve(state))


def stable_pool(random: Random, name: str) -> Source:
    base = random.randint(2_000_000, 9_000_000)
    quote = int(base * random.uniform(0.5, 2))
    state = StablePool(decimals=(6, 6), reserves=(D(base * 10**6), D(quote * 10**6)),
                       amplification=random.choice([50, 200, 2000]), fee=1_000_000)  # fmt: skip
    return Source(name=name, curve=Curve(state))


def rules(random: Random, unit: Decimal) -> dict[str, Decimal]:
    """Sometimes a minimum, a lot, a fee in proportion or a fixed one, or a whole quote."""
    said: dict[str, Decimal] = {}
    if random.random() < 0.4:
        said["minimum"] = random.randint(1, 15) * unit
    if random.random() < 0.3:
        said["lot"] = random.choice([2, 3, 5]) * unit
    if random.random() < 0.4:
        said["fee_bps"] = D(random.randint(-5, 20)) / 10
    if random.random() < 0.3:
        said["fixed_fee"] = D(random.randint(1, 500)) / 10
    if random.random() < 0.3:
        said["maximum"] = random.randint(15, 60) * unit
    return said


def small_book(random: Random) -> tuple[Order, list[Source]]:
    """A few sources with every kind of rule, and few enough units to try them all."""
    side, unit = random.choice(list(Side)), D("0.01")
    sources = []
    for n in range(random.randint(1, 4)):
        if random.random() < 0.25:  # a firm quote that cannot be divided
            size = random.randint(1, 30) * unit
            price = D(MID + random.randint(-20, 20))
            whole = Source(name=f"lp{n}", levels=(Level(price, size),), minimum=size, maximum=size)
            sources.append(whole)
        else:
            depth = random.randint(1, 5)
            sources.append(ladder(random, f"lp{n}", side, unit, depth, **rules(random, unit)))
    for n in range(random.randint(0, 2)):
        said = rules(random, unit) if random.random() < 0.3 else {}
        sources.append(pool(random, f"pool{n}", **said))
    return Order(side=side, quantity=random.randint(1, 90) * unit, unit=unit), sources


def everything(order: Order, sources: Sequence[Source]) -> tuple[int, float]:
    """(units missing, cash) of the best plan, by trying every number of units of every source.

    Proceeds of a sale are negative. Source by source: the best of each total so far.
    """
    count = int(order.quantity / order.unit)
    sign = 1 if order.side is Side.BUY else -1
    best: list[float | None] = [0.0, *([None] * count)]
    for source in sources:
        prices = [_price(source, order, n) for n in range(count + 1)]
        known = [(n, price) for n, price in enumerate(prices) if price is not None]
        after: list[float | None] = [None] * (count + 1)
        for have, cash in enumerate(best):
            if cash is None:
                continue
            for n, price in known:
                if have + n > count:
                    break
                total = cash + sign * price
                old = after[have + n]
                if old is None or total < old:
                    after[have + n] = total
        best = after
    most = max(n for n, cash in enumerate(best) if cash is not None)
    cash = best[most]
    assert cash is not None
    return count - most, cash


def _price(source: Source, order: Order, n: int) -> float | None:
    """What `n` units cost or bring at one source, None where it does not deal so many."""
    quantity = n * order.unit
    if n == 0:
        return 0.0
    if quantity < source.minimum or (source.lot and quantity % source.lot):
        return None
    if source.maximum is not None and quantity > source.maximum:
        return None
    if source.curve is not None:
        try:
            gross = source.curve.cash(order.side, quantity)
        except NoSwap:
            return None
    else:
        gross, left = D(0), quantity
        for price, size in source.levels:
            gross += price * min(size, left)
            left -= min(size, left)
        if left:
            return None
    fees = gross * source.fee_bps / 10_000 + source.fixed_fee
    return float(gross + fees if order.side is Side.BUY else gross - fees)


def large_book(random: Random, lps: int, levels: int, pools: int) -> tuple[Order, list[Source]]:
    """Ladders and constant products without rules, so that a convex solver can be asked too."""
    side, unit = random.choice(list(Side)), D("0.00001")
    sources = []
    for n in range(lps):
        fee = {"fee_bps": D(random.randint(0, 10)) / 10} if n % 2 else {}
        sources.append(ladder(random, f"lp{n}", side, 1000 * unit, levels, **fee))
    sources += [pool(random, f"pool{n}") for n in range(pools)]
    depth = sum((size for source in sources for _, size in source.levels), D(0))
    quantity = (depth * random.randint(20, 90) / 100).quantize(unit)
    return Order(side=side, quantity=quantity, unit=unit), sources


def convex(order: Order, sources: Sequence[Source]) -> float:
    """The optimum by cvxpy with CLARABEL: sizes in shares of the order, cash beyond the middle.

    What a pool costs beyond its first price is quadratic over linear, which keeps the digits.
    """
    import cvxpy as cp

    buys, total = order.side is Side.BUY, float(order.quantity)
    sign = 1 if buys else -1
    costs, parts, bounds = [], [], []
    for source in sources:
        factor = float(source.factor(order.side))
        if source.curve is None:
            prices = [sign * (float(price) * factor / MID - 1) for price, _ in source.levels]
            sizes = [float(size) / total for _, size in source.levels]
            part = cp.Variable(len(sizes), nonneg=True)
            bounds.append(part <= sizes)
            costs.append(prices @ part)
            parts.append(cp.sum(part))
            continue
        held, other = source.curve.pool.reserves
        base, quote = float(held) / 1e8 / total, float(other) / 1e6 / MID / total
        part = cp.Variable(nonneg=True)
        bounds.append(part <= 0.9 * base)
        if buys:
            bent = quote / 0.997 / base * cp.quad_over_lin(part, base - part)
            costs.append((quote / 0.997 / base - 1) * part + bent)
        else:
            bent = quote * 0.997**2 / base * cp.quad_over_lin(part, base + 0.997 * part)
            costs.append((1 - quote * 0.997 / base) * part + bent)
        parts.append(part)
    problem = cp.Problem(cp.Minimize(cp.sum(costs)), [*bounds, cp.sum(parts) == 1])
    with warnings.catch_warnings():  # at the last digits it says that it may be inaccurate
        warnings.simplefilter("ignore")
        problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
    return (1 + sign * problem.value) * MID * total
