"""A real desk tells both parties of a settlement, whatever their endpoints do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lpdesk import config
from lpdesk.bootstrap import LiveDesk
from lpdesk.config import BadConfig
from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.entry import parse_request
from lpdesk.journal import outbox
from lpdesk.replay import verify
from lpdesk.sandbox import Sandbox, start_sandbox
from tests.cli.conftest import Command, lpdesk
from tests.conftest import eventually
from tests.venues.liar import Liar, liar
from tests.webhooks.receiver import GONE, OK, SECRET, ids, is_signed

__all__ = ["lpdesk"]


@pytest.fixture
async def acme() -> AsyncIterator[Liar]:
    async with liar() as server:
        yield server


@pytest.fixture
async def otc() -> AsyncIterator[Liar]:
    async with liar() as server:
        yield server


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    it = await start_sandbox(7, only=["kepler"], directory=tmp_path / "books")
    it.venue("kepler").become(latency_ms=(0, 1, 2), validity_ms=60_000)
    yield it
    await it.close()


def hook(owner: str, name: str, url: str, *more: str) -> str:
    lines = [f'{owner} = "{name}"', f'name = "{name}-hook"', f'url = "{url}"', *more]
    return "\n".join(["[[webhooks]]", *lines, f'secrets = ["{SECRET}"]', ""])


ALLOWED = ("allow_http = true", "allow_private = true")


@pytest.fixture
def toml(tmp_path: Path, sandbox: Sandbox, acme: Liar, otc: Liar) -> Path:
    path = tmp_path / "desk.toml"
    path.write_text(
        "[rules]\nprice_band_bps = 5000\n"
        + sandbox.config_toml()
        + hook("organization", "acme", acme.url, *ALLOWED)
        + hook("trade_desk", "otc", otc.url, *ALLOWED)
    )
    path.chmod(0o600)
    return path


@asynccontextmanager
async def running(toml: Path) -> AsyncIterator[LiveDesk]:
    live = LiveDesk(config.load(toml), toml.parent / "desk.db", 7)
    await live.start()
    try:
        yield live
    finally:
        await live.close()


async def settle(desk: LiveDesk) -> str:
    """One trade for tomorrow, settled by hand today; the settlement's id."""
    session = desk.session
    line = "b 0.5 btc/usdt @acme t+1"
    await session.submit(parse_request(line, session.view.settings.pairs))
    card = await eventually(lambda: session.view.rfqs[0] if session.view.rfqs[0].quote else None)
    dealt = cmd.AcceptQuote(rfq_id=card.rfq_id, quote_id=card.quote.quote_id)
    opened = next(
        event for event in await session.submit(dealt) if isinstance(event, ev.TradeOpened)
    )
    await eventually(lambda: not session.view.trade(opened.trade_id).under_way)
    events = await session.submit(cmd.CreateSettlement(trades=(opened.trade_id,)))
    created = next(event for event in events if isinstance(event, ev.SettlementCreated))
    await session.submit(cmd.SettleNow(settlement_id=created.settlement_id))
    return created.settlement_id


def states(path: Path) -> list[str]:
    return [each.state for each in outbox.deliveries(path)]


async def all_delivered(path: Path, count: int) -> None:
    await eventually(lambda: states(path) == ["delivered"] * count)


async def test_both_parties_are_told_and_a_person_may_tell_them_again(
    toml: Path, acme: Liar, otc: Liar, lpdesk: Command
) -> None:
    acme.says(OK, OK, OK)
    otc.says(OK, OK)
    async with running(toml) as desk:
        name = await settle(desk)
        await all_delivered(desk.path, 4)
        shown = desk.session  # a reader may be one commit ahead of the loop
        await eventually(lambda: {row.state for row in shown.view.webhooks} == {"delivered"})
    for party in (acme, otc):
        kinds = [json.loads(heard.body)["type"] for heard in party.heard]
        assert sorted(kinds) == ["trade_settlement.create", "trade_settlement.settle"]
        assert all(is_signed(heard) for heard in party.heard)
        assert {json.loads(heard.body)["data"]["id"] for heard in party.heard} == {name}
    assert {h.body for h in acme.heard} == {h.body for h in otc.heard}

    path = toml.parent / "desk.db"
    listed = await asyncio.to_thread(lpdesk, "webhooks", path, "--json")
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [row["state"] for row in rows] == ["delivered"] * 4 and rows[0]["status"] == 204
    first = rows[0]["event_id"]
    again = await asyncio.to_thread(
        lpdesk, "webhooks", path, "resend", first, "--endpoint", "acme-hook"
    )
    assert again.exit_code == 0 and "queued" in again.stdout
    async with running(toml):
        await all_delivered(path, 4)
    assert ids(acme.heard)[-1] == first and len(acme.heard) == 3 and len(otc.heard) == 2
    assert verify(path).ok


async def test_gone_waits_over_a_restart_until_it_is_enabled(
    toml: Path, acme: Liar, otc: Liar, lpdesk: Command
) -> None:
    acme.says(GONE, GONE)
    otc.says(OK, OK)
    path = toml.parent / "desk.db"
    async with running(toml) as desk:
        await settle(desk)
        await eventually(lambda: outbox.disabled(path) == ["acme-hook"])
        await eventually(lambda: states(path).count("delivered") == 2)
    told = len(acme.heard)
    async with running(toml) as desk:
        await eventually(lambda: desk.session.view.status.open)
    assert len(acme.heard) == told
    listed = await asyncio.to_thread(lpdesk, "webhooks", path)
    assert "acme-hook is disabled" in listed.stdout
    enabled = await asyncio.to_thread(lpdesk, "webhooks", path, "enable", "acme-hook")
    assert enabled.exit_code == 0
    refused = await asyncio.to_thread(lpdesk, "webhooks", path, "enable", "acme-hook")
    assert refused.exit_code == 2 and "is not disabled" in refused.stderr
    acme.script.clear()
    acme.says(OK, OK)
    async with running(toml):
        await all_delivered(path, 4)
    assert set(ids(acme.heard)) == set(ids(otc.heard)) and verify(path).ok


async def test_nothing_is_said_of_an_unknown_id_or_a_missing_journal(
    tmp_path: Path, lpdesk: Command
) -> None:
    missing = await asyncio.to_thread(lpdesk, "webhooks", tmp_path / "no.db", "resend", "x")
    assert missing.exit_code == 2 and "no journal" in missing.stderr
    assert not (tmp_path / "no.db").exists()


WRONG = {
    "whose": (hook("organization", "nobody", "https://x.example"), "nobody is not a client"),
    "both": (
        hook("organization", "acme", "https://x.example", 'trade_desk = "otc"'),
        "one of the two is needed",
    ),
    "no desk": (hook("trade_desk", "nobody", "https://x.example"), "nobody is not a trade desk"),
    "http": (hook("organization", "acme", "http://x.example"), "must begin with https://"),
    "password": (hook("organization", "acme", "https://me:pw@x.example"), "without user"),
    "short": (
        hook("organization", "acme", "https://x.example").replace(SECRET, "whsec_c2hvcnQ="),
        "must be whsec_ and 24 to 64 bytes in base64",
    ),
    "no secret": (
        hook("organization", "acme", "https://x.example").replace(f'"{SECRET}"', ""),
        "at least one is needed",
    ),
    "event": (
        hook("organization", "acme", "https://x.example", 'events = ["paid"]'),
        "webhooks.0.events.0",
    ),
}


@pytest.mark.parametrize(("text", "problem"), WRONG.values(), ids=WRONG)
def test_an_endpoint_that_cannot_be_meant_is_refused(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "desk.toml"
    path.write_text(text)
    with pytest.raises(BadConfig, match=problem) as bad:
        config.load(path)
    assert SECRET not in str(bad.value) and "whsec_c2hvcnQ" not in str(bad.value)
