"""The RFQ in focus: its price as the biggest thing on the screen, its side, its time left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.events import Click
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from lpdesk.domain import events as ev
from lpdesk.domain.settings import Pair, Settings
from lpdesk.domain.values import SECOND, Instant
from lpdesk.tui import sentences
from lpdesk.tui.bigtext import TALL, big
from lpdesk.tui.chat import SOON, Told, reminder
from lpdesk.tui.figures import (
    API,
    SIDE_INK,
    amount,
    asset_amount,
    earns,
    legs,
    price,
    price_parts,
)
from lpdesk.tui.look import Look, is_short, time_left
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.widgets.lines import Ink, Line, Lines, Span, longest, size, spread
from lpdesk.views import Card, words

_SPACIOUS = 18
"""Lines from which the price is read from across the room."""

_AT_END = 20
"""Cells of price and seconds, which come before a client's name."""

_TALL = 11
"""Lines from which the card has air around the price, and its header inside."""


class Slice(NamedTuple):
    """What the pane shows; its card's quote is what F9 deals."""

    card: Card | None
    others: tuple[Card, ...]
    settings: Settings
    next: tuple[Line, ...]
    now: Instant
    told: Line = ()
    """What the client was told, and for how long that is good."""


class RfqPane(Pane):
    """The card in focus, and the other requests one line each."""

    DEFAULT_CSS = "RfqPane { border-title-style: bold; }"

    ABOUT = (
        "The price the client gets, its side in words, and the time left of it.",
        "The broken end of the bar is what the LP needs to execute: accept before it.",
        "F9 deals at exactly this price; one that was replaced meanwhile is refused.",
    )

    class Clicked(Message):
        """The line of the request `rfq_id` was clicked."""

        def __init__(self, rfq_id: str) -> None:
            self.rfq_id = rfq_id
            super().__init__()

    drawn: Slice | None = None
    rendered = ""
    """The quote whose price was in the lines that were last made for the terminal."""

    def __init__(self, told: Callable[[str], Told | None] = lambda rfq_id: None) -> None:
        super().__init__()
        self._told = told

    def compose(self) -> ComposeResult:
        self.card = _CardLines(self)
        yield self.card

    def see(self, look: Look) -> object:
        """To the tenth of a second while a price runs, else without a time."""
        view, card = look.view, look.card
        others = tuple(other for other in view.rfqs if other.rfq_id != look.focus)[:12]
        running = any(each.live and each.quote for each in (card, *others) if each)
        if card is None:
            return Slice(None, others, view.settings, tuple(sentences.no_request(look)), 0)
        trade = view.trade(card.trade_id) if card.trade_id else None
        now = look.tenth if running else 0
        next = sentences.what_next(look._replace(now=look.tenth), card, trade)
        told = self._told(card.rfq_id)
        promise = reminder(told, look, card) if told else ()
        return Slice(card, others, view.settings, (next,), now, promise)

    def show(self, slice: Slice, /) -> None:
        """Draw a slice."""
        self.drawn = slice
        self.card.draw()

    @property
    def on_screen(self) -> ev.QuoteLocked | None:
        """The quote whose price is on the screen: the one that a key accepts."""
        return self.drawn.card.quote if self.drawn and self.drawn.card else None


class _CardLines(Lines):
    def __init__(self, pane: RfqPane) -> None:
        super().__init__(id="rfq")
        self._pane = pane

    def on_click(self, event: Click) -> None:
        """A line that begins with a request leads to it."""
        spot, lines = event.get_content_offset(self), self.lines(*self.size)
        line = lines[spot.y] if spot is not None and spot.y < len(lines) else ()
        name = line[0].text.rstrip(f"{API} ") if line else ""
        if name.startswith("R-"):
            self.post_message(RfqPane.Clicked(name))

    def render_lines(self, crop: Region) -> list[Strip]:
        quote = self._pane.on_screen
        self._pane.rendered = quote.quote_id if quote else ""
        return super().render_lines(crop)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        slice = self._pane.drawn
        if slice is None:
            return ()
        if slice.card is None:
            self._pane.name_it("RFQ")
            return [(), *slice.next] if height >= _TALL else slice.next
        tall = height >= _TALL
        self._pane.name_it("RFQ" if tall else plain_header(slice.card, slice.settings))
        return card_lines(slice, width, height)


def plain_header(card: Card, settings: Settings) -> str:
    """Id, client, side in words and amount, for a border."""
    pair = settings.pair(card.symbol)
    what = f"{card.side} {amount(card.amount, pair, card.dealt)}"
    return f"{card.rfq_id} {f'{API} ' if card.api else ''}{card.client}  {what}"


def card_lines(slice: Slice, width: int, height: int) -> list[Line]:
    """The whole card, most important lines first to fit."""
    card = slice.card
    assert card is not None
    pair = slice.settings.pair(card.symbol)
    air: list[Line] = [()] if height >= _TALL else []
    head = [_header(card, pair, width)] if height >= _TALL else []
    lines = [*head, *air, *_figure(card, pair, width, height), *air]
    if card.quote is not None:
        lines.append(_terms(card, card.quote, pair, width))
        if card.quote.legs:
            lines.append(_legs(card.quote, pair, width))
        if card.live:
            lines.append(_countdown(card, card.quote, slice.now, width))
    lines.append(slice.next[0])
    history = slice.told or _history(card)
    if slice.told or (history and height >= _TALL - 1):
        lines.append(history)
    room = height - len(lines) - len(air)
    others = _others(slice, width)[: max(0, room)]
    return [*lines, *air, *others] if others else lines


def _header(card: Card, pair: Pair | None, width: int) -> Line:
    whose: Line = (Span(card.rfq_id, Ink.TITLE), Span(f"  {card.client}"))
    if card.api:
        whose = (Span(f"{card.rfq_id} {API}", Ink.TITLE), Span(f" {card.client}"))
    via = Span(f"  via {card.via}" if card.via else "", Ink.DIM)
    right = (Span(card.side, SIDE_INK[card.side]), Span(f" {_dealt(card, pair)}", Ink.STRONG))
    left = longest(width - size(right) - 1, (*whose, via), whose, whose[:1])
    return spread(left, right, width)


def _dealt(card: Card, pair: Pair | None) -> str:
    return amount(card.amount, pair, card.dealt)


def _figure(card: Card, pair: Pair | None, width: int, height: int) -> list[Line]:
    """The client price: in big digits where there is room for them."""
    if card.quote is None:
        blank = _figure_unit(pair)
        return [(), (Span(words.DASH, Ink.DIM), Span(f"   {blank}", Ink.DIM)), ()][: height // 3]
    quiet, loud = price_parts(card.quote.client_price, pair)
    text = price(card.quote.client_price, pair)
    tall = height >= _SPACIOUS and size(big(quiet, loud, TALL)[0]) + 3 + len(text) <= width
    rows = big(quiet, loud, TALL if tall else 3)
    if height < 7 or size(rows[0]) > width:
        figure = (Span(quiet, Ink.DIM), Span(loud, Ink.STRONG))
        return [spread(figure, (Span(_figure_unit(pair), Ink.DIM),), width)]
    notes = [*[""] * (len(rows) - 2), text, _figure_unit(pair)]
    gap = min(3, width - size(rows[0]) - len(text))
    lines: list[Line] = [
        (*row, Span(f"{' ' * gap}{note}" if gap > 0 else "", Ink.DIM))
        for row, note in zip(rows, notes, strict=True)
    ]
    return lines if card.live else [tuple(Span(t, Ink.DIM) for t, _ in line) for line in lines]


def _figure_unit(pair: Pair | None) -> str:
    return f"{pair.quote}/{pair.base}" if pair else ""


def _terms(card: Card, quote: ev.QuoteLocked, pair: Pair | None, width: int) -> Line:
    """What the client pays or receives for the amount dealt, and what the markup earns."""
    if pair is not None and quote.pays_asset == pair.asset(card.dealt):
        verb, sum = "receives", asset_amount(quote.receives, quote.receives_asset, pair)
    else:
        verb, sum = "pays", asset_amount(quote.pays, quote.pays_asset, pair)
    left = (Span(f"{verb} ", Ink.DIM), Span(sum))
    bps = f"{words.money(quote.markup_bps, 1)} bp"
    profit = f" {earns(quote, card, pair)}" if pair else ""
    full: Line = (Span("markup ", Ink.DIM), Span(bps), Span(profit, Ink.GOOD))
    right = longest(width - size(left) - 2, full, full[1:], full[1:2])
    return spread(left, right, width)


def _legs(quote: ev.QuoteLocked, pair: Pair | None, width: int) -> Line:
    """The parts that the price stands on, and what the second-best set would cost more."""
    parts = "  ".join(legs(quote, pair))
    second = f"{words.bps(quote.second_bps)} {quote.second}" if quote.second_bps is not None else ""
    left: Line = (Span(parts, Ink.LOCK),)
    right: Line = (Span("next ", Ink.DIM), Span(second, Ink.DIM)) if second else ()
    return spread(left, right if size(left) + size(right) < width else (), width)


def _countdown(card: Card, quote: ev.QuoteLocked, now: Instant, width: int) -> Line:
    """The whole validity from left to right: gone, left, and hatched what the LP needs at its p95.

    Quiet seconds first; in the hatched part tenths and a `!`.
    """
    left_ns = time_left(card, now)
    short = is_short(card, now)
    seconds = words.seconds(left_ns, 1 if short or left_ns < SOON else 0)
    text = f"{seconds} !" if short else seconds
    ink = Ink.WARN if short else Ink.STRONG
    cells = max(4, width - 10)
    whole = max(1, quote.dealable_until - quote.received_at)
    left = min(cells, -(-left_ns * cells // whole))
    hatched = min(cells, max(1, -(-quote.exec_ns * cells // whole))) if quote.exec_ns else 0
    sure = max(0, left - hatched)
    bar = (
        Span("─" * (cells - max(left, hatched)), Ink.DIM),
        Span("━" * sure, Ink.WARN if short else Ink.LOCK),
        Span("─" * (max(left, hatched) - sure - min(left, hatched)), Ink.DIM),
        Span("╍" * min(left, hatched), Ink.WARN if short else Ink.DIM),
    )
    return spread(bar, (Span(text, ink),), width)


def _history(card: Card) -> Line:
    """How the price came to be where it is."""
    auto = card.auto_refresh and card.live
    parts = ["auto"] if auto and not card.refreshes else []
    if card.refreshes:
        parts.append(f"{'auto' if auto else 'asked afresh'} {card.refreshes}x")
    if card.improvements:
        parts.append(f"improved {card.improvements}x")
    if card.moves and card.quote is not None and card.live:
        parts.append(f"lock moved to {card.quote.lp}")
    return (Span("  ".join(parts), Ink.DIM),) if parts else ()


def _others(slice: Slice, width: int) -> list[Line]:
    """The other requests: live ones first, each with LP, side, amount, price and seconds."""
    ordered = sorted(slice.others, key=lambda card: not card.live)
    return [_other(card, slice, width) for card in ordered]


def _other(card: Card, slice: Slice, width: int) -> Line:
    pair = slice.settings.pair(card.symbol)
    quote = card.quote
    lp = quote.lp if quote else ""
    ink = SIDE_INK[card.side] if card.live else Ink.DIM
    plain = "" if card.live else Ink.DIM
    head: Line = (
        Span(f"{card.rfq_id}{API if card.api else ' '}", plain),
        Span(f"{card.side:<4}", ink),
        Span(f" {_dealt(card, pair)}", plain),
    )
    whose = (head[0], Span(f"{card.client} ", plain), *head[1:])
    head = whose if card.api and size(whose) + _AT_END < width else head
    if not card.live:
        return spread(head, (Span(f"{card.end}  ", Ink.DIM),), width)
    if quote is None:
        return spread(head, (Span("asking  ", Ink.DIM),), width)
    left_ns = time_left(card, slice.now)
    short = is_short(card, slice.now)
    seconds = words.seconds(left_ns, 1 if left_ns < 10 * SECOND else 0)
    end: Line = (Span(f"{seconds:>6}{' !' if short else '  '}", Ink.WARN if short else Ink.DIM),)
    at: Line = (Span(f"{price(quote.client_price, pair)} "), *end)
    by: Line = (Span(f"{lp} ", Ink.DIM), *at)
    return spread(head, longest(width - size(head) - 1, by, at, end), width)
