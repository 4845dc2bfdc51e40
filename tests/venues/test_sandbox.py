"""The adapters against the sandbox's stand-ins: from a price to a booked execution."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain.reports import (
    LpQuoted,
    LpStreamed,
    LpWithdrew,
    OrderFilled,
    OrderLost,
    OrderNotFound,
    OrderRejected,
)
from lpdesk.domain.values import SECOND, Side
from lpdesk.sandbox import Mood, Sandbox, start_sandbox
from lpdesk.venues.base import VENUES, Endpoint
from lpdesk.venues.gateway import Gateway
from lpdesk.venues.rest import RestVenue
from tests.venues.effects import CLOCK, ask, order, query
from tests.venues.liar import Reports

STAND_INS = ("kepler", "alpha")  # one that answers, one that streams


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    it = await start_sandbox(7, only=STAND_INS)
    yield it
    await it.close()


def endpoints(sandbox: Sandbox) -> dict[str, Endpoint]:
    return {
        lp.name: Endpoint(
            name=lp.name,
            kind=lp.kind,
            url=lp.url,
            key=lp.key,
            secret=lp.secret,
            timeout_ns=int(lp.timeout_seconds * SECOND),
            symbols=lp.pairs,
        )
        for lp in sandbox.lps
    }


@pytest.fixture
async def gateway(sandbox: Sandbox, reports: Reports) -> AsyncIterator[Gateway]:
    venues = [VENUES[it.kind](it, reports, SystemClock()) for it in endpoints(sandbox).values()]
    gateway = Gateway(venues, reports)
    await gateway.start()
    yield gateway
    await gateway.close()


@pytest.mark.parametrize("lp", STAND_INS)
async def test_from_a_price_to_a_fill(
    sandbox: Sandbox, gateway: Gateway, reports: Reports, lp: str
) -> None:
    gateway.send(ask(lp=lp, quantity="0.25", side=Side.SELL))
    quoted = await reports.next(LpStreamed)
    assert isinstance(quoted, LpQuoted) and quoted.lp == lp
    assert quoted.quantity == ask(quantity="0.25").quantity
    sent = order(lp=lp, quote_ref=quoted.quote_ref, quantity="0.25")
    gateway.send(sent)
    filled = await reports.next(LpStreamed, LpQuoted, LpWithdrew)
    assert isinstance(filled, OrderFilled) and not filled.partial
    assert (filled.price, filled.quantity) == (quoted.price, sent.quantity)

    gateway.send(query(lp=lp))
    assert await reports.next(LpStreamed, LpQuoted, LpWithdrew) == filled
    gateway.send(query("O-2", lp=lp))
    assert isinstance(await reports.next(LpStreamed, LpQuoted, LpWithdrew), OrderNotFound)

    venue = RestVenue(endpoints(sandbox)[lp], reports, SystemClock())
    assert await venue.executions(CLOCK.now() - 60 * SECOND) == (filled,)
    assert await venue.executions(CLOCK.now() + 60 * SECOND) == ()
    await venue.close()
    [booked] = await sandbox.venue(lp).executions()
    assert booked.fill_quantity == "0.25"


@pytest.mark.parametrize(
    ("mood", "answer", "truth"),
    [
        (Mood.REJECT, OrderRejected, OrderRejected),
        (Mood.RESET_AFTER_FILL, OrderLost, OrderFilled),
        (Mood.ERROR_AFTER_FILL, OrderLost, OrderFilled),
        (Mood.RESET_BEFORE_FILL, OrderLost, OrderNotFound),
        (Mood.HIDE_FILL, OrderLost, OrderNotFound),
    ],
)
async def test_an_answer_that_is_lost_is_found_by_asking(
    sandbox: Sandbox, gateway: Gateway, reports: Reports, mood: Mood, answer: type, truth: type
) -> None:
    gateway.send(ask(lp="kepler"))
    quoted = await reports.next(LpStreamed)
    assert isinstance(quoted, LpQuoted)
    sandbox.venue("kepler").script(mood)
    gateway.send(order(lp="kepler", quote_ref=quoted.quote_ref))
    assert isinstance(await reports.next(LpStreamed), answer)
    gateway.send(query(lp="kepler"))
    assert isinstance(await reports.next(LpStreamed), truth)
