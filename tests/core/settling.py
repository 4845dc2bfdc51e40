"""Stories of delayed settlement: two trade desks, one that acme settles with on the next day."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from lpdesk.clock import VirtualClock
from lpdesk.config.calendars import settlement_calendar
from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.instants import timestamp
from lpdesk.domain.settings import Client, Settings, TradeDesk, TradeSettlementPair
from lpdesk.domain.values import Dealt, Instant, Side
from lpdesk.views.settlements import SettlementRow
from tests.core.story import BTC, ETH, Story

D = Decimal
START = VirtualClock().now()
"""Monday 2026-01-19, 14:30 UTC."""

ALPHA = "alpha 100000 100ms"
AGREED = TradeSettlementPair(
    id="acme-otc",
    organization="acme",
    trade_desk="otc",
    settlement_delay_minutes=5,
    settlement_retry_delay_minutes=60,
    rejection_delay_minutes=600,
    settlement_account="settlement:acme",
)


def organization(usdt: str = "0", btc: str = "0", own: str = "0", **more: Any) -> Client:
    """Acme: what its end user has, and in USDT its settlement account."""
    return Client(
        name="acme",
        balances={"USDT": D(usdt), "BTC": D(btc)},
        delayed_settlement=True,
        settlement_balances={"USDT": D(own)},
        **more,
    )


def settling(acme: Client | None = None, now: Instant = START, **policy: Any) -> Settings:
    """A desk where acme may settle later with `otc`, and noether may not."""
    agreed = replace(AGREED, **policy)
    calendar = agreed.calendar, agreed.time_zone, agreed.auto_settlement_time
    return Settings(
        pairs=(BTC, ETH),
        clients=(acme or organization("1000000"), Client(name="noether")),
        default_client="acme",
        trade_desks=(TradeDesk(name="otc"), TradeDesk(name="vault", lps=("alpha",))),
        trade_settlement_pairs=(
            agreed,
            replace(agreed, id="gauss-otc", organization="gauss"),
        ),
        calendars=(settlement_calendar(*calendar, now),),
    )


def asked(**changes: Any) -> cmd.RequestQuote:
    """A delayed request as the API makes it: everything is said."""
    request = cmd.RequestQuote(
        symbol="BTC/USDT",
        side=Side.BUY,
        dealt=Dealt.BASE,
        amount=D(1),
        desk="otc",
        skip_retry=True,
        delayed=True,
    )
    return replace(request, **changes)


class Settling(Story):
    """A story that deals now and settles later."""

    def deals(self, *lines: str) -> None:
        """Each line is asked, priced and accepted."""
        for line in lines:
            assert self.types(line) == ""
            self.later("1s")
            assert self.types("p") == ""
            self.later("1s")

    def settlements(self) -> list[str]:
        """`S-000001 settled T-000001 T-000002`, oldest first."""
        return [
            f"{row.settlement_id} {row.state} {' '.join(row.terms.trades)}"
            for row in reversed(self.see().settlements)
        ]

    @property
    def newest(self) -> SettlementRow:
        return self.see().settlements[0]

    def states(self) -> str:
        """Of all trades, oldest first."""
        return " ".join(row.state for row in reversed(self.see().trades))

    def when(self, *kinds: type) -> list[str]:
        """When such events were, to the minute."""
        return [
            timestamp(record.at)[:16]
            for record in self.simulation.records
            for event in record.events
            if isinstance(event, kinds)
        ]

    def booked(self, account: str) -> dict[str, Decimal]:
        """What is in an account, without the empty ones."""
        balances = self.simulation.desk.state.ledger.balances
        return {asset: sum_ for (name, asset), sum_ in balances.items() if name == account and sum_}

    def short(self) -> list[str]:
        """What the attempts missed: `settlement:acme 50 USDT`."""
        return [
            f"{each.account} {each.missing.normalize():f} {each.asset}"
            for failed in self.events(ev.SettlementFailed)
            for each in failed.shortfalls
        ]
