"""The default LP protocol over REST, as a desk meets it."""

import asyncio
from decimal import Decimal

import httpx
import pytest


@pytest.fixture
async def sandbox(stage):
    return await stage("kepler", "alpha")


@pytest.fixture
def kepler(stage, sandbox):
    return stage.client(sandbox, "kepler")


@pytest.fixture
def alpha(stage, sandbox):
    return stage.client(sandbox, "alpha")


async def test_a_quote_is_dealt_once_however_often_the_order_is_sent(kepler):
    quote = await kepler.quote()
    assert set(quote) == {"quoteId", "price", "quantity", "expiresIn"}
    assert quote["quantity"] == "1.5"
    assert quote["expiresIn"] == 8_000
    assert Decimal(100_000) < Decimal(quote["price"]) < Decimal(100_050)
    assert Decimal(quote["price"]).as_tuple().exponent == -2

    first = await kepler.execute(quote["quoteId"], "D-1")
    assert first["status"] == "FILLED"
    assert first["fillPrice"] == quote["price"]
    assert first["fillQuantity"] == "1.5"
    assert await kepler.execute(quote["quoteId"], "D-1") == first
    assert (await kepler.status("D-1")).json() == first

    second = await kepler.execute(quote["quoteId"], "D-2")
    assert (second["status"], second["reason"]) == ("REJECTED", "QUOTE_USED")
    assert await kepler.listed() == [first, second]


async def test_orders_sent_at_the_same_moment_fill_once(kepler, sandbox):
    quote = await kepler.quote()
    answers = await asyncio.gather(*(kepler.execute(quote["quoteId"], "D-1") for _ in range(5)))
    assert all(answer == answers[0] for answer in answers)
    assert len(await sandbox.venue("kepler").executions()) == 1


async def test_a_quote_fought_over_by_many_orders_fills_one_of_them(kepler):
    quote = await kepler.quote()
    orders = [kepler.execute(quote["quoteId"], f"D-{number}") for number in range(5)]
    statuses = [answer["status"] for answer in await asyncio.gather(*orders)]
    assert sorted(statuses) == ["FILLED"] + ["REJECTED"] * 4


async def test_both_sides_lie_around_the_market(kepler, bps):
    buy, sell = await kepler.quote(side="BUY"), await kepler.quote(side="SELL")
    assert 0 < bps(buy["price"], sell["price"]) < 5
    peg = await kepler.quote("USDC/USDT", "BUY", "1000")
    assert Decimal(peg["price"]).as_tuple().exponent == -4
    assert peg["quoteId"] != buy["quoteId"] != sell["quoteId"]


async def test_a_fee_is_named_with_its_asset(alpha):
    quote = await alpha.quote(quantity="2")
    fill = await alpha.execute(quote["quoteId"], "D-1")
    assert Decimal(fill["fee"]) == Decimal(quote["price"]) * 2 * Decimal("0.00005")
    assert fill["feeAsset"] == "USDT"


async def test_an_expired_quote_is_rejected_and_stays_rejected(kepler, clock):
    quote = await kepler.quote()
    clock.advance(8.0)
    answer = await kepler.execute(quote["quoteId"], "D-1")
    assert (answer["status"], answer["reason"]) == ("REJECTED", "QUOTE_EXPIRED")
    assert (await kepler.status("D-1")).json() == answer


async def test_an_unknown_quote_is_rejected(kepler):
    answer = await kepler.execute("never-made", "D-1")
    assert (answer["status"], answer["reason"]) == ("REJECTED", "UNKNOWN_QUOTE")


async def test_the_list_begins_at_since(kepler, clock):
    await kepler.execute((await kepler.quote())["quoteId"], "D-1")
    clock.advance(60)
    late = await kepler.execute((await kepler.quote())["quoteId"], "D-2")
    since = "2026-01-19T14:30:30.5Z"
    assert await kepler.listed(since) == [late]
    assert await kepler.listed(since.replace("Z", "+00:00")) == [late]
    assert len(await kepler.listed()) == 2
    answer = await kepler.call("GET", "/v1/executions?since=yesterday")
    assert (answer.status_code, answer.json()["code"]) == (422, "BAD_SINCE")


async def test_an_order_it_never_saw_is_not_found(kepler):
    answer = await kepler.status("D-404")
    assert answer.status_code == 404
    assert set(answer.json()) == {"code", "message"}


@pytest.mark.parametrize(
    "spoiled",
    [
        {"X_SIGNATURE": "0" * 64},
        {"X_SIGNATURE": "Ω".encode()},
        {"X_API_KEY": "someone-else"},
        {"timestamp": "1768832699999"},
        {"timestamp": "1768833300001"},
        {"timestamp": "now"},
        {"timestamp": "9" * 400},
    ],
    ids=["signature", "not-ascii", "key", "too-old", "too-new", "no-number", "huge"],
)
async def test_whoever_cannot_sign_is_turned_away(kepler, spoiled):
    body = {"symbol": "BTC/USDT", "side": "BUY", "quantity": "1"}
    answer = await kepler.call("POST", "/v1/quote", body, **spoiled)
    assert answer.status_code == 401
    assert set(answer.json()) == {"code", "message"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "BAD_JSON"),
        (b"[]", 400, "BAD_JSON"),
        (b"\xff", 400, "BAD_JSON"),
        (b"[" * 9_000, 400, "BAD_JSON"),
        (b'{"side": "BUY", "side": "SELL"}', 400, "BAD_JSON"),
        (b'{"quantity": NaN}', 400, "BAD_JSON"),
        (b" " * 20_000, 413, "BODY_TOO_LARGE"),
        ({"symbol": "DOGE/USDT", "side": "BUY", "quantity": "1"}, 422, "UNKNOWN_SYMBOL"),
        ({"symbol": "BTC/USDT", "side": "buy", "quantity": "1"}, 422, "BAD_SIDE"),
        ({"symbol": "BTC/USDT", "side": "BUY", "quantity": "-1"}, 422, "BAD_QUANTITY"),
        ({"symbol": "BTC/USDT", "side": "BUY", "quantity": "1e9"}, 422, "BAD_QUANTITY"),
        ({"symbol": "BTC/USDT", "side": "BUY", "quantity": "0.00"}, 422, "BAD_QUANTITY"),
        ({"symbol": "BTC/USDT", "side": "BUY", "quantity": "٣"}, 422, "BAD_QUANTITY"),
        ({"symbol": "BTC/USDT", "side": "BUY", "quantity": 1}, 422, "BAD_FIELD"),
        ({"symbol": "BTC/USDT", "side": "BUY", "quantity": "9000"}, 422, "SIZE_OUT_OF_LIMITS"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_nonsense_is_refused_by_name(kepler, body, status, code):
    answer = await kepler.call("POST", "/v1/quote", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"]


async def test_an_unknown_path_is_refused_in_the_same_shape(kepler):
    answer = await kepler.call("GET", "/v2/quote")
    assert answer.status_code == 404
    assert answer.json()["code"] == "NO_SUCH_CALL"


async def test_above_its_rate_it_says_when_to_come_back(kepler, clock):
    answers = [await kepler.status("D-1") for _ in range(31)]
    assert [answer.status_code for answer in answers] == [404] * 30 + [429]
    assert answers[-1].headers["Retry-After"] == "1"
    clock.advance(1)
    assert (await kepler.status("D-1")).status_code == 404


async def test_the_record_survives_a_restart(stage, tmp_path):
    first_life = await stage("kepler", directory=tmp_path)
    client = stage.client(first_life, "kepler")
    quote = await client.quote()
    fill = await client.execute(quote["quoteId"], "D-1")
    await first_life.close()

    second_life = await stage("kepler", directory=tmp_path)
    client = stage.client(second_life, "kepler")
    assert (await client.status("D-1")).json() == fill
    assert await client.execute(quote["quoteId"], "D-1") == fill
    assert await client.listed() == [fill]
    assert (await client.quote())["quoteId"] != quote["quoteId"]
    assert (await client.execute(quote["quoteId"], "D-2"))["reason"] == "QUOTE_USED"


async def test_part_of_a_quote_can_be_taken_but_not_more(kepler):
    quote = await kepler.quote(quantity="1.5")
    part = await kepler.execute(quote["quoteId"], "D-1", quantity="0.5")
    assert (part["status"], part["fillQuantity"]) == ("FILLED", "0.5")
    quote = await kepler.quote(quantity="1.5")
    more = await kepler.execute(quote["quoteId"], "D-2", quantity="1.6")
    assert (more["status"], more["reason"]) == ("REJECTED", "QUANTITY_TOO_LARGE")


async def test_a_client_that_hangs_up_in_the_middle_harms_nobody(kepler):
    body = {"symbol": "BTC/USDT", "side": "BUY", "quantity": "1"}
    with pytest.raises(httpx.ReadTimeout):
        await kepler.call("POST", "/v1/quote", body, timeout=httpx.Timeout(5, read=0.001))
    assert (await kepler.quote())["quantity"] == "1.5"
