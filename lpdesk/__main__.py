"""The way in: `lpdesk`, or `python -m lpdesk`."""

from __future__ import annotations

import sys


def main() -> None:
    """`lpdesk` alone, on a terminal, opens the desk; the command table is imported for words."""
    if len(sys.argv) == 1 and sys.stdin.isatty() and sys.stdout.isatty():
        from lpdesk.fronts import alone

        sys.exit(alone())
    from lpdesk.cli import main as commands

    commands()


if __name__ == "__main__":
    main()
