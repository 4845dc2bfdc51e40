"""One LP's record at length: times, rejects, mark-outs, and each pair, side and size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from lpdesk.domain.scoring import HORIZONS_NS, Mean, Score, Times
from lpdesk.domain.settings import Lp
from lpdesk.domain.values import SECOND
from lpdesk.tui.plot import blocks
from lpdesk.tui.widgets.lines import Ink, Line, Lines, Span
from lpdesk.views import Scorecard, ability, words

_LABEL: Final = 14
_HORIZONS: Final = tuple(f"{horizon // SECOND} s" for horizon in HORIZONS_NS)


class Slice(NamedTuple):
    """A scorecard, the LP's response times in the last requests, oldest first, and its terms."""

    card: Scorecard
    recent_ns: tuple[int, ...]
    lp: Lp | None = None


class ScorecardLines(Lines, can_focus=False):
    """Everything the desk has measured of the LP under the cursor."""

    slice: Slice = Slice(Scorecard(""), ())

    def see(self, slice: Slice) -> None:
        """Show a slice, if it is another one."""
        if slice != self.slice:
            self.slice = slice
            self.draw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        it = self.slice
        if not it.card.lp:
            return []
        return list(card_lines(it, width))[:height]


def card_lines(it: Slice, width: int) -> Iterator[Line]:
    """The whole scorecard, most useful first."""
    score = it.card.score
    yield (Span(it.card.lp, Ink.TITLE), Span("   last 24 hours", Ink.DIM))
    yield _times("response", score.response, _spark(it.recent_ns, width))
    yield _times("orders", score.hold)
    yield _rejects(score)
    yield _figure("when it lost", score.cover, "behind the winner")
    yield _figure("slippage", score.slippage, "worse than quoted")
    yield _label("mark-outs") + tuple(_markouts(score.markouts))
    if it.lp is not None:
        yield from _abilities(it.lp)
    if it.card.cells:
        yield ()
        yield from _cells(it.card)


def _abilities(lp: Lp) -> Iterator[Line]:
    """What it can do, as far as that is on record: older journals do not say."""
    if lp.capabilities is not None:
        yield (*_label("prices"), Span("   ".join(ability.promises(lp))))
        yield (*_label("tells"), Span("   ".join(ability.tells(lp.capabilities))))
    yield (*_label("limits"), Span("   ".join(ability.limits(lp))))


def _label(text: str) -> Line:
    return (Span(text.ljust(_LABEL), Ink.DIM),)


def _times(label: str, times: Times, more: Line = ()) -> Line:
    if not times.samples:
        return (*_label(label), Span(words.DASH, Ink.DIM))
    figures = [
        span
        for name, value in (("p50", times.p50), ("p95", times.p95), ("p99", times.p99))
        for span in (Span(f"{name} ", Ink.DIM), Span(f"{words.milliseconds(value):>6} ms  "))
    ]
    return (*_label(label), *figures, _samples(times.samples), *more)


def _samples(count: int) -> Span:
    return Span(f"of {count}".rjust(9), Ink.DIM)


def _spark(recent_ns: tuple[int, ...], width: int) -> Line:
    """The last requests' response times as blocks from zero up."""
    room = min(len(recent_ns), max(0, width - 80), 40)
    if room < 4:
        return ()
    values = [Decimal(ns) for ns in recent_ns[-room:]]
    return (Span("   " + blocks(values, Decimal(0), max(values), room)),)


def _rejects(score: Score) -> Line:
    """Rejects by where the market had gone: an LP that rejects what suits the client picks."""
    if not score.accepts:
        return (*_label("rejects"), Span(words.DASH, Ink.DIM))
    picks = score.rejects_for > score.rejects_against
    return (
        *_label("rejects"),
        Span(f"{score.rejects} of {score.accepts}"),
        Span("   moved ", Ink.DIM),
        Span(f"for the client {score.rejects_for}", Ink.WARN if picks else ""),
        Span(f"   against {score.rejects_against}   still {score.rejects_still}"),
    )


def _figure(label: str, mean: Mean, meaning: str) -> Line:
    if mean.bps is None:
        return (*_label(label), Span(words.DASH, Ink.DIM))
    figure = Span(f"{words.bps(mean.bps):>9}")
    return (*_label(label), figure, Span(f" {meaning}", Ink.DIM), _samples(mean.samples))


def _markouts(marks: tuple[Mean, ...]) -> Iterator[Span]:
    """The curve from the fill on; positive is good for us."""
    if not any(mark.samples for mark in marks):
        yield Span(words.DASH, Ink.DIM)
        return
    known = [abs(mark.bps) for mark in marks if mark.bps is not None]
    top = max(*known, Decimal(1)) if known else Decimal(1)
    yield Span(blocks([mark.bps for mark in marks], -top, top, len(marks)) + "  ")
    for horizon, mark in zip(_HORIZONS, marks, strict=True):
        yield Span(f"{horizon} ", Ink.DIM)
        ink = "" if not mark.bps else Ink.GOOD if mark.bps > 0 else Ink.BAD
        yield Span(f"{words.signed(mark.bps, 2)}  ", ink)
    yield Span(f"bp of {marks[0].samples}", Ink.DIM)


def _cells(card: Scorecard) -> Iterator[Line]:
    """A line for each pair, side and size band."""
    head = f"{'pair':<11}{'side':<6}{'size':<6}{'asked':>7}{'won':>8}{'filled':>8}{'p95 ms':>8}"
    yield (Span(head + f"{'behind':>10}{'after 30 s':>12}", Ink.DIM),)
    for cell in card.cells:
        score = cell.score
        yield (
            Span(f"{cell.symbol:<11}"),
            Span(f"{cell.side:<6}", Ink.BUY if cell.side == "BUY" else Ink.SELL),
            Span(f"{cell.band:<6}{score.requests:>7}"),
            Span(f"{words.share(score.win_rate):>8}{words.share(score.fill_rate):>8}"),
            Span(f"{words.milliseconds(score.response.p95):>8}"),
            Span(f"{words.bps(score.cover.bps):>10}{words.bps(score.markouts[2].bps):>12}"),
        )
