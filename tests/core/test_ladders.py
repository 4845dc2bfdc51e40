"""LPs that show several levels: priced at the average, dealt level by level, or divided."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.settings import Lp, Routing
from lpdesk.domain.values import Side
from tests.core.story import PLAIN, Story

D = Decimal
STREAMS = replace(
    PLAIN, lps=tuple(Lp(name=name, kind="fix-stream") for name in ("alpha", "beta", "gamma"))
)
DEEP = "alpha 100000 100ms size 1 deeper 100010x2,100030x5"


def asked(table: str, line: str = "b 1.5 btcusdt", **rules) -> Story:
    told = Story(table, STREAMS, **rules)
    told.types(line)
    told.later("1s")
    return told


def legs(told: Story) -> list[str]:
    return [f"{x.lp} {x.quantity.normalize():f} @ {x.price}" for x in told.card.quote.legs]


def orders(told: Story) -> list[str]:
    sent = told.events(ev.OrderSent)
    return [f"{x.lp} {x.quantity.normalize():f} @ {x.price} {x.quote_ref[-2:]}" for x in sent]


@pytest.mark.parametrize("routing", list(Routing))
def test_a_size_beyond_the_best_is_priced_at_the_average(routing: Routing) -> None:
    told = asked(DEEP, routing=routing)
    quote = told.card.quote
    assert (quote.lp, quote.lp_price, quote.quantity) == (
        "alpha",
        D("100003.333333333334"),
        D("1.5"),
    )
    assert legs(told) == ["alpha 1 @ 100000", "alpha 0.5 @ 100010"]
    assert [leg.why for leg in quote.legs] == ["level 1 of its book", "level 2 of its book"]
    assert told.table().splitlines()[1].startswith("alpha LOCK 100003.333333333334")


def test_the_best_level_alone_is_a_price_like_any_other() -> None:
    told = asked(DEEP, "b 1 btcusdt")
    assert told.card.quote.lp_price == 100000 and told.card.quote.legs == ()


def test_each_level_is_an_order_of_its_own_at_its_own_price() -> None:
    told = asked(DEEP, "b 4 btcusdt")
    assert told.types("p") == ""
    told.later("1s")
    assert orders(told) == ["alpha 1 @ 100000 /1", "alpha 2 @ 100010 /2", "alpha 1 @ 100030 /3"]
    trade = told.trade
    assert (trade.state, trade.lp, trade.quantity) == ("settled", "alpha", D(4))
    assert trade.pnl == told.card.quote.pays - 100000 - 2 * 100010 - 100030
    assert {leg.slippage_bps for leg in told.events(ev.LegFilled)} == {D(0)}


def test_two_ladders_are_dealt_as_far_as_each_is_the_better_one() -> None:
    told = asked(DEEP + "\nbeta 100005 100ms size 1 deeper 100012x1", "b 3.5 btcusdt",
                 routing=Routing.COMPOSITE, threshold_bps=D(0))  # fmt: skip
    assert legs(told) == ["alpha 1 @ 100000", "alpha 1.5 @ 100010", "beta 1 @ 100005"]
    assert told.card.quote.lp == "alpha+beta"
    assert told.table().splitlines()[2].startswith("alpha LEG 100006")


def test_a_level_that_is_rejected_goes_to_who_is_left() -> None:
    told = asked(DEEP + "\nbeta 100020 100ms", routing=Routing.COMPOSITE)
    told.lps["alpha"].orders = ["fill", "reject"]
    assert told.types("p") == ""
    told.later("1s")
    assert orders(told)[:2] == ["alpha 1 @ 100000 /1", "alpha 0.5 @ 100010 /2"]
    assert [sent.lp for sent in told.events(ev.OrderSent)] == ["alpha", "alpha", "beta"]
    assert told.trade.state == "settled" and told.trade.lp == "alpha+beta"


def test_credit_counts_all_levels_of_an_lp_together() -> None:
    short = replace(STREAMS, lps=(Lp(name="alpha", kind="fix-stream", credit={"BTC": D("1.5")}),))
    told = Story(DEEP, short)
    told.types("b 1.5 btcusdt")
    told.later("1s")
    assert told.types("p") == "" and len(told.events(ev.OrderSent)) == 2
    told.later("1s")
    assert told.types("b 0.1 btcusdt") == ""
    told.later("1s")
    assert told.events(ev.LpSkipped)[-1].text == "line 1.5 BTC"


GOOD = (rep.QuoteLevel(D(100), D(1), "a"), rep.QuoteLevel(D(101), D(1), "b"))


@pytest.mark.parametrize(
    "levels",
    [
        GOOD[:1],  # less than the quantity
        (GOOD[1], GOOD[0]),  # not best first
        (replace(GOOD[0], quantity=D(0)), GOOD[1]),
        (replace(GOOD[0], quantity=D(-1)), replace(GOOD[1], quantity=D(3))),
        (replace(GOOD[0], price=D(99)), GOOD[1]),  # another best price than it says
        (replace(GOOD[0], quantity=D("0.000001")),) * 2,
        (GOOD[0], replace(GOOD[1], price=D(0))),
    ],
)
def test_a_ladder_that_cannot_be_is_no_price(levels: tuple[rep.QuoteLevel, ...]) -> None:
    told = Story("alpha never", replace(STREAMS, lps=STREAMS.lps[:1]))
    told.types("b 2 btcusdt")
    ask = told.events(ev.LpAsked)[0]
    told.simulation.do(
        rep.LpQuoted(lp="alpha", ask_id=ask.ask_id, quote_ref="a", symbol=ask.symbol, side=Side.BUY,
                     price=D(100), quantity=D(2), validity_ns=10**10, levels=levels)
    )  # fmt: skip
    received = told.events(ev.QuoteReceived)[0]
    assert (received.verdict, received.text) == (ev.Verdict.BAD, "impossible ladder")
    assert told.events(ev.QuoteLocked) == []


def test_what_a_level_has_below_a_lot_is_not_dealt() -> None:
    told = asked(
        "alpha 100000 100ms size 1.0000037 deeper 100010x2.0000011,100030x5", "b 3 btcusdt"
    )
    assert legs(told) == ["alpha 1 @ 100000", "alpha 2 @ 100010"]
