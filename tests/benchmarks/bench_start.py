"""Start to first paint, as a dealer waits for it: the desk beside an empty Textual app, in turn.

Each is a fresh process in a real pty; the clock runs from its start until a frame shows its own
text: for the desk that of a pane, as the terminal's title has its name a little earlier. Both are
byte-compiled first, as an installation is. Run it with
.venv/bin/python -m tests.benchmarks.bench_start
"""

from __future__ import annotations

import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import time
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ
from typing import NamedTuple

ROUNDS = 15

DESK = [str(Path(sys.executable).with_name("lpdesk"))]
OURS = b"nobody is asked yet"
"""What the race says of itself when nothing has happened."""

EMPTY = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("READY")
Empty().run()
"""


class Paint(NamedTuple):
    """Seconds until the first paint: those that passed, and those of the processor."""

    wall: float
    cpu: float


def first_paint(argv: list[str], mark: bytes, env: dict[str, str]) -> Paint:
    """What it takes from the start of `argv` in a 160x48 pty until `mark` is on its output."""
    started = time.perf_counter()
    pid, master = pty.fork()
    if not pid:
        os.execvpe(argv[0], argv, env)
    ioctl(master, TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))
    seen = b""
    try:
        while mark not in seen:
            if not select.select([master], [], [], 20)[0]:
                raise TimeoutError(f"{argv} painted nothing")
            seen += os.read(master, 65536)
        wall = time.perf_counter() - started
    finally:
        os.kill(pid, signal.SIGKILL)
        _, _, used = os.wait4(pid, 0)
        os.close(master)
    return Paint(wall, used.ru_utime + used.ru_stime)


def main() -> None:
    env = os.environ | {"TERM": "xterm-256color", "LINES": "48", "COLUMNS": "160"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    for argv, mark in (
        (DESK, OURS),
        ([sys.executable, "-c", EMPTY], b"READY"),
    ):
        first_paint(argv, mark, env | {"LPDESK_JOURNAL": "/nowhere/at/all"})
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "j.db"
        env["LPDESK_JOURNAL"] = str(journal)
        empty = [sys.executable, "-c", EMPTY]
        pairs = [
            (first_paint(DESK, OURS, env), first_paint(empty, b"READY", env)) for _ in range(ROUNDS)
        ]
    for number, name in enumerate(("first paint", "processor until then")):
        ours, theirs = zip(*((a[number], b[number]) for a, b in pairs), strict=True)
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        print(
            f"{name}: desk {1000 * statistics.median(ours):.0f} ms, "
            f"empty Textual app {1000 * statistics.median(theirs):.0f} ms, "
            f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
