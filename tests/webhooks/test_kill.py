"""`kill -9` at any moment between a settlement and its webhooks: K11 and K12 of the fault matrix.

A real desk dies again and again; its endpoints are in this process, answer 500, 410, 429, hang and
cut, and remember what they took. In the end each has taken every webhook that the journal owes it:
none missing, and one effect each for a receiver that remembers ids.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from random import Random

import pytest

from lpdesk.domain import events as ev
from lpdesk.journal import outbox
from lpdesk.journal.reader import read
from lpdesk.replay import verify
from lpdesk.sandbox import start_sandbox
from tests.cli.processes import lines, process
from tests.conftest import eventually
from tests.venues.liar import Liar, Said, answer, liar
from tests.webhooks.receiver import BROKEN, CUTS, GONE, HANGS, OK, is_signed
from tests.webhooks.test_desk import ALLOWED, hook

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL"),
]

ROUNDS = 20
PATIENCE_S = 60.0
TEMPERS = [
    OK,
    OK,
    OK,
    BROKEN,
    CUTS,
    HANGS,
    GONE,
    answer(status=429, Retry_After="1"),
    Said(then="reset"),
]
QUICK = (*ALLOWED, "timeout_seconds = 0.2")


class Receiver:
    """An endpoint of any temper, and what it has taken: id -> bodies."""

    def __init__(self, server: Liar, seed: int) -> None:
        self.server = server
        self.random = Random(f"{seed}:temper")
        self.taken: dict[str, set[bytes]] = {}
        self.calls = 0
        server.script = self  # type: ignore[assignment]
        self.good = False

    def __bool__(self) -> bool:
        return True

    def popleft(self) -> Said:
        """What the next call is answered; a call that is answered 2xx has been taken."""
        self.calls += 1
        said = OK if self.good else self.random.choice(TEMPERS)
        if said is OK:
            heard = self.server.heard[-1]
            assert is_signed(heard)
            self.taken.setdefault(heard.headers["webhook-id"], set()).add(heard.body)
        return said


@asynccontextmanager
async def receiver(seed: int) -> AsyncIterator[Receiver]:
    async with liar() as server:
        yield Receiver(server, seed)


def says(desk: Process, line: str) -> None:
    assert desk.stdin is not None
    desk.stdin.write(f"{line}\n".encode())


def enable(desk: Process) -> None:
    """Whoever said that it is gone is there again."""
    for party in ("acme", "otc"):
        says(desk, f"webhook enable {party}-hook")


async def settle_until(desk: Process, word: str) -> None:
    """A dealer at work: deals for tomorrow, gathers, settles; until `word` is on the screen."""
    async for line in lines(desk):
        if word in line:
            return
        said = line.split()
        if " desk open" in line:
            enable(desk)
            says(desk, "b 0.01 btc/usdt @acme t+1")
        elif " LOCK " in line:
            says(desk, "p")
        elif " pending settlement" in line or "settles " in line:
            says(desk, f"settle new {next(each for each in said if each.startswith('T-'))}")
        elif " created (" in line:
            says(desk, f"settle {said[1]}")
    raise AssertionError(f"no {word!r}")


async def kill_at(where: tuple[str, ...], word: str, delay_ms: float) -> None:
    async with process("-m", "tests.webhooks.hasty", *where, "--plain", stdin=PIPE) as desk:
        async with asyncio.timeout(PATIENCE_S):
            await settle_until(desk, word)
        await asyncio.sleep(delay_ms / 1_000)


async def let_finish(where: tuple[str, ...], journal: Path) -> None:
    async with process("-m", "tests.webhooks.hasty", *where, "--plain", stdin=PIPE) as desk:
        async for line in lines(desk):
            if " desk open" in line:
                break
        enable(desk)
        reading = asyncio.create_task(_drain(desk))
        await eventually(
            lambda: {each.state for each in outbox.deliveries(journal)} == {"delivered"}, PATIENCE_S
        )
        says(desk, "q")
        async with asyncio.timeout(PATIENCE_S):
            await reading


async def _drain(desk: Process) -> None:
    async for _ in lines(desk):
        pass


async def test_none_is_missing_and_none_has_two_bodies(tmp_path: Path) -> None:
    sandbox = await start_sandbox(7, only=["kepler"], directory=tmp_path / "books")
    sandbox.venue("kepler").become(latency_ms=(0, 1, 2), validity_ms=60_000)
    random = Random("1:moments")
    journal, toml = tmp_path / "desk.db", tmp_path / "desk.toml"
    async with receiver(1) as acme, receiver(2) as otc:
        toml.write_text(
            "[rules]\nprice_band_bps = 5000\n"
            + sandbox.config_toml()
            + hook("organization", "acme", acme.server.url, *QUICK)
            + hook("trade_desk", "otc", otc.server.url, *QUICK)
        )
        toml.chmod(0o600)
        where = ("--config", str(toml), "--journal", str(journal))
        for _ in range(ROUNDS):
            word = random.choice([" created (", " settled", " settled"])
            await kill_at(where, word, random.choice([0, random.uniform(0, 20), 150]))
        acme.good = otc.good = True
        await let_finish(where, journal)
        await sandbox.close()
    events = [event for record in read(journal) for event in record.events]
    owed = [event for event in events if isinstance(event, ev.WebhookQueued)]
    settlings = Counter(type(event) for event in events if isinstance(event, ev.Settling))
    assert len(owed) == sum(settlings.values()) >= ROUNDS  # K11: queued exactly once
    for party in (acme, otc):
        assert {event.event_id for event in owed} == set(party.taken)  # none missing
        for event in owed:  # one body, whatever try: one effect for who remembers ids
            assert party.taken[event.event_id] == {event.payload.encode()}
    assert acme.calls + otc.calls > 2 * len(owed)  # some were really sent more than once
    with closing(sqlite3.connect(journal)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
    assert count == len(owed) and verify(journal).ok
