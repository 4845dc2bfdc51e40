"""The command line: one function a command. What a command needs is imported when it runs."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from lpdesk import __version__

if TYPE_CHECKING:
    from lpdesk.bootstrap import LiveDesk
    from lpdesk.config import Config

INTERNAL, USAGE = 1, 2

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
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
OldJournal = Annotated[Path, typer.Argument(help="Journal file.")]


def main() -> None:
    """The entry point. Never ends in a traceback that could show a secret."""
    with suppress(BrokenPipeError):
        app()


def fail(message: str, code: int) -> NoReturn:
    """Say why on stderr, end with `code`."""
    typer.echo(f"lpdesk: {message}", err=True)
    raise typer.Exit(code)


@app.callback(invoke_without_command=True)
def desk(
    context: typer.Context,
    config: ConfigPath = None,
    journal: JournalPath = None,
    seed: Seed = 7,
    plain: Annotated[bool, typer.Option(help="Line by line, without a screen.")] = False,
    theme: Annotated[str, typer.Option(envvar="LPDESK_THEME", help="Colour theme.")] = "",
    restricted: Annotated[bool, typer.Option(help="For forced commands over SSH.")] = False,
    version: Annotated[bool, typer.Option(help="Print the version.")] = False,
) -> None:
    """The desk, full screen. Without configured LPs it runs against its own sandbox."""
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is not None:
        return
    conf = _load(config)
    if plain or not sys.stdout.isatty():
        raise typer.Exit(_run(_plain(conf, journal, seed)))
    raise typer.Exit(_screen(conf, journal, seed, theme or conf.screen.theme, restricted))


def _load(path: Path | None) -> Config:
    from lpdesk.config import BadConfig, load

    try:
        return load(path)
    except BadConfig as bad:
        fail("the configuration has problems:\n  " + "\n  ".join(bad.problems), USAGE)


def _run(work: Coroutine[Any, Any, int]) -> int:
    """Run to the end; what can go wrong outside is a sentence, not a traceback."""
    from lpdesk.journal.errors import JournalBusy, JournalError, JournalRefused

    try:
        return asyncio.run(work)
    except (JournalBusy, JournalRefused) as error:
        fail(str(error), USAGE)
    except (JournalError, ConnectionError, OSError) as error:
        fail(str(error), INTERNAL)
    except ValueError as error:
        fail(str(error), USAGE)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _on_signals(stop: Any) -> None:
    """Call `stop` on Ctrl-C, a polite kill and a lost terminal, where the system can."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        with suppress(AttributeError, NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(getattr(signal, name), stop)


def _screen(conf: Config, journal: Path | None, seed: int, theme: str, restricted: bool) -> int:
    from lpdesk.bootstrap import LiveDesk
    from lpdesk.tui.app import DeskApp

    live = LiveDesk(conf, journal, seed)

    async def start() -> None:
        try:
            await live.start()
        except (OSError, ValueError) as error:
            screen.exit(INTERNAL, USAGE, f"lpdesk: {error}")
            return
        assert live.failed is not None
        broken = await live.failed
        screen.exit(INTERNAL, INTERNAL, f"lpdesk: the desk has stopped: {broken!r}")

    async def show() -> int:
        _on_signals(screen.exit)
        tasks = []
        screen.on_ready = lambda: tasks.append(asyncio.create_task(start()))
        try:
            await screen.run_async()
        finally:
            for task in tasks:
                task.cancel()
            await live.close("the screen was closed")
        return screen.return_code or 0

    screen = DeskApp(live.session, theme=theme, restricted=restricted, keymap=conf.screen.keymap)
    return _run(show())


async def _plain(conf: Config, journal: Path | None, seed: int) -> int:
    from lpdesk import plain
    from lpdesk.bootstrap import LiveDesk

    live = LiveDesk(conf, journal, seed)
    await live.start()
    assert live.session.runtime is not None and live.failed is not None
    live.session.runtime.listeners.append(plain.printer(live.session, _line))
    serving = asyncio.create_task(_serve_lines(live))
    _on_signals(serving.cancel)
    try:
        failed = live.failed
        await asyncio.wait((serving, failed), return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var]
    finally:
        serving.cancel()
        await live.close("end of input")
    if live.failed.done():
        raise ConnectionError(f"the desk has stopped: {live.failed.result()!r}")
    return 0


async def _serve_lines(live: LiveDesk) -> None:
    """Commands until the input ends, then trades that are under way, for a bounded time."""
    from lpdesk import plain

    await plain.run(live.session, await plain.stdin_reader(), _line)
    await live.quiet(15)


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


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
    conf = _load(config)
    work = _rfq(conf, journal, seed, line, accept is Accept.BEST, after, as_json)
    raise typer.Exit(_run(work))


async def _rfq(
    conf: Config,
    journal: Path | None,
    seed: int,
    line: str,
    accept: bool,
    after: float,
    as_json: bool,
) -> int:
    from lpdesk.bootstrap import LiveDesk
    from lpdesk.domain.entry import BadEntry, parse_request
    from lpdesk.rfq import REFUSED, OneRfq, writer

    pairs = _settings(conf).pairs
    try:
        request = parse_request(line, pairs)
    except BadEntry as bad:
        typer.echo(f"lpdesk: refused: {bad}", err=True)
        return REFUSED
    live = LiveDesk(conf, journal, seed)
    try:
        await live.start()
        write = writer(live.session, _line, as_json)
        return await OneRfq(live.session, write).run(request, accept, after)
    finally:
        await live.close("the request has ended")


def _settings(conf: Config) -> Any:
    from lpdesk.config import settings

    return settings(conf, (), "")


@app.command()
def sandbox(
    seed: Seed = 7,
    as_json: AsJson = False,
    cast: Annotated[str, typer.Option(help="default or villains")] = "default",
    directory: Annotated[Path | None, typer.Option(help="Where executions are kept.")] = None,
) -> None:
    """Stand-in LPs on loopback: prints their addresses and a config that uses them."""
    from lpdesk.sandbox import run_sandbox

    raise typer.Exit(_run(_until_signal(run_sandbox(seed, cast, directory, as_json, _line))))


async def _until_signal(work: Coroutine[Any, Any, None]) -> int:
    await work
    return 0
