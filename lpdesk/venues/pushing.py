"""Prices that an LP pushes, brought to the asks that wait for them at a pace that all can bear."""

from __future__ import annotations

import asyncio
from collections import deque
from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct

from lpdesk.clock import Clock
from lpdesk.domain.events import LpAsked
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import LpFailed, LpQuoted, LpStreamed, LpWithdrew, QuoteLevel
from lpdesk.domain.values import MILLISECOND, SECOND, ZERO, Instant, Side
from lpdesk.venues.base import Endpoint, Submit
from lpdesk.venues.ticks import Level, Tick, Top

MAX_ASKS = 256
PUSH_NS = 100 * MILLISECOND
"""Least time between two prices for one ask."""

SHOW_NS = SECOND
"""Least time between two indicative prices for one symbol."""

PULSE_S = 0.05
MAX_LEVELS = 20
"""How deep into a book one ask looks: each level is an order of its own."""

REMEMBERED = 256
"""Quotes that orders went out on: the LP shows others long before so many are dealt."""


Reach: TypeAlias = list[tuple[Level, Decimal]]
"""The levels that a size would be dealt on, and how much on each."""


class _Live(Struct):
    """An ask and the price that stands for it, if one does: of which tick, on which levels."""

    ask: LpAsked
    top: Top
    tick: Tick | None = None
    reach: Reach = []
    pushed_at: Instant = 0


class _Shown(Struct):
    """The indicative price that the market view has."""

    prices: tuple[Decimal, Decimal] | None = None
    at: Instant = 0


class Pushing:
    """One streaming LP's tops of book and asks. One ask gets every later price of its symbol.

    `replaces`: a worse price ends the one before, which the LP does not honour any more; else that
    one holds its time.
    """

    def __init__(
        self, endpoint: Endpoint, submit: Submit, clock: Clock, *, replaces: bool = False
    ) -> None:
        self._replaces = replaces
        self.tops = {symbol: Top() for symbol in endpoint.symbols}
        self._name = endpoint.name
        self._stale_ns = endpoint.stale_ns
        self._submit = submit
        self._clock = clock
        self._shown = {symbol: _Shown() for symbol in endpoint.symbols}
        self._asks: dict[str, _Live] = {}
        self._spent = deque[str](maxlen=REMEMBERED)
        self._refusal = ""

    # ---- asks

    def begin(self, ask: LpAsked, own: Top | None = None) -> bool:
        """From now on every price of its symbol, or of its `own`, the present one at once.

        Whether it has begun; if not, that is reported.
        """
        top = own if ask.symbol in self.tops and own else self.tops.get(ask.symbol)
        if top is None:
            self._fail(ask, Reason.DECLINED, "symbol not subscribed")
        elif self._refusal:
            self._fail(ask, Reason.UNAUTHORISED, self._refusal)
        elif top.tick is None and top.trouble is Reason.DECLINED:
            self._fail(ask, Reason.DECLINED, top.text)
        elif len(self._asks) >= MAX_ASKS:
            self._fail(ask, Reason.TOO_MANY, "too many asks under way")
        else:
            self._asks[ask.ask_id] = _Live(ask, top)
            self._push(self._asks[ask.ask_id])
            return True
        return False

    def release(self, rfq_id: str) -> None:
        """Forget the asks of that request."""
        self._asks = {key: live for key, live in self._asks.items() if live.ask.rfq_id != rfq_id}

    def clear(self) -> None:
        """Forget all asks."""
        self._asks.clear()

    def refuse(self, text: str) -> None:
        """We are not let in: no ask needs to wait for a price, now or until `welcome`."""
        self._refusal = text
        asks, self._asks = self._asks, {}
        for live in asks.values():
            self._fail(live.ask, Reason.UNAUTHORISED, text)

    def welcome(self) -> None:
        """We are let in."""
        self._refusal = ""

    # ---- prices

    def moved(self, symbol: str) -> None:
        """Something happened to that symbol's top of book."""
        self.touched(self.tops[symbol])
        self._show(symbol)

    def touched(self, top: Top) -> None:
        """Something happened to a top of book."""
        for live in tuple(self._asks.values()):
            if live.top is top:
                self._push(live)

    def drop(self, ask_id: str, reason: Reason, text: str) -> None:
        """There will be no price for an ask."""
        if live := self._asks.pop(ask_id, None):
            self._fail(live.ask, reason, text)

    def spent(self, ref: str) -> None:
        """An order goes out on that quote: if it deals once, nobody else may rest on it."""
        resting = [
            live
            for live in self._asks.values()
            if any(level.once and level.ref == ref for level, _ in live.reach)
        ]
        self._spent.append(ref)
        for live in resting:
            self._end(live, Reason.WITHDRAWN, "its quote is dealt on")
            self._push(live)

    def break_off(self) -> None:
        """The connection is gone, and with it every price."""
        for top in [*self.tops.values(), *(live.top for live in self._asks.values())]:
            top.restart()
            top.lose(Reason.UNREACHABLE, "stream broken")
        self._push_all()

    async def run(self) -> None:
        """`pulse`, for ever."""
        while True:
            await asyncio.sleep(PULSE_S)
            self.pulse()

    def pulse(self) -> None:
        """Sends what was held back to keep the pace, and notices what has become too old."""
        self._push_all()
        for symbol in self.tops:
            self._show(symbol)

    def _show(self, symbol: str) -> None:
        """The top of book for the market view, if it moved and the last one is a second old."""
        shown, now = self._shown[symbol], self._clock.now()
        tick = self.tops[symbol].fresh(now, self._stale_ns)
        if tick is None or now - shown.at < SHOW_NS:
            return
        bid, ask = tick.bid, tick.ask
        if shown.prices == (bid.price, ask.price):
            return
        shown.prices, shown.at = (bid.price, ask.price), now
        self._submit(
            LpStreamed(
                lp=self._name,
                symbol=symbol,
                bid=bid.price,
                ask=ask.price,
                bid_size=bid.size,
                ask_size=ask.size,
            )
        )

    def _fail(self, ask: LpAsked, reason: Reason, text: str) -> None:
        self._submit(LpFailed(lp=self._name, ask_id=ask.ask_id, reason=reason, text=text))

    def _push_all(self) -> None:
        for live in tuple(self._asks.values()):
            self._push(live)

    def _push(self, live: _Live) -> None:
        """Bring what stands for an ask in line with the top of book, at the ask's own pace."""
        now = self._clock.now()
        tick = live.top.fresh(now, self._stale_ns)
        reach = self._reach(live.ask, tick) if tick else []
        if tick is None or not reach:
            self._withdraw(live)
        elif self._replaces and live.tick is not None and _is_worse(live, reach):
            self._end(live, Reason.WITHDRAWN, "replaced by a newer quote")
            self._push(live)
        elif now - live.pushed_at >= PUSH_NS and _worth_pushing(live, tick, reach, now):
            live.tick, live.reach, live.pushed_at = tick, reach, now
            self._submit(_quoted(live.ask, tick, reach, now))

    def _reach(self, ask: LpAsked, tick: Tick) -> Reach:
        """The levels that the ask's size would be dealt on, and how much on each."""
        ladder = [level for level in tick.ladder(ask.side) if not self._is_spent(level)]
        if tick.whole:
            level = next((each for each in ladder if each.size >= ask.quantity), ladder[-1])
            return [(level, min(ask.quantity, level.size))]
        found, left = Reach(), ask.quantity
        for level in ladder[:MAX_LEVELS]:
            found.append((level, min(left, level.size)))
            left -= found[-1][1]
            if not left:
                break
        return found

    def _is_spent(self, level: Level) -> bool:
        return level.once and level.ref in self._spent

    def _withdraw(self, live: _Live) -> None:
        if live.tick is None:
            return
        gone = live.top.tick is None
        text = live.top.text if gone else "no new quote"
        self._end(live, live.top.trouble if gone else Reason.STALE, text)

    def _end(self, live: _Live, reason: Reason, text: str) -> None:
        """Nobody may rest on that price a moment longer."""
        live.tick, live.reach = None, []
        ask_id = live.ask.ask_id
        self._submit(LpWithdrew(lp=self._name, ask_id=ask_id, reason=reason, text=text))


def _is_worse(live: _Live, reach: Reach) -> bool:
    """Whether what stood cannot be dealt on any more: a worse last price, or less of it."""
    was, now = live.reach[-1][0].price, reach[-1][0].price
    less = sum(taken for _, taken in reach) < sum(taken for _, taken in live.reach)
    return less or (now > was if live.ask.side is Side.BUY else now < was)


def _worth_pushing(live: _Live, tick: Tick, reach: Reach, now: Instant) -> bool:
    """Whether `tick` says something new: another price or size, or time when half of it is gone."""
    stands = live.tick
    if stands is None:
        return True
    if tick is stands:
        return False
    before, after = (
        [(level.price, taken) for level, taken in each] for each in (live.reach, reach)
    )
    if before != after:
        return True
    return stands.expires_at - now < (stands.expires_at - live.pushed_at) // 2


def _quoted(ask: LpAsked, tick: Tick, reach: Reach, now: Instant) -> LpQuoted:
    best = reach[0][0]
    levels = tuple(QuoteLevel(level.price, level.size, level.ref) for level, _ in reach)
    return LpQuoted(
        lp=ask.lp,
        ask_id=ask.ask_id,
        quote_ref=best.ref,
        symbol=ask.symbol,
        side=ask.side,
        price=best.price,
        quantity=sum((taken for _, taken in reach), ZERO),
        validity_ns=tick.expires_at - now,
        levels=levels if len(levels) > 1 else (),
    )
