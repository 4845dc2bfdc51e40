"""`kind = "b2c2"`: requests for quotes and trades over REST; B2C2's own names, numbers and errors.

A trade names the quote and repeats it to the letter. It does not carry an id of ours, so which
quote an order deals on is noted down before it leaves, and its trade is found by that.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import quote as quoted_text
from uuid import UUID, uuid5

from lpdesk.clock import Clock
from lpdesk.domain.events import LpAsked, OrderQueried, OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import (
    LpFailed,
    LpQuoted,
    OrderFilled,
    OrderLost,
    OrderNotFound,
    OrderNotSent,
    OrderRejected,
    QueryFailed,
)
from lpdesk.domain.values import SECOND, ZERO, Instant, Side
from lpdesk.domain.wire import Fields, Malformed, dump, parse, plain
from lpdesk.venues.answers import MAX_VALIDITY_MS, Outcome, unquoted
from lpdesk.venues.base import Endpoint, Option, Submit
from lpdesk.venues.http import Prove, header_text
from lpdesk.venues.line import Answer
from lpdesk.venues.notes import Notes
from lpdesk.venues.requesting import Call, RequestVenue

IDS: Final = UUID("6c7064e5-6b00-4000-8000-b2c2b2c2b2c2")
"""Our ask ids as the UUIDs that B2C2 wants."""

_KEPT_QUOTES: Final = 4_096
PAGE: Final = 1_000

CODES: Final[Mapping[str, str]] = {
    "USDT": "UST", "USDC": "USC", "LINK": "LNK", "MATIC": "MAT", "DOGE": "DOG", "AVAX": "AVX",
    "AAVE": "AAV",
}  # fmt: skip
"""B2C2's three letters for assets that have four or more. Option `codes` adds `OURS=ITS`."""

REASONS: Final[Mapping[str, Reason]] = {
    **dict.fromkeys(("1007", "1021"), Reason.QUOTE_EXPIRED),
    "1009": Reason.PRICE_MOVED,
    **dict.fromkeys(("1010", "1015", "1019"), Reason.SIZE),
    **dict.fromkeys(("1011", "1012", "1013"), Reason.CREDIT),
    **dict.fromkeys(("1001", "1016", "1018", "1022"), Reason.UNAUTHORISED),
    "1000": Reason.LP_ERROR,
}


class _Said(NamedTuple):
    """A quote to the letter."""

    instrument: str
    side: str
    price: str
    quantity: str


class B2c2Venue(RequestVenue):
    """B2C2 over REST."""

    def __init__(self, endpoint: Endpoint, submit: Submit, clock: Clock) -> None:
        beside = endpoint.beside
        notes = Notes(beside and beside.with_name(f"{beside.name}.{endpoint.name}.b2c2"))
        super().__init__(endpoint, submit, clock, B2c2(endpoint, notes), token(endpoint))
        self._notes = notes

    async def _execute(self, order: OrderSent) -> None:
        """Which quote the order deals on is on the disk before it leaves."""
        try:
            await asyncio.to_thread(self._notes.write, order.order_id, order.quote_ref)
        except OSError as trouble:
            text = f"notes cannot be written: {trouble.strerror}"
            lp, order_id = order.lp, order.order_id
            self._submit(OrderNotSent(lp=lp, order_id=order_id, reason=Reason.LP_ERROR, text=text))
            return
        await super()._execute(order)


def token(endpoint: Endpoint) -> Prove:
    """The word `Token` and the key: no signature."""
    words = [("Authorization", f"Token {header_text(endpoint)}")]
    return lambda method, target, body, now: words


class B2c2:
    """The dialect. Every path ends in a slash, every number is a text."""

    def __init__(self, endpoint: Endpoint, notes: Notes) -> None:
        self.name = endpoint.name
        self.codes = codes(endpoint.options)
        self._notes = notes
        self._said: OrderedDict[str, _Said] = OrderedDict()

    # ---- quotes

    def ask(self, ask: LpAsked) -> Call:
        what = {
            "client_rfq_id": str(uuid5(IDS, ask.ask_id)),
            "instrument": instrument(ask.symbol, self.codes),
            "side": ask.side.value.lower(),
            "quantity": plain(ask.quantity),
        }
        return Call("POST", "/request_for_quote/", dump(what))

    def quoted(self, ask: LpAsked, answer: Answer, now: Instant) -> LpQuoted | LpFailed:
        if not 200 <= answer.status < 300:
            code, words = _complaint(answer)
            return unquoted(ask, answer, now, words, REASONS.get(code))
        fields = Fields(parse(answer.body))
        if fields.identifier("client_rfq_id") != str(uuid5(IDS, ask.ask_id)):
            raise Malformed("answer to another request")
        ref, side = fields.identifier("rfq_id"), _side(fields)
        self._keep(ref, fields)
        right = fields.identifier("instrument") == instrument(ask.symbol, self.codes)
        return LpQuoted(
            lp=ask.lp,
            ask_id=ask.ask_id,
            quote_ref=ref,
            symbol=ask.symbol if right else fields.identifier("instrument"),
            side=side,
            price=fields.positive("price"),
            quantity=fields.positive("quantity"),
            validity_ns=_validity_ns(fields, now),
        )

    def _keep(self, ref: str, fields: Fields) -> None:
        names = ("instrument", "side", "price", "quantity")
        self._said[ref] = _Said(*(fields.identifier(name) for name in names))
        if len(self._said) > _KEPT_QUOTES:
            self._said.popitem(last=False)

    # ---- orders

    def order(self, order: OrderSent) -> Call:
        said = self._said.get(order.quote_ref) or _Said(
            instrument(order.symbol, self.codes),
            order.side.value.lower(),
            plain(order.price),
            plain(order.quantity),
        )
        return Call("POST", "/trade/", dump({"rfq_id": order.quote_ref, **said._asdict()}))

    def executed(self, order: OrderSent, answer: Answer) -> Outcome | OrderLost:
        if 200 <= answer.status < 300:
            fields = Fields(parse(answer.body))
            if fields.identifier("rfq_id") != order.quote_ref:
                raise Malformed("answer is about another quote")
            return _trade(order.lp, order.order_id, fields)
        return turned_down(order, answer)

    def query(self, query: OrderQueried) -> Call:
        return Call("GET", f"/trade/?limit={PAGE}")

    def queried(self, query: OrderQueried, answer: Answer) -> Outcome | OrderNotFound | QueryFailed:
        """The newest trades say it: one with the order's quote is the order's."""
        lp, order_id, ref = query.lp, query.order_id, self._notes.get(query.order_id)
        if answer.status != 200 or not ref:
            text = f"status {answer.status}" if ref else "which quote it dealt on is not known here"
            return QueryFailed(lp=lp, order_id=order_id, reason=Reason.LP_ERROR, text=text)
        for row in rows(answer.body):
            if row.text("rfq_id") == ref:
                return _trade(lp, order_id, row)
        return OrderNotFound(lp=lp, order_id=order_id)

    # ---- its list

    def listing(self, since_ns: Instant) -> Call:
        return Call("GET", f"/trade/?limit={PAGE}&created__gte={quoted_text(time_text(since_ns))}")

    def listed(self, body: bytes) -> tuple[Outcome, ...]:
        """A full page may not be all: it proves nothing, so Malformed is raised."""
        found = rows(body)
        if len(found) >= PAGE:
            raise Malformed("more trades than one page holds")
        return tuple(_trade(self.name, self._order_of(row), row) for row in found)

    def _order_of(self, row: Fields) -> str:
        ref = row.text("rfq_id")
        return self._notes.key_of(ref) or f"not ours: {ref or row.text('trade_id')}"


def turned_down(order: OrderSent, answer: Answer) -> OrderRejected | OrderLost:
    """An order that was not answered with a 2xx: rejected where B2C2 itself says why, else lost."""
    lp, order_id = order.lp, order.order_id
    code, words = _complaint(answer)
    if code and 400 <= answer.status < 500:
        reason = REASONS.get(code, Reason.OTHER)
        return OrderRejected(lp=lp, order_id=order_id, reason=reason, text=words)
    text = words or f"status {answer.status}"
    return OrderLost(lp=lp, order_id=order_id, reason=Reason.LP_ERROR, text=text)


def codes(options: Mapping[str, Option]) -> dict[str, str]:
    """The table of codes with what the configuration adds. Raises ValueError."""
    more = options.get("codes", ())
    if not isinstance(more, tuple) or not all(text.count("=") == 1 for text in more):
        raise ValueError('codes: a list such as ["PEPE=PEP"]')
    return {**CODES, **dict(text.split("=") for text in more)}


def time_text(at: Instant) -> str:
    """A time in B2C2's form, to the second."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instrument(symbol: str, known: Mapping[str, str]) -> str:
    """BTC/USDT -> BTCUST.SPOT."""
    return "".join(known.get(asset, asset) for asset in symbol.split("/")) + ".SPOT"


def _side(fields: Fields) -> Side:
    try:
        return Side(fields.identifier("side").upper())
    except ValueError:
        raise Malformed("side not buy or sell") from None


def _validity_ns(fields: Fields, now: Instant) -> int:
    """Between their `created` and `valid_until`, or from now where they do not say the first."""
    until = _instant(fields, "valid_until")
    since = _instant(fields, "created") if "created" in fields else now
    return max(0, min(until - since, int(MAX_VALIDITY_MS) * 1_000_000))


def _instant(fields: Fields, name: str) -> Instant:
    try:
        moment = datetime.fromisoformat(fields.identifier(name))
        if moment.tzinfo is None:
            raise ValueError
    except ValueError:
        raise Malformed(f"{name} is no time") from None
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * SECOND + moment.microsecond * 1_000


def rows(body: bytes) -> list[Fields]:
    """A bare list of objects. Raises Malformed."""
    found = parse(body)
    if not isinstance(found, list):
        raise Malformed("not a list")
    return [Fields(row) for row in found]


def _trade(lp: str, order_id: str, fields: Fields) -> OrderFilled:
    return OrderFilled(
        lp=lp,
        order_id=order_id,
        execution_id=fields.identifier("trade_id"),
        price=fields.positive("price"),
        quantity=fields.positive("quantity"),
        fee=ZERO,
        fee_asset="",
    )


def _complaint(answer: Answer) -> tuple[str, str]:
    """Code and words of the first error; empty where the body is not B2C2's."""
    try:
        first, *_ = Fields(parse(answer.body)).rows("errors")
        code = first.number("code")
        return plain(code), f"{plain(code)} {first.text('message')}".strip()
    except (Malformed, ValueError):
        return "", ""
