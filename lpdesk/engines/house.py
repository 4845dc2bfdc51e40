"""Our own exchange as one more LP of the desk: it answers asks and orders inside the same step.

Its price is what taking the size off the book would cost now; at execution that must still hold,
else it rejects like anybody with a last look.
"""

from __future__ import annotations

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.making import OrderKind
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Event
from lpdesk.domain.values import SECOND, ZERO, Instant, Side, round_down, round_up
from lpdesk.engines.ledger import lp_account
from lpdesk.engines.making import Making

KIND = "book"
VALIDITY_NS = 10 * SECOND
PRICE_DECIMALS = 12


class House:
    """Answers for the LP of kind "book"."""

    def __init__(self, making: Making) -> None:
        self.making = making

    def quote(self, ask: ev.LpAsked) -> rep.LpQuoted | rep.LpFailed:
        """The all-size price of the book, or why there is none."""
        maker = self.making.makers.get(ask.symbol)
        cash = maker.exchange.cost(ask.side, ask.quantity) if maker else None
        if maker is None or cash is None:
            text = "the book is too thin" if maker else "no book for this pair"
            return rep.LpFailed(lp=ask.lp, ask_id=ask.ask_id, reason=Reason.NO_LIQUIDITY, text=text)
        rounded = round_up if ask.side is Side.BUY else round_down
        return rep.LpQuoted(
            lp=ask.lp,
            ask_id=ask.ask_id,
            quote_ref=f"{ask.lp}.{ask.ask_id}",
            symbol=ask.symbol,
            side=ask.side,
            price=rounded(cash / ask.quantity, maker.pair.quote_decimals),
            quantity=ask.quantity,
            validity_ns=VALIDITY_NS,
        )

    def execute(
        self, order: ev.OrderSent, at: Instant
    ) -> tuple[list[Event], rep.OrderFilled | rep.OrderRejected]:
        """Take the size if it still costs no more than quoted; the fills and the answer."""
        maker = self.making.makers.get(order.symbol)
        cash = maker.exchange.cost(order.side, order.quantity) if maker else None
        quoted = order.price * order.quantity
        worse = cash is not None and (cash > quoted if order.side is Side.BUY else cash < quoted)
        if maker is None or cash is None or worse:
            text = "the book has moved" if worse else "the book is too thin"
            return [], rep.OrderRejected(
                lp=order.lp, order_id=order.order_id, reason=Reason.PRICE_MOVED, text=text
            )
        owner = lp_account(order.lp)
        outcome = maker.exchange.place(owner, order.side, OrderKind.MARKET, order.quantity)
        events = self.making.matched(maker, outcome.fills, at)
        paid = sum((fill.cash for fill in outcome.fills), ZERO)
        # Settlement rounds the other way, to what was paid: nothing stays in the LP's account.
        rounded = round_down if order.side is Side.BUY else round_up
        return events, rep.OrderFilled(
            lp=order.lp,
            order_id=order.order_id,
            execution_id=f"{order.lp}.{outcome.order}",
            price=rounded(paid / order.quantity, PRICE_DECIMALS),
            quantity=outcome.filled,
            fee=sum((fill.taker_fee for fill in outcome.fills), ZERO),
            fee_asset=maker.pair.quote,
        )
