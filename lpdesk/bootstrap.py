"""Builds desks: live, with or without a screen, on configured LPs or on the embedded sandbox.

Imports no TUI. The network and the sandbox are imported when they start, after the first paint.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lpdesk import __version__, config
from lpdesk.clock import SystemClock
from lpdesk.config import Config
from lpdesk.domain import settings as s
from lpdesk.domain.values import SECOND
from lpdesk.journal.store import Journal
from lpdesk.runtime import Listener, LiveSession, Runtime

if TYPE_CHECKING:
    from lpdesk.sandbox import LpEndpoint, Sandbox
    from lpdesk.venues.base import Endpoint
    from lpdesk.venues.gateway import Gateway

SANDBOX = "SANDBOX"
LIVE = "LIVE"


def default_journal(conf: Config) -> Path:
    """The configured journal, or one in the user's state folder; the sandbox has its own."""
    if conf.desk.journal is not None:
        return conf.desk.journal.expanduser()
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / "lpdesk" / ("desk.db" if conf.lps else "sandbox.db")


class LiveDesk:
    """One running desk. `session` may be shown before `start` and after `close`."""

    def __init__(self, conf: Config, journal: Path | None, seed: int) -> None:
        self.config = conf
        self.path = journal or default_journal(conf)
        self.seed = seed
        self.session = LiveSession(SystemClock())
        self.failed: asyncio.Future[BaseException] | None = None
        self.listeners: list[Listener] = []
        self._journal: Journal | None = None
        self._gateway: Gateway | None = None
        self._sandbox: Sandbox | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the journal, resume from it, find the LPs, open for business.

        Raises `JournalError` when the journal cannot be used, `ValueError` for an unusable LP.
        """
        self.failed = asyncio.get_running_loop().create_future()
        self._journal = await Journal.open(self.path)
        runtime = Runtime(self._journal, self.session.clock)
        runtime.listeners = self.listeners  # they hear the first record, too
        await runtime.resume()
        if self.config.lps:
            terms, endpoints = _configured(self.config)
            environment = LIVE
        else:
            terms, endpoints = await self._embedded()
            environment = SANDBOX
        self._gateway = _gateway(runtime, endpoints)
        await self._gateway.start()
        settings = config.settings(self.config, terms, environment)
        self._task = asyncio.create_task(runtime.run(), name="desk")
        self._task.add_done_callback(self._ended)
        self.session.runtime = runtime
        await runtime.open(secrets.token_hex(4), settings, __version__, self._gateway.send)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """The desk stopped by itself: whoever runs it must hear of it."""
        if task.cancelled() or self.failed is None or self.failed.done():
            return
        error = task.exception()
        if error is not None:
            self.failed.set_result(error)

    async def close(self, why: str = "closed") -> None:
        """Last record, then everything that was opened, in reverse. Harmless twice."""
        if self.session.runtime and self._task and not self._task.done():
            await self.session.runtime.close(why)
            await asyncio.wait([self._task], timeout=5)
        if self._gateway:
            await self._gateway.close()
        if self._sandbox:
            await self._sandbox.close()
        if self._journal:
            await self._journal.close()

    async def quiet(self, patience_s: float) -> None:
        """Wait until no trade is under way, or `patience_s` has passed."""
        runtime = self.session.runtime
        if runtime is None:
            return
        changed = asyncio.Event()
        runtime.listeners.append(lambda record: changed.set())
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while any(row.under_way for row in runtime.view.trades):
                    changed.clear()
                    await changed.wait()

    async def _embedded(self) -> tuple[tuple[s.Lp, ...], Sequence[Endpoint]]:
        """Stand-in LPs on loopback, in this process, that know nothing of the desk."""
        from lpdesk.sandbox import start_sandbox

        self._sandbox = await start_sandbox(self.seed, cast=self.config.sandbox.cast)
        symbols = tuple(pair.symbol for pair in self.config.pairs)
        terms = tuple(_sandbox_terms(lp, symbols) for lp in self._sandbox.lps)
        return terms, [_sandbox_endpoint(lp, symbols) for lp in self._sandbox.lps]


def _gateway(runtime: Runtime, endpoints: Sequence[Endpoint]) -> Gateway:
    from lpdesk.venues.base import VENUES
    from lpdesk.venues.gateway import Gateway

    venues = [VENUES[lp.kind](lp, runtime.report, runtime.clock) for lp in endpoints]
    return Gateway(venues, runtime.report)


def _configured(conf: Config) -> tuple[tuple[s.Lp, ...], Sequence[Endpoint]]:
    """The LPs of the configuration. Raises ValueError on a kind that nothing speaks."""
    from lpdesk.venues.base import VENUES, Endpoint

    symbols = tuple(pair.symbol for pair in conf.pairs)
    for index, lp in enumerate(conf.lps):
        if lp.kind not in VENUES:
            raise ValueError(f"lps.{index}.kind: one of {', '.join(VENUES)}")
    endpoints = [
        Endpoint(
            name=lp.name,
            kind=lp.kind,
            url=lp.url,
            key=config.resolve_secret(lp.key),
            secret=config.resolve_secret(lp.secret),
            timeout_ns=config.lp_terms(lp).timeout_ns,
            symbols=lp.pairs or symbols,
        )
        for lp in conf.lps
    ]
    return tuple(config.lp_terms(lp) for lp in conf.lps), endpoints


def _sandbox_terms(lp: LpEndpoint, symbols: tuple[str, ...]) -> s.Lp:
    return config.lp_terms(
        config.LpTable(
            name=lp.name,
            kind=lp.kind,
            url=lp.url,
            tier=lp.tier,
            pairs=tuple(pair for pair in lp.pairs if pair in symbols),
            timeout_seconds=str(lp.timeout_seconds),  # type: ignore[arg-type]
            rate_per_second=lp.rate_per_second,  # type: ignore[arg-type]
            fee_bps=lp.fee_bps,
        )
    )


def _sandbox_endpoint(lp: LpEndpoint, symbols: tuple[str, ...]) -> Endpoint:
    from lpdesk.venues.base import Endpoint

    return Endpoint(
        name=lp.name,
        kind=lp.kind,
        url=lp.url,
        key=lp.key,
        secret=lp.secret,
        timeout_ns=int(lp.timeout_seconds * SECOND),
        symbols=tuple(pair for pair in lp.pairs if pair in symbols),
    )
