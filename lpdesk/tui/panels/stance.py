"""What a pair's maker is doing, why, until when and how it comes back, in words."""

from __future__ import annotations

import re
import textwrap
from typing import NamedTuple

from lpdesk.domain.making import MakerState
from lpdesk.domain.settings import Pair
from lpdesk.domain.values import SECOND, Instant
from lpdesk.tui.look import Look
from lpdesk.tui.widgets.lines import Ink, Line, Span, longest, size
from lpdesk.views import MakerView, MarketRow, words

_INKS = {
    MakerState.ACTIVE: Ink.GOOD,
    MakerState.WAITING: Ink.WARN,
    MakerState.PAUSED: Ink.WARN,
    MakerState.REDUCING: Ink.WARN,
    MakerState.HALTED: Ink.BAD,
}


class Bench(NamedTuple):
    """What the panes of a maker look at. `second` moves only while a way back has a time."""

    symbol: str = ""
    pair: Pair | None = None
    view: MakerView | None = None
    market: MarketRow | None = None
    makers: tuple[str, ...] = ()
    second: Instant = 0
    halted: bool = False
    can_command: bool = True
    starting: bool = True


def bench(look: Look) -> Bench:
    """The maker that the dealer looks at: the chosen pair, or that of the RFQ in focus."""
    view, symbol = look.view, look.market
    maker = view.maker(symbol)
    said = maker.maker if maker else None
    return Bench(
        symbol=symbol,
        pair=view.settings.pair(symbol),
        view=maker,
        market=next((row for row in view.status.markets if row.symbol == symbol), None),
        makers=tuple(each.symbol for each in view.makers),
        second=look.second if said is not None and said.until is not None else 0,
        halted=view.status.halted,
        can_command=look.can_command and not look.replay,
        starting=look.starting,
    )


def stance_word(it: Bench) -> str:
    """One word, for a title."""
    said = it.view.maker if it.view else None
    return said.state.value if said else ""


def stance_lines(it: Bench, width: int, most: int = 3) -> list[Line]:
    """The state with its way back, then why; as many lines as that takes, one at least."""
    said = it.view.maker if it.view else None
    if said is None:
        return [(Span("STARTING", Ink.WARN),)]
    word = Span(said.state.value, _INKS[said.state])
    sources = f"{said.sources} source{'s' * (said.sources != 1)}"
    back = sources if said.state is MakerState.ACTIVE else _way_back(it)
    texts = _wrapped(said.why, width)
    one = (word, Span(f"  {', '.join(filter(None, [said.why, back]))}", Ink.DIM))
    head: Line = (word, Span(f"  {back}", Ink.DIM))
    if most == 1 or size(one) <= width:
        return [longest(width, one, head, (word,))]
    if len(said.state.value) + 2 + len(back) > width:
        head, texts = (word,), [*texts, *_wrapped(back, width)]
    return [head, *((Span(text, Ink.DIM),) for text in texts)][:most]


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of whole words; a number stays with its unit."""
    stuck = re.sub(r"(?<=\d) (?=s\b|bp\b)", "~", text)
    return [line.replace("~", " ") for line in textwrap.wrap(stuck, max(10, width))]


def _way_back(it: Bench) -> str:
    said = it.view.maker if it.view else None
    if said is None:
        return ""
    if said.state is MakerState.HALTED:
        if not it.can_command:
            return "back by hand"
        return "type: resume" if it.halted else f"type: mm start {it.symbol.lower()}"
    if said.state is MakerState.REDUCING:
        return "only orders that shrink it"
    if said.until is None:
        return "back by itself"
    left = said.until - it.second
    return f"back in {words.seconds(left, 0)}" if left >= SECOND else "back now"
