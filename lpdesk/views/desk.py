"""The whole screen state, frozen, and `fold`: one record further. Folded from events alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.instants import date
from lpdesk.domain.making import MakerState
from lpdesk.domain.record import Record
from lpdesk.domain.settings import Settings
from lpdesk.domain.values import Instant, exact
from lpdesk.views import accounts, blotter, breaks, ladder, leaderboard, quotes, settlements
from lpdesk.views import status as st
from lpdesk.views.accounts import Accounts
from lpdesk.views.blotter import TradeRow
from lpdesk.views.breaks import Breaks
from lpdesk.views.ladder import MakerView
from lpdesk.views.leaderboard import Row
from lpdesk.views.quotes import Card
from lpdesk.views.settlements import Need, SettlementRow
from lpdesk.views.status import Notice, Status

KEPT_NOTICES = 200


class DeskView(Struct, frozen=True):
    """What a screen may show. Times in it are instants; a screen compares them with its `now()`."""

    settings: Settings = Settings()
    status: Status = Status()
    rfqs: tuple[Card, ...] = ()
    trades: tuple[TradeRow, ...] = ()
    notices: tuple[Notice, ...] = ()
    makers: tuple[MakerView, ...] = ()
    settlements: tuple[SettlementRow, ...] = ()
    accounts: Accounts = Accounts()
    breaks: Breaks = Breaks()
    seq: int = 0
    at: Instant = 0

    def card(self, rfq_id: str) -> Card | None:
        return next((card for card in self.rfqs if card.rfq_id == rfq_id), None)

    def maker(self, symbol: str) -> MakerView | None:
        return next((maker for maker in self.makers if maker.symbol == symbol), None)

    def trade(self, trade_id: str) -> TradeRow | None:
        return next((row for row in self.trades if row.trade_id == trade_id), None)

    def settlement(self, settlement_id: str) -> SettlementRow | None:
        return next((row for row in self.settlements if row.settlement_id == settlement_id), None)

    def forecast(self) -> tuple[Need, ...]:
        """What the trades that wait will need, by time; worked out when asked."""
        return settlements.forecast(self.trades, self.settlements, self.accounts, self.settings)


@exact
def fold(view: DeskView, record: Record) -> DeskView:
    """The view after `record`. The old view stays as it was."""
    view = replace(view, seq=record.seq, at=record.at)
    for event in record.events:
        handler = _FOLDS.get(type(event))
        if handler:
            view = handler(view, event, record.at)
    return view


Handler = Callable[[DeskView, Any, Instant], DeskView]


def _on_card(change: Callable[[Card, Any, Instant], Card]) -> Handler:
    def handler(view: DeskView, event: Any, at: Instant) -> DeskView:
        cards = tuple(
            change(card, event, at) if card.rfq_id == event.rfq_id else card for card in view.rfqs
        )
        return replace(view, rfqs=cards)

    return handler


def _on_row(change: Callable[[Row, Any, Instant], Row]) -> Handler:
    def on_card(card: Card, event: Any, at: Instant) -> Card:
        row = next((row for row in card.rows if row.lp == event.lp), None) or Row(event.lp)
        others = tuple(old for old in card.rows if old.lp != event.lp)
        rows = leaderboard.ranked((*others, change(row, event, at)), card.base_side)
        return replace(card, rows=rows)

    return _on_card(on_card)


def _on_trade(change: Callable[[TradeRow, Any, Instant], TradeRow]) -> Handler:
    def handler(view: DeskView, event: Any, at: Instant) -> DeskView:
        trades = tuple(
            change(row, event, at) if row.trade_id == event.trade_id else row for row in view.trades
        )
        unknown = sum(row.state == "UNKNOWN" for row in trades)
        return replace(view, trades=trades, status=replace(view.status, unknown=unknown))

    return handler


def _on_maker(change: Callable[[MakerView, Any, Instant], MakerView]) -> Handler:
    def handler(view: DeskView, event: Any, at: Instant) -> DeskView:
        makers = tuple(
            change(maker, event, at) if maker.symbol == event.symbol else maker
            for maker in view.makers
        )
        return replace(view, makers=makers)

    return handler


def _on_settlement(change: Callable[[SettlementRow, Any, Instant], SettlementRow]) -> Handler:
    def handler(view: DeskView, event: Any, at: Instant) -> DeskView:
        rows = tuple(
            change(row, event, at) if row.settlement_id == event.settlement_id else row
            for row in view.settlements
        )
        return replace(view, settlements=rows)

    return handler


def _on_accounts(change: Callable[[Accounts, Any, Instant], Accounts]) -> Handler:
    return lambda view, event, at: replace(view, accounts=change(view.accounts, event, at))


def _on_status(change: Callable[[Status, Any, Instant], Status]) -> Handler:
    return lambda view, event, at: replace(view, status=change(view.status, event, at))


def _notice(view: DeskView, at: Instant, level: str, text: str, ref: str = "") -> DeskView:
    notice = Notice(seq=view.seq, at=at, level=level, text=text, ref=ref)
    return replace(view, notices=(notice, *view.notices[: KEPT_NOTICES - 1]))


def _opened(view: DeskView, event: ev.DeskOpened, at: Instant) -> DeskView:
    status = st.opened(view.status, event, at)
    makers = tuple(MakerView(terms) for terms in event.settings.makers)
    return replace(view, settings=event.settings, status=status, makers=makers)


def _closed(view: DeskView, event: ev.DeskClosed, at: Instant) -> DeskView:
    return replace(view, status=replace(view.status, open=False))


def _rfq_opened(view: DeskView, event: ev.RfqOpened, at: Instant) -> DeskView:
    return replace(view, rfqs=quotes.keep((quotes.opened(event, at), *view.rfqs)))


def _locked(view: DeskView, event: ev.QuoteLocked, at: Instant) -> DeskView:
    def change(card: Card, event: ev.QuoteLocked, at: Instant) -> Card:
        rows = leaderboard.locked(card.rows, event, at)
        card = quotes.locked(card, event, at)
        return replace(card, rows=leaderboard.ranked(rows, card.base_side))

    return _on_card(change)(view, event, at)


def _uncovered(view: DeskView, event: ev.QuoteUncovered, at: Instant) -> DeskView:
    view = replace(view, status=replace(view.status, uncovered=view.status.uncovered + 1))
    return _notice(view, at, "bad", f"{event.quote_id} was shown without cover", event.rfq_id)


def _lock_gone(
    change: Callable[[Card, Any, Instant], Card],
) -> Callable[[Card, Any, Instant], Card]:
    def on_card(card: Card, event: Any, at: Instant) -> Card:
        rows = leaderboard.ranked(leaderboard.released(card.rows), card.base_side)
        return replace(change(card, event, at), rows=rows)

    return on_card


def _rfq_ended(view: DeskView, event: ev.RfqEnded, at: Instant) -> DeskView:
    view = _on_card(quotes.ended)(view, event, at)
    if event.how is ev.RfqEnd.NO_LIQUIDITY:
        card = view.card(event.rfq_id)
        why = ", ".join(f"{row.lp} {row.state}" for row in card.rows) if card else ""
        text = f"{event.rfq_id} no liquidity: {why or 'no LP deals this'}"
        return _notice(view, at, "warn", text, event.rfq_id)
    return view


def _trade_opened(view: DeskView, event: ev.TradeOpened, at: Instant) -> DeskView:
    trades = blotter.kept((blotter.opened(event, at), *view.trades))
    status = replace(view.status, trades=view.status.trades + 1)
    return replace(view, trades=trades, status=status)


def _settled(view: DeskView, event: ev.TradeSettled, at: Instant) -> DeskView:
    view = _on_trade(blotter.settled)(view, event, at)
    view = replace(view, status=st.earned(view.status, event, at))
    text = f"{event.trade_id} settled with {event.lp}"
    return _notice(view, at, "good", text, event.trade_id)


def _executed(view: DeskView, event: ev.TradeExecuted, at: Instant) -> DeskView:
    view = _on_trade(blotter.executed)(view, event, at)
    text = f"{event.trade_id} hedged with {event.lp}, settles {date(event.settles_at)}"
    return _notice(view, at, "good", text, event.trade_id)


def _given_up(view: DeskView, event: ev.TradeRejected, at: Instant) -> DeskView:
    view = _on_trade(blotter.given_up)(view, event, at)
    return _notice(view, at, "bad", f"{event.trade_id} rejected: {event.text}", event.trade_id)


def _settlement_created(view: DeskView, event: ev.SettlementCreated, at: Instant) -> DeskView:
    rows = settlements.created(view.settlements, event, at)
    trades = tuple(
        blotter.linked(row, event.settlement_id) if row.trade_id in event.trades else row
        for row in view.trades
    )
    view = replace(view, settlements=rows, trades=trades)
    parties = f"{event.organization} and {event.desk}"
    text = f"{event.settlement_id} {parties}: {len(event.trades)} to settle"
    return _notice(view, at, "info", text, event.settlement_id)


def _settlement_settled(view: DeskView, event: ev.SettlementSettled, at: Instant) -> DeskView:
    view = _on_settlement(settlements.settled)(view, event, at)
    paid = len(event.integrator_trades)
    part = f", {paid} of {len(event.trades)} from the settlement account" if paid else ""
    text = f"{event.settlement_id} settled{part}"
    return _notice(view, at, "good", text, event.settlement_id)


def _settlement_failed(view: DeskView, event: ev.SettlementFailed, at: Instant) -> DeskView:
    view = _on_settlement(settlements.failed)(view, event, at)
    short = ", ".join(f"{s.account} {s.missing:f} {s.asset}" for s in event.shortfalls[:3])
    text = f"{event.settlement_id} failed, nothing has moved; missing: {short}"
    return _notice(view, at, "bad", text, event.settlement_id)


def _settlement_rejected(view: DeskView, event: ev.SettlementRejected, at: Instant) -> DeskView:
    view = _on_settlement(settlements.rejected)(view, event, at)
    text = f"{event.settlement_id} rejected after {event.attempt} attempts"
    return _notice(view, at, "bad", text, event.settlement_id)


def _rerouted(view: DeskView, event: ev.RfqRerouted, at: Instant) -> DeskView:
    text = f"{event.rfq_id} {event.reason.value}: goes on with {event.desk}"
    return _notice(view, at, "warn", text, event.rfq_id)


def _cash(view: DeskView, event: ev.Deposited | ev.Withdrawn, at: Instant) -> DeskView:
    word = "into" if isinstance(event, ev.Deposited) else "out of"
    return _notice(view, at, "info", f"{event.amount:f} {event.asset} {word} {event.account}")


def _failed(view: DeskView, event: ev.TradeFailed, at: Instant) -> DeskView:
    view = _on_trade(blotter.failed)(view, event, at)
    text = f"{event.trade_id} failed, nothing has moved: {event.reason.value}"
    return _notice(view, at, "bad", text, event.trade_id)


def _unknown(view: DeskView, event: ev.TradeUnknown, at: Instant) -> DeskView:
    view = _on_trade(blotter.unknown)(view, event, at)
    text = f"{event.trade_id} outcome unknown at {event.lp}: asking, nothing is sent again"
    return _notice(view, at, "bad", text, event.trade_id)


def _leg_rejected(view: DeskView, event: ev.LegRejected, at: Instant) -> DeskView:
    view = _on_trade(blotter.rejected)(view, event, at)
    text = f"{event.trade_id} {event.lp} did not fill: {event.reason.value}"
    return _notice(view, at, "warn", text, event.trade_id)


def _on_breaks(change: Callable[[Breaks, Any, Instant], Breaks]) -> Handler:
    def handler(view: DeskView, event: Any, at: Instant) -> DeskView:
        found = change(view.breaks, event, at)
        status = replace(view.status, breaks=len(found.open))
        view = replace(view, breaks=found, status=status)
        said = breaks.words(event)
        return _notice(view, at, *said) if said else view

    return handler


def _break(view: DeskView, event: ev.BreakFound, at: Instant) -> DeskView:
    return _on_breaks(breaks.found)(_on_trade(blotter.broken)(view, event, at), event, at)


def _reconciled(view: DeskView, event: ev.Reconciled, at: Instant) -> DeskView:
    trades = blotter.compared(view.trades, event)
    return _on_breaks(breaks.compared)(replace(view, trades=trades), event, at)


def _refused(view: DeskView, event: ev.CommandRefused, at: Instant) -> DeskView:
    example = f"; for example: {event.example}" if event.example else ""
    return _notice(view, at, "warn", f"{event.reason.value}: {event.text}{example}")


def _halted(view: DeskView, event: ev.TradingHalted, at: Instant) -> DeskView:
    view = replace(view, status=replace(view.status, halted=True, why=event.why))
    return _notice(view, at, "bad", f"HALTED {event.why}".rstrip())


def _resumed(view: DeskView, event: ev.TradingResumed, at: Instant) -> DeskView:
    view = replace(view, status=replace(view.status, halted=False, why=""))
    return _notice(view, at, "info", "trading resumed")


def _health(view: DeskView, event: ev.LpHealthChanged, at: Instant) -> DeskView:
    view = replace(view, status=st.health(view.status, event, at))
    why = f": {event.reason.value} {event.text}".rstrip() if event.reason else ""
    words = {"closed": "back in use", "open": "resting", "half-open": "being probed"}
    if event.state == "half-open":
        return view
    level = "info" if event.state == "closed" else "warn"
    return _notice(view, at, level, f"{event.lp} {words.get(event.state, event.state)}{why}")


def _maker_moved(view: DeskView, event: ev.MakerMoved, at: Instant) -> DeskView:
    before = view.maker(event.symbol)
    view = _on_maker(ladder.moved)(view, event, at)
    if before is None or before.maker is None or before.maker.state is event.state:
        return view
    level = "info" if event.state is MakerState.ACTIVE else "warn"
    said = f"{event.state.value} {event.why}".rstrip()
    last = view.notices[0] if view.notices else None
    if last is None or last.seq != view.seq or not last.text.startswith("maker "):
        return _notice(view, at, level, f"maker {event.symbol} {said}", event.symbol)
    # Several makers move in one step: one notice names them all, for only the last is read.
    names, same, _ = last.text.partition(f" {said}")
    text = f"{names}, {event.symbol} {said}" if same else f"{last.text}; {event.symbol} {said}"
    view = replace(view, notices=view.notices[1:])
    return _notice(view, at, "warn" if "warn" in (level, last.level) else level, text)


def _maker_set(view: DeskView, event: ev.MakerSet, at: Instant) -> DeskView:
    view = _on_maker(ladder.parameter_set)(view, event, at)
    text = f"{event.symbol} {event.parameter} {event.before:f} -> {event.after:f}"
    return _notice(view, at, "info", text, event.symbol)


_FOLDS: dict[type, Handler] = {
    ev.DeskOpened: _opened,
    ev.DeskClosed: _closed,
    ev.CommandRefused: _refused,
    ev.TradingHalted: _halted,
    ev.TradingResumed: _resumed,
    ev.MarketMoved: _on_status(st.moved),
    ev.LpHealthChanged: _health,
    ev.RfqOpened: _rfq_opened,
    ev.LpAsked: _on_row(leaderboard.asked),
    ev.LpSkipped: _on_row(leaderboard.skipped),
    ev.QuoteReceived: _on_row(leaderboard.quoted),
    ev.LpMissed: _on_row(leaderboard.missed),
    ev.QuoteLocked: _locked,
    ev.QuoteUncovered: _uncovered,
    ev.QuoteUnlocked: _on_card(_lock_gone(quotes.unlocked)),
    ev.RfqRefreshed: _on_card(_lock_gone(quotes.refreshed)),
    ev.AutoRefreshSet: _on_card(quotes.auto_refresh_set),
    ev.RfqEnded: _rfq_ended,
    ev.TradeOpened: _trade_opened,
    ev.OrderSent: _on_trade(blotter.sent),
    ev.LegFilled: _on_trade(blotter.filled),
    ev.LegRejected: _leg_rejected,
    ev.TradeUnknown: _unknown,
    ev.TradeSettled: _settled,
    ev.TradeFailed: _failed,
    ev.TradeExecuted: _executed,
    ev.TradeRejected: _given_up,
    ev.SettlementCreated: _settlement_created,
    ev.SettlementAttempted: _on_settlement(settlements.attempted),
    ev.SettlementSettled: _settlement_settled,
    ev.SettlementFailed: _settlement_failed,
    ev.SettlementRejected: _settlement_rejected,
    ev.RfqRerouted: _rerouted,
    ev.Deposited: _cash,
    ev.Withdrawn: _cash,
    ev.Transferred: _on_accounts(accounts.moved),
    ev.HoldPlaced: _on_accounts(accounts.held),
    ev.HoldResolved: _on_accounts(accounts.released),
    ev.HoldDrawn: _on_accounts(accounts.drawn),
    ev.BreakFound: _break,
    ev.BreakClosed: _on_breaks(breaks.closed),
    ev.BreakAssigned: _on_breaks(breaks.assigned),
    ev.Reconciled: _reconciled,
    ev.ReconciliationMissed: _on_breaks(breaks.missed),
    ev.MakerMoved: _maker_moved,
    ev.MakerSet: _maker_set,
    ev.BookChanged: _on_maker(ladder.book_changed),
    ev.BookTraded: _on_maker(ladder.traded),
    ev.OrderEntered: _on_maker(ladder.entered),
    ev.OrderClosed: _on_maker(ladder.closed),
}
