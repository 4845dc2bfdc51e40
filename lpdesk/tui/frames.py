"""Frames: only the cells that changed go to the terminal.

Textual redraws whole lines of a widget for one changed digit, with all colours spelled out in
every segment. `FrontBuffer` keeps two pictures, what the screen should show and what the terminal
was told, and writes the difference: one write a frame, the pen carried over from run to run.
(22 times less CPU and 110 times fewer bytes than a DataTable: performance 4.)

Because a frame is a difference against what was *sent*, frames can be left out at will: when a
terminal is behind, nothing is written, and the next frame carries all that changed meanwhile.

`FrameApp` puts this at `App._display`, which is private to Textual. With any other minor version
than the one it was read in, or inline or headless, Textual's own path draws.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any, Final, TypeVar

import textual
from rich.color import ColorSystem
from rich.console import RenderableType
from rich.segment import Segment
from textual import constants
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.color import Color
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen
from textual.strip import Strip

from lpdesk.tui.cells import PLAIN, Pen, pen_change, strip_cells
from lpdesk.tui.driver import QUESTION, LossyDriver, driver_class

ReturnType = TypeVar("ReturnType")

KNOWN_TEXTUAL: Final = "8.2."
_SITE: Final = Path(textual.__file__).parents[1]  # `textual.__version__` would cost the start 7 ms
"""The Textual minor version whose `App._display` and compositor updates this was written for."""

_BRIDGE: Final = 4
"""Unchanged cells cheaper to write again than to jump over (a jump is 4 to 8 bytes)."""

_SYNC_BYTES: Final = 1024
"""Frames shorter than this arrive in one piece anyway and skip the synchronised-output marks."""

_MOST_ASKED: Final = 64
_SYNC_START: Final = "\x1b[?2026h"
_SYNC_END: Final = "\x1b[?2026l"


class FrontBuffer:
    """What the terminal shows, what it should show, and the way from one to the other.

    Sizes and positions are in cells, x to the right and y down from 0.
    """

    def __init__(self, colors: ColorSystem | None = ColorSystem.TRUECOLOR) -> None:
        self._colors = colors
        self.resize(0, 0)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self._width, self._height

    def resize(self, width: int, height: int) -> None:
        """Start again with an empty picture, on a terminal that may show anything."""
        self._width, self._height = width, height
        self._want_text = [[" "] * width for _ in range(height)]
        self._want_pens = [[PLAIN] * width for _ in range(height)]
        self._laid: list[dict[int, Strip]] = [{} for _ in range(height)]
        self.forget()

    def forget(self) -> None:
        """The terminal may show anything (it was suspended, or others wrote): resend it all."""
        self._sent_text: list[list[str | None]] = [[None] * self._width for _ in self._want_text]
        self._sent_pens: list[list[Pen | None]] = [[None] * self._width for _ in self._want_text]
        self._dirty = set(range(self._height))
        self._pen: Pen | None = None
        self._cursor: tuple[int, int] | None = None

    def want(self, update: LayoutUpdate | ChopsUpdate) -> bool:
        """Take a compositor's update into the wanted picture.

        Returns False when the update is a part of a screen of another size, so that there is
        nothing to put it into; the caller asks for a whole one.
        """
        if isinstance(update, LayoutUpdate):
            if self.size != update.region.size:
                self.resize(*update.region.size)
            for y, strips in enumerate(update.strips):
                x = 0
                for strip in strips:
                    self._lay(x, y, strip, self._width)
                    x += strip.cell_length
            return True
        if self.size != (update.chop_ends[0][-1], len(update.chops)):
            return False
        for y, x1, x2 in update.spans:
            for end, (x, chop) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if chop is not None and x <= x2 and end > x1:
                    self._lay(x, y, chop, end)
        return True

    def _lay(self, x: int, y: int, strip: Strip, end: int) -> None:
        """Put a strip at (x, y), at most up to column `end`."""
        laid = self._laid[y]
        if laid.get(x) is strip:
            return  # Textual caches strips, so the same object is the same picture
        for at, other in list(laid.items()):
            if at < end and at + other.cell_length > x:
                del laid[at]
        laid[x] = strip
        texts, pens = strip_cells(strip, self._colors)
        room = min(end, self._width) - x
        if len(texts) > room:
            del texts[room:], pens[room:]
        self._want_text[y][x : x + len(texts)] = texts
        self._want_pens[y][x : x + len(pens)] = pens
        self._dirty.add(y)

    def frame(self, cursor: tuple[int, int] = (0, 0)) -> str:
        """The bytes from the last frame's picture to the wanted one; `""` when they are equal.

        `cursor` is where the terminal's cursor is left, for input methods that open there.
        """
        out: list[str] = []
        for y in sorted(self._dirty):
            self._draw_line(y, out)
        self._dirty.clear()
        if out or self._cursor != cursor:
            self._move(*cursor, out)
        return "".join(out)

    def _draw_line(self, y: int, out: list[str]) -> None:
        want, pens = self._want_text[y], self._want_pens[y]
        sent, sent_pens = self._sent_text[y], self._sent_pens[y]
        cells = enumerate(zip(want, sent, pens, sent_pens, strict=True))
        changed = [x for x, (new, old, pen, was) in cells if pen is not was or new != old]
        if not changed:
            return
        start = last = changed[0]
        for x in changed[1:]:
            if x - last > _BRIDGE or any(pen is not pens[last] for pen in pens[last + 1 : x]):
                self._draw_run(y, start, last + 1, out)
                start = x
            last = x
        self._draw_run(y, start, last + 1, out)
        self._sent_text[y], self._sent_pens[y] = [*want], [*pens]

    def _draw_run(self, y: int, start: int, end: int, out: list[str]) -> None:
        """Write the cells from `start` up to `end`, never half a wide character."""
        texts, pens = self._want_text[y], self._want_pens[y]
        while start and not texts[start]:
            start -= 1
        while end < self._width and not texts[end]:
            end += 1
        x = start
        self._move(x, y, out)
        while x < end:
            text, pen = texts[x], pens[x]
            if pen is not self._pen:
                out.append(pen_change(self._pen, pen))
                self._pen = pen
            out.append(text)
            x += 1
            while x < end and not texts[x]:
                x += 1
            # Terminals disagree on how far anything but a plain narrow character moves the
            # cursor, and on where it stands after the last column: then say where to go on.
            if len(text) != 1 or not texts[x - 1] or x == self._width:
                self._cursor = None
                if x < end:
                    self._move(x, y, out)
            else:
                self._cursor = (x, y)

    def _move(self, x: int, y: int, out: list[str]) -> None:
        if self._cursor == (x, y):
            return
        if self._cursor is not None and self._cursor[1] == y and x > self._cursor[0]:
            step = x - self._cursor[0]
            out.append("\x1b[C" if step == 1 else f"\x1b[{step}C")
        else:
            out.append(f"\x1b[{y + 1};{x + 1}H")
        self._cursor = (x, y)


class Colourless(LineFilter):
    """What NO_COLOR asks for: weight, dim and reverse are left, and no colour is sent."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without their colours."""
        return [
            Segment(text, style.without_color if style else None, control)
            for text, style, control in segments
        ]


class FrameApp(App[ReturnType]):
    """An app that writes changed cells only, through a driver that never waits.

    Subclass it instead of `App`; nothing else changes. `DIFFED = False` keeps Textual's own path.
    """

    DIFFED = any(_SITE.glob(f"textual-{KNOWN_TEXTUAL}*.dist-info"))

    _front: FrontBuffer | None = None
    _starts = 0

    seen: str | None = None
    """The `mark` of the newest picture that the terminal is known to have drawn; None until it has
    answered at all. What was handed over may wait long in kernels and networks on its way."""

    _marked: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self._asked: deque[str] = deque()
        if self.no_color:  # Textual alone would send greys, and turn dim into one of them
            self._filters = [Colourless()]

    def get_driver_class(self) -> type[Driver]:
        """Our own driver where there is one; `TEXTUAL_DRIVER` still wins (a browser's)."""
        chosen = super().get_driver_class()
        return chosen if constants.DRIVER else driver_class(chosen)

    def frames_wanted(self) -> None:
        """Send what the terminal has missed; the driver calls this when it has caught up."""
        if self._front is not None and self._running and self._driver is not None:
            self._send_frame(self._front)

    def terminal_lost(self) -> None:
        """The terminal is gone (closed window, lost SSH): end in order. Override to do more."""
        self.exit()

    def mark(self) -> str:
        """Names what matters in the picture that is drawn now; a new name asks the terminal."""
        return ""

    def answered(self) -> None:
        """The terminal has come to the oldest question."""
        if self._asked:
            self.seen = self._asked.popleft()

    def _question(self) -> str:
        """Asks whether the terminal has drawn the frame, if that shows something new."""
        mark = self.mark()
        if mark == self._marked or len(self._asked) >= _MOST_ASKED:
            return ""
        self._marked = mark
        self._asked.append(mark)
        return QUESTION

    def redraw(self) -> None:
        """Send the whole picture again, for a terminal that others have written to."""
        if self._front is not None:
            self._front.forget()
        if self._screen_stack:
            self.screen.refresh()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Draw a compositor's update (Textual calls this once for each frame)."""
        if not self.DIFFED or self.is_inline or self.is_headless:
            super()._display(screen, renderable)
            return
        try:
            if isinstance(renderable, (LayoutUpdate, ChopsUpdate)) and self._may_draw():
                self._show(renderable)
        except Exception as error:  # as Textual does: end the app in order, with the terminal back
            self._handle_exception(error)
        finally:
            self.post_display_hook()

    def _may_draw(self) -> bool:
        ready = self._driver is not None and self._running and not self._closed
        return ready and not self._batch_count

    def _show(self, update: LayoutUpdate | ChopsUpdate) -> None:
        if self._front is None:
            colors = self.console._color_system or ColorSystem.TRUECOLOR
            self._front = FrontBuffer(None if self.no_color else colors)
        if self._front.want(update):
            self._send_frame(self._front)
        else:
            self.screen.refresh()

    def _send_frame(self, front: FrontBuffer) -> None:
        driver = self._driver
        assert driver is not None
        if isinstance(driver, LossyDriver):
            if driver.behind:
                return
            if driver.starts != self._starts:
                self._starts = driver.starts
                self._asked.clear()
                front.forget()
        cursor = self.screen.outer_size.clamp_offset(self.cursor_position)
        frame = front.frame(cursor)
        self._previous_cursor_position = cursor
        if self._sync_available and len(frame) > _SYNC_BYTES:
            frame = f"{_SYNC_START}{frame}{_SYNC_END}"
        if frame and isinstance(driver, LossyDriver):
            frame += self._question()
        if frame:
            driver.write(frame)
            driver.flush()
