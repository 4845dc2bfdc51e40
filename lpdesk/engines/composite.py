"""Sets of LP quotes behind one client price: what several LPs give together when one cannot.

Domain rule 7. A quote answered to a request is dealt whole or not at all; a stream, a book and a
pool can be dealt in part. Where whole quotes do not add up, their LPs are asked again for the part
that the router would have of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec.structs import replace

from lpdesk.domain.settings import Lp
from lpdesk.domain.values import (
    BPS,
    FIGURE_DECIMALS,
    ZERO,
    Instant,
    Side,
    round_even,
)
from lpdesk.engines import pricing
from lpdesk.engines.cover import Cover, Valuer
from lpdesk.engines.pools.curves import Curve
from lpdesk.engines.router import (
    InsufficientLiquidity,
    Leg,
    Level,
    Order,
    Plan,
    Source,
    route,
    second_best,
)

ROUNDS = 4
"""A size that depends on its own price is looked for so often."""

Quote = tuple[Lp, Cover]
Curves = Mapping[str, Curve]


def best_set(value: Valuer, quotes: list[Quote], curves: Curves, at: Instant) -> Cover | None:
    """The best plan of two legs or more for the whole request; None where there is none."""
    cover = planned(value, quotes, curves, at) if len(quotes) > 1 else None
    return cover if cover and cover.legs else None


def planned(value: Valuer, quotes: list[Quote], curves: Curves, at: Instant) -> Cover | None:
    """The best plan for the whole request, of one leg or several; None where there is none."""
    alive = [(lp, cover) for lp, cover in quotes if cover.dealable_until > at]
    if not alive:
        return None
    sources = [source(lp, cover, curves) for lp, cover in alive]
    quantity = value.hedge(min(alive, key=lambda quote: quote[1].rank)[1].all_in)
    for _ in range(ROUNDS):
        if not quantity:  # dealt in quote, and less than a unit of base is worth
            return None
        order = Order(side=value.rfq.base_side, quantity=quantity, unit=value.unit)
        try:
            plan = route(order, sources, at)
        except InsufficientLiquidity:
            return None
        cover = joined(plan, alive, curves)
        if value.covers(cover):
            other = second_best(order, sources, plan, at) if cover.legs else None
            return _compared(cover, plan, other)
        quantity = value.hedge(cover.all_in)
    return None


def shares(value: Valuer, quotes: list[Quote], curves: Curves) -> dict[str, Decimal]:
    """What to ask each LP for so that all quotes add up, as if whole quotes could be divided."""
    if not quotes:
        return {}
    sources = []
    for lp, cover in quotes:
        firm = source(lp, cover, curves)
        sources.append(firm if lp.divisible else replace(firm, minimum=lp.minimum))
    quantity = value.hedge(min(quotes, key=lambda quote: quote[1].rank)[1].all_in)
    order = Order(side=value.rfq.base_side, quantity=quantity, unit=value.unit)
    try:
        return {leg.source: leg.quantity for leg in route(order, sources).legs}
    except InsufficientLiquidity:
        return {}


def replacements(
    value: Valuer,
    quotes: list[Quote],
    curves: Curves,
    quantity: Decimal,
    limit: Decimal,
    at: Instant,
) -> tuple[Cover, ...]:
    """Quotes for all of a rejected leg's size, no unit of it beyond `limit`; else none."""
    alive = [(lp, cover) for lp, cover in quotes if cover.dealable_until > at]
    order = Order(side=value.rfq.base_side, quantity=quantity, unit=value.unit, limit=limit)
    plan = route(order, [source(lp, cover, curves) for lp, cover in alive], at)
    if plan.missing:
        return ()
    return joined(plan, alive, curves).parts


def missing(value: Valuer, covers: Iterable[Cover]) -> Decimal:
    """Base units that all quotes together are short of; zero without any quote."""
    known = list(covers)
    if not known:
        return ZERO
    needed = value.hedge(min(known, key=lambda cover: cover.rank).all_in)
    return max(ZERO, needed - sum((cover.quantity for cover in known), ZERO))


def source(lp: Lp, cover: Cover, curves: Curves) -> Source:
    """A quote as the router sees it."""
    curve = curves.get(lp.name)
    whole = ZERO if lp.divisible else cover.quantity
    return Source(
        name=cover.lp,
        levels=() if curve else tuple(Level(part.price, part.quantity) for part in cover.parts),
        curve=curve,
        minimum=max(whole, lp.minimum),
        maximum=cover.quantity,
        lot=lp.lot if lp.divisible else ZERO,
        fee_bps=lp.fee_bps,
        fixed_fee=lp.fixed_fee * len(cover.parts),  # each level of a ladder is a deal
        expires_at=cover.dealable_until,
    )


def joined(plan: Plan, quotes: list[Quote], curves: Curves) -> Cover:
    """The plan as a cover: one price, the shortest validity. Of a single leg that leg."""
    side, known = plan.side, {cover.lp: cover for _, cover in quotes}
    legs = tuple(part for leg in plan.legs for part in _parts(side, known[leg.source], leg, curves))
    if len(legs) == 1:
        return legs[0]
    all_in = pricing.average(plan.cash, plan.quantity, side)
    cash = sum((leg.price * leg.quantity for leg in legs), ZERO)
    received_at = max(leg.received_at for leg in legs)
    name = "+".join(leg.source for leg in plan.legs)
    handicap = sum(
        ((known[leg.lp].weighed - known[leg.lp].all_in) * leg.quantity for leg in legs), ZERO
    )
    weighed = all_in + handicap / plan.quantity
    return Cover(
        lp=name,
        quote_ref="",
        price=pricing.average(cash, plan.quantity, side),
        all_in=all_in,
        quantity=plan.quantity,
        received_at=received_at,
        expires_at=min(leg.expires_at for leg in legs),
        dealable_until=min(leg.dealable_until for leg in legs),
        exec_ns=max(leg.exec_ns for leg in legs),
        rank=(pricing.better(weighed, side), received_at, name),
        legs=legs,
    )


def _parts(side: Side, cover: Cover, leg: Leg, curves: Curves) -> tuple[Cover, ...]:
    """What is dealt on with one LP: its quote in whole or in part, or level by level."""
    if not cover.legs:
        return (_part(side, cover, leg, curves),)
    found, left = [], leg.quantity
    for level in cover.legs:
        taken = min(level.quantity, left)
        left -= taken
        found.append(replace(level, quantity=taken, why=leg.why))
        if not left:
            break
    return tuple(found)


def _part(side: Side, cover: Cover, leg: Leg, curves: Curves) -> Cover:
    """An LP's quote, dealt in part. A pool's price is that of the part."""
    price, curve = cover.price, curves.get(cover.lp)
    if curve:
        price = pricing.average(curve.cash(side, leg.quantity), leg.quantity, side)
    all_in = cover.all_in
    if curve or leg.quantity != cover.quantity:  # a fixed fee weighs more on a part
        all_in = pricing.against_us(leg.all_in, side) if leg.all_in != cover.all_in else all_in
    return replace(cover, quantity=leg.quantity, price=price, all_in=all_in, why=leg.why)


def _compared(cover: Cover, plan: Plan, other: Plan | None) -> Cover:
    """With what the second-best plan would have cost, in bps of this one."""
    if other is None:
        return cover
    more = abs(other.cash - plan.cash) / plan.cash * BPS
    names = "+".join(leg.source for leg in other.legs)
    return replace(cover, second=names, second_bps=round_even(more, FIGURE_DECIMALS))
