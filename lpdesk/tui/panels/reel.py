"""The transport line of a replay: where we are, how fast it goes, and the keys that move it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lpdesk.domain.values import Instant
from lpdesk.tui.look import TENTH, Look
from lpdesk.tui.transport import Transport
from lpdesk.tui.widgets.lines import Ink, Line, Lines, Span, spread
from lpdesk.views import words

_KEYS = "p play  [ ] step  { } marker  S speed  : go 41, go 14:30:25"


class _Slice(NamedTuple):
    position: tuple[int, int]
    playing: bool
    speed: float
    at: Instant
    following: bool = False


class Reel(Lines, can_focus=False):
    """One line in the replay's own colour."""

    DEFAULT_CSS = "Reel { height: 1; background: $desk-replay 20%; }"

    _slice: _Slice | None = None

    def __init__(self, transport: Transport) -> None:
        super().__init__(id="reel")
        self._transport = transport

    def see(self, look: Look) -> object:
        """Where the tape stands."""
        tape = self._transport
        at = look.now - look.now % TENTH
        return _Slice(tape.position, tape.playing, tape.speed, at, tape.following)

    def show(self, slice: _Slice, /) -> None:
        """Draw a slice."""
        self._slice = slice
        self.draw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The one line."""
        it = self._slice
        if it is None:
            return ()
        seq, last = it.position
        sign = f"▶ playing {it.speed:g}x" if it.playing else f"■ paused {it.speed:g}x"
        sign = "▶ following" if it.following else sign
        tenth = it.at // TENTH % 10
        left = (
            Span(" REPLAY ", Ink.REEL),
            Span(f"  {sign}  ", Ink.REPLAY),
            Span(f"{words.date(it.at)} {words.time_of_day(it.at)}.{tenth}Z"),
            Span(f"  record {seq:,} of {last:,}"),
        )
        return [spread(left, (Span(f"{_KEYS} ", Ink.DIM),), width)]
