"""A whole desk on a chain: dealt by a transaction, or shown with the reason why not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lpdesk import config
from lpdesk.bootstrap import LiveDesk
from lpdesk.domain.commands import AcceptQuote
from lpdesk.domain.entry import parse_request
from lpdesk.domain.events import LegFilled, RfqOpened
from lpdesk.sandbox import Mood, Sandbox, start_sandbox
from lpdesk.views import Card
from tests.sandbox.test_fallback import until


@asynccontextmanager
async def a_desk(
    tmp_path: Path, name: str, **options: Any
) -> AsyncIterator[tuple[LiveDesk, Sandbox]]:
    sandbox = await start_sandbox(7, cast="full", only=[name], directory=tmp_path / "chain")
    sandbox.venue(name).become(latency_ms=(1, 1, 1), rate_per_second=1000)
    path = tmp_path / "desk.toml"
    (lp,) = sandbox.lps
    said = "\n".join(f"{key} = {json.dumps(it)}" for key, it in (lp.options | options).items())
    path.write_text(
        f'[[lps]]\nname = "{lp.name}"\nkind = "{lp.kind}"\nurl = "{lp.url}"\nkey = "{lp.key}"\n'
        f"pairs = {json.dumps(lp.pairs)}\ntimeout_seconds = 5\n[lps.options]\n{said}\n"
    )
    desk = LiveDesk(config.load(path, {}), tmp_path / "t.db", 1)
    await desk.start()
    try:
        yield desk, sandbox
    finally:
        await desk.close()
        await sandbox.close()


async def request(desk: LiveDesk, line: str) -> Card:
    """A request with the first price that is shown for it."""
    read = parse_request(line, desk.runtime.view.settings.pairs)
    opened = next(e for e in await desk.session.submit(read) if isinstance(e, RfqOpened))

    def seen() -> Card:
        card = desk.runtime.view.card(opened.rfq_id)
        assert card is not None
        return card

    await until(desk, lambda: any(row.price for row in seen().rows) or seen().end)
    return seen()


async def test_a_client_deals_and_a_lost_answer_is_found_on_the_chain(tmp_path: Path) -> None:
    filled: list[LegFilled] = []
    async with a_desk(tmp_path, "weyl") as (desk, sandbox):
        desk.listeners.append(
            lambda record: filled.extend(e for e in record.events if isinstance(e, LegFilled))
        )
        sandbox.venue("weyl").script(Mood.RESET_AFTER_FILL)
        for line in ("s 0.1 btcusdt", "b 1 ethusdt"):
            card = await request(desk, line)
            assert card.quote
            quote_id = card.quote.quote_id
            await desk.session.submit(AcceptQuote(rfq_id=card.rfq_id, quote_id=quote_id))
            await until(desk, lambda: desk.runtime.view.trades[0].state == "settled")
        booked = await sandbox.venue("weyl").executions()
        assert [each.client_order_id for each in booked] == [leg.execution_id for leg in filled]
        assert {leg.fee_asset for leg in filled} == {"ETH"}
        assert all(leg.slippage_bps < 0 for leg in filled)  # better than was guaranteed
        assert [each.quantity for each in filled] == [Decimal("0.1"), Decimal(1)]


@pytest.mark.parametrize("name", ["galois", "abel"])
async def test_what_sells_only_is_left_out_where_the_desk_buys(tmp_path: Path, name: str) -> None:
    async with a_desk(tmp_path, name) as (desk, sandbox):
        card = await request(desk, "b 0.1 btcusdt")
        assert card.end and card.quote is None
        assert [row.text for row in card.rows] == ["sells no exact amount of BTC"]
        card = await request(desk, "s 0.1 btcusdt")
        assert card.quote
        quote_id = card.quote.quote_id
        await desk.session.submit(AcceptQuote(rfq_id=card.rfq_id, quote_id=quote_id))
        await until(desk, lambda: desk.runtime.view.trades[0].state == "settled")
        [booked] = await sandbox.venue(name).executions()
        assert (booked.side, Decimal(booked.fill_quantity)) == ("SELL", Decimal("0.1"))


async def test_a_missing_allowance_or_signer_is_read_on_the_screen(tmp_path: Path) -> None:
    async with a_desk(tmp_path, "weyl") as (desk, sandbox):
        sandbox.venue("weyl").become(issue="allowance")
        [row] = (await request(desk, "b 0.1 btcusdt")).rows
        assert row.state == "indicative" and row.text.startswith("no allowance for 0x")
    async with a_desk(tmp_path, "weyl", signer="") as (desk, sandbox):
        [row] = (await request(desk, "b 0.1 btcusdt")).rows
        assert (row.state, row.text) == ("indicative", "no signer: for information only")
        [lp] = desk.runtime.view.settings.lps
        assert lp.note == "unverified, no signer: for information only"
