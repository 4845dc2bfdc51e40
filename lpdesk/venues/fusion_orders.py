"""Fusion orders: made and signed by the signer, given to the relayer once, followed by their hash.

What the signer made is held against what was counted on, and its hash is on the disk before the
order leaves. An order that nobody fills ends by itself, with its auction.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from lpdesk.clock import Clock
from lpdesk.domain.events import OrderQueried, OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.reports import (
    OrderFilled,
    OrderLost,
    OrderNotFound,
    OrderNotSent,
    OrderPending,
    OrderRejected,
    QueryFailed,
)
from lpdesk.domain.values import SECOND, Instant, round_even
from lpdesk.domain.wire import Fields, Malformed, dump, parse
from lpdesk.venues.base import Endpoint
from lpdesk.venues.chain import QUERY_S, Refused, Rpc
from lpdesk.venues.http import Http, Prove
from lpdesk.venues.line import Answer, NoAnswer
from lpdesk.venues.notes import Notes
from lpdesk.venues.oneinch import complaint
from lpdesk.venues.swap_terms import Terms, Token, each_cost, of_units, same_token, units, usable

SETTLING_NS: Final = 60 * SECOND
"""How long after an auction's end its last fill may be told."""

OPEN: Final = frozenset({"pending", "partially-filled"})
ENDED: Final = frozenset({"filled", "expired", "cancelled"})
STUCK: Final = frozenset(
    {"false-predicate", "not-enough-balance-or-allowance", "wrong-permit", "invalid-signature"}
)
"""Not filled as things are: it is only sure that it will not be once the auction is over."""

_REFUSED: Final = frozenset({400, 401, 403, 422, 429})
"""The relayer did not take the order, and nobody else has it."""

_HASH: Final = re.compile(r"0x[0-9a-f]{64}", re.ASCII)
_HEX: Final = re.compile(r"0x([0-9a-fA-F]{2}){0,65536}", re.ASCII)


class Auction(NamedTuple):
    """A quote as it is to be signed: its own text, and what the order must say. In units."""

    body: str
    preset: str
    quote_id: str
    base: Token
    quote: Token
    amount: int
    least: int
    lasts_s: int


class Noted(Struct, frozen=True, kw_only=True):
    """An order that was signed, as it lies on the disk. After `until` nothing fills it."""

    hash: str
    until: Instant
    symbol: str
    quantity: Decimal


class Orders:
    """Leads to exactly one report for each call, and never raises."""

    def __init__(self, endpoint: Endpoint, terms: Terms, clock: Clock, prove: Prove) -> None:
        """Raises ValueError for addresses, or a file beside the journal, that can never work."""
        beside = endpoint.beside
        self._notes = Notes(beside and beside.with_name(f"{beside.name}.{endpoint.name}.swaps"))
        self._terms = terms
        self._clock = clock
        self._signer = Rpc(replace(endpoint, url=terms.signer), clock)
        self._relayer = Http(endpoint, clock, prove)

    async def close(self) -> None:
        await self._signer.close()
        await self._relayer.close()

    # ---- sending

    async def send(self, order: OrderSent, promise: Auction) -> Report:
        """Have the order signed, note it down, give it to the relayer."""
        lp, order_id = order.lp, order.order_id
        if self._notes.get(order_id):
            reason, text = Reason.OUTCOME_UNKNOWN, "was signed before"
            return OrderLost(lp=lp, order_id=order_id, reason=reason, text=text)
        try:
            body = await self._signed(order, promise)
        except (NoAnswer, Malformed, Refused) as trouble:
            reason = getattr(trouble, "reason", Reason.LP_ERROR)
            text = f"not signed: {trouble.text}"
            return OrderNotSent(lp=lp, order_id=order_id, reason=reason, text=text)
        except OSError as error:
            reason, text = Reason.LP_ERROR, f"notes cannot be written: {error.strerror}"
            return OrderNotSent(lp=lp, order_id=order_id, reason=reason, text=text)
        path = f"/fusion/relayer/v2.0/{self._terms.chain}/order/submit"
        try:
            answer = await self._relayer.call(
                "POST", path, body, patience_s=QUERY_S, send_by=order.send_by
            )
        except NoAnswer as trouble:
            report = OrderNotSent if trouble.unsent else OrderLost
            return report(lp=lp, order_id=order_id, reason=trouble.reason, text=trouble.text)
        return _taken(order, answer)

    async def _signed(self, order: OrderSent, promise: Auction) -> bytes:
        """What the relayer takes. Raises NoAnswer, Malformed, Refused or OSError."""
        what = {
            "chainId": self._terms.chain,
            "maker": self._terms.taker,
            "makerAsset": promise.base.address,
            "takerAsset": promise.quote.address,
            "preset": promise.preset,
            "quote": promise.body,
        }
        said = Fields(await self._signer.call("fusion_signOrder", [what], patience_s=QUERY_S))
        made, name = said.raw("order"), said.identifier("orderHash").lower()
        if not _HASH.fullmatch(name) or not isinstance(made, dict):
            raise Malformed("the signer gave no order")
        self._hold(Fields(made), promise)
        noted = Noted(
            hash=name,
            until=self._clock.now() + promise.lasts_s * SECOND + SETTLING_NS,
            symbol=order.symbol,
            quantity=order.quantity,
        )
        note = msgspec.json.encode(noted).decode()
        await asyncio.to_thread(self._notes.write, order.order_id, note)
        return dump(
            {
                "order": {key: _text(value) for key, value in made.items()},
                "signature": _text(said.raw("signature"), _HEX),
                "extension": _text(said.raw("extension"), _HEX),
                "quoteId": promise.quote_id,
            }
        )

    def _hold(self, made: Fields, promise: Auction) -> None:
        """Raises Malformed unless the order sells what was asked, at the guarantee or better."""
        if made.identifier("maker").lower() != self._terms.taker:
            raise Malformed("order of another account")
        same_token(made, "makerAsset", promise.base)
        same_token(made, "takerAsset", promise.quote)
        if units(made, "makingAmount") != promise.amount:
            raise Malformed("order of another amount")
        if units(made, "takingAmount") < promise.least:
            raise Malformed("order below the guarantee")

    # ---- what became of it

    async def status(self, query: OrderQueried) -> Report:
        """What the relayer knows. An order that was never noted was never signed."""
        lp, order_id, known = query.lp, query.order_id, self._notes.get(query.order_id)
        if not known:
            return OrderNotFound(lp=lp, order_id=order_id)
        try:
            noted = msgspec.json.decode(known, type=Noted)
            path = f"/fusion/orders/v2.0/{self._terms.chain}/order/status/{noted.hash}"
            answer = await self._relayer.call("GET", path, patience_s=QUERY_S)
            return outcome(query, answer, noted, self._terms, self._clock.now())
        except NoAnswer as trouble:
            return QueryFailed(lp=lp, order_id=order_id, reason=trouble.reason, text=trouble.text)
        except Malformed as trouble:
            return QueryFailed(lp=lp, order_id=order_id, reason=Reason.MALFORMED, text=trouble.text)
        except msgspec.MsgspecError:
            text = "its note cannot be read"
            return QueryFailed(lp=lp, order_id=order_id, reason=Reason.OTHER, text=text)


def _text(value: object, pattern: re.Pattern[str] | None = None) -> str:
    if not isinstance(value, str) or (pattern and not pattern.fullmatch(value)):
        raise Malformed("the signer gave no order")
    return value


def _taken(order: OrderSent, answer: Answer) -> Report:
    """What the relayer says to an order: that it has it, that it has not, or neither."""
    lp, order_id = order.lp, order.order_id
    if 200 <= answer.status < 300:
        return OrderPending(lp=lp, order_id=order_id)
    text = complaint(answer) or f"status {answer.status}"
    if answer.status in _REFUSED:
        return OrderRejected(lp=lp, order_id=order_id, reason=Reason.DECLINED, text=text)
    return OrderLost(lp=lp, order_id=order_id, reason=Reason.LP_ERROR, text=text)


def outcome(
    query: OrderQueried, answer: Answer, noted: Noted, terms: Terms, now: Instant
) -> Report:
    """An order's status as a report on it. Raises Malformed."""
    lp, order_id, over = query.lp, query.order_id, now > noted.until
    pending = OrderPending(lp=lp, order_id=order_id)
    if answer.status == 404:
        return OrderNotFound(lp=lp, order_id=order_id) if over else pending
    if answer.status != 200:
        text = f"status {answer.status}"
        return QueryFailed(lp=lp, order_id=order_id, reason=Reason.LP_ERROR, text=text)
    fields = Fields(parse(answer.body))
    state = fields.identifier("status")
    if state not in OPEN | ENDED | STUCK:
        raise Malformed("unknown status")
    if state in OPEN or (state in STUCK and not over):
        return pending
    if fills := fields.rows("fills") if "fills" in fields else ():
        return _filled(query, fills, noted, terms)
    if state == "filled":
        raise Malformed("filled, without its fills")
    return OrderRejected(lp=lp, order_id=order_id, reason=Reason.QUOTE_EXPIRED, text=state)


def _filled(
    query: OrderQueried, fills: tuple[Fields, ...], noted: Noted, terms: Terms
) -> OrderFilled:
    """All fills as one. Their fee is in the asset that is received."""
    base, quote = terms.pair(noted.symbol)
    gave = sum(units(fill, "filledMakerAmount") for fill in fills)
    got = sum(units(fill, "filledAuctionTakerAmount") for fill in fills)
    fee = sum(units(fill, "takerFeeAmount") for fill in fills if "takerFeeAmount" in fill)
    quantity = usable("quantity", of_units(gave, base.decimals))
    cash = usable("amount received", of_units(got, quote.decimals))
    return OrderFilled(
        lp=query.lp,
        order_id=query.order_id,
        execution_id=noted.hash,
        price=each_cost(cash, quantity, round_even),
        quantity=quantity,
        fee=usable("fee", of_units(fee, quote.decimals)) if fee else Decimal(0),
        fee_asset=noted.symbol.partition("/")[2] if fee else "",
        partial=quantity < noted.quantity,
    )
