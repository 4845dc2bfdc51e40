"""What an LP's answer means: from status and body to exactly one report. Pure.

The rule for orders: only what is certain is said. Whatever cannot be read is lost, not failed.
"""

from __future__ import annotations

import re
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TypeAlias

from lpdesk.domain.events import LpAsked, OrderQueried, OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import (
    LpFailed,
    LpQuoted,
    OrderFilled,
    OrderLost,
    OrderNotFound,
    OrderPending,
    OrderRejected,
    QueryFailed,
)
from lpdesk.domain.values import MILLISECOND, SECOND, ZERO, Instant, Side
from lpdesk.domain.wire import Fields, Malformed, parse
from lpdesk.venues.line import Answer

Outcome: TypeAlias = OrderFilled | OrderRejected | OrderPending

MAX_VALIDITY_MS = Decimal(86_400_000)
MAX_RETRY_AFTER_S = 3_600


# ---- quotes


def quoted(ask: LpAsked, answer: Answer, now: Instant) -> LpQuoted | LpFailed:
    """What came of an ask. A symbol or side that the LP names itself is reported as named."""
    if not 200 <= answer.status < 300:
        return unquoted(ask, answer, now, _complaint(answer)[1])
    try:
        fields = Fields(parse(answer.body))
        return LpQuoted(
            lp=ask.lp,
            ask_id=ask.ask_id,
            quote_ref=fields.identifier("quoteId"),
            symbol=fields.identifier("symbol") if "symbol" in fields else ask.symbol,
            side=_side(fields) if "side" in fields else ask.side,
            price=fields.positive("price"),
            quantity=fields.positive("quantity"),
            validity_ns=validity_ns(fields),
        )
    except Malformed as trouble:
        return LpFailed(lp=ask.lp, ask_id=ask.ask_id, reason=Reason.MALFORMED, text=trouble.text)


def validity_ns(fields: Fields) -> int:
    """`expiresIn` (ms) in nanoseconds: none if it is not above zero, a day at most."""
    milliseconds = fields.number("expiresIn")
    return int(max(ZERO, min(milliseconds, MAX_VALIDITY_MS)) * MILLISECOND)


def _side(fields: Fields) -> Side:
    try:
        return Side(fields.identifier("side").upper())
    except ValueError:
        raise Malformed("side not BUY or SELL") from None


def unquoted(
    ask: LpAsked, answer: Answer, now: Instant, words: str, known: Reason | None = None
) -> LpFailed:
    """An ask that was refused, with the LP's words, and the reason where its code says more."""
    reason = _BY_STATUS.get(answer.status) or known
    if reason is None:
        if 400 <= answer.status < 500:
            reason = Reason.DECLINED
        elif answer.status >= 500:
            reason = Reason.LP_ERROR
        else:
            reason, words = Reason.MALFORMED, f"status {answer.status}, not followed"
    return LpFailed(
        lp=ask.lp,
        ask_id=ask.ask_id,
        reason=reason,
        text=words or f"status {answer.status}",
        retry_after_ns=retry_after_ns(answer.retry_after, now),
    )


def retry_after_ns(text: str, now: Instant) -> int:
    """`Retry-After`, in seconds or as an HTTP date, as nanoseconds from `now`; an hour at most."""
    if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        seconds = int(text)
    else:
        try:
            seconds = int(parsedate_to_datetime(text).timestamp()) - now // SECOND
        except (ValueError, TypeError, OverflowError, IndexError):
            return 0
    return max(0, min(seconds, MAX_RETRY_AFTER_S)) * SECOND


# ---- orders


def executed(order: OrderSent, answer: Answer) -> Outcome | OrderLost:
    """What came of an order that was sent."""
    try:
        if 200 <= answer.status < 300:
            return outcome(order.lp, order.order_id, Fields(parse(answer.body)))
    except Malformed as trouble:
        return _lost(order, Reason.MALFORMED, trouble.text)
    if 400 <= answer.status < 500:
        return _refused(order, answer)
    reason = Reason.LP_ERROR if answer.status >= 500 else Reason.MALFORMED
    return _lost(order, reason, f"status {answer.status}")


def queried(query: OrderQueried, answer: Answer) -> Outcome | OrderNotFound | QueryFailed:
    """What came of a status query."""
    try:
        match answer.status:
            case 200:
                return outcome(query.lp, query.order_id, Fields(parse(answer.body)))
            case 404:
                if answer.body:
                    parse(answer.body)  # a proxy's page is not the LP's word
                return OrderNotFound(lp=query.lp, order_id=query.order_id)
            case 429:
                reason = Reason.RATE_LIMITED
            case 401 | 403:
                reason = Reason.UNAUTHORISED
            case _:
                reason = Reason.LP_ERROR
        text = f"status {answer.status}"
    except Malformed as trouble:
        reason, text = Reason.MALFORMED, trouble.text
    return QueryFailed(lp=query.lp, order_id=query.order_id, reason=reason, text=text)


def outcome(lp: str, order_id: str, fields: Fields) -> Outcome:
    """An execution object as a report on our order. Raises Malformed if it is not that."""
    if fields.identifier("clientOrderId") != order_id:
        raise Malformed("answer is about another order")
    match fields.identifier("status"):
        case "FILLED":
            return _filled(lp, order_id, fields, partial=False)
        case "PARTIAL":
            return _filled(lp, order_id, fields, partial=True)
        case "PENDING":
            return OrderPending(lp=lp, order_id=order_id)
        case "REJECTED":
            words = fields.text("reason") or fields.text("message")
            return OrderRejected(lp=lp, order_id=order_id, reason=why(words), text=words)
    raise Malformed("unknown status")


def _filled(lp: str, order_id: str, fields: Fields, *, partial: bool) -> OrderFilled:
    fee, asset, doubt = _fee(fields)
    return OrderFilled(
        lp=lp,
        order_id=order_id,
        execution_id=fields.identifier("executionId"),
        price=fields.positive("fillPrice"),
        quantity=fields.positive("fillQuantity"),
        fee=fee,
        fee_asset=asset,
        partial=partial,
        fee_text=doubt,
    )


def _fee(fields: Fields) -> tuple[Decimal, str, str]:
    """Fee, its asset, and what is wrong with them: a fill is certain even where its fee is not."""
    try:
        fee = fields.number("fee") if "fee" in fields else ZERO
        asset = fields.identifier("feeAsset", 32) if fee or fields.text("feeAsset") else ""
    except Malformed as bad:
        return ZERO, "", f"fee not booked: {bad}"
    return fee, asset, ""


_AMBIGUOUS = (408, 409, 499)
"""Said by proxies of a request that may have passed, and of a repeat of one that was dealt."""


def _refused(order: OrderSent, answer: Answer) -> OrderRejected | OrderLost:
    code, words = _complaint(answer)
    reason = _BY_STATUS.get(answer.status) or why(code, words)
    if _claims_deal(answer) or (answer.status in _AMBIGUOUS and reason is Reason.OTHER):
        return _lost(order, Reason.OUTCOME_UNKNOWN, words or f"status {answer.status}")
    return OrderRejected(
        lp=order.lp,
        order_id=order.order_id,
        reason=reason,
        text=words or code or f"status {answer.status}",
    )


def _lost(order: OrderSent, reason: Reason, text: str) -> OrderLost:
    return OrderLost(lp=order.lp, order_id=order.order_id, reason=reason, text=text)


# ---- reasons


def _complaint(answer: Answer) -> tuple[str, str]:
    """Code and words of a refusal, empty if it has none that can be read."""
    try:
        fields = Fields(parse(answer.body))
        code = fields.text("code", 40)
        return code, fields.text("message") or fields.text("reason") or code
    except Malformed:
        return "", ""


def _claims_deal(answer: Answer) -> bool:
    """Whether a refusal's body says the opposite of its status."""
    try:
        return Fields(parse(answer.body)).text("status") in ("FILLED", "PARTIAL", "PENDING")
    except Malformed:
        return False


_BY_STATUS = {
    401: Reason.UNAUTHORISED,
    403: Reason.UNAUTHORISED,
    429: Reason.RATE_LIMITED,
}

_WORDS = (
    ("LAST_LOOK", Reason.LAST_LOOK),
    ("RATE_LIMIT", Reason.RATE_LIMITED),
    ("TOO_MANY", Reason.RATE_LIMITED),
    ("THROTTL", Reason.RATE_LIMITED),
    ("EXPIRED", Reason.QUOTE_EXPIRED),
    ("UNKNOWN_QUOTE", Reason.QUOTE_EXPIRED),
    ("QUOTE_NOT_FOUND", Reason.QUOTE_EXPIRED),
    ("PRICE", Reason.PRICE_MOVED),
    ("SLIPPAGE", Reason.PRICE_MOVED),
    ("CREDIT", Reason.CREDIT),
    ("MARGIN", Reason.CREDIT),
    ("FUNDS", Reason.CREDIT),
    ("BALANCE", Reason.CREDIT),
    ("SIZE", Reason.SIZE),
    ("QUANTITY", Reason.SIZE),
    ("LIQUIDITY", Reason.NO_LIQUIDITY),
    ("UNAUTHORI", Reason.UNAUTHORISED),
    ("FORBIDDEN", Reason.UNAUTHORISED),
    ("BAD_KEY", Reason.UNAUTHORISED),
    ("SIGNATURE", Reason.UNAUTHORISED),
)
"""Fragments of codes and words in use; the first that is found decides."""


def why(*texts: str) -> Reason:
    """The reason behind an LP's code or words; OTHER if none is known. The code goes first."""
    for text in texts:
        squeezed = re.sub(r"[^A-Z]+", "_", text.upper())
        for fragment, reason in _WORDS:
            if fragment in squeezed:
                return reason
    return Reason.OTHER
