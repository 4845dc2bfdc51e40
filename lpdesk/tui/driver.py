"""A terminal driver whose writes never wait for the terminal.

Textual's writer queue holds 30 writes and then blocks the event loop, so a stopped terminal
(Ctrl-S, a dead SSH link) stops the desk (reliability D1). Here a thread does the waiting: the loop
hands bytes over and goes on, and is told when to leave frames out. What was handed over arrives
whole and in order, so a frame left out costs nothing but its own picture.

Windows keeps Textual's own driver.
"""

from __future__ import annotations

import asyncio
import os
import re
import selectors
import sys
from codecs import getincrementaldecoder
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread
from time import monotonic
from typing import TYPE_CHECKING, Final

from textual.driver import Driver

BACKLOG_BYTES: Final = 4096
"""Unsent bytes above which frames are left out: some frames of an ordinary desk."""

MAX_UNSENT_BYTES: Final = 1 << 20
"""Above this even bells and clipboard texts are left out, so memory stays bounded."""

GRACE_SECONDS: Final = 1.0
"""How long leaving may wait for a terminal that does not read."""

STALLED_SECONDS: Final = 0.5
"""A terminal that has taken nothing for so long, while something waits, shows an old picture."""

QUESTION, ANSWER = "\x1b[5n", "\x1b[0n"
"""Every terminal answers this one, in its turn: it has drawn all that was sent before."""

BURST_SECONDS: Final = 0.05
_LINES: Final = re.compile(r"[^\r\n]{2,}[\r\n]")
_PASTE, _PASTED = "\x1b[200~", "\x1b[201~"
_MARKED: Final = re.compile(r"\x1b\[200~.*?\x1b\[201~|\x1b\[200~.*", re.DOTALL)
_KEYS: Final = re.compile(r"\x1b(?:\[[0-9;:<?]*[A-Za-z~$]|O.|.)?", re.DOTALL)
_CHUNK_BYTES: Final = 4096
_ABANDON: Final = b"\x18\x1b\\"
"""Ends an escape sequence that was cut short: cancel, then string terminator."""


class Outlet(Thread):
    """The thread that waits for the terminal. Bytes handed over are written whole, in order."""

    def __init__(
        self, fileno: int, drained: Callable[[], object], lost: Callable[[], object]
    ) -> None:
        """`drained()` is called from the thread when `behind` ends, `lost()` when writing fails."""
        super().__init__(name="lpdesk-output", daemon=True)
        self._fileno = fileno
        self._direct = _reopened(fileno)
        self._drained = drained
        self._lost = lost
        self._changed = Condition()
        self._waiting: deque[bytes] = deque()
        self._unsent = 0
        self._took_at = monotonic()
        self._owed = False
        self._closing = False
        self._abandoned = False
        self._broken = False

    def put(self, data: bytes) -> None:
        """Hand bytes over; returns at once."""
        with self._changed:
            if self._broken or self._unsent + len(data) > MAX_UNSENT_BYTES:
                return
            if not self._unsent:
                data = data[self._write_now(data) :]
            if not self._unsent:
                self._took_at = monotonic()
            if data:
                self._waiting.append(data)
                self._unsent += len(data)
                self._changed.notify()

    def _write_now(self, data: bytes) -> int:
        """Bytes that the terminal took without waiting: mostly all, and the thread sleeps on."""
        if self._direct is None:
            return 0
        try:
            return os.write(self._direct, data)
        except OSError:  # full, or gone: the thread will find out which
            return 0

    @property
    def behind(self) -> bool:
        """Whether frames should be left out; asking promises a call of `drained` when it ends."""
        with self._changed:
            self._owed = self._unsent > BACKLOG_BYTES
            return self._owed

    @property
    def stalled(self) -> bool:
        """Whether something has waited for a while, and nothing at all was taken meanwhile."""
        with self._changed:
            return self._unsent > 0 and monotonic() - self._took_at > STALLED_SECONDS

    def drop_unsent(self) -> None:
        """Forget what has not been started on; what was begun is still written to its end."""
        with self._changed:
            self._unsent -= sum(map(len, self._waiting))
            self._waiting.clear()

    def abandon(self) -> None:
        """Break off what was begun, in a way that terminals recover from, and go on after it."""
        with self._changed:
            self._abandoned = True
            self._waiting.appendleft(_ABANDON)
            self._unsent += len(_ABANDON)

    def run(self) -> None:
        """Write until closed."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    return
                data = self._waiting.popleft()
                self._abandoned = False
            if not self._write(data):
                return

    def _write(self, data: bytes) -> bool:
        view = memoryview(data)
        while view and not self._abandoned:
            try:
                written = os.write(self._fileno, view[:_CHUNK_BYTES])
            except OSError:  # the terminal is gone for good: nobody is left to show frames to
                with self._changed:
                    self._broken = True
                    self._waiting.clear()
                self._lost()
                return False
            view = view[written:]
            self._count_down(written)
        return True

    def _count_down(self, written: int) -> None:
        with self._changed:
            self._unsent -= written
            self._took_at = monotonic()
            caught_up = self._owed and self._unsent <= BACKLOG_BYTES
            if caught_up:
                self._owed = False
        if caught_up:
            self._drained()

    def stop(self, seconds: float) -> bool:
        """Write what is left, for at most `seconds`. Returns whether all of it was written."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self.join(seconds)
        if not self.is_alive() and self._direct is not None:
            os.close(self._direct)
            self._direct = None
        return not self.is_alive()


def _reopened(fileno: int) -> int | None:
    """The same terminal opened again, for writes that return at once; None if it cannot be.

    Its own opening, since "do not wait" on `fileno` itself would also hold for our input and for
    the shell that started us, which share it.
    """
    try:
        return os.open(os.ttyname(fileno), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except (OSError, AttributeError):
        return None


class Bursts:
    """Tells a paste from typing on terminals that do not mark pastes.

    Nobody types two lines within one read. Each would be an order, so they are marked as a paste,
    which the command line refuses; so is what follows at once, the paste's next piece. Pastes that
    the terminal has marked are left alone, but marks do not hide what is beside them.
    """

    def __init__(self) -> None:
        self._until = 0.0
        self._inside = False
        self._tail = ""

    def typed(self, text: str, now: float) -> str:
        """`text` as the parser shall see it; `now` in seconds."""
        was_inside, self._inside = self._inside, self._is_inside(text)
        before, mark, free = text.partition(_PASTED) if was_inside else ("", "", text)
        if (was_inside and not mark) or (self._inside and _PASTE not in free):
            return text  # in the midst of one, or its mark was torn
        free, mark_again, after = free.partition(_PASTE) if self._inside else (free, "", "")
        return f"{before}{mark}{self._judged(free, now)}{mark_again}{after}"

    def _judged(self, text: str, now: float) -> str:
        """What came without a mark: as it is, or as the paste that it must be."""
        bare = _KEYS.sub("", _MARKED.sub("", text))
        if len(_LINES.findall(bare)) < 2 and not (bare and now < self._until):
            return text
        self._until = now + BURST_SECONDS
        return f"{_PASTE}{bare}{_PASTED}"

    def _is_inside(self, text: str) -> bool:
        """Whether a marked paste goes on after `text`; a mark may be torn between two reads."""
        seen = self._tail + text
        self._tail = seen[1 - len(_PASTE) :]
        begins, ends = seen.rfind(_PASTE), seen.rfind(_PASTED)
        return self._inside if begins == ends else begins > ends


class LossyDriver:
    """What frames ask of a driver that would rather leave one out than wait for the terminal."""

    starts = 0
    """How often the terminal was taken over: a new count means that its picture is lost."""

    @property
    def behind(self) -> bool:
        """True while frames should be left out; `app.frames_wanted()` is called when it ends."""
        return False

    @property
    def stalled(self) -> bool:
        """True while what is on the terminal may be older than what was sent."""
        return False


if sys.platform == "win32" and not TYPE_CHECKING:

    def driver_class(stock: type[Driver]) -> type[Driver]:
        """The driver to use in place of `stock`."""
        return stock

else:
    import termios

    from textual._xterm_parser import XTermParser
    from textual.drivers.linux_driver import LinuxDriver

    def driver_class(stock: type[Driver]) -> type[Driver]:
        """The driver to use in place of `stock`."""
        return DeskDriver if stock is LinuxDriver else stock

    class DeskDriver(LossyDriver, LinuxDriver):
        """Textual's Unix driver with an `Outlet` for its output, and `typed` before its parser."""

        _outlet: Outlet | None = None

        def run_input_thread(self) -> None:
            """Read keys until told to end, as Textual does, and see whole bursts while at it."""
            parser = XTermParser(self._debug)
            decode = getincrementaldecoder("utf-8")("replace").decode
            selector = selectors.SelectSelector()
            selector.register(self.fileno, selectors.EVENT_READ)
            burst = Bursts()
            try:
                while not self.exit_event.is_set():
                    if selector.select(0.1):
                        text = decode(os.read(self.fileno, 4096))
                        if not text:
                            break
                        for _ in range(text.count(ANSWER)):
                            self._tell(self._loop, "answered")
                        text = text.replace(ANSWER, "")
                        typed = burst.typed(text, monotonic()) if text else ""
                        for event in parser.feed(typed) if typed else ():  # "" would end it
                            self.process_message(event)
                    for event in parser.tick():
                        self.process_message(event)
            finally:
                selector.close()

        @property
        def _terminal(self) -> int:
            assert self._file is not None, "a full-screen app needs its standard error"
            return self._file.fileno()

        @property
        def behind(self) -> bool:
            """Whether the terminal has fallen behind, so that frames should be left out."""
            return self._outlet is not None and self._outlet.behind

        @property
        def stalled(self) -> bool:
            """Whether the terminal has stopped taking anything."""
            return self._outlet is not None and self._outlet.stalled

        def write(self, data: str) -> None:
            """Hand `data` to the terminal; never waits."""
            if self._outlet is not None:
                encoding = getattr(self._file, "encoding", None) or "utf-8"
                self._outlet.put(data.encode(encoding, "replace"))

        def start_application_mode(self) -> None:
            """Take the terminal over, at the start or after a suspension."""
            loop = self._loop = asyncio.get_running_loop()
            self._stop_outlet()
            self._outlet = Outlet(
                self._terminal,
                drained=lambda: self._tell(loop, "frames_wanted"),
                lost=lambda: self._tell(loop, "terminal_lost"),
            )
            self._outlet.start()
            self.starts += 1
            super().start_application_mode()  # type: ignore[no-untyped-call]
            if self.starts > 1:
                loop.call_soon(getattr(self._app, "redraw", self._app.refresh))

        def stop_application_mode(self) -> None:
            """Give the terminal back as it was found; frames it has not seen are dropped."""
            if self.behind and self._outlet is not None:
                self._outlet.drop_unsent()
            self.write("\x1b[0m")  # frames leave their pen in the terminal
            super().stop_application_mode()

        def close(self) -> None:
            """End the output thread within about `GRACE_SECONDS`."""
            self._stop_outlet()
            super().close()

        def _stop_outlet(self) -> None:
            outlet, self._outlet = self._outlet, None
            if outlet is None or outlet.stop(GRACE_SECONDS):
                return
            # It does not read. Throw away what the kernel still holds for it; stopping and
            # starting the flow wakes the thread, which writes the modes back into the room made.
            # They wait there for when the terminal reads again.
            outlet.abandon()
            with suppress(termios.error):
                termios.tcflush(self._terminal, termios.TCOFLUSH)
                termios.tcflow(self._terminal, termios.TCOOFF)
                termios.tcflow(self._terminal, termios.TCOON)
            outlet.stop(GRACE_SECONDS / 2)

        def _tell(self, loop: asyncio.AbstractEventLoop, method: str) -> None:
            """Call a method of the app on its loop, from the output thread."""
            call = getattr(self._app, method, None)
            if call is not None:
                with suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(call)
