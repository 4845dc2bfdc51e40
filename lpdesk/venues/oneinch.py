"""`kind = "oneinch"`: the 1inch swap API, v6.1. It sells an exact amount, and buys none.

It names an expected amount and keeps to it within the slippage that it was asked with: what is left
after that is the price counted on.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from lpdesk.clock import Clock
from lpdesk.domain.events import LpAsked
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import LpFailed, LpQuoted
from lpdesk.domain.values import Instant, Side
from lpdesk.domain.wire import Fields, Malformed, parse, plain
from lpdesk.venues.account import Account
from lpdesk.venues.answers import unquoted, why
from lpdesk.venues.base import Endpoint, Submit
from lpdesk.venues.http import Prove, header_text
from lpdesk.venues.line import Answer
from lpdesk.venues.requesting import Call
from lpdesk.venues.swap_terms import (
    Terms,
    Token,
    Transaction,
    guaranteed,
    of_units,
    same_token,
    terms,
    units,
)
from lpdesk.venues.swaps import (
    NO_SIGNER,
    PRICE_NS,
    QUOTE_NS,
    Promised,
    SwapVenue,
    Wanted,
    declined,
    transaction,
    wanted,
)

_BPS: Final = 10_000


def venue(endpoint: Endpoint, submit: Submit, clock: Clock) -> SwapVenue[Transaction]:
    """The LP. Raises ValueError for options that can never work."""
    known = terms(endpoint)
    account = Account(endpoint, known, clock) if known.signer else None
    return SwapVenue(endpoint, submit, clock, OneInch(known), account, bearer(endpoint))


def bearer(endpoint: Endpoint) -> Prove:
    """The key as a bearer token: no signature."""
    words = [("Authorization", f"Bearer {header_text(endpoint)}")]
    return lambda method, target, body, now: words


def sold(ask: LpAsked, known: Terms) -> Wanted | LpFailed:
    """The ask, if it sells; one that buys is none for a kind that takes exact sales only."""
    if ask.side is Side.BUY:
        return declined(ask, Reason.NOT_ENABLED, "it takes exact amounts of what is sold only")
    return wanted(ask, known)


class OneInch:
    """The dialect. Amounts are texts of whole smallest units."""

    def __init__(self, known: Terms) -> None:
        self._terms = known
        self.promised: Promised[Transaction] = Promised()

    def ask(self, ask: LpAsked) -> Call | LpFailed:
        want, known = sold(ask, self._terms), self._terms
        if isinstance(want, LpFailed):
            return want
        query = {
            "src": want.base.address,
            "dst": want.quote.address,
            "amount": want.amount,
            "includeTokensInfo": "true",
        }
        if known.signer:
            percent = plain(of_units(known.slippage_bps, 2).normalize())
            query |= {"from": known.taker, "origin": known.taker, "slippage": percent}
        what = "swap" if known.signer else "quote"
        return Call("GET", f"/swap/v6.1/{known.chain}/{what}?{urlencode(query)}")

    def quoted(self, ask: LpAsked, answer: Answer, now: Instant) -> LpQuoted | LpFailed:
        if answer.status != 200:
            return refused(ask, answer, now)
        fields, want, known = Fields(parse(answer.body)), sold(ask, self._terms), self._terms
        if isinstance(want, LpFailed):
            return want
        _same(fields, "srcToken", want.base)
        _same(fields, "dstToken", want.quote)
        least = units(fields, "dstAmount") * (_BPS - known.slippage_bps) // _BPS
        blocked = NO_SIGNER
        if known.signer:
            call = fields.inner("tx")
            if call.identifier("from").lower() != known.taker:
                raise Malformed("transaction of another account")
            promise, blocked = transaction(call, known)
            self.promised.keep(ask.ask_id, promise)
        return LpQuoted(
            lp=ask.lp,
            ask_id=ask.ask_id,
            quote_ref=ask.ask_id,  # it gives its quotes no names
            symbol=ask.symbol,
            side=ask.side,
            price=guaranteed(ask, least, want.quote),
            quantity=ask.quantity,
            validity_ns=QUOTE_NS if known.signer else PRICE_NS,
            undealable=blocked,
        )


def _same(fields: Fields, name: str, token: Token) -> None:
    """Raises Malformed where it counts in another token, or in other units of it."""
    told = fields.inner(name)
    same_token(told, "address", token)
    if told.whole("decimals") != token.decimals:
        raise Malformed(f"{name} has other decimals")


def complaint(answer: Answer) -> str:
    """An error's description, else its name; empty where the body is not theirs."""
    try:
        fields = Fields(parse(answer.body))
        return fields.text("description") or fields.text("error")
    except Malformed:
        return ""


def refused(ask: LpAsked, answer: Answer, now: Instant) -> LpFailed:
    """An ask that got no price."""
    words = complaint(answer)
    reason = why(words)
    return unquoted(ask, answer, now, words, None if reason is Reason.OTHER else reason)
