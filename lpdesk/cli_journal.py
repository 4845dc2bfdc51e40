"""The commands over a journal: what happened, shown, checked and summed up."""

from __future__ import annotations

import asyncio
import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lpdesk.cli_base import (
    INTERNAL,
    USAGE,
    AsJson,
    ConfigPath,
    JournalPath,
    OldJournal,
    Theme,
    fail,
    lines,
    load,
    run,
    spoken,
)

app = typer.Typer()
"""Its commands become words of `lpdesk` itself."""


@app.command()
def replay(
    journal: OldJournal,
    at: Annotated[str, typer.Option(help="Time to start at: 2026-01-19T14:30:25Z.")] = "",
    seq: Annotated[int | None, typer.Option(help="Record to start at.")] = None,
    speed: Annotated[float, typer.Option(help="Play at once, so many times as fast.")] = 0.0,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with a live journal.")] = False,
    theme: Theme = "",
    config: ConfigPath = None,
    viewer: Annotated[int, typer.Option(hidden=True, help="For `lpdesk web`: its process.")] = 0,
) -> None:
    """The same screens over a journal, read-only."""
    from lpdesk import fronts

    if viewer:
        from lpdesk.watchdog import end_with

        end_with(viewer)
    elif not (sys.stdin.isatty() and sys.stdout.isatty()):
        fail("replay needs a terminal; `lpdesk journal` and `lpdesk picture` do not", USAGE)
    conf = load(config)
    with spoken():
        session = fronts.session(journal, at=at, seq=seq, follow=follow)
        if speed:
            session.set_speed(speed)
            if not session.playing:
                session.toggle_play()
        worn, folder = theme or conf.screen.theme, journal.absolute().parent
        raise typer.Exit(fronts.replay(session, conf, worn, folder, viewer > 0))


@app.command()
def web(
    config: ConfigPath = None,
    journal: JournalPath = None,
    host: Annotated[str, typer.Option(help="Where to listen; there is no log-in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    theme: Theme = "",
) -> None:
    """The desk in a browser, to look at: follows a live journal, takes no commands."""
    from lpdesk import fronts

    conf = load(config)
    more = ["--theme", theme or conf.screen.theme]
    more += ["--config", str(config.absolute())] if config else []
    run(fronts.interruptible(fronts.web(conf, journal, host, port, more), fronts.DONE))


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


@app.command()
def snapshot(journal: OldJournal) -> None:
    """Leave the desk's state beside the journal, so that the next start is quick."""
    import os

    from lpdesk.rerun import take_snapshot
    from lpdesk.strategies import found

    if sys.platform != "win32":
        os.nice(10)  # a desk may be dealing beside it
    with spoken():
        seq = take_snapshot(journal, found().strategies)
    typer.echo(f"a snapshot after record {seq:,}: a start runs only later ones again")


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class State(StrEnum):
    OPEN = "open"
    UNKNOWN = "unknown"
    EXECUTED = "executed_pending_settlement"
    SETTLED = "settled"
    FAILED = "failed"
    REJECTED = "rejected"


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
    HTML = "html"


@app.command()
def report(
    journal: OldJournal,
    form: Annotated[ReportFormat, typer.Option("--format", help="People, pipes, browsers.")] = (
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
        elif form is ReportFormat.HTML:
            from lpdesk.reports.html import page

            lines(iter([page(found)]))
        else:
            lines(report.table_lines(found, shutil.get_terminal_size((160, 24)).columns))


@app.command()
def balances(
    journal: OldJournal,
    seq: Annotated[int | None, typer.Option(min=1, help="After this record.")] = None,
    account: Annotated[str, typer.Option(help="Only accounts that begin so: client:acme.")] = "",
    as_json: AsJson = False,
) -> None:
    """What is, or was, in every account, and what of it is held."""
    from lpdesk.reports import balances as report

    with spoken():
        found = report.balances(journal, seq, account)
        if as_json:
            lines(report.json_lines(found))
        else:
            lines(report.table_lines(found, shutil.get_terminal_size((160, 24)).columns))


class WebhookWord(StrEnum):
    LIST = "list"
    RESEND = "resend"
    ENABLE = "enable"


@app.command()
def webhooks(
    journal: OldJournal,
    word: Annotated[WebhookWord, typer.Argument(help="What to do.")] = WebhookWord.LIST,
    name: Annotated[str, typer.Argument(help="resend: the id; enable: the endpoint.")] = "",
    endpoint: Annotated[str, typer.Option(help="resend: only to this one.")] = "",
    as_json: AsJson = False,
) -> None:
    """Webhooks owed, delivered and dead. While a desk runs, its own line resends and enables."""
    from lpdesk.domain.commands import EnableEndpoint, ResendWebhook
    from lpdesk.journal import outbox
    from lpdesk.offline import obey
    from lpdesk.reports import webhooks as report

    if word is not WebhookWord.LIST and not name:
        fail(f"{word.value} what? Name it", USAGE)
    with spoken():
        if word is WebhookWord.RESEND:
            asyncio.run(obey(journal, ResendWebhook(event_id=name, endpoint=endpoint)))
        elif word is WebhookWord.ENABLE:
            asyncio.run(obey(journal, EnableEndpoint(endpoint=name)))
        found = outbox.deliveries(journal)
        if as_json:
            lines(report.json_lines(found))
        else:
            width = shutil.get_terminal_size((160, 24)).columns
            lines(report.table_lines(found, outbox.disabled(journal), width))
