"""The client's quote as a line of chat, what that promises, and the file it is kept in as well."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from lpdesk.domain.text import clean
from lpdesk.domain.values import SECOND, Instant, Side, exact
from lpdesk.tui.figures import amount, asset_amount, price
from lpdesk.tui.look import Look, time_left
from lpdesk.tui.widgets.lines import Ink, Line, Span
from lpdesk.views import Card, words

FILE = "copied.txt"
SOON = 3 * SECOND
"""Time left from which tenths are shown."""

KEPT = 100
"""RFQs whose telling is remembered."""


class Told(NamedTuple):
    """What a client was told: a price, and until when it is good. `text` is how."""

    rfq_id: str
    price: Decimal
    until: Instant
    text: str


def tell(look: Look) -> Told | None:
    """What the client of the RFQ in focus is told now; None without a price that can be dealt.

    The client's time begins now, in whole seconds, and ends before the cover's.
    """
    card, pair = look.card, look.pair
    left = time_left(card, look.now) // SECOND if card else 0
    if card is None or card.quote is None or pair is None or not left:
        return None
    quote = card.quote
    sums = (
        f"you pay {asset_amount(quote.pays, quote.pays_asset, pair)}, "
        f"you receive {asset_amount(quote.receives, quote.receives_asset, pair)}"
    )
    line = (
        f"{card.client}: you {str(card.side).lower()} {amount(card.amount, pair, card.dealt)} "
        f"at {price(quote.client_price, pair)} {pair.quote}/{pair.base}, {sums}, "
        f"good for {left} s ({card.rfq_id})"
    )
    return Told(card.rfq_id, quote.client_price, look.now + left * SECOND, clean(line, 200))


@exact
def still_good(told: Told, card: Card, now: Instant) -> int:
    """Nanoseconds that what the client was told can still be dealt; never more than the cover has.

    0 when time is up, and when the price is gone or has become worse for the client.
    """
    if card.quote is None:
        return 0
    worse = card.quote.client_price - told.price
    if card.base_side is Side.SELL:
        worse = -worse
    return 0 if worse > 0 else max(0, min(told.until - now, time_left(card, now)))


def reminder(told: Told, look: Look, card: Card) -> Line:
    """What the card says of it: the client's own countdown, or that they must hear something."""
    pair = look.view.settings.pair(card.symbol)
    lead = (Span("client told ", Ink.DIM), Span(price(told.price, pair)))
    left = still_good(told, card, look.now)
    if not card.live:
        return ()
    if left:
        better = card.quote is not None and card.quote.client_price != told.price
        ink = Ink.WARN if left < SOON else ""
        seconds = Span(f"  {words.seconds(left, 1 if left < SOON else 0)}", ink)
        return (*lead, seconds, Span("  better now" if better else "", Ink.GOOD))
    if told.until <= look.now:
        return (*lead, Span("  time is up", Ink.DIM))
    return (*lead, Span("  not any more: tell them !", Ink.BAD))


def keep(text: str, folder: Path, name: str = FILE) -> Path:
    """Write it where only the dealer reads it, through no link. Raises OSError."""
    path = folder / name
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path
