"""What an LP quote is worth to one request: validity, verdict, and the client's terms on it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain.events import RfqOpened, Verdict
from lpdesk.domain.reports import LpQuoted, QuoteLevel
from lpdesk.domain.settings import Lp, Pair, Settings
from lpdesk.domain.values import BPS, ONE, ZERO, Dealt, Instant, Side, round_even
from lpdesk.engines import pricing
from lpdesk.engines.quality import UNMEASURED_EXEC_NS


class Cover(Struct, frozen=True):
    """What a client quote can stand on until `dealable_until`: an LP quote, or a set of them.

    A set is named after its LPs, `alpha+beta`; its price is the average, its validity the shortest.
    """

    lp: str
    quote_ref: str
    price: Decimal
    all_in: Decimal
    quantity: Decimal
    received_at: Instant
    expires_at: Instant
    dealable_until: Instant
    exec_ns: int
    rank: tuple[Decimal, Instant, str]
    """Best first; ties: earlier receipt, then name. What leads is the price with its handicap."""

    legs: tuple[Cover, ...] = ()
    """The quotes of a set, or the levels of a ladder; empty for a quote of its own."""

    why: str = ""
    """Why a leg is in its set."""

    second: str = ""
    second_bps: Decimal | None = None
    """The LPs of the second-best set, and what it would have cost more."""

    @property
    def weighed(self) -> Decimal:
        """The all-in price with the lock policy's handicap."""
        return abs(self.rank[0])

    @property
    def parts(self) -> tuple[Cover, ...]:
        """The LP quotes to deal on: one order each."""
        return self.legs or (self,)


class Terms(Struct, frozen=True):
    """What the client gets on a cover, and how much base hedges it."""

    markup_bps: Decimal
    price: Decimal
    amounts: pricing.Amounts
    hedge: Decimal


def ladder(quote: LpQuoted, unit: Decimal) -> tuple[QuoteLevel, ...]:
    """The levels that make up the quantity, each in whole units; none where they cannot be."""
    if not quote.levels or quote.levels[0].price != quote.price:
        return ()
    offered = sum((level.quantity for level in quote.levels), ZERO)
    found, before, left = [], quote.price, quote.quantity
    for level in quote.levels:
        if level.price <= 0 or level.quantity <= 0 or _better(level.price, before, quote.side):
            return ()
        taken = min(level.quantity // unit * unit, left)
        left, before = left - taken, level.price
        if taken:
            found.append(replace(level, quantity=taken))
    return tuple(found) if offered >= quote.quantity else ()


def _better(price: Decimal, than: Decimal, side: Side) -> bool:
    return price < than if side is Side.BUY else price > than


class Valuer:
    """Values quotes for one request."""

    def __init__(self, rfq: RfqOpened, pair: Pair, settings: Settings) -> None:
        self.rfq = rfq
        self.pair = pair
        self.tiers = pricing.markup_tiers(settings.markups, rfq.client, pair)
        self.rules = settings.rules
        self.handicaps: Mapping[str, Decimal] = {}
        self.agreed: Decimal | None = None
        """Base units that are to be hedged once the client has dealt: no price changes them."""

    def terms(self, cover_price: Decimal) -> Terms:
        """The client's terms on an all-in cover price."""
        rfq, pair, markup = self.rfq, self.pair, self._markup(cover_price)
        price = pricing.client_price(cover_price, rfq.base_side, markup)
        amounts = pricing.amounts(pair, rfq.dealt, rfq.base_side, rfq.amount, price)
        return Terms(markup, price, amounts, self.hedge(cover_price))

    @property
    def unit(self) -> Decimal:
        """The smallest part of base that is dealt."""
        return ONE.scaleb(-self.pair.base_decimals)

    def client_price(self, cover_price: Decimal) -> Decimal:
        return pricing.client_price(cover_price, self.rfq.base_side, self._markup(cover_price))

    def hedge(self, cover_price: Decimal) -> Decimal:
        """Base units that hedge the request at an all-in cover price."""
        if self.agreed is not None:
            return self.agreed
        rfq, markup = self.rfq, self._markup(cover_price)
        hedge = pricing.hedge_quantity(
            self.pair, rfq.dealt, rfq.base_side, rfq.amount, markup, cover_price
        )
        assert hedge is not None
        return hedge

    def _markup(self, cover_price: Decimal) -> Decimal:
        rfq = self.rfq
        base = rfq.amount if rfq.dealt is Dealt.BASE else rfq.amount / cover_price
        return pricing.markup_bps(self.tiers, base)

    def quantity(self, price: Decimal | None, probe: int = 0) -> Decimal:
        """Base units to ask an LP for: exact where the amount says, else from the price known.

        With no price at all the pair's minimum is asked, ten times more for each `probe` that was
        refused, to learn one; the answer is then asked again for the exact size.
        """
        if self.rfq.dealt is Dealt.BASE:
            return self.hedge(price or ONE)
        if price:
            return max(self.hedge(price), self.pair.minimum)
        return self.pair.minimum.scaleb(probe)

    def cover(
        self, lp: Lp, quote: LpQuoted, at: Instant, ends_at: Instant, exec_p95_ns: int | None
    ) -> Cover:
        """The quote with its validity: never longer than the LP's, less our buffer. No floor.

        What became of an order is found out long after the LP's timeout, and that is our time: one
        lost answer must not be a p95 that no validity leaves room for, since an LP that is never
        dealt with gets no better one.
        """
        if exec_p95_ns and self.rules.p95_within_timeout:
            exec_p95_ns = min(exec_p95_ns, lp.timeout_ns)
        expires_at = at + min(quote.validity_ns, self.rules.max_validity_ns)
        buffer = max(self.rules.validity_buffer_ns, exec_p95_ns or 0)
        price, quantity, levels = quote.price, quote.quantity, ladder(quote, self.unit)
        if self.rules.strict and lp.divisible and quantity % self.unit:
            quantity = quantity // self.unit * self.unit
        if levels:
            quantity = sum((level.quantity for level in levels), ZERO)
            cash = sum((level.price * level.quantity for level in levels), ZERO)
            price = pricing.average(cash, quantity, self.rfq.base_side)
        all_in = pricing.all_in(price, self.rfq.base_side, lp.fee_bps)
        if lp.fixed_fee and quantity > 0:
            fee = lp.fixed_fee * max(1, len(levels)) / quantity
            all_in += fee if self.rfq.base_side is Side.BUY else -fee
        handicap = self.handicaps.get(lp.name)
        weighed = pricing.raised(all_in, self.rfq.base_side, handicap) if handicap else all_in
        cover = Cover(
            lp=lp.name,
            quote_ref=quote.quote_ref,
            price=price,
            all_in=all_in,
            quantity=quantity,
            received_at=at,
            expires_at=expires_at,
            dealable_until=min(expires_at - buffer, ends_at),
            exec_ns=exec_p95_ns or UNMEASURED_EXEC_NS,
            rank=(pricing.better(weighed, self.rfq.base_side), at, lp.name),
        )
        return replace(cover, legs=self._rungs(lp, cover, levels)) if levels else cover

    def _rungs(self, lp: Lp, cover: Cover, levels: tuple[QuoteLevel, ...]) -> tuple[Cover, ...]:
        """A ladder's levels, each as what is dealt on by its own id."""
        return tuple(
            replace(
                cover,
                quote_ref=level.quote_ref,
                price=level.price,
                all_in=pricing.all_in(level.price, self.rfq.base_side, lp.fee_bps),
                quantity=level.quantity,
                why=f"level {number} of its book",
            )
            for number, level in enumerate(levels, 1)
        )

    def remark(self, lp: str) -> str:
        """Why a price may not lead although it is the best."""
        handicap = self.handicaps.get(lp)
        if not handicap:
            return ""
        return f"counts {round_even(handicap, 2)} bp worse ({self.rules.lock_policy})"

    def judge(
        self,
        quote: LpQuoted,
        cover: Cover,
        asked: Decimal,
        full: Decimal,
        at: Instant,
        mid: Decimal | None,
    ) -> tuple[Verdict, str]:
        """Whether a quote that came in time may compete, and if not why.

        `asked` is what this LP was asked for, `full` what the request needs.
        """
        if quote.symbol != self.pair.symbol or quote.side is not self.rfq.base_side:
            return Verdict.BAD, "price for something else"
        if quote.price <= 0 or quote.quantity <= 0 or quote.quantity > asked:
            return Verdict.BAD, "impossible price or size"
        if self.rules.strict and (not cover.quantity or cover.quantity % self.unit):
            return Verdict.BAD, f"a size that is no multiple of {self.unit:f}"
        if quote.levels and not cover.legs:
            return Verdict.BAD, "impossible ladder"
        if mid and abs(cover.price - mid) * BPS > self.rules.price_band_bps * mid:
            return Verdict.OUTLIER, "far from the market"
        if cover.quantity < max(asked, full):
            return Verdict.SHORT, ""
        if self.rfq.dealt is Dealt.QUOTE and not self._sized(cover):
            return Verdict.SIZING, ""
        return (Verdict.LIVE, "") if cover.dealable_until > at else (Verdict.BRIEF, "")

    def too_far(self, cover: Cover, mid: Decimal | None) -> str:
        """Why the fallback's price is not dealt on: nothing to compare it with, or too far off."""
        if mid is None:
            return "no reference to compare with"
        away = abs(cover.all_in - mid) / mid * BPS
        if away > self.rules.fallback_band_bps:
            return f"{away:.0f} bp from the reference"
        return ""

    def covers(self, cover: Cover) -> bool:
        """Whether a cover is all the request needs."""
        if self.rfq.dealt is Dealt.BASE:
            return cover.quantity == self.hedge(cover.all_in)
        return self._sized(cover)

    def _sized(self, cover: Cover) -> bool:
        """Whether the quoted base hedges the dealt quote amount, within the tolerance."""
        needed = self.hedge(cover.all_in)
        tolerance = max(self.unit, needed * self.rules.size_tolerance_bps / BPS)
        return abs(needed - cover.quantity) <= tolerance
