"""Water-filling: divide a size over stretches of prices so that the marginal price is one.

Levels have one price; bends of pools have `(root / (depth ± q))^2`, so within a stretch between two
prices the common marginal price follows from their sums: no iteration. The optimum of the divisible
problem, to the last digit of the context.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from lpdesk.domain.values import ZERO, Side


class Piece(NamedTuple):
    """A stretch of one source, fee included. `root` is zero at a single price."""

    source: int
    start: Decimal
    end: Decimal
    size: Decimal
    depth: Decimal = ZERO
    root: Decimal = ZERO


Stage: TypeAlias = tuple[Decimal, int, Decimal, Decimal, Piece | None]
"""(sorts best price first, source, price, size of a level, the bend that begins or ends here)."""


class Filled(NamedTuple):
    """What each source gives, by its number; -1 is nobody. `price` is the common marginal price.

    `level` is the source whose level is dealt in part, -1 where the margin is on the curves.
    """

    taken: dict[int, Decimal]
    price: Decimal
    level: int


NOBODY = -1
_first = itemgetter(0)


def staged(side: Side, pieces: Iterable[Piece]) -> list[Stage]:
    """Where each piece begins, and each bend ends, on the way from the best price to the worst."""
    buys, stages = side is Side.BUY, list[Stage]()
    for piece in pieces:
        source, start, end, size, _, root = piece
        if root:
            stages.append((start if buys else -start, source, start, ZERO, piece))
            stages.append((end if buys else -end, source, end, ZERO, piece))
        else:
            stages.append((start if buys else -start, source, start, size, None))
    return stages


def fill(side: Side, quantity: Decimal, stages: list[Stage], worst: Decimal) -> Filled:
    """Divide `quantity` over the stages; what none has for better than `worst` is nobody's.

    Sorts the stages in place. Written out in one loop: this is the inside of every plan.
    """
    buys = side is Side.BUY
    stages.append((worst if buys else -worst, NOBODY, worst, quantity, None))
    stages.sort(key=_first)
    taken: dict[int, Decimal] = {}
    active: list[Piece] = []
    left, depth, root, square = quantity, ZERO, ZERO, ZERO
    for _, source, price, size, bend in stages:
        if active:
            far = depth - left + size if buys else depth + left - size
            given = price * far * far
            if (far > 0 and given >= square) if buys else given <= square:  # the curves reach it
                far = depth - left if buys else depth + left
                given = price * far * far
                if (far > 0 and given >= square) if buys else given <= square:
                    return _shared(side, taken, active, root / far, NOBODY)
                price_root = price.sqrt()
                rest = left - depth + root / price_root
                rest = rest if buys else left + depth - root / price_root
                taken[source] = taken.get(source, ZERO) + rest
                return _shared(side, taken, active, price_root, source)
        elif bend is None and size >= left:
            taken[source] = taken.get(source, ZERO) + left
            return Filled(taken, price, source)
        if bend is None:
            left -= size
            taken[source] = taken.get(source, ZERO) + size
            continue
        if bend in active:
            active.remove(bend)
            left -= bend.size
            taken[source] = taken.get(source, ZERO) + bend.size
        else:
            active.append(bend)
        depth = sum([each.depth for each in active], ZERO)
        root = sum([each.root for each in active], ZERO)
        square = root * root
    raise AssertionError("nobody takes all that is left")


def _shared(
    side: Side, taken: dict[int, Decimal], active: list[Piece], price_root: Decimal, level: int
) -> Filled:
    """Every active curve gives what it has at the common price, said by its square root."""
    buys = side is Side.BUY
    for piece in active:
        at = piece.root / price_root
        given = piece.depth - at if buys else at - piece.depth
        given = max(ZERO, min(piece.size, given))
        taken[piece.source] = taken.get(piece.source, ZERO) + given
    return Filled(taken, price_root * price_root, level)


def clipped(side: Side, pieces: list[Piece], low: Decimal, high: Decimal) -> list[Piece]:
    """The stretches of one source between its first `low` and its first `high` units."""
    found, at = list[Piece](), ZERO
    for piece in pieces:
        begin, end = max(low - at, ZERO), min(high - at, piece.size)
        at += piece.size
        if end <= begin:
            continue
        if begin == 0 and end == piece.size:
            found.append(piece)
        elif not piece.root:
            found.append(piece._replace(size=end - begin))
        else:
            sign = -1 if side is Side.BUY else 1
            deep = piece.depth + sign * begin
            last = piece.depth + sign * end
            found.append(
                piece._replace(
                    start=(piece.root / deep) ** 2,
                    end=(piece.root / last) ** 2,
                    size=end - begin,
                    depth=deep,
                )
            )
    return found


def area(side: Side, pieces: list[Piece], quantity: Decimal) -> Decimal:
    """What the first `quantity` units of one source's stretches cost, or bring."""
    total, left = ZERO, quantity
    for piece in pieces:
        if left <= 0:
            break
        size = min(piece.size, left)
        left -= size
        if not piece.root:
            total += piece.start * size
        else:
            last = piece.depth - size if side is Side.BUY else piece.depth + size
            total += abs(piece.root**2 / last - piece.root**2 / piece.depth)
    return total
