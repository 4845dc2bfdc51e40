"""Minimums, lots, fixed fees and quotes that cannot be divided: branch and bound over the sources.

The relaxed problem is divisible, its fixed fees spread over the most a source gives: never dearer
than the true one. Where its answer breaks a rule, the rule is decided both ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import NamedTuple

from lpdesk.domain.values import ZERO, Side
from lpdesk.engines.router.fill import NOBODY, Filled, Piece, area, clipped, fill, staged
from lpdesk.engines.router.sources import Order, Source

MAX_NODES = 3_000
"""Beyond, the best plan found so far is taken: more would hold up the desk."""

CLOSE = Decimal("1e-11")
"""A branch that can be better by so little, relatively, is not worth looking into."""


class Bounds(NamedTuple):
    """What is decided of a source: between what it gives, and whether it is in at all."""

    low: Decimal
    high: Decimal
    used: bool | None


class Problem:
    """One order over sources with their pieces; finds what each source gives."""

    def __init__(
        self,
        order: Order,
        sources: Sequence[Source],
        pieces: list[list[Piece]],
        worst: Decimal,
        *,
        coarse: bool,
    ) -> None:
        self.side = order.side
        self.quantity = order.quantity
        self.unit = order.unit
        self.sources = sources
        self.pieces = pieces
        self.worst = worst
        self.lumpy = [n for n, s in enumerate(sources) if is_lumpy(s, self.unit, coarse=coarse)]
        self.best: Filled | None = None
        self.best_cost = ZERO
        self.nodes = 0

    def solve(self) -> Filled:
        """The best division; within rounding, unless the nodes ran out."""
        sizes = [sum((piece.size for piece in own), ZERO) for own in self.pieces]
        free = [Bounds(ZERO, min(size, self.quantity), None) for size in sizes]
        self._try_greedy(free)
        self._branch(free)
        assert self.best is not None
        return self.best

    def _try_greedy(self, free: list[Bounds]) -> None:
        """Something to compare with early: nothing lumpy at all, which is always allowed."""
        bounds = list(free)
        for number in self.lumpy:
            bounds[number] = Bounds(ZERO, ZERO, False)
        self._offer(bounds)

    def _offer(self, bounds: list[Bounds]) -> None:
        relaxed = self._relaxed(bounds)
        if relaxed is not None and self._broken(bounds, relaxed[0]) is None:
            self._keep(relaxed)

    def _keep(self, relaxed: tuple[Filled, Decimal]) -> None:
        if self.best is None or relaxed[1] < self.best_cost:
            self.best, self.best_cost = relaxed

    def _branch(self, bounds: list[Bounds]) -> None:
        stack = [bounds]
        while stack and self.nodes < MAX_NODES:
            bounds = stack.pop()
            self.nodes += 1
            relaxed = self._relaxed(bounds)
            if relaxed is None:
                continue
            margin = abs(self.best_cost) * CLOSE
            if self.best is not None and relaxed[1] >= self.best_cost - margin:
                continue
            number = self._broken(bounds, relaxed[0])
            if number is None:
                self._keep(relaxed)
                continue
            stack += self._decided(bounds, number, relaxed[0].taken.get(number, ZERO))

    def _relaxed(self, bounds: list[Bounds]) -> tuple[Filled, Decimal] | None:
        """The divisible problem within bounds, and a cost that no plan in them can beat."""
        buys, given, pieces = self.side is Side.BUY, ZERO, list[Piece]()
        sign = 1 if buys else -1
        cost = ZERO
        for number, bound in enumerate(bounds):
            source = self.sources[number]
            given += bound.low
            own = self.pieces[number]
            if bound.low:
                cost += sign * area(self.side, own, bound.low)
            if bound.used:
                cost += source.fixed_fee
            own = clipped(self.side, own, bound.low, bound.high) if number in self.lumpy else own
            if source.fixed_fee and bound.used is None and bound.high:
                each = sign * source.fixed_fee / bound.high
                own = [_dearer(piece, each) for piece in own]
            pieces += own
        if given > self.quantity:
            return None
        filled = fill(self.side, self.quantity - given, staged(self.side, pieces), self.worst)
        by_source: dict[int, list[Piece]] = {}
        for piece in pieces:
            by_source.setdefault(piece.source, []).append(piece)
        for number, quantity in filled.taken.items():
            if number == NOBODY:
                cost += sign * self.worst * quantity
            else:
                cost += sign * area(self.side, by_source[number], quantity)
        taken = dict(filled.taken)
        for number, bound in enumerate(bounds):
            if bound.low:
                taken[number] = taken.get(number, ZERO) + bound.low
        return filled._replace(taken=taken), cost

    def _broken(self, bounds: list[Bounds], filled: Filled) -> int | None:
        """The source whose rules the answer breaks the most, in size; None when it keeps all."""
        worst, size = None, ZERO
        for number in self.lumpy:
            quantity = filled.taken.get(number, ZERO)
            if not quantity:
                continue
            source, bound = self.sources[number], bounds[number]
            undecided = bound.used is None and (source.fixed_fee or quantity < source.minimum)
            lot = max(source.lot, self.unit)
            if (undecided or quantity % lot) and quantity > size:
                worst, size = number, quantity
        return worst

    def _decided(self, bounds: list[Bounds], number: int, quantity: Decimal) -> list[list[Bounds]]:
        """The ways to decide the broken rule; the one nearer to the relaxed answer is last."""
        source, bound = self.sources[number], bounds[number]
        lot = max(source.lot, self.unit)
        if bound.used is None:
            low, high = _up(max(source.minimum, lot), lot), _down(bound.high, lot)
            off = Bounds(ZERO, ZERO, False)
            ways = [off, Bounds(low, high, True)] if low <= high else [off]
            if 2 * quantity < low:
                ways.reverse()
        else:
            floor = _down(quantity, lot)
            below = Bounds(bound.low, floor, True) if floor >= bound.low else None
            above = Bounds(floor + lot, bound.high, True) if floor + lot <= bound.high else None
            ways = [way for way in (below, above) if way is not None]
        return [[*bounds[:number], way, *bounds[number + 1 :]] for way in ways]


def is_lumpy(source: Source, unit: Decimal, *, coarse: bool) -> bool:
    """Whether a source cannot just be dealt in any size; where units are coarse, no curve can."""
    rules = source.minimum or source.fixed_fee or source.lot > unit
    return bool(rules) or (coarse and source.curve is not None)


def _dearer(piece: Piece, each: Decimal) -> Piece:
    """A piece with something on each unit; a bend becomes its cheapest price: still a bound."""
    start = piece.start + each
    if not piece.root:
        return piece._replace(start=start, end=start)
    return Piece(piece.source, start, start, piece.size)


def _down(quantity: Decimal, lot: Decimal) -> Decimal:
    return (quantity / lot).to_integral_value(ROUND_FLOOR) * lot


def _up(quantity: Decimal, lot: Decimal) -> Decimal:
    floor = _down(quantity, lot)
    return floor if floor == quantity else floor + lot
