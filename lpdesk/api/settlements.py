"""Settling later: trade settlements made by hand, tried by hand, and the pairs they go by."""

from __future__ import annotations

from collections.abc import Mapping

from lpdesk.api import others
from lpdesk.api.problems import Problem, of_refusal, refused
from lpdesk.api.resources import PAIRS, QUOTES, TRADE_SETTLEMENTS
from lpdesk.api.service import Answer, Ask, first
from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.reasons import Reason
from lpdesk.domain.wire import dump

Row = Mapping[str, object]


async def create(ask: Ask) -> Answer:
    """Gather quotes that are executed and not settled yet."""
    command = cmd.CreateSettlement(
        trades=ask.attributes["quote-ids"],
        pair_id=ask.path["id"],
        organization=ask.organization,
        origin=ask.origin,
    )
    events = await ask.submit(command)
    if refusal := refused(events):
        if refusal.reason is Reason.ALREADY_DONE:
            raise Problem("already_linked", refusal.text, pointer="/data/attributes/quote-ids")
        problem = of_refusal(refusal.reason, refusal.text)
        if problem.code == "no_trades" and _all_are_quotes(ask):
            problem = Problem("must_be_executed", "must be executed_pending_settlement")
        if refusal.field == "trades":
            problem.source = {"pointer": "/data/attributes/quote-ids"}
        raise problem
    created = first(events, ev.SettlementCreated)
    assert created is not None
    return _answer(ask, created.settlement_id, 201)


def _all_are_quotes(ask: Ask) -> bool:
    """Whether all that is named exists: then a quote that was not dealt on has the wrong status."""
    pair = ask.service.session.view.settings.settlement_pair(ask.path["id"])
    owner = pair.organization if pair else ask.organization
    names, find = ask.attributes["quote-ids"], ask.service.reader.find
    return all(find(QUOTES, owner, QUOTES.id, name) is not None for name in names)


async def settle(ask: Ask) -> Answer:
    """The next attempt, now. Its outcome is the answer's status attribute."""
    name = ask.path["id"]
    command = cmd.SettleNow(settlement_id=name, organization=ask.organization, origin=ask.origin)
    if refusal := refused(await ask.submit(command)):
        if refusal.reason is Reason.NOT_FOUND:
            raise Problem("not_found", "there is no such trade settlement")
        raise of_refusal(refusal.reason, refusal.text)
    return _answer(ask, name, 200)


def _answer(ask: Ask, name: str, status: int) -> Answer:
    row = ask.service.reader.find(TRADE_SETTLEMENTS, ask.organization, "settlement_id", name)
    assert row is not None
    location = f"{TRADE_SETTLEMENTS.path}/{name}" if status == 201 else ""
    return Answer(status, dump({"data": TRADE_SETTLEMENTS.object(row)}), location)


def pairs(ask: Ask) -> list[Row]:
    """The caller's agreements with trade desks."""
    return [
        {
            "id": pair.id,
            "organization-id": pair.organization,
            "trade-desk-id": pair.trade_desk,
            "settlement-delay-minutes": pair.settlement_delay_minutes,
            "settlement-retry-delay-minutes": pair.settlement_retry_delay_minutes,
            "rejection-delay-minutes": pair.rejection_delay_minutes,
            "auto-settlement-days": pair.auto_settlement_days,
            "auto-settlement-time": pair.auto_settlement_time,
            "time-zone": pair.time_zone,
            "calendar": pair.calendar,
            "settlement-account": pair.settlement_account or None,
        }
        for pair in ask.service.session.view.settings.trade_settlement_pairs
        if ask.organization in ("", pair.organization)
    ]


PAIR_LIST = others.configured(PAIRS, pairs)
PAIR = others.configured_one(PAIRS, pairs, "trade settlement pair")
