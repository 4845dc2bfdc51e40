"""Records to journal: any at all, from their types; and a day's trading that hangs together."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from msgspec import Struct

from lpdesk.domain import events as e
from lpdesk.domain import reports
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Cause, Event, Record
from lpdesk.domain.scoring import Score
from lpdesk.domain.settings import Settings
from lpdesk.domain.values import SECOND, Dealt, Side

AT = 1_768_833_025_123_456_789
ODD = ["", "\0", "\x1b[2J", "\u202e", "\u2028", '"\\', "é", "💥", "\u0301" * 9, "'; DROP TABLE x"]

decimals = st.builds(
    "{}E{}".format,
    st.integers(1 - 10**58, 10**58 - 1),
    st.integers(-40, 18),
).map(Decimal)
texts = st.sampled_from(ODD) | st.text(max_size=20)
int64s = st.integers(-(2**63), 2**63 - 1)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a declared type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return st.one_of(*map(values, arguments))
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(*map(values, arguments), max_size=3)
    if issubclass(hint, Struct):
        return structs(hint)
    if issubclass(hint, Enum):
        return st.sampled_from(hint)
    return {
        Decimal: decimals,
        str: texts,
        bool: st.booleans(),
        int: int64s,
        type(None): st.none(),
    }[hint]


def structs(kind: type[Struct]) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{name: values(hint) for name, hint in _hints(kind)})


def _hints(kind: type[Struct]) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(kind)
    return ((name, hints[name]) for name in kind.__struct_fields__)


CAUSES: tuple[type[Struct], ...] = get_args(Cause)
EVENTS: tuple[type[Struct], ...] = get_args(Event)

records = st.builds(
    Record,
    seq=st.just(1),
    at=st.integers(0, 2**63 - 1),
    cause=st.sampled_from(CAUSES).flatmap(structs),
    events=st.lists(st.sampled_from(EVENTS).flatmap(structs), max_size=4).map(tuple),
)


def quoting(count: int) -> list[Record]:
    """The journal's daily bread: an LP's price and what the desk made of it; one in ten locks."""
    return [
        Record(
            seq,
            AT + seq,
            quoted(f"A-{seq:06}"),
            (received("R-000001", f"A-{seq:06}"),)
            + ((locked("R-000001", f"Q-{seq:06}"),) if seq % 10 == 0 else ()),
        )
        for seq in range(1, count + 1)
    ]


def trading(rfqs: int, first_seq: int = 1) -> list[Record]:
    """Four records for each request: asked, quoted, traded, settled or failed or left unknown."""
    return [
        Record(first_seq + n, AT + (first_seq + n) * SECOND, cause, events)
        for n, (cause, events) in enumerate(
            step for rfq in range(rfqs) for step in _one_request(first_seq + 4 * rfq)
        )
    ]


def filler(count: int, first_seq: int = 1) -> list[Record]:
    """Records that differ in their number only."""
    return [
        Record(seq, AT + seq, reports.Pulse(), (e.TradingHalted(why=f"no. {seq}"),))
        for seq in range(first_seq, first_seq + count)
    ]


def _one_request(number: int) -> Iterator[tuple[Cause, tuple[Event, ...]]]:
    rfq, ask, quote = f"R-{number:06}", f"A-{number:06}", f"Q-{number:06}"
    yield reports.DeskStarted(instance="x7", settings=Settings(), version="0"), (opened(rfq),)
    yield quoted(ask), (received(rfq, ask), missed(rfq, ask), locked(rfq, quote))
    taken = e.RequestTaken(caller="bot", token=rfq, digest="d")
    yield reports.Pulse(), (taken, *_dealt(f"T-{number:06}", rfq, quote))
    yield (
        reports.OrderPending(lp="Lumen", order_id="o"),
        tuple(_ended(f"T-{number:06}", rfq, quote)),
    )


def opened(rfq: str) -> e.RfqOpened:
    return e.RfqOpened(
        rfq_id=rfq,
        client="house",
        symbol="BTC/USDT",
        side=Side.BUY,
        dealt=Dealt.BASE,
        amount=Decimal("1.5"),
        base_side=Side.BUY,
        via="",
        auto_refresh=False,
        expires_at=AT,
    )


def quoted(ask: str) -> reports.LpQuoted:
    return reports.LpQuoted(
        lp="Lumen",
        ask_id=ask,
        quote_ref="é1",
        symbol="BTC/USDT",
        side=Side.BUY,
        price=Decimal("100000.10"),
        quantity=Decimal("1.5"),
        validity_ns=10 * SECOND,
    )


def received(rfq: str, ask: str) -> e.QuoteReceived:
    return e.QuoteReceived(
        rfq_id=rfq,
        lp="Lumen",
        ask_id=ask,
        quote_ref="é1",
        price=Decimal("100000.10"),
        all_in=Decimal("1E-7"),
        quantity=Decimal("1.5"),
        response_ns=7,
        verdict=e.Verdict.LIVE,
        dealable_until=AT,
    )


def missed(rfq: str, ask: str) -> e.LpMissed:
    return e.LpMissed(
        rfq_id=rfq, lp="Tor", ask_id=ask, reason=Reason.TIMED_OUT, text="late", response_ns=9
    )


def locked(rfq: str, quote: str) -> e.QuoteLocked:
    return e.QuoteLocked(
        rfq_id=rfq,
        quote_id=quote,
        lp="Lumen",
        quote_ref="é1",
        lp_price=Decimal("100000.10"),
        all_in=Decimal("100000.10"),
        quantity=Decimal("1.5"),
        markup_bps=Decimal(5),
        client_price=Decimal("100050.11"),
        pays=Decimal("150075.17"),
        pays_asset="USDT",
        receives=Decimal("1.5"),
        receives_asset="BTC",
        cause=e.LockCause.FIRST,
        improvement_bps=Decimal(0),
        received_at=AT,
        dealable_until=AT + SECOND,
        exec_ns=3,
        legs=(
            e.QuoteLeg("Lumen", "é1", Decimal(1), Decimal(100_000), Decimal(100_000), "whole"),
            e.QuoteLeg("b", "2", Decimal("0.5"), Decimal(100_001), Decimal(100_001), "the rest"),
        ),
        second="b",
        second_bps=Decimal("0.3"),
    )


def _dealt(trade: str, rfq: str, quote: str) -> Iterator[Event]:
    yield e.TradeOpened(
        trade_id=trade,
        rfq_id=rfq,
        quote_id=quote,
        client="house",
        symbol="BTC/USDT",
        side=Side.BUY,
        dealt=Dealt.BASE,
        amount=Decimal("1.5"),
        base_side=Side.BUY,
        client_price=Decimal("100050.11"),
        markup_bps=Decimal(5),
        pays=Decimal("150075.17"),
        pays_asset="USDT",
        receives=Decimal("1.5"),
        receives_asset="BTC",
        lp="Lumen",
    )
    yield e.RfqRefreshed(rfq_id=rfq, refreshes=1, expires_at=AT + 5)
    yield e.AutoRefreshSet(rfq_id=rfq, on=True)
    yield e.RfqEnded(rfq_id=rfq, how=e.RfqEnd.ACCEPTED)
    yield e.QuoteUnlocked(rfq_id=rfq, quote_id=quote, reason=Reason.WITHDRAWN)
    yield e.HoldPlaced(
        hold_id=f"H{trade}", trade_id=trade, account="house", asset="USDT", amount=Decimal(10) ** 30
    )
    yield e.OrderSent(
        order_id=f"O{trade}",
        trade_id=trade,
        lp="Lumen",
        quote_ref="é1",
        symbol="BTC/USDT",
        side=Side.BUY,
        quantity=Decimal("1.5"),
        price=Decimal("100000.10"),
        send_by=AT,
        deadline_at=AT,
    )


def _ended(trade: str, rfq: str, quote: str) -> Iterator[Event]:
    place = {"order_id": f"O{trade}", "trade_id": trade, "lp": "Lumen"}
    yield e.TradeUnknown(**place, reason=Reason.OUTCOME_UNKNOWN, text="cut")
    yield e.LegRejected(**place, reason=Reason.LAST_LOOK, text="no", response_ns=1)
    yield e.LegFilled(
        **place,
        execution_id="X",
        side=Side.BUY,
        quoted_price=Decimal(1),
        price=Decimal(2),
        quantity=Decimal(3),
        fee=Decimal("0.1"),
        fee_asset="USDT",
        slippage_bps=Decimal("-0.3"),
        response_ns=2,
    )
    yield e.HoldResolved(hold_id=f"H{trade}", trade_id=trade, posted=True)
    yield e.Transferred(
        transfer_id=f"X{trade}",
        trade_id=trade,
        postings=(
            e.Posting("house", "USDT", Decimal("-150075.17")),
            e.Posting("desk", "USDT", Decimal("150075.17")),
        ),
    )
    yield e.TradeSettled(
        trade_id=trade,
        lp="Lumen",
        lp_price=Decimal(2),
        quantity=Decimal(3),
        pnl=Decimal("75.01"),
        pnl_asset="USDT",
        pnl_bps=Decimal(5),
        residual=Decimal(0),
        residual_asset="BTC",
        fee=Decimal("0.1"),
        fee_asset="USDT",
        slippage_bps=Decimal(0),
        response_ns=2,
    )
    yield e.TradeFailed(trade_id=trade, reason=Reason.OTHER, text="to see that table too")
    yield e.BreakFound(
        **place, break_id=f"B{trade}", kind=e.BreakKind.LATE_FILL, text="late", owner="desk"
    )
    yield e.LpScored(
        lp=trade, symbol="BTC/USDT", side="BUY", band="S", score=Score(requests=1, accepts=1)
    )
    yield from _settling(trade)


def _settling(trade: str) -> Iterator[Event]:
    """A settlement that fails once, and money from outside."""
    name = f"S{trade}"
    carried: dict[str, Any] = {
        "settlement_id": name,
        "pair_id": "house-otc",
        "organization": "house",
        "desk": "otc",
        "broker_account": "client:house",
        "trades": (trade,),
        "asset_exposures": {"BTC": Decimal("1.5")},
        "cash_exposures": {"USDT": Decimal("150075.17")},
        "automatic": True,
        "created_at": AT,
    }
    short = e.Shortfall(
        account="client:house",
        asset="USDT",
        balance=Decimal(2),
        available=Decimal(1),
        missing=Decimal("150074.17"),
    )
    yield e.SettlementCreated(**carried, attempt_at=AT, reject_at=AT + 9)
    yield e.SettlementAttempted(settlement_id=name, attempt=1, by_hand=False)
    yield e.SettlementFailed(
        **carried, attempt=1, failed_at=AT, shortfalls=(short,), attempt_at=AT, reject_at=AT + 9
    )
    yield e.SettlementAttempted(settlement_id=name, attempt=2, by_hand=True)
    yield e.SettlementSettled(
        **carried,
        attempt=2,
        settled_at=AT,
        integrator_settled=True,
        integrator_trades=(trade,),
    )
    cash: dict[str, Any] = {"account": "client:house", "asset": "USDT", "amount": Decimal("7.5")}
    yield e.Deposited(transfer_id=f"D{trade}", **cash)
    yield e.Withdrawn(transfer_id=f"W{trade}", **cash)
    yield from _hooks(name)


def _hooks(settlement: str) -> Iterator[Event]:
    """A webhook that nobody wants."""
    place = {"event_id": f"msg_{settlement}", "endpoint": "house"}
    yield e.WebhookQueued(
        event_id=place["event_id"],
        number=1,
        kind="create",
        settlement_id=settlement,
        payload="{}",
        targets=(e.Target("house"),),
    )
    yield e.WebhookTried(
        **place, attempt=1, outcome=e.Outcome.QUEUED, status=410, text="gone", next_at=AT
    )
    yield e.EndpointDisabled(endpoint="house", text="gone")
