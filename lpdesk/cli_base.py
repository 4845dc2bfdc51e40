"""What the commands share: their options, how they fail, and how their work is run."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from lpdesk.config import Config

INTERNAL, USAGE, REFUSED = 1, 2, 5

ConfigPath = Annotated[
    Path | None, typer.Option("--config", envvar="LPDESK_CONFIG", help="Configuration file.")
]
JournalPath = Annotated[
    Path | None, typer.Option("--journal", envvar="LPDESK_JOURNAL", help="Journal file.")
]
Seed = Annotated[int, typer.Option(envvar="LPDESK_SEED", help="Seed of the sandbox's market.")]
Theme = Annotated[str, typer.Option(envvar="LPDESK_THEME", help="Colour theme.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
OldJournal = Annotated[Path, typer.Argument(metavar="JOURNAL", help="Journal file.")]


def fail(message: str, code: int) -> NoReturn:
    """Say why on stderr, end with `code`."""
    typer.echo(f"lpdesk: {message}", err=True)
    raise typer.Exit(code)


@contextmanager
def spoken() -> Iterator[None]:
    """What can go wrong outside is a sentence and an exit code."""
    from sqlite3 import DatabaseError

    from lpdesk.fronts import Ended, trouble
    from lpdesk.journal.errors import JournalError

    try:
        yield
    except BrokenPipeError:
        raise
    except DatabaseError as error:
        fail(f"the journal cannot be read: {error}", INTERNAL)
    except (JournalError, Ended, OSError, ValueError) as error:
        fail(*trouble(error))


def run(work: Coroutine[Any, Any, int]) -> NoReturn:
    """Run a command's work to its end and leave with its exit code."""
    with spoken():
        try:
            code = asyncio.run(work)
        except KeyboardInterrupt:
            code = 128 + signal.SIGINT
    raise typer.Exit(code)


def load(path: Path | None) -> Config:
    """The configuration, or all that is wrong with it."""
    from lpdesk.config import BadConfig
    from lpdesk.config import load as load_config

    try:
        return load_config(path)
    except BadConfig as bad:
        fail("the configuration has problems:\n  " + "\n  ".join(bad.problems), USAGE)


def lines(texts: Iterator[str]) -> None:
    """Write them as they come."""
    for text in texts:
        sys.stdout.write(text + "\n")
