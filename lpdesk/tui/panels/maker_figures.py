"""A maker's figures: state, inventory on a gauge, P&L in its parts, and what 24 hours brought."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from textual.app import ComposeResult

from lpdesk.domain import events as ev
from lpdesk.tui.look import Look
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.panels.stance import Bench, bench, stance_lines
from lpdesk.tui.plot import gauge
from lpdesk.tui.widgets.lines import Ink, Line, Lines, Span, longest, size, spread
from lpdesk.views import words


class FiguresPane(Pane):
    """What the maker earns, and what it holds."""

    slice: Bench = Bench()

    def compose(self) -> ComposeResult:
        self.name_it("Maker")
        self.body = _Body(self)
        yield self.body

    def see(self, look: Look) -> object:
        """The same as the ladder."""
        return bench(look)

    def show(self, slice: Bench, /) -> None:
        """Draw a slice."""
        self.slice = slice
        strategy = slice.view.terms.strategy if slice.view else ""
        self.name_it("  ".join(filter(None, ["Maker", slice.symbol])), strategy)
        self.body.draw()


class _Body(Lines, can_focus=False):
    def __init__(self, pane: FiguresPane) -> None:
        super().__init__(id="figures")
        self._pane = pane

    def lines(self, width: int, height: int) -> Sequence[Line]:
        it = self._pane.slice
        if it.view is None:
            return [(Span("no maker here", Ink.TITLE),), (Span("add [[makers]]", Ink.DIM),)]
        said = it.view.maker
        stance = stance_lines(it, width, 1 if height < 9 else 3)
        if said is None:
            return stance
        inventory = _inventory(it, said, width)
        left = height - len(stance) - len(inventory)
        figures = _figures(it, said, width, left)
        roomy = height >= len(stance) + len(inventory) + len(figures) + 2
        gap: list[Line] = [()] if roomy else []
        return [*stance, *gap, *inventory, *gap, *figures]


def _inventory(it: Bench, said: ev.MakerMoved, width: int) -> list[Line]:
    target = it.view.terms["inventory_target_base_pct"] if it.view else Decimal(50)
    share = f"{words.money(said.base_pct, 1)}%"
    right: Line = (Span("target ", Ink.DIM), Span(f"{target:f}%"))
    head = spread((Span("inventory ", Ink.DIM), Span(share), Span(" base", Ink.DIM)), right, width)
    filled, knob, left = gauge(said.base_pct, target, width)
    scale: Line = (Span(filled, Ink.LOCK), Span(knob, Ink.TITLE), Span(left, Ink.DIM))
    base = said.symbol.partition("/")[0]
    kept = it.pair.base_decimals if it.pair else 8
    held = f"{words.signed(said.position, min(kept, 4))} {base}"
    skew: Line = (Span("skew ", Ink.DIM), Span(words.signed(said.skew, 3)))
    return [head, scale, spread((Span("position ", Ink.DIM), Span(held)), skew, width)]


def _figures(it: Bench, said: ev.MakerMoved, width: int, height: int) -> list[Line]:
    """Name and value: in two columns, in one where they are narrow, in pairs where it is short."""
    quote = said.symbol.partition("/")[2]
    half = words.money(said.half_spread_bps, 2)
    parts = [
        ("spread", _money(said.spread)),
        ("inventory", _money(said.inventory)),
        ("fees", _money(said.fees)),
        (f"P&L {quote}", _money(said.pnl)),
    ]
    others = [
        ("realised", _money(said.realised)),
        ("unrealised", _money(said.unrealised)),
        ("half-spread", f"{half}bp" if said.half_spread_bps is not None else half),
        ("presence", f"{words.money(said.presence, 2)}%"),
    ]
    each = (width - 4) // 2
    day = _day(said, width)
    if each >= 20:
        gap = Span(" " * (width - 2 * each))
        pairs = zip(parts, others, strict=True)
        return [*((*_named(*one, each), gap, *_named(*two, each)) for one, two in pairs), day]
    if height >= 10:
        return [*(_named(*one, width) for one in (*parts, *others)), day]
    total = _named(*parts[3], width)
    return [total, _pair(parts[0], parts[1], width), _pair(others[0], others[1], width), day]


def _pair(one: tuple[str, str], two: tuple[str, str], width: int) -> Line:
    left: Line = (Span(f"{one[0]} ", Ink.DIM), Span(one[1]))
    right: Line = (Span(f"{two[0]} ", Ink.DIM), Span(two[1]))
    return longest(width, spread(left, right, width), left)


def _named(name: str, value: str, width: int) -> Line:
    total = name.startswith("P&L")
    gap = " " * max(1, width - len(name) - len(value))
    ink = (Ink.BAD if value.startswith("-") else Ink.GOOD) if total else ""
    line = (Span(name, Ink.DIM), Span(gap), Span(value, ink))
    return line if size(line) <= width else longest(width, (Span(value.rjust(width), ink),))


def _day(said: ev.MakerMoved, width: int) -> Line:
    base, _, quote = said.symbol.partition("/")
    volume, notional = words.money(said.volume, 3), words.money(said.notional, 0)
    captured = words.money(said.captured, 2)
    head = Span("24 h ", Ink.DIM)
    return longest(
        width,
        (
            head, Span(f"{volume} {base}  {notional} {quote}"),
            Span("  captured ", Ink.DIM), Span(captured),
        ),
        (head, Span(f"{volume} {base}"), Span("  captured ", Ink.DIM), Span(captured)),
        (head, Span(f"{volume} {base}")),
    )  # fmt: skip


def _money(value: Decimal) -> str:
    return words.signed(value, 2)
