"""The guide's instant flows, over real HTTP against a running desk and real LPs."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lpdesk.domain.commands import Withdraw
from lpdesk.sandbox import Mood
from tests.api.desks import Desk, Market, data, error, served

D = Decimal


@pytest.mark.parametrize("way", ["buy", "sell"])
async def test_dealt_by_unit_count(desk: Desk, way: str) -> None:
    bot = desk["bot"]
    before = {asset: desk.balance("client:acme", asset) for asset in ("BTC", "USDT")}
    quote = data(await bot.quote(way, unit_count="0.5"), 201)
    shown = quote["attributes"]
    assert (shown["status"], shown["transaction-type"]) == ("pending", way)
    assert (shown["asset-name"], shown["unit-count"]) == ("BTC", "0.5")
    total, price = D(shown["total-amount"]), D(shown["price-per-unit"])
    assert total == D(shown["base-amount"]) + D(shown["fee-amount"])
    assert abs(total - price / 2) <= D("0.01")
    assert shown["created-at"] < shown["expires-at"]
    assert shown["trade-id"] is shown["executed-at"] is shown["cancelled-at"] is None

    done = data(await bot.act(quote["id"], "execute"))["attributes"]
    assert (done["status"], done["trade-id"]) == ("settled", "T-000001")
    assert done["executed-at"] > done["created-at"]
    same = ("total-amount", "price-per-unit", "unit-count", "created-at", "expires-at")
    assert [done[name] for name in same] == [shown[name] for name in same]
    sign = 1 if way == "buy" else -1
    assert desk.balance("client:acme", "BTC") - before["BTC"] == sign * D("0.5")
    assert desk.balance("client:acme", "USDT") - before["USDT"] == -sign * total


@pytest.mark.parametrize(("way", "sign"), [("buy", -1), ("sell", 1)])
async def test_dealt_by_amount(desk: Desk, way: str, sign: int) -> None:
    before = desk.balance("client:acme", "USDT")
    done = (await desk["bot"].dealt(way, amount="50000.25"))["attributes"]
    assert (done["status"], done["total-amount"]) == ("settled", "50000.25")
    assert D(done["unit-count"]) == pytest.approx(D("0.5"), rel=D("0.01"))
    assert desk.balance("client:acme", "USDT") - before == sign * D("50000.25")


async def test_a_created_quote_is_at_its_location(desk: Desk) -> None:
    created = await desk["bot"].quote(unit_count="1")
    assert created.headers["location"] == f"/v2/quotes/{data(created, 201)['id']}"
    found = await desk["bot"].get(created.headers["location"] + "/")
    assert data(found) == data(created, 201)


async def test_an_execution_that_fails_moves_nothing(desk: Desk, market: Market) -> None:
    before = desk.live.session.view.accounts.available()
    quote = data(await desk["bot"].quote(unit_count="1"), 201)
    market.venue.script(Mood.REJECT)
    failed = error(await desk["bot"].act(quote["id"], "execute"), 400)
    assert failed["title"] == "Trade desk failure" and "last look" in failed["detail"]
    assert failed["meta"]["trade-id"] == "T-000001"
    assert (
        data(await desk["bot"].get(f"/v2/quotes/{quote['id']}"))["attributes"]["status"] == "failed"
    )
    assert desk.live.session.view.accounts.available() == before


async def test_an_unknown_outcome_reads_executing_until_the_lp_says(
    desk: Desk, market: Market
) -> None:
    quote = data(await desk["bot"].quote(unit_count="1"), 201)
    market.venue.script(Mood.RESET_AFTER_FILL)
    market.venue.script(Mood.HANG_STATUS)
    shown = data(await desk["bot"].act(quote["id"], "execute"))["attributes"]
    assert (shown["status"], shown["reconciliation-status"]) == ("executing", "unknown")
    shown = await desk.until(quote["id"], "settled")
    assert shown["reconciliation-status"] == "pending"
    assert len(await market.fills()) == 1


async def test_no_price_is_the_trade_desks_failure(desk: Desk, market: Market) -> None:
    market.venue.script(Mood.DARK)
    failed = error(await desk["bot"].quote(unit_count="1"), 400)
    assert (failed["code"], failed["title"]) == ("trade_desk_failure", "Trade desk failure")


async def test_with_whom_the_desk_deals_and_on_what_credit_is_not_told(
    tmp_path: Path, market: Market
) -> None:
    """Two quotes rest on a credit that one of them uses up."""
    lps = f"{market.sandbox.config_toml()}\ncredit = {{ BTC = 2 }}\n"
    async with served(tmp_path, lps) as desk:
        first, second = [data(await desk["bot"].quote(unit_count="1.5"), 201) for _ in range(2)]
        assert data(await desk["bot"].act(first["id"], "execute"))
        failed = error(await desk["bot"].act(second["id"], "execute"), 400)
        assert failed["detail"] == "Trade desk failure: credit"


async def test_a_quote_is_cancelled_once_and_then_not_executed(desk: Desk) -> None:
    bot = desk["bot"]
    quote = data(await bot.quote(unit_count="1"), 201)
    gone = data(await bot.act(quote["id"], "cancel"))["attributes"]
    assert gone["status"] == "cancelled" and gone["cancelled-at"]
    assert data(await bot.act(quote["id"], "cancel"))["attributes"] == gone
    refused = error(await bot.act(quote["id"], "execute"), 422)
    assert refused["detail"] == "the quote is cancelled, and must be pending"
    done = await bot.dealt(unit_count="1")
    assert error(await bot.act(done["id"], "cancel"), 422)["code"] == "wrong_status"


async def test_an_expired_quote_is_not_executed(desk: Desk, market: Market) -> None:
    market.venue.become(validity_ms=300)
    quote = data(await desk["bot"].quote(unit_count="1"), 201)
    await desk.until(quote["id"], "expired")
    refused = error(await desk["bot"].act(quote["id"], "execute"), 422)
    assert refused["detail"] == "the quote is expired, and must be pending"


async def test_what_a_restart_took_back_says_so(tmp_path: Path, market: Market) -> None:
    """Time was left: it has not expired, the desk has cancelled it, and tells why."""
    async with served(tmp_path, market) as desk:
        quote = data(await desk["bot"].quote(unit_count="1"), 201)
    async with served(tmp_path, market) as desk:
        shown = data(await desk["bot"].get(f"/v2/quotes/{quote['id']}"))["attributes"]
        assert shown["status"] == "cancelled" and shown["cancelled-at"] < shown["expires-at"]
        refused = error(await desk["bot"].act(quote["id"], "execute"), 422)
        assert refused["title"] == "Wrong status"
        assert refused["detail"] == "the quote is cancelled (desk restarted), and must be pending"


REFUSALS: list[tuple[dict[str, Any], int, str, str]] = [
    ({"amount": "1", "unit_count": "1"}, 422, "Both or neither of amount and unit-count", "amount"),
    ({}, 422, "Both or neither of amount and unit-count", ""),
    ({"amount": "5"}, 422, "Amount too low: the minimum is 0.001 BTC", "amount"),
    ({"unit_count": "0.0001"}, 422, "Amount too low: the minimum is 0.001 BTC", "unit-count"),
    ({"unit_count": "0.123456"}, 422, "Unit count too precise: BTC has 5 decimals", "unit-count"),
    ({"amount": "1000.123"}, 422, "Amount too precise: USDT has 2 decimals", "amount"),
    ({"unit_count": "100"}, 422, "Amount too high: acme's limit", "unit-count"),
    ({"unit_count": "-1"}, 422, "unit-count must be a plain decimal", "unit-count"),
    ({"unit_count": "NaN"}, 422, "unit-count must be a plain decimal", "unit-count"),
    ({"unit_count": "1", "asset_id": "XYZ"}, 422, "asset is not dealt here", "asset-id"),
    ({"unit_count": "1", "account_id": "gauss"}, 404, "there is no such account", "account-id"),
    ({"unit_count": "1", "way": "gift"}, 422, "must be buy or sell", "transaction-type"),
    ({"unit_count": "1", "size": "1"}, 422, "unknown attribute", "size"),
    ({"unit_count": True}, 422, "unit-count not a number", "unit-count"),
]  # fmt: skip


async def test_refusals_say_what_is_wrong_and_where(desk: Desk) -> None:
    for attributes, status, text, pointer in REFUSALS:
        refused = error(await desk["bot"].quote(**attributes), status)
        assert text in refused["detail"], attributes
        place = f"/data/attributes{'/' if pointer else ''}{pointer}"
        assert refused["source"]["pointer"] == place


async def test_not_enough_funds_is_said_before_a_quote_is_given_out(desk: Desk) -> None:
    await desk.live.session.submit(Withdraw(account="client:gauss", asset="USDT", amount=D(900)))
    refused = error(await desk["rival"].quote(unit_count="0.005"), 422)
    assert refused["detail"].startswith("Not enough funds: gauss is short of ")
    assert data(await desk["rival"].get("/v2/quotes")) == []


async def test_the_rolling_limit_counts_what_was_dealt(desk: Desk) -> None:
    rival = desk["rival"]
    await rival.dealt("sell", unit_count="0.005")
    refused = error(await rival.quote("sell", unit_count="0.005"), 422)
    assert (refused["title"], refused["detail"]) == ("Rolling Limit Reached",) * 2


async def test_all_that_is_wrong_is_said_at_once(desk: Desk) -> None:
    answer = await desk["bot"].quote(way="gift", unit_count="x", colour="red")
    places = [each["source"]["pointer"].rpartition("/")[2] for each in answer.json()["errors"]]
    assert answer.status_code == 422
    assert sorted(places) == ["colour", "transaction-type", "unit-count"]


async def test_lists_are_filtered_sorted_and_paged(desk: Desk) -> None:
    bot = desk["bot"]
    for count in ("3", "20", "10"):
        await bot.dealt(unit_count=count)
    waiting = data(await bot.quote(unit_count="1"), 201)

    async def ids(query: str) -> list[str]:
        return [
            each["attributes"]["unit-count"] for each in data(await bot.get(f"/v2/quotes?{query}"))
        ]

    assert await ids("") == ["1", "10", "20", "3"]
    assert await ids("sort=unit-count") == ["1", "3", "10", "20"]
    assert await ids("sort=status,-unit-count") == ["1", "20", "10", "3"]
    assert await ids("sort=hot") == await ids("sort=-hot,fee-amount") == await ids("")
    assert await ids("sort=id") == ["3", "20", "10", "1"]
    assert await ids(f"filter[id]={waiting['id']}&filter[fee-amount]=0.00") == ["1"]
    assert await ids("filter[status]=settled") == ["10", "20", "3"]
    assert await ids("filter[status in]=pending,expired") == ["1"]
    assert await ids("filter[unit-count gte]=9.99&filter[unit-count lt]=20") == ["10"]
    assert await ids(f"filter[created-at gte]={waiting['attributes']['created-at']}") == ["1"]
    page = (await bot.get("/v2/quotes?page[size]=3&page[number]=2&filter[asset-name]=BTC")).json()
    assert [each["attributes"]["unit-count"] for each in page["data"]] == ["3"]
    assert page["meta"] == {"page-count": 2, "resource-count": 4}
    assert page["links"]["next"] is None
    assert data(await bot.get(page["links"]["prev"])) == data(
        await bot.get("/v2/quotes?page[size]=3")
    )


PARAMETERS = {
    "page[number]=0": "page[number]",
    "page[size]=1001": "page[size]",
    "sort=colour": "sort",
    "filter[colour]=red": "filter[colour]",
    "filter[created-at]=yesterday": "filter[created-at]",
    "filter[created-at in]=a": "filter[created-at in]",
    "filter[unit-count]=%D9%A1": "filter[unit-count]",
    "include=asset": "include",
    "sort=status&sort=status": "sort",
}


async def test_a_parameter_that_is_not_understood_is_named(desk: Desk) -> None:
    for query, parameter in PARAMETERS.items():
        refused = error(await desk["bot"].get(f"/v2/quotes?{query}"), 400)
        assert refused["source"] == {"parameter": parameter}
