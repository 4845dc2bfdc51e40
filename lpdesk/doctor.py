"""`lpdesk doctor`: is this machine, this configuration and this terminal fit to deal from?"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import ssl
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from email.utils import parsedate_to_datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.parse import urlsplit

from lpdesk.bootstrap import default_journal
from lpdesk.config import BadConfig, Config, LpTable, load, resolve_options, resolve_secret
from lpdesk.config.tables import WebhookTable
from lpdesk.domain.capabilities import SIGNED_KINDS
from lpdesk.domain.text import clean
from lpdesk.domain.values import SECOND
from lpdesk.journal.errors import JournalRefused
from lpdesk.journal.reader import connect
from lpdesk.webhooks.target import Forbidden, resolve

OK, WARN, BAD = "ok", "warn", "bad"

PROBE_S = 3.0
SLOW_CONNECT_MS = 250
MAX_HEAD = 16_384
SLOW_SYNC_MS = 20
LITTLE_BYTES, TOO_LITTLE_BYTES = 1 << 30, 100 << 20
MAX_DRIFT_NS = 5_000_000
MAX_CLOCK_OFF_S = 2.0
"""LPs refuse signatures whose time is off; their own clocks tell seconds only."""

WAL_RESET_BUG = (3, 7, 0), (3, 51, 3)
"""From, and fixed in. It needs two connections that write or checkpoint at the same moment."""


class Finding(NamedTuple):
    """One line: how it is, about what, and what to do unless it is ok."""

    level: str
    about: str
    text: str
    advice: str = ""

    def line(self) -> str:
        words = f"{self.level:<4}  {self.about:<9} {self.text}"
        return f"{words}: {self.advice}" if self.advice else words


async def examine(path: Path | None, journal: Path | None) -> list[Finding]:
    """Everything, in the order in which it should be put right."""
    findings = list(_software())
    config = Config()
    try:
        config = load(path)
        findings.append(_config(path, config))
    except BadConfig as bad:
        findings += [Finding(BAD, "config", problem) for problem in bad.problems]
    findings += _clock()
    findings += _disk(journal or default_journal(config))
    findings += await _lps(config.lps)
    findings += await asyncio.gather(*map(_hook, config.webhooks))
    findings += _terminal()
    return findings


def _software() -> Iterator[Finding]:
    yield Finding(OK, "python", sys.version.split()[0])
    first, fixed = WAL_RESET_BUG
    if first <= sqlite3.sqlite_version_info < fixed:
        advice = "never copy or check the journal with a second writer; 3.51.3 and later are sound"
        text = f"{sqlite3.sqlite_version} has the WAL-reset bug"
        yield Finding(WARN, "sqlite", text, advice)
    else:
        yield Finding(OK, "sqlite", sqlite3.sqlite_version)


def _config(path: Path | None, config: Config) -> Finding:
    """A file that has secrets in it is nobody else's."""
    if path is None:
        return Finding(OK, "config", "the defaults")
    secrets = [lp.secret for lp in config.lps] + [key.secret for key in config.api_keys]
    secrets += [secret for hook in config.webhooks for secret in hook.secrets]
    told = [each.get_secret_value() for each in secrets if each]
    here = any(text and not text.startswith(("env:", "file:")) for text in told)
    if here and sys.platform != "win32" and path.expanduser().stat().st_mode & 0o077:
        text = f"{path} has secrets in it and is open to others"
        return Finding(WARN, "config", text, f"chmod 600 {path}, or name env: or file:")
    return Finding(OK, "config", str(path))


# ---- clock


def _clock() -> Iterator[Finding]:
    """Whether the wall clock runs like the monotonic one, over a quarter of a second."""
    wall, steady = time.time_ns(), time.monotonic_ns()
    while (passed := time.monotonic_ns() - steady) < 250_000_000:
        time.sleep(0.01)
    drift_ns = abs(time.time_ns() - wall - passed)
    text = f"wall and monotonic clock part by {drift_ns / 1e6:.1f} ms in {passed / 1e9:.2f} s"
    if drift_ns > MAX_DRIFT_NS:
        yield Finding(WARN, "clock", text, "let chrony or systemd-timesyncd slew it, not step it")
    else:
        yield Finding(OK, "clock", text)


# ---- disk


def _disk(journal: Path) -> Iterator[Finding]:
    folder = next(each for each in journal.absolute().parents if each.is_dir())
    try:
        free = shutil.disk_usage(folder).free
        yield _free(folder, free)
        yield _sync_time(folder)
    except OSError as error:
        advice = "make it writable for this user, or name another --journal"
        yield Finding(BAD, "disk", f"{folder}: {error.strerror}", advice)
    yield from _modes(journal)
    if journal.exists():
        yield _readable(journal)


def _free(folder: Path, free: int) -> Finding:
    text = f"{free / (1 << 30):.1f} GB free in {folder}"
    if free < LITTLE_BYTES:
        return Finding(BAD if free < TOO_LITTLE_BYTES else WARN, "disk", text, "make room")
    return Finding(OK, "disk", text)


def _sync_time(folder: Path) -> Finding:
    """How long the disk takes to promise a small write; every order waits for it."""
    times = []
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".lpdesk-doctor-") as file:
        for _ in range(9):
            file.write(b"x" * 4_096)
            file.flush()
            began = time.perf_counter_ns()
            os.fsync(file.fileno())
            times.append(time.perf_counter_ns() - began)
    milliseconds = median(times) / 1e6
    text = f"a write is on the disk after {milliseconds:.1f} ms"
    if milliseconds > SLOW_SYNC_MS:
        return Finding(WARN, "disk", text, "orders wait for it: use a local disk")
    return Finding(OK, "disk", text)


def _modes(journal: Path) -> Iterator[Finding]:
    """Whether others could read what is dealt here."""
    if sys.platform == "win32":
        return
    if journal.parent.is_dir() and journal.parent.stat().st_mode & 0o022:
        text = f"{journal.parent} can be written by others"
        yield Finding(WARN, "modes", text, "keep the journal in a folder with mode 0700")
    beside = [journal.with_name(journal.name + end) for end in ("", "-wal", "-shm", ".lock")]
    for file in filter(Path.exists, beside):
        if file.stat().st_mode & 0o077:
            yield Finding(BAD, "modes", f"{file} is open to others", f"chmod 600 {file}")


def _readable(journal: Path) -> Finding:
    try:
        with closing(connect(journal)) as connection:
            last = connection.execute("SELECT at FROM records ORDER BY seq DESC LIMIT 1")
            (at,) = last.fetchone() or (0,)
    except JournalRefused as refused:
        return Finding(BAD, "journal", str(refused), "name another --journal")
    except (sqlite3.Error, OSError) as error:
        return Finding(BAD, "journal", f"{journal}: {error}", "look with `lpdesk verify`")
    if (ahead_s := (at - time.time_ns()) / SECOND) > MAX_CLOCK_OFF_S:
        text = f"{journal} ends {ahead_s:.0f} s ahead of this clock, and a desk goes on from there"
        return Finding(WARN, "journal", text, "check this clock: LPs will refuse such signatures")
    return Finding(OK, "journal", f"{journal}, {journal.stat().st_size / (1 << 20):.1f} MB")


# ---- LPs


async def _lps(lps: Sequence[LpTable]) -> list[Finding]:
    """All at once; each is given `PROBE_S`."""
    findings = [*await asyncio.gather(*map(_lp, lps)), *map(_unsigned, filter(_unsigning, lps))]
    return findings or [Finding(OK, "LPs", "none configured: the desk starts its own sandbox")]


async def _lp(lp: LpTable) -> Finding:
    about = f"LP {lp.name}"
    began = time.perf_counter()
    try:
        async with asyncio.timeout(PROBE_S):
            date, connect_s = await _date_header(lp.url, _tls(lp))
    except TimeoutError:
        return Finding(BAD, about, f"no answer within {PROBE_S:.0f} s", "is the address right?")
    except ssl.SSLError as error:
        why = clean(getattr(error, "verify_message", "") or str(error.reason), 80)
        return Finding(BAD, about, f"TLS: {why}", "nothing is sent until its certificate is good")
    except (OSError, ValueError) as error:
        return Finding(BAD, about, clean(str(error), 120), "is it up, is the address right?")
    text = f"connected in {connect_s * 1000:.0f} ms"
    text += f", answered in {(time.perf_counter() - began) * 1000:.0f} ms"
    off = abs(time.time() - date) if date else 0
    if off > MAX_CLOCK_OFF_S:
        return Finding(WARN, about, f"{text}; clocks differ by {off:.0f} s", "check this clock")
    return Finding(WARN if connect_s * 1000 > SLOW_CONNECT_MS else OK, about, text)


def _unsigning(lp: LpTable) -> bool:
    return lp.kind in SIGNED_KINDS and not lp.options.get("signer")


def _unsigned(lp: LpTable) -> Finding:
    """An LP on a chain that nobody signs for."""
    advice = "set options.signer if it is to be dealt on"
    return Finding(WARN, f"LP {lp.name}", "no signer: its prices are for information only", advice)


async def _hook(hook: WebhookTable) -> Finding:
    """Where webhooks would go. Nothing is sent."""
    about, url = f"webhook {hook.name}", urlsplit(hook.url)
    resolver = ThreadPoolExecutor(1)
    try:
        async with asyncio.timeout(PROBE_S):
            address = await resolve(url.hostname or "", 443, hook.allow_private, resolver)
    except Forbidden as refused:
        return Finding(BAD, about, str(refused), "set allow_private if it is meant")
    except (OSError, TimeoutError, UnicodeError):
        return Finding(WARN, about, "its name is not found", "it is tried again, as configured")
    finally:
        resolver.shutdown(wait=False)
    return Finding(OK, about, f"goes to {address}")


def _tls(lp: LpTable) -> ssl.SSLContext | bool:
    """As the LP's adapter connects: with its certificates, where it names some. ValueError."""
    from lpdesk.venues.base import Endpoint
    from lpdesk.venues.mutual import context

    secret, options = resolve_secret(lp.secret), resolve_options(lp.options)
    it = Endpoint(name=lp.name, kind=lp.kind, url=lp.url, secret=secret, options=options)
    return context(it) or True


async def _date_header(url: str, tls: ssl.SSLContext | bool) -> tuple[float, float]:
    """The server's clock, 0 if it does not say, and seconds to connect. Any answer will do.

    A FIX server is only connected to: it says nothing before a Logon.
    """
    parts = urlsplit(url)
    secure = parts.scheme in ("https", "fixs")
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection(
        parts.hostname,
        parts.port or (443 if secure else 80),
        ssl=tls if secure else None,
        limit=MAX_HEAD,
    )
    connected = time.perf_counter() - began
    if parts.scheme.startswith("fix"):
        writer.close()
        return 0, connected
    try:
        request = f"HEAD / HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode("ascii"))
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise ConnectionError("it does not speak HTTP") from None
    finally:
        writer.close()
    for header in head.decode("latin-1").splitlines():
        name, _, value = header.partition(":")
        if name.lower() == "date":
            return parsedate_to_datetime(value.strip()).timestamp(), connected
    return 0, connected


# ---- terminal


def _terminal() -> Iterator[Finding]:
    if not sys.stdout.isatty():
        yield Finding(OK, "terminal", "none on stdout: the desk runs as with --plain")
        return
    yield _kind(os.environ.get("TERM", ""), os.environ.get("COLORTERM", ""))
    columns, rows = shutil.get_terminal_size()
    if columns < 80 or rows < 24:
        text = f"{columns}x{rows}"
        yield Finding(WARN, "size", text, "80x24 at least; 120x36 shows all panes at once")
    else:
        yield Finding(OK, "size", f"{columns}x{rows}")
    encoding = sys.stdout.encoding.lower()
    if encoding.replace("-", "") == "utf8":
        yield Finding(OK, "encoding", encoding)
    else:
        yield Finding(BAD, "encoding", encoding, "set LC_ALL=C.UTF-8 or PYTHONUTF8=1")
    if os.environ.get("TMUX"):
        yield _tmux()


def _kind(term: str, color: str) -> Finding:
    if term in ("", "dumb", "unknown"):
        advice = "set TERM, or use --plain"
        return Finding(BAD, "terminal", f"TERM is {term or 'not set'}", advice)
    if os.environ.get("NO_COLOR"):
        return Finding(OK, "terminal", f"{term}, NO_COLOR")
    if color in ("truecolor", "24bit"):
        return Finding(OK, "terminal", f"{term}, all colours")
    if "256" in term:
        return Finding(OK, "terminal", f"{term}, 256 colours")
    return Finding(WARN, "terminal", f"{term}, 16 colours", "TERM=xterm-256color looks better")


def _tmux() -> Finding:
    import subprocess

    command = ["tmux", "show-options", "-sv", "set-clipboard"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=2, check=True)
    except (OSError, subprocess.SubprocessError):
        return Finding(WARN, "tmux", "does not answer", "copying may not work")
    value = clean(answer.stdout.strip(), 20)
    if value == "on":
        return Finding(OK, "tmux", "set-clipboard on")
    return Finding(WARN, "tmux", f"set-clipboard {value}", "to copy, tmux set -s set-clipboard on")
