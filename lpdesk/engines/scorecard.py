"""LP scorecards, kept from events: whom to ask, whom to trust, and what each LP's price is worth.

One fold. The desk folds what it decides and says `LpScored` a second later, off the dealing path;
a report folds a journal and asks for any grouping.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from lpdesk.domain import events as ev
from lpdesk.domain.reasons import Reason
from lpdesk.domain.scoring import BANDS, HORIZONS_NS, WINDOW_NS, Score, band
from lpdesk.domain.values import BPS, FIGURE_DECIMALS, SECOND, Instant, Side, round_even
from lpdesk.engines.tally import BUCKET_NS, Tally, Windowed, three_digits

SAID_AFTER_NS = SECOND
"""New figures are said this long after the first change: at most once a second for each LP."""

_KEPT_RACES = 64
"""Ended requests kept for answers that are on their way."""

_PRIOR = 10
"""Faultless orders that every LP is credited with before its own."""

_MISSES = {
    Reason.TIMED_OUT: "timeouts",
    Reason.MALFORMED: "malformed",
    Reason.DECLINED: "responses",
}


class Key(NamedTuple):
    """What a scorecard is of; empty fields mean any."""

    lp: str
    symbol: str = ""
    side: str = ""
    band: str = ""


class _Ask(NamedTuple):
    key: Key
    ask_id: str


class _Order(NamedTuple):
    key: Key
    side: Side
    symbol: str
    mid: Decimal | None


class _Mark(NamedTuple):
    """A mark-out that waits for its time."""

    due: Instant
    key: Key
    sign: int
    mid: Decimal


class _Race:
    """What is remembered of a live request."""

    __slots__ = ("asks", "average", "lock", "prices", "side")

    def __init__(self, side: Side) -> None:
        self.side = side
        self.asks: dict[str, _Ask] = {}
        self.prices: dict[str, tuple[Key, Decimal]] = {}  # each LP's last usable price
        self.lock: tuple[str, ...] = ()
        self.average: Decimal | None = None  # of several legs


class Scorecards:
    """All LPs' records. `observe` every event; ask `score`."""

    def __init__(self) -> None:
        self._cards: defaultdict[Key, Windowed] = defaultdict(Windowed)
        self._minimums: dict[str, Decimal] = {}
        self._says = False
        self._races: dict[str, _Race] = {}
        self._ended_races: deque[str] = deque()
        self._orders: dict[str, _Order] = {}
        self._mids: dict[tuple[str, str], Decimal] = {}
        self._marks: dict[tuple[str, str], tuple[deque[_Mark], ...]] = {}
        self._unsaid: dict[Key, None] = {}
        self._hour = 0
        self._open: dict[Key, tuple[dict[Key, None], tuple[Tally, ...]]] = {}  # in this hour
        self.due: Instant | None = None

    def observe(self, event: ev.Event, at: Instant) -> None:
        """Count what `event` says about an LP."""
        handler = _HANDLERS.get(type(event))
        if handler:
            handler(self, event, at)

    def score(self, key: Key, at: Instant) -> Score:
        """The scorecard of an LP, of one pair, side and size band of it, or of all."""
        card = self._cards.get(key)
        if card is None:
            return Score()
        card.forget(at - WINDOW_NS)
        return card.total.score()

    def known(self) -> list[Key]:
        """Every key with a record, sorted: an LP's total before its parts, small sizes first."""
        bands = {name: n for n, name in enumerate(BANDS)}
        return sorted(self._cards, key=lambda key: (*key[:3], bands.get(key.band, -1)))

    def said(self, at: Instant) -> list[ev.LpScored]:
        """`LpScored` for every card that has changed, once it is due."""
        if self.due is None or self.due > at:
            return []
        changed, self._unsaid, self.due = self._unsaid, {}, None
        return [
            ev.LpScored(
                lp=key.lp,
                symbol=key.symbol,
                side=key.side,
                band=key.band,
                score=self.score(key, at),
            )
            for key in changed
        ]

    def penalty_bps(self, lp: str, rates: tuple[Decimal, Decimal], at: Instant) -> Decimal:
        """What dealing on this LP costs beyond its price, expected from its own record.

        rejects x what a reject costs + time held x what a second costs + slippage, with `rates` =
        (bps for a reject, bps for a second). A short record counts for little: it is mixed with
        `_PRIOR` orders without fault.
        """
        card = self._cards.get(Key(lp))
        if card is None:
            return Decimal(0)
        card.forget(at - WINDOW_NS)
        score, (reject_bps, second_bps) = card.total.score(), rates
        orders = score.accepts
        held_ns = score.hold.p50 or 0
        slippage = max(Decimal(0), score.slippage.bps or Decimal(0))
        cost = Decimal(score.rejects) / max(1, orders) * reject_bps
        cost += Decimal(held_ns) / SECOND * second_bps + slippage
        return round_even(cost * orders / (orders + _PRIOR), FIGURE_DECIMALS)

    # ---- counting

    def _tallies(self, key: Key, at: Instant) -> tuple[Tally, ...]:
        """This key's and the LP's own, each for this hour and for the window."""
        hour = at // BUCKET_NS
        if hour != self._hour:
            self._hour, self._open = hour, {}
        found = self._open.get(key)
        if found is None:
            keys = dict.fromkeys((key, Key(key.lp)))
            tallies = tuple(tally for each in keys for tally in self._cards[each].at(hour))
            found = self._open[key] = keys, tallies
        if self._says:
            self.due = self.due or at + SAID_AFTER_NS
            self._unsaid |= found[0]
        return found[1]

    def _count(self, key: Key, name: str, at: Instant) -> None:
        for tally in self._tallies(key, at):
            tally.counts[name] += 1

    def _time(self, key: Key, name: str, duration_ns: int, at: Instant) -> None:
        duration_ns = three_digits(duration_ns)
        for tally in self._tallies(key, at):
            tally.times[name][duration_ns] += 1

    def _average(self, key: Key, name: str, bps: Decimal, at: Instant) -> None:
        for tally in self._tallies(key, at):
            tally.add(name, bps)

    # ---- requests

    def _opened(self, event: ev.DeskOpened, at: Instant) -> None:
        self._minimums = {pair.symbol: pair.minimum for pair in event.settings.pairs}
        self._says = event.settings.rules.scorecards

    def _rfq(self, event: ev.RfqOpened, at: Instant) -> None:
        self._races[event.rfq_id] = _Race(event.base_side)

    def _asked(self, event: ev.LpAsked, at: Instant) -> None:
        race = self._races.get(event.rfq_id)
        if race is None:
            return
        key = self._key(event.lp, event.symbol, event.side, event.quantity)
        race.asks[event.lp] = _Ask(key, event.ask_id)
        self._count(key, "requests", at)

    def _key(self, lp: str, symbol: str, side: Side, quantity: Decimal) -> Key:
        return Key(lp, symbol, side.value, band(quantity, self._minimums[symbol]))

    def _answered(self, race: _Race, lp: str, ask_id: str) -> Key | None:
        """Whose first answer this is; a stream's further prices answer nothing."""
        ask = race.asks.get(lp)
        if ask is None or ask.ask_id != ask_id:
            return None
        del race.asks[lp]
        return ask.key

    def _quoted(self, event: ev.QuoteReceived, at: Instant) -> None:
        race = self._races.get(event.rfq_id)
        if race is None:
            return
        before = race.prices.get(event.lp)
        key = self._answered(race, event.lp, event.ask_id)
        if key:
            self._count(key, "responses", at)
            self._time(key, "response", event.response_ns, at)
        key = key or (before[0] if before else Key(event.lp))
        if event.verdict is ev.Verdict.LATE:
            self._count(key, "late", at)
        elif event.verdict is ev.Verdict.LIVE:
            if before is None:
                self._count(key, "quotes", at)
            race.prices[event.lp] = key, event.all_in

    def _missed(self, event: ev.LpMissed, at: Instant) -> None:
        race = self._races.get(event.rfq_id)
        key = self._answered(race, event.lp, event.ask_id) if race else None
        name = _MISSES.get(event.reason)
        if key and name:
            self._count(key, name, at)

    def _locked(self, event: ev.QuoteLocked, at: Instant) -> None:
        race = self._races.get(event.rfq_id)
        if race:
            race.lock = tuple(dict.fromkeys(leg.lp for leg in event.legs)) or (event.lp,)
            race.average = event.all_in if event.legs else None

    def _unlocked(self, event: ev.QuoteUnlocked, at: Instant) -> None:
        race = self._races.get(event.rfq_id)
        if race:
            race.lock = ()

    def _ended(self, event: ev.RfqEnded, at: Instant) -> None:
        """Who won, and by how much the others lost. What is still under way may yet be answered."""
        race = self._races.get(event.rfq_id)
        self._ended_races.append(event.rfq_id)
        if len(self._ended_races) > _KEPT_RACES:
            self._races.pop(self._ended_races.popleft(), None)
        if race is None or not race.lock or race.lock[0] not in race.prices:
            return
        best = race.average or race.prices[race.lock[0]][1]
        for lp in race.lock:
            if lp in race.prices:
                self._count(race.prices[lp][0], "wins", at)
        sign = 1 if race.side is Side.BUY else -1
        for lp, (key, price) in race.prices.items():
            if lp not in race.lock:
                self._average(key, "cover", _bps((price - best) * sign, best), at)

    # ---- orders

    def _sent(self, event: ev.OrderSent, at: Instant) -> None:
        key = self._key(event.lp, event.symbol, event.side, event.quantity)
        mid = self._mid(event.symbol)
        self._orders[event.order_id] = _Order(key, event.side, event.symbol, mid)
        self._count(key, "accepts", at)

    def _filled(self, event: ev.LegFilled, at: Instant) -> None:
        order = self._orders.pop(event.order_id, None)
        if order is None:  # a second fill, or one after a reject: a break, not a habit
            return
        self._count(order.key, "trades", at)
        self._time(order.key, "hold", event.response_ns, at)
        self._average(order.key, "slippage", event.slippage_bps, at)
        source, mid = self._source(order.symbol), self._mid(order.symbol)
        if mid is None:
            return
        queues = self._marks.setdefault(source, tuple(deque() for _ in HORIZONS_NS))
        sign = 1 if order.side is Side.BUY else -1
        for queue, horizon in zip(queues, HORIZONS_NS, strict=True):
            queue.append(_Mark(at + horizon, order.key, sign, mid))

    def _rejected(self, event: ev.LegRejected, at: Instant) -> None:
        order = self._orders.pop(event.order_id, None)
        if order is None:
            return
        self._time(order.key, "hold", event.response_ns, at)
        mid, moved = self._mid(order.symbol), Decimal(0)
        if mid is not None and order.mid is not None:
            moved = (mid - order.mid) * (1 if order.side is Side.BUY else -1)
        way = "for" if moved > 0 else "against" if moved < 0 else "still"
        self._count(order.key, f"rejects_{way}", at)

    # ---- the market

    def _source(self, symbol: str) -> tuple[str, str]:
        """The reference feeds' middle where there is one, else that of the LPs' streams."""
        reference = ("reference", symbol)
        return reference if reference in self._mids else ("market", symbol)

    def _mid(self, symbol: str) -> Decimal | None:
        return self._mids.get(self._source(symbol))

    def _market(self, event: ev.MarketMoved | ev.MakerMoved, at: Instant) -> None:
        kind = "market" if isinstance(event, ev.MarketMoved) else "reference"
        if event.mid is not None:
            self._moved((kind, event.symbol), event.mid, at)

    def _moved(self, source: tuple[str, str], mid: Decimal, at: Instant) -> None:
        """Mark-outs that have come due since took the middle that stood until now."""
        stood = self._mids.get(source)
        self._mids[source] = mid
        for queue, horizon in zip(self._marks.get(source, ()), HORIZONS_NS, strict=False):
            while queue and queue[0].due <= at:
                mark = queue.popleft()
                then = mid if mark.due == at or stood is None else stood
                moved = _bps((then - mark.mid) * mark.sign, mark.mid)
                self._average(mark.key, f"markout{horizon}", moved, at)


_HANDLERS: dict[type, Callable[[Scorecards, Any, Instant], None]] = {
    ev.DeskOpened: Scorecards._opened,
    ev.RfqOpened: Scorecards._rfq,
    ev.LpAsked: Scorecards._asked,
    ev.QuoteReceived: Scorecards._quoted,
    ev.LpMissed: Scorecards._missed,
    ev.QuoteLocked: Scorecards._locked,
    ev.QuoteUnlocked: Scorecards._unlocked,
    ev.RfqEnded: Scorecards._ended,
    ev.OrderSent: Scorecards._sent,
    ev.LegFilled: Scorecards._filled,
    ev.LegRejected: Scorecards._rejected,
    ev.MarketMoved: Scorecards._market,
    ev.MakerMoved: Scorecards._market,
}


def _bps(move: Decimal, of: Decimal) -> Decimal:
    return round_even(move / of * BPS, FIGURE_DECIMALS)
