"""The gates before a large or odd deal: it must be confirmed by a word, knowing what it is."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from lpdesk.domain import events as ev
from lpdesk.domain.commands import CreateSettlement, Deposit, SettleNow, Withdraw
from lpdesk.domain.money_entry import MoneyCommand
from lpdesk.domain.values import SECOND, ZERO, Instant
from lpdesk.tui.figures import amount, legs, price
from lpdesk.tui.look import Look
from lpdesk.views import Card, DeskView, words

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


class MoneyQuestion(NamedTuple):
    """What is asked back before money moves or a settlement is tried; `yes` sends the command."""

    command: MoneyCommand

    def text(self, look: Look) -> str:
        """The numbers that would move, and what of them is not there."""
        match self.command:
            case Deposit() | Withdraw():
                return self._cash(self.command, look.view)
            case SettleNow():
                return self._settle(self.command, look.view)
            case CreateSettlement():
                rows = [look.view.trade(name) for name in self.command.trades]
                sums = [f"{row.pays:,f} {row.pays_asset}" for row in rows if row is not None]
                return f"gather {', '.join(self.command.trades)}: pays {' + '.join(sums) or '?'}"

    def _cash(self, command: Deposit | Withdraw, view: DeskView) -> str:
        account = command.account or f"client:{view.settings.default_client}"
        there = view.accounts.available().get((account, command.asset), ZERO)
        word = "into" if isinstance(command, Deposit) else "out of"
        amount_ = f"{command.amount:,f} {command.asset}"
        return f"{amount_} {word} {account}, where {there:,f} is available"

    def _settle(self, command: SettleNow, view: DeskView) -> str:
        row = view.settlement(command.settlement_id)
        if row is None:
            return f"try {command.settlement_id} now"
        needs = [need for need in view.forecast() if {*need.trades} & {*row.terms.trades}]
        told = [f"{n.account} {n.needed:,f} {n.asset}" for n in needs]
        short = [f"{n.short:,f} {n.asset}" for n in needs if n.short]
        missing = f", short of {' + '.join(short)}" if short else ""
        return f"try {row.settlement_id} now: {', '.join(told)}{missing}"
