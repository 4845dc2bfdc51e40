"""The settlement blotter: one row a trade, newest first."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.values import Dealt, Instant, Side

KEPT_TRADES = 1000


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
    breaks: int = 0
    text: str = ""

    @property
    def under_way(self) -> bool:
        return self.state in ("executing", "UNKNOWN")


def opened(event: ev.TradeOpened, at: Instant) -> TradeRow:
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
    )


def sent(row: TradeRow, event: ev.OrderSent, at: Instant) -> TradeRow:
    tried = (*row.tried, event.lp)
    return replace(row, lp=event.lp, tried=tried, state="executing", since=at)


def rejected(row: TradeRow, event: ev.LegRejected, at: Instant) -> TradeRow:
    why = f"{event.lp}: {event.reason.value}" + (f" ({event.text})" if event.text else "")
    return replace(row, text=why)


def unknown(row: TradeRow, event: ev.TradeUnknown, at: Instant) -> TradeRow:
    return replace(row, state="UNKNOWN", since=at, text=event.text)


def settled(row: TradeRow, event: ev.TradeSettled, at: Instant) -> TradeRow:
    return replace(
        row,
        state="settled",
        since=at,
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
