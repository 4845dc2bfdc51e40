"""One attempt to settle: all the money is held trade by trade, then all of it moves, or none.

Domain rule 9. The end user's account pays, else the settlement account if there is one; what the
trade desk delivers goes to the end user either way.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import asdict

from lpdesk.domain import events as ev
from lpdesk.domain.record import Event
from lpdesk.domain.settings import TradeSettlementPair
from lpdesk.domain.values import SECOND, ZERO, Instant
from lpdesk.engines.ledger import DESK, Hold, client_account, liquidity_account, movement
from lpdesk.engines.lifecycle import TRADE, TradeMove, TradeState
from lpdesk.engines.state import State

Events = list[Event]


class Waiting(Struct):
    """A delayed trade that is hedged and not settled; `settlement_id` once it is linked."""

    terms: ev.TradeOpened
    executed: ev.TradeExecuted
    pair: TradeSettlementPair
    state: TradeState = TradeState.EXECUTED
    settlement_id: str = ""

    def move(self, move: TradeMove) -> None:
        self.state = TRADE.after(self.state, move)


class Attempt:
    """Holds for a settlement's trades, and what could not be held."""

    def __init__(self, state: State, settlement_account: str) -> None:
        self.state = state
        self.settlement_account = settlement_account
        self.integrator_trades: dict[str, None] = {}
        self._payers: dict[str, str] = {}
        self._holds: defaultdict[str, list[str]] = defaultdict(list)  # of each trade
        self._unheld: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)

    @property
    def complete(self) -> bool:
        return not self._unheld

    def hold(self, trade: Waiting) -> Events:
        """Reserve both sides of a trade, as far as they are there."""
        terms, missing = trade.terms, self.state.ledger.missing
        payer = client_account(terms.client)
        if missing(payer, terms.pays_asset, terms.pays) and self.settlement_account:
            payer = self.settlement_account
            self.integrator_trades[terms.trade_id] = None
        self._payers[terms.trade_id] = payer
        deliverer = liquidity_account(terms.desk)
        return [
            *self._hold(terms.trade_id, Hold(payer, terms.pays_asset, terms.pays)),
            *self._hold(terms.trade_id, Hold(deliverer, terms.receives_asset, terms.receives)),
        ]

    def _hold(self, trade_id: str, hold: Hold) -> Events:
        if not hold.amount:
            return []
        if self.state.ledger.missing(hold.account, hold.asset, hold.amount):
            self._unheld[hold.account, hold.asset] += hold.amount
            return []
        hold_id = self.state.name("H")
        self.state.ledger.place(hold_id, hold)
        self._holds[trade_id].append(hold_id)
        return [
            ev.HoldPlaced(
                hold_id=hold_id,
                trade_id=trade_id,
                account=hold.account,
                asset=hold.asset,
                amount=hold.amount,
            )
        ]

    def release(self) -> tuple[Events, tuple[ev.Shortfall, ...]]:
        """Void every hold; with what was missing for all trades to be held."""
        ledger = self.state.ledger
        missing = {key: need - ledger.available(*key) for key, need in self._unheld.items()}
        events = [event for trade_id in self._payers for event in self._resolve(trade_id, False)]
        return events, tuple(
            ev.Shortfall(
                account=account,
                asset=asset,
                balance=ledger.balances.get((account, asset), ZERO),
                available=ledger.available(account, asset),
                missing=amount,
            )
            for (account, asset), amount in missing.items()
        )

    def post(self, trade: Waiting, settlement_id: str) -> Events:
        """Turn a trade's holds into its transfer. The desk has hedged, so the payment is its."""
        terms, payer = trade.terms, self._payers[trade.terms.trade_id]
        liquidity = liquidity_account(terms.desk)
        released = self._resolve(terms.trade_id, True)
        postings = movement(terms.pays_asset, terms.pays, payer, liquidity)
        postings += movement(terms.pays_asset, terms.pays, liquidity, DESK)
        postings += movement(
            terms.receives_asset, terms.receives, liquidity, client_account(terms.client)
        )
        trade.move(TradeMove.SETTLE)
        figures = asdict(trade.executed)
        for name in ("desk", "pair_id", "settles_at"):
            del figures[name]
        return [
            *released,
            self.state.transfer(terms.trade_id, postings),
            ev.TradeSettled(
                **figures,
                settlement_id=settlement_id,
                integrator_settled=terms.trade_id in self.integrator_trades,
            ),
        ]

    def _resolve(self, trade_id: str, posted: bool) -> Events:
        mine = self._holds.pop(trade_id, [])
        for hold_id in mine:
            self.state.ledger.resolve(hold_id)
        return [
            ev.HoldResolved(hold_id=hold_id, trade_id=trade_id, posted=posted) for hold_id in mine
        ]


def rejected(state: State, trade: Waiting, settlement_id: str) -> Events:
    """The trade is never paid for. What was set aside for it goes back: the desk owns its hedge."""
    terms = trade.terms
    liquidity = liquidity_account(terms.desk)
    back = min(terms.receives, max(ZERO, state.ledger.available(liquidity, terms.receives_asset)))
    postings = movement(terms.receives_asset, back, liquidity, DESK)
    trade.move(TradeMove.REJECT)
    base = terms.symbol.partition("/")[0]
    bought = terms.receives_asset == base
    position = trade.executed.quantity if bought else -trade.executed.quantity
    text = f"the desk stays {'long' if bought else 'short'} {abs(position):f} {base} of its hedge"
    told = ev.TradeRejected(
        trade_id=terms.trade_id,
        settlement_id=settlement_id,
        position=position,
        position_asset=base,
        text=f"{text} at {trade.executed.lp_price:f} with {trade.executed.lp}",
    )
    return [*([state.transfer(terms.trade_id, postings)] if postings else []), told]


def exposures(trades: list[Waiting]) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Per base asset what the trade desk delivers, per quote asset what it gets, both net."""
    assets: defaultdict[str, Decimal] = defaultdict(Decimal)
    cash: defaultdict[str, Decimal] = defaultdict(Decimal)
    for trade in trades:
        terms = trade.terms
        base, _, quote = terms.symbol.partition("/")
        if terms.receives_asset == base:
            assets[base] += terms.receives
            cash[quote] += terms.pays
        else:
            assets[base] -= terms.pays
            cash[quote] -= terms.receives
    return dict(assets), dict(cash)


def minutes(count: int) -> Instant:
    return count * 60 * SECOND
