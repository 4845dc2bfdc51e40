"""Transactions: signed once, and what the chain says became of them, over real sockets."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lpdesk.domain.keccak import keccak256
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import (
    OrderFilled,
    OrderLost,
    OrderNotFound,
    OrderNotSent,
    OrderPending,
    OrderRejected,
)
from lpdesk.domain.values import SECOND
from lpdesk.domain.wire import Malformed
from lpdesk.sandbox import Mood, Sandbox
from lpdesk.sandbox.node import Node
from lpdesk.venues import account
from lpdesk.venues.receipts import outcome
from lpdesk.venues.swap_terms import terms
from lpdesk.venues.swaps import SwapVenue
from tests.conftest import eventually
from tests.venues.effects import query
from tests.venues.liar import Reports
from tests.venues.swapping import (
    BTC,
    NAME,
    ROUTER,
    TAKER,
    USDT,
    Later,
    asked,
    deal,
    plain,
    quoted,
    sent,
    venue,
)

D = Decimal


# ---- what becomes of a transaction


async def test_what_is_lost_on_the_way_back_is_found_by_its_hash(
    onchain: Sandbox, swapper: SwapVenue, reports: Reports
) -> None:
    for number, mood in enumerate((Mood.RESET_AFTER_FILL, Mood.ERROR_AFTER_FILL)):
        onchain.venue(NAME).script(mood)
        swapper.execute(deal(await quoted(swapper, reports), f"O-{number}"))
        assert isinstance(await reports.next(), OrderLost)
        assert isinstance(await asked(swapper, reports, f"O-{number}"), OrderFilled)
    assert len(await onchain.venue(NAME).executions()) == 2


async def test_one_that_reverts_is_rejected_and_says_what_it_cost(
    onchain: Sandbox, swapper: SwapVenue, reports: Reports
) -> None:
    onchain.venue(NAME).script(Mood.REJECT)
    await sent(swapper, reports)
    told = await asked(swapper, reports)
    assert isinstance(told, OrderRejected) and told.reason is Reason.PRICE_MOVED
    assert told.text == "reverted; 0.00015 ETH of gas was paid"


async def test_not_mined_yet_is_not_known_yet(
    onchain: Sandbox, node: Node, reports: Reports, tmp_path: Path
) -> None:
    """In the pool, then mined but not deep enough, then filled."""
    weyl = venue(onchain, reports, tmp_path / "desk.db", confirmations=3)
    onchain.venue(NAME).script(Mood.PENDING)
    _, pending = await sent(weyl, reports)
    assert isinstance(pending, OrderPending)
    assert isinstance(await asked(weyl, reports), OrderPending)
    await node.mine()
    for _ in range(2):
        assert isinstance(await asked(weyl, reports), OrderPending)
        node.empty()
    assert isinstance(await asked(weyl, reports), OrderFilled)
    await weyl.close()


async def test_one_that_was_dropped_stays_unknown_until_its_number_is_used(
    onchain: Sandbox, swapper: SwapVenue, node: Node, reports: Reports
) -> None:
    """The next transaction takes the number; then it is sure that the first never will be."""
    onchain.venue(NAME).script(Mood.PENDING)
    await sent(swapper, reports)
    node.drop()
    assert isinstance(await asked(swapper, reports), OrderPending)
    swapper.execute(deal(await quoted(swapper, reports), "O-2"))
    assert isinstance(await reports.next(), OrderPending)
    replaced = await asked(swapper, reports)
    assert isinstance(replaced, OrderRejected) and "another transaction" in replaced.text
    assert isinstance(await asked(swapper, reports, "O-2"), OrderFilled)
    assert len(await onchain.venue(NAME).executions()) == 1


async def test_its_number_is_used_up_by_an_empty_transaction_where_that_is_configured(
    onchain: Sandbox, node: Node, reports: Reports, tmp_path: Path
) -> None:
    clock = Later()
    weyl = venue(onchain, reports, tmp_path / "desk.db", clock)
    onchain.venue(NAME).script(Mood.PENDING)
    await sent(weyl, reports)
    node.drop()
    assert isinstance(await asked(weyl, reports), OrderPending)
    assert not node.pool and not await onchain.venue(NAME).executions()
    clock.ahead = 6 * SECOND
    assert isinstance(await asked(weyl, reports), OrderPending)
    told = await asked(weyl, reports)
    assert isinstance(told, OrderRejected) and "another transaction" in told.text
    [void] = await onchain.venue(NAME).executions()
    assert (void.status, void.reason) == ("REJECTED", "VOID")
    await weyl.close()


@pytest.mark.parametrize("reached", [False, True], ids=["never sent", "mined"])
async def test_killed_between_signing_and_the_answer(
    onchain: Sandbox,
    swapper: SwapVenue,
    node: Node,
    reports: Reports,
    tmp_path: Path,
    reached: bool,
) -> None:
    """What was signed is on the disk: another process asks for it, and sends nothing again."""
    mood = Mood.HANG_AFTER_FILL if reached else Mood.HANG_EXECUTE
    onchain.venue(NAME).script(mood)
    lost = deal(await quoted(swapper, reports))
    swapper.execute(lost)
    heard = tmp_path / "desk.db.weyl.swaps"
    await eventually(lambda: heard.read_text().count("\n") == 1)
    if reached:
        await eventually(lambda: len(node.mined) == 1)
    await swapper.close()  # nothing is reported any more
    again = venue(onchain, reports, tmp_path / "desk.db")
    if reached:
        assert isinstance(await asked(again, reports), OrderFilled)
    else:
        assert isinstance(await asked(again, reports), OrderPending)
        again.execute(lost)  # nobody would; its quote is not known here any more
        assert isinstance(await reports.next(), OrderNotSent)
    assert isinstance(await asked(again, reports, "O-9"), OrderNotFound)
    assert len(await onchain.venue(NAME).executions()) == int(reached)
    assert oct(heard.stat().st_mode)[-3:] == "600"
    await again.close()


async def test_an_order_is_signed_once(
    onchain: Sandbox, swapper: SwapVenue, reports: Reports
) -> None:
    it, _ = await sent(swapper, reports)
    swapper.execute(it)
    told = await reports.next()
    assert isinstance(told, OrderLost) and told.text == "was signed before"
    assert len(await onchain.venue(NAME).executions()) == 1


async def test_two_orders_at_once_take_two_numbers(
    onchain: Sandbox, swapper: SwapVenue, reports: Reports
) -> None:
    one, two = [deal(await quoted(swapper, reports), f"O-{n}") for n in range(2)]
    swapper.execute(one)
    swapper.execute(two)
    assert {type(await reports.next()) for _ in range(2)} == {OrderPending}
    assert len({b.client_order_id for b in await onchain.venue(NAME).executions()}) == 2


async def test_a_node_of_another_chain_and_a_signer_that_is_away(
    onchain: Sandbox, swapper: SwapVenue, node: Node, reports: Reports
) -> None:
    node.chain = 1
    it, told = await sent(swapper, reports)
    assert isinstance(told, OrderNotSent) and "another chain" in told.text
    node.chain = 31_337
    away = venue(onchain, reports, signer="http://127.0.0.1:9/")
    _, told = await sent(away, reports)
    assert isinstance(told, OrderNotSent) and told.reason is Reason.UNREACHABLE
    assert isinstance(await asked(swapper, reports, it.order_id), OrderNotFound)
    assert not await onchain.venue(NAME).executions()
    await away.close()


# ---- receipts and hashes


def topic(address: str) -> str:
    return "0x" + address[2:].rjust(64, "0")


def receipt(**changes: Any) -> dict[str, Any]:
    moved = ((USDT, TAKER, ROUTER, 50_100), (BTC, ROUTER, TAKER, 40), (USDT, ROUTER, TAKER, 100))
    logs = [
        {"address": token, "topics": [TRANSFER, topic(a), topic(b)], "data": hex(amount)}
        for token, a, b, amount in moved
    ]
    return {
        "transactionHash": "0xaa", "blockNumber": "0x10", "status": "0x1", "gasUsed": "0x5208",
        "effectiveGasPrice": "0x3b9aca00", "logs": logs,
    } | changes  # fmt: skip


TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
NOTED = account.Noted(
    hash="0xaa", raw="0x", nonce=1, gas_price=1, at=0, symbol="BTC/USDT", quantity=D("0.0000004")
)
TERMS = terms(plain("https://x"))


def test_a_fill_is_what_moved_on_the_account() -> None:
    """What came back of the payment counts; what others moved does not."""
    stranger = {"address": BTC, "topics": [TRANSFER, topic(ROUTER), topic(USDT)], "data": "0x9"}
    said = receipt()
    filled, block = outcome(query(), said | {"logs": [*said["logs"], stranger]}, NOTED, TERMS)
    assert isinstance(filled, OrderFilled) and block == 16
    assert (filled.quantity, filled.price) == (D("0.0000004"), D("125000"))
    assert filled.fee == D("0.000021") and not filled.partial


@pytest.mark.parametrize(
    "changes",
    [
        {"transactionHash": "0xbb"}, {"logs": []}, {"logs": None}, {"status": "1"},
        {"status": None}, {"gasUsed": "0x0"}, {"gasUsed": "0x" + "f" * 64},
        {"gasUsed": "0x" + "f" * 65}, {"blockNumber": None},
        {"logs": [{"address": BTC, "topics": [TRANSFER, 1, None], "data": "0x1"}]},
        {"logs": [
            {"address": BTC, "topics": [TRANSFER, topic(ROUTER), topic(TAKER)],
             "data": "0x" + "f" * 64},
            {"address": USDT, "topics": [TRANSFER, topic(TAKER), topic(ROUTER)], "data": "0x1"},
        ]},
    ],
)  # fmt: skip
def test_a_receipt_that_cannot_be_proves_nothing(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        outcome(query(), receipt(**changes), NOTED, TERMS)


def test_keccak_is_that_of_the_chain() -> None:
    """Its permutation is that of the standard library's SHA3, which ends a message otherwise."""
    assert keccak256(b"Transfer(address,address,uint256)").hex() == TRANSFER[2:]
    empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"").hex() == empty
    for length in (1, 55, 134, 135, 136, 137, 271, 272, 500):
        message = bytes(index * 7 % 256 for index in range(length))
        assert keccak256(message, 0x06) == hashlib.sha3_256(message).digest()
