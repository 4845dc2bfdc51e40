"""`kind = "zerox"`: the 0x Swap API v2, by its allowance holder.

The price counted on is the guaranteed one: the least that a sale brings, the most that a purchase
takes. What comes out better is a better fill. Network fees are paid in the chain's own asset.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from lpdesk.clock import Clock
from lpdesk.domain.events import LpAsked
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import LpFailed, LpQuoted
from lpdesk.domain.values import Instant, Side
from lpdesk.domain.wire import Fields, Malformed, parse
from lpdesk.venues.account import Account
from lpdesk.venues.answers import unquoted
from lpdesk.venues.base import Endpoint, Submit
from lpdesk.venues.http import Prove, header_text
from lpdesk.venues.line import Answer
from lpdesk.venues.requesting import Call
from lpdesk.venues.swap_terms import Terms, Transaction, guaranteed, same_token, terms, units
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

_PATH: Final = "/swap/allowance-holder"
_TAXES: Final = ("buyTaxBps", "sellTaxBps", "transferTaxBps")


def venue(endpoint: Endpoint, submit: Submit, clock: Clock) -> SwapVenue[Transaction]:
    """The LP. Raises ValueError for options that can never work."""
    known = terms(endpoint)
    account = Account(endpoint, known, clock) if known.signer else None
    return SwapVenue(endpoint, submit, clock, Zerox(known), account, keyed(endpoint))


def keyed(endpoint: Endpoint) -> Prove:
    """The key and the version: no signature."""
    words = [("0x-api-key", header_text(endpoint)), ("0x-version", "v2")]
    return lambda method, target, body, now: words


class Zerox:
    """The dialect. Amounts are texts of whole smallest units."""

    def __init__(self, known: Terms) -> None:
        self._terms = known
        self.promised: Promised[Transaction] = Promised()

    def ask(self, ask: LpAsked) -> Call | LpFailed:
        want = wanted(ask, self._terms)
        if isinstance(want, LpFailed):
            return want
        sell, buy = want.legs(ask.side)
        query = {
            "chainId": self._terms.chain,
            "sellToken": sell.address,
            "buyToken": buy.address,
            "buyAmount" if ask.side is Side.BUY else "sellAmount": want.amount,
            "slippageBps": self._terms.slippage_bps,
        }
        if self._terms.taker:
            query["taker"] = self._terms.taker
        what = "quote" if self._terms.signer else "price"
        return Call("GET", f"{_PATH}/{what}?{urlencode(query)}")

    def quoted(self, ask: LpAsked, answer: Answer, now: Instant) -> LpQuoted | LpFailed:
        if answer.status != 200:
            return _refused(ask, answer, now)
        fields = Fields(parse(answer.body))
        available = fields.raw("liquidityAvailable")
        if available is False:
            return declined(ask, Reason.NO_LIQUIDITY, "no liquidity for this size")
        want = wanted(ask, self._terms)
        if available is not True or isinstance(want, LpFailed):
            raise Malformed("not said whether there is liquidity")
        zid, blocked = fields.identifier("zid"), _issues(fields) or _taxes(fields)
        if not self._terms.signer:
            blocked = NO_SIGNER
        elif not blocked:
            promise, dear = transaction(fields.inner("transaction"), self._terms)
            blocked = dear
            self.promised.keep(zid, promise)
        return LpQuoted(
            lp=ask.lp,
            ask_id=ask.ask_id,
            quote_ref=zid,
            symbol=ask.symbol,
            side=ask.side,
            price=guaranteed(ask, _worst(fields, ask, want), want.quote),
            quantity=ask.quantity,
            validity_ns=QUOTE_NS if self._terms.signer else PRICE_NS,
            undealable=blocked,
        )


def _worst(fields: Fields, ask: LpAsked, want: Wanted) -> int:
    """The guaranteed amount of the quote token. Raises Malformed where it contradicts itself."""
    sell, buy = want.legs(ask.side)
    same_token(fields, "sellToken", sell)
    same_token(fields, "buyToken", buy)
    sold, bought = units(fields, "sellAmount"), units(fields, "buyAmount")
    if ask.side is Side.BUY:
        worst, exact, fair = units(fields, "maxSellAmount"), bought, sold
    else:
        worst, exact, fair = units(fields, "minBuyAmount"), sold, bought
    if exact != want.amount:
        raise Malformed("amount is not what was asked")
    if worst < fair if ask.side is Side.BUY else worst > fair:
        raise Malformed("guarantee is better than the price")
    return worst


def _issues(fields: Fields) -> str:
    """Why the transaction would fail as things are; nothing of it is for us to change."""
    if "issues" not in fields:
        return ""
    issues = fields.inner("issues")
    if "allowance" in issues:
        spender = issues.inner("allowance").text("spender")
        return f"no allowance for {spender}: approve it yourself, the desk never does"
    if "balance" in issues:
        return "not enough of the token on the account"
    return "not simulated to the end" if issues.raw("simulationIncomplete") is True else ""


def _taxes(fields: Fields) -> str:
    """A token that keeps part of every transfer brings less than is guaranteed."""
    if "tokenMetadata" not in fields:
        return ""
    both = fields.inner("tokenMetadata")
    for name in ("buyToken", "sellToken"):
        said = both.inner(name) if name in both else Fields({})
        if any(said.raw(tax) not in (None, "0", 0) for tax in _TAXES):
            return f"the {name[:-5]} token takes a tax on transfers"
    return ""


def _refused(ask: LpAsked, answer: Answer, now: Instant) -> LpFailed:
    """An error's name and words, and the field that it complains of."""
    name = words = ""
    try:
        fields = Fields(parse(answer.body))
        name, words = fields.text("name", 40), fields.text("message")
        rows = fields.inner("data").rows("details")
        words = f"{rows[0].text('field')}: {rows[0].text('reason')}" if rows else words
    except Malformed:
        pass
    return unquoted(ask, answer, now, ": ".join(filter(None, (name, words))))
