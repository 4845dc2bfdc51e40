"""A real desk against stand-ins that misbehave: after one run its books are theirs, or a break."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lpdesk import config
from lpdesk.bootstrap import LiveDesk
from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.values import Dealt, Side, number
from lpdesk.journal.reader import read
from lpdesk.replay import verify
from lpdesk.sandbox import Mood, Sandbox, Venue, start_sandbox
from tests.cli.conftest import Command
from tests.conftest import eventually

LP = "kepler"


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    it = await start_sandbox(7, only=[LP], directory=tmp_path / "books")
    it.venue(LP).become(latency_ms=(0, 1, 2), validity_ms=60_000, rate_per_second=1_000)
    yield it
    await it.close()


@pytest.fixture
def toml(tmp_path: Path, sandbox: Sandbox) -> Path:
    path = tmp_path / "desk.toml"
    path.write_text(
        "[rules]\nunfound_grace_seconds = 60\nbreaker_failures = 1000\nprice_band_bps = 5000\n"
        "[reconcile]\nevery_minutes = 0\nyoung_seconds = 0\n"
        + sandbox.config_toml().replace("timeout_seconds = 2.0", "timeout_seconds = 0.3")
    )
    path.chmod(0o600)
    return path


@pytest.fixture
async def desk(tmp_path: Path, toml: Path) -> AsyncIterator[LiveDesk]:
    live = LiveDesk(config.load(toml), tmp_path / "desk.db", 7)
    await live.start()
    yield live
    await live.close()


async def deal(desk: LiveDesk, venue: Venue, *moods: Mood) -> str:
    """One trade that the LP treats as said; its id, once the desk has heard or given up."""
    asked = cmd.RequestQuote(
        symbol="BTC/USDT", side=Side.BUY, dealt=Dealt.BASE, amount=number("0.5")
    )
    await desk.session.submit(asked)
    quote = await eventually(lambda: desk.session.view.rfqs[0].quote)
    venue.script(*moods)
    accept = cmd.AcceptQuote(rfq_id=desk.session.view.rfqs[0].rfq_id, quote_id=quote.quote_id)
    events = await desk.session.submit(accept)
    opened = next(event for event in events if isinstance(event, ev.TradeOpened))
    await eventually(lambda: state(desk, opened.trade_id) != "executing")
    return opened.trade_id


def state(desk: LiveDesk, trade_id: str) -> str:
    return desk.session.view.trade(trade_id).state


async def reconcile(desk: LiveDesk) -> ev.Reconciled | ev.ReconciliationMissed:
    heard: asyncio.Future[ev.Reconciled | ev.ReconciliationMissed] = asyncio.Future()

    def listen(record) -> None:
        for event in record.events:
            if isinstance(event, ev.Reconciled | ev.ReconciliationMissed) and not heard.done():
                heard.set_result(event)

    desk.listeners.append(listen)
    await desk.session.submit(cmd.Reconcile())
    return await heard


async def assert_same_books(desk: LiveDesk, venue: Venue) -> None:
    """I19: what the LP has on record is in our ledger, each execution once."""
    theirs = [each for each in await venue.executions() if each.status != "REJECTED"]
    legs = [
        event
        for record in read(desk.path)
        for event in record.events
        if isinstance(event, ev.LegFilled)
    ]
    assert sorted(leg.execution_id for leg in legs) == sorted(e.execution_id for e in theirs)
    assert desk.runtime is not None
    ledger = desk.runtime.desk.state.ledger
    assert -ledger.balances[f"lp:{LP}", "BTC"] == sum(number(e.fill_quantity) for e in theirs)


def standings(desk: LiveDesk) -> list[str]:
    return [row.reconciliation.value for row in reversed(desk.session.view.trades)]


MOODS = [
    (Mood.RESET_AFTER_FILL, "UNKNOWN", [ev.Rule.FILLED_BY_LIST]),
    (Mood.ERROR_AFTER_FILL, "UNKNOWN", [ev.Rule.FILLED_BY_LIST]),
    (Mood.HANG_AFTER_FILL, "UNKNOWN", [ev.Rule.FILLED_BY_LIST]),
    (Mood.WORSE_FILL, "settled", []),
    (Mood.PARTIAL, "settled", []),
    (Mood.REJECT, "failed", []),
]


async def test_villains_and_one_run_after_each(desk: LiveDesk, sandbox: Sandbox) -> None:
    venue = sandbox.venue(LP)
    for count, (mood, first, mended) in enumerate(MOODS, 1):
        venue.script(Mood.LOSE_STATUS, times=100)  # status queries are answered 404 meanwhile
        trade = await deal(desk, venue, mood)
        assert state(desk, trade) == first
        told = await reconcile(desk)
        assert isinstance(told, ev.Reconciled) and told.listed == count
        assert [each.rule for each in told.mended] == mended
        assert state(desk, trade) == first.replace("UNKNOWN", "settled")
    assert standings(desk) == ["matched"] * len(MOODS)
    await assert_same_books(desk, venue)
    kinds = sorted(row.kind for row in desk.session.view.breaks.rows)
    assert kinds == ["partial fill", "worse price"]


async def test_pending_for_ever_stays_unknown(desk: LiveDesk, sandbox: Sandbox) -> None:
    trade = await deal(desk, sandbox.venue(LP), Mood.PENDING)
    told = await reconcile(desk)
    assert isinstance(told, ev.Reconciled) and told.listed == 1
    assert state(desk, trade) == "UNKNOWN" and standings(desk) == ["unknown"]


async def test_a_second_fill_that_nobody_told_us_of(desk: LiveDesk, sandbox: Sandbox) -> None:
    venue = sandbox.venue(LP)
    trade = await deal(desk, venue, Mood.DOUBLE_FILL)
    assert state(desk, trade) == "settled" and desk.session.view.breaks.rows == ()
    await reconcile(desk)
    assert [row.kind for row in desk.session.view.breaks.rows] == ["double fill"]
    assert [lp.state for lp in desk.session.view.status.lps if lp.name == LP] == ["blocked"]
    await assert_same_books(desk, venue)


def often(toml: Path) -> config.Config:
    text = toml.read_text().replace("every_minutes = 0", "every_minutes = 0.003")
    toml.write_text(text)
    return config.load(toml)


async def test_a_desk_compares_by_itself(toml: Path, sandbox: Sandbox) -> None:
    live = LiveDesk(often(toml), toml.parent / "desk.db", 7)
    await live.start()
    try:
        await deal(live, sandbox.venue(LP), Mood.DOUBLE_FILL)
        await eventually(lambda: live.session.view.breaks.open)
        assert [row.kind for row in live.session.view.breaks.open] == ["double fill"]
        await assert_same_books(live, sandbox.venue(LP))
    finally:
        await live.close()


async def test_the_command_tells_breaks_and_says_so_with_its_exit_code(
    desk: LiveDesk, sandbox: Sandbox, toml: Path, lpdesk: Command
) -> None:
    venue = sandbox.venue(LP)
    await deal(desk, venue)
    await desk.close()
    where = ("--config", toml, "--journal", desk.path)
    fine = await asyncio.to_thread(lpdesk, "reconcile", *where)
    assert (fine.exit_code, fine.stdout) == (
        0, "kepler: 1 on its list, 1 orders compared\nno breaks\n",
    )  # fmt: skip

    async with venue._dealing:
        venue.book._db.execute("UPDATE executions SET fill_quantity = '0.6'")
    wrong = await asyncio.to_thread(lpdesk, "reconcile", *where, "--since", "2020-01-01", "--json")
    run, found = map(json.loads, wrong.stdout.splitlines())
    assert wrong.exit_code == 5 and (run["lp"], run["ok"]) == (LP, True)
    assert (found["kind"], found["text"]) == ("amount differs", "we have 0.5, it says 0.6")
    assert found["owner"] == "operations" and found["age_seconds"] >= 0

    venue.become(moods={Mood.DARK: 1.0})
    dark = await asyncio.to_thread(lpdesk, "reconcile", *where)
    assert dark.exit_code == 6 and "kepler: no list" in dark.stdout
    bad = await asyncio.to_thread(lpdesk, "reconcile", *where, "--since", "2199-01-01")
    assert bad.exit_code == 2 and "is not past" in bad.stderr
    assert verify(desk.path).ok
