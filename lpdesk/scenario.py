"""`lpdesk scenario`: three demonstration races on the virtual clock, the same every time.

The desk is the real one; the LPs are stand-ins whose prices are formulas of the time since their
first request. A formula is no money, so it may be a float; it becomes a `Decimal` of eight places
before the desk sees it, and nothing is rounded after that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from math import pi, sin

import msgspec
from msgspec import Struct

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.record import Event, Record
from lpdesk.domain.settings import Client, Lp, Pair, Polling, Rules, Settings
from lpdesk.domain.values import BPS, MILLISECOND, SECOND, Dealt, Instant, Side
from lpdesk.simulation import Answers, Simulation
from lpdesk.views import words

Price = Callable[[float], float]
"""Seconds since the LP's first request -> its price."""

DELAY_NS = 200 * MILLISECOND
CYCLE_NS = 700 * MILLISECOND
VALIDITY_NS = 10 * SECOND
AMOUNT = Decimal("1.5")
PAIR = Pair(base="BTC", quote="USDT", base_decimals=5, quote_decimals=2, minimum=Decimal("0.001"))
UNHURRIED_NS = 3_600 * SECOND
"""The request's own duration: so long that only the price or the scenario ends it."""


def fixed(price: float) -> Price:
    return lambda t: price


def moving(base: float, swing: float, frequency: float, phase: float, trend: float) -> Price:
    return lambda t: base + swing * sin(2 * pi * frequency * t + phase) + trend * t + 50 * phase


def dropping(price: float, drop: float, after: float) -> Price:
    return lambda t: price - (drop if t >= after else 0)


class Scenario(Struct, frozen=True):
    """Who quotes what, and for how long."""

    seconds: int
    prices: dict[str, Price]


SCENARIOS = {
    "competing": Scenario(
        20,
        {
            "Alpha": moving(100_000, 150, 0.3, 0, -5),
            "Beta": moving(100_000, 180, 0.4, pi / 2, -8),
            "Gamma": moving(100_000, 120, 0.5, pi, -6),
            "Delta": moving(100_000, 200, 0.35, 3 * pi / 2, -7),
        },
    ),
    "stable": Scenario(
        15,
        {
            "BestBid": fixed(99_500),
            "Comp1": moving(100_000, 100, 0.4, 0, -10),
            "Comp2": moving(100_100, 120, 0.5, pi / 3, -10),
            "Comp3": moving(100_200, 150, 0.3, 2 * pi / 3, -10),
        },
    ),
    "hail-mary": Scenario(
        12,
        {
            "Normal1": fixed(100_000),
            "Normal2": moving(100_100, 100, 0.4, 0, -10),
            "HailMary": dropping(100_300, 500, 9),
            "Normal3": fixed(100_200),
        },
    ),
}


class Lock(Struct, frozen=True):
    """Where the lock moved."""

    poll: int
    lp: str
    client_price: Decimal
    at_ns: int
    better_bps: Decimal


class Poll(Struct):
    """One cycle: the best answer of those asked, and how much better than the lock it is.

    Without a `best` the client price expired while the LPs were being asked.
    """

    number: int
    at_ns: int
    best: str = ""
    price: Decimal | None = None
    better_bps: Decimal | None = None
    lock: Lock | None = None


class Result(Struct, frozen=True):
    """A finished race. `ended` is `price expired` or `duration reached`; times from the request."""

    name: str
    cycle_ns: int
    records: tuple[Record, ...]
    polls: tuple[Poll, ...]
    ended: str
    ended_ns: int

    @property
    def locks(self) -> tuple[Lock, ...]:
        return tuple(poll.lock for poll in self.polls if poll.lock)

    @property
    def improvements(self) -> int:
        return len(self.locks) - 1


def run(name: str, cycle_ns: int = CYCLE_NS) -> Result:
    """Run a scenario. Raises ValueError on an unknown name or a cycle shorter than the answers."""
    if name not in SCENARIOS:
        raise ValueError(f"no scenario {name!r}: there are {', '.join(SCENARIOS)}")
    if cycle_ns <= DELAY_NS:
        raise ValueError("a cycle must be longer than the 0.2 s that its answers take")
    scenario = SCENARIOS[name]
    simulation = Simulation(_StandIns(scenario.prices))
    settings = _settings(scenario, cycle_ns)
    simulation.do(rep.DeskStarted(instance=name, settings=settings, version="scenario"))
    began = simulation.clock.now()
    request = cmd.RequestQuote(
        symbol=PAIR.symbol, side=Side.BUY, dealt=Dealt.BASE, amount=AMOUNT, auto_refresh=False
    )
    simulation.do(request)
    while not _ended(simulation.records[-1]):
        late = simulation.clock.now() - began >= scenario.seconds * SECOND
        if late and _holds(simulation.records[-1], ev.RoundEnded):
            simulation.do(cmd.CancelRfq(rfq_id="R-000001"))
        else:
            simulation.step()
    records = tuple(simulation.records)
    expired = _ended(records[-1]) is ev.RfqEnd.EXPIRED
    return Result(
        name=name,
        cycle_ns=cycle_ns,
        records=records,
        polls=tuple(_polls(records, began)),
        ended="price expired" if expired else "duration reached",
        ended_ns=records[-1].at - began,
    )


class _StandIns:
    """The world of a scenario: every LP reads its price when asked and answers after the delay."""

    def __init__(self, prices: dict[str, Price]) -> None:
        self._prices = prices
        self._first_asked: dict[str, Instant] = {}

    def __call__(self, event: Event, at: Instant) -> Answers:
        if not isinstance(event, ev.LpAsked):
            return ()
        seconds = (at - self._first_asked.setdefault(event.lp, at)) / SECOND
        quote = rep.LpQuoted(
            lp=event.lp,
            ask_id=event.ask_id,
            quote_ref=f"{event.lp}-{event.ask_id}",
            symbol=event.symbol,
            side=event.side,
            price=Decimal(f"{self._prices[event.lp](seconds):.8f}"),
            quantity=event.quantity,
            validity_ns=VALIDITY_NS,
        )
        return ((DELAY_NS, quote),)


def _settings(scenario: Scenario, cycle_ns: int) -> Settings:
    return Settings(
        pairs=(PAIR,),
        lps=tuple(Lp(name=name, kind="rest") for name in scenario.prices),
        clients=(Client(name="house"),),
        rules=Rules(
            polling=Polling.ROUND, round_interval_ns=cycle_ns, rfq_duration_ns=UNHURRIED_NS
        ),
        environment="SCENARIO",
    )


def _holds(record: Record, kind: type[Event]) -> bool:
    return any(isinstance(event, kind) for event in record.events)


def _ended(record: Record) -> ev.RfqEnd | None:
    return next((event.how for event in record.events if isinstance(event, ev.RfqEnded)), None)


def _polls(records: Iterable[Record], began: Instant) -> Iterator[Poll]:
    """The cycles of a race, from its journal alone."""
    poll, lock, answers = Poll(0, 0), None, list[ev.QuoteReceived]()
    for record in records:
        if _holds(record, ev.LpAsked):
            if poll.number:
                yield poll
            poll, answers = Poll(poll.number + 1, record.at - began), []
        for event in record.events:
            if isinstance(event, ev.QuoteReceived):
                answers.append(event)
            elif isinstance(event, ev.RoundEnded):
                best = min(answers, key=lambda answer: answer.all_in)
                poll.best, poll.price, poll.at_ns = best.lp, best.all_in, record.at - began
                if lock:
                    poll.better_bps = (lock.all_in - best.all_in) / lock.all_in * BPS
            elif isinstance(event, ev.QuoteLocked):
                lock = event
                poll.lock = Lock(
                    poll.number,
                    event.lp,
                    event.client_price,
                    record.at - began,
                    event.improvement_bps,
                )
    yield poll


def lines(result: Result) -> Iterator[str]:
    """The race as a table for people: a line a poll, moves of the lock marked."""
    cycle = _seconds(result.cycle_ns)
    yield f"{result.name}: BUY {AMOUNT} {PAIR.symbol}, a poll every {cycle} s"
    yield ""
    yield f"{'poll':>4}  {'time':>7}  {'best asked':<10}  {'LP price':>12}  {'better by':>10}"
    for poll in result.polls:
        time = words.seconds(poll.at_ns)
        if not poll.best:
            yield f"{poll.number:>4}  {time:>7}  the client price expired before the answers came"
            continue
        row = (
            f"{poll.number:>4}  {time:>7}  {poll.best:<10}"
            f"  {words.money(poll.price, 2):>12}  {words.bps(poll.better_bps):>10}"
        )
        yield row + (f"  ◆ lock {words.money(poll.lock.client_price, 2)}" if poll.lock else "")
    yield ""
    yield (
        f"{len(result.polls)} polls, {result.improvements} improvements,"
        f" {result.ended} after {words.seconds(result.ended_ns)}"
    )


def json_lines(result: Result) -> Iterator[str]:
    """The race for programs: an object a poll, then the summary. Decimals are strings."""
    for poll in result.polls:
        yield _json(
            type="poll",
            poll=poll.number,
            seconds=_seconds(poll.at_ns),
            best=poll.best or None,
            price=_plain(poll.price),
            betterBps=_plain(poll.better_bps),
            locked=poll.lock is not None,
        )
    yield _json(
        type="summary",
        scenario=result.name,
        cycleSeconds=_seconds(result.cycle_ns),
        polls=len(result.polls),
        improvements=result.improvements,
        locks=[
            {
                "poll": lock.poll,
                "lp": lock.lp,
                "clientPrice": _plain(lock.client_price),
                "seconds": _seconds(lock.at_ns),
                "improvementBps": _plain(lock.better_bps),
            }
            for lock in result.locks
        ],
        ended=result.ended,
        endedSeconds=_seconds(result.ended_ns),
    )


def _json(**fields: object) -> str:
    return msgspec.json.encode(fields).decode()


def _seconds(duration_ns: int) -> str | None:
    return _plain(Decimal(duration_ns).scaleb(-9))


def _plain(value: Decimal | None) -> str | None:
    """Exactly `value`, without trailing zeros or an exponent."""
    if value is None:
        return None
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
