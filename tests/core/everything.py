"""A desk with all that it can have at once, random lives on it, and a bookkeeper who only counts.

Beside `AnythingGoes` and `Settlements`, which know more and allow less: here makers, clients'
orders, dealing inside, pools, firm and delayed requests, payments, breaks, webhooks and restarts
under other settings meet each other. `evil` is how often somebody says what nobody should.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from decimal import Decimal
from random import Random

from msgspec.structs import replace

from lpdesk.config.calendars import settlement_calendar
from lpdesk.desk import Desk
from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.capabilities import KINDS
from lpdesk.domain.making import MakerTerms
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Cause, Event, Record
from lpdesk.domain.settings import (
    Client,
    Internal,
    Lp,
    Markup,
    Pair,
    Polling,
    Reconcile,
    Routing,
    Rules,
    Settings,
    TradeDesk,
)
from lpdesk.domain.values import SECOND, Dealt, Instant, decimals_of
from lpdesk.views import DeskView, fold
from tests.core.anything import copied
from tests.core.invariants import numbers
from tests.core.outbox_books import HOOKS
from tests.core.settling import AGREED, START
from tests.core.story import BTC, ETH

D = Decimal
CROSS = Pair(
    base="ETH", quote="BTC", base_decimals=4, quote_decimals=5, minimum=D("0.01"), markup_bps=D(3)
)
PAIRS = (replace(BTC, maximum=D(60)), replace(ETH, profit=Dealt.BASE), CROSS)
MIDS = {"BTC/USDT": D(100_000), "ETH/USDT": D(3_000), "ETH/BTC": D("0.03")}
SETS = {"routing": Routing.COMPOSITE}
DESKS = {"default_desk": "prime", "backup_desk": "spare", "backup_at_execution": True}
RULES = (
    {},
    SETS,
    {**SETS, "auto_refresh": True},
    DESKS,
    {**DESKS, **SETS},
    {"lock_policy": "price+dwell"},
    {"polling": Polling.ROUND},
    {"auto_refresh": True, "max_refreshes": 2, "rfq_duration_ns": 10 * SECOND},
)
HALF = Internal(share=D("0.5"), minimum_edge_bps=D(1))
INSIDE = ((), (HALF,), (replace(HALF, share=D(1)), replace(HALF, client="zeta", pair="BTC/USDT")))
RICH = {"USDT": D(500_000), "BTC": D(5), "ETH": D(100)}
ENDS = ("settled", "failed", "rejected")


def some_settings(random: Random, at: Instant) -> Settings:
    """A desk as somebody might configure it."""
    maker = {"order_levels": D(3), "maker_fee": random.choice([D(0), D(-1), D(2)])}
    calendar = AGREED.calendar, AGREED.time_zone, AGREED.auto_settlement_time
    return Settings(
        pairs=PAIRS,
        lps=(
            Lp(name="alpha", kind="rest", fee_bps=D(1), credit={"BTC": D(30)}),
            Lp(name="beta", kind="stream", rate_per_second=D(3)),
            Lp(name="gamma", kind="rest", timeout_ns=SECOND // 2, maximum=D(2)),
            Lp(name="delta", kind="stream", indicative=random.random() < 0.2),
            Lp(name="pool", kind="pool", pairs=("BTC/USDT",), fallback=random.random() < 0.3),
            Lp(
                name="house",
                kind="book",
                capabilities=replace(KINDS["book"], streams=random.random() < 0.7),
            ),
        ),
        clients=(
            Client(
                name="acme",
                balances=RICH,
                delayed_settlement=True,
                settlement_balances={"USDT": D(60_000)},
            ),
            Client(name="zeta", balances=RICH, rolling_limit=D(2_000_000), maximum=D(800_000)),
            Client(name="bolt"),
        ),
        default_client="acme",
        trade_desks=(
            TradeDesk(name="prime", lps=("alpha", "house")),
            TradeDesk(name="spare"),
            TradeDesk(name="otc"),
            TradeDesk(name="vault", lps=("alpha",), balances={"BTC": D(1)}),
        ),
        trade_settlement_pairs=(AGREED,) if random.random() < 0.9 else (),
        calendars=(settlement_calendar(*calendar, at),),
        markups=(Markup(bps=D(2), pair="BTC/USDT", from_base=D(1)),),
        rules=Rules(
            loss_limit_bps=D(3),
            breaker_failures=3,
            max_live_rfqs=6,
            scorecards=True,
            strict=True,
            edition=2,
            **random.choice(RULES),
        ),
        makers=tuple(
            MakerTerms(
                symbol=symbol,
                strategy=random.choice(["levels", "avellaneda"]),
                parameters=maker | {"max_position": random.choice([D(1), D(10)])},
            )
            for symbol in ("BTC/USDT", "ETH/USDT")[: random.choice([1, 2, 2])]
        ),
        desk_balances={"BTC": D(100), "ETH": D(1_000), "USDT": D(10_000_000)},
        reconcile=Reconcile(every_ns=900 * SECOND),
        webhooks=HOOKS,
        internal=random.choice(INSIDE),
    )


def rejected(order: ev.OrderSent) -> rep.OrderRejected:
    return rep.OrderRejected(lp=order.lp, order_id=order.order_id, reason=Reason.LAST_LOOK)


class Counted:
    """A desk whose every step is counted over: what may never be otherwise, whatever came."""

    def __init__(self, seed: int) -> None:
        self.random = Random(f"{seed}:everything")
        self.evil = self.random.choice([0.03, 0.1, 0.3, 1])
        self.desk, self.view, self.at = Desk(), DeskView(), START
        self.records: list[Record] = []
        self.met: Counter[str] = Counter()
        self.asks: deque[ev.LpAsked] = deque(maxlen=40)
        self.locks: deque[ev.QuoteLocked] = deque(maxlen=10)
        self.orders: deque[ev.OrderSent] = deque(maxlen=12)
        self.names: defaultdict[str, list[str]] = defaultdict(list)
        """By kind of thing: what there is to name."""
        self.legs: list[ev.LegFilled] = []
        self.runs: list[ev.ExecutionsAsked] = []
        self.hooks: list[tuple[str, str]] = []
        self.trades: dict[str, str] = {}
        self.sent: dict[str, ev.OrderSent] = {}
        self.outcomes: dict[str, str] = {}
        self.quotes: dict[str, ev.QuoteLocked] = {}
        self.dealt: dict[str, ev.QuoteLocked] = {}
        self.balances: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.holds: dict[str, ev.HoldPlaced] = {}
        self.halted = False

    def does(self, cause: Cause) -> tuple[Event, ...]:
        if len(self.records) % 50 == 49:  # it goes on from a snapshot: nothing may tell
            self.desk = copied(self.desk)
        events = self.desk.step(cause, self.at)
        self.records.append(Record(len(self.records) + 1, self.at, cause, events))
        self.view = fold(self.view, self.records[-1])
        self.met.update(type(event).__name__ for event in events)
        for event in events:
            for value in numbers(event):  # I9
                assert isinstance(value, Decimal) and value.is_finite(), event
                assert value or not value.is_signed(), event
            self._believe(event)
        self._check_money()
        return events

    def _believe(self, event: Event) -> None:
        match event:
            case ev.TradingHalted() | ev.TradingResumed():
                self.halted = isinstance(event, ev.TradingHalted)
            case ev.LpAsked():
                assert not self.halted and event.deadline_at > self.at
                self.asks.append(event)
            case ev.QuoteLocked():
                self.locks.append(event)
                self.quotes[event.quote_id] = event
            case ev.QuoteUncovered():
                raise AssertionError(event)
            case ev.TradeOpened():
                quote = self.quotes.pop(event.quote_id)  # I13: once
                assert self.at < quote.dealable_until and not self.halted
                self.trades[event.trade_id], self.dealt[event.trade_id] = "executing", quote
            case ev.OrderSent():
                self._check_order(event)
            case ev.TradeUnknown():
                self._move(event.trade_id, "unknown", "executing", "unknown")
                assert self.outcomes[event.order_id] in ("sent", "unknown")
                self.outcomes[event.order_id] = "unknown"
            case ev.LegRejected():
                assert self.outcomes[event.order_id] in ("sent", "unknown")
                self.outcomes[event.order_id] = "rejected"
            case ev.LegFilled():
                self.legs.append(event)
                if self.outcomes[event.order_id] != "rejected":
                    self.outcomes[event.order_id] = "filled"
            case ev.TradeExecuted():
                self._move(event.trade_id, "executed", "executing", "unknown")
            case ev.TradeSettled():
                self._move(event.trade_id, "settled", "executing", "unknown", "executed")
            case ev.TradeFailed():
                self._move(event.trade_id, "failed", "executing", "unknown")
                assert not set(self._orders_of(event.trade_id).values()) & {"sent", "unknown"}
            case ev.TradeRejected():
                self._move(event.trade_id, "rejected", "executed")
            case ev.Transferred():
                for posting in event.postings:
                    self.balances[posting.account, posting.asset] += posting.amount
            case ev.HoldPlaced():
                assert event.hold_id not in self.names["hold"] and event.amount > 0
                self.names["hold"].append(event.hold_id)
                self.holds[event.hold_id] = event
            case ev.HoldDrawn():
                hold = self.holds[event.hold_id]
                self.holds[event.hold_id] = replace(hold, amount=hold.amount - event.amount)
            case ev.HoldResolved():
                del self.holds[event.hold_id]  # I4: once
            case ev.SettlementCreated():
                self.names["settlement"].append(event.settlement_id)
            case ev.OrderEntered():
                self.names["order"].append(event.order_id)
            case ev.BreakFound():
                self.names["break"].append(event.break_id)
            case ev.ExecutionsAsked():
                self.runs.append(event)
            case ev.WebhookQueued():
                self.hooks += [(event.event_id, target.endpoint) for target in event.targets]

    def _check_order(self, order: ev.OrderSent) -> None:
        """I13, I15, I18: in time, once, in whole units, and never more out than was dealt."""
        quote = self.dealt[order.trade_id]
        assert self.trades[order.trade_id] in ("executing", "unknown") and not self.halted
        assert self.at < order.send_by <= quote.dealable_until
        assert order.order_id not in self.sent
        pair = next(pair for pair in PAIRS if pair.symbol == order.symbol)
        assert decimals_of(order.quantity) <= pair.base_decimals
        self.orders.append(order)
        self.sent[order.order_id], self.outcomes[order.order_id] = order, "sent"
        mine = self._orders_of(order.trade_id)
        out = sum(self.sent[each].quantity for each, how in mine.items() if how != "rejected")
        assert out <= quote.quantity * D("1.01"), "more is out than is to be hedged"

    def _orders_of(self, trade_id: str) -> dict[str, str]:
        return {
            name: outcome
            for name, outcome in self.outcomes.items()
            if self.sent[name].trade_id == trade_id
        }

    def _move(self, trade_id: str, to: str, *before: str) -> None:
        """I16."""
        assert self.trades[trade_id] in before, (trade_id, self.trades[trade_id], to)
        self.trades[trade_id] = to

    def _check_money(self) -> None:
        """I1 to I3."""
        ledger = self.desk.state.ledger
        stored = {key: amount for key, amount in ledger.balances.items() if amount}
        assert stored == {key: amount for key, amount in self.balances.items() if amount}
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        held: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for hold in self.holds.values():
            held[hold.account, hold.asset] += hold.amount
        for key, amount in self.balances.items():
            sums[key[1]] += amount
            ours = key[0].startswith(("client:", "settlement:", "liquidity:"))
            assert not ours or amount >= held.get(key, 0), key
        assert not any(sums.values())
        assert held == {key: amount for key, amount in ledger.held.items() if amount}

    def known(self, kind: str, *others: str) -> str:
        """One of the newest of a kind, or sometimes one that never was."""
        return self.random.choice([*self.names[kind][-5:], *others])

    def origin(self) -> cmd.Origin | None:
        """Over the API, or by the dealer."""
        if self.random.random() < 0.6:
            return None
        token = self.random.choice(["", f"t{len(self.records)}"])
        return cmd.Origin(caller=self.random.choice(["k1", "k2"]), token=token, digest="d")
