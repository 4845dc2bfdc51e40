"""What the engines of one desk share: settings, money, market, the LPs' state, and names."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from lpdesk.domain.events import Posting, Transferred
from lpdesk.domain.settings import Settings
from lpdesk.engines.health import Health
from lpdesk.engines.ledger import (
    DESK,
    WORLD,
    Ledger,
    client_account,
    liquidity_account,
    movement,
    settlement_account,
)
from lpdesk.engines.market import Market
from lpdesk.engines.pools.curves import Curve
from lpdesk.engines.quality import Quality
from lpdesk.engines.rolling import Rolling
from lpdesk.engines.scorecard import Scorecards


class State:
    """One desk's shared state. `reset` starts it anew for a process; money and names go on."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.instance = ""
        self.halted = False
        self.ledger = Ledger()
        self.in_flight: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.quality = Quality()
        self.curves: dict[str, Curve] = {}
        self.scorecards = Scorecards()
        self.rolling = Rolling()
        self.market = Market(self.settings.rules)
        self.health = Health((), self.settings.rules)
        self._counts: dict[str, int] = {}

    def reset(self, instance: str, settings: Settings) -> None:
        """Take new settings. An LP that waits for a person, or owes an answer, still does."""
        blocked, unknown = self.health.blocked(), self.health.unknown
        self.settings, self.instance = settings, instance
        self.curves.clear()
        self.market = Market(settings.rules)
        self.health = Health(settings.lps, settings.rules)
        self.health.unknown = unknown
        for lp in blocked:
            self.health.block(lp, "still waits for a person")

    def name(self, letter: str) -> str:
        """Ids count: R-000041. They are not drawn."""
        self._counts[letter] = self._counts.get(letter, 0) + 1
        return f"{letter}-{self._counts[letter]:06d}"

    def transfer(self, trade_id: str, postings: tuple[Posting, ...]) -> Transferred:
        self.ledger.post(postings)
        return Transferred(transfer_id=self.name("X"), trade_id=trade_id, postings=postings)

    def open_accounts(self) -> list[Transferred]:
        """Opening balances, from the outside world, for accounts that have never had any."""
        opening = {DESK: self.settings.desk_balances}
        for client in self.settings.clients:
            opening[client_account(client.name)] = client.balances
            opening[settlement_account(client.name)] = client.settlement_balances
        opening |= {liquidity_account(d.name): d.balances for d in self.settings.trade_desks}
        postings: tuple[Posting, ...] = ()
        for account, balances in opening.items():
            for asset, amount in balances.items():
                if (account, asset) not in self.ledger.balances:
                    postings += movement(asset, amount, WORLD, account)
        return [self.transfer("", postings)] if postings else []
