"""A day of settling later, with all that may go wrong: to look at, and to deal with by hand."""

from __future__ import annotations

from decimal import Decimal

from lpdesk.domain import commands as cmd
from lpdesk.domain import reports as rep
from lpdesk.domain.settings import Webhook
from tests.core.settling import organization, settling
from tests.tui.stories import StoryDesk, settings

HOOKS = (Webhook(name="acme-hook", organization="acme"), Webhook(name="otc-hook", desk="otc"))


def dealt(usdt: str = "0", own: str = "60000") -> StoryDesk:
    """Acme has dealt three trades for tomorrow, and noether one for now."""
    agreed = settling(organization(usdt, own=own))
    given = settings()
    desk = StoryDesk(
        config=settings(
            clients=(*agreed.clients[:1], *given.clients[1:]),
            trade_desks=agreed.trade_desks,
            trade_settlement_pairs=agreed.trade_settlement_pairs,
            calendars=agreed.calendars,
            webhooks=HOOKS,
        )
    ).start()
    for line in (
        "b 0.5 btc/usdt t+1",
        "b 0.1 btc/usdt t+1",
        "b 12 eth/usdt t+1",
        "b 2 eth/usdt @noether",
    ):
        rfq_id = desk.ask(line)
        desk.run(1.2)
        desk.accept(rfq_id)
        desk.run(3)
    return desk


def a_day() -> StoryDesk:
    """One settlement is paid by the settlement account, one fails; a webhook is dead, an LP knows
    a fill that we do not."""
    desk = dealt()
    desk.do(cmd.CreateSettlement(trades=("T-000001",)))
    desk.run(60)
    desk.do(cmd.SettleNow(settlement_id="S-000001"))
    for event_id, endpoint, status in (
        ("msg_abc_000001", "acme-hook", 200),
        ("msg_abc_000001", "otc-hook", 200),
        ("msg_abc_000002", "otc-hook", 204),
    ):
        done = rep.WebhookDelivered(event_id=event_id, endpoint=endpoint, attempt=1, status=status)
        desk.do(done)
    desk.do(cmd.CreateSettlement(trades=("T-000002", "T-000003")))
    for attempt in (1, 2):
        failed = rep.WebhookFailed(
            event_id="msg_abc_000003",
            endpoint="acme-hook",
            attempt=attempt,
            status=500,
            text="HTTP 500",
            next_at=desk.now() + 5 * 10**9 if attempt == 1 else None,
        )
        desk.run(1)
        desk.do(failed)
    desk.run(6 * 60)
    stray = rep.OrderFilled(
        lp="borel",
        order_id="abc-000077-1",
        execution_id="B-77",
        price=Decimal("99951.40"),
        quantity=Decimal("0.25"),
        fee=Decimal(0),
        fee_asset="",
    )
    desk.do(stray)
    return desk.run(400)
