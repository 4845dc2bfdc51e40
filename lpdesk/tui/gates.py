"""The gates before a large or odd deal: it must be confirmed by a word, knowing what it is."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from lpdesk.domain import events as ev
from lpdesk.domain.values import SECOND, ZERO, Instant
from lpdesk.tui.figures import amount, legs, price
from lpdesk.tui.look import Look
from lpdesk.views import Card, words

BPS = Decimal(10_000)


class Gates(NamedTuple):
    """Limits above which F9 asks back: in the quote asset, and in bps from the market's middle.

    0 is no limit.
    """

    above: Decimal = ZERO
    deviation_bps: Decimal = ZERO

    def reasons(self, look: Look, card: Card, quote: ev.QuoteLocked) -> list[str]:
        """Why this deal must be confirmed; nothing when it need not be."""
        pair = look.view.settings.pair(card.symbol)
        asset = pair.quote if pair else ""
        size = quote.pays if quote.pays_asset == asset else quote.receives
        said = []
        if self.above and size > self.above:
            said.append(f"more than {words.money(self.above, 0)} {asset}")
        if self.deviation_bps:
            market = next((m for m in look.view.status.markets if m.symbol == card.symbol), None)
            if market is None or not market.mid:
                said.append("no market to compare with")
            elif (away := abs(quote.client_price / market.mid - 1) * BPS) > self.deviation_bps:
                said.append(f"{words.money(away, 1)} bp from the market")
        return said


NO_GATES = Gates()


class Question(NamedTuple):
    """What is asked back; `yes` deals on exactly this quote."""

    card: Card
    quote: ev.QuoteLocked
    locked_at: Instant
    reasons: tuple[str, ...]
    crossed_ok: bool = False

    def text(self, look: Look) -> str:
        """Side, size, price and the age of the quote, and why it is asked."""
        pair = look.view.settings.pair(self.card.symbol)
        what = f"{self.card.side} {amount(self.card.amount, pair, self.card.dealt)}"
        at = price(self.quote.client_price, pair)
        age = max(0, look.now - self.locked_at) // SECOND
        parts = f" ({', '.join(legs(self.quote, pair))})" if self.quote.legs else ""
        return f"{what} at {at}{parts}, quoted {age} s ago: {', '.join(self.reasons)}"
