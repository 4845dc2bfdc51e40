"""An LP's list of executions, true or with one thing changed; and its ladders."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.reasons import Reason

D = Decimal

LIES = ["truth", "truth", "missing", "more", "price", "fee", "twice", "stranger", "news", "news"]
LIES += ["reject", "pending", "no list"]


def filled(leg: ev.LegFilled) -> rep.OrderFilled:
    """A fill as the LP's books have it."""
    return rep.OrderFilled(
        lp=leg.lp,
        order_id=leg.order_id,
        execution_id=leg.execution_id,
        price=leg.price,
        quantity=leg.quantity,
        fee=leg.fee,
        fee_asset=leg.fee_asset,
    )


def told(
    lie: str, rows: list, order: ev.OrderSent | None, execution_id: str, place: int
) -> list:  # fmt: skip
    """The list with one thing changed, where there is anything to change."""
    if order is not None and lie in ("stranger", "news"):
        new = rep.OrderFilled(
            lp=order.lp,
            order_id="never-sent" if lie == "stranger" else order.order_id,
            execution_id="s1" if lie == "stranger" else execution_id,
            price=order.price,
            quantity=order.quantity,
            fee=D(0),
            fee_asset="",
        )
        return [*rows, new]
    if order is not None and lie in ("reject", "pending"):
        others = [row for row in rows if row.order_id != order.order_id]
        if lie == "pending":
            return [*others, rep.OrderPending(lp=order.lp, order_id=order.order_id)]
        rejected = rep.OrderRejected(lp=order.lp, order_id=order.order_id, reason=Reason.LAST_LOOK)
        return [*others, rejected]
    if rows and lie in ("missing", "more", "price", "fee", "twice"):
        row = rows.pop(place % len(rows))
        changed = {
            "missing": [],
            "more": [replace(row, quantity=row.quantity + 1)],
            "price": [replace(row, price=row.price + 1)],
            "fee": [replace(row, fee=row.fee + 1, fee_asset="USDT")],
            "twice": [row, row],
        }
        return rows + changed[lie]
    return rows


def laddered(quote: rep.LpQuoted, step_bps: Decimal) -> rep.LpQuoted:
    """The same size in two levels, the second one `step_bps` above the first."""
    half = quote.quantity / 2
    levels = (
        rep.QuoteLevel(quote.price, half, quote.quote_ref),
        rep.QuoteLevel(quote.price * (1 + step_bps / 10_000), half, f"{quote.quote_ref}+"),
    )
    return replace(quote, levels=levels)
