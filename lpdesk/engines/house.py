"""Our own exchange as one more LP of the desk: it answers asks and orders inside the same step.

Its price is what taking the size off the book would cost now; at execution that must still hold,
else it rejects like anybody with a last look.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.making import OrderKind
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Event
from lpdesk.domain.values import SECOND, ZERO, Instant, Side, round_down, round_up
from lpdesk.engines.aggregator import Race
from lpdesk.engines.cover import Cover
from lpdesk.engines.internal import CLIENTS, KIND
from lpdesk.engines.lane import Lane
from lpdesk.engines.ledger import client_account, lp_account
from lpdesk.engines.maker import OWNER
from lpdesk.engines.making import Making

VALIDITY_NS = 10 * SECOND
STREAM_VALIDITY_NS = 60 * SECOND
"""Of a price that is taken back as soon as it does not hold."""

PRICE_DECIMALS = 12


class House:
    """Answers for the LP of kind "book".

    Where the desk deals inside first the LP streams: it shows its levels, says whenever they
    change, and takes a price back in the very step in which the book can no longer give it.
    """

    def __init__(self, making: Making) -> None:
        self.making = making

    def quote(self, ask: ev.LpAsked, race: Race | None) -> rep.LpQuoted | rep.LpFailed:
        """The price of the book for the size, or why there is none."""
        if race and self._streams(ask.lp):
            return self._ladder(race, race.lanes[ask.lp]) or _thin(ask)
        return self._whole(ask, race.rfq.client if race else "")

    def _whole(self, ask: ev.LpAsked, client: str) -> rep.LpQuoted | rep.LpFailed:
        maker = self.making.makers.get(ask.symbol)
        mine = self._not_met(ask.lp, client)
        cash = maker.exchange.cost(ask.side, ask.quantity, mine) if maker else None
        if maker is None or cash is None:
            return _thin(ask, "the book is too thin" if maker else "no book for this pair")
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

    # ---- as a stream

    def pushed(self, race: Race) -> Iterator[rep.LpQuoted | rep.LpWithdrew]:
        """What a race hears of a book that has changed. A price that leads stays while it holds."""
        for lane in list(race.lanes.values()):
            if lane.lp.kind != KIND or not lane.lp.streams or not lane.ask_id:
                continue
            leads, before = lane.lp.name in race.locked(), lane.leg
            if leads and (race.fixed or self._holds(race, lane.lp.name)):
                continue
            quote = self._ladder(race, lane)
            if before and (leads or quote is None):
                yield rep.LpWithdrew(
                    lp=lane.lp.name,
                    ask_id=lane.ask_id,
                    reason=Reason.WITHDRAWN,
                    text="the book has moved" if quote else "the book is too thin",
                )
            if quote and (leads or not before or _content(quote) != _shown(before)):
                yield quote

    def _ladder(self, race: Race, lane: Lane) -> rep.LpQuoted | None:
        """What the book has for the race's side, up to the first order of the client itself.

        Each order there is a level, so that each of ours is one fill: its cash is cut once.
        """
        maker, rfq = self.making.makers.get(race.rfq.symbol), race.rfq
        if maker is None:
            return None
        mine = self._not_met(lane.lp.name, rfq.client)
        levels = list[rep.QuoteLevel]()
        for price, size, owner in maker.exchange.reach(rfq.base_side, lane.asked_quantity, mine):
            whose = "ours" if owner == OWNER else CLIENTS
            ref = f"{lane.lp.name}.{lane.ask_id}@{price:f}/{len(levels) + 1} {whose}"
            levels.append(rep.QuoteLevel(price, size, ref))
        if not levels:
            return None
        return rep.LpQuoted(
            lp=lane.lp.name,
            ask_id=lane.ask_id,
            quote_ref=levels[0].quote_ref,
            symbol=rfq.symbol,
            side=rfq.base_side,
            price=levels[0].price,
            quantity=sum((level.quantity for level in levels), ZERO),
            validity_ns=STREAM_VALIDITY_NS,
            levels=tuple(levels),
        )

    def _holds(self, race: Race, lp: str) -> bool:
        """Whether the book still gives each level that the client's price stands on, in turn."""
        assert race.lock is not None
        parts = [part for part in race.lock.cover.parts if part.lp == lp]
        maker, side = self.making.makers.get(race.rfq.symbol), race.rfq.base_side
        mine, before, needed = self._not_met(lp, race.rfq.client), ZERO, ZERO
        for part in parts:
            needed += part.quantity
            cash = maker.exchange.worth(side, needed, mine) if maker else None
            if cash is None or _worse(side, cash - before, part.price * part.quantity):
                return False
            before = cash
        return True

    def _not_met(self, lp: str, client: str) -> str:
        """Whose resting orders the client's own request must not meet: nobody's in old journals."""
        settings = self.making.state.settings
        apart = settings.rules.strict or self._streams(lp)
        return client_account(client) if apart and client else ""

    # ---- orders

    def execute(
        self, order: ev.OrderSent, client: str, at: Instant
    ) -> tuple[list[Event], rep.OrderFilled | rep.OrderRejected]:
        """Take the size if it still costs no more than quoted; the fills and the answer."""
        maker, mine = self.making.makers.get(order.symbol), self._not_met(order.lp, client)
        cash = maker.exchange.cost(order.side, order.quantity, mine) if maker else None
        quoted = order.price * order.quantity
        if maker and cash is not None and self._streams(order.lp):
            # a sale's cash is cut to whole cents, which is no move of the book
            cash = maker.exchange.worth(order.side, order.quantity, mine)
        worse = cash is not None and _worse(order.side, cash, quoted)
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
        price = rounded(paid / order.quantity, PRICE_DECIMALS)
        sells = order.side is Side.SELL and self._streams(order.lp)
        if sells and round_down(quoted, maker.pair.quote_decimals) == paid:
            price = order.price  # no worse than quoted: only cut to whole cents
        return events, rep.OrderFilled(
            lp=order.lp,
            order_id=order.order_id,
            execution_id=f"{order.lp}.{outcome.order}",
            price=price,
            quantity=outcome.filled,
            fee=sum((fill.taker_fee for fill in outcome.fills), ZERO),
            fee_asset=maker.pair.quote,
        )

    def _streams(self, name: str) -> bool:
        lp = self.making.state.settings.lp(name)
        return lp is not None and lp.streams


def _worse(side: Side, cash: Decimal, quoted: Decimal) -> bool:
    return cash > quoted if side is Side.BUY else cash < quoted


def _thin(ask: ev.LpAsked, text: str = "the book is too thin") -> rep.LpFailed:
    return rep.LpFailed(lp=ask.lp, ask_id=ask.ask_id, reason=Reason.NO_LIQUIDITY, text=text)


def _content(quote: rep.LpQuoted) -> list[tuple[Decimal, Decimal]]:
    return [(level.price, level.quantity) for level in quote.levels]


def _shown(cover: Cover) -> list[tuple[Decimal, Decimal]]:
    return [(level.price, level.quantity) for level in cover.parts]
