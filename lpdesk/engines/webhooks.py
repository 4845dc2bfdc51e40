"""The outbox: which webhooks are owed to whom, with bodies fixed when the change happened.

Sending, signing and the times between tries are outside; what came of a try comes back as a report.
"""

from __future__ import annotations

from decimal import Decimal

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.events import Outcome
from lpdesk.domain.instants import timestamp
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Event
from lpdesk.domain.values import Instant
from lpdesk.domain.wire import dump, plain
from lpdesk.engines.lifecycle import DELIVERY, DeliveryMove, DeliveryState
from lpdesk.engines.quoting import refused
from lpdesk.engines.state import State

Events = list[Event]
Settling = ev.SettlementCreated | ev.SettlementSettled | ev.SettlementFailed | ev.SettlementRejected

KINDS: dict[type[Event], tuple[str, str]] = {
    ev.SettlementCreated: ("create", "pending"),
    ev.SettlementSettled: ("settle", "settled"),
    ev.SettlementFailed: ("failed", "settlement_failed"),
    ev.SettlementRejected: ("reject", "rejected"),
}
"""What a settlement's event is called outside, and the settlement's status after it."""

MAX_TRADES = 500
"""Trades named in one body, which must stay under 20 kB; `trade_count` says how many there are."""


class Webhooks:
    """All deliveries of a desk and how they stand."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.disabled: dict[str, bool] = {}
        self._deliveries: dict[tuple[str, str], DeliveryState] = {}
        self._failed_at: dict[str, Instant] = {}  # of settlements that have not ended
        self._count = 0

    def queued(self, events: Events, at: Instant) -> Events:
        """What `events` owe to the endpoints of both parties."""
        return [
            queued
            for event in events
            if type(event) in KINDS and isinstance(event, Settling)
            for queued in self._owed(event, at)
        ]

    def _owed(self, event: Settling, at: Instant) -> Events:
        kind, status = KINDS[type(event)]
        failed_at = self._last_failed(event)
        parties = (event.organization, event.desk)
        targets = tuple(
            ev.Target(hook.name)
            for hook in self.state.settings.webhooks
            if kind in hook.events and (hook.organization, hook.desk) in _owners(*parties)
        )
        if not targets:
            return []
        self._count += 1
        event_id = f"msg_{self.state.instance}_{self._count:06d}"
        for target in targets:
            self._deliveries[event_id, target.endpoint] = DeliveryState.QUEUED
        data = {"id": event.settlement_id, "status": status} | _attributes(event, failed_at)
        body = {
            "type": f"trade_settlement.{kind}",
            "timestamp": timestamp(at),
            "data": data | {"sequence": self._count},
        }
        return [
            ev.WebhookQueued(
                event_id=event_id,
                number=self._count,
                kind=kind,
                settlement_id=event.settlement_id,
                payload=dump(body).decode("ascii"),
                targets=targets,
            )
        ]

    def _last_failed(self, event: Settling) -> Instant | None:
        """When an attempt last failed, this one included."""
        if isinstance(event, ev.SettlementFailed):
            self._failed_at[event.settlement_id] = event.failed_at
            return event.failed_at
        last = self._failed_at.pop(event.settlement_id, None)
        return last if self.state.settings.rules.edition > 1 else None

    # ---- what came of it

    def delivered(self, cause: rep.WebhookDelivered) -> Events:
        if not self._moves(cause.event_id, cause.endpoint, DeliveryMove.DELIVER):
            return []
        return [
            ev.WebhookTried(
                event_id=cause.event_id,
                endpoint=cause.endpoint,
                attempt=cause.attempt,
                outcome=Outcome.DELIVERED,
                status=cause.status,
            )
        ]

    def failed(self, cause: rep.WebhookFailed) -> Events:
        dead = cause.next_at is None and not cause.gone
        move = DeliveryMove.GIVE_UP if dead else DeliveryMove.FAIL
        if not self._moves(cause.event_id, cause.endpoint, move):
            return []
        tried = ev.WebhookTried(
            event_id=cause.event_id,
            endpoint=cause.endpoint,
            attempt=cause.attempt,
            outcome=Outcome.DEAD if dead else Outcome.QUEUED,
            status=cause.status,
            text=cause.text,
            next_at=cause.next_at,
        )
        if not cause.gone or self.disabled.get(cause.endpoint):
            return [tried]
        self.disabled[cause.endpoint] = True
        return [tried, ev.EndpointDisabled(endpoint=cause.endpoint, text=cause.text)]

    def _moves(self, event_id: str, endpoint: str, move: DeliveryMove) -> bool:
        """Whether this is news. A try that a restart overtook may be reported late or twice."""
        state = self._deliveries.get((event_id, endpoint))
        if state is None or not DELIVERY.allows(state, move):
            return False
        self._deliveries[event_id, endpoint] = DELIVERY.after(state, move)
        return True

    # ---- people

    def resend(self, cause: cmd.ResendWebhook) -> Events:
        """One endpoint's, or every endpoint's that has not got it."""
        mine = [
            (endpoint, state)
            for (event_id, endpoint), state in self._deliveries.items()
            if event_id == cause.event_id and cause.endpoint in ("", endpoint)
        ]
        if not mine:
            return [refused(Reason.NOT_FOUND, "webhook", f"{cause.event_id} is not known")]
        if not cause.endpoint:
            mine = [each for each in mine if each[1] is DeliveryState.DEAD] or mine
        again = [end for end, state in mine if DELIVERY.allows(state, DeliveryMove.RESEND)]
        if not again:
            text = f"{cause.event_id} is being sent already"
            return [refused(Reason.ALREADY_DONE, "webhook", text)]
        for endpoint in again:
            self._moves(cause.event_id, endpoint, DeliveryMove.RESEND)
        return [ev.WebhookResent(event_id=cause.event_id, endpoint=endpoint) for endpoint in again]

    def enable(self, cause: cmd.EnableEndpoint) -> Events:
        if not self.disabled.get(cause.endpoint):
            text = f"{cause.endpoint} is not disabled"
            return [refused(Reason.ALREADY_DONE, "endpoint", text)]
        self.disabled[cause.endpoint] = False
        return [ev.EndpointEnabled(endpoint=cause.endpoint)]


def _owners(organization: str, desk: str) -> tuple[tuple[str, str], ...]:
    """A hook is an organization's or a trade desk's, and hears of its own settlements only."""
    return ((organization, ""), ("", desk))


def _attributes(event: Settling, failed_at: Instant | None) -> dict[str, object]:
    """The settlement as its webhook tells it: money as text, times in ISO 8601 or null."""
    told: dict[str, object] = {
        "trade_settlement_pair_id": event.pair_id,
        "organization_id": event.organization,
        "trade_desk_id": event.desk,
        "broker_account_id": event.broker_account,
        "automatically_created": event.automatic,
        "asset_exposures": _amounts(event.asset_exposures),
        "cash_exposures": _amounts(event.cash_exposures),
        "created_at": timestamp(event.created_at),
        "settled_at": None,
        "failed_at": None if failed_at is None else timestamp(failed_at),
        "rejected_at": None,
        "trades": list(event.trades[:MAX_TRADES]),
        "trade_count": len(event.trades),
    }
    match event:
        case ev.SettlementSettled():
            told |= {
                "settled_at": timestamp(event.settled_at),
                "attempt": event.attempt,
                "integrator_settled": event.integrator_settled,
                "integrator_trades": list(event.integrator_trades[:MAX_TRADES]),
            }
        case ev.SettlementFailed():
            told |= {
                "attempt": event.attempt,
                "next_attempt_at": timestamp(event.attempt_at),
                "shortfalls": [_shortfall(each) for each in event.shortfalls],
            }
        case ev.SettlementRejected():
            told |= {"rejected_at": timestamp(event.rejected_at), "attempt": event.attempt}
    return told


def _amounts(amounts: dict[str, Decimal]) -> dict[str, str]:
    return {asset: plain(amount) for asset, amount in amounts.items()}


def _shortfall(short: ev.Shortfall) -> dict[str, str]:
    return {
        "account": short.account,
        "asset": short.asset,
        "balance": plain(short.balance),
        "available": plain(short.available),
        "missing": plain(short.missing),
    }
