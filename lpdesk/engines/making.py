"""Making markets: references in, ladders replaced, takers matched, every fill on the one ledger.

The maker quotes for the desk's own account; orders by hand are a client's; takers are outside.
"""

from __future__ import annotations

from decimal import Decimal

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.making import SET_AT_START, OrderKind, checked
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Event
from lpdesk.domain.values import (
    SECOND,
    ZERO,
    BadNumber,
    Instant,
    Side,
    round_down,
    round_even,
    round_up,
)
from lpdesk.engines.exchange import Fill
from lpdesk.engines.hand import HandOrders
from lpdesk.engines.ledger import DESK, EXCHANGE, movement
from lpdesk.engines.maker import OWNER, PULLED, Maker, Stance
from lpdesk.engines.quoting import refused
from lpdesk.engines.state import State
from lpdesk.engines.strategy import Strategies

Events = list[Event]

DEPTH = 12
"""Levels of the book that are told to screens."""

TOLD_EVERY_NS = SECOND
"""How often a maker's figures are told when only they changed."""


class Making:
    """All makers and exchanges of a desk."""

    def __init__(self, state: State, strategies: Strategies) -> None:
        self.state = state
        self.strategies = strategies
        self.makers: dict[str, Maker] = {}
        self.hand = HandOrders(state)
        self._former: dict[str, Maker] = {}
        self._halted_why = ""
        self._told: dict[str, tuple[Instant, Stance]] = {}

    def reference(self, symbol: str, at: Instant) -> Decimal | None:
        """What the reference feeds say a pair is worth; None without one."""
        maker = self.makers.get(symbol)
        return maker.reference_mid(at) if maker else None

    # ---- start and stop

    def start(self, at: Instant) -> Events:
        """Makers of the new settings. Books do not outlive a process; positions and P&L do."""
        events = self.hand.close_all("the desk was restarted")
        self._former |= self.makers
        self.makers = {}
        for terms in self.state.settings.makers:
            pair = self.state.settings.pair(terms.symbol)
            if pair is None:
                continue
            strategy = self.strategies[terms.strategy]
            maker = self.makers[terms.symbol] = Maker(pair, terms, strategy, at)
            if terms.symbol in self._former:
                kept = maker.inherit(self._former[terms.symbol])
                events += [_set(maker, name, terms[name]) for name in kept]
            events += self._requote(maker, at)
        return events

    def halt(self, why: str, at: Instant) -> Events:
        """The kill switch: every order of ours and of the desk's clients is off the book."""
        self._halted_why = why or "by hand"
        symbols = [order.exchange.pair.symbol for order in self.hand.resting.values()]
        events = self.hand.close_all(self._halted_why)
        for symbol, maker in self.makers.items():
            if symbol in symbols and not any(maker.exchange.sides(OWNER)):
                events.append(self._depth(maker))
            events += self._requote(maker, at)
        return events

    def resume(self, at: Instant) -> Events:
        """The kill switch is off. A maker that was halted for itself stays so."""
        self._halted_why = ""
        return [event for maker in self.makers.values() for event in self._requote(maker, at)]

    def run(self, symbol: str, at: Instant) -> Events:
        """By hand: makers that were stopped, or halted by a loss, quote again."""
        if self.state.halted:
            return [refused(Reason.HALTED, "desk", "trading is halted")]
        events: Events = []
        for maker in self._named(symbol):
            if maker.halted_why:
                maker.restart()
                events += self._requote(maker, at)
        return events if self._named(symbol) else [_no_maker(symbol)]

    def stop(self, symbol: str, at: Instant) -> Events:
        events: Events = []
        for maker in self._named(symbol):
            maker.halted_why = maker.halted_why or "by hand"
            events += self._requote(maker, at)
        return events if self._named(symbol) else [_no_maker(symbol)]

    def _named(self, symbol: str) -> list[Maker]:
        return [maker for name, maker in self.makers.items() if symbol in ("", name)]

    # ---- references

    def ticked(self, cause: rep.ReferenceTicked, at: Instant) -> Events:
        maker = self.makers.get(cause.symbol)
        if maker is None:
            return []
        maker.reference.ticked(cause.source, cause.bid, cause.ask, at)
        return self._requote(maker, at)

    def lost(self, cause: rep.ReferenceLost, at: Instant) -> Events:
        maker = self.makers.get(cause.symbol)
        if maker is None:
            return []
        maker.reference.lost(cause.source)
        return self._requote(maker, at)

    @property
    def due(self) -> Instant | None:
        times = (maker.due for maker in self.makers.values())
        return min((at for at in times if at is not None), default=None)

    def wake(self, at: Instant) -> Events:
        events: Events = []
        for maker in self.makers.values():
            if maker.due is not None and maker.due <= at:
                maker.forget(at)
                events += self._requote(maker, at)
        return events

    def rebalanced(self, at: Instant) -> Events:
        """The desk's balances are others than the makers have seen: a fill, or an RFQ trade."""
        events: Events = []
        for maker in self.makers.values():
            if self._inventory(maker) != maker.inventory:
                events += self._requote(maker, at, moved=True)
        return events

    def _inventory(self, maker: Maker) -> tuple[Decimal, Decimal]:
        available = self.state.ledger.available  # of the desk's own account nothing is held
        return available(DESK, maker.pair.base), available(DESK, maker.pair.quote)

    def _requote(
        self, maker: Maker, at: Instant, *, changed: bool = False, moved: bool = False
    ) -> Events:
        """Judge, then replace the ladder at once by difference, or pull it.

        `changed`: other terms, so that no delay counts. `moved`: other figures, to be told.
        """
        ladder = maker.decide(at, *self._inventory(maker), self._halted_why, changed)
        events: Events = []
        if ladder == PULLED:
            touched = maker.exchange.cancel_all(OWNER)
        else:
            touched = ladder is not None and maker.show(ladder, at, changed).changed
        if touched:
            maker.seen(at)
            events.append(self._depth(maker))
        told_at, told = self._told.get(maker.pair.symbol, (0, None))
        if moved or maker.stance != told or at >= told_at + TOLD_EVERY_NS:
            events.append(self._tell(maker, at))
        return events

    def _depth(self, maker: Maker) -> ev.BookChanged:
        bids, asks = maker.exchange.levels(DEPTH, OWNER)
        return ev.BookChanged(symbol=maker.pair.symbol, bids=bids, asks=asks)

    def _tell(self, maker: Maker, at: Instant) -> ev.MakerMoved:
        profit, stance = maker.profit, maker.stance
        day = profit.last_day(at)
        half = day.half_spread_bps
        self._told[maker.pair.symbol] = (at, stance)
        return ev.MakerMoved(
            symbol=maker.pair.symbol,
            state=stance.state,
            why=stance.why,
            until=stance.until,
            mid=profit.mid,
            sources=maker.sources,
            skew=_figure(maker.skew, 6),
            base_pct=_figure(maker.base_pct, 6),
            position=profit.position,
            pnl=profit.total,
            spread=profit.spread,
            inventory=profit.inventory,
            fees=profit.fees,
            realised=_figure(profit.realised, 8),
            unrealised=_figure(profit.unrealised, 8),
            volume=day.volume,
            notional=day.notional,
            captured=day.captured,
            half_spread_bps=None if half is None else _figure(half, 6),
            presence=_figure(maker.presence(at), 4),
        )

    def set(self, cause: cmd.SetMaker, at: Instant) -> Events:
        """Change a parameter within its limits; the ladder follows at once."""
        maker = self.makers.get(cause.symbol)
        if maker is None:
            return [_no_maker(cause.symbol)]
        if cause.parameter in SET_AT_START:
            text = "is set in the configuration, at the next start"
            return [refused(Reason.NOT_ENABLED, cause.parameter, text)]
        try:
            after = checked(cause.parameter, cause.value)
        except BadNumber as bad:
            return [refused(Reason.BAD_AMOUNT, cause.parameter, str(bad))]
        before = maker.terms[cause.parameter]
        maker.set(cause.parameter, after)
        changed = _set(maker, cause.parameter, before)
        return [changed, *self._requote(maker, at, changed=True)]

    # ---- orders

    def taken(self, cause: rep.TakerOrdered, at: Instant) -> Events:
        """An order from outside; what is finer than a lot or a tick is cut off."""
        maker = self.makers.get(cause.symbol)
        if maker is None or self.state.halted:
            return []
        limit = cause.price
        if not cause.quantity.is_finite() or (limit is not None and not limit.is_finite()):
            return []
        quantity = round_down(cause.quantity, maker.pair.base_decimals)
        rounded = round_down if cause.side is Side.BUY else round_up
        price = ZERO if limit is None else rounded(limit, maker.pair.quote_decimals)
        if quantity <= 0 or (limit is not None and price <= 0):
            return []
        kind = OrderKind.MARKET if limit is None else OrderKind.IOC
        owner = f"taker:{cause.taker}"
        outcome = maker.exchange.place(owner, cause.side, kind, quantity, price)
        return self.matched(maker, outcome.fills, at)

    def matched(self, maker: Maker, fills: tuple[Fill, ...], at: Instant) -> Events:
        """Book what an order took from the book; nothing at all when it took nothing."""
        if not fills:
            return []
        events = self._book(maker, fills, at)
        maker.seen(at)
        return [*events, self._depth(maker)]

    def enter(self, cause: cmd.PlaceOrder, at: Instant) -> Events:
        """An order by hand."""
        maker = self.makers.get(cause.symbol)
        refusal = self.hand.check(cause, maker.exchange if maker else None, at)
        if refusal or maker is None:
            return [refusal] if refusal else []
        events, fills = self.hand.enter(cause, maker.exchange)
        if not isinstance(events[0], ev.OrderEntered):
            return events
        events += self._book(maker, fills, at)
        maker.seen(at)
        return [*events, self._depth(maker)]

    def cancel(self, cause: cmd.CancelOrders, at: Instant) -> Events:
        """Take orders by hand off the books."""
        events, symbols = self.hand.cancel(cause)
        return events + [self._depth(self.makers[symbol]) for symbol in sorted(symbols)]

    # ---- fills

    def _book(self, maker: Maker, fills: tuple[Fill, ...], at: Instant) -> Events:
        """Every fill moves money at once: both sides and both fees in one set of postings."""
        events: Events = []
        for fill in fills:
            order_id, drawn = self.hand.draw(maker.exchange, fill)
            events += drawn
            events.append(self._traded(maker, fill, order_id))
            events.append(self._move(maker, fill))
            if fill.maker == OWNER:
                self._earn(maker, fill, at)
        return events

    def _traded(self, maker: Maker, fill: Fill, order_id: str) -> ev.BookTraded:
        return ev.BookTraded(
            symbol=maker.pair.symbol,
            maker=fill.maker,
            taker=fill.taker,
            side=fill.side,
            price=fill.price,
            quantity=fill.quantity,
            cash=fill.cash,
            maker_fee=fill.maker_fee,
            taker_fee=fill.taker_fee,
            mid=maker.profit.mid,
            order_id=order_id,
        )

    def _move(self, maker: Maker, fill: Fill) -> ev.Transferred:
        buyer, seller = fill.taker, fill.maker
        if fill.side is Side.SELL:
            buyer, seller = seller, buyer
        buyer, seller = _account(buyer), _account(seller)
        pair = maker.pair
        postings = movement(pair.base, fill.quantity, seller, buyer)
        postings += movement(pair.quote, fill.cash, buyer, seller)
        postings += movement(pair.quote, fill.maker_fee, _account(fill.maker), EXCHANGE)
        postings += movement(pair.quote, fill.taker_fee, _account(fill.taker), EXCHANGE)
        return self.state.transfer("", postings)

    def _earn(self, maker: Maker, fill: Fill, at: Instant) -> None:
        """A quote of ours was hit: it is post-only, so that it was never the taker."""
        maker.profit.filled(
            fill.side.opposite, fill.price, fill.quantity, fill.cash, fill.maker_fee, at
        )
        if maker.filled_at is None:  # the delay is from the first fill: many must not starve us
            maker.filled_at = at


def _set(maker: Maker, name: str, before: Decimal) -> ev.MakerSet:
    symbol, after = maker.pair.symbol, maker.terms[name]
    return ev.MakerSet(symbol=symbol, parameter=name, before=before, after=after)


def _no_maker(symbol: str) -> ev.CommandRefused:
    return refused(Reason.BAD_PAIR, "pair", f"no maker for {symbol or 'any pair'}")


def _figure(value: Decimal, decimals: int) -> Decimal:
    """Rounded to be shown; never a negative zero."""
    return round_even(value, decimals) + ZERO


def _account(owner: str) -> str:
    """The maker trades for the desk's own account."""
    return DESK if owner == OWNER else owner
