"""Fusion's orders over real sockets: what the signer makes is held, what is sent is followed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lpdesk.domain.record import Report
from lpdesk.domain.reports import (
    LpQuoted,
    OrderFilled,
    OrderLost,
    OrderNotFound,
    OrderNotSent,
    OrderPending,
    OrderRejected,
)
from lpdesk.domain.values import SECOND, Side
from lpdesk.domain.wire import Malformed
from lpdesk.sandbox import Mood, Sandbox
from lpdesk.sandbox.oneinch import auctioned
from lpdesk.venues.base import VENUES
from lpdesk.venues.fusion_orders import Noted, outcome
from lpdesk.venues.line import Answer
from lpdesk.venues.swap_terms import terms
from tests.venues.effects import ask, order, query
from tests.venues.liar import Liar, Reports, answer, liar
from tests.venues.swapping import (
    BTC,
    CLOCK,
    FUSION,
    ROUTER,
    TAKER,
    USDT,
    Later,
    asked,
    plain,
    sent,
    venue,
)

D = Decimal


@pytest.fixture
def stand_in() -> str:
    return "abel"


HASH = "0x" + "ab" * 32
MADE = {
    "maker": TAKER, "makerAsset": BTC, "takerAsset": USDT, "makingAmount": "150000000",
    "takingAmount": "150000000000", "salt": "7",
}  # fmt: skip
SIGNED = {"orderHash": HASH, "order": MADE, "signature": "0x01", "extension": "0x"}


@pytest.fixture
async def signer() -> AsyncIterator[Liar]:
    async with liar() as it:
        yield it


async def signs(lp: Liar, signer: Liar, reports: Reports, result: Any, *then: Any) -> Report:
    """An order on a quote, with a signer that says `result` and a relayer that says `then`."""
    lp.says(answer(FUSION), *then)
    signer.says(answer({"jsonrpc": "2.0", "id": 1, "result": result}))
    it = VENUES["oneinch-fusion"](
        plain(lp.url, "oneinch-fusion", signer=signer.url), reports, CLOCK
    )
    it.ask(ask(side=Side.SELL))
    quote = await reports.next()
    assert isinstance(quote, LpQuoted), quote
    it.execute(order(quote_ref="q-1", side=Side.SELL, price=quote.price))
    told = await reports.next()
    await it.close()
    return told


async def test_what_the_signer_gets_and_the_relayer(
    lp: Liar, signer: Liar, reports: Reports
) -> None:
    told = await signs(lp, signer, reports, SIGNED, answer("", 201))
    assert isinstance(told, OrderPending), told
    wanted = json.loads(signer.heard[0].body)
    assert wanted["method"] == "fusion_signOrder"
    [what] = wanted["params"]
    assert json.loads(what.pop("quote")) == FUSION
    assert what == {
        "chainId": 1, "maker": TAKER, "makerAsset": BTC, "takerAsset": USDT, "preset": "fast",
    }  # fmt: skip
    assert lp.heard[1].target == "/fusion/relayer/v2.0/1/order/submit"
    given = {"order": MADE, "signature": "0x01", "extension": "0x", "quoteId": "q-1"}
    assert json.loads(lp.heard[1].body) == given


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (SIGNED | {"order": MADE | {"takingAmount": "149999999999"}}, "below the guarantee"),
        (SIGNED | {"order": MADE | {"makingAmount": "150000001"}}, "another amount"),
        (SIGNED | {"order": MADE | {"maker": ROUTER}}, "another account"),
        (SIGNED | {"order": MADE | {"takerAsset": BTC}}, "takerAsset is another token"),
        (SIGNED | {"order": MADE | {"salt": 7}}, "gave no order"),
        (SIGNED | {"orderHash": "0x12"}, "gave no order"),
        (SIGNED | {"signature": "yes"}, "gave no order"),
        ("0x00", "not an object"),
    ],
)
async def test_an_order_that_is_not_what_was_counted_on_does_not_leave(
    lp: Liar, signer: Liar, reports: Reports, result: Any, words: str
) -> None:
    told = await signs(lp, signer, reports, result)
    assert isinstance(told, OrderNotSent) and words in told.text, told
    assert len(lp.heard) == 1  # the quote


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, OrderRejected), (429, OrderRejected), (500, OrderLost), (409, OrderLost)],
)
async def test_what_a_relayer_refuses_is_rejected_and_the_rest_unknown(
    lp: Liar, signer: Liar, reports: Reports, status: int, kind: type[Report]
) -> None:
    told = await signs(lp, signer, reports, SIGNED, answer({"description": "no"}, status))
    assert type(told) is kind and getattr(told, "text", "") == "no"


async def test_an_order_that_the_relayer_never_had_is_sure_when_its_auction_is_over(
    reports: Reports, tmp_path: Path, onchain: Sandbox
) -> None:
    clock = Later()
    it = venue(onchain, reports, tmp_path / "desk.db", clock)
    onchain.venue("abel").script(Mood.RESET_BEFORE_FILL)
    _, lost = await sent(it, reports)
    assert isinstance(lost, OrderLost)
    assert isinstance(await asked(it, reports), OrderPending)
    clock.ahead = (60 + 12 + 61) * SECOND
    assert isinstance(await asked(it, reports), OrderNotFound)
    await it.close()


FILL = {"filledMakerAmount": "100000000", "filledAuctionTakerAmount": "100010000000"}
REST = FILL | {
    "filledMakerAmount": "50000000", "filledAuctionTakerAmount": "50003000000",
    "takerFeeAmount": "2500000",
}  # fmt: skip
NOTED = Noted(hash=HASH, until=1_000, symbol="BTC/USDT", quantity=D("1.5"))
TERMS = terms(plain("https://x"))


def status(state: str, *fills: dict[str, str], now: int = 0) -> Report:
    body = json.dumps({"status": state, "fills": fills}).encode()
    return outcome(query(), Answer(200, body, ""), NOTED, TERMS, now)


def test_the_states_of_an_order() -> None:
    for state in ("pending", "partially-filled"):
        assert isinstance(status(state, FILL), OrderPending)
    for state in ("expired", "cancelled"):
        assert isinstance(status(state), OrderRejected)
    for state in ("false-predicate", "not-enough-balance-or-allowance", "wrong-permit"):
        assert isinstance(status(state), OrderPending)  # it may be filled yet
        assert isinstance(status(state, now=1_001), OrderRejected)
    whole, part = status("filled", FILL, REST), status("expired", FILL)
    assert isinstance(whole, OrderFilled) and isinstance(part, OrderFilled)
    assert (whole.quantity, whole.price, whole.partial) == (
        D("1.5"),
        D("100008.666666666667"),
        False,
    )
    assert (whole.fee, whole.fee_asset) == (D("2.5"), "USDT")
    assert (part.quantity, part.price, part.partial) == (D(1), D(100_010), True)


@pytest.mark.parametrize(
    ("state", "fills"),
    [("done", ()), ("filled", ()), ("filled", (FILL | {"filledMakerAmount": "-1"},))],
)
def test_a_state_that_cannot_be_proves_nothing(
    state: str, fills: tuple[dict[str, str], ...]
) -> None:
    with pytest.raises(Malformed):
        status(state, *fills)


@pytest.mark.parametrize(
    ("bump", "amount"),
    [
        (200_461, 626771998563995046), (210_661, 627398742236202876),
        (302_466, 633039742513363640), (0, 614454580595911348),
    ],
)  # fmt: skip
def test_the_amounts_of_an_auction_are_those_of_the_description(bump: int, amount: int) -> None:
    assert auctioned(614454580595911348, bump) == amount
