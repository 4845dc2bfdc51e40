"""What a chain says of a mined transaction: the tokens that moved, and what it cost. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from msgspec import Struct

from lpdesk.domain.events import OrderQueried
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import OrderFilled, OrderRejected
from lpdesk.domain.values import Instant, Side, round_even
from lpdesk.domain.wire import Fields, Malformed, plain
from lpdesk.venues.swap_terms import GAS_DECIMALS, Terms, Token, each_cost, of_units, usable

TRANSFER: Final = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""The hash of Transfer(address,address,uint256): what a token says when it moves."""

_HEX: Final = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)


class Noted(Struct, frozen=True, kw_only=True):
    """An order's transaction, as it lies on the disk."""

    hash: str
    raw: str
    nonce: int
    gas_price: int
    at: Instant
    symbol: str = ""
    side: Side = Side.BUY
    quantity: Decimal = Decimal(0)


def amount(value: object) -> int:
    """A number as a node writes it, in hex. Raises Malformed."""
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise Malformed("a number that is not in hex")
    return int(value, 16)


def outcome(
    query: OrderQueried, receipt: object, noted: Noted, terms: Terms
) -> tuple[OrderFilled | OrderRejected, int]:
    """What became of the order, and in which block. Raises Malformed."""
    fields = Fields(receipt)
    if fields.identifier("transactionHash").lower() != noted.hash:
        raise Malformed("a receipt of another transaction")
    block = amount(fields.raw("blockNumber"))
    cost = amount(fields.raw("gasUsed")) * amount(fields.raw("effectiveGasPrice"))
    fee = usable("network fee", of_units(cost, GAS_DECIMALS))
    if not amount(fields.raw("status")):
        text = f"reverted; {plain(fee.normalize())} {terms.native} of gas was paid"
        reason = Reason.PRICE_MOVED
        return OrderRejected(lp=query.lp, order_id=query.order_id, reason=reason, text=text), block
    base, quote = terms.pair(noted.symbol)
    bought, paid = (_moved(fields, token, terms.taker) for token in (base, quote))
    if noted.side is Side.SELL:
        bought, paid = -bought, -paid
    if bought <= 0 or paid >= 0:
        raise Malformed("a receipt in which the tokens did not change hands")
    quantity = usable("quantity", of_units(bought, base.decimals))
    cash = usable("amount paid", of_units(-paid, quote.decimals))
    filled = OrderFilled(
        lp=query.lp,
        order_id=query.order_id,
        execution_id=noted.hash,
        price=each_cost(cash, quantity, round_even),
        quantity=quantity,
        fee=fee,
        fee_asset=terms.native,
        partial=quantity < noted.quantity,
    )
    return filled, block


def _moved(receipt: Fields, token: Token, account: str) -> int:
    """What the account got of the token, less what it gave."""
    word, total = account.removeprefix("0x").rjust(64, "0"), 0
    for log in receipt.rows("logs"):
        topics = log.raw("topics")
        if log.text("address").lower() != token.address or not isinstance(topics, list):
            continue
        if len(topics) != 3 or topics[0] != TRANSFER:
            continue
        sender, receiver = (str(topic).lower().removeprefix("0x") for topic in topics[1:])
        moved = amount(log.raw("data"))
        total += moved * ((receiver == word) - (sender == word))
    return total
