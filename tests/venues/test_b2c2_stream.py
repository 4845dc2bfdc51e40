"""B2C2's levels: the adapter against a stand-in that reads the same description on its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain.events import ExecutionsAsked, OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.reports import (
    ExecutionsListed,
    LpFailed,
    LpQuoted,
    LpStreamed,
    LpWithdrew,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
)
from lpdesk.domain.values import MILLISECOND, SECOND, Side
from lpdesk.domain.wire import Malformed
from lpdesk.sandbox import Mood, Sandbox, start_sandbox
from lpdesk.venues import pushing, requesting, socket
from lpdesk.venues.b2c2_orders import Orders, client_order_id
from lpdesk.venues.b2c2_stream import B2c2Stream
from lpdesk.venues.base import Endpoint
from lpdesk.venues.line import Answer
from tests.conftest import eventually
from tests.venues.effects import ANSWERS, ask, order, query
from tests.venues.liar import Reports

CLOCK = SystemClock()
NAME = "hypatia"


@pytest.fixture
async def sandbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    monkeypatch.setattr(pushing, "PUSH_NS", 5 * MILLISECOND)
    monkeypatch.setattr(pushing, "PULSE_S", 0.01)
    monkeypatch.setattr(socket, "BACKOFF_S", 0.01)
    monkeypatch.setattr(requesting, "EXECUTE_S", 0.5)
    it = await start_sandbox(7, cast="full", only=[NAME])
    it.venue(NAME).become(latency_ms=(1, 1, 1), rate_per_second=1000, ticks_per_second=50)
    yield it
    await it.close()


def made(sandbox: Sandbox, reports: Reports, key: str = "", **options: Any) -> B2c2Stream:
    (lp,) = sandbox.lps
    it = Endpoint(
        name=lp.name, kind=lp.kind, url=lp.url, key=key or lp.key, symbols=("BTC/USDT",),
        options={"levels": ("1", "5")} | options, timeout_ns=2 * SECOND,
    )  # fmt: skip
    return B2c2Stream(it, reports, CLOCK)


@pytest.fixture
async def lp(sandbox: Sandbox, reports: Reports) -> AsyncIterator[B2c2Stream]:
    it = made(sandbox, reports)
    await it.start()
    await eventually(lambda: it.pushing.tops["BTC/USDT"].tick is not None)
    yield it
    await it.close()


async def price(reports: Reports) -> LpQuoted:
    report = await reports.next(LpStreamed)
    assert isinstance(report, LpQuoted), report
    return report


async def dealt(
    lp: B2c2Stream, reports: Reports, side: Side = Side.BUY, worse: str = "0"
) -> OrderSent:
    """An order at the price that stands, or so much off it, on its way."""
    lp.ask(ask(lp=NAME, quantity="0.25", side=side))
    quoted = await price(reports)
    lp.release("R-1")
    limit = quoted.price + Decimal(worse)
    sent = order(lp=NAME, quote_ref=quoted.quote_ref, quantity="0.25", price=limit, side=side)
    lp.execute(sent)
    return sent


def steady(sandbox: Sandbox) -> None:
    """The market stands still, so that the price that was seen is the price that is dealt."""
    market = sandbox.market
    mid = market.mid("BTC/USDT", CLOCK.now())
    object.__setattr__(market, "mid", lambda *_: mid)


async def outcome(reports: Reports) -> Report:
    return await reports.next(LpStreamed, LpQuoted, LpWithdrew)


# ---- prices


@pytest.mark.parametrize("side", list(Side))
async def test_a_size_gets_the_price_of_the_smallest_level_that_has_it(
    lp: B2c2Stream, reports: Reports, side: Side
) -> None:
    """Larger is dearer; more than the largest level gets as much as that has."""
    told = []
    for size in ("0.25", "1", "4", "9"):
        lp.ask(ask(lp=NAME, quantity=size, side=side))
        quoted = await price(reports)
        told.append((quoted.quantity, quoted.price))
        assert 0 < quoted.validity_ns <= 5 * SECOND and quoted.side is side
        lp.release("R-1")
    assert [size for size, _ in told] == [Decimal("0.25"), 1, 4, 5]
    middle = (await_tick(lp).bid.price + await_tick(lp).ask.price) / 2
    away = [abs(price - middle) for _, price in told]
    assert away[1] < away[2] and all((p > middle) is (side is Side.BUY) for _, p in told)


def await_tick(lp: B2c2Stream) -> Any:
    tick = lp.pushing.tops["BTC/USDT"].tick
    assert tick is not None
    return tick


@pytest.mark.parametrize(
    ("mood", "reason"),
    [(Mood.CROSS, Reason.MALFORMED), (Mood.GAP, Reason.STALE), (Mood.DROP, Reason.UNREACHABLE)],
)
async def test_a_price_is_withdrawn_and_comes_back(
    sandbox: Sandbox, lp: B2c2Stream, reports: Reports, mood: Mood, reason: Reason
) -> None:
    """Bid above ask, an interrupted stream, a connection that breaks."""
    lp.ask(ask(lp=NAME, quantity="1"))
    await price(reports)
    sandbox.venue(NAME).script(mood)
    gone = await reports.next(LpStreamed, LpQuoted)
    assert isinstance(gone, LpWithdrew) and gone.reason is reason, gone
    assert (await price(reports)).ask_id == "A-1"


@pytest.mark.parametrize("mood", [Mood.REORDER, Mood.WRONG_SYMBOL, Mood.REPEAT_TICK])
async def test_what_says_nothing_about_our_price(
    sandbox: Sandbox, lp: B2c2Stream, reports: Reports, mood: Mood
) -> None:
    """An old frame, another instrument's, the same again: the price stands and goes on."""
    lp.ask(ask(lp=NAME, quantity="1"))
    sandbox.venue(NAME).script(mood, times=3)
    before = await_tick(lp)
    await eventually(lambda: await_tick(lp).received_at > before.received_at + 100 * MILLISECOND)
    gone = {report.reason for report in reports.seen if isinstance(report, LpWithdrew)}
    assert gone <= {Reason.WITHDRAWN}  # by the next price


@pytest.mark.parametrize("side", list(Side))
async def test_a_worse_price_ends_the_one_before(
    sandbox: Sandbox, lp: B2c2Stream, reports: Reports, side: Side
) -> None:
    """They deal at what they show now: nobody may rest on more than that."""
    steady(sandbox)
    lp.ask(ask(lp=NAME, quantity="1", side=side))
    before = await price(reports)
    sandbox.venue(NAME).become(half_spread_bps=Decimal(3))
    ended = await reports.next(LpStreamed)
    while isinstance(ended, LpQuoted):  # of a frame from before the market stood still
        before, ended = ended, await reports.next(LpStreamed)
    assert isinstance(ended, LpWithdrew) and ended.text == "replaced by a newer quote"
    worse = await price(reports)
    assert (worse.price > before.price) is (side is Side.BUY)
    sandbox.venue(NAME).become(half_spread_bps=Decimal(1))
    better = await reports.next(LpStreamed)
    assert isinstance(better, LpQuoted)  # the old limit would be filled at it, so it may stand


async def test_a_level_without_a_price_is_left_out(
    sandbox: Sandbox, lp: B2c2Stream, reports: Reports
) -> None:
    mid = (await_tick(lp).bid.price + await_tick(lp).ask.price) / 2
    sandbox.venue(NAME).become(min_notional=mid * 2)
    await eventually(lambda: len(await_tick(lp).asks) == 1)
    assert await_tick(lp).ask.size == 5
    sandbox.venue(NAME).become(min_notional=mid * 10)
    await eventually(lambda: lp.pushing.tops["BTC/USDT"].tick is None)
    assert lp.pushing.tops["BTC/USDT"].trouble is Reason.NO_LIQUIDITY


async def test_a_size_that_is_too_large_now_costs_its_level_and_not_the_stream(
    sandbox: Sandbox, lp: B2c2Stream, reports: Reports
) -> None:
    """They close (3018), take no subscription with that size (3004), and one without it."""
    mid = (await_tick(lp).bid.price + await_tick(lp).ask.price) / 2
    sandbox.venue(NAME).become(max_notional=mid * 2)
    await eventually(lambda: await_tick_or(lp) and len(await_tick(lp).asks) == 1)
    assert await_tick(lp).ask.size == 1
    sandbox.venue(NAME).become(max_notional=mid / 2)
    await eventually(lambda: lp.pushing.tops["BTC/USDT"].trouble is Reason.DECLINED)
    lp.ask(ask(lp=NAME))
    refused = await reports.next(LpStreamed)
    assert isinstance(refused, LpFailed) and refused.text == "3004 subscription invalid"


def await_tick_or(lp: B2c2Stream) -> bool:
    return lp.pushing.tops["BTC/USDT"].tick is not None


async def test_strangers_and_instruments_that_are_not_offered_are_told_so(
    sandbox: Sandbox, reports: Reports
) -> None:
    stranger = made(sandbox, reports, key="nobody")
    await stranger.start()
    stranger.ask(ask(lp=NAME))
    refused = await reports.next()
    assert isinstance(refused, LpFailed) and refused.reason is Reason.UNAUTHORISED
    assert refused.text == "3000 authentication failure"
    await stranger.close()
    sandbox.venue(NAME).become(pairs=("ETH/USDT",))
    elsewhere = made(sandbox, reports)
    await elsewhere.start()
    await eventually(lambda: elsewhere.pushing.tops["BTC/USDT"].trouble is Reason.DECLINED)
    elsewhere.ask(ask(lp=NAME))
    refused = await reports.next()
    assert isinstance(refused, LpFailed) and "BTCUST.SPOT is not tradable" in refused.text
    await elsewhere.close()


# ---- orders


@pytest.mark.parametrize("side", list(Side))
async def test_from_a_price_to_a_trade(
    sandbox: Sandbox, lp: B2c2Stream, reports: Reports, side: Side
) -> None:
    steady(sandbox)
    sent = await dealt(lp, reports, side, worse="50" if side is Side.BUY else "-50")
    filled = await outcome(reports)
    assert isinstance(filled, OrderFilled), filled
    better = sent.price - filled.price if side is Side.BUY else filled.price - sent.price
    assert better > 0 and filled.quantity == sent.quantity  # dealt at the price, not the limit
    [booked] = await sandbox.venue(NAME).executions()
    assert booked.side == side.value and booked.execution_id == filled.execution_id
    lp.query(query(sent.order_id, lp=NAME))
    assert await outcome(reports) == filled
    lp.list_executions(ExecutionsAsked(run_id="K-1", lp=NAME, since=CLOCK.now() - 60 * SECOND))
    listed = await outcome(reports)
    assert isinstance(listed, ExecutionsListed) and listed.executions == (filled,)


@pytest.mark.parametrize(("slip", "answer"), [(0, OrderRejected), (20, OrderFilled)])
async def test_a_price_that_moved_is_dealt_within_the_slippage_that_was_allowed(
    sandbox: Sandbox, reports: Reports, slip: int, answer: type[Report]
) -> None:
    """Rejected is a 200 without a price, and its status says the same."""
    steady(sandbox)
    lp = made(sandbox, reports, slippage_bps=Decimal(slip))
    await lp.start()
    sent = await dealt(lp, reports, worse="-30")
    assert isinstance(told := await outcome(reports), answer), told
    lp.query(query(sent.order_id, lp=NAME))
    assert await outcome(reports) == told
    await lp.close()


@pytest.mark.parametrize(("mood", "answer"), ANSWERS)
async def test_what_becomes_of_an_order(
    sandbox: Sandbox, lp: B2c2Stream, reports: Reports, mood: Mood, answer: type[Report]
) -> None:
    """A lost answer is found again by our own id."""
    steady(sandbox)
    sandbox.venue(NAME).script(mood)
    sent = await dealt(lp, reports, worse="50")
    assert type(told := await outcome(reports)) is answer, told
    lp.query(query(sent.order_id, lp=NAME))
    found = await outcome(reports)
    booked = await sandbox.venue(NAME).executions()
    fills = [each for each in booked if each.status != "REJECTED"]
    assert isinstance(found, OrderFilled if fills else (OrderNotFound, OrderRejected)), found
    if isinstance(found, OrderFilled):
        assert [Decimal(each.fill_price) for each in fills] == [found.price]


DIALECT = Orders(Endpoint(name="b2c2", kind="b2c2-stream", url="https://x"))
ROW = {
    "order_id": "their-1", "client_order_id": client_order_id("O-1"), "executing_unit": "O-1",
    "executed_price": "97125.5", "trades": [{"trade_id": "t1", "quantity": "1.5"}],
}  # fmt: skip


def test_what_goes_out_is_what_is_documented() -> None:
    sent = order("O-1", quantity="1.50", price=Decimal("97125.50"))
    call = DIALECT.order(sent)
    said = json.loads(call.body)
    assert (call.method, call.path) == ("POST", "/v2/order/")
    until = said.pop("valid_until")
    assert len(until) == 20 and until.endswith("Z")
    assert said == {
        "client_order_id": client_order_id("O-1"), "instrument": "BTCUST.SPOT", "side": "buy",
        "quantity": "1.50", "order_type": "FOK", "price": "97125.50", "executing_unit": "O-1",
    }  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"trades": []},  # a price and no trade
        {"executed_price": None},
        {"trades": [{"trade_id": "t1", "quantity": "1"}] * 2},
        {"client_order_id": "another"},
        {"executed_price": "-1"},
    ],
)
def test_an_answer_that_contradicts_itself_is_no_answer(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        DIALECT.executed(order("O-1"), Answer(200, json.dumps(ROW | changes).encode(), ""))


def test_a_list_names_our_orders_and_a_strangers_as_his() -> None:
    rows = [ROW, ROW | {"executing_unit": "", "client_order_id": "x"}]
    told = DIALECT.listed(json.dumps(rows).encode())
    assert [row.order_id for row in told] == ["O-1", "not ours: their-1"]
    with pytest.raises(Malformed, match="without its tag"):
        DIALECT.listed(
            json.dumps([{k: v for k, v in ROW.items() if k != "executing_unit"}]).encode()
        )
    with pytest.raises(Malformed, match="more orders"):
        DIALECT.listed(json.dumps([ROW] * 1000).encode())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"levels": ()}, "levels"),
        ({"levels": ("0",)}, "levels"),
        ({"levels": ("ETH/USDT=1",)}, "levels"),
        ({"levels": "1"}, "levels"),
        ({"slippage_bps": 21}, "slippage_bps"),
        ({"slippage_bps": Decimal("0.001")}, "slippage_bps"),
        ({"validity_ms": 0}, "validity_ms"),
    ],
)
async def test_options_that_can_never_work(
    sandbox: Sandbox, reports: Reports, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        made(sandbox, reports, **options)
