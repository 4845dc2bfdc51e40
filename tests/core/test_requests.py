"""Domain rule 2: what a request line may say, and how every other line is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.entry import BadEntry, parse_request
from lpdesk.domain.settings import Client, Lp
from lpdesk.domain.values import Dealt, Side
from tests.core.story import ACME, BTC, PLAIN, Story

KNOWN = "BTC/USDT, ETH/USDT, USDC/USDT"
ALPHA = "alpha 100000 100ms"


def streamed(symbol: str, bid: str, ask: str) -> rep.LpStreamed:
    return rep.LpStreamed(
        lp="alpha",
        symbol=symbol,
        bid=Decimal(bid),
        ask=Decimal(ask),
        bid_size=Decimal(1),
        ask_size=Decimal(1),
    )


@pytest.mark.parametrize(
    ("line", "side", "amount", "dealt", "symbol"),
    [
        ("b 1.5 btc/usdt", Side.BUY, "1.5", Dealt.BASE, "BTC/USDT"),
        ("BUY 1.5 BTCUSDT", Side.BUY, "1.5", Dealt.BASE, "BTC/USDT"),
        ("s 2 btc-usdt", Side.SELL, "2", Dealt.BASE, "BTC/USDT"),
        ("Sell 50k usdt btc/usdt", Side.SELL, "50000", Dealt.QUOTE, "BTC/USDT"),
        ("b 1_000 btc btcusdt", Side.BUY, "1000", Dealt.BASE, "BTC/USDT"),
        ("b 1,000.5 usdc/usdt", Side.BUY, "1000.5", Dealt.BASE, "USDC/USDT"),
        ("b 0.25m usdt ethusdt", Side.BUY, "250000", Dealt.QUOTE, "ETH/USDT"),
        ("b .5 btcusdt", Side.BUY, "0.5", Dealt.BASE, "BTC/USDT"),
    ],
)
def test_good_lines(line: str, side: Side, amount: str, dealt: Dealt, symbol: str) -> None:
    asked = parse_request(line, PLAIN.pairs)
    assert (asked.side, asked.dealt, asked.symbol) == (side, dealt, symbol)
    assert asked.amount == Decimal(amount)


def test_options_stand_anywhere_after_the_side() -> None:
    asked = parse_request("b @Acme 1 via ALPHA btcusdt t+2", PLAIN.pairs)
    assert (asked.client, asked.via, asked.settle_days) == ("acme", "alpha", 2)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "line: give side, amount and pair; for example: b 1.5 btc/usdt"),
        ("x 1 btcusdt", "side: x is not b, buy, s or sell; for example: b 1.5 btc/usdt"),
        ("b 1", "line: amount and pair are needed; for example: b 1.5 btc/usdt"),
        ("b 1 btc usdt btcusdt", "line: too many words; for example: b 1.5 btc/usdt"),
        (
            "b 1 doge",
            f"pair: doge is not dealt here: {KNOWN}; for example: b 1.5 btc/usdt",
        ),
        (
            "b 1 eth btcusdt",
            "asset: eth is neither BTC nor USDT; for example: b 50k usdt btc/usdt",
        ),
        ("b 1 btcusdt via", "via: name an LP; for example: b 1.5 btc/usdt via alpha"),
    ],
)
def test_a_bad_line_names_the_field_and_shows_a_good_one(line: str, message: str) -> None:
    with pytest.raises(BadEntry) as refusal:
        parse_request(line, PLAIN.pairs)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("nan", "not a plain decimal number"),
        ("inf", "not a plain decimal number"),
        ("-Infinity", "not a plain decimal number"),
        ("0", "not greater than zero"),
        ("0.000k", "not greater than zero"),
        ("-1", "not greater than zero"),
        ("1e19", "exponent outside ±18"),
        ("1e18m", "exponent outside ±18"),
        ("1e-19", "exponent outside ±18"),
        ("1e999999", "not a plain decimal number"),
        ("9" * 41, "not a plain decimal number"),
        ("1" * 91, "too many digits"),
        ("١٢٣", "not a plain decimal number"),
        ("1__0", "not a plain decimal number"),
        ("1k2", "not a plain decimal number"),
    ],
)
def test_a_bad_amount_says_what_is_wrong_with_it(word: str, why: str) -> None:
    with pytest.raises(BadEntry) as refusal:
        parse_request(f"b {word} btcusdt", PLAIN.pairs)
    assert refusal.value.field == "amount" and refusal.value.text.endswith(f" is {why}")
    assert parse_request(refusal.value.example, PLAIN.pairs)


def test_no_digit_of_an_amount_is_lost_on_the_way_to_the_check() -> None:
    """28 digits are what Python's default context keeps."""
    assert parse_request("b 1.00000000000000000000000000001 btcusdt", PLAIN.pairs).amount != 1
    for line in ("b 1.500000000000000000000 btcusdt", "b 0.00150000k btcusdt"):
        assert str(parse_request(line, PLAIN.pairs).amount) == "1.5", "nor is a nought one"
    story = Story(ALPHA)
    assert story.types("b 1.00000000000000000000000000001k btcusdt") == "amount: BTC has 5 decimals"


REFUSALS = [
    ("b 1.123456 btcusdt", "amount: BTC has 5 decimals"),
    ("b 100.123 usdt btcusdt", "amount: USDT has 2 decimals"),
    ("b 0.00099 btcusdt", "amount: the minimum is 0.001 BTC"),
    ("b 11 btcusdt", "amount: the desk's limit is 10 BTC"),
    ("b 1 btcusdt @nobody", "client: @nobody is not a client"),
    ("b 1 btcusdt via omega", "via: omega is not an LP"),
    ("b 1 btcusdt t+1", "settlement: delayed settlement is not enabled for acme"),
]
BIG = replace(PLAIN, pairs=(replace(BTC, maximum=Decimal(10)), *PLAIN.pairs[1:]))


@pytest.mark.parametrize(("line", "message"), REFUSALS)
def test_what_the_desk_refuses(line: str, message: str) -> None:
    story = Story(ALPHA, BIG)
    assert story.types(line) == message
    (refused,) = story.events(ev.CommandRefused)
    assert parse_request(refused.example, PLAIN.pairs)
    assert story.cards == () and story.asked("alpha") == ""


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-1", "0"])
def test_a_program_is_refused_like_a_person(amount: str) -> None:
    story = Story(ALPHA)
    story.does(streamed("BTC/USDT", "99999", "100001"))
    asked = cmd.RequestQuote(
        symbol="BTC/USDT", side=Side.BUY, dealt=Dealt.BASE, amount=Decimal(amount)
    )
    assert story.does(asked) == "amount: must be greater than zero"
    assert "DOGE/USDT" in story.does(replace(asked, symbol="DOGE/USDT"))


def test_limits_in_the_other_asset_are_judged_by_the_market() -> None:
    settings = replace(BIG, clients=(replace(ACME, maximum=Decimal(50_000)),))
    story = Story(ALPHA, settings)
    story.does(streamed("BTC/USDT", "99999", "100001"))
    assert story.types("b 0.6 btcusdt") == "amount: acme's limit is 50000 USDT"
    assert story.types("b 60k usdt btcusdt") == "amount: acme's limit is 50000 USDT"
    assert story.types("b 99 usdt btcusdt") == "amount: the minimum is 0.001 BTC"


def test_below_the_minimum_dealt_in_quote_is_known_with_the_first_price() -> None:
    story = Story(ALPHA)
    assert story.types("b 50 usdt btcusdt") == ""
    story.later("1s")
    assert story.table() == "ended: no liquidity\nalpha below minimum 100000 ·"


def test_too_many_live_requests() -> None:
    story = Story(ALPHA, max_live_rfqs=2)
    assert story.types("b 1 btcusdt", "b 1 btcusdt") == ""
    assert story.types("b 1 btcusdt") == "desk: 2 requests are live already"


def test_via_asks_that_lp_alone() -> None:
    story = Story("alpha 100000 100ms\nbeta 99990 100ms")
    story.types("b 1 btcusdt via alpha")
    story.later("1s")
    assert story.asked("beta") == "" and story.card.via == "alpha"


def test_another_client_deals_on_their_own_account() -> None:
    bolt = Client(name="bolt", balances={"USDT": Decimal(500_000)})
    story = Story(ALPHA, replace(PLAIN, clients=(*PLAIN.clients, bolt)))
    story.types("b 1 btcusdt @bolt")
    story.later("1s")
    story.types("p")
    story.later("1s")
    assert story.available("client:bolt", "BTC") == 1
    assert story.available("client:acme", "BTC") == 100


def test_an_lp_that_does_not_deal_the_pair_is_not_asked() -> None:
    only_eth = Lp(name="beta", kind="rest", pairs=("ETH/USDT",))
    story = Story("alpha 100000 100ms\nbeta 3000 100ms", replace(PLAIN, lps=(only_eth,)))
    story.types("b 1 btcusdt")
    story.later("1s")
    assert [row.lp for row in story.card.rows] == ["alpha"]
