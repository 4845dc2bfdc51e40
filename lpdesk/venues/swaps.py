"""LPs that are an aggregator of swaps on a chain: asked over its API, dealt on through a signer.

What it quotes is a transaction that somebody has to sign. Without a signer nothing is signed, and
every price is for information only. Nothing is ever approved: an allowance that is missing is told.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from msgspec.structs import replace

from lpdesk.clock import Clock
from lpdesk.domain.capabilities import KINDS, Word
from lpdesk.domain.events import LpAsked, OrderQueried, OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.reports import LpFailed, OrderNotSent, QueryFailed
from lpdesk.domain.values import SECOND, Side
from lpdesk.domain.wire import Fields, Malformed, plain
from lpdesk.venues.base import Endpoint, Submit
from lpdesk.venues.http import Prove
from lpdesk.venues.requesting import Asking, AskVenue
from lpdesk.venues.swap_terms import (
    GAS_DECIMALS,
    Terms,
    Token,
    Transaction,
    in_units,
    of_units,
    units,
)

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

NO_SIGNER: Final = "no signer: for information only"
PRICE_NS: Final = 15 * SECOND
QUOTE_NS: Final = 30 * SECOND
"""No expiry is told: a price is old after a block or two, a firm quote after so long."""

KEPT: Final = 1_024
_DATA: Final = re.compile(r"0x([0-9a-fA-F]{2}){4,32768}", re.ASCII)


class Wanted(NamedTuple):
    """One ask in the chain's words; `amount` in the smallest units of the base token."""

    base: Token
    quote: Token
    amount: int

    def legs(self, side: Side) -> tuple[Token, Token]:
        """What is sold, and what is bought."""
        return (self.quote, self.base) if side is Side.BUY else (self.base, self.quote)


class Promised(Generic[T]):
    """What is to be signed, by the names of the quotes: the latest 1,024."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, T] = OrderedDict()

    def keep(self, ref: str, promise: T) -> None:
        self._known[ref] = promise
        if len(self._known) > KEPT:
            self._known.popitem(last=False)

    def get(self, ref: str) -> T | None:
        return self._known.get(ref)


class Swaps(Asking, Protocol[T]):
    """The asking of such an LP, and what it last promised under a quote's name."""

    promised: Promised[T]


class Deals(Protocol[T_contra]):
    """What signs and sends. Each call leads to one report, and none raises."""

    async def send(self, order: OrderSent, promise: T_contra) -> Report: ...

    async def status(self, query: OrderQueried) -> Report: ...

    async def close(self) -> None: ...


class SwapVenue(AskVenue, Generic[T]):
    """Such an LP. `deals` is None where nobody signs."""

    def __init__(
        self,
        endpoint: Endpoint,
        submit: Submit,
        clock: Clock,
        swaps: Swaps[T],
        deals: Deals[T] | None,
        prove: Prove,
    ) -> None:
        super().__init__(endpoint, submit, clock, swaps, prove)
        self._promised = swaps.promised
        self._deals = deals
        self.note = "unverified"
        if not deals:
            self.note = f"unverified, {NO_SIGNER}"
            self.capabilities = replace(
                KINDS[endpoint.kind], word=Word.INDICATIVE, validity_ns=PRICE_NS
            )

    def execute(self, order: OrderSent) -> None:
        """One transaction, signed and sent once or not at all."""
        self._tasks.spawn(self._execute(order))

    def query(self, query: OrderQueried) -> None:
        """One look at what the chain knows of it."""
        self._tasks.spawn(self._query(query))

    async def close(self) -> None:
        """What was sent is asked for at the next start."""
        await super().close()
        if self._deals:
            await self._deals.close()

    async def _execute(self, order: OrderSent) -> None:
        promise = self._promised.get(order.quote_ref)
        if self._deals and promise and self._clock.now() <= order.send_by:
            self._submit(await self._deals.send(order, promise))
            return
        reason, text = Reason.TOO_LATE, ""
        if not self._deals:
            reason, text = Reason.NOT_ENABLED, NO_SIGNER
        elif not promise:
            reason, text = Reason.QUOTE_EXPIRED, "it is not known here any more"
        self._submit(OrderNotSent(lp=order.lp, order_id=order.order_id, reason=reason, text=text))

    async def _query(self, query: OrderQueried) -> None:
        if self._deals:
            self._submit(await self._deals.status(query))
            return
        reason = Reason.NOT_ENABLED
        self._submit(
            QueryFailed(lp=query.lp, order_id=query.order_id, reason=reason, text=NO_SIGNER)
        )


# ---- what dialects share


def wanted(ask: LpAsked, terms: Terms) -> Wanted | LpFailed:
    """The ask in smallest units, or why there can be none."""
    base, quote = terms.pair(ask.symbol)
    amount = in_units(ask.quantity, base)
    if amount is None:
        return declined(ask, Reason.SIZE, f"more than {base.decimals} decimals")
    return Wanted(base, quote, amount)


def declined(ask: LpAsked, reason: Reason, text: str) -> LpFailed:
    return LpFailed(lp=ask.lp, ask_id=ask.ask_id, reason=reason, text=text)


def transaction(fields: Fields, terms: Terms) -> tuple[Transaction, str]:
    """What is to be signed, and why it is too dear if it is.

    Raises Malformed for a call of another contract, with money in it, or without its gas.
    """
    data = fields.raw("data")
    if fields.identifier("to").lower() != terms.contract:
        raise Malformed("transaction to another contract")
    if not isinstance(data, str) or not _DATA.fullmatch(data):
        raise Malformed("transaction without usable data")
    if units(fields, "value"):
        raise Malformed("transaction with native money in it")
    found = Transaction(terms.contract, data, units(fields, "gas"), units(fields, "gasPrice"))
    cost = found.gas * found.gas_price
    if not cost:
        raise Malformed("transaction without gas")
    if cost <= terms.max_fee:
        return found, ""
    fee, most = (plain(of_units(each, GAS_DECIMALS).normalize()) for each in (cost, terms.max_fee))
    return found, f"network fee {fee} {terms.native} is above {most}"
