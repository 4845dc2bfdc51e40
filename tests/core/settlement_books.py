"""A second bookkeeper for delayed settlement who believes only events (I1-I6, I10, I11, I16)."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from lpdesk.domain import events as ev
from lpdesk.domain.record import Record
from lpdesk.domain.values import Instant
from tests.core.invariants import snake_case

CREDIT = ("desk", "world", "lp:")
QUOTE = {
    ("", "executing"),
    ("executing", "unknown"),
    ("unknown", "unknown"),  # a further order's
    *((state, end) for state in ("executing", "unknown") for end in ("settled", "failed")),
    *((state, "executed_pending_settlement") for state in ("executing", "unknown")),
    ("executed_pending_settlement", "settled"),
    ("executed_pending_settlement", "rejected"),
}
SETTLEMENT = {
    ("", "pending"),
    ("pending", "settled"),
    ("pending", "settlement_failed"),
    ("settlement_failed", "settlement_failed"),
    ("settlement_failed", "settled"),
    ("settlement_failed", "rejected"),
}


class Books:
    """Keeps accounts, holds, trades and settlements in the plainest way, and compares."""

    def __init__(self) -> None:
        self.balances: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.holds: dict[str, ev.HoldPlaced] = {}
        self.resolved: set[str] = set()
        self.trades: dict[str, ev.TradeOpened] = {}
        self.states: defaultdict[str, str] = defaultdict(str)
        self.settlements: defaultdict[str, str] = defaultdict(str)
        self.created: dict[str, ev.SettlementCreated] = {}
        self.linked: dict[str, str] = {}
        self.payers: dict[str, str] = {}
        self.touched: set[str] = set()  # trades that moved money of a client
        self.reached: set[str] = set()

    def read(self, record: Record) -> None:
        for event in record.events:
            self.reached.add(type(event).__name__)
            handler = getattr(self, snake_case(type(event).__name__), None)
            if handler is not None:
                handler(event, record.at)
            if isinstance(event, ev.Settling):
                self._exposures(event)
        self._check()

    def _check(self) -> None:
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for (_, asset), amount in self.balances.items():
            sums[asset] += amount
        assert not any(sums.values())  # I1
        held: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for hold in self.holds.values():
            held[hold.account, hold.asset] += hold.amount
            assert self.states[hold.trade_id] in ("executing", "unknown")  # I5
        for key, amount in self.balances.items():
            if not key[0].startswith(CREDIT):
                assert amount - held[key] >= 0, key  # I3

    def _exposures(self, event: ev.Settling) -> None:
        """I10: the sum over the linked trades, whatever has happened meanwhile."""
        assets: defaultdict[str, Decimal] = defaultdict(Decimal)
        cash: defaultdict[str, Decimal] = defaultdict(Decimal)
        for trade_id in event.trades:
            assert self.linked[trade_id] == event.settlement_id
            terms = self.trades[trade_id]
            assert (terms.client, terms.desk) == (event.organization, event.desk)
            base, quote = terms.symbol.split("/")
            buys = terms.receives_asset == base
            assets[base] += terms.receives if buys else -terms.pays
            cash[quote] += terms.pays if buys else -terms.receives
        assert (event.asset_exposures, event.cash_exposures) == (assets, cash)

    # ---- money

    def transferred(self, event: ev.Transferred, at: Instant) -> None:
        for posting in event.postings:
            self.balances[posting.account, posting.asset] += posting.amount
            if posting.account.startswith(("client:", "settlement:")):
                self.touched.add(event.trade_id)
                if posting.amount < 0:
                    self.payers[event.trade_id] = posting.account

    def hold_placed(self, event: ev.HoldPlaced, at: Instant) -> None:
        assert event.hold_id not in self.holds and event.hold_id not in self.resolved
        assert event.amount > 0
        self.holds[event.hold_id] = event

    def hold_resolved(self, event: ev.HoldResolved, at: Instant) -> None:
        del self.holds[event.hold_id]  # I4: once
        self.resolved.add(event.hold_id)

    # ---- trades

    def _move(self, trade_id: str, state: str) -> None:
        edge = self.states[trade_id], state
        assert edge in QUOTE, edge  # I16
        self.states[trade_id] = state

    def trade_opened(self, event: ev.TradeOpened, at: Instant) -> None:
        self.trades[event.trade_id] = event
        self._move(event.trade_id, "executing")

    def trade_unknown(self, event: ev.TradeUnknown, at: Instant) -> None:
        self._move(event.trade_id, "unknown")

    def trade_failed(self, event: ev.TradeFailed, at: Instant) -> None:
        assert event.trade_id not in self.touched
        self._move(event.trade_id, "failed")

    def trade_executed(self, event: ev.TradeExecuted, at: Instant) -> None:
        assert self.trades[event.trade_id].delayed and event.settles_at > at
        self._move(event.trade_id, "executed_pending_settlement")

    def trade_settled(self, event: ev.TradeSettled, at: Instant) -> None:
        delayed = self.trades[event.trade_id].delayed
        assert (self.states[event.trade_id] == "executed_pending_settlement") is delayed
        assert event.settlement_id == self.linked.get(event.trade_id, "")
        own = self.payers[event.trade_id].startswith("settlement:")
        assert event.integrator_settled is own  # I11
        self._move(event.trade_id, "settled")

    def trade_rejected(self, event: ev.TradeRejected, at: Instant) -> None:
        assert event.trade_id not in self.touched
        self._move(event.trade_id, "rejected")

    # ---- settlements

    def _turn(self, settlement_id: str, state: str) -> None:
        edge = self.settlements[settlement_id], state
        assert edge in SETTLEMENT, edge
        self.settlements[settlement_id] = state

    def settlement_created(self, event: ev.SettlementCreated, at: Instant) -> None:
        assert event.trades and event.created_at == at <= event.attempt_at
        for trade_id in event.trades:
            assert trade_id not in self.linked  # never in two
            assert self.states[trade_id] == "executed_pending_settlement"
            self.linked[trade_id] = event.settlement_id
        self.created[event.settlement_id] = event
        self._turn(event.settlement_id, "pending")

    def settlement_failed(self, event: ev.SettlementFailed, at: Instant) -> None:
        assert event.shortfalls and all(each.missing > 0 for each in event.shortfalls)
        for short in event.shortfalls:
            assert short.balance == self.balances[short.account, short.asset]
        self._all(event, "executed_pending_settlement")
        self._turn(event.settlement_id, "settlement_failed")

    def settlement_settled(self, event: ev.SettlementSettled, at: Instant) -> None:
        self._all(event, "settled")
        own = [each for each in event.trades if self.payers[each].startswith("settlement:")]
        assert list(event.integrator_trades) == own
        assert event.integrator_settled is bool(own)
        self._turn(event.settlement_id, "settled")

    def settlement_rejected(self, event: ev.SettlementRejected, at: Instant) -> None:
        assert at >= self.created[event.settlement_id].reject_at
        self._all(event, "rejected")
        self._turn(event.settlement_id, "rejected")

    def _all(self, event: ev.Settling, state: str) -> None:
        """All linked trades follow, none is left between."""
        assert {self.states[trade_id] for trade_id in event.trades} == {state}
        assert not any(hold.trade_id in event.trades for hold in self.holds.values())
