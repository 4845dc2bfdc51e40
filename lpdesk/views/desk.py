"""`fold`: the screen state one record further. Folded from events alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.instants import date
from lpdesk.domain.record import Record
from lpdesk.domain.values import Instant, exact
from lpdesk.views import (
    accounts,
    blotter,
    breaks,
    ladder,
    leaderboard,
    quotes,
    scores,
    settlements,
    webhooks,
    words,
)
from lpdesk.views import status as st
from lpdesk.views.accounts import Accounts
from lpdesk.views.blotter import TradeRow
from lpdesk.views.breaks import Breaks
from lpdesk.views.ladder import MakerView
from lpdesk.views.leaderboard import Row
from lpdesk.views.quotes import Card
from lpdesk.views.settlements import SettlementRow
from lpdesk.views.state import DeskView
from lpdesk.views.status import Notice, Status
from lpdesk.views.webhooks import HookRow

KEPT_NOTICES = 200


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
R = TypeVar("R")


def _with(rows: tuple[R, ...], place: int, row: R) -> tuple[R, ...]:
    """The rows with another one in that place. Newest first: what changes is near the front."""
    return (*rows[:place], row, *rows[place + 1 :])


def _on_card(change: Callable[[Card, Any, Instant], Card]) -> Handler:
    return lambda view, event, at: _card(view, event.rfq_id, lambda card: change(card, event, at))


def _card(view: DeskView, rfq_id: str, change: Callable[[Card], Card]) -> DeskView:
    for place, card in enumerate(view.rfqs):
        if card.rfq_id == rfq_id:
            return replace(view, rfqs=_with(view.rfqs, place, change(card)))
    return view


def _on_row(change: Callable[[Row, Any, Instant], Row]) -> Handler:
    def on_card(card: Card, event: Any, at: Instant) -> Card:
        row = next((row for row in card.rows if row.lp == event.lp), None) or Row(event.lp)
        row = change(row, event, at)
        return replace(card, rows=leaderboard.placed(card.rows, row, card.base_side))

    return _on_card(on_card)


def _on_trade(change: Callable[[TradeRow, Any, Instant], TradeRow]) -> Handler:
    def handler(view: DeskView, event: Any, at: Instant) -> DeskView:
        for place, row in enumerate(view.trades):
            if row.trade_id == event.trade_id:
                new = change(row, event, at)
                trades = _with(view.trades, place, new)
                view = replace(view, trades=trades)
                if (new.state == "UNKNOWN") is (row.state == "UNKNOWN"):
                    return view
                unknown = sum(row.state == "UNKNOWN" for row in trades)
                return replace(view, status=replace(view.status, unknown=unknown))
        return view

    return handler


def _on_order(
    on_trade: Callable[[TradeRow, Any, Instant], TradeRow], on_row: Callable[[Row], Row]
) -> Handler:
    """What an order did to its trade, and to its LP in the race of the request."""

    def handler(view: DeskView, event: Any, at: Instant) -> DeskView:
        view = _on_trade(on_trade)(view, event, at)
        trade = view.trade(event.trade_id)
        if trade is None:
            return view
        return _card(view, trade.rfq_id, lambda card: quotes.ran(card, event.lp, on_row))

    return handler


def _on_maker(change: Callable[[MakerView, Any, Instant], MakerView]) -> Handler:
    def handler(view: DeskView, event: Any, at: Instant) -> DeskView:
        makers = (change(m, event, at) if m.symbol == event.symbol else m for m in view.makers)
        return replace(view, makers=tuple(makers))

    return handler


def _on_settlement(change: Callable[[SettlementRow, Any, Instant], SettlementRow]) -> Handler:
    def handler(view: DeskView, event: Any, at: Instant) -> DeskView:
        name, rows = event.settlement_id, view.settlements
        changed = (change(row, event, at) if row.settlement_id == name else row for row in rows)
        return replace(view, settlements=tuple(changed))

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


def _rfq_opened(view: DeskView, event: ev.RfqOpened, at: Instant) -> DeskView:
    return replace(view, rfqs=quotes.keep((quotes.opened(event, at), *view.rfqs)))


def _locked(view: DeskView, event: ev.QuoteLocked, at: Instant) -> DeskView:
    def change(card: Card, event: ev.QuoteLocked, at: Instant) -> Card:
        rows = leaderboard.locked(card.rows, event, at)
        card = quotes.locked(card, event, at)
        return replace(card, rows=leaderboard.ranked(rows, card.base_side))

    return _on_card(change)(view, event, at)


def _lock_gone(
    change: Callable[[Card, Any, Instant], Card],
) -> Callable[[Card, Any, Instant], Card]:
    def on_card(card: Card, event: Any, at: Instant) -> Card:
        rows = leaderboard.ranked(leaderboard.released(card.rows), card.base_side)
        return replace(change(card, event, at), rows=rows)

    return on_card


def _fell_back(view: DeskView, event: ev.RfqFellBack, at: Instant) -> DeskView:
    text = f"{event.rfq_id} no LP quotes ({event.text}): asking {', '.join(event.lps)}"
    return _notice(view, at, "warn", text, event.rfq_id)


def _rfq_ended(view: DeskView, event: ev.RfqEnded, at: Instant) -> DeskView:
    view = _on_card(quotes.ended)(view, event, at)
    card = view.card(event.rfq_id)
    if card is None or event.how is not ev.RfqEnd.NO_LIQUIDITY:
        return view
    text = f"{event.rfq_id} no liquidity: {leaderboard.why_none(card.rows)}"
    return _notice(view, at, "warn", text, event.rfq_id)


def _trade_opened(view: DeskView, event: ev.TradeOpened, at: Instant) -> DeskView:
    trades = blotter.kept((blotter.opened(event, at, view.card(event.rfq_id)), *view.trades))
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
    linked = frozenset(event.trades)
    trades = tuple(
        blotter.linked(row, event.settlement_id) if row.trade_id in linked else row
        for row in view.trades
    )
    view = replace(view, settlements=rows, trades=trades)
    parties = f"{event.organization} and {event.desk}"
    text = f"{event.settlement_id} {parties}: {len(event.trades)} to settle"
    return _notice(view, at, "info", text, event.settlement_id)


def _settling(change: Callable[[SettlementRow, Any, Instant], SettlementRow]) -> Handler:
    """A settlement went on, and is told of."""

    def handler(view: DeskView, event: Any, at: Instant) -> DeskView:
        level, text = settlements.told(event)
        view = _on_settlement(change)(view, event, at)
        return _notice(view, at, level, f"{event.settlement_id} {text}", event.settlement_id)

    return handler


def _rerouted(view: DeskView, event: ev.RfqRerouted, at: Instant) -> DeskView:
    view = _on_trade(blotter.rerouted)(view, event, at)
    text = f"{event.trade_id or event.rfq_id} {event.reason.value}: goes on with {event.desk}"
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
    view = _on_order(blotter.rejected, leaderboard.refused)(view, event, at)
    text = f"{event.trade_id} {event.lp} did not fill: {event.reason.value}"
    return _notice(view, at, "warn", text, event.trade_id)


def _on_breaks(change: Callable[[Breaks, Any, Instant], Breaks]) -> Handler:
    def handler(view: DeskView, event: Any, at: Instant) -> DeskView:
        found = change(view.breaks, event, at)
        status = replace(view.status, breaks=len(found.open))
        return replace(view, breaks=found, status=status)

    return _telling(handler, breaks.words)


def _break(view: DeskView, event: ev.BreakFound, at: Instant) -> DeskView:
    return _on_breaks(breaks.found)(_on_trade(blotter.broken)(view, event, at), event, at)


def _on_hooks(
    change: Callable[[tuple[HookRow, ...], Any, Instant], tuple[HookRow, ...]],
) -> Handler:
    return _telling(
        lambda view, event, at: replace(view, webhooks=change(view.webhooks, event, at)),
        webhooks.words,
    )


def _telling(change: Handler, words: Callable[[Any], tuple[str, ...] | None]) -> Handler:
    """What is to be said of the event, if anything, is a notice."""

    def handler(view: DeskView, event: Any, at: Instant) -> DeskView:
        view, said = change(view, event, at), words(event)
        return _notice(view, at, *said) if said else view

    return handler


def _reconciled(view: DeskView, event: ev.Reconciled, at: Instant) -> DeskView:
    trades = blotter.compared(view.trades, event)
    return _on_breaks(breaks.compared)(replace(view, trades=trades), event, at)


def _refused(view: DeskView, event: ev.CommandRefused, at: Instant) -> DeskView:
    return _notice(view, at, "warn", words.advice(event))


def _halted(view: DeskView, event: ev.TradingHalted, at: Instant) -> DeskView:
    view = replace(view, status=replace(view.status, halted=True, why=event.why))
    return _notice(view, at, "bad", f"HALTED {event.why}".rstrip())


def _resumed(view: DeskView, event: ev.TradingResumed, at: Instant) -> DeskView:
    view = replace(view, status=replace(view.status, halted=False, why=""))
    return _notice(view, at, "info", "trading resumed")


def _maker_moved(view: DeskView, event: ev.MakerMoved, at: Instant) -> DeskView:
    before = view.maker(event.symbol)
    view = _on_maker(ladder.moved)(view, event, at)
    if before is None or before.maker is None or before.maker.state is event.state:
        return view
    level, said = ladder.told(event)
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


def _scored(view: DeskView, event: ev.LpScored, at: Instant) -> DeskView:
    return replace(view, scorecards=scores.scored(view.scorecards, event, at))


_FOLDS: dict[type, Handler] = {
    ev.DeskOpened: _opened,
    ev.DeskClosed: _on_status(st.closed),
    ev.CommandRefused: _refused,
    ev.TradingHalted: _halted,
    ev.TradingResumed: _resumed,
    ev.MarketMoved: _on_status(st.moved),
    ev.LpHealthChanged: _telling(_on_status(st.health), st.told),
    ev.LpScored: _scored,
    ev.RfqOpened: _rfq_opened,
    ev.LpAsked: _on_row(leaderboard.asked),
    ev.LpSkipped: _on_row(leaderboard.skipped),
    ev.QuoteReceived: _on_row(leaderboard.quoted),
    ev.LpMissed: _on_row(leaderboard.missed),
    ev.QuoteLocked: _locked,
    ev.QuoteUncovered: _on_status(st.uncovered),
    ev.QuoteFixed: _on_card(quotes.fixed),
    ev.QuoteUnlocked: _on_card(_lock_gone(quotes.unlocked)),
    ev.RfqRefreshed: _on_card(_lock_gone(quotes.refreshed)),
    ev.AutoRefreshSet: _on_card(quotes.auto_refresh_set),
    ev.RfqFellBack: _fell_back,
    ev.RfqEnded: _rfq_ended,
    ev.TradeOpened: _trade_opened,
    ev.OrderSent: _on_order(blotter.sent, leaderboard.ordered),
    ev.LegFilled: _on_trade(blotter.filled),
    ev.LegRejected: _leg_rejected,
    ev.TradeUnknown: _unknown,
    ev.TradeSettled: _settled,
    ev.TradeFailed: _failed,
    ev.TradeExecuted: _executed,
    ev.TradeRejected: _given_up,
    ev.SettlementCreated: _settlement_created,
    ev.SettlementAttempted: _on_settlement(settlements.attempted),
    ev.SettlementSettled: _settling(settlements.settled),
    ev.SettlementFailed: _settling(settlements.failed),
    ev.SettlementRejected: _settling(settlements.rejected),
    ev.RfqRerouted: _rerouted,
    ev.Deposited: _cash,
    ev.Withdrawn: _cash,
    ev.Transferred: _on_accounts(accounts.moved),
    ev.HoldPlaced: _on_accounts(accounts.held),
    ev.HoldResolved: _on_accounts(accounts.released),
    ev.HoldDrawn: _on_accounts(accounts.drawn),
    ev.BreakFound: _break,
    ev.WebhookQueued: _on_hooks(webhooks.queued),
    ev.WebhookTried: _on_hooks(webhooks.tried),
    ev.WebhookResent: _on_hooks(webhooks.resent),
    ev.EndpointDisabled: _on_hooks(webhooks.unchanged),
    ev.EndpointEnabled: _on_hooks(webhooks.unchanged),
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
