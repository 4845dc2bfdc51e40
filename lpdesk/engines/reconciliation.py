"""Our executions against an LP's own list: what we know and its rows in, what differs out."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from decimal import Decimal

from msgspec import Struct

from lpdesk.domain.events import (
    BreakKind,
    LegFilled,
    LegRejected,
    Matching,
    Mended,
    OrderSent,
    Rule,
    TradeUnknown,
)
from lpdesk.domain.record import Event
from lpdesk.domain.reports import OrderFilled, OrderPending, OrderRejected
from lpdesk.domain.settings import Settings
from lpdesk.domain.values import ONE, SECOND, ZERO, Instant, decimals_of
from lpdesk.engines.lifecycle import OrderState

Row = OrderFilled | OrderRejected | OrderPending

PATIENCE_NS = 60 * SECOND
"""An order without an outcome for so long is a break, unless its LP's list says what became."""

FEE_DECIMALS = 8
"""Of a fee in an asset that the pair does not name."""

PRESENT = {OrderFilled: "a fill", OrderRejected: "a reject", OrderPending: "pending"}


class Fill(Struct, frozen=True, gc=False):
    """One execution of ours, as the LP told us when it happened."""

    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str


class Ours(Struct, gc=False):
    """One order as we know it; `changed_at` is when we last learned something of it."""

    order_id: str
    trade_id: str
    lp: str
    symbol: str
    quantity: Decimal
    sent_at: Instant
    changed_at: Instant
    state: OrderState = OrderState.SENT
    fills: dict[str, Fill] = {}
    standing: Matching = Matching.PENDING

    @property
    def filled(self) -> Decimal:
        return sum((fill.quantity for fill in self.fills.values()), ZERO)

    @property
    def done(self) -> bool:
        return self.state in (OrderState.FILLED, OrderState.REJECTED)


class Books:
    """All orders of ours, by LP in the order they were sent; learned from the desk's events."""

    def __init__(self) -> None:
        self.trades: defaultdict[str, list[Ours]] = defaultdict(list)
        self._orders: dict[str, Ours] = {}
        self._lps: defaultdict[str, list[Ours]] = defaultdict(list)

    def observe(self, event: Event, at: Instant) -> None:
        """Learn from what the desk decided. The same event twice changes nothing."""
        match event:
            case OrderSent() if event.order_id not in self._orders:
                ours = Ours(
                    event.order_id, event.trade_id, event.lp, event.symbol, event.quantity, at, at
                )
                self._orders[event.order_id] = ours
                self._lps[event.lp].append(ours)
                self.trades[event.trade_id].append(ours)
            case LegFilled():
                fill = Fill(event.price, event.quantity, event.fee, event.fee_asset)
                ours = self._moved(event.order_id, OrderState.FILLED, at)
                ours.fills[event.execution_id] = fill
            case LegRejected():
                self._moved(event.order_id, OrderState.REJECTED, at)
            case TradeUnknown():
                self._moved(event.order_id, OrderState.UNKNOWN, at).standing = Matching.UNKNOWN

    def _moved(self, order_id: str, state: OrderState, at: Instant) -> Ours:
        ours = self._orders[order_id]
        ours.state, ours.changed_at, ours.standing = state, at, Matching.PENDING
        return ours

    def of(self, lp: str, order_id: str) -> Ours | None:
        """Our order of that id at that LP; another LP's is none of its business."""
        ours = self._orders.get(order_id)
        return ours if ours is not None and ours.lp == lp else None

    def since(self, lp: str, at: Instant) -> list[Ours]:
        """The orders sent to `lp` from `at` on."""
        orders = self._lps[lp]
        return orders[bisect_left(orders, at, key=lambda ours: ours.sent_at) :]


class Finding(Struct, frozen=True):
    """One difference. Its `text` says both sides and stays the same from list to list."""

    kind: BreakKind
    order_id: str
    trade_id: str
    execution_id: str
    text: str


class Window(Struct, frozen=True):
    """What a list covers: from `since` on; what we learned after `settled_at` need not be there."""

    lp: str
    since: Instant
    settled_at: Instant
    at: Instant


class Comparison(Struct):
    """What a list shows: differences, what is harmless, and the orders it could judge."""

    findings: list[Finding] = []
    mended: list[Mended] = []
    judged: list[Ours] = []


def compare(books: Books, window: Window, rows: tuple[Row, ...], settings: Settings) -> Comparison:
    """Every row against our orders, and every order of ours against the rows. Changes nothing."""
    result = Comparison()
    listed: dict[str, list[Row]] = {}
    for row in rows:
        listed.setdefault(row.order_id, []).append(row)
    for order_id, its in listed.items():
        ours = books.of(window.lp, order_id)
        result.findings += _twice(order_id, ours.trade_id if ours else "", its)
        if ours is None:
            _stranger(order_id, its, result)
        else:
            result.judged.append(ours)
            _known(ours, its, window, settings, result)
    for ours in books.since(window.lp, window.since):
        if ours.order_id not in listed and ours.changed_at <= window.settled_at:
            result.judged.append(ours)
            result.findings += [*_missing(ours, ours.fills), *_unresolved(ours, window)]
    return result


def _twice(order_id: str, trade_id: str, rows: list[Row]) -> list[Finding]:
    counts: dict[str, int] = {}
    for row in rows:
        if isinstance(row, OrderFilled):
            counts[row.execution_id] = counts.get(row.execution_id, 0) + 1
    return [
        Finding(BreakKind.LISTED_TWICE, order_id, trade_id, execution_id, f"{count} rows")
        for execution_id, count in counts.items()
        if count > 1
    ]


def _stranger(order_id: str, rows: list[Row], result: Comparison) -> None:
    """An order that we never sent there: a fill of it is a debt that we cannot place."""
    for row in rows:
        if isinstance(row, OrderFilled):
            text = f"{row.quantity} at {row.price}"
            result.findings.append(
                Finding(BreakKind.UNKNOWN_ORDER, order_id, "", row.execution_id, text)
            )
        elif isinstance(row, OrderRejected):
            result.mended.append(Mended(Rule.NOTHING_MOVED, order_id, "a reject we do not know"))


def _known(
    ours: Ours, rows: list[Row], window: Window, settings: Settings, result: Comparison
) -> None:
    fills = {row.execution_id: row for row in rows if isinstance(row, OrderFilled)}
    for execution_id, row in fills.items():
        if execution_id in ours.fills:
            _terms(ours, ours.fills[execution_id], row, settings, result)
    if fills:
        missing = {name: fill for name, fill in ours.fills.items() if name not in fills}
        if ours.changed_at <= window.settled_at:
            result.findings += _missing(ours, missing)
    else:
        result.findings += [*_state(ours, rows), *_unresolved(ours, window)]


def _terms(ours: Ours, fill: Fill, row: OrderFilled, settings: Settings, out: Comparison) -> None:
    """The same execution on both sides, figure by figure."""
    pairs = (
        (BreakKind.AMOUNT_DIFFERS, fill.quantity, row.quantity),
        (BreakKind.PRICE_DIFFERS, fill.price, row.price),
    )
    for kind, we, they in pairs:
        if we != they:
            text = f"we have {we}, it says {they}"
            out.findings.append(Finding(kind, ours.order_id, ours.trade_id, row.execution_id, text))
    if row.fee_text or (fill.fee, fill.fee_asset) == (row.fee, row.fee_asset):
        return
    text = f"we have {fill.fee} {fill.fee_asset}".rstrip()
    text += f", it says {row.fee} {row.fee_asset}".rstrip()
    if is_rounding(fill, row, _decimals(settings, ours.symbol, fill.fee_asset)):
        if ours.standing is not Matching.MATCHED:
            out.mended.append(Mended(Rule.FEE_ROUNDING, ours.order_id, text))
        return
    out.findings.append(
        Finding(BreakKind.FEE_DIFFERS, ours.order_id, ours.trade_id, row.execution_id, text)
    )


def is_rounding(fill: Fill, row: OrderFilled, decimals: int) -> bool:
    """Whether two fees differ by one in the last digit of the coarser, at most.

    That digit counts from the asset's own `decimals` on: of a fee written 1, it is not the 1.
    """
    if fill.fee_asset != row.fee_asset:
        return False
    places = max(decimals, min(decimals_of(fill.fee), decimals_of(row.fee)))
    return abs(fill.fee - row.fee) <= ONE.scaleb(-places)


def _decimals(settings: Settings, symbol: str, asset: str) -> int:
    pair = settings.pair(symbol)
    if pair is None or asset not in (pair.base, pair.quote):
        return FEE_DECIMALS
    return pair.base_decimals if asset == pair.base else pair.quote_decimals


def _missing(ours: Ours, fills: dict[str, Fill]) -> list[Finding]:
    return [
        Finding(
            BreakKind.MISSING_THERE,
            ours.order_id,
            ours.trade_id,
            execution_id,
            f"we have {fill.quantity} at {fill.price}",
        )
        for execution_id, fill in fills.items()
    ]


def _state(ours: Ours, rows: list[Row]) -> list[Finding]:
    """No fill among its rows: then there must be none of ours, and an end is the same end."""
    theirs = rows[-1]
    if ours.state is OrderState.FILLED and isinstance(theirs, OrderRejected):
        kind, text = BreakKind.REJECT_AFTER_FILL, "its list says rejected; the fill stands"
    elif ours.done and isinstance(theirs, OrderPending):
        word = "a fill" if ours.fills else "a reject"
        kind, text = BreakKind.STATE_DIFFERS, f"we have {word}, it says {PRESENT[type(theirs)]}"
    else:
        return []
    return [Finding(kind, ours.order_id, ours.trade_id, "", text)]


def _unresolved(ours: Ours, window: Window) -> list[Finding]:
    if ours.done or window.at < ours.sent_at + PATIENCE_NS:
        return []
    text = "sent, and still without an outcome"
    return [Finding(BreakKind.UNRESOLVED, ours.order_id, ours.trade_id, "", text)]
