"""A live desk whose LPs all go down: the pool answers, with that down too the dealer reads why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from lpdesk import config
from lpdesk.bootstrap import LiveDesk
from lpdesk.domain.commands import CancelRfq
from lpdesk.domain.entry import parse_request
from lpdesk.domain.events import RfqOpened
from lpdesk.domain.reports import LpStreamed
from lpdesk.sandbox import LpEndpoint, Mood, Sandbox, start_sandbox
from lpdesk.sandbox.chain import POOL, Chain
from lpdesk.views import Card

D = Decimal
LPS = ("kepler", "borel")


def the_config(path: Path, lps: list[LpEndpoint], chain: Chain) -> Path:
    """Two stand-in LPs, and a pool that is only asked when neither can quote."""
    text = "[rules]\nstale_after_seconds = 1\nbreaker_retry_seconds = 0.2\n"
    text += "breaker_failures = 1\nrfq_duration_seconds = 2\n"
    for lp in lps:
        text += (
            f'[[lps]]\nname = "{lp.name}"\nkind = "{lp.kind}"\nurl = "{lp.url}"\n'
            f'key = "{lp.key}"\nsecret = "{lp.secret}"\ntimeout_seconds = 0.5\n'
        )
    text += (
        f'[[lps]]\nname = "pool"\nkind = "pool"\nurl = "{chain.url}"\ntier = "fallback"\n'
        f'pairs = ["BTC/USDT"]\n[lps.options]\ncurve = "product"\ndecimals = ["8", "6"]\n'
        f'pool = "{POOL}"\nsigner = "stand-in"\n'
    )
    path.write_text(text)
    return path


@asynccontextmanager
async def a_desk(tmp_path: Path) -> AsyncIterator[tuple[LiveDesk, Sandbox, Chain]]:
    sandbox = await start_sandbox(7)
    chain = Chain(3000 * 10**8, 300_000_000 * 10**6)
    chain.url = await chain.start()
    lps = [lp for lp in sandbox.lps if lp.name in LPS]
    path = the_config(tmp_path / "desk.toml", lps, chain)
    desk = LiveDesk(config.load(path, {}), tmp_path / "t.db", 1)
    await desk.start()
    try:
        yield desk, sandbox, chain
    finally:
        await desk.close()
        await chain.close()
        await sandbox.close()


async def until(desk: LiveDesk, holds: Callable[[], object]) -> None:
    """Wait for a condition on what the screen would show."""
    changed = asyncio.Event()
    desk.listeners.append(lambda record: changed.set())
    async with asyncio.timeout(15):
        while not holds():
            changed.clear()
            await changed.wait()


def tick(desk: LiveDesk) -> None:
    """Something to compare the pool's price with."""
    desk.runtime.report(
        LpStreamed(
            lp="x",
            symbol="BTC/USDT",
            bid=D(99_990),
            ask=D(100_010),
            bid_size=D(1),
            ask_size=D(1),
        )
    )


async def asked(desk: LiveDesk) -> Card:
    """A request with its price, or without one at its end."""
    tick(desk)
    line = parse_request("b 0.1 btcusdt", desk.runtime.view.settings.pairs)
    opened = next(e for e in await desk.session.submit(line) if isinstance(e, RfqOpened))

    def seen() -> Card:
        card = desk.runtime.view.card(opened.rfq_id)
        assert card is not None
        return card

    await until(desk, lambda: seen().quote or seen().end)
    card = seen()
    if card.end is None:
        await desk.session.submit(CancelRfq(rfq_id=card.rfq_id))
    return card


@pytest.mark.long
async def test_the_pool_answers_when_no_lp_does_and_an_lp_that_is_back_is_used(
    tmp_path: Path,
) -> None:
    async with a_desk(tmp_path) as (desk, sandbox, chain):
        first = await asked(desk)
        assert first.quote and first.quote.lp in LPS
        for name in LPS:
            sandbox.venue(name).become(moods={Mood.DARK: 1.0})
        fallback = await asked(desk)
        assert fallback.quote and fallback.quote.lp == "pool"
        await chain.close()
        nobody = await asked(desk)
        while nobody.quote:  # until what was read of the pool is too old to be dealt on
            nobody = await asked(desk)
        why = desk.runtime.view.notices[0].text
        assert why.startswith(f"{nobody.rfq_id} no liquidity")
        assert all(name in why for name in (*LPS, "pool")), why
        for name in LPS:
            sandbox.venue(name).become(moods={})
        again = await asked(desk)
        while again.quote is None or again.quote.lp not in LPS:  # until a probe has gone well
            again = await asked(desk)
        assert desk.runtime.view.status.uncovered == 0
