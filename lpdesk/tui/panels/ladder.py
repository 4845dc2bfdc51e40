"""The maker's ladder. Without a maker: that there is none, and the market as the LPs make it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from lpdesk.domain.making import MakerState
from lpdesk.tui.figures import price
from lpdesk.tui.look import Look
from lpdesk.tui.panels.book import OURS, beside, book_lines, inventory_line, trade_lines
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.panels.stance import Bench, bench, stance_lines, stance_word
from lpdesk.tui.widgets.lines import Ink, Line, Lines, Span, longest, spread
from lpdesk.views import words

_BESIDE: Final = 64
"""From this width on, trades stand beside the book."""

_BOOK: Final = 34
"""What the book takes then."""


class OtherPair(Message):
    """The dealer wants the maker `step` places on."""

    def __init__(self, step: int) -> None:
        self.step = step
        super().__init__()


class LadderPane(Pane):
    """What this desk makes itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right_curly_bracket", "other(1)", "Next pair", show=False, id="ladder.next"),
        Binding("left_curly_bracket", "other(-1)", "Pair before", show=False, id="ladder.before"),
    ]

    slice: Bench = Bench()

    def __init__(self, name: str = "ladder") -> None:
        super().__init__()
        self._body_id = name

    def compose(self) -> ComposeResult:
        self.name_it("Ladder")
        self.body = _Body(self, self._body_id)
        yield self.body

    def see(self, look: Look) -> object:
        """The book in front of the dealer."""
        return bench(look)

    def show(self, slice: Bench, /) -> None:
        """Draw a slice."""
        self.slice = slice
        title = "  ".join(filter(None, ["Ladder", slice.symbol]))
        near = self.has_focus_within or self._body_id != "ladder"  # the page's works from anywhere
        more = "{ } other pair" if len(slice.makers) > 1 and near and slice.can_command else ""
        symbol = slice.symbol if self._tabs else ""  # then the title has no room for it
        ours = f"{OURS} ours" if slice.view else ""
        self.name_it(title, "  ".join(filter(None, [symbol, more or ours])))
        self.body.draw()

    def action_other(self, step: int) -> None:
        """Another maker's book."""
        self.post_message(OtherPair(step))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In a replay these keys go from marker to marker."""
        return action != "other" or self.slice.can_command


class _Body(Lines):
    def __init__(self, pane: LadderPane, name: str) -> None:
        super().__init__(id=name)
        self._pane = pane

    def lines(self, width: int, height: int) -> Sequence[Line]:
        it = self._pane.slice
        if it.view is None:
            return _without(it, width)
        return _wide(it, width, height) if width >= _BESIDE else _narrow(it, width, height)


def _narrow(it: Bench, width: int, height: int) -> list[Line]:
    """One under the other: state, book, inventory, trades."""
    quotes = stance_word(it) == MakerState.ACTIVE  # else the book leaves room to say why
    stance = stance_lines(it, width, 1 if quotes and height < 9 else 3)
    trades = it.view.trades if it.view else ()
    room = height - len(stance) - 1
    levels = max(len(it.view.bids), len(it.view.asks)) if it.view else 0
    kept = 0 if room < 12 else max(3, room - (2 * max(levels, 5) + 2) - 1)
    book = book_lines(it, width, room - (kept + 1 if kept else 0))
    shown = trade_lines(it, trades[:kept], width)
    rule: Line = (Span("─" * width, Ink.DIM),)
    return [*stance, *book, inventory_line(it, width), *([rule, *shown] if shown else [])]


def _wide(it: Bench, width: int, height: int) -> list[Line]:
    """The book, and beside it state, inventory and trades."""
    rest = width - _BOOK - 2
    trades = it.view.trades[: max(0, height - 3)] if it.view else ()
    right = [*stance_lines(it, rest, 2), inventory_line(it, rest), *trade_lines(it, trades, rest)]
    odd = height if height % 2 or height >= 10 else height - 1
    return beside(book_lines(it, _BOOK, odd), right, _BOOK + 2, width)


def _without(it: Bench, width: int) -> list[Line]:
    """No maker: why, which ones there are, and the LPs' market."""
    if it.starting:
        return [(Span("starting", Ink.TITLE),)]
    if it.makers:
        none: Line = (Span(f"no maker for {it.symbol}", Ink.TITLE),)
        why: Line = (Span(f"type: ladder {it.makers[0].lower()}", Ink.DIM),)
    else:
        none = (Span("no maker configured", Ink.TITLE),)
        why = (Span("deals on LP prices only", Ink.DIM),)
    return [none, why, (), *(_market(it, width) if it.market else [])]


def _market(it: Bench, width: int) -> list[Line]:
    """Bid and ask of the LPs' streams, and the spread."""
    row = it.market
    if row is None:
        return []
    bid, ask = price(row.bid, it.pair), price(row.ask, it.pair)
    spread_bp = f"{words.money(row.spread_bps, 2)}bp"
    sign = Span("crossed !", Ink.WARN) if row.crossed else Span(spread_bp, Ink.DIM)
    both: Line = (Span(bid), Span(" / ", Ink.DIM), Span(ask))
    head: Line = (Span(row.symbol, Ink.DIM),)
    if longest(width, (*head, Span("  "), *both, Span("  "), sign)):
        return [spread((*head, Span("  "), *both), (sign,), width)]
    return [spread(head, (sign,), width), longest(width, both, both[2:])]


__all__ = ["LadderPane", "OtherPair", "stance_word"]
