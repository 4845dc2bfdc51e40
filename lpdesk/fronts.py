"""What the commands put in front of a desk or a journal: a screen, a pipe, one request, a picture.

Each returns an exit code. Heavy imports wait inside the one that needs them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpdesk.output import Output

if TYPE_CHECKING:
    from lpdesk.bootstrap import LiveDesk
    from lpdesk.config import Config
    from lpdesk.domain.commands import RequestQuote
    from lpdesk.domain.record import Record
    from lpdesk.replay import ReplaySession
    from lpdesk.session import LiveSession
    from lpdesk.tui.app import DeskApp

DONE, INTERNAL, USAGE = 0, 1, 2
PATIENCE_S = 15.0
"""How long trades under way are waited for when the input has ended."""


class Ended(Exception):
    """The desk has stopped by itself; the message says why."""


def on_signals(stop: Callable[[int], object]) -> None:
    """Call `stop` on Ctrl-C, a polite kill and a lost terminal, where the system can."""
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        with suppress(AttributeError, NotImplementedError, ValueError, RuntimeError):
            number = getattr(signal, name)
            loop.add_signal_handler(number, stop, number)


async def interruptible(work: Coroutine[Any, Any, int], code: int | None = None) -> int:
    """Run `work`; the first signal cancels it, so that it ends in order, with `code` or 128 + n.

    Later signals are not heard: a terminal that goes sends two, and what is left takes a moment.
    """
    task = asyncio.ensure_future(work)
    heard: list[int] = []

    def stop(number: int) -> None:
        if not heard:
            heard.append(number)
            task.cancel()

    on_signals(stop)
    try:
        return await task
    except asyncio.CancelledError:
        if not heard:
            raise
        return 128 + heard[0] if code is None else code


def trouble(error: Exception) -> tuple[str, int]:
    """What went wrong outside, as a sentence and an exit code."""
    from lpdesk.journal.errors import JournalBusy, JournalRefused

    match error:
        case JournalBusy() | JournalRefused():
            return str(error), USAGE
        case FileNotFoundError() | PermissionError() | FileExistsError():
            return _about(error), USAGE
        case IsADirectoryError() | NotADirectoryError():
            return _about(error), USAGE
        case OSError():
            return _about(error), INTERNAL
        case ValueError():
            return str(error), USAGE
        case _:
            return str(error), INTERNAL


def _about(error: OSError) -> str:
    if error.filename is None or error.strerror is None:
        return str(error)
    return f"{error.filename}: {error.strerror}"


# ---- a live desk


@dataclass(frozen=True)
class Wishes:
    """What the command line says of a desk on the screen."""

    config: Path | None = None
    journal: Path | None = None
    seed: int = 7
    theme: str = ""
    restricted: bool = False
    readonly: bool = False


def screen(wishes: Wishes) -> int:
    """The desk, full screen. Configuration, network and desk are loaded after the first paint."""
    from lpdesk.clock import SystemClock
    from lpdesk.session import LiveSession
    from lpdesk.tui.app import DeskApp

    session = LiveSession(SystemClock(), can_command=not wishes.readonly)
    session.label = "READ-ONLY" if wishes.readonly else ""
    opened: list[LiveDesk] = []
    tasks: list[asyncio.Task[None]] = []

    async def show() -> int:
        on_signals(lambda number: app.exit())
        try:
            await app.run_async()
        finally:
            for task in tasks:
                task.cancel()
            for live in opened:
                await live.close("the screen was closed")
        return app.return_code or DONE

    app = DeskApp(
        session,
        theme=wishes.theme or _theme_of(wishes.config),
        themes_dir=None if wishes.restricted else themes_dir(),
        restricted=wishes.restricted,
        on_ready=lambda: tasks.append(asyncio.create_task(_open(app, session, wishes, opened))),
    )
    return asyncio.run(show())


async def _open(app: DeskApp, session: LiveSession, wishes: Wishes, opened: list[LiveDesk]) -> None:
    """Behind the first paint: configure the screen, start the desk; what goes wrong ends both."""
    from lpdesk.bootstrap import LiveDesk, default_journal
    from lpdesk.config import load
    from lpdesk.journal.errors import JournalError
    from lpdesk.tui.gates import Gates

    try:
        conf = load(wishes.config)
        app.wear(wishes.theme or conf.screen.theme)
        gates = Gates(conf.screen.confirm_above, conf.screen.confirm_deviation_bps)
        app.configure(conf.screen.keymap, bell=conf.screen.bell, gates=gates)
        journal = wishes.journal or default_journal(conf)
        app.state_dir = None if wishes.restricted else journal.parent
        live = LiveDesk(conf, journal, wishes.seed, session)
        opened.append(live)
        await live.start()
    except (JournalError, OSError, ValueError) as error:
        why, code = trouble(error)
        app.exit(None, code, _last_words(why))
        return
    assert live.failed is not None
    broken = await live.failed
    app.exit(None, INTERNAL, _last_words(f"the desk has stopped: {broken!r}"))


def _last_words(why: str) -> str:
    """What is left on the terminal when the screen is gone; it may quote outsiders."""
    from lpdesk.domain.text import clean

    return "\n".join(clean(line, 400) for line in f"lpdesk: {why}".splitlines()[:40])


def themes_dir() -> Path:
    """Where the dealer's own themes are."""
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path("~/.config").expanduser()) / "lpdesk" / "themes"


def _theme_of(path: Path | None) -> str:
    """The theme that a configuration names, so that the first paint already wears it."""
    import tomllib

    from lpdesk.tui.app import DEFAULT_THEME

    if path is None:
        return DEFAULT_THEME
    try:
        named = tomllib.loads(path.expanduser().read_text("utf-8")).get("screen", {}).get("theme")
    except (OSError, ValueError, AttributeError):
        return DEFAULT_THEME  # what is wrong with the file is said when it is loaded
    return named if isinstance(named, str) else DEFAULT_THEME


def alone() -> int:
    """`lpdesk` without a word on the command line; what would be options is in the environment."""
    environ = os.environ
    path, journal = (environ.get(f"LPDESK_{name}") for name in ("CONFIG", "JOURNAL"))
    try:
        wishes = Wishes(
            config=Path(path) if path else None,
            journal=Path(journal) if journal else None,
            seed=int(environ.get("LPDESK_SEED") or 7),
            theme=environ.get("LPDESK_THEME", ""),
        )
        return screen(wishes)
    except (OSError, ValueError) as error:
        why, code = trouble(error)
        sys.stderr.write(f"lpdesk: {why}\n")
        return code


async def plain(live: LiveDesk) -> int:
    """The desk line by line, until the input ends or nobody reads the output any more."""
    from lpdesk import plain as lines

    output, why = Output(), "end of input"
    live.listeners.append(lines.printer(live.session, output))
    tasks: list[asyncio.Future[Any]] = []
    try:
        await live.start()
        assert live.failed is not None
        serving = asyncio.create_task(_serve(live, output))
        tasks = [serving, asyncio.create_task(output.gone.wait())]
        done, _ = await asyncio.wait([*tasks, live.failed], return_when=asyncio.FIRST_COMPLETED)
        if live.failed in done:
            raise Ended(f"the desk has stopped: {live.failed.result()!r}")
        if serving in done:
            await serving
        else:
            why = "nobody reads the output"
    except asyncio.CancelledError:
        why = "a signal"
        raise
    finally:
        for task in tasks:
            task.cancel()
        await live.close(why)
        await output.close()
    return DONE


async def _serve(live: LiveDesk, output: Output) -> None:
    """Commands until the input ends, then trades that are under way, for a bounded time."""
    from lpdesk import plain as lines

    await lines.run(live.session, await lines.stdin_reader(), output)
    await live.quiet(PATIENCE_S)


async def one_rfq(
    live: LiveDesk, request: RequestQuote, *, accept: bool, after_s: float, as_json: bool
) -> int:
    """One request from the first quote to the settled trade, or to whatever end it has."""
    from lpdesk.rfq import OneRfq, writer

    output = Output()
    try:
        await live.start()
        one = OneRfq(live.session, writer(live.session, output, as_json))
        live.listeners.append(one.heard)
        return await one.run(request, accept, after_s)
    finally:
        await live.close("the request has ended")
        await output.close()


async def sandbox(seed: int, cast: str, directory: Path | None, as_json: bool) -> int:
    """Stand-in LPs until a signal."""
    from lpdesk.sandbox import run_sandbox

    output = Output()
    await run_sandbox(seed, cast, directory, as_json, output)
    await output.close()
    return DONE


# ---- a journal


async def web(conf: Config, journal: Path | None, host: str, port: int, more: Sequence[str]) -> int:
    """Views of a journal in browsers, until a signal."""
    from lpdesk.bootstrap import default_journal
    from lpdesk.journal.reader import connect

    path = (journal or default_journal(conf)).absolute()
    connect(path).close()  # no journal, no server
    try:
        from lpdesk.web.server import serve
    except ImportError:
        raise ValueError("needs the browser's part: pip install 'lpdesk[web]'") from None
    output = Output()
    try:
        return await serve(path, host=host, port=port, more=more, say=output)
    finally:
        await output.close()


def replay(
    session: ReplaySession, conf: Config, theme: str, folder: Path, viewer: bool = False
) -> int:
    """The same screens over a journal; a `viewer` is somebody else's, and writes no file.

    What is copied or exported goes to `folder`.
    """
    from lpdesk.tui.app import DeskApp

    async def show() -> int:
        on_signals(lambda number: app.exit())
        await app.run_async()
        return app.return_code or DONE

    app = DeskApp(
        session,
        theme=theme,
        themes_dir=themes_dir(),
        keymap=conf.screen.keymap,
        state_dir=folder,
        restricted=viewer,
    )
    return asyncio.run(show())


def session(
    path: Path, *, at: str = "", seq: int | None = None, follow: bool = False
) -> ReplaySession:
    """A journal as a session, at a time, at a record, or at its end.

    Raises `JournalRefused` for no journal, ValueError for a place that is not in it.
    """
    from lpdesk.clock import SystemClock
    from lpdesk.replay import ReplaySession
    from lpdesk.reports.when import instant

    replayed = ReplaySession(path, SystemClock(), follow=follow, progress=_count)
    last = replayed.position[1]
    if seq is not None and not 0 <= seq <= last:
        raise ValueError(f"--seq {seq}: the journal has records 1 to {last}")
    if at:
        replayed.seek_time(instant(at, replayed.now()))
    elif seq is not None:
        replayed.seek_seq(seq)
    return replayed


def _count(records: int) -> None:
    """Long journals take seconds: say how far it is, on a terminal."""
    if records % 8_192 == 0 and sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{records:,} records read\r")
        sys.stderr.flush()


def columns_and_rows(text: str) -> tuple[int, int]:
    """`120x40` -> (120, 40). Raises ValueError."""
    wide, _, tall = text.partition("x")
    if not (wide.isascii() and wide.isdigit() and tall.isascii() and tall.isdigit()):
        raise ValueError(f"--size {text}: write columns x rows, for example 120x40")
    if not (20 <= int(wide) <= 500 and 6 <= int(tall) <= 200):
        raise ValueError(f"--size {text}: from 20x6 to 500x200")
    return int(wide), int(tall)


async def keep(records: Sequence[Record], path: Path) -> None:
    """A scenario's records into a journal of its own. Raises ValueError when it has any."""
    from lpdesk.journal.store import Journal

    journal = await Journal.open(path)
    try:
        if journal.last.seq:
            raise ValueError(f"{path} has records already; a scenario needs a new journal")
        await journal.append(records, durable=True)
    finally:
        await journal.close()
