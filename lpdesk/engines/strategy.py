"""Maker strategies: from a reference and an inventory to a ladder. Small, pure, found by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from msgspec import Struct

from lpdesk.domain.making import MakerTerms
from lpdesk.domain.settings import Pair
from lpdesk.domain.values import BPS, ONE, ZERO, round_down, round_up

HUNDRED = Decimal(100)


class Quote(Struct, frozen=True):
    """One price and size of a ladder, in quote and base units."""

    price: Decimal
    size: Decimal


class Ladder(Struct, frozen=True):
    """Both sides, best first."""

    bids: tuple[Quote, ...]
    asks: tuple[Quote, ...]


class Situation(Struct, frozen=True):
    """What a strategy may look at. `variance` is of the mid, in quote units squared per second."""

    mid: Decimal
    skew: Decimal
    position: Decimal
    variance: Decimal
    time_left: Decimal


def inventory_skew(base: Decimal, quote: Decimal, mid: Decimal, target_pct: Decimal) -> Decimal:
    """(target - share of base) * 2 within ±1: negative with too much base, so quotes move down."""
    total = base * mid + quote
    if total <= 0:  # a debt in one of the two: pay it back with the other
        return -ONE if base > 0 else ONE if base < 0 else ZERO
    return max(-ONE, min(ONE, (target_pct / HUNDRED - base * mid / total) * 2))


def levels(pair: Pair, terms: MakerTerms, situation: Situation) -> Ladder:
    """The domain page's ladder: a fixed half spread around a mid that leans with the inventory."""
    mid = situation.mid * (ONE + terms["skew_factor"] * situation.skew)
    return spread_out(pair, terms, mid, terms["bid_spread"], terms["ask_spread"], situation.skew)


def avellaneda(pair: Pair, terms: MakerTerms, situation: Situation) -> Ladder:
    """Avellaneda-Stoikov with a finite horizon: reservation price and optimal half spread.

    r = s - q * gamma * sigma^2 * (T - t);  spread = gamma * sigma^2 * (T - t)
    + (2 / gamma) * ln(1 + gamma / kappa). All prices in bp of the mid, so that gamma and kappa mean
    the same for every pair; q in units of the first level's size, sigma from the reference.
    """
    gamma, kappa = terms["risk_aversion"], terms["order_depth"]
    relative = situation.variance / situation.mid**2 * BPS * BPS  # bp squared per second
    units = situation.position / terms["order_amount"] if terms["order_amount"] else ZERO
    risk = gamma * relative * situation.time_left
    furthest = terms["maximum_spread"]  # a wild minute must not make us give it all away
    away = max(-furthest, min(furthest, units * risk))
    reservation = situation.mid * (ONE - away / BPS)
    half = (risk + 2 / gamma * (ONE + gamma / kappa).ln()) / 2
    return spread_out(pair, terms, reservation, half, half, situation.skew)


def spread_out(
    pair: Pair,
    terms: MakerTerms,
    mid: Decimal,
    bid_bps: Decimal,
    ask_bps: Decimal,
    skew: Decimal,
) -> Ladder:
    """Level i: first price moved by `order_level_spread` i times, sizes growing, sides leaning."""
    low, high = terms["minimum_spread"], terms["maximum_spread"]
    bid = mid * (BPS - max(low, min(high, bid_bps))) / BPS
    ask = mid * (BPS + max(low, min(high, ask_bps))) / BPS
    spacing = terms["order_level_spread"] / BPS
    lean = terms["size_skew"] * skew
    bids, asks = [], []
    for level in range(int(terms["order_levels"])):
        size = terms["order_amount"] * (ONE + level * terms["order_level_amount"])
        bids.append(
            Quote(
                round_down(bid * (ONE - spacing * level), pair.quote_decimals),
                round_down(size * (ONE + lean), pair.base_decimals),
            )
        )
        asks.append(
            Quote(
                round_up(ask * (ONE + spacing * level), pair.quote_decimals),
                round_down(size * (ONE - lean), pair.base_decimals),
            )
        )
    furthest = mid * max(high, low) / BPS
    lowest = max(terms["price_floor"], min(bids[0].price, mid - furthest))
    highest = max(asks[0].price, mid + furthest)
    if terms["price_ceiling"]:
        highest = min(highest, terms["price_ceiling"])
    return Ladder(
        tuple(q for q in _distinct(bids) if q.price >= lowest),
        tuple(q for q in _distinct(asks) if q.price <= highest),
    )


def _distinct(quotes: list[Quote]) -> list[Quote]:
    """Quotes that rounding brought to one price become one; those without size go."""
    merged: dict[Decimal, Decimal] = {}
    for quote in quotes:
        merged[quote.price] = merged.get(quote.price, ZERO) + quote.size
    return [Quote(price, size) for price, size in merged.items() if size > 0 and price > 0]


Strategy = Callable[[Pair, MakerTerms, Situation], Ladder]

Strategies = Mapping[str, Strategy]

STRATEGIES: Strategies = {"levels": levels, "avellaneda": avellaneda}
"""Those of the house; others are handed to the desk by whoever starts it."""


def on_grid(strategy: Strategy) -> Strategy:
    """A strategy from elsewhere, whose ladder is put on ticks and lots, best first, not crossed."""

    def snapped(pair: Pair, terms: MakerTerms, situation: Situation) -> Ladder:
        ladder = strategy(pair, terms, situation)
        bids = sorted((_snap(q, pair, round_down) for q in ladder.bids), key=lambda q: -q.price)
        asks = sorted((_snap(q, pair, round_up) for q in ladder.asks), key=lambda q: q.price)
        if bids and asks and bids[0].price >= asks[0].price:
            return Ladder((), ())
        return Ladder(tuple(_distinct(bids)), tuple(_distinct(asks)))

    return snapped


def _snap(quote: Quote, pair: Pair, rounded: Callable[[Decimal, int], Decimal]) -> Quote:
    price = rounded(quote.price, pair.quote_decimals)
    return Quote(price, round_down(quote.size, pair.base_decimals))
