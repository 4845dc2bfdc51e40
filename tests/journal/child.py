"""A process to be killed: `child.py PATH [LIMIT]` appends for ever and says what is durable.

LIMIT is the largest file in bytes it may write, as on a full disk.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from lpdesk.journal.errors import JournalError
from lpdesk.journal.writer import Writer
from tests.journal.samples import trading


def main(path: str, limit: str = "0") -> None:
    writer = Writer(Path(path))
    say("open", writer.tip.seq)
    if int(limit):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    while True:
        writer.append(trading(3, writer.tip.seq + 1), durable=True)
        say("durable", writer.tip.seq)


def say(word: str, seq: int) -> None:
    sys.stdout.write(f"{word} {seq}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except JournalError as error:
        sys.exit(f"{type(error).__name__}: {error}")
