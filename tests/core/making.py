"""Stories of the maker: reference ticks and orders in, the ladder out, audited after every record.

The ladder reads as on the screen: asks above, bids below, best in the middle, ours only.
"""

from __future__ import annotations

from collections import defaultdict, deque
from decimal import Decimal, localcontext
from typing import TypeVar

from msgspec.structs import replace

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.making import MakerState, MakerTerms, OrderKind
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Cause, Event
from lpdesk.domain.settings import Client, Internal, Lp, Pair, Rules, Settings
from lpdesk.domain.values import MONEY, Instant, Side
from lpdesk.engines.book import BookSide, Resting
from lpdesk.engines.maker import OWNER, Maker
from lpdesk.simulation import Simulation, World
from tests.core.story import BTC, ETH, span

D = Decimal
E = TypeVar("E")
SYMBOL = "BTC/USDT"
QUOTING = (MakerState.ACTIVE, MakerState.REDUCING)
CLIENT = {"USDT": D(1_000_000), "BTC": D(10), "ETH": D(100)}
SIDES = {"b": Side.BUY, "s": Side.SELL}
KINDS = {"lim": "limit", "mkt": "market", "ioc": "ioc", "fok": "fok", "post": "post-only"}


class Books:
    """A second bookkeeper of one pair, who believes only the events. P&L by its definition."""

    def __init__(self) -> None:
        self.mid: Decimal | None = None
        self.position = self.cash = self.spread = self.inventory = self.fees = D(0)
        self.realised = self.cost = D(0)
        self.day: deque[tuple[Instant, Decimal, Decimal, Decimal]] = deque()
        self.both_since: Instant | None = None
        self.started: Instant = 0
        self.present = 0
        self.checks = 0

    def moved(self, mid: Decimal | None) -> None:
        if self.mid is not None and mid is not None:
            self.inventory += self.position * (mid - self.mid)
        self.mid = mid

    def traded(self, event: ev.BookTraded, at: Instant) -> None:
        assert event.taker != OWNER
        if event.maker != OWNER:
            return
        assert event.mid is not None
        self.moved(event.mid)
        sign = 1 if event.side is Side.SELL else -1
        signed, paid = sign * event.quantity, sign * event.cash
        before, self.position = self.position, self.position + signed
        if before * signed >= 0:
            self.cost += paid
        elif abs(signed) <= abs(before):
            average = self.cost / before
            self.realised += -paid + signed * average
            self.cost += signed * average
        else:
            self.realised += before * (paid / signed) - self.cost
            self.cost = self.position * (paid / signed)
        self.cash -= paid + event.maker_fee
        self.fees -= event.maker_fee
        self.spread += signed * event.mid - paid
        captured = abs(event.price - event.mid) * event.quantity
        self.day.append((at, event.quantity, event.cash, captured))

    def shown(self, event: ev.BookChanged, at: Instant) -> None:
        self.present += at - self.both_since if self.both_since is not None else 0
        both = all(any(level.ours for level in side) for side in (event.bids, event.asks))
        self.both_since = at if both else None

    def check(self, event: ev.MakerMoved, at: Instant) -> None:
        """The maker's own figures, to the last digit."""
        self.moved(event.mid)
        assert (event.position, event.spread, event.inventory, event.fees) == (
            self.position, self.spread, self.inventory, self.fees
        )  # fmt: skip
        assert event.pnl == self.cash + self.position * (self.mid or 0)
        assert event.pnl == event.spread + event.inventory + event.fees
        assert abs(event.realised - self.realised) <= D("5.1e-9")
        unrealised = self.position * (self.mid or 0) - self.cost
        assert abs(event.unrealised - unrealised) <= D("5.1e-9")
        self.checks += 1
        if self.checks % 50 == 1 or len(self.day) < 200:  # a day's fills are many
            self._check_turnover(event, at)
        here = at - self.both_since if self.both_since is not None else 0
        if at > self.started:
            presence = D(self.present + here) * 100 / (at - self.started)
            assert abs(presence - event.presence) <= D("5.1e-5")

    def _check_turnover(self, event: ev.MakerMoved, at: Instant) -> None:
        day = [fill for fill in self.day if fill[0] >= at - span("86400s")]
        volume, notional, captured = (sum((fill[n] for fill in day), D(0)) for n in (1, 2, 3))
        assert (event.volume, event.notional, event.captured) == (volume, notional, captured)
        half = captured / notional * 10_000 if notional else None
        assert (half is None) == (event.half_spread_bps is None)
        assert half is None or abs(half - (event.half_spread_bps or 0)) <= D("5.1e-7")


def resting(maker: Maker) -> dict[int, Resting]:
    """Orders of the maker's own in its book, by their numbers."""
    exchange = maker.exchange
    found = ((oid, exchange.engine.order(oid)) for oid in exchange.orders_of(OWNER))
    return {oid: order for oid, order in found if order}


class Audited(Simulation):
    """A simulation that checks, after every record, what must never be otherwise."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.books: defaultdict[str, Books] = defaultdict(Books)
        self.balances: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.holds: dict[str, ev.HoldPlaced] = {}
        self.held: dict[str, Decimal] = {}
        self.swept: set[tuple[str, BookSide]] = set()

    def do(self, cause: Cause) -> tuple[Event, ...]:
        orders = {symbol: resting(maker) for symbol, maker in self.desk.making.makers.items()}
        events = super().do(cause)
        with localcontext(MONEY):
            for event in events:
                self._believe(event, self.records[-1].at)
            self._check_money()
            for symbol in self.desk.making.makers:
                self._check_orders(symbol, events, orders.get(symbol, {}))
        return events

    def _believe(self, event: Event, at: Instant) -> None:
        match event:
            case ev.DeskOpened():
                for books in self.books.values():
                    books.started, books.present, books.both_since = at, 0, None
                for terms in event.settings.makers:
                    self.books[terms.symbol].started = at
            case ev.Transferred():
                for posting in event.postings:
                    self.balances[posting.account, posting.asset] += posting.amount
            case ev.HoldPlaced():
                self.holds[event.hold_id], self.held[event.hold_id] = event, event.amount
            case ev.HoldDrawn():
                self.held[event.hold_id] -= event.amount
                assert self.held[event.hold_id] > 0
            case ev.HoldResolved():
                del self.holds[event.hold_id], self.held[event.hold_id]
            case ev.BookTraded():
                self.books[event.symbol].traded(event, at)
            case ev.BookChanged():
                self.books[event.symbol].shown(event, at)
            case ev.MakerMoved():
                self.books[event.symbol].check(event, at)
                self._check_skew(event)

    def _check_skew(self, event: ev.MakerMoved) -> None:
        maker = self.desk.making.makers[event.symbol]
        base, quote = (self.balances["desk", asset] for asset in event.symbol.split("/"))
        if event.mid is not None and base * event.mid + quote > 0:
            share = base * event.mid / (base * event.mid + quote) * 100
            target = maker.terms["inventory_target_base_pct"]
            skew = max(D(-1), min(D(1), (target - share) / 50))
            assert abs(event.base_pct - share) <= D("5.1e-7")
            assert abs(event.skew - skew) <= D("5.1e-7")

    def _check_money(self) -> None:
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        held: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for hold_id, hold in self.holds.items():
            held[hold.account, hold.asset] += self.held[hold_id]
        for key, amount in self.balances.items():
            sums[key[1]] += amount
            assert not key[0].startswith("client:") or amount >= held.get(key, 0)
        assert not any(sums.values())
        ledger = self.desk.state.ledger
        assert held == {key: amount for key, amount in ledger.held.items() if amount}
        for order in self.desk.making.hand.resting.values():
            left = order.exchange.open_quantity(order.number)
            assert left == order.left > 0
            cost = order.exchange.held_for(left, order.price)
            assert self.held[order.hold_id] == (cost if order.side is Side.BUY else left)

    def _check_orders(
        self, symbol: str, events: tuple[Event, ...], before: dict[int, Resting]
    ) -> None:
        """I27, the greatest position, and no side without quotes that was not taken from us."""
        maker = self.desk.making.makers[symbol]
        orders = resting(maker)
        state = maker.stance.state
        assert state in QUOTING or not orders
        assert not (self.desk.state.halted and (orders or self.desk.making.hand.resting))
        position, limit = maker.profit.position, maker.terms["max_position"]
        changed = any(isinstance(event, ev.MakerSet) for event in events)
        for side in BookSide:
            mine = [order.lots for order in orders.values() if order.side is side]
            size = D(sum(mine)).scaleb(-maker.pair.base_decimals)
            shrinking = position * side < 0
            if state is MakerState.REDUCING:
                assert not size or (shrinking and size <= abs(position))
            assert not size or position * side + size <= limit or shrinking
            taken = any(
                isinstance(event, ev.BookTraded)
                and event.maker == OWNER
                and event.side != side.name
                for event in events
            )
            if mine:
                self.swept.discard((symbol, side))
            elif taken or changed:
                self.swept.add((symbol, side))
            banded = maker.terms["price_floor"] or maker.terms["price_ceiling"]
            if state is MakerState.ACTIVE and before and not mine and not banded:
                assert (symbol, side) in self.swept


class Market:
    """A desk that makes a market; `events` and `ladder` are what came of it."""

    def __init__(
        self,
        *pairs: Pair,
        strategy: str = "levels",
        lps: tuple[Lp, ...] = (),
        world: World = lambda event, at: (),
        base: str = "100",
        quote: str = "10000000",
        rules: Rules | None = None,
        internal: tuple[Internal, ...] = (),
        **parameters: str,
    ) -> None:
        pairs = pairs or (BTC,)
        numbers = {name: D(value) for name, value in parameters.items()}
        self.settings = Settings(
            pairs=pairs,
            lps=lps,
            clients=(Client(name="acme", balances=CLIENT), Client(name="zeta", balances=CLIENT)),
            default_client="acme",
            rules=rules or Rules(loss_limit_bps=D(10)),
            internal=internal,
            desk_balances={pair.base: D(base) for pair in pairs} | {"USDT": D(quote)},
            makers=tuple(
                MakerTerms(symbol=pair.symbol, strategy=strategy, parameters=numbers)
                for pair in pairs
            ),
        )
        self.simulation = Audited(world)
        self.began = self.simulation.clock.now()
        self.restarts()

    # ---- what happens

    def configures(self, **parameters: str) -> None:
        """Somebody edits the makers' parameters in the configuration file."""
        numbers = {name: D(value) for name, value in parameters.items()}
        makers = tuple(replace(terms, parameters=numbers) for terms in self.settings.makers)
        self.settings = replace(self.settings, makers=makers)

    def restarts(self) -> None:
        self.simulation.crash()
        count = len(self.events(ev.DeskOpened)) + 1
        self.does(rep.DeskStarted(instance=f"i{count}", settings=self.settings, version="0"))

    def does(self, cause: Cause) -> str:
        """Let anything happen now; gives the refusal, or nothing."""
        events = self.simulation.do(cause)
        refusals = [event for event in events if isinstance(event, ev.CommandRefused)]
        return "; ".join(f"{refused.field}: {refused.text}" for refused in refusals)

    def ticks(self, mid: str, *sources: str, symbol: str = SYMBOL) -> None:
        """Every source, or the named ones, has `mid` in the middle of 1 up and 1 down."""
        for source in sources or ("binance", "okx"):
            self.does(
                rep.ReferenceTicked(source=source, symbol=symbol, bid=D(mid) - 1, ask=D(mid) + 1)
            )

    def loses(self, source: str) -> None:
        lost = rep.ReferenceLost(source=source, symbol=SYMBOL, reason=Reason.STALE)
        self.does(lost)

    def takes(self, side: str, quantity: str, price: str | None = None) -> None:
        """Somebody outside takes from the book."""
        limit = None if price is None else D(price)
        self.does(
            rep.TakerOrdered(
                taker="t", symbol=SYMBOL, side=SIDES[side], quantity=D(quantity), price=limit
            )
        )

    def types(self, line: str) -> str:
        """`lim b 0.5 99950 @zeta`, `cxl O-000001`, `cxl`, `halt`, `resume`, `start`, `stop`,
        `set bid_spread 7`."""
        words = line.partition(" @")[0].split()
        client = line.partition(" @")[2]
        match words:
            case [kind, side, quantity, *price] if kind in KINDS:
                order = cmd.PlaceOrder(
                    symbol=SYMBOL,
                    side=SIDES[side],
                    kind=OrderKind(KINDS[kind]),
                    quantity=D(quantity),
                    price=D(price[0]) if price else None,
                    client=client,
                )
                return self.does(order)
            case ["cxl", *order_id]:
                return self.does(cmd.CancelOrders(order_id="".join(order_id)))
            case ["halt"]:
                return self.does(cmd.Halt(why="F12"))
            case ["resume"]:
                return self.does(cmd.Resume())
            case ["start"]:
                return self.does(cmd.StartMaker(symbol=SYMBOL))
            case ["stop"]:
                return self.does(cmd.StopMaker(symbol=SYMBOL))
            case ["set", name, value]:
                return self.does(cmd.SetMaker(symbol=SYMBOL, parameter=name, value=D(value)))
        raise ValueError(line)

    def later(self, text: str) -> None:
        self.simulation.run(span(text))

    def keeps_ticking(self, mid: str, text: str, every: str = "500ms") -> None:
        """Time passes with a reference that stays where it is."""
        for _ in range(span(text) // span(every)):
            self.later(every)
            self.ticks(mid)

    # ---- what is seen

    def events(self, *kinds: type[E]) -> list[E]:
        records = self.simulation.records
        return [event for r in records for event in r.events if isinstance(event, kinds)]

    def orders(self) -> dict[int, tuple[int, Decimal, Decimal]]:
        """Our orders by their numbers: a kept number is a kept place in the queue."""
        maker = self.simulation.desk.making.makers[SYMBOL]
        ticks, lots = -maker.pair.quote_decimals, -maker.pair.base_decimals
        return {
            oid: (int(order.side), D(order.price).scaleb(ticks), D(order.lots).scaleb(lots))
            for oid, order in resting(maker).items()
        }

    @property
    def ladder(self) -> str:
        lines = sorted(((price, side, size) for side, price, size in self.orders().values()))
        shown = [
            f"{'bid' if side > 0 else 'ask'} {price} {size.normalize():f}"
            for price, side, size in reversed(lines)
        ]
        return "\n".join(shown)

    def best(self, side: int) -> Decimal:
        """The price of our best bid (1) or ask (-1)."""
        return max(price * side for way, price, _ in self.orders().values() if way == side) * side

    @property
    def maker(self) -> ev.MakerMoved:
        return [event for event in self.events(ev.MakerMoved) if event.symbol == SYMBOL][-1]

    @property
    def state(self) -> str:
        """`PAUSED price moved 150.0 bp in 60 s until 12.5`, in seconds since the start."""
        until = self.maker.until
        back = "" if until is None else f"until {D(until - self.began) / 10**9:f}"
        return " ".join(f"{self.maker.state.value} {self.maker.why} {back}".split())

    def has(self, account: str, asset: str) -> Decimal:
        return self.simulation.desk.state.ledger.available(account, asset)


__all__ = ["BTC", "ETH", "SYMBOL", "D", "Market", "Side", "ev", "span"]
