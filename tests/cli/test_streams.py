"""A whole desk that deals on streamed prices, where the answer is lost after the fill."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from time import time_ns

import pytest

from lpdesk.domain import events as ev
from lpdesk.domain.capabilities import KINDS
from lpdesk.journal.reader import read
from lpdesk.replay import verify
from lpdesk.sandbox import Mood, start_sandbox
from tests.cli.conftest import Command

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("lp", ["hypatia", "lovelace"], ids=["b2c2-stream", "cumberland"])
async def test_a_connection_that_breaks_after_the_fill(
    lpdesk: Command, tmp_path: Path, lp: str
) -> None:
    """Unknown until the LP says it, by our own id; then settled once, as the LP has booked it."""
    sandbox = await start_sandbox(7, cast="full", only=[lp])
    mid = sandbox.market.mid("BTC/USDT", time_ns())
    object.__setattr__(sandbox.market, "mid", lambda *_: mid)  # what was seen is what is dealt
    venue = sandbox.venue(lp)
    venue.become(latency_ms=(1, 1, 1), ticks_per_second=1)
    venue.script(Mood.RESET_AFTER_FILL)
    config, journal = tmp_path / "desk.toml", tmp_path / "desk.db"
    config.write_text(sandbox.config_toml())
    result = await asyncio.to_thread(
        lpdesk, "rfq", "b 1 btc/usdt", "--accept", "best", "--after", 0.1, "--json",
        "--config", config, "--journal", journal,
    )  # fmt: skip
    told = [json.loads(line) for line in result.stdout.splitlines()]
    booked = await venue.executions()
    await sandbox.close()
    kinds = [each["type"] for each in told]
    assert result.exit_code == 0 and kinds.count("OrderSent") == 1, kinds
    assert kinds.index("TradeUnknown") < kinds.index("TradeSettled")
    assert verify(journal).ok
    events = [event for record in read(journal) for event in record.events]
    [leg] = [event for event in events if isinstance(event, ev.LegFilled)]
    [row] = booked
    assert (leg.execution_id, f"{leg.price:f}") == (row.execution_id, row.fill_price)
    [opened] = [event for event in events if isinstance(event, ev.DeskOpened)]
    [terms] = opened.settings.lps
    assert (terms.capabilities, terms.note) == (KINDS[terms.kind], "unverified")
