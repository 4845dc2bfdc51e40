"""Start to first paint, as a dealer waits for it: the desk beside an empty Textual app, in turn.

Each is a fresh process in a real pty; the clock runs from its start to the first byte of a frame
that shows its own text. Both are byte-compiled first, as an installation is. Run it with
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

ROUNDS = 9

EMPTY = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("READY")
Empty().run()
"""


def first_paint(argv: list[str], mark: bytes, env: dict[str, str]) -> float:
    """Seconds from the start of `argv` in a 160x48 pty until `mark` is on its output."""
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
        return time.perf_counter() - started
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(master)


def main() -> None:
    env = os.environ | {"TERM": "xterm-256color", "LINES": "48", "COLUMNS": "160"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    for argv, mark in (
        ([sys.executable, "-m", "lpdesk"], b"lpdesk"),
        ([sys.executable, "-c", EMPTY], b"READY"),
    ):
        first_paint(argv, mark, env | {"LPDESK_JOURNAL": "/nowhere/at/all"})
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "j.db"
        env["LPDESK_JOURNAL"] = str(journal)
        desk = [sys.executable, "-m", "lpdesk"]
        empty = [sys.executable, "-c", EMPTY]
        pairs = [
            (first_paint(desk, b"lpdesk", env), first_paint(empty, b"READY", env))
            for _ in range(ROUNDS)
        ]
    ours, theirs = zip(*pairs, strict=True)
    ratio = statistics.median(a / b for a, b in pairs)
    print(
        f"first paint: desk {1000 * statistics.median(ours):.0f} ms, "
        f"empty Textual app {1000 * statistics.median(theirs):.0f} ms, ratio {ratio:.2f} "
        f"({min(a / b for a, b in pairs):.2f}-{max(a / b for a, b in pairs):.2f})"
    )


if __name__ == "__main__":
    main()
