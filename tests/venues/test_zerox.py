"""0x over real sockets: what it promises, what is not dealt, and answers that cannot be."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.reports import (
    LpFailed,
    LpQuoted,
    OrderFilled,
    OrderNotSent,
    OrderPending,
    QueryFailed,
)
from lpdesk.domain.values import SECOND, Side
from lpdesk.sandbox import Sandbox
from lpdesk.sandbox.node import Node
from lpdesk.venues.base import VENUES
from lpdesk.venues.swaps import SwapVenue
from tests.venues.effects import ask
from tests.venues.liar import EVIL, Liar, Reports, answer
from tests.venues.swapping import (
    BTC,
    CALL,
    CLOCK,
    GOOD,
    NAME,
    ROUTER,
    TAKER,
    USDT,
    asked,
    deal,
    plain,
    quoted,
    sent,
    venue,
)

D = Decimal


# ---- quotes


@pytest.mark.parametrize("side", list(Side))
async def test_the_price_is_the_guaranteed_one_and_the_fill_is_better(
    onchain: Sandbox, swapper: SwapVenue, reports: Reports, side: Side
) -> None:
    it, pending = await sent(swapper, reports, side)
    assert isinstance(pending, OrderPending)
    filled = await asked(swapper, reports)
    assert isinstance(filled, OrderFilled), filled
    assert filled.quantity == it.quantity and not filled.partial
    [booked] = await onchain.venue(NAME).executions()
    assert abs(filled.price - D(booked.fill_price)) < D("0.00001")
    assert booked.client_order_id == filled.execution_id  # the transaction's hash
    better = it.price - filled.price if side is Side.BUY else filled.price - it.price
    assert D(25) < better / filled.price * 10_000 < D(31)  # the 30 bps that it may slip
    assert (filled.fee, filled.fee_asset) == (D("0.00015"), "ETH")  # gas stays what it is
    assert await asked(swapper, reports) == filled
    assert len(await onchain.venue(NAME).executions()) == 1


async def test_without_a_signer_prices_are_for_information_only(
    onchain: Sandbox, reports: Reports
) -> None:
    weyl = venue(onchain, reports, signer=None, taker=None)
    assert "no signer" in weyl.note
    quote = await quoted(weyl, reports)
    assert quote.undealable == "no signer: for information only"
    assert quote.validity_ns == 15 * SECOND
    weyl.execute(deal(quote))
    refused = await reports.next()
    assert isinstance(refused, OrderNotSent) and refused.reason is Reason.NOT_ENABLED
    assert isinstance(await asked(weyl, reports), QueryFailed)
    assert not await onchain.venue(NAME).executions()
    await weyl.close()


@pytest.mark.parametrize(
    ("issue", "words"), [("allowance", "no allowance for 0x5e5e"), ("balance", "not enough")]
)
async def test_what_stands_in_the_way_is_told_and_not_dealt(
    onchain: Sandbox, swapper: SwapVenue, node: Node, reports: Reports, issue: str, words: str
) -> None:
    """The desk never approves anything: that is a transaction too."""
    onchain.venue(NAME).become(issue=issue)
    quote = await quoted(swapper, reports)
    assert words in quote.undealable
    swapper.execute(deal(quote))
    told = await reports.next()
    assert isinstance(told, OrderNotSent) and told.reason is Reason.QUOTE_EXPIRED
    assert not node.pool and not await onchain.venue(NAME).executions()


async def test_a_network_fee_above_what_is_allowed_is_not_dealt(
    onchain: Sandbox, reports: Reports
) -> None:
    weyl = venue(onchain, reports, max_network_fee="0.0001")
    assert (await quoted(weyl, reports)).undealable == "network fee 0.0002 ETH is above 0.0001"
    await weyl.close()


async def test_no_liquidity_a_strange_chain_and_too_many_decimals(
    onchain: Sandbox, swapper: SwapVenue, reports: Reports
) -> None:
    for stranger, symbol, quantity, reason, words in (
        (swapper, "BTC/USDT", "100000", Reason.NO_LIQUIDITY, "no liquidity"),
        (swapper, "BTC/USDT", "0.000000001", Reason.SIZE, "more than 8 decimals"),
        (venue(onchain, reports, chain=1), "BTC/USDT", "1", Reason.DECLINED, "chainId: Invalid"),
    ):
        stranger.ask(ask(lp=NAME, symbol=symbol, quantity=quantity))
        failed = await reports.next()
        assert isinstance(failed, LpFailed) and failed.reason is reason, failed
        assert words in failed.text
        if stranger is not swapper:
            await stranger.close()


async def test_one_question_too_many_and_a_wrong_key(
    onchain: Sandbox, swapper: SwapVenue, reports: Reports
) -> None:
    stand_in = onchain.venue(NAME)
    stand_in.become(rate_per_second=1)
    told: list[Report] = []
    for number in range(3):
        swapper.ask(ask(f"A-{number}", lp=NAME))
        told.append(await reports.next())
    [last] = [each for each in told[-1:] if isinstance(each, LpFailed)]
    assert last.reason is Reason.RATE_LIMITED and last.retry_after_ns >= SECOND
    stand_in.become(rate_per_second=1000)
    stand_in.key = "another"
    swapper.ask(ask(lp=NAME))
    failed = await reports.next()
    assert isinstance(failed, LpFailed) and failed.reason is Reason.UNAUTHORISED


# ---- hostile answers


async def says(lp: Liar, reports: Reports, body: Any, status: int = 200) -> Report:
    lp.says(answer(body, status))
    asker = VENUES["zerox"](plain(lp.url), reports, CLOCK)
    asker.ask(ask())
    told = await reports.next()
    await asker.close()
    return told


async def test_what_is_asked_and_what_is_read(lp: Liar, reports: Reports) -> None:
    told = await says(lp, reports, GOOD)
    assert isinstance(told, LpQuoted)
    assert (told.price, told.quote_ref, told.undealable) == (D(100_300), "0xabc", "")
    target = urlsplit(lp.heard[0].target)
    assert target.path == "/swap/allowance-holder/quote"
    assert parse_qs(target.query) == {
        "chainId": ["1"], "sellToken": [USDT], "buyToken": [BTC], "buyAmount": ["150000000"],
        "slippageBps": ["30"], "taker": [TAKER],
    }  # fmt: skip
    heard = lp.heard[0].headers
    assert (heard["0x-api-key"], heard["0x-version"]) == ("k", "v2")


def but(**changes: Any) -> dict[str, Any]:
    return GOOD | changes


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (but(buyToken=ROUTER), "buyToken is another token"),
        (but(sellToken=BTC), "sellToken is another token"),
        (but(buyAmount="149999999"), "not what was asked"),
        (but(maxSellAmount="149999999999"), "better than the price"),
        (but(maxSellAmount=None), "maxSellAmount not an amount"),
        (but(maxSellAmount="-1"), "not an amount"),
        (but(maxSellAmount="1e30"), "not an amount"),
        (but(maxSellAmount=True), "not an amount"),
        (but(maxSellAmount="9" * 78), "not an amount"),
        (but(maxSellAmount="9" * 77), "price out of range"),
        (but(maxSellAmount="9" * 5000), "not an amount"),
        (but(maxSellAmount="٣"), "not an amount"),
        (but(sellAmount="0", maxSellAmount="0"), "price not greater than zero"),
        (but(transaction=CALL | {"to": BTC}), "another contract"),
        (but(transaction=CALL | {"value": "1"}), "native money"),
        (but(transaction=CALL | {"data": "0x22"}), "without usable data"),
        (but(transaction=CALL | {"gas": None}), "gas not an amount"),
        (but(transaction=CALL | {"gas": "0"}), "without gas"),
        (but(transaction=None), "not an object"),
        (but(zid=EVIL), "zid not usable"),
        (but(zid=None), "zid missing"),
        (but(liquidityAvailable="yes"), "whether there is liquidity"),
        (but(issues=[]), "not an object"),
        ([], "not an object"),
        ("<html>", "not JSON"),
    ],
)
async def test_an_answer_that_cannot_be_is_a_report(
    lp: Liar, reports: Reports, body: Any, words: str
) -> None:
    told = await says(lp, reports, body if isinstance(body, str | dict) else json.dumps(body))
    assert isinstance(told, LpFailed) and told.reason is Reason.MALFORMED, told
    assert words in told.text


@pytest.mark.parametrize(
    ("status", "body", "reason", "words"),
    [
        (200, {"liquidityAvailable": False}, Reason.NO_LIQUIDITY, "no liquidity"),
        (400, {"name": "INPUT_INVALID", "message": "The input is invalid", "data": {
            "zid": "0x", "details": [{"field": "buyAmount", "reason": EVIL}]}},
            Reason.DECLINED, "INPUT_INVALID: buyAmount: no"),
        (400, {"name": "TOKEN_NOT_SUPPORTED", "message": "no"}, Reason.DECLINED, "TOKEN_NOT"),
        (422, {"name": "BUY_TOKEN_NOT_AUTHORIZED_FOR_TRADE"}, Reason.DECLINED, "BUY_TOKEN"),
        (403, {"name": "TAKER_NOT_AUTHORIZED_FOR_TRADE"}, Reason.UNAUTHORISED, "TAKER_NOT"),
        (500, "<html>", Reason.LP_ERROR, "status 500"),
        (302, "", Reason.MALFORMED, "not followed"),
    ],
)  # fmt: skip
async def test_refusals(
    lp: Liar, reports: Reports, status: int, body: Any, reason: Reason, words: str
) -> None:
    told = await says(lp, reports, body, status)
    assert isinstance(told, LpFailed) and told.reason is reason, told
    assert words in told.text and "\x1b" not in told.text


async def test_a_token_that_taxes_transfers_is_only_looked_at(lp: Liar, reports: Reports) -> None:
    taxed = {"buyToken": {"buyTaxBps": "100"}, "sellToken": None}
    told = await says(lp, reports, but(tokenMetadata=taxed))
    assert isinstance(told, LpQuoted) and told.undealable.startswith("the buy token takes a tax")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tokens": ()}, "tokens: a list"),
        ({"tokens": (f"BTC={BTC}:8",)}, "no token for USDT"),
        ({"tokens": (f"BTC={BTC}:19", f"USDT={USDT}:6")}, "at most 18"),
        ({"tokens": (f"BTC={BTC}:8", f"USDT={BTC}:6")}, "address twice"),
        ({"tokens": ("BTC=0x12:8",)}, "40 hex digits"),
        ({"taker": ""}, "taker: is needed with a signer"),
        ({"contract": ""}, "contract: is needed with a signer"),
        ({"node": ""}, "node: is needed with a signer"),
        ({"max_network_fee": 0}, "max_network_fee: is needed with a signer"),
        ({"max_network_fee": "-1"}, "not below zero"),
        ({"max_network_fee": "NaN"}, "not a plain decimal"),
        ({"chain": True}, "chain: a whole number"),
        ({"slippage_bps": 5000}, "slippage_bps: a whole number"),
        ({"taker": "me"}, "taker: 0x and 40"),
        ({"signer": "stand-in"}, "url must be"),
    ],
)
def test_options_that_can_never_work(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        VENUES["zerox"](plain("https://x", **changes), Reports(), CLOCK)
