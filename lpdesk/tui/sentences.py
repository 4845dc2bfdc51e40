"""What is going on with a request and what to do next, in one sentence for every state."""

from __future__ import annotations

from typing import Final

from lpdesk.domain import events as ev
from lpdesk.domain.entry import EXAMPLE
from lpdesk.domain.values import SECOND
from lpdesk.tui.figures import amount, places, price
from lpdesk.tui.look import Look, is_short, time_left
from lpdesk.tui.widgets.lines import Ink, Line, Span
from lpdesk.views import Card, TradeRow, leaderboard, words

STALE_S: Final = 10
"""Seconds of silence after which a streamed market is called stale."""


def desk_state(look: Look) -> tuple[str, Ink]:
    """One word for the whole desk, and how loud it is."""
    status = look.view.status
    if look.starting:
        return "STARTING", Ink.DIM
    if status.halted:
        return "HALTED", Ink.ALARM
    if not status.open:
        return "CLOSED", Ink.WARN
    if status.lps and not status.lps_up:
        return "NO LP", Ink.WARN
    return "ACTIVE", Ink.GOOD


def silence(look: Look) -> int:
    """Seconds without anything new, once that means that what is shown may be old; or 0.

    Only where a market is streamed, so that there is always something new.
    """
    passed = (look.now - look.view.at) // SECOND
    status = look.view.status
    return int(passed) if passed >= STALE_S and status.markets and status.open else 0


def no_request(look: Look) -> list[Line]:
    """The empty RFQ pane: why it is empty, and how to fill it."""
    status = look.view.status
    if look.starting:
        reading = ("the journal is being read", status.why)
        return [(Span("starting", Ink.TITLE),), *((Span(line, Ink.DIM),) for line in reading)]
    if look.replay:
        return [(Span("no request yet", Ink.TITLE),), _hint("} goes to the first marker")]
    if not look.can_command:
        return [(Span("no request yet", Ink.TITLE),), _hint("this screen only looks")]
    if status.halted:
        return [(Span("halted", Ink.BAD), Span(f"  {status.why}", Ink.DIM)), _hint("type: resume")]
    if not status.lps:
        return [(Span("no LPs", Ink.WARN),), _hint("add [[lps]] to the configuration")]
    if not status.open:
        return [(Span("the desk is closed", Ink.WARN),), _hint("leave with ^Q and start it again")]
    if not status.lps_up:
        again = _hint("each is tried again by itself; F6 says when")
        return [(Span("no LP is in use", Ink.WARN),), again]
    lead = (Span("no request yet", Ink.TITLE),)
    streams = any(lp.capabilities and lp.capabilities.streams for lp in look.view.settings.lps)
    waiting = streams and not status.markets
    note = _hint("connecting to the LPs") if waiting else ()
    return [lead, (Span("type  ", Ink.DIM), Span(EXAMPLE), Span("  and Enter", Ink.DIM)), note]


def _hint(text: str) -> Line:
    return (Span(text, Ink.DIM),)


def what_next(look: Look, card: Card, trade: TradeRow | None) -> Line:
    """The sentence under the price."""
    if card.end is not None:
        return _ended(look, card, trade)
    status = look.view.status
    if status.halted:
        return (Span("halted", Ink.BAD), Span(": nothing goes out; type resume", Ink.DIM))
    if look.dealing:
        return (Span("dealing …", Ink.TITLE),)
    if card.quote is None:
        return _waiting(card)
    if not time_left(card, look.now):
        return (Span("expired", Ink.WARN), Span(": waiting for a fresh price", Ink.DIM))
    if card.api:
        return _given_out(card)
    if not look.can_command or look.replay:
        return _hint(f"lock: {card.quote.lp}")
    return _dealable(look, card, card.quote)


def _given_out(card: Card) -> Line:
    """A firm price is not the dealer's to deal on."""
    if card.fixed_until is None:
        return _hint(f"firm for {card.client} soon, over the API")
    return (Span("firm", Ink.TITLE), Span(f": {card.client} may deal, over the API", Ink.DIM))


def _dealable(look: Look, card: Card, quote: ev.QuoteLocked) -> Line:
    market = next((m for m in look.view.status.markets if m.symbol == card.symbol), None)
    if market is not None and market.crossed:
        return (Span("market crossed", Ink.WARN), Span(": p! deals nevertheless", Ink.DIM))
    if is_short(card, look.now):
        return (Span("only just", Ink.WARN), Span(f": {quote.lp} may be too slow", Ink.DIM))
    dealt = amount(card.amount, look.pair, card.dealt)
    at = price(quote.client_price, look.pair)
    return (Span("F9 deals ", Ink.DIM), Span(f"{dealt} at {at}"))


def _waiting(card: Card) -> Line:
    asked = [row for row in card.rows if row.asks]
    answered = [row for row in asked if row.state != "asked"]
    if card.text:
        return (Span(card.text, Ink.WARN), Span("  waiting for a price", Ink.DIM))
    if not asked:
        return _hint("asking the LPs")
    if len(asked) == 1:
        return _hint(f"asking {asked[0].lp}")
    return _hint(f"asking {len(asked)} LPs, {len(answered)} answered")


def _ended(look: Look, card: Card, trade: TradeRow | None) -> Line:
    may_ask = look.can_command and not look.replay and not look.view.status.halted
    again = "  ↑ Enter asks again" if may_ask else ""
    if card.end is ev.RfqEnd.ACCEPTED:
        return _traded(look, card, trade)
    if card.end is ev.RfqEnd.CANCELLED:
        why = f": {card.text or card.reason}" if card.text or card.reason else ""
        return (Span("cancelled", Ink.TITLE), Span(f"{why}{again}", Ink.DIM))
    at = words.time_of_day(card.end_at or 0)
    if card.end is ev.RfqEnd.EXPIRED:
        return (Span("expired", Ink.WARN), Span(f" {at}{again}", Ink.DIM))
    why = leaderboard.why_none(card.rows)
    if look.view.status.lps and not look.view.status.lps_up:
        why = "no LP is in use; F6 says when"
    return (Span("no liquidity", Ink.WARN), Span(f": {why}", Ink.DIM))


def _traded(look: Look, card: Card, trade: TradeRow | None) -> Line:
    if trade is None:
        return (Span(f"{card.trade_id} accepted", Ink.GOOD),)
    name = Span(f"{trade.trade_id} ")
    if trade.state == "failed":
        return (name, Span("failed", Ink.BAD), Span(f", nothing moved: {trade.text}", Ink.DIM))
    refused = [leg.lp for leg in trade.legs if leg.state == "rejected"]
    before = Span(f", {' and '.join(dict.fromkeys(refused))} rejected" if refused else "", Ink.WARN)
    if trade.state == "settled":
        return (name, Span(f"settled {pnl(look, trade)} at {trade.lp}", Ink.GOOD), before)
    if trade.state == "UNKNOWN":
        return (name, Span("UNKNOWN !", Ink.BAD), Span(f" asking {trade.lp}", Ink.DIM), before)
    return (name, Span(f"{trade.state} with {trade.lp}", Ink.DIM), before)


def pnl(look: Look, trade: TradeRow) -> str:
    """A trade's profit with its asset, `+74.93 USDT`."""
    pair = look.view.settings.pair(trade.symbol)
    if trade.pnl is None or pair is None:
        return ""
    return f"{words.signed(trade.pnl, places(trade.pnl_asset, pair))} {trade.pnl_asset}"
