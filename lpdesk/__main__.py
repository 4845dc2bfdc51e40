"""The way in: `lpdesk`, or `python -m lpdesk`."""

from __future__ import annotations

import gc
import os
import sys

SWITCHES = ("TEXTUAL_", "LPDESK_", "XDG_")
"""Variables that could load a driver, write a log or open another journal."""


def _terminal() -> bool:
    """Whether all three streams are a terminal; a closed one is None."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return all(stream is not None and stream.isatty() for stream in streams)


def main() -> None:
    """`lpdesk` alone, on a terminal, opens the desk; the command table is imported for words."""
    if len(sys.argv) == 1 and _terminal():
        gc.disable()  # nothing built before the first paint is garbage; the screen enables it
        from lpdesk.fronts import alone

        sys.exit(alone())
    if "--restricted" in sys.argv:  # before anything that reads them is imported
        for name in [name for name in os.environ if name.startswith(SWITCHES)]:
            del os.environ[name]
    from lpdesk.cli import main as commands

    commands()


if __name__ == "__main__":
    main()
