"""The command line: one function a command. What a command needs is imported when it runs."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from traceback import extract_tb
from typing import Annotated

import typer

from lpdesk import __version__, cli_journal
from lpdesk.cli_base import (
    INTERNAL,
    REFUSED,
    USAGE,
    AsJson,
    ConfigPath,
    JournalPath,
    Seed,
    Theme,
    fail,
    lines,
    load,
    run,
    spoken,
)

CLOCK = (
    "A sandbox's clock starts then, and is set forward by lines on stdin: 2026-03-10T20:00, +3d."
)

app = typer.Typer(
    name="lpdesk",
    help="A full-screen RFQ trading desk for the terminal.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


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
        _only_of(context)
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


def _only_of(context: typer.Context) -> None:
    """An option before a command would be for the desk that is not opened: say so."""
    sources = {
        each.opts[0]: context.get_parameter_source(each.name or "")
        for each in context.command.params
    }
    given = [flag for flag, source in sources.items() if source and source.name == "COMMANDLINE"]
    if given:
        command = context.invoked_subcommand
        fail(f"write {' '.join(given)} after the command: lpdesk {command} {given[0]} …", USAGE)


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
    from lpdesk.config import pairs
    from lpdesk.domain.entry import BadEntry, parse_request

    conf = load(config)
    try:
        request = parse_request(line, pairs(conf))
    except BadEntry as bad:
        fail(f"refused: {bad}", REFUSED)
    live = LiveDesk(conf, journal, seed, served=False)
    best = accept is Accept.BEST
    work = fronts.one_rfq(live, request, accept=best, after_s=after, as_json=as_json)
    run(fronts.interruptible(work))


@app.command()
def reconcile(
    config: ConfigPath = None,
    journal: JournalPath = None,
    since: Annotated[str, typer.Option(help="From then on: 2026-01-19, or 14:30.")] = "",
    seed: Seed = 7,
    as_json: AsJson = False,
) -> None:
    """Compare our trades with each LP's own list. 5: breaks are open, 6: an LP gave no list."""
    from lpdesk import fronts
    from lpdesk.bootstrap import LiveDesk
    from lpdesk.reconcile import once

    live = LiveDesk(load(config), journal, seed, served=False)
    width = shutil.get_terminal_size((160, 24)).columns
    run(fronts.interruptible(once(live, since, as_json, width)))


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="0: any free one.")] = None,
    config: ConfigPath = None,
    journal: JournalPath = None,
    seed: Seed = 7,
    as_json: AsJson = False,
    clock: Annotated[str, typer.Option(help=CLOCK)] = "",
) -> None:
    """The desk over HTTP, without a screen."""
    from lpdesk import fronts, serving
    from lpdesk.bootstrap import LiveDesk
    from lpdesk.session import LiveSession

    with spoken():
        conf = serving.served(load(config), host, port)
        session = LiveSession(serving.clock(conf, journal, clock)) if clock else None
    live = LiveDesk(conf, journal, seed, session)
    run(fronts.interruptible(serving.serve(live, as_json), fronts.DONE))


@app.command()
def sandbox(
    seed: Seed = 7,
    as_json: AsJson = False,
    cast: Annotated[str, typer.Option(help="default, full or villains")] = "default",
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

app.add_typer(cli_journal.app)


# ---- the machine


@app.command()
def doctor(config: ConfigPath = None, journal: JournalPath = None) -> None:
    """Check configuration, clock, disk, LPs and terminal; say what to do."""
    from lpdesk.doctor import BAD, examine

    with spoken():
        findings = asyncio.run(examine(config, journal))
    lines(finding.line() for finding in findings)
    bad = {finding.about for finding in findings if finding.level == BAD}
    raise typer.Exit(USAGE if "config" in bad else INTERNAL if bad else 0)


@app.command()
def keys() -> None:
    """Every action with its keys and words, and its name for the keymap."""
    from lpdesk.tui.actions import key_lines

    lines(iter(key_lines()))
