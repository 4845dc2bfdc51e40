"""Instant settlement: both sides of a trade in one set of postings, and what we made of it."""

from __future__ import annotations

from decimal import Decimal

from lpdesk.domain.events import LegFilled, Posting, TradeOpened, TradeSettled
from lpdesk.domain.settings import Pair
from lpdesk.domain.values import (
    BPS,
    FIGURE_DECIMALS,
    ZERO,
    Dealt,
    Side,
    round_down,
    round_even,
    round_up,
)
from lpdesk.engines.ledger import (
    DESK,
    FEES,
    client_account,
    liquidity_account,
    lp_account,
    movement,
)

AVERAGE_DECIMALS = 12
"""Places of the average price of several legs."""


def hedge_postings(pair: Pair, leg: LegFilled) -> tuple[Posting, ...]:
    """What a fill moves between the desk and the LP. A fee stays in its own asset and account."""
    lp, cash = lp_account(leg.lp), leg.price * leg.quantity
    if leg.side is Side.BUY:
        moved = movement(pair.base, leg.quantity, lp, DESK)
        moved += movement(pair.quote, round_up(cash, pair.quote_decimals), DESK, lp)
    else:
        moved = movement(pair.base, leg.quantity, DESK, lp)
        moved += movement(pair.quote, round_down(cash, pair.quote_decimals), lp, DESK)
    return moved + (movement(leg.fee_asset, leg.fee, FEES, lp) if leg.fee_asset else ())


def set_aside(terms: TradeOpened) -> tuple[Posting, ...]:
    """What a trade desk will deliver for a delayed trade, once that is hedged."""
    liquidity = liquidity_account(terms.desk)
    return movement(terms.receives_asset, terms.receives, DESK, liquidity)


def client_postings(terms: TradeOpened) -> tuple[Posting, ...]:
    """What the client pays and receives, exactly as quoted."""
    client = client_account(terms.client)
    return movement(terms.pays_asset, terms.pays, client, DESK) + movement(
        terms.receives_asset, terms.receives, DESK, client
    )


def settled(
    pair: Pair, terms: TradeOpened, legs: list[LegFilled], postings: tuple[Posting, ...]
) -> TradeSettled:
    """P&L in the profit asset and in bps of the client's quote, over all legs of the hedge.

    What the hedge left over in the other asset, or is short of, is the residual; it counts in the
    P&L at the LP's price, cut to the profit asset's decimals. Fees of that asset do not.
    """
    profit, other = pair.asset(pair.profit), pair.asset(_other(pair.profit))
    price, quantity = average_price(legs), sum((leg.quantity for leg in legs), ZERO)
    fee, fee_asset = _fees(legs)
    residual = _change(postings, other, DESK)
    pnl = _change(postings, profit, DESK, FEES) + _worth(pair, residual, price)
    quote = terms.pays if terms.pays_asset == pair.quote else terms.receives
    pnl_quote = pnl if pair.profit is Dealt.QUOTE else pnl * terms.client_price
    return TradeSettled(
        trade_id=terms.trade_id,
        lp="+".join(dict.fromkeys(leg.lp for leg in legs)),
        lp_price=price,
        quantity=quantity,
        pnl=pnl,
        pnl_asset=profit,
        pnl_bps=round_even(pnl_quote / quote * BPS, FIGURE_DECIMALS) if quote else ZERO,
        residual=residual,
        residual_asset=other,
        fee=fee,
        fee_asset=fee_asset,
        slippage_bps=_weighted(legs, [leg.slippage_bps for leg in legs], FIGURE_DECIMALS),
        response_ns=max(leg.response_ns for leg in legs),
    )


def average_price(legs: list[LegFilled]) -> Decimal:
    """What a base unit cost over all legs, in quote units."""
    return _weighted(legs, [leg.price for leg in legs], AVERAGE_DECIMALS)


def _weighted(legs: list[LegFilled], figures: list[Decimal], decimals: int) -> Decimal:
    """The mean by quantity; of one leg its own figure."""
    if len(legs) == 1:
        return figures[0]
    quantity = sum((leg.quantity for leg in legs), ZERO)
    total = sum((leg.quantity * each for leg, each in zip(legs, figures, strict=True)), ZERO)
    return round_even(total / quantity, decimals)


def _fees(legs: list[LegFilled]) -> tuple[Decimal, str]:
    """Fees are never netted across assets: in several, only the legs and postings say them."""
    assets = {leg.fee_asset for leg in legs if leg.fee}
    if len(assets) > 1:
        return ZERO, ""
    paid = sum((leg.fee for leg in legs), ZERO)
    return paid, next((leg.fee_asset for leg in legs if leg.fee), legs[0].fee_asset)


def _other(dealt: Dealt) -> Dealt:
    return Dealt.QUOTE if dealt is Dealt.BASE else Dealt.BASE


def _change(postings: tuple[Posting, ...], asset: str, *accounts: str) -> Decimal:
    mine = (p.amount for p in postings if p.account in accounts and p.asset == asset)
    return sum(mine, ZERO)


def _worth(pair: Pair, residual: Decimal, price: Decimal) -> Decimal:
    """A residual in the profit asset, towards zero: cents that rounding left are worth nothing."""
    worth = residual * price if pair.profit is Dealt.QUOTE else residual / price
    decimals = pair.decimals(pair.profit)
    return round_down(worth, decimals) if worth > 0 else round_up(worth, decimals)
