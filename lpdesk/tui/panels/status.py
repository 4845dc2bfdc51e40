"""The status bar: environment in words, trading state, market, LPs, P&L, trouble, clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lpdesk.domain.settings import Settings
from lpdesk.domain.values import SECOND, Instant
from lpdesk.tui import sentences
from lpdesk.tui.figures import price, sum_places
from lpdesk.tui.look import Look
from lpdesk.tui.widgets.lines import Ink, Line, Lines, Span, joined, size, spread
from lpdesk.views import MarketRow, Status, words

_ARROWS = {1: "▲", -1: "▼", 0: " "}


class _Slice(NamedTuple):
    settings: Settings
    status: Status
    state: tuple[str, Ink]
    label: str
    replay: bool
    second: Instant
    lag_ms: int
    silent_s: int = 0


class StatusBar(Lines, can_focus=False):
    """One line, most important first; what does not fit is left out whole."""

    DEFAULT_CSS = """
    StatusBar { height: 1; padding: 0; background: $panel; }
    StatusBar.-replay { background: $desk-replay 30%; }
    """

    lag_ms = 0
    """How late the screen's own heartbeat was; named only when a person would feel it."""

    _slice: _Slice | None = None

    def see(self, look: Look) -> object:
        """Times to the second, so that the bar is drawn once a second at most."""
        view = look.view
        state = sentences.desk_state(look)
        return _Slice(
            settings=view.settings,
            status=view.status,
            state=state,
            label=look.label,
            replay=look.replay,
            second=look.second,
            lag_ms=self.lag_ms,
            silent_s=sentences.silence(look),
        )

    def show(self, slice: _Slice, /) -> None:
        """Draw a slice."""
        self._slice = slice
        self.set_class(slice.replay, "-replay")
        self.draw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The one line."""
        it = self._slice
        if it is None:
            return ()
        clock = (Span(f"{words.time_of_day(it.second)}Z "),) if it.second else ()
        left = _who(it)
        room = width - size(left) - size(clock) - 4
        shown = _fitting(it, room)
        return [spread((*left, Span("   "), *joined(shown)), clock, width)]


def _fitting(it: _Slice, room: int) -> list[Line]:
    """Trouble, markets, LPs, P&L; when it gets narrow, markets go first and trouble last.

    Markets stand in the order of the pairs: one is never there without those before it.
    """
    order = {pair.symbol: place for place, pair in enumerate(it.settings.pairs)}
    rows = sorted(it.status.markets, key=lambda row: order.get(row.symbol, len(order)))
    trouble, markets = _trouble(it), [_market(row, it) for row in rows]
    others = [part for part in (_lps(it.status), *_pnl(it)) if part]
    kept: list[Line] = []
    for part in [*trouble, *others]:
        if size(joined([*kept, part])) <= room:
            kept.append(part)
    while markets and size(joined([*kept, *markets])) > room:
        markets.pop()
    return [part for part in [*trouble, *markets, *others] if part in (*kept, *markets)]


def _who(it: _Slice) -> Line:
    badge = Ink.REEL if it.replay else Ink.BADGE
    label = it.label or it.status.environment or "DESK"
    word, ink = it.state
    state = Span(f" {word} " if ink is Ink.ALARM else word, ink)
    parts = [Span(" lpdesk ", Ink.TITLE), Span(f" {label} ", badge), Span("  "), state]
    if it.status.halted and it.status.why:
        parts.append(Span(f" {it.status.why}", Ink.DIM))
    return tuple(parts)


def _trouble(it: _Slice) -> list[Line]:
    status = it.status
    parts: list[Line] = []
    if status.unknown:
        parts.append((Span(f"{status.unknown} UNKNOWN !", Ink.BAD),))
    if status.breaks:
        parts.append((Span(f"{status.breaks} BREAK{'S' * (status.breaks > 1)} !", Ink.BAD),))
    if status.uncovered:
        parts.append((Span(f"{status.uncovered} UNCOVERED !", Ink.BAD),))
    if it.silent_s:
        parts.append((Span(f"STALE {words.age(it.silent_s * SECOND)} !", Ink.WARN),))
    if it.lag_ms >= 100:
        parts.append((Span(f"lag {it.lag_ms} ms !", Ink.WARN),))
    return parts


def _lps(status: Status) -> Line:
    if not status.lps:
        return ()
    up, all = status.lps_up, len(status.lps)
    return (Span("LPs ", Ink.DIM), Span(f"{up}/{all}", Ink.WARN if up < all else ""))


def _pnl(it: _Slice) -> list[Line]:
    if not it.status.pnl:
        return []
    sums = [
        f"{words.signed(value, sum_places(asset, it.settings))} {asset}"
        for asset, value in it.status.pnl
    ]
    return [(Span("P&L ", Ink.DIM), Span(sums[0])), *((Span(text),) for text in sums[1:3])]


def _market(market: MarketRow, it: _Slice) -> Line:
    text = price(market.mid, it.settings.pair(market.symbol))
    arrow = _ARROWS[market.direction]
    ink = Ink.DIM if it.silent_s else ""
    sign = Span("crossed !", Ink.WARN) if market.crossed else Span(arrow, Ink.DIM)
    return (Span(f"{market.symbol} ", Ink.DIM), Span(text, ink), Span(" "), sign)
