"""Quotes over HTTP: asked for, looked at, executed, cancelled."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lpdesk.api.problems import Problem, of_refusal, refused
from lpdesk.api.reading import Row
from lpdesk.api.resources import QUOTES
from lpdesk.api.service import Answer, Ask, Service, do, first
from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.reasons import Reason
from lpdesk.domain.settings import Pair
from lpdesk.domain.values import Dealt, Side
from lpdesk.domain.wire import dump

ACCOUNT = "client:"


async def create(ask: Ask) -> Answer:
    """Ask the LPs, and give out the price that stands when enough have answered."""
    service, wanted = ask.service, ask.attributes
    if ("amount" in wanted) is ("unit-count" in wanted):
        place = "/data/attributes/amount" if "amount" in wanted else "/data/attributes"
        text = "Both or neither of amount and unit-count"
        raise Problem("amount_or_unit_count", f"{text}: give one of them", pointer=place)
    client = client_of(ask)
    pair = _pair(service, wanted)
    events = await ask.submit(_request(ask, client, pair))
    if refusal := refused(events):
        raise of_refusal(refusal.reason, refusal.text, ask.spelt)
    opened = first(events, ev.RfqOpened)
    assert opened is not None
    row = await _given(ask, opened.rfq_id)
    return _answer(row, 201)


def _request(ask: Ask, client: str, pair: Pair) -> cmd.RequestQuote:
    wanted = ask.attributes
    by_units = "unit-count" in wanted
    buys = wanted["transaction-type"] == "buy"
    amount: Decimal = wanted["unit-count"] if by_units else wanted["amount"]
    # The client's side is of the dealt asset: who buys for cash sells the cash.
    return cmd.RequestQuote(
        symbol=pair.symbol,
        side=Side.BUY if buys is by_units else Side.SELL,
        dealt=Dealt.BASE if by_units else Dealt.QUOTE,
        amount=amount,
        client=client,
        auto_refresh=False,
        firm_after_ns=ask.service.terms.quote_wait_ns,
        desk=wanted.get("trade-desk-id") or "",
        skip_retry=wanted.get("skip-retry", False),
        delayed=wanted.get("delayed-settlement", False),
        origin=ask.origin,
    )


def client_of(ask: Ask) -> str:
    """Whose account the request is for. Another organization's is not known here."""
    named = ask.attributes.get("account-id")
    client = (named or "").removeprefix(ACCOUNT) or ask.organization
    settings = ask.service.session.view.settings
    known = settings.client(client) is not None
    if not client and not ask.organization:
        raise Problem("invalid", "account-id is needed", pointer="/data/attributes")
    if not known or (ask.organization and client != ask.organization):
        place = "/data/attributes/account-id" if named else ""
        raise Problem("not_found", "there is no such account", pointer=place)
    return client


def _pair(service: Service, wanted: dict[str, Any]) -> Pair:
    base = wanted["asset-id"].upper()
    cash = (wanted.get("cash-asset-id") or service.terms.cash_asset).upper()
    settings = service.session.view.settings
    pair = settings.pair(f"{base}/{cash}")
    if pair is None:
        others = [pair.quote for pair in settings.pairs if pair.base == base]
        text = f"dealt against {', '.join(others)}" if others else "not dealt here"
        field = "cash-asset-id" if others and "cash-asset-id" in wanted else "asset-id"
        raise Problem("invalid", f"asset is {text}", pointer=f"/data/attributes/{field}")
    return pair


async def _given(ask: Ask, rfq_id: str) -> Row:
    """The quote that was given out for a request. Raises `Problem` when there is none."""
    service = ask.service
    if ask.taken is None:
        await service.news.of(rfq_id, service.terms.patience_s)
    row = service.reader.find(QUOTES, "", "rfq_id", rfq_id)
    if row is not None:
        return row
    reason, text = await _why_not(service, rfq_id)
    raise of_refusal(reason, text, ask.spelt)


async def _why_not(service: Service, rfq_id: str) -> tuple[Reason, str]:
    """Why a request has no quote; one that is still open is ended."""
    await do(service, cmd.CancelRfq(rfq_id=rfq_id))
    sql = "SELECT reason, text FROM rfqs WHERE rfq_id = ?"
    [(reason, text)] = service.reader.rows(sql, rfq_id)
    return Reason(reason) if reason else Reason.NO_LIQUIDITY, text or ""


async def execute(ask: Ask) -> Answer:
    """Deal on a quote, and wait until its trade has come to an end or is known to be unknown."""
    service = ask.service
    row = _wanted(ask)
    rfq_id, quote_id = str(row["rfq"]), str(row["id"])
    accept = cmd.AcceptQuote(rfq_id=rfq_id, quote_id=quote_id, crossed_ok=True, origin=ask.origin)
    events = await ask.submit(accept)
    if refusal := refused(events):
        row = _wanted(ask)
        if row["status"] != "pending":
            raise _not_pending(row)
        raise of_refusal(refusal.reason, refusal.text)
    repeated = first(events, ev.AcceptRepeated)
    if repeated is not None:
        trade = {"quote-id": quote_id, "trade-id": repeated.trade_id}
        text = f"the quote was executed before, as {repeated.trade_id}"
        raise Problem("already_executed", text, meta=trade)
    opened = first(events, ev.TradeOpened)
    assert opened is not None
    if ask.taken is None:
        await service.news.of(opened.trade_id, service.terms.patience_s)
    row = _wanted(ask)
    if row["status"] == "failed":
        trade = {"quote-id": quote_id, "trade-id": opened.trade_id}
        text = f"Trade desk failure: {row['reason']}"
        raise Problem("trade_desk_failure", text, meta=trade)
    return _answer(row, 200)


def _not_pending(row: Row) -> Problem:
    """It was dealt on, or is over: by the client's own word, by time, or as its reason says."""
    status = f"{row['status']} ({row['reason']})" if row["reason"] else row["status"]
    return Problem("wrong_status", f"the quote is {status}, and must be pending")


async def cancel(ask: Ask) -> Answer:
    """Take a quote back that was not executed."""
    row = _wanted(ask)
    if row["status"] == "cancelled":
        return _answer(row, 200)
    if row["status"] != "pending":
        raise _not_pending(row)
    await ask.submit(cmd.CancelRfq(rfq_id=str(row["rfq"]), origin=ask.origin))
    row = _wanted(ask)
    if row["status"] != "cancelled":
        raise _not_pending(row)
    return _answer(row, 200)


async def show(ask: Ask) -> Answer:
    """One quote."""
    return _answer(_wanted(ask), 200)


def _wanted(ask: Ask) -> Row:
    """The quote that the path names. Raises `Problem` 404."""
    reader = ask.service.reader
    row = reader.find(QUOTES, ask.organization, "quote_id", ask.path["id"])
    if row is None:
        raise Problem("not_found", "there is no such quote")
    return row


def _answer(row: Row, status: int) -> Answer:
    shown = QUOTES.object(row)
    location = f"{QUOTES.path}/{row['id']}" if status == 201 else ""
    return Answer(status, dump({"data": shown}), location)
