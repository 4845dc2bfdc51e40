"""How the desk's prices and amounts are written on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from lpdesk.domain import events as ev
from lpdesk.domain.settings import Pair, Settings
from lpdesk.domain.values import Dealt, Side, decimals_of, exact
from lpdesk.tui.widgets.lines import Ink, Line, Span
from lpdesk.views import Card, words

SIDE_INK: Final = {Side.BUY: Ink.BUY, Side.SELL: Ink.SELL}
API: Final = "»"
"""Came in over the API. It stands before the client's name."""

_BIG_FIGURE: Final = 3


def price(value: Decimal | None, pair: Pair | None) -> str:
    """A price of a pair, with at least the places of its quote asset."""
    return words.price(value, pair.quote_decimals if pair else 2)


def price_parts(value: Decimal, pair: Pair | None) -> tuple[str, str]:
    """The price's text in two: the first three significant digits, which a dealer knows, and
    those that are compared. 99,850.12 is `99,8` and `50.12`; 1.08523 is `1.08` and `523`."""
    text = price(value, pair)
    seen = 0
    for place, digit in enumerate(text):
        if digit.isdigit() and (seen or digit != "0"):
            seen += 1
            if seen > _BIG_FIGURE:
                return text[:place], text[place:]
    return "", text


def price_spans(value: Decimal, pair: Pair | None, ink: str = Ink.STRONG) -> Line:
    """`price_parts` as a cell: the rest dim, what is compared bright."""
    quiet, loud = price_parts(value, pair)
    return Span(quiet, Ink.DIM), Span(loud, ink)


def amount(value: Decimal, pair: Pair | None, dealt: Dealt) -> str:
    """An amount as it was asked, with its asset: `1.5 BTC`."""
    asset = pair.asset(dealt) if pair else ""
    return f"{words.amount(value, pair.decimals(dealt) if pair else 18)} {asset}".rstrip()


def legs(quote: ev.QuoteLocked, pair: Pair | None) -> list[str]:
    """The parts that a price stands on: `alpha 1 @ 99,990.00`; of what is dealt inside also why."""
    decimals = pair.base_decimals if pair else 18
    return [
        f"{leg.lp} {words.amount(leg.quantity, decimals)} @ {price(leg.price, pair)}"
        + (f" ({leg.why})" if leg.why.startswith("internal") else "")
        for leg in quote.legs
    ]


def places(asset: str, pair: Pair | None) -> int:
    """The decimals that one of the pair's assets is booked in."""
    if pair is None:
        return 2
    return pair.decimals(Dealt.BASE if asset == pair.base else Dealt.QUOTE)


def asset_amount(value: Decimal, asset: str, pair: Pair | None) -> str:
    """A sum of money with its asset: `149,850.00 USDT`."""
    return f"{words.money(value, places(asset, pair))} {asset}"


def sum_places(asset: str, settings: Settings) -> int:
    """Decimals for a sum over pairs: the fewest that any of them books the asset in."""
    pairs = [pair for pair in settings.pairs if asset in (pair.base, pair.quote)]
    return min((places(asset, pair) for pair in pairs), default=2)


def sum_text(value: Decimal, asset: str, settings: Settings) -> str:
    """A sum over pairs with its asset, to its last digit: `49,005.60 USDT`."""
    return f"{words.money(value, max(sum_places(asset, settings), decimals_of(value)))} {asset}"


def exposure_rows(
    assets: Mapping[str, Decimal], cash: Mapping[str, Decimal], settings: Settings
) -> list[tuple[str, str]]:
    """What the trade desk delivers of each asset, and what cash it gets; net."""
    return [
        (word if total >= 0 else other, sum_text(abs(total), asset, settings))
        for word, other, sums in (("delivers", "takes", assets), ("gets", "pays", cash))
        for asset, total in sums.items()
    ]


@exact
def earns(quote: ev.QuoteLocked, card: Card, pair: Pair) -> str:
    """What the markup is worth if this quote is dealt: `+74.93`, in the profit asset's places."""
    if pair.profit is Dealt.QUOTE:
        worth = abs(quote.client_price - quote.all_in) * quote.quantity
    else:
        base = quote.pays if quote.pays_asset == pair.base else quote.receives
        worth = abs(quote.quantity - base)
    return words.signed(worth, pair.decimals(pair.profit))
