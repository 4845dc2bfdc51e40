"""The client's quote as a line of chat, and the file it is kept in when a clipboard fails."""

from __future__ import annotations

import os
from pathlib import Path

from lpdesk.domain.text import clean
from lpdesk.domain.values import SECOND
from lpdesk.tui.figures import amount, asset_amount, price
from lpdesk.tui.look import Look, time_left

FILE = "copied.txt"


def chat_line(look: Look) -> str:
    """What the client is told; the seconds are what is left now, never more than the cover's.

    Empty without a price that can be dealt.
    """
    card, pair = look.card, look.pair
    left = time_left(card, look.now) // SECOND if card else 0
    if card is None or card.quote is None or pair is None or not left:
        return ""
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
    return clean(line, 200)


def keep(text: str, folder: Path, name: str = FILE) -> Path:
    """Write it where only the dealer reads it, through no link. Raises OSError."""
    path = folder / name
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path
