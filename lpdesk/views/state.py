"""The whole screen state, frozen."""

from __future__ import annotations

from msgspec import Struct

from lpdesk.domain.settings import Settings
from lpdesk.domain.values import Instant
from lpdesk.views import settlements
from lpdesk.views.accounts import Accounts
from lpdesk.views.blotter import TradeRow
from lpdesk.views.breaks import Breaks
from lpdesk.views.ladder import MakerView
from lpdesk.views.quotes import Card
from lpdesk.views.scores import Scorecard
from lpdesk.views.settlements import Need, SettlementRow
from lpdesk.views.status import Notice, Status
from lpdesk.views.webhooks import HookRow


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
    scorecards: tuple[Scorecard, ...] = ()
    webhooks: tuple[HookRow, ...] = ()
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

    def scorecard(self, lp: str) -> Scorecard:
        """An LP's scorecard; an empty one before its first request."""
        return next((card for card in self.scorecards if card.lp == lp), Scorecard(lp))

    def forecast(self) -> tuple[Need, ...]:
        """What the trades that wait will need, by time; worked out when asked."""
        return settlements.forecast(self.trades, self.settlements, self.accounts, self.settings)

    def attempt_needs(self, settlement_id: str) -> tuple[Need, ...]:
        """What an attempt at a settlement would need as things are; nothing for an unknown one."""
        row = self.settlement(settlement_id)
        if row is None:
            return ()
        return settlements.attempt_needs(row, self.trades, self.accounts, self.at)
