"""1inch over real sockets: the swap API, and Fusion's auctions with their orders."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.reports import (
    LpFailed,
    LpQuoted,
    OrderFilled,
    OrderLost,
    OrderNotFound,
    OrderNotSent,
    OrderPending,
    OrderRejected,
    QueryFailed,
)
from lpdesk.domain.values import SECOND, Side
from lpdesk.sandbox import Mood, Sandbox
from lpdesk.venues.base import VENUES
from lpdesk.venues.swaps import SwapVenue
from tests.conftest import eventually
from tests.venues.effects import ask
from tests.venues.liar import EVIL, Liar, Reports, answer
from tests.venues.swapping import (
    BTC,
    CALL,
    CLOCK,
    FUSION,
    PRESET,
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
KINDS = {"galois": "oneinch", "abel": "oneinch-fusion"}


@pytest.fixture(params=KINDS, ids=KINDS.values())
def stand_in(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# ---- both


async def test_the_price_is_the_guaranteed_one_and_the_fill_is_better(
    onchain: Sandbox, swapper: SwapVenue, reports: Reports
) -> None:
    it, pending = await sent(swapper, reports)
    assert isinstance(pending, OrderPending), pending
    filled = await asked(swapper, reports)
    assert isinstance(filled, OrderFilled), filled
    [booked] = await onchain.venue(swapper.name).executions()
    assert filled.quantity == it.quantity == D(booked.fill_quantity) and not filled.partial
    assert abs(filled.price - D(booked.fill_price)) < D("0.00001")
    assert booked.client_order_id == filled.execution_id
    assert D(25) < (filled.price - it.price) / filled.price * 10_000 < D(31)
    assert await asked(swapper, reports) == filled


@pytest.mark.parametrize(
    ("mood", "found"),
    [
        (Mood.RESET_AFTER_FILL, OrderFilled),
        (Mood.ERROR_AFTER_FILL, OrderFilled),
        (Mood.HANG_AFTER_FILL, OrderFilled),
        (Mood.RESET_BEFORE_FILL, OrderPending),
    ],
)
async def test_a_lost_answer_is_found_by_its_hash_or_stays_unknown(
    onchain: Sandbox, swapper: SwapVenue, reports: Reports, mood: Mood, found: type[Report]
) -> None:
    onchain.venue(swapper.name).script(mood)
    _, lost = await sent(swapper, reports)
    assert isinstance(lost, OrderLost), lost
    assert type(await asked(swapper, reports)) is found
    booked = await onchain.venue(swapper.name).executions()
    assert len(booked) == (found is OrderFilled)


async def test_what_is_not_filled_is_rejected(
    onchain: Sandbox, swapper: SwapVenue, reports: Reports
) -> None:
    onchain.venue(swapper.name).script(Mood.REJECT)
    await sent(swapper, reports)
    told = await asked(swapper, reports)
    assert isinstance(told, OrderRejected)
    assert told.reason in (Reason.PRICE_MOVED, Reason.QUOTE_EXPIRED)


async def test_another_process_asks_for_what_the_killed_one_sent(
    onchain: Sandbox, swapper: SwapVenue, reports: Reports, tmp_path: Path
) -> None:
    stand_in = onchain.venue(swapper.name)
    stand_in.script(Mood.HANG_AFTER_FILL)
    swapper.execute(deal(await quoted(swapper, reports)))
    await eventually(stand_in.book.since)
    await swapper.close()  # nothing is reported any more
    again = venue(onchain, reports, tmp_path / "desk.db")
    assert isinstance(await asked(again, reports), OrderFilled)
    assert isinstance(await asked(again, reports, "O-2"), OrderNotFound)
    assert len(await stand_in.executions()) == 1
    await again.close()


async def test_nothing_is_bought_and_nothing_is_signed_unasked(
    onchain: Sandbox, swapper: SwapVenue, reports: Reports
) -> None:
    swapper.ask(ask(lp=swapper.name, side=Side.BUY))
    told = await reports.next()
    assert isinstance(told, LpFailed) and told.reason is Reason.NOT_ENABLED
    looker = venue(onchain, reports, signer=None, taker=None)
    quote = await quoted(looker, reports)
    assert quote.undealable.startswith("no signer: for information only")
    looker.execute(deal(quote))
    refused = await reports.next()
    assert isinstance(refused, OrderNotSent) and refused.reason is Reason.NOT_ENABLED
    assert isinstance(await asked(looker, reports), QueryFailed)
    assert not await onchain.venue(swapper.name).executions()
    await looker.close()


async def test_refusals_of_a_price(onchain: Sandbox, swapper: SwapVenue, reports: Reports) -> None:
    async def failed(it: SwapVenue, quantity: str = "1") -> LpFailed:
        it.ask(ask(lp=it.name, side=Side.SELL, quantity=quantity))
        told = await reports.next()
        assert isinstance(told, LpFailed), told
        return told

    large = await failed(swapper, "100000")
    assert (large.reason, large.text) == (Reason.NO_LIQUIDITY, "insufficient liquidity")
    strange = venue(onchain, reports, chain=1)
    assert (await failed(strange)).text == "chain is not supported"
    await strange.close()
    stand_in = onchain.venue(swapper.name)
    stand_in.become(rate_per_second=1)
    last = [await quoted_or_not(swapper, reports) for _ in range(3)][-1]
    assert isinstance(last, LpFailed) and last.reason is Reason.RATE_LIMITED
    assert last.retry_after_ns >= SECOND
    stand_in.become(rate_per_second=1_000)
    stand_in.key = "another"
    assert (await failed(swapper)).reason is Reason.UNAUTHORISED


async def quoted_or_not(lp: SwapVenue, reports: Reports) -> Report:
    lp.ask(ask(lp=lp.name, side=Side.SELL, quantity="0.1"))
    return await reports.next()


# ---- hostile answers

SWAP: dict[str, Any] = {
    "dstAmount": "150000000000", "srcToken": {"address": BTC, "decimals": 8},
    "dstToken": {"address": USDT, "decimals": 6}, "tx": CALL | {"from": TAKER, "gas": 200_000},
}  # fmt: skip


async def says(lp: Liar, reports: Reports, kind: str, body: Any, **options: Any) -> Report:
    lp.says(answer(body if isinstance(body, str | dict) else json.dumps(body)))
    asker = VENUES[kind](plain(lp.url, kind, **options), reports, CLOCK)
    asker.ask(ask(side=Side.SELL))
    told = await reports.next()
    await asker.close()
    return told


async def test_what_the_swap_is_asked_and_promises(lp: Liar, reports: Reports) -> None:
    told = await says(lp, reports, "oneinch", SWAP, slippage_bps=50)
    assert isinstance(told, LpQuoted)
    assert (told.price, told.quote_ref, told.undealable) == (D(99_500), "A-1", "")
    target = urlsplit(lp.heard[0].target)
    assert target.path == "/swap/v6.1/1/swap"
    assert parse_qs(target.query) == {
        "src": [BTC], "dst": [USDT], "amount": ["150000000"], "includeTokensInfo": ["true"],
        "from": [TAKER], "origin": [TAKER], "slippage": ["0.5"],
    }  # fmt: skip
    assert lp.heard[0].headers["authorization"] == "Bearer k"


async def test_what_fusion_is_asked_and_guarantees(lp: Liar, reports: Reports) -> None:
    told = await says(lp, reports, "oneinch-fusion", FUSION)
    assert isinstance(told, LpQuoted)
    assert (told.price, told.quote_ref, told.undealable) == (D(100_000), "q-1", "")
    target = urlsplit(lp.heard[0].target)
    assert target.path == "/fusion/quoter/v2.0/1/quote/receive/"
    said = {name: value for name, [value] in parse_qs(target.query).items()}
    assert (said["walletAddress"], said["enableEstimate"]) == (TAKER, "true")
    slow = await says(lp, reports, "oneinch-fusion", FUSION, preset="slow")
    assert isinstance(slow, LpQuoted) and slow.price < 99_334
    unsigned = await says(lp, reports, "oneinch-fusion", FUSION | {"quoteId": None}, signer="")
    assert isinstance(unsigned, LpQuoted)
    assert unsigned.undealable.endswith("the auction begins at 100333.333333333333")
    with pytest.raises(ValueError, match=r"options\.preset: one of fast, medium, slow"):
        VENUES["oneinch-fusion"](plain(lp.url, "oneinch-fusion", preset="own"), reports, CLOCK)


def swap(**changes: Any) -> tuple[str, Any]:
    return "oneinch", SWAP | changes


def fusion(preset: dict[str, Any] | None = None, **changes: Any) -> tuple[str, Any]:
    return "oneinch-fusion", FUSION | {"presets": {"fast": PRESET | (preset or {})}} | changes


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (swap(srcToken={"address": USDT, "decimals": 8}), "address is another token"),
        (swap(dstToken={"address": USDT, "decimals": 18}), "dstToken has other decimals"),
        (swap(dstToken=None), "not an object"),
        (swap(dstAmount="0"), "price not greater than zero"),
        (swap(dstAmount="1.5"), "dstAmount not an amount"),
        (swap(dstAmount="9" * 77), "price out of range"),
        (swap(tx=CALL | {"from": ROUTER}), "transaction of another account"),
        (swap(tx=CALL | {"from": TAKER, "to": BTC}), "another contract"),
        (swap(tx=None), "not an object"),
        (("oneinch", "[" * 40), "nested too deep"),
        (fusion(fromTokenAmount="149999999"), "not what was asked"),
        (fusion({"auctionEndAmount": "150500000001"}), "ends above its start"),
        (fusion({"auctionEndAmount": None}), "auctionEndAmount not an amount"),
        (fusion({"auctionDuration": 10**9}), "auction lasts too long"),
        (fusion({"auctionDuration": -5}), "not a whole number"),
        (fusion({"auctionDuration": 0, "startAuctionIn": 0}), "or not at all"),
        (fusion(quoteId=None), "quoteId missing"),
        (fusion(quoteId=EVIL), "quoteId not usable"),
        (fusion(recommended_preset="best"), "not an object"),
    ],
)
async def test_an_answer_that_cannot_be_is_a_report(
    lp: Liar, reports: Reports, said: tuple[str, Any], words: str
) -> None:
    told = await says(lp, reports, *said)
    assert isinstance(told, LpFailed) and told.reason is Reason.MALFORMED, told
    assert words in told.text
