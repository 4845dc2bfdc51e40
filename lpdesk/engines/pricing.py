"""Client prices, amounts and hedge sizes: domain rules 4 and 6, one function a rule.

Prices are quote units for one base unit. A side without a name is the base side: what the client
does with base, whatever asset the amount was dealt in.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from lpdesk.domain.settings import Markup, Pair
from lpdesk.domain.values import BPS, ZERO, Dealt, Side, round_down, round_up

PRICE_DECIMALS = 12
"""Places of an average price."""

Tier = tuple[Decimal, Decimal]
"""From how much base on, and the markup in bps from there."""


class Amounts(Struct, frozen=True):
    """Both sides of a client trade, rounded: paid amounts up, received amounts down."""

    base: Decimal
    quote: Decimal
    pays: Decimal
    pays_asset: str
    receives: Decimal
    receives_asset: str


def base_side(side: Side, dealt: Dealt) -> Side:
    """The same trade seen in base: a client who buys quote sells base."""
    return side if dealt is Dealt.BASE else side.opposite


def raised(price: Decimal, side: Side, bps: Decimal) -> Decimal:
    """`price` made worse for the taker by `bps`: higher to buy at, lower to sell at."""
    return price * (BPS + bps if side is Side.BUY else BPS - bps) / BPS


def all_in(price: Decimal, side: Side, fee_bps: Decimal) -> Decimal:
    """What a base unit costs, or brings, at the LP with its fee."""
    return raised(price, side, fee_bps) if fee_bps else price


def client_price(cover_price: Decimal, side: Side, markup_bps: Decimal) -> Decimal:
    """The cover's all-in price with our markup. Not rounded: only amounts are."""
    return raised(cover_price, side, markup_bps)


def amounts(pair: Pair, dealt: Dealt, side: Side, amount: Decimal, price: Decimal) -> Amounts:
    """What the client pays and receives at its `price`. The dealt amount stays as asked."""
    rounded_base = round_down if side is Side.BUY else round_up
    rounded_quote = round_up if side is Side.BUY else round_down
    if dealt is Dealt.BASE:
        base, quote = amount, rounded_quote(amount * price, pair.quote_decimals)
    else:
        base, quote = rounded_base(amount / price, pair.base_decimals), amount
    if side is Side.BUY:
        return Amounts(base, quote, quote, pair.quote, base, pair.base)
    return Amounts(base, quote, base, pair.base, quote, pair.quote)


def hedge_quantity(
    pair: Pair,
    dealt: Dealt,
    side: Side,
    amount: Decimal,
    markup_bps: Decimal,
    cover_price: Decimal | None,
) -> Decimal | None:
    """Base units to trade with the LP, by the hedge table; None where it needs a price first.

    Profit in quote: exactly the client's base. Profit in base: as much base as the client's quote
    is worth at the LP, so the rest of the base is ours.
    """
    if dealt is Dealt.BASE:
        if pair.profit is Dealt.QUOTE:
            return amount
        quantity = raised(amount, side, markup_bps)
    elif cover_price is None:
        return None
    elif pair.profit is Dealt.QUOTE:
        price = client_price(cover_price, side, markup_bps)
        return amounts(pair, dealt, side, amount, price).base
    else:
        quantity = amount / cover_price
    rounded = round_down if side is Side.BUY else round_up
    return rounded(quantity, pair.base_decimals)


def markup_tiers(rules: tuple[Markup, ...], client: str, pair: Pair) -> tuple[Tier, ...]:
    """What may apply, the first that is reached does: client and pair, client, pair, desk."""
    wanted = [(client, pair.symbol), (client, ""), ("", pair.symbol)]
    wanted += [] if pair.markup_bps is not None else [("", "")]
    found: list[Tier] = []
    for level in wanted:
        tiers = [(rule.from_base, rule.bps) for rule in rules if (rule.client, rule.pair) == level]
        found += sorted(tiers, reverse=True)
    return (*found, (ZERO, pair.markup_bps or ZERO))


def markup_bps(tiers: tuple[Tier, ...], base_quantity: Decimal) -> Decimal:
    """The markup of that size."""
    return next(bps for from_base, bps in tiers if from_base <= base_quantity)


def average(cash: Decimal, quantity: Decimal, side: Side) -> Decimal:
    """The price of so much for that cash, rounded so that no unit costs more than it says."""
    return against_us(cash / quantity, side)


def against_us(price: Decimal, side: Side) -> Decimal:
    """A price with fewer digits, never better for us."""
    return (round_up if side is Side.BUY else round_down)(price, PRICE_DECIMALS)


def advantage_bps(than: Decimal, price: Decimal, side: Side) -> Decimal:
    """How much better `price` is for a taker of `side` than `than`, in bps of `than`."""
    return (than - price if side is Side.BUY else price - than) / than * BPS


def slippage_bps(quoted: Decimal, filled: Decimal, side: Side) -> Decimal:
    """Positive = the fill was worse for us than the quote."""
    return -advantage_bps(quoted, filled, side)


def better(price: Decimal, side: Side) -> Decimal:
    """A sort key: the best price for a taker of `side` sorts first."""
    return price if side is Side.BUY else -price
