"""What a settlement's parties are told, byte for byte, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.entry import BadEntry, parse_order
from lpdesk.domain.settings import Webhook
from tests.core.settling import ALPHA, Settling, organization, settling

HOOKS = (
    Webhook(name="acme-hook", organization="acme"),
    Webhook(name="otc-hook", desk="otc"),
    Webhook(name="otc-ends", desk="otc", events=("settle", "reject")),
    Webhook(name="noether-hook", organization="noether"),
    Webhook(name="vault-hook", desk="vault"),
)
BUY = "b 1 btc/usdt t+1"


def story(
    usdt: str = "1000000", hooks: tuple[Webhook, ...] = HOOKS, own: str = "0", **rules: Any
) -> Settling:
    settings = replace(settling(organization(usdt, own=own)), webhooks=hooks)
    desk = Settling(ALPHA, settings, **rules)
    desk.deals(BUY)
    return desk


def told(desk: Settling) -> list[tuple[str, list[str]]]:
    """Kinds and endpoints, in order."""
    return [
        (queued.kind, [target.endpoint for target in queued.targets])
        for queued in desk.events(ev.WebhookQueued)
    ]


def body(desk: Settling, number: int = -1) -> dict[str, Any]:
    return json.loads(desk.events(ev.WebhookQueued)[number].payload)


def test_both_parties_hear_of_their_settlement_and_nobody_else() -> None:
    desk = story()
    desk.later("2d")
    assert told(desk) == [
        ("create", ["acme-hook", "otc-hook"]),
        ("settle", ["acme-hook", "otc-hook", "otc-ends"]),
    ]
    created, settled = desk.events(ev.WebhookQueued)
    assert (created.event_id, settled.event_id) == ("msg_i1_000001", "msg_i1_000002")
    assert body(desk, 0) == {
        "type": "trade_settlement.create",
        "timestamp": "2026-01-20T16:00:00.000000000Z",
        "data": {
            "id": "S-000001",
            "status": "pending",
            "trade_settlement_pair_id": "acme-otc",
            "organization_id": "acme",
            "trade_desk_id": "otc",
            "broker_account_id": body(desk, 1)["data"]["broker_account_id"],
            "automatically_created": True,
            "asset_exposures": {"BTC": "1"},
            "cash_exposures": {"USDT": "100050.00"},
            "created_at": "2026-01-20T16:00:00.000000000Z",
            "settled_at": None,
            "failed_at": None,
            "rejected_at": None,
            "trades": ["T-000001"],
            "trade_count": 1,
            "sequence": 1,
        },
    }
    assert body(desk, 1)["data"]["settled_at"] == "2026-01-20T16:05:00.000000000Z"
    assert body(desk, 1)["data"]["integrator_settled"] is False


def test_what_was_missing_is_told_and_the_end_too() -> None:
    desk = story("1000", own="50000")
    desk.later("2d")
    kinds = [kind for kind, _ in told(desk)]
    assert kinds[0] == "create" and kinds[-1] == "reject" and set(kinds[1:-1]) == {"failed"}
    failed = body(desk, 1)["data"]
    assert failed["status"] == "settlement_failed" and failed["attempt"] == 1
    assert failed["failed_at"] == "2026-01-20T16:05:00.000000000Z"
    assert failed["next_attempt_at"] == "2026-01-20T17:05:00.000000000Z"
    short = failed["shortfalls"][-1]
    assert short["account"] == "settlement:acme" and short["missing"] == "50050.00"
    assert body(desk)["data"]["rejected_at"] == "2026-01-21T02:00:00.000000000Z"


def test_the_end_still_tells_when_it_last_failed() -> None:
    """As the settlement itself does, over the API."""
    desk = story("1000", edition=2)
    desk.later("26h")
    failed = body(desk)["data"]
    desk.types("deposit 200000 usdt @acme", f"settle {failed['id']}")
    settled = body(desk)["data"]
    assert (failed["status"], settled["status"]) == ("settlement_failed", "settled")
    assert settled["failed_at"] == failed["failed_at"] != settled["settled_at"]
    assert body(desk, 0)["data"]["failed_at"] is None
    given_up = story("1000", edition=2)
    given_up.later("2d")
    last, rejected = body(given_up, -2)["data"], body(given_up)["data"]
    assert rejected["status"] == "rejected" and rejected["failed_at"] == last["failed_at"]


def test_the_outbox_is_in_the_record_of_the_change() -> None:
    desk = story()
    desk.later("2d")
    for record in desk.simulation.records:
        kinds = [type(event) for event in record.events]
        settlings = sum(issubclass(kind, ev.Settling) for kind in kinds)
        assert kinds.count(ev.WebhookQueued) == settlings


def test_without_an_endpoint_nothing_is_queued() -> None:
    desk = story(hooks=HOOKS[3:])
    desk.later("2d")
    assert told(desk) == []


def test_ids_are_new_after_a_restart() -> None:
    desk = story()
    desk.later("26h")
    desk.restarts()
    desk.later("1d")
    ids = [queued.event_id for queued in desk.events(ev.WebhookQueued)]
    assert len(set(ids)) == len(ids) == 2


# ---- what comes back


def failed(desk: Settling, endpoint: str = "acme-hook", **more: Any) -> rep.WebhookFailed:
    event_id = desk.events(ev.WebhookQueued)[0].event_id
    fields = {"attempt": 1, "status": 500, "text": "status 500"} | more
    return rep.WebhookFailed(event_id=event_id, endpoint=endpoint, **fields)


def delivered(desk: Settling, endpoint: str = "acme-hook") -> rep.WebhookDelivered:
    event_id = desk.events(ev.WebhookQueued)[0].event_id
    return rep.WebhookDelivered(event_id=event_id, endpoint=endpoint, attempt=2, status=204)


def rows(desk: Settling) -> dict[str, tuple[str, int]]:
    return {row.endpoint: (row.state, row.attempts) for row in desk.see().webhooks}


def owing() -> Settling:
    """Created, and not yet tried."""
    desk = story()
    desk.later("25h")
    desk.later("31min")
    return desk


def test_a_delivery_ends_once_and_what_comes_later_is_no_news() -> None:
    desk = owing()
    desk.does(failed(desk, next_at=desk.simulation.clock.now()))
    assert rows(desk)["acme-hook"] == ("queued", 1)
    desk.does(delivered(desk))
    assert rows(desk)["acme-hook"] == ("delivered", 2)
    for late in (delivered(desk), failed(desk), replace(delivered(desk), event_id="msg_x")):
        desk.does(late)
    assert len(desk.events(ev.WebhookTried)) == 2
    assert rows(desk)["otc-hook"] == ("queued", 0)  # the other party's is another delivery


def test_the_last_try_leaves_a_dead_letter_that_a_person_sends_again() -> None:
    desk = owing()
    event_id = desk.events(ev.WebhookQueued)[0].event_id
    desk.does(failed(desk, attempt=10))
    assert rows(desk)["acme-hook"] == ("dead", 10)
    assert "given up" in desk.see().notices[0].text
    assert desk.types(f"webhook resend {event_id}") == ""
    assert [each.endpoint for each in desk.events(ev.WebhookResent)] == ["acme-hook"]
    assert "being sent already" in desk.types(f"webhook resend {event_id}")
    assert rows(desk)["acme-hook"] == ("queued", 0)
    assert "not known" in desk.types("webhook resend msg_none")


def test_gone_disables_and_keeps_what_is_owed() -> None:
    desk = owing()
    now = desk.simulation.clock.now()
    desk.does(failed(desk, status=410, text="status 410", gone=True, next_at=now))
    desk.does(failed(desk, "otc-hook", status=410, text="status 410", gone=True, next_at=now))
    assert [each.endpoint for each in desk.events(ev.EndpointDisabled)] == [
        "acme-hook", "otc-hook",
    ]  # fmt: skip
    assert rows(desk)["acme-hook"][0] == "queued"
    desk.restarts()
    assert desk.types("webhook enable acme-hook") == ""
    assert "not disabled" in desk.types("webhook enable acme-hook")


@pytest.mark.parametrize("line", ["webhook", "webhook resend", "webhook drop x", "webhook enable"])
def test_lines_that_mean_nothing(line: str) -> None:
    with pytest.raises(BadEntry):
        parse_order(line, ())


def test_a_body_stays_small() -> None:
    desk = story(hooks=HOOKS[:1])
    desk.later("2d")
    event = desk.events(ev.SettlementCreated)[0]
    many = replace(event, trades=tuple(f"T-{number:06d}" for number in range(5_000)))
    (queued,) = desk.simulation.desk.webhooks.queued([many], desk.simulation.clock.now())
    assert isinstance(queued, ev.WebhookQueued) and len(queued.payload) < 20_000
    assert json.loads(queued.payload)["data"]["trade_count"] == 5_000
