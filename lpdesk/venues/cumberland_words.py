"""Cumberland's words: what is sent, and what an answer means. Pure.

Numbers are JSON numbers. A quote is two-sided and has an id and a growing version; only the newest
version can be dealt on. What an order became is told by our own id, then and in the trade history.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec import Struct

from lpdesk.domain.events import LpAsked
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import OrderFilled, OrderRejected
from lpdesk.domain.values import MILLISECOND, ZERO, Instant, Side
from lpdesk.domain.wire import Fields, Malformed
from lpdesk.venues.answers import MAX_VALIDITY_MS, why
from lpdesk.venues.base import Endpoint
from lpdesk.venues.ticks import Level, Tick
from lpdesk.venues.wire import exact

PAGE: Final = 500
"""The most that the history of trades gives."""

Said = dict[str, object]


class Us(Struct, frozen=True):
    """Who we are there."""

    counterparty: str
    user: str

    @classmethod
    def of(cls, endpoint: Endpoint) -> Us:
        """From the options. Raises ValueError."""
        names = ("counterparty", "user")
        found = [str(endpoint.options.get(name, "")) for name in names]
        for name, text in zip(names, found, strict=True):
            if not text:
                raise ValueError(f"{endpoint.name}: options.{name}: is needed")
        return cls(*found)

    def says(self, kind: str, request_id: str, **more: object) -> str:
        """A message in their envelope."""
        identity = {"counterpartyId": self.counterparty, "userId": self.user}
        head = {"messageType": kind, "counterpartyRequestId": request_id}
        return exact({**head, **more, "externalIdentity": identity}).decode()

    def is_meant(self, fields: Fields) -> bool:
        """Whether a message is to us: others of our counterparty hear and are heard, too."""
        for inner in ("externalIdentity", "tradeRequest", "quoteRequest"):
            if inner in fields:
                there = fields.inner(inner)
                if inner != "externalIdentity":
                    if "externalIdentity" not in there:
                        continue
                    there = there.inner("externalIdentity")
                return there.text("userId") == self.user
        return True


def ticker(symbol: str) -> str:
    """BTC/USD -> BTC_USD."""
    return symbol.replace("/", "_")


def stream_request(us: Us, ask: LpAsked, request_id: str) -> str:
    """A price for exactly that size, again and again."""
    size = {"quantity": ask.quantity, "currency": ask.symbol.split("/")[0]}
    kind = "STREAMING_QUOTE_REQUEST"
    return us.says(kind, request_id, ticker=ticker(ask.symbol), quantity=size)


def stream_close(us: Us, request_id: str, quote_id: str, version: int) -> str:
    """No more of it."""
    ref = {"id": quote_id, "version": version}
    return us.says("STREAMING_QUOTE_CLOSE_REQUEST", request_id, quoteResponseId=ref)


def trade_request(us: Us, order_id: str, quote_id: str, version: int, side: Side) -> str:
    """Deal on exactly that version; the quote has the size."""
    ref = {"id": quote_id, "version": version}
    more: Said = {"quoteResponseId": ref, "counterpartyAction": side.value}
    return us.says("TRADE_REQUEST", order_id, **more)


def history_request(us: Us, request_id: str, count: int) -> str:
    """The latest trades."""
    return us.says("TRADE_HISTORY_REQUEST", request_id, numberOfRecords=count)


def tick(ask: LpAsked, fields: Fields, now: Instant) -> Tick:
    """An open quote's prices. Raises Malformed, also for another pair or a larger size."""
    ref = fields.inner("quoteResponseId")
    name = f"{ref.identifier('id')}/{ref.whole('version')}"
    bid, offer = (_level(ask, fields, side, name) for side in ("sell", "buy"))
    if bid.price > offer.price:
        raise Malformed("bid above ask")
    lives_ms = fields.number("expireTime") - fields.number("creationTime")
    lives_ns = int(max(ZERO, min(lives_ms, MAX_VALIDITY_MS)) * MILLISECOND)
    return Tick(bid=bid, ask=offer, received_at=now, expires_at=now + lives_ns)


def _level(ask: LpAsked, fields: Fields, side: str, name: str) -> Level:
    base, cash = ask.symbol.split("/")
    price, size = fields.inner(f"{side}UnitPrice"), fields.inner(f"{side}Quantity")
    if price.text("ticker") not in ("", ticker(ask.symbol)) or price.text("currency") != cash:
        raise Malformed("a price of another pair")
    quantity = size.positive("quantity")
    if size.text("currency") != base or quantity > ask.quantity:
        raise Malformed("another size than asked for")
    return Level(price.positive("price"), quantity, name)


def order_of(fields: Fields) -> str:
    """Our id of the order that a trade response is about."""
    return fields.inner("tradeRequest").identifier("counterpartyRequestId")


def outcome(lp: str, order_id: str, fields: Fields) -> OrderFilled | OrderRejected:
    """A trade response as a report. Raises Malformed where it says neither."""
    match fields.identifier("status").upper():
        case "FILLED":
            size = fields.inner("quantity")
            return OrderFilled(
                lp=lp,
                order_id=order_id,
                execution_id=fields.identifier("tradeId"),
                price=fields.inner("unitPrice").positive("price"),
                quantity=_base(fields, size),
                fee=ZERO,
                fee_asset="",
            )
        case "REJECTED":
            words = fields.text("reason") or "rejected"
            known = why(words)
            reason = Reason.PRICE_MOVED if known is Reason.OTHER else known
            return OrderRejected(lp=lp, order_id=order_id, reason=reason, text=words)
    raise Malformed("unknown status")


def _base(fields: Fields, size: Fields) -> Decimal:
    """How much base was dealt, by the pair that the unit price names."""
    named = fields.inner("unitPrice").text("ticker")
    if named and size.text("currency") not in ("", named.partition("_")[0]):
        raise Malformed("a quantity that is not in base")
    return size.positive("quantity")


def history(fields: Fields) -> list[Fields]:
    """The trades that a history holds, newest first as they come."""
    return list(fields.rows("historicalTrades"))


def traded_at(fields: Fields) -> Instant:
    """When, by their clock."""
    return int(fields.number("tradeTime")) * MILLISECOND
