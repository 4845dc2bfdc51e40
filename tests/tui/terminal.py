"""A terminal in memory: a program in a pty, with pyte as an emulator that can stop reading."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import pyte

ROOT = Path(__file__).parents[2]
Look: TypeAlias = tuple[str, str, str, bool, bool, bool, bool]


def picture(screen: pyte.Screen) -> list[list[Look]]:
    """Text, colours and attributes of every cell, row by row."""
    return [
        [
            (c.data, c.fg, c.bg, c.bold, c.italics, c.underscore, c.reverse)
            for c in (screen.buffer[y][x] for x in range(screen.columns))
        ]
        for y in range(screen.lines)
    ]


def _own_terminal() -> None:
    """Make the pty the program's own, so that it hears of resizes; a hang-up does not kill it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


class Terminal:
    """A program in a pty of `width` by `height` cells, seen through pyte. An async context."""

    def __init__(
        self,
        *command: str,
        program: str = sys.executable,
        width: int = 100,
        height: int = 30,
        **env: str,
    ) -> None:
        self.screen = pyte.Screen(width, height)
        self.screen.write_process_input = self._answer
        self.stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        self.emulating = self.answering = True
        self._command = [program, *command]
        self._env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **env}
        self._env |= {"PYTHONPATH": str(ROOT)}

    async def __aenter__(self) -> Terminal:
        self._master, self._slave = pty.openpty()
        os.set_blocking(self._master, False)
        self._set_size(self.screen.columns, self.screen.lines)
        self.modes_before = termios.tcgetattr(self._slave)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: ASYNC220 - returns at once
                self._command,
                stdin=self._slave,
                stdout=self._slave,
                stderr=self._slave,
                env=self._env,
                cwd=ROOT,
                start_new_session=True,
                preexec_fn=_own_terminal,  # noqa: PLW1509 - there are no threads yet
            )
        self.read()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self._master >= 0:
            self.hang_up()

    def read(self) -> None:
        """Go on reading."""
        asyncio.get_running_loop().add_reader(self._master, self._take)

    def _answer(self, text: str) -> None:
        """What terminals say when they are asked something."""
        if self.answering:
            with suppress(OSError):
                os.write(self._master, text.encode())

    def stop_reading(self) -> None:
        """Stop reading, as Ctrl-S or a dead link does."""
        asyncio.get_running_loop().remove_reader(self._master)

    def _take(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the program has closed the terminal
            self.stop_reading()
            return
        self.raw += data
        if self.emulating:
            self.stream.feed(data)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def resize(self, width: int, height: int) -> None:
        """Resize the window, as its user would."""
        self.screen.resize(height, width)
        self._set_size(width, height)

    def _set_size(self, width: int, height: int) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    @property
    def modes(self) -> list[Any]:
        """The terminal's modes as termios has them."""
        return termios.tcgetattr(self._slave)

    def hang_up(self) -> None:
        """Close the window: every read and write of the program fails from now on."""
        self.stop_reading()
        for side in (self._master, self._slave):
            os.close(side)
        self._master = self._slave = -1

    def shows(self, text: str) -> bool:
        """Whether `text` stands on some line of the screen."""
        return any(text in line for line in self.screen.display)

    @property
    def ended(self) -> bool:
        """Whether the program has ended."""
        return self.process.poll() is not None
