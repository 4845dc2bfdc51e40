"""The desk's effects, as tests hand them to venues."""

from __future__ import annotations

from decimal import Decimal

from lpdesk.clock import SystemClock
from lpdesk.domain.events import LpAsked, OrderQueried, OrderSent
from lpdesk.domain.record import Report
from lpdesk.domain.reports import OrderFilled, OrderLost, OrderRejected
from lpdesk.domain.values import SECOND, Side
from lpdesk.sandbox.personality import Mood, Verbatim

CLOCK = SystemClock()

ANSWERS: list[tuple[Mood | Verbatim, type[Report]]] = [
    (Mood.REJECT, OrderRejected),
    (Mood.WORSE_FILL, OrderFilled),
    (Mood.RESET_AFTER_FILL, OrderLost),
    (Mood.RESET_BEFORE_FILL, OrderLost),
    (Mood.ERROR_AFTER_FILL, OrderLost),
    (Mood.HANG_AFTER_FILL, OrderLost),
]
"""What a stand-in does with an order, and what the desk is told: a lost answer is no answer."""


def ask(
    ask_id: str = "A-1",
    rfq_id: str = "R-1",
    symbol: str = "BTC/USDT",
    side: Side = Side.BUY,
    quantity: str = "1.5",
    lp: str = "lp",
) -> LpAsked:
    return LpAsked(
        rfq_id=rfq_id,
        ask_id=ask_id,
        lp=lp,
        symbol=symbol,
        side=side,
        quantity=Decimal(quantity),
        deadline_at=CLOCK.now() + 2 * SECOND,
    )


def order(
    order_id: str = "O-1",
    quote_ref: str = "Q9",
    send_in_s: float = 5,
    lp: str = "lp",
    quantity: str = "1.5",
    price: Decimal = Decimal("101"),
    side: Side = Side.BUY,
) -> OrderSent:
    now = CLOCK.now()
    return OrderSent(
        order_id=order_id,
        trade_id="T-1",
        lp=lp,
        quote_ref=quote_ref,
        symbol="BTC/USDT",
        side=side,
        quantity=Decimal(quantity),
        price=price,
        send_by=now + int(send_in_s * SECOND),
        deadline_at=now + 10 * SECOND,
    )


def query(order_id: str = "O-1", lp: str = "lp") -> OrderQueried:
    return OrderQueried(order_id=order_id, trade_id="T-1", lp=lp, attempt=1)
