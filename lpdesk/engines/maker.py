"""The maker of one pair: what it may quote now, and why not when it may not.

Protection first: no reference, a jump of the window, a loss, a position at its limit, too many
orders. Each has a stated way back: by itself (at `until` where that is known), or by hand from
HALTED. What comes back does so with a margin, so that nothing flaps.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain.making import MakerState, MakerTerms
from lpdesk.domain.settings import Pair
from lpdesk.domain.values import ONE, SECOND, ZERO, Instant, round_down
from lpdesk.engines.exchange import Exchange, Placed
from lpdesk.engines.profit import Profit
from lpdesk.engines.reference import Reference
from lpdesk.engines.strategy import Ladder, Quote, Situation, Strategy, inventory_skew
from lpdesk.engines.window import Pace, PriceWindow

OWNER = "maker"
PULLED = Ladder((), ())

MOST_LEVELS = 20

REDUCED = Decimal("0.9")
"""A position that was at its limit must shrink to this share of it before it may grow again."""

AFRESH = (-ONE, ZERO)
"""Tolerances that keep no order, wherever it stands."""

EXACTLY = (ZERO, ZERO)


class Stance(Struct, frozen=True):
    """What the maker does now. `until` is when that ends by itself."""

    state: MakerState
    why: str = ""
    until: Instant | None = None


def _ns(seconds: Decimal) -> int:
    return int(seconds * SECOND)


class Maker:
    """One pair's maker with its exchange, reference and profit."""

    def __init__(self, pair: Pair, terms: MakerTerms, strategy: Strategy, at: Instant) -> None:
        self.pair = pair
        self.terms = self.configured = terms
        self.strategy = strategy
        self.exchange = Exchange(pair, terms["maker_fee"], terms["taker_fee"])
        self.reference = Reference()
        self.profit = Profit()
        self.stance = Stance(MakerState.WAITING, "no reference price yet")
        self.halted_why = ""
        self.loss_from = ZERO
        self.sources = 0
        self.skew = ZERO
        self.base_pct = ZERO
        self.inventory = ZERO, ZERO
        self.filled_at: Instant | None = None  # the first fill of the ladder that stands
        self.started_at = at
        self.present_ns = 0
        self.both_since: Instant | None = None
        self._window = PriceWindow()
        self._pace = Pace()
        self._lost = False  # the reference, since it was last there
        self._back_at: Instant = 0
        self._paused = Stance(MakerState.PAUSED, "", 0)
        self._again_at: Instant | None = None  # when a ladder that had to wait may go out
        self._quoted_at: Instant | None = None  # None while nothing of ours is in the book
        self._fresh_at: Instant = 0  # no order of ours is older
        self._quoted_mid = self._reach = ZERO
        self._tight = False  # the room up to the greatest position, so that sizes must be exact

    def inherit(self, former: Maker) -> list[str]:
        """What outlives a process: money made and lost, why it was halted, and what was set live.

        A parameter set live stays so until its value in the configuration is another than it was.
        Gives the names of those that stay.
        """
        self.profit, self.loss_from = former.profit, former.loss_from
        self.halted_why = former.halted_why
        kept = [
            name
            for name in former.terms.parameters
            if former.terms[name] != former.configured[name] == self.configured[name]
        ]
        for name in kept:
            self.set(name, former.terms[name])
        return kept

    def set(self, name: str, value: Decimal) -> None:
        """Change a parameter that has been checked."""
        parameters = self.terms.parameters | {name: value}
        self.terms = replace(self.terms, parameters=parameters)

    def reference_mid(self, at: Instant) -> Decimal | None:
        """The median of the feeds that are fresh and agree."""
        return self.reference.price(at, _ns(self.terms["stale_after"])).mid

    # ---- whether it may quote

    def judge(self, at: Instant, desk_halted: str) -> Stance:
        """The stance at `at`. A desk that is halted comes before everything else."""
        price = self.reference.price(at, _ns(self.terms["stale_after"]))
        self.sources = price.sources
        if price.mid is not None:
            self.profit.moved(price.mid)
            self._window.sample(price.mid, at, self._window_ns)
        if desk_halted or self.halted_why:
            return Stance(MakerState.HALTED, desk_halted or self.halted_why)
        if price.mid is None:
            self._lost = self.profit.mid is not None
            return Stance(MakerState.WAITING, price.why)
        if self._lost:
            self._lost = False
            self._back_at = at + _ns(self.terms["reference_settle"])
        if at < self._back_at:
            return Stance(MakerState.WAITING, "the reference has just come back", self._back_at)
        if at < (self._paused.until or 0):
            return self._paused
        return self._jump(price.mid, at) or self._loss() or self._limit()

    def _jump(self, mid: Decimal, at: Instant) -> Stance | None:
        """A price too far from the window's pauses: a slow drift over the window counts, too."""
        moved = self._window.moved_bps(mid, at, self._window_ns)
        if moved <= self.terms["max_price_change"]:
            return None
        self._window.rebase()  # the way back starts from the then-current price
        seconds = self.terms["price_window"]
        why, until = (
            f"price moved {moved:.1f} bp in {seconds} s",
            at + _ns(self.terms["jump_pause"]),
        )
        self._paused = Stance(MakerState.PAUSED, why, until)
        return self._paused

    def _loss(self) -> Stance | None:
        """P&L beyond a limit halts; so does a P&L that cannot be computed."""
        limit, drawdown = self.terms["max_loss"], self.terms["max_drawdown"]
        loss, fallen = self.loss_from - self.profit.total, self.profit.drawdown
        if self.profit.mid is None:
            self.halted_why = "P&L cannot be computed"
        elif limit and loss >= limit:
            self.halted_why = f"loss of {loss:,.2f} {self.pair.quote}"
        elif drawdown and fallen >= drawdown:
            self.halted_why = f"drawdown of {fallen:,.2f} {self.pair.quote}"
        return Stance(MakerState.HALTED, self.halted_why) if self.halted_why else None

    def _limit(self) -> Stance:
        """At its limit is a position with no room for one more order of the smallest size."""
        position, limit = self.profit.position, self.terms["max_position"]
        was_reducing = self.stance.state is MakerState.REDUCING
        edge = limit * REDUCED if was_reducing else limit - self.pair.minimum
        if abs(position) > edge:
            return Stance(MakerState.REDUCING, f"position {position:+f} {self.pair.base}")
        return Stance(MakerState.ACTIVE)

    def restart(self) -> None:
        """By hand: a new start for the limits on loss and drawdown."""
        self.halted_why = ""
        self.loss_from = self.profit.peak = self.profit.total

    # ---- what it quotes

    def decide(
        self, at: Instant, base: Decimal, quote: Decimal, desk_halted: str, changed: bool
    ) -> Ladder | None:
        """Judge, then the ladder to show: none at all to pull, None to leave what stands.

        Balances are totals. `changed` says that the terms have, so that no delay counts.
        """
        before, self.inventory = self.stance.state, (base, quote)
        self.stance = self.judge(at, desk_halted)
        ladder = self._ladder(at, base, quote)
        self._again_at = None
        if ladder == PULLED:
            self._quoted_at = None
            return PULLED
        urgent = changed or self.stance.state is not before or self._aged(at) or self._overrun()
        free_at = self._free_at(ladder, at)
        if free_at > at and urgent:
            self._paused = Stance(MakerState.PAUSED, "too many orders in a second", free_at)
            self.stance, self._quoted_at = self._paused, None
            return PULLED
        self._again_at = free_at if urgent else max(free_at, self._rested_at(at))
        if self._again_at > at:
            return None
        self._again_at = None
        return ladder

    def _ladder(self, at: Instant, base: Decimal, quote: Decimal) -> Ladder:
        """The strategy's ladder within the limits; nothing unless ACTIVE or REDUCING."""
        mid = self.profit.mid
        if mid is None:
            return PULLED
        total = base * mid + quote
        self.skew = inventory_skew(base, quote, mid, self.terms["inventory_target_base_pct"])
        self.base_pct = base * mid / total * 100 if total > 0 else ZERO
        if self.stance.state not in (MakerState.ACTIVE, MakerState.REDUCING):
            return PULLED
        position, limit = self.profit.position, self.terms["max_position"]
        horizon_ns = _ns(self.terms["horizon"])
        left = Decimal(horizon_ns - (at - self.started_at) % horizon_ns) / SECOND
        situation = Situation(mid, self.skew, position, self._window.variance, left)
        ladder = self.strategy(self.pair, self.terms, situation)
        buy, sell = limit - position, limit + position
        if self.stance.state is MakerState.REDUCING:
            buy, sell = -position, position
        most = min(MOST_LEVELS, int(self.terms["orders_per_second"]) // 2)
        decimals = self.pair.base_decimals
        self._tight = min(buy - _size(ladder.bids), sell - _size(ladder.asks)) < self._slack * most
        bids = _within(ladder.bids[:most], buy, decimals)
        asks = _within(ladder.asks[:most], sell, decimals)
        return _affordable(Ladder(bids, asks), self.terms["notional_per_second"])

    @property
    def _slack(self) -> Decimal:
        """By how much an order's size may differ from the ladder's and still keep its place."""
        return self.terms["order_amount"] / 20

    def _rested_at(self, at: Instant) -> Instant:
        """When the delays after the last ladder and the last fill are over."""
        if self._quoted_at is None:
            return at
        rested = self._quoted_at + _ns(self.terms["order_refresh_time"])
        if self.filled_at is None:
            return rested
        return max(rested, self.filled_at + _ns(self.terms["filled_order_delay"]))

    def _aged(self, at: Instant) -> bool:
        """Whether an order of ours may have reached its greatest age."""
        return self._quoted_at is not None and at >= self._aged_at

    @property
    def _aged_at(self) -> Instant:
        return self._fresh_at + _ns(self.terms["max_order_age"])

    def _overrun(self) -> bool:
        """Whether the mid has come as far as our quotes stood from it: then no delay counts."""
        if self._quoted_at is None or self.profit.mid is None:
            return False
        return abs(self.profit.mid - self._quoted_mid) >= self._reach

    def _free_at(self, ladder: Ladder, at: Instant) -> Instant:
        """When the caps on orders and notional a second allow the whole ladder."""
        orders, notional = len(ladder.bids) + len(ladder.asks), self.terms["notional_per_second"]
        worth = _worth(ladder) if notional else ZERO
        return self._pace.free_at(orders, worth, self.terms["orders_per_second"], notional, at)

    def show(self, ladder: Ladder, at: Instant, changed: bool) -> Placed:
        """Replace what stands by `ladder`, by difference, in one command of the exchange."""
        mid = self.profit.mid or ZERO
        tolerance = (
            mid * self.terms["order_refresh_tolerance_pct"] / 100,
            ZERO if self._tight else self._slack,
        )
        if changed:
            tolerance = EXACTLY
        if self._quoted_at is None or self._aged(at):
            self._fresh_at, tolerance = at, AFRESH
        placed = self.exchange.quote(OWNER, ladder, *tolerance)
        self.filled_at = None
        self._pace.sent(placed.orders, placed.worth, at)
        if placed.changed or self._quoted_at is None:
            self._quoted_at = at
        self._quoted_mid, self._reach = mid, _reach(ladder, mid)
        return placed

    # ---- presence and time

    def seen(self, at: Instant) -> None:
        """Count the time with quotes on both sides; call after every change of the book."""
        if self.both_since is not None:
            self.present_ns += at - self.both_since
        sides = self.exchange.sides(OWNER)
        self.both_since = at if all(sides) else None

    def presence(self, at: Instant) -> Decimal:
        """The share of the time since the start with quotes on both sides, in percent."""
        now = self.present_ns + (at - self.both_since if self.both_since is not None else 0)
        lasted = at - self.started_at
        return Decimal(now * 100) / lasted if lasted else ZERO

    def forget(self, at: Instant) -> None:
        """Drop references that are too old."""
        self.reference.forget(at, _ns(self.terms["stale_after"]))

    @property
    def due(self) -> Instant | None:
        """When time alone changes something: a source is stale, a pause, delay or age is over."""
        times = [
            self.reference.stale_at(_ns(self.terms["stale_after"])),
            self.stance.until,
            self._again_at,
            None if self._quoted_at is None else self._aged_at,
        ]
        return min((at for at in times if at is not None), default=None)

    @property
    def _window_ns(self) -> int:
        return _ns(self.terms["price_window"])


def _within(quotes: tuple[Quote, ...], room: Decimal, decimals: int) -> tuple[Quote, ...]:
    """As much of one side as there is room for, the best first."""
    kept: list[Quote] = []
    for quote in quotes:
        size = min(quote.size, round_down(room, decimals))
        if size <= 0:
            break
        kept.append(Quote(quote.price, size))
        room -= size
    return tuple(kept)


def _affordable(ladder: Ladder, most: Decimal) -> Ladder:
    """As many levels, the best ones, as the cap on notional lets out in one second; 0: no cap."""
    levels = max(len(ladder.bids), len(ladder.asks))
    while most and levels and _worth(ladder) > most:
        levels -= 1
        ladder = Ladder(ladder.bids[:levels], ladder.asks[:levels])
    return ladder


def _worth(ladder: Ladder) -> Decimal:
    return sum((quote.price * quote.size for quote in (*ladder.bids, *ladder.asks)), ZERO)


def _size(quotes: tuple[Quote, ...]) -> Decimal:
    return sum((quote.size for quote in quotes), ZERO)


def _reach(ladder: Ladder, mid: Decimal) -> Decimal:
    """How far from the mid the first quotes stand, seen from their middle."""
    firsts = [side[0].price for side in (ladder.bids, ladder.asks) if side]
    if len(firsts) == 2:
        return (firsts[1] - firsts[0]) / 2
    return abs(firsts[0] - mid)
