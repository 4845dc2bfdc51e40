"""What each event of a lineage says, in one line or a few, and what is not said twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct
from rich.cells import cell_len

from lpdesk.domain import events as ev
from lpdesk.domain.settings import Pair
from lpdesk.domain.text import clean
from lpdesk.domain.values import Instant, decimals_of
from lpdesk.tui.figures import asset_amount, places, price
from lpdesk.tui.widgets.lines import Ink, Line, Span
from lpdesk.views import words


def request(event: ev.RfqOpened, pair: Pair | None) -> Line:
    what = f"{words.amount(event.amount, 18)} {pair.asset(event.dealt) if pair else ''}"
    via = f" via {event.via}" if event.via else ""
    via += "  over the API" if event.firm_at is not None else ""
    return (
        Span(f"{event.rfq_id}  ", Ink.TITLE),
        Span(f"{event.client} asks to {event.side} {what.strip()}"),
        Span(f"  {event.symbol}{via}", Ink.DIM),
    )


def name_of(event: Any) -> str:
    """What stands in front, so that what follows is in one column."""
    return clean(str(getattr(event, "lp", "")), 24)


def said(event: Any, pair: Pair | None, lead: str) -> list[Line]:
    """Its lines, each after the same few cells."""
    write = _WORDS.get(type(event), _plainly)
    return [(Span(lead), *line) for line in write(event, pair)]


def _quoted(event: ev.QuoteReceived, pair: Pair | None) -> list[Line]:
    ink = Ink.STRONG if event.verdict is ev.Verdict.LIVE else Ink.DIM
    net = "" if event.all_in == event.price else f"  all-in {price(event.all_in, pair)}"
    size = f"  {words.amount(event.quantity, 18)} {pair.base if pair else ''}"
    took = f"  {words.milliseconds(event.response_ns)} ms  {event.verdict}  {event.text}"
    return [(Span(price(event.price, pair), ink), Span(f"{net}{size}{took}".rstrip(), Ink.DIM))]


def _missed(event: ev.LpMissed | ev.LpSkipped, pair: Pair | None) -> list[Line]:
    return [(Span(str(event.reason), Ink.WARN), Span(f"  {event.text}", Ink.DIM))]


def _locked(event: ev.QuoteLocked, pair: Pair | None) -> list[Line]:
    better = f" by {words.bps(event.improvement_bps)}" if event.improvement_bps else ""
    sums = f"  {words.money(event.markup_bps, 1)} bp  {event.quote_id}"
    return [
        (
            Span(f"{event.cause}{better}", Ink.LOCK),
            Span(f"  {price(event.all_in, pair)}"),
            Span("  client ", Ink.DIM),
            Span(price(event.client_price, pair), Ink.STRONG),
            Span(sums, Ink.DIM),
        )
    ]


def _fixed(event: ev.QuoteFixed, pair: Pair | None) -> list[Line]:
    until = f"  until {words.time_of_day(event.expires_at)}  {event.quote_id}"
    return [(Span("firm", Ink.LOCK), Span(until, Ink.DIM))]


def _unlocked(event: ev.QuoteUnlocked, pair: Pair | None) -> list[Line]:
    return [(Span("unlocked", Ink.WARN), Span(f"  {event.reason}  {event.quote_id}", Ink.DIM))]


def _opened(event: ev.TradeOpened, pair: Pair | None) -> list[Line]:
    return [
        (
            Span(f"{event.trade_id}  ", Ink.TITLE),
            Span(f"{event.client} pays {asset_amount(event.pays, event.pays_asset, pair)}"),
            Span(f" for {asset_amount(event.receives, event.receives_asset, pair)}"),
            Span(f"  {event.quote_id}", Ink.DIM),
        )
    ]


def _sent(event: ev.OrderSent, pair: Pair | None) -> list[Line]:
    what = f"{str(event.side).lower()} {words.amount(event.quantity, 18)}"
    ref = f"  {event.order_id}  {event.quote_ref}"
    return [(Span(f"sent {what} at {price(event.price, pair)}"), Span(ref, Ink.DIM))]


def _filled(event: ev.LegFilled, pair: Pair | None) -> list[Line]:
    fee = f"  fee {_exactly(event.fee)} {event.fee_asset}" if event.fee else ""
    more = f"  slip {words.bps(event.slippage_bps, 1)}{fee}"
    took = f"  {words.milliseconds(event.response_ns)} ms  {event.execution_id}"
    figure = f" {words.amount(event.quantity, 18)} at {price(event.price, pair)}"
    return [(Span("filled", Ink.GOOD), Span(figure), Span(f"{more}{took}", Ink.DIM))]


def _rejected(event: ev.LegRejected, pair: Pair | None) -> list[Line]:
    return [(Span("rejected", Ink.WARN), Span(f"  {event.reason}  {event.text}", Ink.DIM))]


def _unknown(event: ev.TradeUnknown, pair: Pair | None) -> list[Line]:
    return [(Span("UNKNOWN !", Ink.BAD), Span(f"  {event.reason}  {event.text}", Ink.DIM))]


def _queried(event: ev.OrderQueried, pair: Pair | None) -> list[Line]:
    return [(Span(f"asked how {event.order_id} ended, time {event.attempt}", Ink.DIM),)]


def _held(event: ev.HoldPlaced, pair: Pair | None) -> list[Line]:
    held = f"{event.account} {_sum(event.amount, event.asset, pair)}"
    return [(Span("held  "), Span(held), Span(f"  {event.hold_id}", Ink.DIM))]


def _drawn(event: ev.HoldDrawn, pair: Pair | None) -> list[Line]:
    return [(Span(f"drawn  {_exactly(event.amount)}"), Span(f"  {event.hold_id}", Ink.DIM))]


def _resolved(event: ev.HoldResolved, pair: Pair | None) -> list[Line]:
    word = "posted" if event.posted else "released"
    return [(Span(word, Ink.GOOD if event.posted else ""), Span(f"  {event.hold_id}", Ink.DIM))]


def _posted(event: ev.Transferred, pair: Pair | None) -> list[Line]:
    accounts = max(cell_len(posting.account) for posting in event.postings)
    sums = [
        words.signed(p.amount, max(places(p.asset, pair), decimals_of(p.amount)))
        for p in event.postings
    ]
    room = max(map(len, sums))
    return [
        (
            Span(p.account + " " * (accounts - cell_len(p.account) + 2)),
            Span(f"{text:>{room}} {p.asset}", Ink.STRONG),
            Span(f"  {event.transfer_id}", Ink.DIM),
        )
        for p, text in zip(event.postings, sums, strict=True)
    ]


def _settled(event: ev.TradeSettled, pair: Pair | None) -> list[Line]:
    pnl = f"{words.signed(event.pnl, places(event.pnl_asset, pair))} {event.pnl_asset}"
    ink = Ink.BAD if event.pnl < 0 else Ink.GOOD
    change = f"  {words.bps(event.pnl_bps)}"
    if event.residual:
        change += f"  left over {_exactly(event.residual)} {event.residual_asset}"
    return [(Span("settled  P&L "), Span(pnl, ink), Span(change, Ink.DIM))]


def _failed(event: ev.TradeFailed, pair: Pair | None) -> list[Line]:
    return [(Span("failed", Ink.BAD), Span(f"  {event.reason}  {event.text}", Ink.DIM))]


def _executed(event: ev.TradeExecuted, pair: Pair | None) -> list[Line]:
    pnl = f"{words.signed(event.pnl, places(event.pnl_asset, pair))} {event.pnl_asset}"
    return [(Span(f"hedged  P&L {pnl}"), Span(f"  settles {moment(event.settles_at)}", Ink.DIM))]


def _created(event: ev.SettlementCreated, pair: Pair | None) -> list[Line]:
    with_ = f"{len(event.trades)} trade{'s' * (len(event.trades) != 1)}"
    when = f"  tried {moment(event.attempt_at)}, given up {moment(event.reject_at)}"
    return [(Span(f"{event.settlement_id}  {with_}"), Span(when, Ink.DIM))]


def _attempted(event: ev.SettlementAttempted, pair: Pair | None) -> list[Line]:
    return [(Span(f"tried{' by hand' if event.by_hand else ''}, time {event.attempt}", Ink.DIM),)]


def _short(event: ev.SettlementFailed, pair: Pair | None) -> list[Line]:
    again = Span(f"  tried again {moment(event.attempt_at)}", Ink.DIM)
    gaps = [
        (f"{s.account} lacks {_exactly(s.missing)} {s.asset}", f"  has {_exactly(s.available)}")
        for s in event.shortfalls
    ]
    lead = Span("not all there  ", Ink.WARN)
    return [(lead, Span(gap), Span(there, Ink.DIM), again) for gap, there in gaps or [("", "")]]


def _paid(event: ev.SettlementSettled, pair: Pair | None) -> list[Line]:
    by = "  from the settlement account" if event.integrator_settled else ""
    return [(Span("settled", Ink.GOOD), Span(f"  {event.settlement_id}{by}", Ink.DIM))]


def _given_up(event: ev.SettlementRejected | ev.TradeRejected, pair: Pair | None) -> list[Line]:
    why = event.text if isinstance(event, ev.TradeRejected) else "time is up"
    return [(Span("rejected", Ink.BAD), Span(f"  {event.settlement_id}  {why}", Ink.DIM))]


def moment(at: Instant) -> str:
    return f"{words.date(at)[5:]} {words.time_of_day(at)}"


def _broken(event: ev.BreakFound, pair: Pair | None) -> list[Line]:
    said = f"  {event.break_id}  {event.order_id}  {event.text}"
    return [(Span(f"{event.kind} !", Ink.BAD), Span(said, Ink.DIM))]


def _assigned(event: ev.BreakAssigned, pair: Pair | None) -> list[Line]:
    return [(Span(f"{event.owner} looks after {event.break_id}"), Span(f"  {event.note}", Ink.DIM))]


def _compared(event: ev.Reconciled, pair: Pair | None) -> list[Line]:
    """What one trade of ours is on the LP's own list."""
    standing = event.trades[0].reconciliation
    ink = Ink.GOOD if standing is ev.Matching.MATCHED else Ink.WARN
    listed = f"  with its list of {event.listed} since {moment(event.since)}"
    return [(Span(str(standing), ink), Span(listed, Ink.DIM))]


def _rerouted(event: ev.RfqRerouted, pair: Pair | None) -> list[Line]:
    return [(Span(f"{event.desk} is asked instead", Ink.WARN), Span(f"  {event.reason}", Ink.DIM))]


def _closed(event: ev.BreakClosed, pair: Pair | None) -> list[Line]:
    why = str(event.rule) if event.rule else event.why
    return [(Span("closed", Ink.GOOD), Span(f"  {event.break_id}  {why}", Ink.DIM))]


def _queued(event: ev.WebhookQueued, pair: Pair | None) -> list[Line]:
    to = ", ".join(target.endpoint for target in event.targets)
    return [(Span(event.kind), Span(f"  {event.event_id}  to {to}", Ink.DIM))]


_TRIED: Final = {
    ev.Outcome.DELIVERED: ("delivered", Ink.GOOD),
    ev.Outcome.QUEUED: ("not taken", Ink.WARN),
    ev.Outcome.DEAD: ("given up !", Ink.BAD),
}


def _hook_tried(event: ev.WebhookTried, pair: Pair | None) -> list[Line]:
    word, ink = _TRIED[event.outcome]
    again = f"  tried again {moment(event.next_at)}" if event.next_at is not None else ""
    said = f"  {event.endpoint}, time {event.attempt}  {event.text}{again}"
    return [(Span(word, ink), Span(said.rstrip(), Ink.DIM))]


def _sent_again(event: ev.WebhookResent, pair: Pair | None) -> list[Line]:
    return [(Span("sent again"), Span(f"  {event.endpoint}  {event.event_id}", Ink.DIM))]


def _plainly(event: Any, pair: Pair | None) -> list[Line]:
    """An event that has no words of its own yet: its name, and what is short and says something."""
    name = re.sub(r"(?<!^)(?=[A-Z])", " ", type(event).__name__).lower()
    fields = ((each, getattr(event, each)) for each in event.__struct_fields__)
    said = [
        f"{each} {_exactly(value) if isinstance(value, Decimal) else value}"
        for each, value in fields
        if value not in ("", None, False) and not isinstance(value, Struct | tuple | dict)
    ]
    return [(Span(name), Span(f"  {clean('  '.join(said), 120)}", Ink.DIM))]


def _sum(value: Decimal, asset: str, pair: Pair | None) -> str:
    return f"{words.money(value, max(places(asset, pair), decimals_of(value)))} {asset}"


def _exactly(value: Decimal) -> str:
    return words.amount(value, 18)


_WORDS: Final[dict[type, Callable[[Any, Pair | None], list[Line]]]] = {
    ev.QuoteReceived: _quoted,
    ev.LpMissed: _missed,
    ev.LpSkipped: _missed,
    ev.QuoteLocked: _locked,
    ev.QuoteFixed: _fixed,
    ev.QuoteUnlocked: _unlocked,
    ev.TradeOpened: _opened,
    ev.OrderSent: _sent,
    ev.LegFilled: _filled,
    ev.LegRejected: _rejected,
    ev.TradeUnknown: _unknown,
    ev.OrderQueried: _queried,
    ev.HoldPlaced: _held,
    ev.HoldDrawn: _drawn,
    ev.HoldResolved: _resolved,
    ev.Transferred: _posted,
    ev.TradeSettled: _settled,
    ev.TradeFailed: _failed,
    ev.BreakFound: _broken,
    ev.TradeExecuted: _executed,
    ev.SettlementCreated: _created,
    ev.SettlementAttempted: _attempted,
    ev.SettlementFailed: _short,
    ev.SettlementSettled: _paid,
    ev.SettlementRejected: _given_up,
    ev.BreakClosed: _closed,
    ev.BreakAssigned: _assigned,
    ev.Reconciled: _compared,
    ev.RfqRerouted: _rerouted,
    ev.WebhookQueued: _queued,
    ev.WebhookTried: _hook_tried,
    ev.WebhookResent: _sent_again,
    ev.TradeRejected: _given_up,
}
