"""Domain rule 4: client prices, amounts, rounding, and whose markup it is."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from lpdesk.domain.settings import Markup, Pair
from lpdesk.domain.values import Dealt, Side
from lpdesk.engines import pricing
from lpdesk.views import words
from tests.core.story import BTC, PLAIN, USDC, Story

D = Decimal


def offered(line: str, price: str = "100000", settings=PLAIN) -> str:
    """`pays … for …` as the card says once an LP quotes `price`."""
    story = Story(f"alpha {price} 100ms", settings)
    story.types(line)
    story.later("1s")
    quote = story.card.quote
    assert quote is not None
    return (
        f"{quote.client_price.normalize():f}: {quote.pays} {quote.pays_asset}"
        f" for {quote.receives} {quote.receives_asset}"
    )


@pytest.mark.parametrize(
    ("line", "terms"),
    [
        ("b 1.5 btcusdt", "100050: 150075.00 USDT for 1.5 BTC"),
        ("b 50000 usdt btcusdt", "99950: 0.50026 BTC for 50000 USDT"),
        ("s 2 btcusdt", "99950: 2 BTC for 199900.00 USDT"),
        ("s 75000 usdt btcusdt", "100050: 75000 USDT for 0.74962 BTC"),
    ],
)
def test_the_worked_examples(line: str, terms: str) -> None:
    assert offered(line) == terms


@pytest.mark.parametrize(
    ("line", "terms"),
    [
        ("b 0.00333 btcusdt", "100050: 333.17 USDT for 0.00333 BTC"),  # 333.1665
        ("s 0.00333 btcusdt", "99950: 0.00333 BTC for 332.83 USDT"),  # 332.8335
        ("b 333.33 usdt btcusdt", "99950: 0.00334 BTC for 333.33 USDT"),  # 0.0033350
        ("s 333.33 usdt btcusdt", "100050: 333.33 USDT for 0.00333 BTC"),  # 0.0033316
    ],
)
def test_paid_is_rounded_up_and_received_down(line: str, terms: str) -> None:
    assert offered(line) == terms


def test_each_asset_has_its_own_decimals() -> None:
    assert offered("b 10.01 usdcusdt", "1.00005") == "1.000350015: 10.0136 USDT for 10.01 USDC"


MARKUPS = (
    Markup(bps=D(1)),
    Markup(bps=D(2), pair="BTC/USDT"),
    Markup(bps=D(3), client="acme"),
    Markup(bps=D(4), client="acme", pair="BTC/USDT"),
)


def markup(rules: tuple[Markup, ...], client: str, pair: Pair, base: str) -> D:
    return pricing.markup_bps(pricing.markup_tiers(rules, client, pair), D(base))


@pytest.mark.parametrize(
    ("client", "pair", "bps"),
    [
        ("acme", BTC, 4),
        ("acme", USDC, 3),
        ("bolt", BTC, 2),
        ("bolt", USDC, 3),  # the pair's own markup is nearer than the desk's rule
        ("bolt", replace(USDC, markup_bps=None), 1),
    ],
)
def test_the_most_specific_markup_wins(client: str, pair, bps: int) -> None:
    for rules in (MARKUPS, MARKUPS[::-1]):
        assert markup(rules, client, pair, "1") == bps
    assert markup((), client, pair, "1") == (pair.markup_bps or 0)


def test_a_tier_applies_within_its_level_from_its_size_up() -> None:
    rules = (
        Markup(bps=D(5), pair="BTC/USDT"),
        Markup(bps=D(4), pair="BTC/USDT", from_base=D(1)),
        Markup(bps=D(3), pair="BTC/USDT", from_base=D(10)),
        Markup(bps=D(9), client="acme", from_base=D(5)),
    )
    sizes = {"0.99": 5, "1": 4, "4": 4, "5": 9, "10": 9}
    for size, bps in sizes.items():
        assert markup(rules, "acme", BTC, size) == bps
    assert markup(rules, "bolt", BTC, "10") == 3


def test_a_tier_is_reached_in_base_units_also_when_dealt_in_quote() -> None:
    tiers = (Markup(bps=D(5)), Markup(bps=D(0), from_base=D(1)))
    settings = replace(PLAIN, pairs=(replace(BTC, markup_bps=None),), markups=tiers)
    assert offered("s 99999.99 usdt btcusdt", settings=settings).startswith("100050:")
    assert offered("s 100000 usdt btcusdt", settings=settings).startswith("100000:")


@pytest.mark.parametrize(
    ("side", "dealt", "seen_in_base"),
    [
        (Side.BUY, Dealt.BASE, Side.BUY),
        (Side.SELL, Dealt.BASE, Side.SELL),
        (Side.BUY, Dealt.QUOTE, Side.SELL),
        (Side.SELL, Dealt.QUOTE, Side.BUY),
    ],
)
def test_the_base_side(side: Side, dealt: Dealt, seen_in_base: Side) -> None:
    assert pricing.base_side(side, dealt) is seen_in_base


def test_an_lps_fee_is_part_of_what_its_price_is_worth() -> None:
    assert pricing.all_in(D(100_000), Side.BUY, D(2)) == D("100020")
    assert pricing.all_in(D(100_000), Side.SELL, D(2)) == D("99980")


def test_slippage_is_positive_when_it_is_worse_for_us() -> None:
    assert pricing.slippage_bps(D(100_000), D(100_010), Side.BUY) == 1
    assert pricing.slippage_bps(D(100_000), D(100_010), Side.SELL) == -1


@pytest.mark.parametrize(
    ("price", "least", "reads"),
    [
        ("99912.4", 2, "99,912.40"),
        ("3409.8", 2, "3,409.80"),
        ("1.0003", 4, "1.00030"),
        ("0.99965", 4, "0.99965"),
        ("1.08523", 2, "1.08523"),
        ("0.0000123456", 2, "0.0000123456"),
        ("0", 2, "0.00000"),
    ],
)
def test_a_price_near_one_keeps_its_width(price: str, least: int, reads: str) -> None:
    assert words.price(D(price), least) == reads
