"""The LPs in one request and what each has quoted: whole, in part, or together with others."""

from __future__ import annotations

from collections.abc import Container
from decimal import Decimal

from lpdesk.domain.events import RfqOpened
from lpdesk.domain.settings import Lp, Pair, Routing, Settings
from lpdesk.domain.values import Instant
from lpdesk.engines import pricing
from lpdesk.engines.best import Best
from lpdesk.engines.composite import Curves, Quote, best_set, missing, shares
from lpdesk.engines.cover import Cover, Valuer
from lpdesk.engines.internal import KIND, part, plan, rule_for
from lpdesk.engines.lane import Lane, Lock
from lpdesk.engines.market import majority
from lpdesk.engines.routing import panel

MAX_SHARED = 3
"""How often a round asks LPs again for parts of the size."""


class Field:
    """One lane an LP. `curves` are of the pools among them; `sets`: whether quotes may join."""

    def __init__(
        self, rfq: RfqOpened, pair: Pair, lps: tuple[Lp, ...], settings: Settings, at: Instant
    ) -> None:
        self.rfq = rfq
        self.pair = pair
        self.rules = settings.rules
        self.value = Valuer(rfq, pair, settings)
        asked = [lp for lp in lps if not lp.fallback or rfq.via]
        self.lanes = {lp.name: Lane(lp, at) for lp in asked}
        self.reserve = tuple(lp for lp in lps if lp not in asked)  # while others can quote
        self.best = Best()  # of all but the LPs behind the lock
        self.lock: Lock | None = None
        self.curves: Curves = {}
        several = not rfq.via or (settings.rules.strict and len(panel(rfq.via)) > 1)
        self.sets = settings.rules.routing is Routing.COMPOSITE and several
        self.shared = 0
        chosen = rfq.via or rfq.firm_at is not None  # by name; or given out, so that it must stay
        self.internal = None if chosen else rule_for(settings, rfq.client, pair.symbol)

    def inside(self, lp: Lp) -> bool:
        """Whether it is our own exchange, and dealt with first."""
        return self.internal is not None and lp.kind == KIND

    def locked(self) -> tuple[str, ...]:
        return self.lock.lps if self.lock else ()

    def stands(self, at: Instant) -> bool:
        """Whether the validity of the price in force, or dealt on, has not run out."""
        return self.lock is not None and self.lock.cover.dealable_until > at

    def compete(self, lane: Lane, cover: Cover | None, part: Cover | None = None) -> None:
        lane.cover, lane.leg = cover, cover or part
        if cover is None:
            self.best.drop(lane.lp.name)
        elif lane.lp.name not in self.locked():
            self.contend(lane)

    def contend(self, lane: Lane) -> None:
        """Its whole quote is one of those that may lead. What is inside is judged by them."""
        if lane.cover and not self.inside(lane.lp):
            self.best.put(lane.cover)

    def quotes(self, but: Container[str] = ()) -> list[Quote]:
        """What may be dealt on with each LP, whole or in part."""
        return [
            (lane.lp, lane.leg)
            for lane in self.lanes.values()
            if lane.leg is not None and lane.lp.name not in but
        ]

    def _outside(self, but: Container[str] = ()) -> list[Quote]:
        return [quote for quote in self.quotes(but) if not self.inside(quote[0])]

    def _within(self, outside: Cover | None) -> list[Quote]:
        """What our own exchange may give of it, judged by the best from outside."""
        if self.internal is None:
            return []
        offered = [(lp, cover) for lp, cover in self.quotes() if self.inside(lp)]
        parts = [(lp, part(self.value, self.internal, cover, outside)) for lp, cover in offered]
        return [(lp, cover) for lp, cover in parts if cover is not None]

    def challenger(self, at: Instant) -> Cover | None:
        """The best of what is dealt inside first, else the best from outside.

        Without a price from outside what is inside waits until nobody can give one any more.
        """
        outside = self._best_outside(at)
        if self.internal is None:
            return outside
        yardstick = self._yardstick(outside, at)
        if yardstick is None and not self.all_in():
            return None
        within, others = self._within(yardstick), self._outside() if self.sets else []
        inside = plan(self.value, within, others, yardstick, self.curves, at) if within else None
        return inside or outside

    def _yardstick(self, challenger: Cover | None, at: Instant) -> Cover | None:
        """The best from outside, be it locked or not."""
        covers = [cover for cover in self.covers(at) if not self.inside(self.lanes[cover.lp].lp)]
        return min([*covers, *filter(None, [challenger])], key=lambda c: c.rank, default=None)

    def _best_outside(self, at: Instant) -> Cover | None:
        """The best single quote, or a set of quotes that is better by the threshold."""
        single = self.best.top(at)
        if not self.sets or all(
            lane.leg is lane.cover
            and lane.lp.name not in self.curves
            and not (lane.leg and lane.leg.legs)
            for lane in self.lanes.values()
            if not self.inside(lane.lp)
        ):
            return single  # of whole sizes at one price each, the best is the best
        several = best_set(self.value, self._outside(), self.curves, at)
        if several is None or single is None:
            return several or single
        gain = pricing.advantage_bps(single.all_in, several.all_in, self.rfq.base_side)
        return several if gain >= self.rules.threshold_bps else single

    def share_out(self, at: Instant) -> None:
        """Have LPs asked for the part that makes the best plan of all, where they cannot the whole.

        At once while there is no price at all, else when their turn comes.
        """
        if not self.sets or all(lane.leg is lane.cover for lane in self.lanes.values()):
            return
        at_once = self.lock is None and self.shared < MAX_SHARED and not self.best.top(at)
        self.shared += at_once
        locked = self.locked()
        within = self._within(self._yardstick(None, at)) if self.internal else []
        beside = any(lp.name not in locked for lp, _ in within)  # somebody is to give the rest
        quotes = within + self._outside(locked if beside else ())
        wanted = shares(self.value, quotes, self.curves)
        for name, lane in self.lanes.items():
            if lane.leg is None or lane.lp.divisible or name in locked:
                continue
            whole = lane.leg is lane.cover and not beside
            lane.share = None if whole else wanted.get(name)
            if at_once and lane.deadline_at is None and lane.share not in (None, lane.leg.quantity):
                lane.next_at, lane.settled = at, False

    def covers(self, at: Instant) -> list[Cover]:
        """Every cover that may still be dealt on, best first; ties: earlier receipt, then name."""
        alive = (lane.cover for lane in self.lanes.values())
        return sorted(
            (cover for cover in alive if cover is not None and cover.dealable_until > at),
            key=lambda cover: cover.rank,
        )

    def middle(self, lp: str, price: Decimal) -> Decimal | None:
        """What most say that a base unit costs, if `lp` says `price`."""
        return majority([price, *(quote.price for _, quote in self.quotes((lp,)))])

    def all_in(self) -> bool:
        """Whether the first round is over."""
        return all(lane.settled and lane.deadline_at is None for lane in self.lanes.values())

    @property
    def deadline_at(self) -> Instant | None:
        """When the first of those that are asked must have answered; None: nobody is."""
        times = (lane.deadline_at for lane in self.lanes.values())
        return min((each for each in times if each is not None), default=None)

    def pending(self) -> bool:
        return any(lane.deadline_at is not None for lane in self.lanes.values())

    def shortage(self) -> str:
        """How much is missing, where something was offered."""
        short = missing(self.value, (cover for _, cover in self.quotes()))
        return f"{short.normalize():f} {self.pair.base} missing" if short else ""
