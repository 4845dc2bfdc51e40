"""Delayed settlement: trades that wait, the settlements they are gathered in, attempts and ends.

Domain rule 9. Everything here happens by command or by pulse; `due` is when the next pulse is
wanted. A trade keeps to what was agreed when it was dealt, whatever the configuration says later.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Event
from lpdesk.domain.settings import TradeSettlementPair
from lpdesk.domain.values import Instant
from lpdesk.engines import attempt, routing
from lpdesk.engines.attempt import Attempt, Waiting, exposures, minutes
from lpdesk.engines.ledger import client_account
from lpdesk.engines.lifecycle import SETTLEMENT, SettlementMove, SettlementState, TradeState
from lpdesk.engines.quoting import refused
from lpdesk.engines.state import State

Events = list[Event]

MAX_TRADES = 500
"""In one settlement: what is tried, held and told in one step stays bounded."""


class Settlement(Struct):
    """Trades that are settled together."""

    terms: ev.SettlementCreated
    pair: TradeSettlementPair
    trades: list[Waiting]
    next_at: Instant
    state: SettlementState = SettlementState.PENDING
    attempts: int = 0

    @property
    def ended(self) -> bool:
        return self.state in (SettlementState.SETTLED, SettlementState.REJECTED)

    @property
    def due(self) -> Instant:
        return min(self.next_at, self.terms.reject_at)

    def move(self, move: SettlementMove) -> None:
        self.state = SETTLEMENT.after(self.state, move)


class Delayed:
    """All delayed trades of a desk and their settlements."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.due: Instant | None = None
        self.waiting: dict[str, Waiting] = {}
        self.settlements: dict[str, Settlement] = {}
        self._ended: dict[str, tuple[str, SettlementState]] = {}
        self._agreed: dict[str, tuple[TradeSettlementPair, Instant]] = {}
        self._known: dict[str, tuple[str, str]] = {}  # trade, quote or request -> trade, client

    # ---- trades

    def opened(self, terms: ev.TradeOpened, at: Instant) -> None:
        """A trade was dealt, delayed or not. What it settles by is agreed now."""
        for name in (terms.trade_id, terms.quote_id, terms.rfq_id):
            self._known[name] = terms.trade_id, terms.client
        if terms.delayed:
            settings = self.state.settings
            pair = settings.settlement_pair_of(terms.client, terms.desk)
            assert pair is not None
            settles_at = routing.settles_at(pair, settings, terms.settle_days, at)
            assert settles_at is not None
            self._agreed[terms.trade_id] = pair, settles_at

    def failed(self, trade_id: str) -> None:
        self._agreed.pop(trade_id, None)

    def executed(self, terms: ev.TradeOpened, figures: ev.TradeSettled) -> ev.TradeExecuted:
        """A delayed trade is hedged; `figures` are those of settling it at once."""
        pair, settles_at = self._agreed.pop(terms.trade_id)
        known = asdict(figures)
        for name in ("settlement_id", "integrator_settled"):
            del known[name]
        executed = ev.TradeExecuted(
            **known, desk=terms.desk, pair_id=pair.id, settles_at=settles_at
        )
        self.waiting[terms.trade_id] = Waiting(terms, executed, pair)
        self._plan()
        return executed

    # ---- settlements

    def create(self, cause: cmd.CreateSettlement, at: Instant) -> Events:
        """Gather trades by hand. The refusals' texts are the field's own."""
        settings = self.state.settings
        pair = settings.settlement_pair(cause.pair_id) if cause.pair_id else None
        foreign = pair is not None and cause.organization not in ("", pair.organization)
        if cause.pair_id and (pair is None or foreign):
            return [refused(Reason.NOT_FOUND, "pair", "Trade Settlement Pair Not Found")]
        owner = pair.organization if pair else cause.organization
        if len(cause.trades) > MAX_TRADES:
            text = f"{len(cause.trades)} trades: at most {MAX_TRADES} in one settlement"
            return [refused(Reason.TOO_MANY, "trades", text)]
        known = [self._known.get(name, ("", "")) for name in dict.fromkeys(cause.trades)]
        if not known or any(not trade or owner not in ("", client) for trade, client in known):
            return [refused(Reason.NOT_FOUND, "trades", "No facilitated trades found")]
        trades = [self.waiting.get(trade_id) for trade_id, _ in dict.fromkeys(known)]
        found = [trade for trade in trades if trade is not None]
        if len(found) < len(trades):
            text = f"must be {TradeState.EXECUTED.value}"
            return [refused(Reason.BAD_STATE, "trades", text)]
        first = found[0].terms
        pair = pair or settings.settlement_pair_of(first.client, first.desk) or found[0].pair
        if any(trade.terms.client != pair.organization for trade in found):
            return [refused(Reason.NOT_FOUND, "trades", "No facilitated trades found")]
        if any(trade.terms.desk != pair.trade_desk for trade in found):
            return [refused(Reason.BAD_DESK, "trades", "must be same trade desk")]
        linked = next((trade for trade in found if trade.settlement_id), None)
        if linked:
            text = f"{linked.terms.trade_id} is in {linked.settlement_id} already"
            return [refused(Reason.ALREADY_DONE, "trades", text)]
        return [self._gather(pair, found, at, automatic=False)]

    def settle(self, cause: cmd.SettleNow, at: Instant) -> Events:
        """The next attempt, by hand."""
        name, organization = cause.settlement_id, cause.organization
        settlement = self.settlements.get(name)
        owner, state = self._ended.get(name, ("", None))
        if settlement is not None:
            owner, state = settlement.terms.organization, settlement.state
        if state is None or organization not in ("", owner):
            return [refused(Reason.NOT_FOUND, "settlement", f"{name} is not known")]
        if settlement is None:
            return [refused(Reason.ALREADY_DONE, "settlement", f"{name} is {state.value}")]
        return self._attempt(settlement, at, by_hand=True)

    def wake(self, at: Instant) -> Events:
        """Gather what is due; try or give up what is due, and leave the rest to further pulses."""
        events, tried = self._gather_due(at), 0
        for settlement in list(self.settlements.values()):
            if settlement.due <= at and tried < MAX_TRADES:
                tried += len(settlement.trades)
                events += self._advance(settlement, at)
        return events

    def _gather_due(self, at: Instant) -> Events:
        """All that is due, by agreement; more than `MAX_TRADES` make several settlements."""
        if self.due is None or self.due > at:
            return []
        groups: dict[str, list[Waiting]] = {}
        for trade in self.waiting.values():
            if not trade.settlement_id and trade.executed.settles_at <= at:
                groups.setdefault(trade.pair.id, []).append(trade)
        events: Events = []
        for pair_id, trades in groups.items():
            pair = self.state.settings.settlement_pair(pair_id) or trades[0].pair
            for first in range(0, len(trades), MAX_TRADES):
                part = trades[first : first + MAX_TRADES]
                events.append(self._gather(pair, part, at, automatic=True))
        return events

    def _gather(
        self, pair: TradeSettlementPair, trades: list[Waiting], at: Instant, *, automatic: bool
    ) -> ev.SettlementCreated:
        asset_exposures, cash_exposures = exposures(trades)
        created = ev.SettlementCreated(
            settlement_id=self.state.name("S"),
            pair_id=pair.id,
            organization=trades[0].terms.client,
            desk=trades[0].terms.desk,
            broker_account=pair.settlement_account or client_account(trades[0].terms.client),
            trades=tuple(trade.terms.trade_id for trade in trades),
            asset_exposures=asset_exposures,
            cash_exposures=cash_exposures,
            automatic=automatic,
            created_at=at,
            attempt_at=at + minutes(pair.settlement_delay_minutes),
            reject_at=at + minutes(pair.rejection_delay_minutes),
        )
        for trade in trades:
            trade.settlement_id = created.settlement_id
        self.settlements[created.settlement_id] = Settlement(
            created, pair, trades, created.attempt_at
        )
        self._plan()
        return created

    def _advance(self, settlement: Settlement, at: Instant) -> Events:
        """Nothing is rejected untried: a late pulse, or a short policy, still tries once."""
        events: Events = []
        if settlement.next_at <= at or settlement.state is SettlementState.PENDING:
            events += self._attempt(settlement, at, by_hand=False)
        if not settlement.ended and settlement.terms.reject_at <= at:
            events += self._reject(settlement, at)
        return events

    def _attempt(self, settlement: Settlement, at: Instant, *, by_hand: bool) -> Events:
        settlement.attempts += 1
        name = settlement.terms.settlement_id
        trying = Attempt(self.state, settlement.pair.settlement_account)
        events: Events = [
            ev.SettlementAttempted(settlement_id=name, attempt=settlement.attempts, by_hand=by_hand)
        ]
        for trade in settlement.trades:
            events += trying.hold(trade)
        if not trying.complete:
            return [*events, *self._failed(settlement, trying, at)]
        for trade in settlement.trades:
            events += trying.post(trade, name)
        settlement.move(SettlementMove.SETTLE)
        self._end(settlement)
        settled = ev.SettlementSettled(
            **_carried(settlement.terms),
            attempt=settlement.attempts,
            settled_at=at,
            integrator_settled=bool(trying.integrator_trades),
            integrator_trades=tuple(trying.integrator_trades),
        )
        return [*events, settled]

    def _failed(self, settlement: Settlement, trying: Attempt, at: Instant) -> Events:
        released, shortfalls = trying.release()
        settlement.move(SettlementMove.FAIL)
        settlement.next_at = at + minutes(max(1, settlement.pair.settlement_retry_delay_minutes))
        self._plan()
        failed = ev.SettlementFailed(
            **_carried(settlement.terms),
            attempt=settlement.attempts,
            failed_at=at,
            shortfalls=shortfalls,
            attempt_at=settlement.next_at,
            reject_at=settlement.terms.reject_at,
        )
        return [*released, failed]

    def _reject(self, settlement: Settlement, at: Instant) -> Events:
        name = settlement.terms.settlement_id
        events: Events = []
        for trade in settlement.trades:
            events += attempt.rejected(self.state, trade, name)
        settlement.move(SettlementMove.REJECT)
        self._end(settlement)
        told = ev.SettlementRejected(
            **_carried(settlement.terms), attempt=settlement.attempts, rejected_at=at
        )
        return [*events, told]

    def _end(self, settlement: Settlement) -> None:
        terms = settlement.terms
        del self.settlements[terms.settlement_id]
        self._ended[terms.settlement_id] = terms.organization, settlement.state
        for trade_id in terms.trades:
            del self.waiting[trade_id]
        self._plan()

    def _plan(self) -> None:
        times = [settlement.due for settlement in self.settlements.values()]
        times += [t.executed.settles_at for t in self.waiting.values() if not t.settlement_id]
        self.due = min(times, default=None)


def _carried(terms: ev.SettlementCreated) -> dict[str, Any]:
    """What every event of a settlement repeats."""
    return {name: getattr(terms, name) for name in ev.Settling.__struct_fields__}
