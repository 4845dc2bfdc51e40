"""A wall clock that was set back while no desk ran: no deadline waits for it (N6, I15)."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from lpdesk.clock import Clock, SetClock, SystemClock, VirtualClock
from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.record import Event
from lpdesk.domain.values import SECOND, Dealt, Side
from lpdesk.journal.store import Journal
from lpdesk.runtime import Runtime
from tests.cli.days import SETTINGS, keep, outside, short_day
from tests.conftest import eventually

HOUR = 3_600 * SECOND


async def test_a_price_expires_in_its_own_time_after_the_clock_was_set_back(tmp_path: Path) -> None:
    records = short_day().records
    end = records[-1].at
    clock, heard = VirtualClock(end - HOUR), list[Event]()

    def send(event: Event) -> None:
        heard.append(event)
        for _, answer in outside(event, runtime.now()):
            runtime.report(answer)

    journal = await Journal.open(keep(tmp_path / "day.db", records))
    runtime = Runtime(journal, clock)
    await runtime.resume()
    running = asyncio.create_task(runtime.run())
    await runtime.open("later", SETTINGS, "0", send)
    await runtime.command(
        cmd.RequestQuote(symbol="BTC/USDT", side=Side.BUY, dealt=Dealt.BASE, amount=Decimal("1.5"))
    )
    locks = await eventually(lambda: [each for each in heard if isinstance(each, ev.QuoteLocked)])
    clock.advance_to(clock.now() + 11 * SECOND)
    accept = cmd.AcceptQuote(rfq_id=locks[-1].rfq_id, quote_id=locks[-1].quote_id)
    (answer,) = await runtime.command(accept)
    assert isinstance(answer, ev.CommandRefused), "dealt on a price that had expired"
    assert clock.now() == runtime.now() == end + 11 * SECOND, "venues judge by the same clock"
    await runtime.close("the end")
    await running
    await journal.close()


@pytest.mark.parametrize("clock", [SystemClock(), SetClock(5 * SECOND)])
def test_a_clock_runs_on_from_where_it_was_set(clock: Clock) -> None:
    clock.advance_to(at := clock.now() + HOUR)
    assert at <= clock.now() < at + 60 * SECOND
    with pytest.raises(ValueError, match="back"):
        clock.advance_to(at - SECOND)
