"""The command line: one function a command. What a command needs is imported when it runs."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from lpdesk import __version__

if TYPE_CHECKING:
    from lpdesk.config import Config

INTERNAL, USAGE, REFUSED = 1, 2, 5

app = typer.Typer(
    name="lpdesk",
    help="A full-screen RFQ trading desk for the terminal.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

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


def main() -> None:
    """The entry point. Never ends in a traceback, which could show a secret."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        app()
    except BrokenPipeError:
        from lpdesk.output import nowhere

        nowhere()
    except Exception as bug:
        place = extract_tb(bug.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        typer.echo(f"lpdesk: internal error: {type(bug).__name__} in {where}", err=True)
        sys.exit(INTERNAL)


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


# ---- a desk


@app.callback(invoke_without_command=True)
def desk(
    context: typer.Context,
    config: ConfigPath = None,
    journal: JournalPath = None,
    seed: Seed = 7,
    plain: Annotated[bool, typer.Option(help="Line by line, without a screen.")] = False,
    theme: Theme = "",
    restricted: Annotated[
        bool, typer.Option("--restricted", help="For forced commands over SSH: the screen alone.")
    ] = False,
    readonly: Annotated[bool, typer.Option("--readonly", help="Only look.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """The desk, full screen. Without configured LPs it runs against its own sandbox."""
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is not None:
        return
    from lpdesk import fronts

    if restricted and (os.environ.get("SSH_ORIGINAL_COMMAND") or not sys.stdout.isatty()):
        fail("this key opens the desk on a terminal and nothing else", USAGE)
    if not plain and sys.stdout is not None and sys.stdout.isatty():
        if sys.stderr is None or not sys.stderr.isatty():
            fail("the screen is drawn on stderr: do not redirect it, or use --plain", USAGE)
        with spoken():
            wishes = fronts.Wishes(config, journal, seed, theme, restricted, readonly)
            raise typer.Exit(fronts.screen(wishes))
    if readonly:
        fail("--readonly needs a terminal: without one there is nothing but commands", USAGE)
    from lpdesk.bootstrap import LiveDesk

    live = LiveDesk(load(config), journal, seed)
    run(fronts.interruptible(fronts.plain(live), fronts.DONE))


class Accept(StrEnum):
    BEST = "best"
    NONE = "none"


@app.command()
def rfq(
    line: Annotated[str, typer.Argument(help='For example "b 1.5 btc/usdt".')],
    accept: Annotated[Accept, typer.Option(help="Deal on the best price, or only look.")] = (
        Accept.BEST
    ),
    after: Annotated[float, typer.Option(min=0, help="Seconds to wait before that.")] = 1.0,
    config: ConfigPath = None,
    journal: JournalPath = None,
    seed: Seed = 7,
    as_json: AsJson = False,
) -> None:
    """One request without a screen: streams quotes, accepts, settles, prints."""
    from lpdesk import fronts
    from lpdesk.bootstrap import LiveDesk
    from lpdesk.config import settings
    from lpdesk.domain.entry import BadEntry, parse_request

    conf = load(config)
    try:
        request = parse_request(line, settings(conf, (), "").pairs)
    except BadEntry as bad:
        fail(f"refused: {bad}", REFUSED)
    live = LiveDesk(conf, journal, seed)
    best = accept is Accept.BEST
    work = fronts.one_rfq(live, request, accept=best, after_s=after, as_json=as_json)
    run(fronts.interruptible(work))


@app.command()
def sandbox(
    seed: Seed = 7,
    as_json: AsJson = False,
    cast: Annotated[str, typer.Option(help="default or villains")] = "default",
    directory: Annotated[Path | None, typer.Option(help="Where executions are kept.")] = None,
) -> None:
    """Stand-in LPs on loopback: prints their addresses and a config that uses them."""
    from lpdesk import fronts

    run(fronts.sandbox(seed, cast, directory, as_json))


@app.command()
def scenario(
    name: Annotated[str, typer.Argument(help="competing, stable or hail-mary")],
    cycle_seconds: Annotated[float, typer.Option(help="From one poll to the next.")] = 0.7,
    as_json: AsJson = False,
    journal: Annotated[Path | None, typer.Option(help="Keep the records in a new journal.")] = None,
) -> None:
    """A demonstration race on a virtual clock, the same result every time."""
    from lpdesk import scenario as races
    from lpdesk.fronts import keep

    with spoken():
        race = races.run(name, round(cycle_seconds * 1_000_000_000))
        if journal is not None:
            asyncio.run(keep(race.records, journal))
        lines(races.json_lines(race) if as_json else races.lines(race))


# ---- a journal


@app.command()
def replay(
    journal: OldJournal,
    at: Annotated[str, typer.Option(help="Time to start at: 2026-01-19T14:30:25Z.")] = "",
    seq: Annotated[int | None, typer.Option(help="Record to start at.")] = None,
    speed: Annotated[float, typer.Option(help="Play at once, so many times as fast.")] = 0.0,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with a live journal.")] = False,
    theme: Theme = "",
    config: ConfigPath = None,
) -> None:
    """The same screens over a journal, read-only."""
    from lpdesk import fronts

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        fail("replay needs a terminal; `lpdesk journal` and `lpdesk picture` do not", USAGE)
    conf = load(config)
    with spoken():
        session = fronts.session(journal, at=at, seq=seq, follow=follow)
        if speed:
            session.set_speed(speed)
            if not session.playing:
                session.toggle_play()
        raise typer.Exit(fronts.replay(session, conf, theme or conf.screen.theme))


@app.command()
def picture(
    journal: OldJournal,
    seq: Annotated[int, typer.Option(help="The record it is taken at.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="File.svg or file.txt.")],
    screen: Annotated[str, typer.Option(help="Which screen.")] = "desk",
    size: Annotated[str, typer.Option(help="Columns x rows.")] = "120x40",
    theme: Theme = "harbour",
) -> None:
    """What the dealer saw."""
    from lpdesk import fronts
    from lpdesk.tui.picture import picture as draw

    kind = output.suffix.removeprefix(".")
    if kind not in ("svg", "txt"):
        fail(f"{output}: the name must end in .svg or .txt", USAGE)
    with spoken():
        wide, tall = fronts.columns_and_rows(size)
        session = fronts.session(journal, seq=seq)
        drawing = draw(session, screen=screen, size=(wide, tall), theme=theme, kind=kind)
        output.write_text(asyncio.run(drawing), encoding="utf-8")


@app.command("journal")
def show_journal(
    journal: OldJournal,
    first: Annotated[int, typer.Option("--from", min=1, help="First record.")] = 1,
    as_json: AsJson = False,
) -> None:
    """The records themselves."""
    from lpdesk.journal.codec import to_json
    from lpdesk.journal.reader import read

    with spoken():
        if as_json:
            lines(to_json(record).decode() for record in read(journal, first))
        else:
            from lpdesk.listing import Listing

            lines(Listing().of(read(journal), first))


@app.command()
def verify(journal: OldJournal, as_json: AsJson = False) -> None:
    """Check the hash chain, re-run the causes, name the first difference."""
    from lpdesk.replay import verify as check

    with spoken():
        found = check(journal)
    typer.echo(found.as_json() if as_json else found.sentence())
    raise typer.Exit(0 if found.ok else INTERNAL)


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class State(StrEnum):
    OPEN = "open"
    UNKNOWN = "unknown"
    SETTLED = "settled"
    FAILED = "failed"


@app.command()
def blotter(
    journal: OldJournal,
    form: Annotated[Format, typer.Option("--format", help="For people or pipes.")] = Format.TABLE,
    client: Annotated[str, typer.Option(help="Only this client's.")] = "",
    lp: Annotated[str, typer.Option(help="Only with this LP.")] = "",
    state: Annotated[State | None, typer.Option(help="Only in this state.")] = None,
    pair: Annotated[str, typer.Option(help="Only in this pair.")] = "",
    since: Annotated[str, typer.Option(help="From then on: 2026-01-19, or 14:30.")] = "",
    until: Annotated[str, typer.Option(help="Before then.")] = "",
) -> None:
    """The blotter, for people and pipes."""
    from lpdesk.reports import blotter as report
    from lpdesk.reports.when import instant

    with spoken():
        last = report.last_instant(journal) if since or until else 0
        begin, end = (instant(text, last) if text else None for text in (since, until))
        filters = report.Filters(client, lp, state or "", pair, begin, end)
        trades = report.trades(journal, filters)
        if form is Format.CSV:
            sys.stdout.write(report.csv_text(trades))
        elif form is Format.JSON:
            lines(report.json_lines(trades))
        else:
            width = shutil.get_terminal_size((160, 24)).columns
            lines(report.table_lines(trades, report.price_places(journal), width))


class ReportFormat(StrEnum):
    TABLE = "table"
    JSON = "json"


@app.command()
def report(
    journal: OldJournal,
    form: Annotated[ReportFormat, typer.Option("--format", help="For people or pipes.")] = (
        ReportFormat.TABLE
    ),
) -> None:
    """P&L by pair, makers' statistics, and how the LPs answered."""
    from lpdesk.journal.reader import read
    from lpdesk.reports import desk as report

    with spoken():
        found = report.summarize(read(journal))
        if form is ReportFormat.JSON:
            lines(iter([report.json_text(found)]))
        else:
            lines(report.table_lines(found, shutil.get_terminal_size((160, 24)).columns))


# ---- the machine


@app.command()
def doctor(config: ConfigPath = None, journal: JournalPath = None) -> None:
    """Check configuration, clock, disk, LPs and terminal; say what to do."""
    from lpdesk.doctor import BAD, examine

    with spoken():
        findings = asyncio.run(examine(config, journal))
    lines(finding.line() for finding in findings)
    raise typer.Exit(INTERNAL if any(finding.level == BAD for finding in findings) else 0)


@app.command()
def keys() -> None:
    """Every action with its keys and words, and its name for the keymap."""
    from lpdesk.tui.actions import key_lines

    lines(iter(key_lines()))
