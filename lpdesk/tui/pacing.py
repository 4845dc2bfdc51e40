"""Pacing: views are pulled when something changed, and no more often than an eye can follow.

The desk says `changed()` thousands of times a second; a pane redraws at most 10 times a second,
the focused one 20 times, the first change at once, the last value wins, and while nothing changes
nothing runs at all. Keys do not wait here: widgets echo them themselves, and a panel that must
answer one says `echo`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

FRAME_SECONDS: Final = 1 / 10
FOCUSED_FRAME_SECONDS: Final = 1 / 20


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
        self.focused: Pane | None = None
        """The pane that may draw twice as often."""

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
        later: float | None = None
        for turn in list(self._pulls.values()):
            if turn.seen == self._change:
                continue
            if turn.due <= now:
                self._pull(turn, now)
            else:
                later = turn.due if later is None else min(later, turn.due)
        if later is not None:
            self._timer = self._call_later(later - now, self._sweep)

    def _pull(self, turn: _Pull, now: float) -> None:
        focused = turn.pane is self.focused
        turn.due = now + (FOCUSED_FRAME_SECONDS if focused else FRAME_SECONDS)
        turn.seen = self._change
        slice = turn.pull()
        if slice is not turn.shown:
            turn.shown = slice
            turn.pane.show(slice)
