"""The settlement blotter: every trade with its price, what it earned, and where it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from lpdesk.domain.settings import Pair, Settings
from lpdesk.domain.values import Instant
from lpdesk.tui.figures import API, SIDE_INK, asset_amount, places, price, price_spans
from lpdesk.tui.look import Look
from lpdesk.tui.panels.listing import ListPane, Slice
from lpdesk.tui.widgets.grid import Cell, Column, Row
from lpdesk.tui.widgets.lines import Ink, Span
from lpdesk.views import TradeRow, words

_COLUMNS: Final = (
    Column("time", "time", 8),
    Column("trade", "trade", 8, spill=1),
    Column("client", "client", 7, priority=4),
    Column("side", "side", 4),
    Column("amount", "amount", 11, "decimal", decimals=3),
    Column("asset", "", 4),
    Column("price", "price", 10, "decimal", decimals=2),
    Column("pays", "client pays", 18, "right", priority=12),
    Column("receives", "receives", 18, "right", priority=12),
    Column("lp", "LP", 6, priority=2, most=8),
    Column("lp-price", "LP price", 10, "decimal", decimals=2, priority=11),
    Column("slip", "slip", 7, "right", priority=6),
    Column("markup", "markup", 6, "right", priority=8),
    Column("ms", "ms", 4, "right", priority=9),
    Column("fee", "fee", 14, "right", priority=9),
    Column("pnl", "P&L", 10, "decimal", decimals=2),
    Column("in", "", 4, priority=5),
    Column("settles", "settles", 7, priority=7),
    Column("state", "state", 9),
    Column("age", "age", 6, priority=3),
    Column("why", "", 4, priority=10, grow=True),
)
STATE: Final = next(n for n, column in enumerate(_COLUMNS) if column.key == "state")
"""Where the state stands."""

_STATES: Final = {
    "settled": Ink.DIM,
    "UNKNOWN": Ink.BAD,
    "failed": Ink.BAD,
    "rejected": Ink.BAD,
    "executing": Ink.WARN,
}
SORTS: Final[dict[str, Callable[[TradeRow], Any]]] = {
    "time": lambda trade: trade.at,
    "trade": lambda trade: trade.trade_id,
    "client": lambda trade: trade.client,
    "side": lambda trade: str(trade.side),
    "amount": lambda trade: trade.amount,
    "price": lambda trade: trade.client_price,
    "lp": lambda trade: trade.lp,
    "slip": lambda trade: trade.slippage_bps,
    "markup": lambda trade: trade.markup_bps,
    "ms": lambda trade: trade.response_ns,
    "fee": lambda trade: trade.fee,
    "pnl": lambda trade: trade.pnl,
    "settles": lambda trade: trade.settles,
    "state": lambda trade: trade.state,
    "age": lambda trade: -trade.since,
}
"""The columns that the blotter can be sorted by, as `sort` names them."""

OPEN: Final = {"executing", "UNKNOWN", "pending"}
"""States that somebody waits in, so their age is shown."""


class BlotterPane(ListPane[TradeRow]):
    """Every trade, newest first."""

    ABOUT: ClassVar[tuple[str, ...]] = (
        "Every trade, newest first. Click a title, or type `sort pnl`, to order it otherwise.",
        "/ narrows it: /acme, /unknown. A dot is not known yet, a question mark nobody knows.",
        "A » between trade and client: it came in over the API, and the client dealt itself.",
    )

    NAME: ClassVar[str] = "Settlement"
    LIST_ID: ClassVar[str] = "settlement"
    COLUMNS = _COLUMNS
    EMPTY = "no trades yet"
    ONE = "trade"
    SORTS = SORTS

    def see(self, look: Look) -> object:
        """Seconds matter while a trade is open."""
        trades = look.view.trades
        pending = sum(trade.state in OPEN for trade in trades)
        note = f"{pending} open" if pending else ""
        return Slice(trades, look.view.settings, look.second if pending else 0, note)

    def key(self, row: TradeRow) -> str:
        """Its id."""
        return row.trade_id

    def moves(self, row: TradeRow) -> bool:
        """An open one has an age."""
        return row.state in OPEN

    def drawn(self, row: TradeRow, slice: Slice) -> Row:
        """The trade's line."""
        return trade_row(row, slice.settings, slice.second)


def trade_row(trade: TradeRow, settings: Settings, now: Instant) -> Row:
    """One trade's line; what is not known yet is a dot, what nobody knows a question mark."""
    pair = settings.pair(trade.symbol)
    none = "?" if trade.state == "UNKNOWN" else words.DASH
    waits = trade.state in OPEN
    alarm = "!" if trade.state in ("UNKNOWN", "failed") or trade.breaks else ""
    cells: tuple[Cell, ...] = (
        Span(words.time_of_day(trade.at), Ink.DIM),
        (Span(trade.trade_id), Span(API if trade.api else "", Ink.TITLE)),
        trade.client,
        Span(trade.side, SIDE_INK[trade.side]),
        words.amount(trade.amount, places(trade.asset, pair)),
        Span(trade.asset, Ink.DIM),
        price_spans(trade.client_price, pair),
        Span(asset_amount(trade.pays, trade.pays_asset, pair), Ink.DIM),
        Span(asset_amount(trade.receives, trade.receives_asset, pair), Ink.DIM),
        trade.lp if "+" not in trade.lp else f"{trade.lp.count('+') + 1} legs",
        Span(none) if trade.lp_price is None else price_spans(trade.lp_price, pair, ""),
        words.bps(trade.slippage_bps, 1) if trade.slippage_bps is not None else none,
        Span(words.money(trade.markup_bps, 1), Ink.DIM),
        Span(words.milliseconds(trade.response_ns), Ink.DIM),
        Span(_fee(trade, pair), Ink.DIM),
        _pnl(trade, pair, none),
        Span(trade.pnl_asset, Ink.DIM),
        Span(trade.settles, Ink.DIM),
        Span(f"{trade.state} {alarm}".rstrip(), _STATES.get(trade.state, Ink.WARN)),
        Span(words.age(now - trade.since) if waits else "", Ink.WARN),
        Span(_why(trade, pair), Ink.DIM),
    )
    return Row(trade.trade_id, cells)


def _why(trade: TradeRow, pair: Pair | None) -> str:
    """What is said of the trade, and the legs of its hedge where it has several."""
    if len(trade.legs) < 2:
        return trade.text
    decimals = pair.base_decimals if pair else 18
    legs = ", ".join(
        f"{leg.lp} {words.amount(leg.quantity, decimals)} @ {price(leg.price, pair)} {leg.state}"
        for leg in trade.legs
    )
    return f"{trade.text}; {legs}" if trade.text else legs


def _pnl(trade: TradeRow, pair: Pair | None, none: str) -> Cell:
    if trade.pnl is None:
        return Span(none, Ink.DIM)
    text = words.signed(trade.pnl, places(trade.pnl_asset, pair))
    return Span(text, Ink.BAD if trade.pnl < 0 else Ink.GOOD)


def _fee(trade: TradeRow, pair: Pair | None) -> str:
    return asset_amount(trade.fee, trade.fee_asset, pair) if trade.fee else words.DASH
