"""One FIX connection after another: sockets, TLS, back-off, and the disk before every write."""

from __future__ import annotations

import asyncio
import sqlite3
import ssl
from contextlib import suppress
from random import Random
from typing import Final, Protocol
from urllib.parse import urlsplit

from lpdesk.clock import Clock
from lpdesk.domain.values import SECOND, Instant
from lpdesk.venues.base import Endpoint
from lpdesk.venues.fix.codec import Frames, Message, Pair, decode, utc
from lpdesk.venues.fix.login import RECIPES, Hello
from lpdesk.venues.fix.profile import Profile
from lpdesk.venues.fix.session import Outgoing, Phase, Session
from lpdesk.venues.fix.store import Store
from lpdesk.venues.mutual import context

OPEN_S: Final = 5.0
TICK_S = 0.1
READ: Final = 65_536
FAREWELL_S = 0.1
STEADY_NS: Final = 10 * SECOND
BACKOFF_S = 0.5
BACKOFF_CAP_S: Final = 30.0
PARTIAL_NS = SECOND
"""A message that stops in the middle for so long is garbled: its length may be a lie."""

SAVE_NS: Final = SECOND // 4
"""How long what was only received may stay unsaved: after a crash a resend brings it again."""


class Hearer(Protocol):
    """What the link tells. Nothing of it may block or raise."""

    def up(self) -> None:
        """Logged on."""
        ...

    def heard(self, message: Message) -> None:
        """A message of the application, in order, once."""
        ...

    def wrote(self, ref: str) -> None:
        """The bytes of `ref` have left, as far as we can know."""
        ...

    def withheld(self, ref: str, *, late: bool) -> None:
        """The bytes of `ref` have not left and will not: too late, or the connection is gone."""
        ...

    def down(self, text: str) -> None:
        """The connection is gone. `text` says why, for people."""
        ...


class Link:
    """Keeps one session connected. Raises ValueError for an address or login that cannot work."""

    def __init__(
        self, endpoint: Endpoint, profile: Profile, store: Store, clock: Clock, hearer: Hearer
    ) -> None:
        parts = urlsplit(endpoint.url)
        if parts.scheme not in ("fix", "fixs") or not parts.hostname or not parts.port:
            raise ValueError(f"{endpoint.name}: url must be fix(s)://host:port")
        self._host, self._port = parts.hostname, parts.port
        secure = parts.scheme == "fixs"
        self._tls = (context(endpoint) or ssl.create_default_context()) if secure else None
        self._endpoint = endpoint
        self._profile = profile
        self._store = store
        self._clock = clock
        self._hearer = hearer
        self._random = Random(f"venue:{endpoint.name}")
        self._wake, self._gone = asyncio.Event(), asyncio.Event()
        self._saved, self._saved_at, self._saved_epoch = (store.next_out, store.next_in), 0, 0
        self._frames, self._fed_at = Frames(), 0
        self.garbled = 0
        try:
            self._proof(1, clock.now())
        except (ValueError, KeyError, ImportError) as bad:
            raise ValueError(f"{endpoint.name}: login {profile.login}: {bad}") from None
        self.session = Session(profile, self._proof, store)

    @property
    def is_up(self) -> bool:
        return self.session.phase is Phase.UP and not self.session.over

    @property
    def refused(self) -> str:
        """The LP's words when it did not let us in; empty otherwise."""
        return self.session.refused

    def send(
        self,
        kind: str,
        body: list[Pair],
        *,
        order_id: str = "",
        send_by: Instant | None = None,
        ref: str = "",
    ) -> int:
        """Put a message on its way; its number. Only while `is_up`."""
        number = self.session.send(
            kind, body, self._clock.now(), order_id=order_id, send_by=send_by, ref=ref
        )
        self._wake.set()
        return number

    async def run(self) -> None:
        """Connect, again and again, until cancelled."""
        failures = 0
        while True:
            began = self._clock.now()
            text = await self._connection()
            self.session.disconnected()
            self._gone.set()
            self._hearer.down(text)
            steady = self._clock.now() - began > STEADY_NS
            failures = 0 if steady else failures + 1
            ceiling_s = min(BACKOFF_CAP_S, BACKOFF_S * 2 ** min(failures, 16))
            await asyncio.sleep(self._random.uniform(0, ceiling_s))

    async def leave(self) -> None:
        """Log out and give the peer a moment to answer; `run` is still running."""
        if not self.is_up:
            return
        self.session.leave("the desk closes", self._clock.now())
        self._wake.set()
        self._gone.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self._gone.wait()

    def save_numbers(self) -> None:
        """What was received last, for the next start."""
        numbers = self.session.next_out, self.session.next_in
        if numbers != self._saved:
            self._store.save((), *numbers, reset=False)
            self._saved = numbers

    # ---- one connection

    async def _connection(self) -> str:
        """From its opening to its end; why it ended."""
        try:
            async with asyncio.timeout(OPEN_S):
                reader, writer = await asyncio.open_connection(
                    self._host, self._port, ssl=self._tls, limit=READ
                )
        except (OSError, TimeoutError, ssl.SSLError):
            return "cannot connect"
        self.session.connected(self._clock.now())
        self._wake.set()
        jobs = [
            asyncio.ensure_future(job)
            for job in (self._read(reader), self._write(writer), self._tick())
        ]
        try:
            done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
            self._drop_unwritten()
            writer.transport.abort()
        texts = [job.result() for job in done]  # a bug is heard here
        return self.session.over or texts[0]

    def _drop_unwritten(self) -> None:
        for each in self.session.out:
            if each.ref:
                self._hearer.withheld(each.ref, late=False)
        self.session.out = []

    async def _read(self, reader: asyncio.StreamReader) -> str:
        self._frames = Frames()
        while True:
            try:
                data = await reader.read(READ)
            except (OSError, ssl.SSLError):
                return "connection broken"
            if not data:
                return "connection closed"
            self._fed_at = self._clock.now()
            self._take_all(self._frames.feed(data))

    def _take_all(self, frames: list[bytes]) -> None:
        for frame in frames:
            self._take(decode(frame))
        self.garbled += self._frames.garbled
        self._frames.garbled = 0
        self._wake.set()

    def _take(self, message: Message) -> None:
        session = self.session
        was_up = self.is_up
        session.received(message, self._clock.now())
        if not was_up and self.is_up:
            self._hearer.up()
        heard, session.app = session.app, []
        for each in heard:
            self._hearer.heard(each)
        dropped, session.dropped = session.dropped, []
        for ref in dropped:
            self._hearer.withheld(ref, late=False)

    async def _tick(self) -> str:
        while True:
            await asyncio.sleep(TICK_S)
            if self._frames.waiting and self._clock.now() - self._fed_at > PARTIAL_NS:
                self._take_all(self._frames.give_up())
            self.session.tick(self._clock.now())
            self._wake.set()

    async def _write(self, writer: asyncio.StreamWriter) -> str:
        """Saves, then writes, then saves; a round for whatever has come together meanwhile."""
        session = self.session
        while True:
            await self._wake.wait()
            self._wake.clear()
            over, batch = session.over, session.out
            session.out = []
            epoch = session.epoch
            try:
                await self._save(batch)
            except BaseException as trouble:
                session.out = batch + session.out  # nothing of it was written
                if isinstance(trouble, sqlite3.Error):
                    return "the session file cannot be written"
                raise
            for each in batch:
                self._let_out(each, writer, stale=epoch != session.epoch)
            try:
                await writer.drain()
                if over:
                    writer.close()
                    async with asyncio.timeout(FAREWELL_S):
                        await writer.wait_closed()
            except (OSError, TimeoutError, ssl.SSLError):
                return "connection broken"
            if over:
                return over

    async def _save(self, batch: list[Outgoing]) -> None:
        session = self.session
        sent = [each.sent for each in batch if each.sent is not None]
        numbers, epoch = (session.next_out, session.next_in), session.epoch
        reset = epoch != self._saved_epoch
        now = self._clock.now()
        if not sent and not reset and (numbers == self._saved or now - self._saved_at < SAVE_NS):
            return
        self._saved_at = now
        if self._store.durable:
            await asyncio.to_thread(self._store.save, sent, *numbers, reset=reset)
        else:
            self._store.save(sent, *numbers, reset=reset)
        self._saved, self._saved_epoch = numbers, epoch

    def _let_out(self, each: Outgoing, writer: asyncio.StreamWriter, *, stale: bool) -> None:
        if stale:
            if each.ref:
                self._hearer.withheld(each.ref, late=False)
            return
        now = self._clock.now()
        held = not self._endpoint.outlet.open
        if each.send_by is not None and (held or now > each.send_by):
            writer.write(self.session.void(each.number, now))
            self._hearer.withheld(each.ref, late=True)
            return
        writer.write(each.raw)
        if each.ref:
            self._hearer.wrote(each.ref)

    def _proof(self, number: int, now: Instant) -> list[Pair]:
        hello = Hello(
            key=self._endpoint.key,
            secret=self._endpoint.secret,
            passphrase=self._profile.passphrase,
            sender=self._profile.sender,
            target=self._profile.target,
            number=number,
            sending_time=utc(now),
            at=now,
        )
        return RECIPES[self._profile.login](hello)
