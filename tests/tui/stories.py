"""Desks to look at without a network: a real desk on a virtual clock, behind a `Session`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from time import monotonic_ns

from lpdesk.clock import VirtualClock
from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.entry import parse_request
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Cause, Command, Event, Record
from lpdesk.domain.settings import Client, Lp, Pair, Rules, Settings
from lpdesk.domain.values import MILLISECOND, SECOND, Dealt, Instant, Side
from lpdesk.simulation import Simulation
from lpdesk.views import DeskView, fold

START = 1_768_832_990 * SECOND
"""2026-01-19 14:29:50 UTC."""

MID = {
    "BTC/USDT": Decimal("99951.20"),
    "ETH/USDT": Decimal("3412.07"),
    "USDC/USDT": Decimal("1.0002"),
}
LPS: dict[str, tuple[str, int]] = {  # bps from the mid for the taker, milliseconds
    "alpha": ("1.0", 98),
    "borel": ("2.6", 143),
    "kepler": ("0.5", 112),
    "uni-v3": ("5.7", 3),
    "dirac": ("0.1", 2_500),
    "euler": ("", 50),
    "fermat": ("0.4", 30),
}


def settings(**changes: object) -> Settings:
    """Three pairs, seven LPs, three clients."""
    pairs = (
        Pair(base="BTC", quote="USDT", base_decimals=5, quote_decimals=2, minimum=Decimal("0.001")),
        Pair(base="ETH", quote="USDT", base_decimals=4, quote_decimals=2, minimum=Decimal("0.01")),
        Pair(base="USDC", quote="USDT", base_decimals=2, quote_decimals=4, minimum=Decimal(10)),
    )
    rich = {
        "USDT": Decimal(10**8),
        "BTC": Decimal(1000),
        "ETH": Decimal(20000),
        "USDC": Decimal(10**8),
    }
    clients = tuple(Client(name=name, balances=rich) for name in ("acme", "hilbert", "noether"))
    kinds = {"uni-v3": "stream", "kepler": "stream"}
    lps = tuple(Lp(name=name, kind=kinds.get(name, "rest")) for name in LPS)
    given = {"pairs": pairs, "lps": lps, "clients": clients, "default_client": "acme"}
    rules = Rules(breaker_failures=3)
    return Settings(**{**given, "rules": rules, **changes})  # type: ignore[arg-type]


class Market:
    """The outside: prices by LP, one LP late, one that refuses, one that breaks off."""

    def __init__(self) -> None:
        self.mood: dict[str, Callable[[ev.OrderSent], Cause]] = {}
        self.orders: dict[str, ev.OrderSent] = {}
        self.asks = 0
        self.drift = Decimal(0)
        self.validity_ns = 12 * SECOND
        self.broken = False
        self.words = "credit line used up"

    def __call__(self, event: Event, at: Instant) -> list[tuple[int, Cause]]:
        if isinstance(event, ev.LpAsked):
            return [self._price(event)]
        if isinstance(event, ev.OrderSent):
            self.orders[event.order_id] = event
            answer = self.mood.get(event.lp, self._fill)
            return [(640 * MILLISECOND, answer(event))]
        if isinstance(event, ev.OrderQueried):
            why = Reason.UNREACHABLE
            failed = rep.QueryFailed(lp=event.lp, order_id=event.order_id, reason=why)
            return [(50 * MILLISECOND, failed)]
        return []

    def _price(self, ask: ev.LpAsked) -> tuple[int, Cause]:
        bps, ms = LPS[ask.lp]
        self.asks += 1
        delay = ms * MILLISECOND
        if self.broken or ask.lp in ("euler", "fermat"):
            reason = Reason.CREDIT if ask.lp == "euler" and not self.broken else Reason.UNREACHABLE
            text = self.words if ask.lp == "euler" else "connection refused"
            return delay, rep.LpFailed(lp=ask.lp, ask_id=ask.ask_id, reason=reason, text=text)
        sign = 1 if ask.side is Side.BUY else -1
        wobble = Decimal((self.asks * 7) % 5 - 2) / 10 + self.drift
        mid = MID[ask.symbol]
        price = (mid * (1 + sign * (Decimal(bps) + wobble) / 10_000)).quantize(mid)
        return delay, rep.LpQuoted(
            lp=ask.lp,
            ask_id=ask.ask_id,
            quote_ref=f"{ask.ask_id}-q",
            symbol=ask.symbol,
            side=ask.side,
            price=price,
            quantity=ask.quantity,
            validity_ns=self.validity_ns,
        )

    def fill_of(self, order_id: str) -> Cause:
        """The LP's answer at last, to an order whose outcome was unknown."""
        return self._fill(self.orders[order_id])

    def _fill(self, order: ev.OrderSent) -> Cause:
        return rep.OrderFilled(
            lp=order.lp,
            order_id=order.order_id,
            execution_id=f"X{order.order_id}",
            price=order.price,
            quantity=order.quantity,
            fee=Decimal("1.25") if order.lp == "alpha" else Decimal(0),
            fee_asset="USDT" if order.lp == "alpha" else "",
        )


def lost(order: ev.OrderSent) -> Cause:
    """An answer that never came."""
    return rep.OrderLost(lp=order.lp, order_id=order.order_id, reason=Reason.TIMED_OUT)


def refused(order: ev.OrderSent) -> Cause:
    """Last look."""
    why = Reason.LAST_LOOK
    return rep.OrderRejected(lp=order.lp, order_id=order.order_id, reason=why, text="moved")


class StoryDesk:
    """A `Session`. Time stands still until `run`, unless `live`: then it is the real one's."""

    can_command = True
    label = "SANDBOX"

    def __init__(self, *, live: bool = False, config: Settings | None = None) -> None:
        self.settings = config or settings()
        self.market = Market()
        self.sim = Simulation(self.market, VirtualClock(START))
        self.submitted: list[Command] = []
        self.changed: Callable[[], None] = lambda: None
        self.delay = 0.0
        self._view = DeskView()
        self._folded = 0
        self._live = monotonic_ns() if live else None
        self._began = START

    @property
    def view(self) -> DeskView:
        self.now()
        return self._view

    def now(self) -> Instant:
        if self._live is not None:
            due = self._began + monotonic_ns() - self._live
            if due > self.sim.clock.now():
                self.run_ns(due - self.sim.clock.now())
        return self.sim.clock.now()

    def go_live(self) -> None:
        """From here on, time passes by itself."""
        self._began, self._live = self.sim.clock.now(), monotonic_ns()

    async def submit(self, command: Command) -> tuple[Event, ...]:
        self.submitted.append(command)
        await asyncio.sleep(self.delay)
        return self.do(command)

    async def about(self, name: str) -> tuple[Record, ...]:
        return tuple(record for record in self.records if record.seq <= self._view.seq)

    def start(self) -> StoryDesk:
        """The first record, and a market."""
        self.do(rep.DeskStarted(instance="abc", settings=self.settings, version="0"))
        for symbol in ("BTC/USDT", "ETH/USDT"):
            self.tick(symbol, MID[symbol])
        return self

    def tick(self, symbol: str, mid: Decimal, lp: str = "kepler") -> None:
        """A market around `mid`."""
        half = (mid / 20_000).quantize(mid)
        self.do(
            rep.LpStreamed(
                lp=lp,
                symbol=symbol,
                bid=mid - half,
                ask=mid + half,
                bid_size=Decimal(3),
                ask_size=Decimal(3),
            )
        )

    def do(self, cause: Cause) -> tuple[Event, ...]:
        events = self.sim.do(cause)
        self._fold()
        return events

    def ask(self, line: str) -> str:
        """A request; returns its id."""
        events = self.do(parse_request(line, self.settings.pairs))
        return next(event.rfq_id for event in events if isinstance(event, ev.RfqOpened))

    def accept(self, rfq_id: str) -> None:
        card = self.view.card(rfq_id)
        assert card is not None and card.quote is not None
        self.do(cmd.AcceptQuote(rfq_id=rfq_id, quote_id=card.quote.quote_id))

    def run(self, seconds: float) -> StoryDesk:
        """Let time pass."""
        self.run_ns(int(seconds * SECOND))
        return self

    def run_ns(self, duration_ns: int) -> None:
        self.sim.run(duration_ns)
        self._fold()

    def _fold(self) -> None:
        for record in self.sim.records[self._folded :]:
            self._view = fold(self._view, record)
        self._folded = len(self.sim.records)
        self.changed()

    @property
    def records(self) -> list[Record]:
        return self.sim.records


def busy(**options: bool) -> StoryDesk:
    """A morning's work: trades, one of them unknown, two requests live, one in its last second."""
    desk = StoryDesk(**options).start()
    for line in ("b 0.75 btc/usdt", "s 12 eth/usdt @hilbert", "b 2500 usdc/usdt @noether"):
        rfq = desk.ask(line)
        desk.run(1.2)
        desk.accept(rfq)
        desk.run(6)
    desk.market.mood = {"kepler": lost, "alpha": lost}
    rfq = desk.ask("b 50k usdt btc/usdt @hilbert")
    desk.run(1.2)
    desk.accept(rfq)
    desk.run(2)
    desk.ask("b 3 eth/usdt @hilbert via dirac")
    desk.run(3)
    desk.do(cmd.CancelRfq(rfq_id=desk.view.rfqs[0].rfq_id))
    desk.run(17)
    desk.market.mood.clear()
    desk.tick("BTC/USDT", Decimal("99951.40"))
    desk.tick("ETH/USDT", Decimal("3412.01"))
    desk.ask("s 20 eth/usdt @noether")
    desk.run(6.6)
    desk.ask("b 1.5 btc/usdt @acme")
    desk.run(1.6)
    desk.market.drift = Decimal("-0.3")
    desk.run(0.9)
    return desk


class Tape(StoryDesk):
    """A replay: the records of another desk, up to a position."""

    can_command = False
    label = "REPLAY"
    playing = False
    following = False
    speed = 1.0

    def __init__(self, of: StoryDesk) -> None:
        super().__init__(config=of.settings)
        self.tape = list(of.records)
        self.seq = 0
        self._at = START
        self.seek_seq(len(self.tape))

    def now(self) -> Instant:
        return self._at

    async def submit(self, command: Command) -> tuple[Event, ...]:
        raise PermissionError("a replay")

    @property
    def records(self) -> list[Record]:
        return self.tape

    @property
    def position(self) -> tuple[int, int]:
        return self.seq, len(self.tape)

    def step(self, n: int) -> None:
        self.seek_seq(self.seq + n)

    def seek_seq(self, n: int) -> None:
        self.seq = max(0, min(n, len(self.tape)))
        self._view = DeskView()
        for record in self.tape[: self.seq]:
            self._view = fold(self._view, record)
            self._at = record.at
        self.changed()

    def seek_time(self, ns: Instant) -> None:
        self.seek_seq(sum(record.at <= ns for record in self.tape))

    def seek_marker(self, direction: int) -> bool:
        marks = [r.seq for r in self.tape if any(isinstance(e, ev.QuoteLocked) for e in r.events)]
        ahead = [seq for seq in marks[::direction] if (seq - self.seq) * direction > 0]
        if ahead:
            self.seek_seq(ahead[0])
        return bool(ahead)

    def toggle_play(self) -> None:
        self.playing = not self.playing

    def set_speed(self, x: float) -> None:
        self.speed = x


__all__ = ["START", "Dealt", "Market", "StoryDesk", "Tape", "busy", "lost", "refused", "settings"]
