"""A whole desk that deals over FIX, and what it makes of a connection that breaks in the middle."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from lpdesk.domain import events as ev
from lpdesk.journal.reader import read
from lpdesk.replay import verify
from lpdesk.sandbox import Execution, Mood, start_sandbox
from tests.cli.conftest import Command

pytestmark = pytest.mark.slow

RULES = "[rules]\nvalidity_buffer_seconds = 0.2\nunfound_grace_seconds = 0.2\n"


async def dealt(
    lpdesk: Command,
    folder: Path,
    *moods: Mood,
    lp: str = "planck",
    reset: bool = True,
    quotes: str = "book",
) -> tuple[int, list[dict[str, str]], Execution | None]:
    """One request for 1 BTC at one stand-in, accepted: exit code, events, what the LP booked."""
    sandbox = await start_sandbox(7, cast="full", only=[lp])
    try:
        venue = sandbox.venue(lp)
        venue.become(validity_ms=700)
        venue.script(*moods)
        blocks = sandbox.config_toml().replace("reset = true", f"reset = {str(reset).lower()}")
        blocks = blocks.replace('"book"', f'"{quotes}"')
        config = folder / "desk.toml"
        config.write_text(f"{RULES}{blocks}")
        result = await asyncio.to_thread(
            lpdesk, "rfq", "b 1 btc/usdt", "--accept", "best", "--after", 0.1, "--json",
            "--config", config, "--journal", folder / "desk.db",
        )  # fmt: skip
        told = [json.loads(line) for line in result.stdout.splitlines()]
        booked = [each for each in await venue.executions() if each.status == "FILLED"]
        assert len(booked) <= 1
        return result.exit_code, told, booked[0] if booked else None
    finally:
        await sandbox.close()


def fills(journal: Path) -> list[ev.LegFilled]:
    assert verify(journal).ok
    return [
        event
        for record in read(journal)
        for event in record.events
        if isinstance(event, ev.LegFilled)
    ]


@pytest.mark.parametrize(("lp", "quotes"), [("planck", ""), ("pauli", "book"), ("pauli", "rfq")])
async def test_a_request_settles_over_fix(
    lpdesk: Command, tmp_path: Path, lp: str, quotes: str
) -> None:
    """Asked for a price, by a book, and by quotes on one request that replace each other."""
    code, told, booked = await dealt(lpdesk, tmp_path, lp=lp, quotes=quotes or "book")
    assert code == 0 and told[-1]["type"] == "TradeSettled" and booked
    [leg] = fills(tmp_path / "desk.db")
    assert (str(leg.price), leg.quantity) == (booked.fill_price, 1)
    assert leg.execution_id == booked.execution_id


@pytest.mark.parametrize("reset", [False, True], ids=["sent again", "asked for"])
async def test_a_connection_that_breaks_after_the_fill(
    lpdesk: Command, tmp_path: Path, reset: bool
) -> None:
    """Unknown until the LP says it: in its resend, or asked by our own order id."""
    code, told, booked = await dealt(lpdesk, tmp_path, Mood.RESET_AFTER_FILL, reset=reset)
    kinds = [each["type"] for each in told]
    assert code == 0 and kinds.count("OrderSent") == 1, kinds
    assert kinds.index("TradeUnknown") < kinds.index("TradeSettled")
    [leg] = fills(tmp_path / "desk.db")
    assert booked and (str(leg.price), str(leg.quantity)) == (booked.fill_price, "1")


@pytest.mark.long
async def test_a_connection_that_breaks_before_the_fill(lpdesk: Command, tmp_path: Path) -> None:
    """The LP never had it; once its quote is over that is certain, and nothing has moved."""
    code, told, booked = await dealt(lpdesk, tmp_path, Mood.RESET_BEFORE_FILL)
    kinds = [each["type"] for each in told]
    assert code == 5 and kinds[-1] == "TradeFailed" and "TradeUnknown" in kinds, kinds
    assert kinds.count("OrderSent") == 1 and booked is None and fills(tmp_path / "desk.db") == []
