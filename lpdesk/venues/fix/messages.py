"""The bodies we send, and what the LP's answers about prices mean. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec import Struct

from lpdesk.domain.events import LpAsked, OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import LpFailed, LpQuoted
from lpdesk.domain.values import SECOND, ZERO, Instant, Side
from lpdesk.domain.wire import Fields, Malformed, plain
from lpdesk.venues.answers import why
from lpdesk.venues.fix.codec import Message, Pair, instant, utc
from lpdesk.venues.fix.profile import Profile

MAX_VALIDITY_NS: Final = 86_400 * SECOND
SIDES: Final = {Side.BUY: "1", Side.SELL: "2"}

REASONS: Final = {
    "1": Reason.DECLINED,
    "2": Reason.DECLINED,
    "3": Reason.SIZE,
    "4": Reason.TOO_LATE,
    "6": Reason.UNAUTHORISED,
    "8": Reason.NO_LIQUIDITY,
    "9": Reason.NO_LIQUIDITY,
    "10": Reason.DECLINED,
}
"""QuoteRequestRejectReason (658)."""

WITHDRAWN: Final = {
    "5": Reason.DECLINED,
    "6": Reason.WITHDRAWN,
    "7": Reason.QUOTE_EXPIRED,
    "9": Reason.NOT_FOUND,
    "11": Reason.DECLINED,
}
"""QuoteStatus (297) of a quote that is no more."""


# ---- what we say


def quote_request(p: Profile, ask: LpAsked, request_id: str, now: Instant) -> list[Pair]:
    """R: one price for one side and size, in base."""
    return [
        (131, request_id),
        (146, "1"),
        (55, p.venue_symbol(ask.symbol)),
        (54, SIDES[ask.side]),
        (38, plain(ask.quantity)),
        (15, p.currency(ask.symbol.partition("/")[0])),
        (60, utc(now)),
    ]


def end_of_interest(p: Profile, request_id: str, quote_ref: str, symbol: str) -> list[Pair]:
    """Z from us: no more quotes for that request."""
    return [
        (131, request_id), (117, quote_ref), (298, "1"), (295, "1"), (55, p.venue_symbol(symbol)),
    ]  # fmt: skip


def order(p: Profile, sent: OrderSent, now: Instant) -> tuple[str, list[Pair]]:
    """Message type and body that deal on a quote at its price, for all of the quantity or none."""
    symbol = p.venue_symbol(sent.symbol)
    account: list[Pair] = [(1, p.account)] if p.account else []
    price, quantity, side = plain(sent.price), plain(sent.quantity), SIDES[sent.side]
    currency = p.currency(sent.symbol.partition("/")[0])
    if p.orders == "response":
        return "AJ", [
            (693, sent.order_id), (117, sent.quote_ref), (694, "1"), (11, sent.order_id),
            (55, symbol), (54, side), (38, quantity), (15, currency), *account, (44, price),
            (60, utc(now)),
        ]  # fmt: skip
    quoted = p.orders == "previously-quoted"
    return "D", [
        (11, sent.order_id), *([(117, sent.quote_ref)] if quoted else []), *account, (55, symbol),
        (54, side), (60, utc(now)), (38, quantity), (40, "D" if quoted else "2"), (44, price),
        (15, currency), (59, p.time_in_force),
    ]  # fmt: skip


def status_request(order_id: str, query_id: str, symbol: str, side: str) -> list[Pair]:
    """H: what became of an order, by our own id."""
    return [(11, order_id), (790, query_id), (55, symbol), (54, side)]


def subscribe(p: Profile, request_id: str, symbol: str) -> list[Pair]:
    """V: a book, from now on."""
    kind = "1" if p.updates else "0"
    return [
        (262, request_id), (263, "1"), (264, str(p.depth)), (265, kind),
        (267, "2"), (269, "0"), (269, "1"), (146, "1"), (55, p.venue_symbol(symbol)),
    ]  # fmt: skip


# ---- what the LP says of prices


class Quoted(Struct, frozen=True):
    """One S: the quote for an ask."""

    report: LpQuoted
    ref: str


def quote(p: Profile, ask: LpAsked, message: Message, symbols: dict[str, str]) -> Quoted | LpFailed:
    """An S for an ask. `symbols` turns the venue's into ours; another one is told as it is.

    Validity is the LP's ValidUntilTime against its own SendingTime, and counts from our receipt:
    nobody's clock need be right.
    """
    try:
        fields = message.read()
        ref = fields.identifier("117")
        if "537" in fields and fields.text("537") != "1":
            return _failed(ask, Reason.DECLINED, "not a firm quote")
        theirs = fields.identifier("55")
        symbol = symbols.get(theirs, theirs)
        price_tag, size_tag = ("133", "135") if ask.side is Side.BUY else ("132", "134")
        price = fields.number(price_tag) if price_tag in fields else ZERO
        if price == ZERO:
            return _failed(ask, Reason.DECLINED, "this side is not quoted")
        report = LpQuoted(
            lp=ask.lp,
            ask_id=ask.ask_id,
            quote_ref=ref,
            symbol=symbol,
            side=_side(fields, ask),
            price=fields.positive(price_tag),
            quantity=_size(fields, size_tag, ask),
            validity_ns=validity_ns(p, fields, "62"),
        )
    except Malformed as trouble:
        return _failed(ask, Reason.MALFORMED, trouble.text)
    return Quoted(report, ref)


def validity_ns(p: Profile, fields: Fields, tag: str) -> int:
    """How long a price holds, by the LP's clock alone. Raises Malformed."""
    if tag not in fields:
        return p.validity_ns
    left_ns = instant(fields.text(tag)) - instant(fields.text("52"))
    return max(0, min(left_ns, MAX_VALIDITY_NS))


def _side(fields: Fields, ask: LpAsked) -> Side:
    """The side that a one-way quote says it is for."""
    told = {"1": Side.BUY, "2": Side.SELL}
    return told.get(fields.text("54"), ask.side)


def _size(fields: Fields, tag: str, ask: LpAsked) -> Decimal:
    """The size of that side, or the whole quote's; one that says none is for what was asked."""
    for each in (tag, "38"):
        if each in fields:
            return fields.positive(each)
    return ask.quantity


def rejected_request(ask: LpAsked, message: Message) -> LpFailed:
    """An AG for an ask."""
    fields = message.read()
    code, words = fields.text("658"), fields.text("58")
    reason = REASONS.get(code) or why(words)
    if reason is Reason.OTHER:
        reason = Reason.DECLINED
    return _failed(ask, reason, words or f"reject reason {code or 'not given'}")


def _failed(ask: LpAsked, reason: Reason, text: str) -> LpFailed:
    return LpFailed(lp=ask.lp, ask_id=ask.ask_id, reason=reason, text=text)
