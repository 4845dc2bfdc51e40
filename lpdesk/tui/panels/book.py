"""The lines of a book: asks above, bids below, best nearest the mid; our orders marked by a sign.

The mid stays on its line while levels come and go.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from lpdesk.domain.making import Level, MakerState
from lpdesk.domain.values import BPS, Side, decimals_of
from lpdesk.tui.figures import price, price_spans
from lpdesk.tui.panels.stance import Bench
from lpdesk.tui.widgets.lines import Ink, Line, Span, longest, size, spread
from lpdesk.views import BookTrade, MakerView, words

OURS: Final = "•"
BY_HAND: Final = "○"
_SIZE: Final = 6
_BAR: Final = 8


class _Shape(NamedTuple):
    """Widths of the columns, the same for every line of the book."""

    price: int
    decimals: int
    bar: int
    largest: Decimal


def book_lines(it: Bench, width: int, height: int) -> list[Line]:
    """The book in exactly `height` lines, an odd number of them the levels and the mid."""
    view = it.view
    if view is None or height < 3:
        return []
    head = height >= 10
    side = (height - 1 - head) // 2
    shape = _shape(it, view, width)
    hand = {order.price for order in view.orders}
    asks = [_level(level, Ink.SELL, it, shape, hand) for level in view.asks[:side]]
    bids = [_level(level, Ink.BUY, it, shape, hand) for level in view.bids[:side]]
    blank: Line = ()
    return [
        *([_head(shape)] if head else []),
        *[blank] * (side - len(asks)),
        *reversed(asks),
        mid_line(it, width),
        *bids,
        *[blank] * (side - len(bids)),
    ]


def _shape(it: Bench, view: MakerView, width: int) -> _Shape:
    levels = (*view.bids, *view.asks)
    widest = max((len(price(level.price, it.pair)) for level in levels), default=10)
    largest = max((level.size for level in levels), default=Decimal(1))
    whole = len(f"{int(largest):,}")
    kept = it.pair.base_decimals if it.pair else 3
    used = 2 + widest + 1 + _SIZE + 1 + _SIZE
    bar = min(2 * _BAR, width - used - 2)
    return _Shape(widest, max(0, min(kept, 4 - whole)), bar if bar >= _BAR else 0, largest)


def _head(shape: _Shape) -> Line:
    titles = f"  {'price':>{shape.price}} {'size':>{_SIZE}} {'ahead':>{_SIZE}}"
    return (Span(titles, Ink.DIM),)


def _level(level: Level, ink: Ink, it: Bench, shape: _Shape, hand: set[Decimal | None]) -> Line:
    sign = OURS if level.ours else BY_HAND if level.price in hand else " "
    room = " " * (shape.price - len(price(level.price, it.pair)))
    ahead = words.money(level.ahead, shape.decimals) if level.ahead else words.DASH
    bar = "━" * max(1, round(level.size / shape.largest * shape.bar)) if shape.bar else ""
    return (
        Span(f"{sign} {room}", Ink.TITLE if level.ours else Ink.DIM),
        *price_spans(level.price, it.pair, ink),
        Span(f" {words.money(level.size, shape.decimals):>{_SIZE}}"),
        Span(f" {ahead if level.ours else '':>{_SIZE}}", Ink.DIM),
        Span(f"  {bar}" if bar else "", Ink.DIM),
    )


def mid_line(it: Bench, width: int) -> Line:
    """The reference with its sources, and the spread of the book, on a rule."""
    said = it.view.maker if it.view else None
    if it.view is None or said is None or said.mid is None:
        return _ruled((Span(" no reference ", Ink.WARN),), width)
    figure = price(said.mid, it.pair)
    wide = _spread_bps(it.view)
    gap = Span(f"  {words.money(wide, 2)}bp ", Ink.DIM) if wide is not None else Span(" ")
    near = gap._replace(text=gap.text.replace("  ", " "))
    sources = Span(f" {said.sources} source{'s' * (said.sources != 1)} ", Ink.DIM)
    waits = said.state is MakerState.WAITING and said.until is None
    mid = Span(f" {figure}", Ink.DIM if waits else Ink.STRONG)
    word = Span(" last mid" if waits else " mid", Ink.DIM)
    return _ruled(
        longest(
            width - 2,
            (word, mid, gap, sources),
            (word, mid, gap),
            (word, mid, near),
            (word, mid, Span(" ")),
        ),
        width,
    )


def _ruled(text: Line, width: int) -> Line:
    left = min(4, max(1, (width - size(text)) // 2))
    right = max(0, width - size(text) - left)
    return (Span("─" * left, Ink.DIM), *text, Span("─" * right, Ink.DIM))


def _spread_bps(view: MakerView) -> Decimal | None:
    if not view.bids or not view.asks:
        return None
    bid, ask = view.bids[0].price, view.asks[0].price
    return (ask - bid) * 2 / (ask + bid) * BPS


def inventory_line(it: Bench, width: int) -> Line:
    """Share of base and skew; both words go before a number would be cut."""
    said = it.view.maker if it.view else None
    if said is None or said.mid is None:
        return (Span("inv ", Ink.DIM), Span(words.DASH, Ink.DIM))
    share = f"{words.money(said.base_pct, 1)}%"
    skew = words.signed(said.skew, 2)
    long = (Span("inv ", Ink.DIM), Span(share), Span(" base  skew ", Ink.DIM), Span(skew))
    return longest(width, long, (Span(share), Span(" skew ", Ink.DIM), Span(skew)), (Span(share),))


def trade_lines(it: Bench, trades: Sequence[BookTrade], width: int) -> list[Line]:
    """Recent matches, newest first, in the columns of the book: the side is the taker's."""
    if it.view is None or not trades:
        return []
    shape = _shape(it, it.view, width)
    widest = max(len(price(trade.price, it.pair)) for trade in trades)
    shape = shape._replace(price=max(shape.price, widest))
    return [_trade(trade, it, shape, width) for trade in trades]


def _trade(trade: BookTrade, it: Bench, shape: _Shape, width: int) -> Line:
    bought = trade.side is Side.BUY
    room = " " * (shape.price - len(price(trade.price, it.pair)))
    places = max(shape.decimals, min(3, decimals_of(trade.quantity)))
    quantity = words.money(trade.quantity, places)
    sign = Span(" ▲ buy " if bought else " ▼ sell", Ink.BUY if bought else Ink.SELL)
    line: Line = (
        Span(f"{OURS if trade.ours else ' '} {room}", Ink.TITLE),
        *price_spans(trade.price, it.pair, ""),
        Span(f" {quantity:>{_SIZE}}"),
        sign,
    )
    time = Span(f"  {words.time_of_day(trade.at)}", Ink.DIM)
    return longest(width, (*line, time), line)


def beside(left: Sequence[Line], right: Sequence[Line], at: int, width: int) -> list[Line]:
    """Two blocks of lines next to each other, the right one from cell `at` on."""
    lines: list[Line] = []
    for number in range(max(len(left), len(right))):
        one = left[number] if number < len(left) else ()
        other = right[number] if number < len(right) else ()
        gap = " " * max(1, at - size(one))
        lines.append((*one, Span(gap), *other) if other else one)
    return lines


__all__ = [
    "OURS", "beside", "book_lines", "inventory_line", "mid_line", "spread", "trade_lines",
]  # fmt: skip
