"""Cumberland: the adapter against a stand-in that reads the same description on its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from lpdesk.domain.events import ExecutionsAsked
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.reports import (
    ExecutionsListed,
    ExecutionsUnlisted,
    LpFailed,
    LpQuoted,
    LpStreamed,
    LpWithdrew,
    OrderFilled,
    OrderLost,
    OrderNotFound,
    OrderNotSent,
    OrderRejected,
    QueryFailed,
)
from lpdesk.domain.values import SECOND, Side
from lpdesk.domain.wire import Fields, Malformed
from lpdesk.sandbox import Mood, Sandbox, start_sandbox
from lpdesk.venues import cumberland, cumberland_reads
from lpdesk.venues import cumberland_words as words
from lpdesk.venues.cumberland import CumberlandVenue
from tests.conftest import eventually
from tests.venues.cumberland_desk import CLOCK, NAME, dealt, made, outcome, price, quicken, steady
from tests.venues.effects import ANSWERS, ask, order, query
from tests.venues.liar import Reports


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quicken(monkeypatch)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    it = await start_sandbox(7, cast="full", only=[NAME])
    it.venue(NAME).become(latency_ms=(1, 1, 1), ticks_per_second=50)
    yield it
    await it.close()


@pytest.fixture
async def lp(sandbox: Sandbox, reports: Reports) -> AsyncIterator[CumberlandVenue]:
    it = made(sandbox, reports)
    await it.start()
    await eventually(lambda: it._socket.is_up)
    yield it
    await it.close()


# ---- prices


async def test_only_our_own_frames_and_only_growing_versions_are_believed(
    sandbox: Sandbox, lp: CumberlandVenue, reports: Reports
) -> None:
    """Somebody else's bargains, frames that come late and twice: none of it is a price."""
    sandbox.venue(NAME).script(Mood.REORDER, Mood.REPEAT_TICK, times=5)
    lp.ask(ask(lp=NAME, quantity="1"))
    await price(reports)
    stream = next(iter(lp._streams.values()))
    await eventually(lambda: stream.version > 12)
    told = [report for report in reports.seen if isinstance(report, LpQuoted)]
    mid = sandbox.market.mid("BTC/USDT", CLOCK.now())
    assert all(abs(quoted.price / mid - 1) < Decimal("0.01") for quoted in told)
    versions = [int(quoted.quote_ref.rpartition("/")[2]) for quoted in told]
    assert versions == sorted(set(versions)) and lp.malformed == 0


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        (Mood.CROSS, Reason.MALFORMED),
        (Mood.WRONG_SYMBOL, Reason.MALFORMED),
        (Mood.GAP, Reason.WITHDRAWN),  # CLOSED: Market closed
        (Mood.DROP, Reason.UNREACHABLE),
    ],
)
async def test_a_price_is_withdrawn_and_comes_back(
    sandbox: Sandbox, lp: CumberlandVenue, reports: Reports, mood: Mood, reason: Reason
) -> None:
    steady(sandbox)
    lp.ask(ask(lp=NAME, quantity="1"))
    await price(reports)
    sandbox.venue(NAME).script(mood)
    gone = await reports.next(LpStreamed, LpQuoted)
    assert isinstance(gone, LpWithdrew) and gone.reason is reason, gone
    assert (await price(reports)).ask_id == "A-1"


async def test_a_worse_version_ends_the_one_before(
    sandbox: Sandbox, lp: CumberlandVenue, reports: Reports
) -> None:
    steady(sandbox)
    lp.ask(ask(lp=NAME, quantity="1"))
    before = await price(reports)
    sandbox.venue(NAME).become(half_spread_bps=Decimal(3))
    ended = await reports.next(LpStreamed, LpQuoted)
    assert isinstance(ended, LpWithdrew) and ended.reason is Reason.WITHDRAWN
    assert (await price(reports)).price > before.price


async def test_what_is_not_offered_or_too_large_is_declined_in_their_words(
    sandbox: Sandbox, lp: CumberlandVenue, reports: Reports
) -> None:
    lp.ask(ask(lp=NAME, quantity="100000"))
    refused = await outcome(reports)
    assert isinstance(refused, LpFailed) and refused.reason is Reason.DECLINED
    assert refused.text == "rejected Size is outside the limits"
    await eventually(lambda: lp._offers.objection("DOGE/USDT"))
    lp.ask(ask("A-2", lp=NAME, symbol="DOGE/USDT"))
    refused = await outcome(reports)
    assert isinstance(refused, LpFailed) and refused.text == "DOGE_USDT is not offered"


async def test_a_stream_ends_some_time_after_its_request(
    sandbox: Sandbox, lp: CumberlandVenue, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    lp.ask(ask(lp=NAME, quantity="1"))
    await price(reports)
    lp.release("R-1")
    assert len(lp._streams) == 1  # an order may follow
    monkeypatch.setattr(cumberland, "LINGER_NS", 0)
    await eventually(lambda: not lp._streams)


# ---- orders


@pytest.mark.parametrize("side", list(Side))
async def test_from_a_price_to_a_trade(
    sandbox: Sandbox, lp: CumberlandVenue, reports: Reports, side: Side
) -> None:
    steady(sandbox)
    sent = await dealt(lp, reports, side)
    filled = await outcome(reports)
    assert isinstance(filled, OrderFilled), filled
    assert (filled.price, filled.quantity) == (sent.price, sent.quantity)
    [booked] = await sandbox.venue(NAME).executions()
    assert (booked.side, booked.execution_id) == (side.value, filled.execution_id)
    assert booked.client_order_id == sent.order_id
    await eventually(lambda: not lp._streams)  # closed: Filled
    lp.query(query(sent.order_id, lp=NAME))
    assert await outcome(reports) == filled
    lp.list_executions(ExecutionsAsked(run_id="K-1", lp=NAME, since=CLOCK.now() - 60 * SECOND))
    listed = await outcome(reports)
    assert isinstance(listed, ExecutionsListed) and listed.executions == (filled,)


@pytest.mark.parametrize(
    ("mood", "answer"),
    [
        *ANSWERS,
        (Mood.HANG_EXECUTE, OrderLost),
    ],
)
async def test_what_becomes_of_an_order(
    sandbox: Sandbox, lp: CumberlandVenue, reports: Reports, mood: Mood, answer: type[Report]
) -> None:
    """A lost answer is found in the history, by our own id."""
    steady(sandbox)
    sandbox.venue(NAME).script(mood)
    sent = await dealt(lp, reports)
    assert type(told := await outcome(reports)) is answer, told
    await eventually(lambda: lp._socket.is_up)
    lp.query(query(sent.order_id, lp=NAME))
    found = await outcome(reports)
    booked = await sandbox.venue(NAME).executions()
    fills = [each for each in booked if each.status != "REJECTED"]
    assert isinstance(found, OrderFilled if fills else (OrderNotFound, OrderRejected)), found
    if isinstance(found, OrderFilled):
        assert [Decimal(each.fill_price) for each in fills] == [found.price]


async def test_an_order_on_a_version_that_is_gone_is_not_sent(
    sandbox: Sandbox, lp: CumberlandVenue, reports: Reports
) -> None:
    """They would reject it; and one that got no dearer deals on the newest version."""
    steady(sandbox)
    lp.ask(ask(lp=NAME, quantity="0.25"))
    before = await price(reports)
    stream = next(iter(lp._streams.values()))
    first = stream.version
    sandbox.venue(NAME).become(half_spread_bps=Decimal(9))
    await eventually(lambda: stream.top.tick and stream.top.tick.ask.price > before.price)
    sent = order("O-1", before.quote_ref, lp=NAME, quantity="0.25", price=before.price)
    lp.execute(sent)
    refused = await outcome(reports)
    assert isinstance(refused, OrderNotSent) and refused.reason is Reason.PRICE_MOVED
    sandbox.venue(NAME).become(half_spread_bps=Decimal(1))
    await eventually(lambda: stream.top.tick and stream.top.tick.ask.price < before.price)
    assert stream.version > first
    lp.execute(order("O-2", before.quote_ref, lp=NAME, quantity="0.25", price=before.price))
    filled = await outcome(reports)
    assert isinstance(filled, OrderFilled) and filled.price < before.price


async def test_the_stand_in_rejects_an_old_version(
    sandbox: Sandbox, lp: CumberlandVenue, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    steady(sandbox)

    def old(us: words.Us, order_id: str, quote_id: str, version: int, side: Side) -> str:
        return real(us, order_id, quote_id, version - 1, side)

    real = words.trade_request
    monkeypatch.setattr(words, "trade_request", old)
    await dealt(lp, reports)
    told = await outcome(reports)
    assert isinstance(told, OrderRejected) and told.text == "Unknown quote"


async def test_without_a_quote_or_a_connection_nothing_is_sent(
    sandbox: Sandbox, lp: CumberlandVenue, reports: Reports
) -> None:
    lp.execute(order(lp=NAME, quote_ref="nobody/1"))
    refused = await outcome(reports)
    assert isinstance(refused, OrderNotSent) and refused.reason is Reason.QUOTE_EXPIRED
    await sandbox.close()
    await eventually(lambda: not lp._socket.is_up)
    lp.execute(order(lp=NAME, quote_ref="nobody/1"))
    refused = await outcome(reports)
    assert isinstance(refused, OrderNotSent) and refused.reason is Reason.UNREACHABLE
    lp.query(query(lp=NAME))
    assert isinstance(await outcome(reports), QueryFailed)
    lp.list_executions(ExecutionsAsked(run_id="K-1", lp=NAME, since=0))
    assert isinstance(await outcome(reports), ExecutionsUnlisted)


async def test_a_history_that_never_comes_says_nothing(
    sandbox: Sandbox, lp: CumberlandVenue, reports: Reports
) -> None:
    sandbox.venue(NAME).script(Mood.HANG_STATUS)
    lp.query(query(lp=NAME))
    failed = await outcome(reports)
    assert isinstance(failed, QueryFailed) and failed.reason is Reason.TIMED_OUT


# ---- words

ROW: dict[str, Any] = {
    "messageType": "TRADE_RESPONSE", "status": "FILLED", "tradeId": "t1", "tradeTime": 1000,
    "tradeRequest": {"counterpartyRequestId": "O-1"},
    "quantity": {"quantity": Decimal("1.5"), "currency": "BTC"},
    "unitPrice": {"price": Decimal("97125.5"), "ticker": "BTC_USD", "currency": "USD"},
}  # fmt: skip


def test_what_goes_out_is_what_is_documented() -> None:
    us = words.Us("cp", "u")
    wish = ask(symbol="BTC/USD", quantity="1.50")
    identity = {"counterpartyId": "cp", "userId": "u"}
    said = words.stream_request(us, wish, "q-1")
    assert '"quantity":1.50' in said  # a number, to the last digit
    assert json.loads(said) == {
        "messageType": "STREAMING_QUOTE_REQUEST", "ticker": "BTC_USD",
        "counterpartyRequestId": "q-1", "quantity": {"quantity": 1.5, "currency": "BTC"},
        "externalIdentity": identity,
    }  # fmt: skip
    assert json.loads(words.trade_request(us, "o-1", "id-1", 7, Side.BUY)) == {
        "messageType": "TRADE_REQUEST", "quoteResponseId": {"id": "id-1", "version": 7},
        "counterpartyAction": "BUY", "counterpartyRequestId": "o-1", "externalIdentity": identity,
    }  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "PENDING"},
        {"tradeId": None},
        {"quantity": {"quantity": Decimal(100), "currency": "USD"}},
        {"unitPrice": {"price": Decimal(-1), "ticker": "BTC_USD"}},
    ],
)
def test_an_answer_that_cannot_be_right_is_no_answer(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        words.outcome("lp", "O-1", Fields(ROW | changes))


def history(reports: Reports, *rows: dict[str, Any], of: int) -> Report:
    """What is told of O-9 when a history of these rows comes, so many times over."""

    async def send(_: str) -> bool:
        return True

    it = cumberland_reads.History("lp", words.Us("cp", "u"), reports, CLOCK, "run", send)
    it._sought["h"] = cumberland_reads._Sought(query("O-9"), of, CLOCK.now())
    it.found(Fields({"counterpartyRequestId": "h", "historicalTrades": list(rows) * of}))
    return reports.seen[-1] if reports.seen else it.again[0]  # type: ignore[return-value]


def test_a_full_page_without_the_order_proves_nothing(reports: Reports) -> None:
    """Of few trades all are asked for, of all it is said that they do not tell."""
    assert history(reports, ROW, of=cumberland_reads.RECENT) == query("O-9")
    assert isinstance(history(reports, ROW, of=words.PAGE), QueryFailed)
