"""Once: an Idempotency-Key gives the stored answer, and a quote is dealt on one time at most."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from lpdesk.api import server
from lpdesk.domain import events as ev
from lpdesk.journal.reader import read
from lpdesk.replay import verify
from lpdesk.sandbox import Mood
from tests.api.desks import Desk, Market, data, error, served


async def test_the_same_key_and_body_get_the_stored_answer(desk: Desk, market: Market) -> None:
    bot = desk["bot"]
    first = await bot.quote(unit_count="1", token="k-1")
    again = await bot.quote(unit_count="1", token="k-1")
    assert again.status_code == first.status_code == 201
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    other = error(await bot.quote(unit_count="2", token="k-1"), 422)
    assert other["code"] == "key_reused" and other["source"] == {"header": "Idempotency-Key"}
    quote_id = data(first, 201)["id"]
    dealt = await bot.act(quote_id, "execute", Idempotency_Key="k-2")
    assert data(dealt)["attributes"]["status"] == "settled"
    assert (await bot.act(quote_id, "execute", Idempotency_Key="k-2")).content == dealt.content
    assert error(await bot.act(quote_id, "cancel", Idempotency_Key="k-2"), 422) == other
    assert (await bot.quote(unit_count="1", token="k-1")).content == first.content
    assert len(desk.live.session.view.rfqs) == len(await market.fills()) == 1


async def test_refusals_are_stored_if_they_were_the_desks(desk: Desk, market: Market) -> None:
    bot = desk["bot"]
    market.venue.script(Mood.DARK)
    failed = await bot.quote(unit_count="1", token="k-1")
    assert error(failed, 400)["code"] == "trade_desk_failure"
    assert (await bot.quote(unit_count="1", token="k-1")).content == failed.content
    assert error(await bot.quote(unit_count="x", token="k-2"), 422)
    assert data(await bot.quote(unit_count="1", token="k-2"), 201)


async def test_two_callers_may_use_the_same_key(desk: Desk) -> None:
    mine = data(await desk["bot"].quote(unit_count="1", token="k-1"), 201)
    theirs = data(await desk["rival"].quote(unit_count="0.005", token="k-1"), 201)
    assert mine["id"] != theirs["id"]


async def test_a_request_under_way_is_a_conflict(desk: Desk, market: Market) -> None:
    market.venue.become(latency_ms=(200, 200, 200))
    answers = await asyncio.gather(
        *(desk["bot"].quote(unit_count="1", token="k") for _ in range(5))
    )
    assert Counter(each.status_code for each in answers) == {201: 1, 409: 4}
    assert len(desk.live.session.view.rfqs) == 1


async def test_a_bad_key_is_refused(desk: Desk) -> None:
    for token in ("no spaces", "x" * 129, "semi;colon"):
        body = {"data": {"type": "quotes"}}
        answer = await desk["bot"].call("POST", "/v2/quotes", body, Idempotency_Key=token)
        assert error(answer, 400)["source"] == {"header": "Idempotency-Key"}


async def test_answers_survive_a_restart(tmp_path: Path, market: Market) -> None:
    async with served(tmp_path, market) as desk:
        first = await desk["bot"].quote(unit_count="1", token="k-1")
        quote_id = data(first, 201)["id"]
        dealt = await desk["bot"].act(quote_id, "execute", Idempotency_Key="k-2")
    async with served(tmp_path, market) as desk:
        assert (await desk["bot"].quote(unit_count="1", token="k-1")).content == first.content
        again = await desk["bot"].act(quote_id, "execute", Idempotency_Key="k-2")
        assert again.content == dealt.content
        assert error(await desk["bot"].quote(unit_count="3", token="k-1"), 422)
        conflict = error(await desk["bot"].act(quote_id, "execute"), 409)
        assert conflict["meta"]["trade-id"] == "T-000001"
    assert len(await market.fills()) == 1
    assert verify(tmp_path / "desk.db").ok


async def test_an_answer_that_was_never_given_is_made_up_for(
    tmp_path: Path, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The desk ended between the effect and the answer: the repeat says what came of it."""
    monkeypatch.setattr(server, "GOODBYE_S", 0.05)
    market.venue.script(Mood.HANG_AFTER_FILL)
    async with served(tmp_path, market) as desk:
        quote = data(await desk["bot"].quote(unit_count="1"), 201)
        sent = desk.after(ev.OrderSent)
        lost = asyncio.create_task(desk["bot"].act(quote["id"], "execute", Idempotency_Key="k"))
        await sent
        lost.cancel()
    async with served(tmp_path, market) as desk:
        await desk.until(quote["id"], "settled")
        answer = await desk["bot"].act(quote["id"], "execute", Idempotency_Key="k")
        assert data(answer)["attributes"]["trade-id"] == "T-000001"
        assert (
            await desk["bot"].act(quote["id"], "execute", Idempotency_Key="k")
        ).content == answer.content
    assert len(await market.fills()) == 1


async def test_a_hundred_executes_at_once_deal_once(tmp_path: Path, market: Market) -> None:
    market.venue.become(latency_ms=(50, 50, 50))
    async with served(tmp_path, market) as desk:
        bot = desk["bot"]
        quote = data(await bot.quote(unit_count="1"), 201)
        answers = await asyncio.gather(*(bot.act(quote["id"], "execute") for _ in range(100)))
        assert Counter(each.status_code for each in answers) == {200: 1, 409: 99}
        (won,) = [data(each) for each in answers if each.status_code == 200]
        assert won["attributes"]["status"] == "settled"
        named = {error(e, 409)["meta"]["trade-id"] for e in answers if e.status_code == 409}
        assert named == {won["attributes"]["trade-id"]}
    assert len(await market.fills()) == 1
    opened = [e for record in read(tmp_path / "desk.db") for e in record.events
              if isinstance(e, ev.TradeOpened)]  # fmt: skip
    assert len(opened) == 1
