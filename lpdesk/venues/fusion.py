"""`kind = "oneinch-fusion"`: 1inch Fusion, an order that resolvers fill while its price falls.

A quote is a range, not a price: what competes is the auction's end, the least that a fill brings.
Nobody is bound to fill, so it may expire. The order itself is made and signed by the signer, from
the quote; the desk holds what it says against what it counted on.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from lpdesk.clock import Clock
from lpdesk.domain.events import LpAsked
from lpdesk.domain.reports import LpFailed, LpQuoted
from lpdesk.domain.values import Instant
from lpdesk.domain.wire import Fields, Malformed, parse, plain
from lpdesk.venues.base import Endpoint, Submit
from lpdesk.venues.fusion_orders import Auction, Orders
from lpdesk.venues.line import Answer
from lpdesk.venues.oneinch import bearer, refused, sold
from lpdesk.venues.requesting import Call
from lpdesk.venues.swap_terms import Terms, guaranteed, terms, units
from lpdesk.venues.swaps import NO_SIGNER, PRICE_NS, QUOTE_NS, Promised, SwapVenue

PRESETS: Final = ("fast", "medium", "slow", "custom")
MAX_AUCTION_S: Final = 3_600


def venue(endpoint: Endpoint, submit: Submit, clock: Clock) -> SwapVenue[Auction]:
    """The LP. Raises ValueError for options that can never work."""
    preset = str(endpoint.options.get("preset", ""))
    if preset not in ("", *PRESETS[:3]):
        raise ValueError(f"{endpoint.name}: options.preset: one of {', '.join(PRESETS[:3])}")
    known, prove = terms(endpoint, ("taker",)), bearer(endpoint)
    orders = Orders(endpoint, known, clock, prove) if known.signer else None
    return SwapVenue(endpoint, submit, clock, Fusion(known, preset), orders, prove)


class Fusion:
    """The asking. `preset` is the configured one; empty takes what is recommended."""

    def __init__(self, known: Terms, preset: str = "") -> None:
        self._terms = known
        self._preset = preset
        self.promised: Promised[Auction] = Promised()

    def ask(self, ask: LpAsked) -> Call | LpFailed:
        want = sold(ask, self._terms)
        if isinstance(want, LpFailed):
            return want
        query = {
            "fromTokenAddress": want.base.address,
            "toTokenAddress": want.quote.address,
            "amount": want.amount,
            "walletAddress": self._terms.taker or "0x" + "0" * 40,
            "enableEstimate": "true" if self._terms.signer else "false",
            "fee": 0,
            "isPermit2": "false",
            "surplus": "true",
        }
        path = f"/fusion/quoter/v2.0/{self._terms.chain}/quote/receive/"
        return Call("GET", f"{path}?{urlencode(query)}")

    def quoted(self, ask: LpAsked, answer: Answer, now: Instant) -> LpQuoted | LpFailed:
        if answer.status != 200:
            return refused(ask, answer, now)
        fields, want = Fields(parse(answer.body)), sold(ask, self._terms)
        if isinstance(want, LpFailed):
            return want
        if units(fields, "fromTokenAmount") != want.amount:
            raise Malformed("amount is not what was asked")
        name = self._preset or fields.identifier("recommended_preset")
        preset = fields.inner("presets").inner(name if name in PRESETS else "")
        least, most = units(preset, "auctionEndAmount"), units(preset, "auctionStartAmount")
        if most < least:
            raise Malformed("auction ends above its start")
        lasts_s = preset.whole("auctionDuration") + preset.whole("startAuctionIn")
        if not 0 < lasts_s <= MAX_AUCTION_S:
            raise Malformed("auction lasts too long, or not at all")
        price, begins = (guaranteed(ask, each, want.quote) for each in (least, most))
        ref, blocked = ask.ask_id, f"{NO_SIGNER}; the auction begins at {plain(begins.normalize())}"
        if self._terms.signer:
            ref, blocked = fields.identifier("quoteId"), ""
            body = answer.body.decode()
            self.promised.keep(
                ref, Auction(body, name, ref, want.base, want.quote, want.amount, least, lasts_s)
            )
        return LpQuoted(
            lp=ask.lp,
            ask_id=ask.ask_id,
            quote_ref=ref,
            symbol=ask.symbol,
            side=ask.side,
            price=price,
            quantity=ask.quantity,
            validity_ns=QUOTE_NS if self._terms.signer else PRICE_NS,
            undealable=blocked,
        )
