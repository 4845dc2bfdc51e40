"""The settlement blotter: one row a trade, newest first."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.instants import date
from lpdesk.domain.values import Dealt, Instant, Side
from lpdesk.views.quotes import Card

KEPT_TRADES = 1000


class Leg(Struct, frozen=True):
    """One order of the hedge; `price` is the LP's, of the fill once there is one."""

    order_id: str
    lp: str
    quantity: Decimal
    price: Decimal
    state: str = "sent"

    @property
    def open(self) -> bool:
        return self.state in ("sent", "UNKNOWN")


class TradeRow(Struct, frozen=True):
    """One trade. Figures are None until they are known; `since` is when `state` began."""

    trade_id: str
    rfq_id: str
    quote_id: str
    at: Instant
    client: str
    side: Side
    dealt: Dealt
    amount: Decimal
    asset: str
    symbol: str
    client_price: Decimal
    markup_bps: Decimal
    pays: Decimal
    pays_asset: str
    receives: Decimal
    receives_asset: str
    lp: str
    state: str = "executing"
    since: Instant = 0
    settles: str = "now"
    lp_price: Decimal | None = None
    quantity: Decimal | None = None
    pnl: Decimal | None = None
    pnl_asset: str = ""
    pnl_bps: Decimal | None = None
    residual: Decimal | None = None
    residual_asset: str = ""
    fee: Decimal | None = None
    fee_asset: str = ""
    slippage_bps: Decimal | None = None
    response_ns: int | None = None
    tried: tuple[str, ...] = ()
    legs: tuple[Leg, ...] = ()
    breaks: int = 0
    reconciliation: ev.Matching = ev.Matching.PENDING
    text: str = ""
    desk: str = ""
    delayed: bool = False
    pair_id: str = ""
    settles_at: Instant | None = None
    settlement_id: str = ""
    integrator_settled: bool = False
    api: bool = False

    @property
    def under_way(self) -> bool:
        return self.state in ("executing", "UNKNOWN")

    @property
    def over(self) -> bool:
        """Nothing more will happen to it by itself."""
        return not self.under_way and self.state != "pending"


def kept(rows: tuple[TradeRow, ...]) -> tuple[TradeRow, ...]:
    """The oldest that is over makes room; what is not over is never dropped."""
    if len(rows) <= KEPT_TRADES:
        return rows
    oldest = next((n for n in range(len(rows) - 1, 0, -1) if rows[n].over), None)
    return rows if oldest is None else rows[:oldest] + rows[oldest + 1 :]


def opened(event: ev.TradeOpened, at: Instant, card: Card | None = None) -> TradeRow:
    """`card` is its request's."""
    base, quote = event.symbol.split("/")
    return TradeRow(
        trade_id=event.trade_id,
        rfq_id=event.rfq_id,
        quote_id=event.quote_id,
        at=at,
        client=event.client,
        side=event.side,
        dealt=event.dealt,
        amount=event.amount,
        asset=base if event.dealt is Dealt.BASE else quote,
        symbol=event.symbol,
        client_price=event.client_price,
        markup_bps=event.markup_bps,
        pays=event.pays,
        pays_asset=event.pays_asset,
        receives=event.receives,
        receives_asset=event.receives_asset,
        lp=event.lp,
        since=at,
        settles=("later" if not event.settle_days else f"T+{event.settle_days}")
        if event.delayed
        else "now",
        desk=event.desk,
        delayed=event.delayed,
        api=card is not None and card.api,
    )


def sent(row: TradeRow, event: ev.OrderSent, at: Instant) -> TradeRow:
    leg = Leg(event.order_id, event.lp, event.quantity, event.price)
    row = replace(row, tried=(*row.tried, event.lp), legs=(*row.legs, leg))
    row = replace(row, reconciliation=ev.Matching.PENDING)
    return _hedged(row, at)


def rerouted(row: TradeRow, event: ev.RfqRerouted, at: Instant) -> TradeRow:
    return replace(row, desk=event.desk)


def filled(row: TradeRow, event: ev.LegFilled, at: Instant) -> TradeRow:
    row = replace(row, reconciliation=ev.Matching.PENDING)
    if not row.under_way:
        return row
    return _hedged(_leg(row, event.order_id, "filled", event.price), at)


def rejected(row: TradeRow, event: ev.LegRejected, at: Instant) -> TradeRow:
    why = f"{event.lp}: {event.reason.value}" + (f" ({event.text})" if event.text else "")
    row = replace(row, reconciliation=ev.Matching.PENDING)
    row = _leg(row, event.order_id, "rejected")
    open_still = any(leg.open for leg in row.legs)
    return replace(_hedged(row, at) if open_still else row, text=why)


def unknown(row: TradeRow, event: ev.TradeUnknown, at: Instant) -> TradeRow:
    row = _leg(row, event.order_id, "UNKNOWN")
    unknown = ev.Matching.UNKNOWN
    return replace(row, state="UNKNOWN", since=at, text=event.text, reconciliation=unknown)


def _leg(row: TradeRow, order_id: str, state: str, price: Decimal | None = None) -> TradeRow:
    legs = tuple(
        replace(leg, state=state, price=leg.price if price is None else price)
        if leg.order_id == order_id
        else leg
        for leg in row.legs
    )
    return replace(row, legs=legs)


def _hedged(row: TradeRow, at: Instant) -> TradeRow:
    """Unknown while any leg is; named after the LPs that have not rejected."""
    state = "UNKNOWN" if any(leg.state == "UNKNOWN" for leg in row.legs) else "executing"
    lp = "+".join(dict.fromkeys(leg.lp for leg in row.legs if leg.state != "rejected"))
    since = at if state != "UNKNOWN" or row.state != state else row.since
    return replace(row, lp=lp, state=state, since=since)


def settled(row: TradeRow, event: ev.TradeSettled, at: Instant) -> TradeRow:
    return replace(
        _figures(row, event),
        state="settled",
        since=at,
        settlement_id=event.settlement_id,
        integrator_settled=event.integrator_settled,
    )


def executed(row: TradeRow, event: ev.TradeExecuted, at: Instant) -> TradeRow:
    return replace(
        _figures(row, event),
        state="pending",
        since=at,
        pair_id=event.pair_id,
        settles_at=event.settles_at,
        settles=date(event.settles_at)[5:],
    )


def linked(row: TradeRow, settlement_id: str) -> TradeRow:
    return replace(row, settlement_id=settlement_id)


def given_up(row: TradeRow, event: ev.TradeRejected, at: Instant) -> TradeRow:
    return replace(row, state="rejected", since=at, text=event.text)


def _figures(row: TradeRow, event: ev.TradeSettled | ev.TradeExecuted) -> TradeRow:
    return replace(
        row,
        lp=event.lp,
        lp_price=event.lp_price,
        quantity=event.quantity,
        pnl=event.pnl,
        pnl_asset=event.pnl_asset,
        pnl_bps=event.pnl_bps,
        residual=event.residual,
        residual_asset=event.residual_asset,
        fee=event.fee,
        fee_asset=event.fee_asset,
        slippage_bps=event.slippage_bps,
        response_ns=event.response_ns,
    )


def failed(row: TradeRow, event: ev.TradeFailed, at: Instant) -> TradeRow:
    why = event.reason.value + (f": {event.text}" if event.text else "")
    return replace(row, state="failed", since=at, text=why)


def broken(row: TradeRow, event: ev.BreakFound, at: Instant) -> TradeRow:
    return replace(row, breaks=row.breaks + 1, text=f"{event.kind.value}: {event.text}")


def compared(rows: tuple[TradeRow, ...], event: ev.Reconciled) -> tuple[TradeRow, ...]:
    """How the trades stand against an LP's list."""
    news = {each.trade_id: each.reconciliation for each in event.trades}
    return tuple(
        replace(row, reconciliation=news[row.trade_id]) if row.trade_id in news else row
        for row in rows
    )
