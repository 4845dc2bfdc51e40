"""From an order and its sources to a plan of legs that sum exactly, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_FLOOR, Context, Decimal, localcontext

from msgspec import Struct

from lpdesk.domain.values import ONE, ZERO, Instant, Side
from lpdesk.engines.pools.curves import Curve
from lpdesk.engines.pools.errors import NoSwap
from lpdesk.engines.router.fill import NOBODY, Filled, Piece, Stage, fill, staged
from lpdesk.engines.router.search import Problem, is_lumpy
from lpdesk.engines.router.sources import Mode, Order, Source

DIGITS = Context(prec=34)
"""Digits of marginal prices and of sizes before they are rounded to units."""

COARSE = 20_000
"""With fewer units to divide, whole units are searched for; else rounding does not show."""

HOPELESS = Decimal(1_000_000)
"""Times the dearest price: what a unit that nobody has counts as in the search."""


class InsufficientLiquidity(Exception):
    """The sources cannot deal the whole order; nothing is to be sent. `missing` in base units."""

    def __init__(self, missing: Decimal) -> None:
        super().__init__(f"{missing} missing")
        self.missing = missing


class Leg(Struct, frozen=True):
    """So much with one source. `cash` is all-in, what it costs or brings; `why` it is there."""

    source: str
    quantity: Decimal
    cash: Decimal
    why: str

    @property
    def all_in(self) -> Decimal:
        """The average price, fees in."""
        return self.cash / self.quantity


class Plan(Struct, frozen=True):
    """Legs whose quantities and `missing` sum to the order's. `price` is the marginal price."""

    side: Side
    legs: tuple[Leg, ...]
    missing: Decimal
    price: Decimal

    @property
    def quantity(self) -> Decimal:
        return sum((leg.quantity for leg in self.legs), ZERO)

    @property
    def cash(self) -> Decimal:
        """What all legs cost, or bring."""
        return sum((leg.cash for leg in self.legs), ZERO)


def route(order: Order, sources: Sequence[Source], at: Instant = 0) -> Plan:
    """The best plan. Raises `InsufficientLiquidity` for an order without a limit."""
    alive = [s for s in sources if s.expires_at is None or s.expires_at > at]
    with localcontext(DIGITS):
        plan = _single(order, alive) if order.mode is Mode.FULL_AMOUNT else _sweep(order, alive)
    if plan.missing and order.limit is None:
        raise InsufficientLiquidity(plan.missing)
    return plan


def second_best(
    order: Order, sources: Sequence[Source], plan: Plan, at: Instant = 0
) -> Plan | None:
    """The best plan without one of this plan's sources; None when there is none for all of it."""
    best: Plan | None = None
    for leg in plan.legs:
        try:
            other = route(order, [s for s in sources if s.name != leg.source], at)
        except InsufficientLiquidity:
            continue
        if other.missing == plan.missing and (best is None or _better(other, best)):
            best = other
    return best


def _better(plan: Plan, than: Plan) -> bool:
    return plan.cash < than.cash if plan.side is Side.BUY else plan.cash > than.cash


def _single(order: Order, sources: list[Source]) -> Plan:
    """One source for all of it: the one whose exact cash is best."""
    best: Plan | None = None
    for source in sources:
        if not _may_give(source, order.quantity):
            continue
        try:
            cash = source.cash(order.side, order.quantity)
        except NoSwap:
            continue
        leg = Leg(source.name, order.quantity, cash, "the best that takes it whole")
        if order.limit is not None and _beyond(leg.all_in, order.limit, order.side):
            continue
        plan = Plan(order.side, (leg,), ZERO, leg.all_in)
        if best is None or _better(plan, best):
            best = plan
    return best or Plan(order.side, (), order.quantity, ZERO)


def _sweep(order: Order, sources: list[Source]) -> Plan:
    coarse = order.unit * COARSE > order.quantity
    if any(is_lumpy(source, order.unit, coarse=coarse) for source in sources):
        pieces = [_pieces(number, source, order) for number, source in enumerate(sources)]
        filled = Problem(order, sources, pieces, _worst(order, sources), coarse=coarse).solve()
    else:
        stages = list[Stage]()
        for number, source in enumerate(sources):
            stages += _stages(number, source, order)
        filled = fill(order.side, order.quantity, stages, _worst(order, sources))
    quantities = _in_units(order, filled, sources)
    missing = quantities.pop(NOBODY, ZERO)
    legs = list[Leg]()
    for number, quantity in quantities.items():
        source = sources[number]
        cash = source.cash(order.side, quantity)
        leg = Leg(source.name, quantity, cash, _why(source, quantity, number == filled.level))
        if order.limit is not None and _beyond(leg.all_in, order.limit, order.side):
            missing += quantity  # a pool rounds against us: of a crumb that may be too much
        else:
            legs.append(leg)
    return Plan(order.side, tuple(legs), missing, filled.price)


def _worst(order: Order, sources: list[Source]) -> Decimal:
    """The price of the units that nobody has."""
    if order.limit is not None:
        return order.limit
    dearest = ONE
    for source in sources:
        if source.levels and source.levels[-1][0] > dearest:
            dearest = source.levels[-1][0]
    return dearest * (HOPELESS if order.side is Side.BUY else -HOPELESS)


def _stages(number: int, source: Source, order: Order) -> list[Stage]:
    """The source's prices for the one division that needs no search."""
    side = order.side
    levels: Iterable[tuple[Decimal, Decimal]] = source.levels
    if source.curve is not None and source.maximum is None and not source.fee_bps:
        return _curve_stages(number, source.curve, order)
    if source.curve is not None or source.maximum is not None:
        return staged(side, _pieces(number, source, order))
    factor = source.factor(side)
    if factor != 1:
        levels = [(price * factor, size) for price, size in levels]
    if side is Side.BUY:
        return [(price, number, price, size, None) for price, size in levels]
    return [(-price, number, price, size, None) for price, size in levels]


def _curve_stages(number: int, curve: Curve, order: Order) -> list[Stage]:
    """Of a bend that has enough for the whole order only the beginning matters."""
    stages, buys, left = list[Stage](), order.side is Side.BUY, order.quantity
    for start, end, size, depth, root in curve.bends(order.side, left):
        if not root:
            stages.append((start if buys else -start, number, start, size, None))
        else:
            piece = Piece(number, start, end, size, depth, root)
            stages.append((start if buys else -start, number, start, ZERO, piece))
            if size < left:
                stages.append((end if buys else -end, number, end, ZERO, piece))
        left -= size
        if left <= 0:
            break
    return stages


def _pieces(number: int, source: Source, order: Order) -> list[Piece]:
    """The source's stretches with its fee in, as far as its maximum goes."""
    side, factor = order.side, source.factor(order.side)
    most = order.quantity if source.maximum is None else min(source.maximum, order.quantity)
    found = list[Piece]()
    if source.curve is not None:
        bent = factor.sqrt() if factor != 1 else ONE
        for bend in source.curve.bends(side, most):
            size = min(bend.size, most)
            end = bend.end if size == bend.size else bend.at(size, side)
            start, root = bend.start * factor, bend.root * bent
            found.append(Piece(number, start, end * factor, size, bend.depth, root))
            most -= size
            if not most:
                break
        return found
    for price, size in source.levels:
        size = min(size, most)
        price *= factor
        found.append(Piece(number, price, price, size))
        most -= size
        if not most:
            break
    return found


def _in_units(order: Order, filled: Filled, sources: list[Source]) -> dict[int, Decimal]:
    """Whole units that sum exactly: what the curves' digits leave over goes to the margin."""
    rounded, rest, unit = dict[int, Decimal](), order.quantity, order.unit
    for number, quantity in filled.taken.items():
        if number == NOBODY or sources[number].curve is not None:
            quantity = (quantity / unit).to_integral_value(ROUND_FLOOR) * unit
        if quantity:
            rounded[number] = quantity
            rest -= quantity
    if not rest:
        return rounded
    takers = [filled.level, *filled.taken]
    if filled.taken.get(NOBODY):  # beyond a limit: not a unit more than is better than it
        takers = []
    for number in takers:
        given = rounded.get(number, ZERO) + rest
        if number != NOBODY and _may_give(sources[number], given):
            rounded[number] = given
            return rounded
    rounded[NOBODY] = rounded.get(NOBODY, ZERO) + rest
    return rounded


def _may_give(source: Source, quantity: Decimal) -> bool:
    """Whether so much keeps the source's own rules."""
    if (source.lot and quantity % source.lot) or quantity < source.minimum:
        return False
    if source.maximum is not None and quantity > source.maximum:
        return False
    return source.curve is not None or quantity <= source.size


def _why(source: Source, quantity: Decimal, at_margin: bool) -> str:
    """One reason a leg is there, as a dealer would say it."""
    if source.minimum and quantity == source.minimum:
        whole = source.maximum == source.minimum
        return "taken whole, it cannot be divided" if whole else "its minimum"
    if source.curve is not None:
        return "as deep as its price stays the best"
    if at_margin:
        return "the rest, at the margin"
    if len(source.levels) == 1:
        return "all it has, better than the margin"
    return "its levels better than the margin"


def _beyond(price: Decimal, limit: Decimal, side: Side) -> bool:
    return price > limit if side is Side.BUY else price < limit
