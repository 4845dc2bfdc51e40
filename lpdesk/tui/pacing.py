"""Pacing: views are pulled when something changed, and no more often than an eye can follow.

The desk says `changed()` thousands of times a second; a pane redraws at most 10 times a second,
the focused one 15 times, and all together make no more than 15 frames: panes whose turn is near
take it in the same frame. The first change shows at once, the last value wins, and while nothing
changes nothing runs at all. Keys do not wait here: widgets echo them themselves, and a panel that
must answer one says `echo`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

FRAME_SECONDS: Final = 1 / 10
FOCUSED_FRAME_SECONDS: Final = 1 / 15
"""Also the shortest time between two frames, whichever panes they are of."""

NEAR_SECONDS: Final = 1 / 40
"""A pane that may look again this soon does so with the others."""


class Pane(Protocol):
    """What can be paced: it shows its slice of the view."""

    def show(self, slice: Any, /) -> None:
        """Show a slice; it is frozen, and never the same object twice in a row."""


class Timer(Protocol):
    """What `call_later` gives back."""

    def cancel(self) -> None:
        """Do not call."""


@dataclass(eq=False)
class _Pull:
    """One pane's turn: where its slice comes from, what it showed, when it may look again."""

    pane: Pane
    pull: Callable[[], object]
    shown: object = field(default_factory=object)  # equal to no slice
    due: float = 0.0  # seconds on the pacer's clock
    seen: int = -1  # the change it looked at last


class Pacer:
    """Calls `pane.show(slice)` for new slices, each pane at its own pace.

    `now` and `call_later` (seconds) default to the running event loop's.
    """

    def __init__(
        self,
        now: Callable[[], float] | None = None,
        call_later: Callable[[float, Callable[[], None]], Timer] | None = None,
    ) -> None:
        self._now = now or (lambda: asyncio.get_running_loop().time())
        self._call_later = call_later or (lambda s, f: asyncio.get_running_loop().call_later(s, f))
        self._pulls: dict[int, _Pull] = {}
        self._timer: Timer | None = None
        self._change = 0
        self._free_at = 0.0  # when the next frame may be
        self.focused: Pane | None = None
        """The pane that may draw more often."""

    def add(self, pane: Pane, pull: Callable[[], object]) -> None:
        """Pace `pane`: `pull()` gives its slice, the same object while nothing changed in it."""
        self._pulls[id(pane)] = _Pull(pane, pull)
        self.echo(pane)

    def remove(self, pane: Pane) -> None:
        """Forget a pane (it was unmounted or hidden)."""
        self._pulls.pop(id(pane), None)
        if self.focused is pane:
            self.focused = None

    def changed(self) -> None:
        """Something may have changed. Cheap while a frame is already due."""
        self._change += 1
        if self._timer is None:
            self._sweep()

    def echo(self, pane: Pane) -> None:
        """Show the pane's slice at once: the dealer pressed a key and looks for the answer."""
        turn = self._pulls.get(id(pane))
        if turn is not None:
            self._pull(turn, self._now())

    def close(self) -> None:
        """Stop; nothing is shown after this."""
        self._pulls.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        """Pull what has a change to see and is due; come back for what is not due yet."""
        self._timer = None
        now = self._now()
        later: float | None = self._free_at if now < self._free_at else None
        waiting = [turn for turn in self._pulls.values() if turn.seen != self._change]
        for turn in waiting if later is None else ():
            if turn.due > now + NEAR_SECONDS:
                later = turn.due if later is None else min(later, turn.due)
            elif self._pull(turn, now):
                self._free_at = now + FOCUSED_FRAME_SECONDS
        if later is not None and waiting:
            self._timer = self._call_later(max(later, self._free_at) - now, self._sweep)

    def _pull(self, turn: _Pull, now: float) -> bool:
        """Whether there was something new to show."""
        focused = turn.pane is self.focused
        turn.due = now + (FOCUSED_FRAME_SECONDS if focused else FRAME_SECONDS)
        turn.seen = self._change
        slice = turn.pull()
        if slice is turn.shown:
            return False
        turn.shown = slice
        turn.pane.show(slice)
        return True
