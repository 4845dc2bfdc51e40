"""Standard output for a desk that must not wait for it."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from queue import Full, Queue
from threading import Thread

MAX_LINES = 20_000
"""Lines kept for a reader who has stopped reading; later ones are lost, and counted."""

_END = None


class Output:
    """Lines on standard output, in order, written by a thread of its own.

    A reader who stops (Ctrl-S, `less`) holds up no deadline. One who leaves sets `gone`; from then
    on nothing is written. Make it inside a running loop; `await close()` writes what is left.
    """

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._lines: Queue[str | None] = Queue(MAX_LINES)
        self._lost = 0
        self._done = asyncio.Event()
        self._encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        self._thread: Thread | None = None
        try:
            self._descriptor = sys.stdout.fileno()
        except AttributeError:  # started with stdout closed
            self.gone.set()
            return
        except (OSError, ValueError):  # not a file, so nobody is at the other end
            return
        self._thread = Thread(target=self._write, name="lpdesk-output", daemon=True)
        self._thread.start()

    def __call__(self, text: str) -> None:
        """One line. Never waits."""
        if self._thread is None:
            if not self.gone.is_set():
                sys.stdout.write(f"{text}\n")
            return
        try:
            if self._lost:
                self._lines.put_nowait(f"… {self._lost} lines are lost: nobody was reading")
                self._lost = 0
            self._lines.put_nowait(text)
        except Full:
            self._lost += 1

    async def close(self) -> None:
        """Wait until all is written, or can never be."""
        if self._thread is None:
            return
        while True:
            try:
                self._lines.put_nowait(_END)
                break
            except Full:
                await asyncio.sleep(0.01)
        await self._done.wait()

    def _write(self) -> None:
        """The thread. Not through `sys.stdout`, whose lock would outlive the interpreter."""
        try:
            while (text := self._lines.get()) is not _END:
                data = f"{text}\n".encode(self._encoding, "replace")
                while data:
                    data = data[os.write(self._descriptor, data) :]
        except OSError:
            self._tell(self.gone)
            while self._lines.get() is not _END:
                pass
        self._tell(self._done)

    def _tell(self, event: asyncio.Event) -> None:
        with suppress(RuntimeError):  # the loop may be gone by now, too
            self._loop.call_soon_threadsafe(event.set)


def nowhere() -> None:
    """Let what is buffered for a reader who has left go nowhere, instead of raising at the end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
