"""The plot of a maker's pair: reference, our best quotes, and the inventory over time."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from textual.app import ComposeResult

from lpdesk.domain.settings import Pair
from lpdesk.domain.values import SECOND
from lpdesk.tui.figures import price
from lpdesk.tui.look import Look
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.plot import Curve, blocks, plot
from lpdesk.tui.widgets.lines import Ink, Line, Lines, Span, size
from lpdesk.views import Point, words

_STEPS: Final = (1, 2, 5, 10)
"""Seconds that one dot may stand for."""


_HELD: Final = 3
"""Seconds without a point that are drawn as its last one; longer is a gap."""


class Slice(NamedTuple):
    """What the pane shows."""

    symbol: str
    pair: Pair | None
    points: tuple[Point, ...]


class CurvesPane(Pane):
    """Moves once a second, with the points of the view."""

    slice: Slice = Slice("", None, ())

    def compose(self) -> ComposeResult:
        self.name_it("Mid and our quotes")
        self.body = _Body(self)
        yield self.body

    def see(self, look: Look) -> object:
        """The points, which a view adds once a second."""
        maker = look.view.maker(look.market)
        points = maker.points if maker else ()
        return Slice(look.market, look.view.settings.pair(look.market), points)

    def show(self, slice: Slice, /) -> None:
        """Draw a slice."""
        self.slice = slice
        self.name_it("Mid and our quotes", "Esc goes back")
        self.body.draw()


class _Body(Lines, can_focus=False):
    def __init__(self, pane: CurvesPane) -> None:
        super().__init__(id="curves")
        self._pane = pane

    def lines(self, width: int, height: int) -> Sequence[Line]:
        it = self._pane.slice
        if len(it.points) < 2:
            return [(Span("drawn from the second reference price on", Ink.DIM),)]
        return curve_lines(it, width, height)


def curve_lines(it: Slice, width: int, height: int) -> list[Line]:
    """The plot with its scale at the right, its time, and inventory as a line of blocks."""
    quotes = [v for p in it.points for v in (p.mid, p.bid, p.ask) if v is not None]
    scale = [price(value, it.pair) for value in (min(quotes), max(quotes))]
    axis = max(map(len, [*scale, _share(it)]))
    across, up = width - axis - 1, height - 2
    if across < 8 or up < 2:
        return []
    step = _step(it.points, 2 * across)
    shown = _sampled(it.points, 2 * across, step)
    values = [v for p in shown if p for v in (p.mid, p.bid, p.ask) if v is not None]
    low, high = min(values), max(values)
    curves = (
        Curve(tuple(p.ask if p else None for p in shown), Ink.SELL),
        Curve(tuple(p.bid if p else None for p in shown), Ink.BUY),
        Curve(tuple(p.mid if p else None for p in shown), Ink.TITLE),
    )
    rows = plot(curves, low, high, across, up)
    marks = _marks(it, low, high, up)
    lines = [_scaled(row, marks.get(number, ()), across) for number, row in enumerate(rows)]
    return [*lines, _time(across, step), _inventory(shown, across, it)]


def _step(points: Sequence[Point], columns: int) -> int:
    """Seconds a dot, the fewest with which all points have a place."""
    lasted = (points[-1].at - points[0].at) // SECOND + 1
    return next((step for step in _STEPS if columns * step >= lasted), _STEPS[-1])


def _sampled(points: Sequence[Point], columns: int, step: int) -> list[Point | None]:
    """The last point of every step, on a grid of whole steps so that old dots stand still."""
    places: list[Point | None] = [None] * columns
    newest = points[-1].at // SECOND // step
    for point in points:
        column = columns - 1 - (newest - point.at // SECOND // step)
        if column >= 0:
            places[column] = point
    known, age = None, 0
    for column, place in enumerate(places):
        known, age = (place, 0) if place else (known, age + 1)
        places[column] = known if age * step <= _HELD else None
    return places


def _marks(it: Slice, low: Decimal, high: Decimal, up: int) -> dict[int, Line]:
    """Which line of the scale says what: the ends, and the mid where it is now."""
    last = it.points[-1].mid
    share = (high - last) / (high - low) if high > low else Decimal("0.5")
    marks: dict[int, Line] = {
        0: (Span(price(high, it.pair), Ink.DIM),),
        up - 1: (Span(price(low, it.pair), Ink.DIM),),
    }
    marks[min(up - 1, int(share * up))] = (Span(price(last, it.pair), Ink.TITLE),)
    return marks


def _scaled(row: Line, mark: Line, across: int) -> Line:
    return (*row, Span(" " * (across + 1 - size(row))), *mark) if mark else row


def _time(across: int, step: int) -> Line:
    ago = words.age(2 * across * step * SECOND)
    rule = f"╶ {ago} ago " + "─" * max(0, across - len(ago) - 12) + " now ╴"
    return (Span(rule, Ink.DIM),)


def _inventory(shown: Sequence[Point | None], across: int, it: Slice) -> Line:
    """Share of base from 0 to 100 %, one block for two dots of the plot."""
    halves = zip(shown[::2], shown[1::2], strict=True)
    pairs = [one if two is None else two for one, two in halves]
    values = [point.base_pct if point else None for point in pairs]
    text = blocks(values, Decimal(0), Decimal(100), across)
    return (Span(f"{text} ", Ink.DIM), Span(_share(it)))


def _share(it: Slice) -> str:
    return f"{words.money(it.points[-1].base_pct, 1)}% inv"
