"""The adapter against the sandbox's stand-ins over FIX: from a price to a booked execution."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain.events import OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import (
    FillRevised,
    LpFailed,
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
from lpdesk.venues.fix import link
from lpdesk.venues.fix.adapter import FixVenue
from lpdesk.venues.gateway import Gateway
from tests.conftest import eventually
from tests.venues.effects import ask, order, query
from tests.venues.liar import Reports

STAND_INS = ("planck", "pauli")  # one that is asked, one that shows a book


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    it = await start_sandbox(7, cast="full", only=STAND_INS)
    it.venue("planck").become(latency_ms=(1, 1, 1), hold_ms=0)
    it.venue("pauli").become(latency_ms=(1, 1, 1), ticks_per_second=50)
    yield it
    await it.close()


@pytest.fixture
async def lps(
    sandbox: Sandbox, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[dict[str, FixVenue]]:
    """The LPs, logged on. Numbers go on after a broken connection."""
    monkeypatch.setattr(link, "BACKOFF_S", 0.01)
    monkeypatch.setattr("lpdesk.venues.pushing.PUSH_NS", 0)
    venues: dict[str, FixVenue] = {}
    for lp in sandbox.lps:
        endpoint = Endpoint(
            name=lp.name,
            kind=lp.kind,
            url=lp.url,
            key=lp.key,
            secret=lp.secret,
            timeout_ns=2 * SECOND,
            symbols=lp.pairs,
            options=lp.options | {"reset": False},
        )
        venue = VENUES[lp.kind](endpoint, reports, SystemClock())
        assert isinstance(venue, FixVenue)
        await venue.start()
        venues[lp.name] = venue
    await eventually(lambda: all(venue.link.is_up for venue in venues.values()))
    yield venues
    for venue in venues.values():
        await venue.close()


async def price(reports: Reports) -> LpQuoted:
    report = await reports.next(LpStreamed)
    assert isinstance(report, LpQuoted), report
    return report


@pytest.mark.parametrize("lp", STAND_INS)
@pytest.mark.parametrize("side", list(Side))
async def test_from_a_price_to_a_fill(
    sandbox: Sandbox, lps: dict[str, FixVenue], reports: Reports, lp: str, side: Side
) -> None:
    gateway = Gateway(lps.values(), reports)
    await eventually(lambda: any(isinstance(it, LpStreamed) for it in reports.seen))
    gateway.send(ask(lp=lp, quantity="0.25", side=side))
    quoted = await price(reports)
    assert (quoted.lp, quoted.symbol, quoted.side) == (lp, "BTC/USDT", side)
    assert quoted.quantity == ask(quantity="0.25").quantity
    assert 7 * SECOND < quoted.validity_ns <= 8 * SECOND
    sent = order(lp=lp, quote_ref=quoted.quote_ref, quantity="0.25", price=quoted.price, side=side)
    gateway.send(sent)
    filled = await reports.next(LpStreamed, LpQuoted, LpWithdrew)
    assert isinstance(filled, OrderFilled) and not filled.partial, filled
    assert (filled.price, filled.quantity) == (quoted.price, sent.quantity)
    [booked] = await sandbox.venue(lp).executions()
    assert (booked.side, booked.fill_quantity) == (side.value, "0.25")


@pytest.mark.parametrize("side", list(Side))
async def test_a_book_is_dealt_on_beyond_its_best_level_by_level(
    sandbox: Sandbox, lps: dict[str, FixVenue], reports: Reports, side: Side
) -> None:
    pauli = sandbox.venue("pauli")
    pauli.become(stream_notional=Decimal(100_000), book_levels=3)
    await eventually(lambda: any(isinstance(it, LpStreamed) for it in reports.seen))
    lps["pauli"].ask(ask(lp="pauli", quantity="2.5", side=side))
    while len((quoted := await price(reports)).levels) != 3:  # until it shows its new habits
        pass
    prices = [level.price for level in quoted.levels]
    assert prices == sorted(prices, reverse=side is Side.SELL)
    assert (quoted.price, quoted.quantity) == (prices[0], Decimal("2.5"))
    left = quoted.quantity
    for number, level in enumerate(quoted.levels):
        part = f"{min(left, level.quantity)}"
        left -= Decimal(part)
        sent = order(f"O-{number}", level.quote_ref, lp="pauli", quantity=part, price=level.price,
                     side=side)  # fmt: skip
        lps["pauli"].execute(sent)
    fills = [await reports.next(LpStreamed, LpQuoted, LpWithdrew) for _ in prices]
    told = [fill.price for fill in fills if isinstance(fill, OrderFilled)]
    assert sorted(told) == sorted(prices)
    booked = await pauli.executions()
    assert sum(Decimal(each.fill_quantity) for each in booked) == Decimal("2.5")
    assert {each.fill_price for each in booked} == {f"{price:f}" for price in prices}


async def dealt(lps: dict[str, FixVenue], reports: Reports, order_id: str = "O-1") -> OrderSent:
    """An order on planck's price, on its way."""
    lps["planck"].ask(ask(lp="planck"))
    quoted = await price(reports)
    sent = order(order_id, quoted.quote_ref, lp="planck", price=quoted.price)
    lps["planck"].release("R-1")
    lps["planck"].execute(sent)
    return sent


@pytest.mark.parametrize(
    ("mood", "answers"),
    [
        (Mood.REJECT, [OrderRejected]),
        (Mood.WORSE_FILL, [OrderFilled]),
        (Mood.LARGER_FILL, [OrderFilled]),
        (Mood.DOUBLE_FILL, [OrderFilled, OrderFilled]),
        (Mood.PARTIAL, [OrderFilled]),
        (Mood.PENDING, [OrderFilled]),
        (Mood.BUST, [OrderFilled, FillRevised]),
        (Mood.ERROR_AFTER_FILL, [OrderLost]),
    ],
)
async def test_an_answer_comes_as_it_was_meant(
    sandbox: Sandbox,
    lps: dict[str, FixVenue],
    reports: Reports,
    mood: Mood,
    answers: list[type],
) -> None:
    sandbox.venue("planck").script(mood)
    sent = await dealt(lps, reports)
    for answer in answers:
        assert type(await reports.next(LpStreamed)) is answer
    fills = [each for each in reports.seen if isinstance(each, OrderFilled)]
    booked = await sandbox.venue("planck").executions()
    if mood is not Mood.BUST:
        told = [(str(each.price), str(each.quantity)) for each in fills]
        assert mood is Mood.ERROR_AFTER_FILL or told == [
            (each.fill_price, each.fill_quantity) for each in booked if each.status != "REJECTED"
        ]
    assert all(each.partial == (mood in (Mood.PARTIAL, Mood.PENDING)) for each in fills)
    lps["planck"].query(query(sent.order_id, lp="planck"))
    if mood is Mood.ERROR_AFTER_FILL:  # the LP's trouble was no refusal
        assert isinstance(await reports.next(LpStreamed), OrderFilled)


async def test_a_fill_that_is_never_told_is_asked_for(
    sandbox: Sandbox, lps: dict[str, FixVenue], reports: Reports
) -> None:
    sandbox.venue("planck").script(Mood.HANG_AFTER_FILL)
    sent = await dealt(lps, reports)
    await eventually(sandbox.venue("planck").executions)
    for _ in range(2):  # asked twice, told once
        lps["planck"].query(query(sent.order_id, lp="planck"))
    filled = await reports.next(LpStreamed)
    assert isinstance(filled, OrderFilled) and not filled.partial
    assert filled.quantity == sent.quantity
    lps["planck"].query(query("O-2", lp="planck"))
    assert isinstance(await reports.next(LpStreamed), OrderNotFound)


async def test_an_execution_that_was_lost_with_the_connection_is_sent_again(
    sandbox: Sandbox, lps: dict[str, FixVenue], reports: Reports
) -> None:
    """The fill comes in the resend; the status request that crosses it adds nothing."""
    sandbox.venue("planck").script(Mood.RESET_AFTER_FILL)
    sent = await dealt(lps, reports)
    assert isinstance(await reports.next(LpStreamed), OrderLost)
    await eventually(lambda: lps["planck"].link.is_up)
    lps["planck"].query(query(sent.order_id, lp="planck"))
    filled = await reports.next(LpStreamed)
    assert isinstance(filled, OrderFilled)
    [booked] = await sandbox.venue("planck").executions()
    assert (filled.execution_id, filled.quantity) == (booked.execution_id, sent.quantity)
    lps["planck"].query(query("O-2", lp="planck"))
    assert isinstance(await reports.next(LpStreamed), OrderNotFound)
    assert len([each for each in reports.seen if isinstance(each, OrderFilled)]) == 1


async def test_an_order_that_never_arrived_is_not_found(
    sandbox: Sandbox, lps: dict[str, FixVenue], reports: Reports
) -> None:
    sandbox.venue("planck").script(Mood.RESET_BEFORE_FILL)
    sent = await dealt(lps, reports)
    assert isinstance(await reports.next(LpStreamed), OrderLost)
    await eventually(lambda: lps["planck"].link.is_up)
    lps["planck"].query(query(sent.order_id, lp="planck"))
    assert isinstance(await reports.next(LpStreamed), OrderNotFound)
    assert await sandbox.venue("planck").executions() == ()


async def test_a_price_of_a_broken_stream_is_withdrawn_and_comes_back(
    sandbox: Sandbox, lps: dict[str, FixVenue], reports: Reports
) -> None:
    lps["pauli"].ask(ask(lp="pauli"))
    await price(reports)
    sandbox.cut("pauli")
    assert isinstance(await reports.next(LpStreamed, LpQuoted), LpWithdrew)
    await price(reports)


@pytest.mark.parametrize("mood", [Mood.GAP, Mood.REPEAT_TICK, Mood.WRONG_SYMBOL])
async def test_a_book_survives_an_odd_tick(
    sandbox: Sandbox, lps: dict[str, FixVenue], reports: Reports, mood: Mood
) -> None:
    lps["pauli"].ask(ask(lp="pauli"))
    quoted = await price(reports)
    sandbox.venue("pauli").script(mood, times=3)
    later = [await price(reports) for _ in range(5)]
    assert all(abs(each.price - quoted.price) < quoted.price / 100 for each in later)
    assert lps["pauli"].link.is_up


async def test_a_crossed_book_is_no_price(
    sandbox: Sandbox, lps: dict[str, FixVenue], reports: Reports
) -> None:
    lps["pauli"].ask(ask(lp="pauli"))
    await price(reports)
    sandbox.venue("pauli").script(Mood.CROSS)
    gone = await reports.next(LpStreamed, LpQuoted)
    assert isinstance(gone, LpWithdrew) and gone.text == "bid above offer"


async def test_a_size_that_the_lp_does_not_deal_is_declined_in_its_words(
    lps: dict[str, FixVenue], reports: Reports
) -> None:
    lps["planck"].ask(ask(lp="planck", quantity="0.00001"))
    failed = await reports.next(LpStreamed)
    assert isinstance(failed, LpFailed)
    assert (failed.reason, failed.text) == (Reason.SIZE, "SIZE_OUT_OF_LIMITS")


async def test_a_wrong_password_is_said(sandbox: Sandbox, reports: Reports) -> None:
    [lp] = [each for each in sandbox.lps if each.name == "planck"]
    endpoint = Endpoint(
        name="planck", kind="fix", url=lp.url, key=lp.key, secret="wrong", options=lp.options
    )
    venue = FixVenue(endpoint, reports, SystemClock())
    await venue.start()
    await eventually(lambda: venue.link.refused)
    venue.ask(ask(lp="planck"))
    failed = await reports.next()
    assert isinstance(failed, LpFailed) and failed.reason is Reason.UNAUTHORISED
    assert failed.text == "unknown user or wrong password"
    await venue.close()
