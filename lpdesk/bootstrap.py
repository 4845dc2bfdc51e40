"""Builds a live desk, with or without a screen: journal, runtime, outside. Imports no TUI."""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lpdesk import __version__
from lpdesk.clock import SystemClock
from lpdesk.config import Config
from lpdesk.journal.store import Journal
from lpdesk.outside import Outside
from lpdesk.runtime import Listener, Runtime
from lpdesk.session import LiveSession
from lpdesk.snapshots import Snapshots
from lpdesk.strategies import found

if TYPE_CHECKING:
    from lpdesk.api.access import Key
    from lpdesk.api.server import Api


def default_journal(conf: Config) -> Path:
    """The configured journal, or one in the user's state folder; the sandbox has its own."""
    if conf.desk.journal is not None:
        return conf.desk.journal.expanduser()
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / "lpdesk" / ("desk.db" if conf.lps else "sandbox.db")


class LiveDesk:
    """One running desk. `session` may be shown before `start` and after `close`."""

    def __init__(
        self,
        conf: Config,
        journal: Path | None,
        seed: int,
        session: LiveSession | None = None,
        *,
        served: bool = True,
    ) -> None:
        """`served` false: not over HTTP, whatever the configuration says."""
        self.config = conf
        self._served = served and conf.api.enabled
        self.path = journal or default_journal(conf)
        self.session = session or LiveSession(SystemClock())
        self.failed: asyncio.Future[BaseException] | None = None
        self.listeners: list[Listener] = []
        self.runtime: Runtime | None = None
        self._journal: Journal | None = None
        self._snapshots: Snapshots | None = None
        self._api: Api | None = None
        self.throwaway_keys: list[Key] = []
        """The keys that a sandbox without any is served with."""
        self._outside = Outside(conf, seed, self.path)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the journal, resume from it, find the LPs, open for business.

        Raises `JournalError` when the journal cannot be used, `ValueError` for an unusable LP.
        """
        self.failed = asyncio.get_running_loop().create_future()
        self._journal = await Journal.open(self.path)
        runtime = Runtime(self._journal, self.session.clock, found().strategies)
        runtime.listeners = self.listeners  # they hear the first record, too
        recalled = await runtime.resume(self.session.has_read)
        self._snapshots = Snapshots(self.path, recalled)
        self.listeners.append(self._snapshots.heard)
        settings = await self._outside.start(runtime)
        self._task = asyncio.create_task(runtime.run(), name="desk")
        self._task.add_done_callback(self._ended)
        self.runtime = self.session.engine = runtime
        await runtime.open(secrets.token_hex(4), settings, __version__, self._outside.send)
        await self._outside.open(runtime)
        if self._served:
            await self._serve()

    async def _serve(self) -> None:
        """The desk over HTTP, in this loop. Raises OSError when the address cannot be had."""
        from lpdesk.api import settings
        from lpdesk.api.server import Api

        conf = self.config
        keys = settings.keys(conf)
        if not keys and not conf.lps:
            keys = self.throwaway_keys = settings.throwaway_keys(conf)
        self._api = await Api.open(
            self.session,
            self.path,
            self.listeners.append,
            keys,
            settings.terms(conf),
            (conf.api.host, conf.api.port),
            settings.limits(conf),
        )

    def look_again(self) -> None:
        """The clock was set forward: what waits for a time outside may be due."""
        self._outside.look_again()

    @property
    def port(self) -> int | None:
        """Where the desk is served, if it is."""
        return self._api.port if self._api else None

    def _ended(self, task: asyncio.Task[None]) -> None:
        """The desk stopped by itself: whoever runs it must hear of it."""
        if task.cancelled() or self.failed is None or self.failed.done():
            return
        error = task.exception()
        if error is not None:
            self.failed.set_result(error)

    async def close(self, why: str = "closed") -> None:
        """Last record, then everything that was opened, in reverse. Harmless twice."""
        if self._api:
            await self._api.close()
        if self.runtime and self._task and not self._task.done():
            await self.runtime.close(why)
            await asyncio.wait([self._task], timeout=5)
        await self._outside.close()
        if self._snapshots:
            await self._snapshots.close()
        if self._journal:
            await self._journal.close()

    async def quiet(self, patience_s: float) -> None:
        """Wait until no trade is under way, or `patience_s` has passed."""
        runtime = self.runtime
        if runtime is None:
            return
        changed = asyncio.Event()
        runtime.listeners.append(lambda record: changed.set())
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while any(row.under_way for row in runtime.view.trades):
                    changed.clear()
                    await changed.wait()
