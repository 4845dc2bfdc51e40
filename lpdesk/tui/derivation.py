"""`why`: where the client's price comes from, figure by figure, with the rule behind each."""

from __future__ import annotations

from lpdesk.domain import events as ev
from lpdesk.domain.settings import Pair, Rules
from lpdesk.domain.values import Dealt, Side
from lpdesk.tui.figures import amount, asset_amount, legs, places, price
from lpdesk.tui.look import Look
from lpdesk.views import Card, words


def derivation(look: Look) -> list[str]:
    """Of the RFQ in focus, a sentence each; empty while it has no price."""
    card, pair = look.card, look.pair
    if card is None or card.quote is None or pair is None:
        return []
    quote, rules = card.quote, look.view.settings.rules
    return [
        *_cover(quote, card, pair),
        _marked_up(quote, card, pair),
        _rounded(quote, card, pair),
        _good_for(quote, rules),
        _lock(quote, rules),
    ]


def _cover(quote: ev.QuoteLocked, card: Card, pair: Pair) -> list[str]:
    side = "sells" if card.base_side is Side.BUY else "buys"
    what = f"{words.amount(quote.quantity, pair.base_decimals)} {pair.base}"
    fee = f", {price(quote.all_in, pair)} with its fee" if quote.all_in != quote.lp_price else ""
    parts = [f"  {leg}" for leg in legs(quote, pair)]
    return [f"{quote.lp} {side} us {what} at {price(quote.lp_price, pair)}{fee}.", *parts]


def _marked_up(quote: ev.QuoteLocked, card: Card, pair: Pair) -> str:
    sign = "plus" if card.base_side is Side.BUY else "less"
    markup = f"{quote.markup_bps.normalize():f} bp"
    exact = f"{quote.client_price.normalize():,f}"
    return f"{price(quote.all_in, pair)} {sign} {markup} of markup is the client's {exact}."


def _rounded(quote: ev.QuoteLocked, card: Card, pair: Pair) -> str:
    dealt = pair.asset(card.dealt)
    gives = quote.pays_asset != dealt
    verb, other, asset = (
        ("pays", quote.pays, quote.pays_asset)
        if gives
        else ("receives", quote.receives, quote.receives_asset)
    )
    sign = "x" if card.dealt is Dealt.BASE else "/"
    sums = f"{amount(card.amount, pair, card.dealt)} {sign} that"
    way = f"rounded {'up' if gives else 'down'} to {places(asset, pair)} decimals"
    return f"The client {verb} {asset_amount(other, asset, pair)}: {sums}, {way}."


def _good_for(quote: ev.QuoteLocked, rules: Rules) -> str:
    whole = words.seconds(quote.dealable_until - quote.received_at)
    slow = quote.exec_ns > rules.validity_buffer_ns
    before = words.seconds(max(quote.exec_ns, rules.validity_buffer_ns))
    whose = f"what {quote.lp} needs to execute, 95 times in 100" if slow else "the desk's buffer"
    since = words.time_of_day(quote.received_at)
    return f"Good for {whole} from {since} on, at least {before} less than the LP's own: {whose}."


def _lock(quote: ev.QuoteLocked, rules: Rules) -> str:
    better = f" by {words.bps(quote.improvement_bps)}" if quote.improvement_bps else ""
    threshold = f"{rules.threshold_bps.normalize():f} bp"
    return f"Lock: {quote.cause}{better}; a rival takes it when better by {threshold}."
