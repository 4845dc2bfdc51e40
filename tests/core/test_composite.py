"""Several LPs behind one client price: domain rule 7 on the desk, and how such a hedge ends."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.settings import Lp, Routing
from tests.core.story import PLAIN, Story

D = Decimal
NOBODY_WHOLE = """
alpha 99990   100ms size 1
beta  100000  100ms size 1
gamma 100100  100ms size 1
"""
ENOUGH = NOBODY_WHOLE.replace("gamma 100100  100ms size 1", "gamma 100040  100ms size 0.5")


def story(table: str = NOBODY_WHOLE, **rules) -> Story:
    return Story(table, routing=Routing.COMPOSITE, **rules)


def asked(table: str = NOBODY_WHOLE, line: str = "b 1.5 btcusdt", **rules) -> Story:
    told = story(table, **rules)
    told.types(line)
    told.later("1s")
    return told


def legs(told: Story) -> str:
    quote = told.card.quote
    return ", ".join(f"{x.lp} {x.quantity.normalize():f} @ {x.price}" for x in quote.legs)


def orders(told: Story) -> list[str]:
    return [f"{sent.lp} {sent.quantity.normalize():f}" for sent in told.events(ev.OrderSent)]


def accepted(words: dict[str, str], table: str = NOBODY_WHOLE, **rules) -> Story:
    told = asked(table, **rules)
    for lp, word in words.items():
        told.lps[lp].orders = word.split(" | ")
    assert told.types("p") == ""
    told.later("1s")
    return told


def test_two_lps_quote_together_what_neither_can_alone() -> None:
    """beta is asked again for the part that is wanted of it: its quote only deals whole."""
    told = asked()
    assert legs(told) == "alpha 1 @ 99990, beta 0.5 @ 100000"
    quote = told.card.quote
    average = (99990 + D("0.5") * 100000) / D("1.5")
    assert abs(quote.all_in - average) < D("1e-9") and quote.lp == "alpha+beta"
    assert quote.pays == (quote.all_in * D("1.0005") * D("1.5")).quantize(D("0.01"))
    assert [leg.why for leg in quote.legs] == ["taken whole, it cannot be divided"] * 2
    assert told.table().splitlines()[1:3] == ["alpha LEG 99990 -0.33bp", "beta LEG 100000 +0.67bp"]
    sizes = [ask.quantity for ask in told.events(ev.LpAsked) if ask.lp == "beta"]
    assert sizes[:2] == [D("1.5"), D("0.5")]


def test_lps_that_are_chosen_together_may_share_a_size_and_one_alone_may_not() -> None:
    told = asked(line="b 1.5 btcusdt via alpha,beta", strict=True)
    assert legs(told) == "alpha 1 @ 99990, beta 0.5 @ 100000"
    assert {ask.lp for ask in told.events(ev.LpAsked)} == {"alpha", "beta"}
    assert told.types("p") == ""
    told.later("1s")
    assert told.trade.state == "settled"
    alone = asked(line="b 1.5 btcusdt via alpha", strict=True)
    assert alone.card.quote is None and alone.card.end is ev.RfqEnd.NO_LIQUIDITY
    first = asked(line="b 1.5 btcusdt via alpha,beta")  # the first desks did not
    assert first.card.quote is None


def test_the_second_best_set_and_what_it_would_have_cost() -> None:
    told = asked("alpha 99990 100ms size 1\nbeta 100000 100ms size 0.5\ngamma 100100 90ms size 0.5")
    quote = told.card.quote
    assert quote.lp == "alpha+beta" and quote.second == "alpha+gamma"
    assert quote.second_bps.quantize(D("0.01")) == D("3.33")


def test_the_shortest_validity_is_that_of_all() -> None:
    told = asked(NOBODY_WHOLE.replace("100000  100ms size 1", "100000  100ms size 1 valid 6s"))
    quote = told.card.quote
    assert quote.dealable_until == min(
        received.dealable_until
        for received in told.events(ev.QuoteReceived)
        if received.lp in ("alpha", "beta") and received.quantity in (1, D("0.5"))
        and received.quote_ref in [leg.quote_ref for leg in quote.legs]
    )  # fmt: skip


def test_single_routing_knows_no_sets() -> None:
    told = Story(NOBODY_WHOLE)
    told.types("b 1.5 btcusdt")
    told.later("1s")
    assert told.table().splitlines()[0] == "ended: no liquidity"


def test_not_enough_of_all_together_says_what_is_missing() -> None:
    told = asked(line="b 4 btcusdt")
    assert told.card.end is ev.RfqEnd.NO_LIQUIDITY and told.card.text == "1 BTC missing"
    assert orders(told) == []


def test_one_lp_with_the_whole_is_preferred_unless_the_set_is_better_by_the_threshold() -> None:
    whole = "gamma {} 90ms"
    sets = "alpha 99990 100ms size 1\nbeta 100000 100ms size 0.5\n"
    told = asked(sets + whole.format("99994"))
    assert told.card.quote.lp == "gamma"
    told = asked(sets + whole.format("100010"))
    assert told.card.quote.lp == "alpha+beta"


def test_a_stream_is_dealt_in_part_without_asking_again() -> None:
    streams = replace(PLAIN, lps=(Lp(name="beta", kind="stream"),))
    told = Story("alpha 99990 100ms size 1\nbeta 100000 100ms size 1", streams,
                 routing=Routing.COMPOSITE)  # fmt: skip
    told.types("b 1.5 btcusdt")
    told.later("200ms")
    assert legs(told) == "alpha 1 @ 99990, beta 0.5 @ 100000"
    assert [ask.quantity for ask in told.events(ev.LpAsked) if ask.lp == "beta"] == [D("1.5")]


def test_an_lps_own_maximum_is_asked_for_as_a_part() -> None:
    small = replace(PLAIN, lps=(Lp(name="alpha", kind="rest", maximum=D(1)),))
    told = Story("alpha 99990 100ms\nbeta 100000 100ms size 0.5", small, routing=Routing.COMPOSITE)
    told.types("b 1.5 btcusdt")
    told.later("1s")
    assert legs(told) == "alpha 1 @ 99990, beta 0.5 @ 100000"


@pytest.mark.parametrize("line", ["s 1.5 btcusdt", "b 150k usdt btcusdt", "s 150k usdt btcusdt"])
def test_every_side_and_either_asset(line: str) -> None:
    streams = replace(
        PLAIN, lps=tuple(Lp(name=name, kind="stream") for name in ("alpha", "beta", "gamma"))
    )
    told = Story(NOBODY_WHOLE, streams, routing=Routing.COMPOSITE)
    told.types(line)
    told.later("1s")
    quote = told.card.quote
    assert len(quote.legs) == 2 and sum(leg.quantity for leg in quote.legs) == quote.quantity
    assert told.types("p") == ""
    told.later("1s")
    assert told.trade.state == "settled"
    money(told)


def money(told: Story) -> None:
    """The books balance whatever happened, and the clients' side moved wholly or not at all."""
    balances = told.simulation.desk.state.ledger.balances
    for asset in ("BTC", "USDT"):
        assert sum(amount for (_, a), amount in balances.items() if a == asset) == 0
    assert told.see().status.uncovered == 0


# ---- accept


def test_all_legs_are_sent_at_once_each_under_its_own_id() -> None:
    told = accepted({})
    assert orders(told) == ["alpha 1", "beta 0.5"]
    ids = [sent.order_id for sent in told.events(ev.OrderSent)]
    assert len(set(ids)) == 2
    trade = told.trade
    assert (trade.state, trade.lp, trade.quantity) == ("settled", "alpha+beta", D("1.5"))
    assert [(leg.lp, leg.state) for leg in trade.legs] == [("alpha", "filled"), ("beta", "filled")]
    client = told.card.quote.pays
    assert trade.pnl == client - 99990 - 50000
    assert told.available("client:acme", "BTC") == D("101.5")
    assert told.available("lp:beta", "BTC") == D("-0.5")
    money(told)


def test_the_client_gets_nothing_before_the_last_leg_is_filled() -> None:
    told = accepted({"beta": "lost"})
    told.lps["beta"].queries = ["no answer"]
    told.later("3s")
    trade = told.trade
    assert trade.state in ("UNKNOWN", "settled")
    told = asked()
    told.lps["beta"].orders, told.lps["beta"].queries = ["lost"], ["no answer", "no answer", "fill"]
    told.types("p")
    told.later("150ms")
    assert told.trade.state == "UNKNOWN"
    assert told.available("lp:alpha", "BTC") == -1  # booked: it is a fact
    assert told.available("client:acme", "BTC") == 100
    told.later("10s")
    assert told.trade.state == "settled" and told.available("client:acme", "BTC") == D("101.5")
    money(told)


def test_a_rejected_leg_goes_to_who_is_left_within_the_loss_limit() -> None:
    told = accepted({"beta": "reject"}, ENOUGH)
    assert orders(told) == ["alpha 1", "beta 0.5", "gamma 0.5"]
    assert told.trade.state == "settled" and told.trade.lp == "alpha+gamma"
    money(told)


def test_a_rejected_leg_that_nobody_takes_fails_the_trade_and_is_a_break() -> None:
    told = accepted({"beta": "reject"})  # gamma has only a whole quote of 1, and it is too dear
    assert orders(told) == ["alpha 1", "beta 0.5"]
    assert told.trade.state == "failed" and told.breaks == ["partial hedge"]
    assert told.available("client:acme", "BTC") == 100
    assert told.available("client:acme", "USDT") == 10_000_000
    assert told.available("lp:alpha", "BTC") == -1  # the leg that filled is the desk's own
    money(told)


def test_the_same_with_the_fill_after_the_reject() -> None:
    told = asked()
    told.lps["alpha"].orders, told.lps["alpha"].queries = ["lost"], ["no answer", "fill"]
    told.lps["beta"].orders = ["reject"]
    told.types("p")
    told.later("150ms")
    assert told.trade.state == "UNKNOWN" and told.breaks == []
    told.later("10s")
    assert told.trade.state == "failed" and told.breaks == ["partial hedge"]
    assert told.available("lp:alpha", "BTC") == -1
    money(told)


def test_all_legs_rejected_is_a_trade_that_never_was() -> None:
    told = accepted({"alpha": "reject", "beta": "reject"})
    assert told.trade.state == "failed" and told.breaks == []
    assert told.available("client:acme", "USDT") == 10_000_000
    money(told)


def test_a_leg_of_unknown_outcome_is_never_sent_elsewhere() -> None:
    told = asked(ENOUGH)
    told.lps["beta"].orders, told.lps["beta"].queries = ["lost"], ["no answer"]
    told.types("p")
    told.later("60s")
    assert told.trade.state == "UNKNOWN" and orders(told) == ["alpha 1", "beta 0.5"]
    told.lps["beta"].queries = ["reject"]
    told.later("10s")
    assert told.trade.state == "failed"  # by now no quote is left to go to
    assert orders(told) == ["alpha 1", "beta 0.5"]
    money(told)


def test_a_restart_in_the_middle_asks_for_every_leg() -> None:
    told = asked()
    for lp in ("alpha", "beta"):
        told.lps[lp].orders, told.lps[lp].queries = ["silence"], ["fill"]
    told.types("p")
    told.restarts()
    assert told.trade.state == "UNKNOWN" and told.see().status.unknown == 1
    told.later("5s")
    assert told.trade.state == "settled" and orders(told) == ["alpha 1", "beta 0.5"]
    money(told)


def test_a_leg_that_is_withdrawn_takes_the_price_with_it() -> None:
    streams = replace(PLAIN, lps=(Lp(name="beta", kind="stream"),))
    told = Story(ENOUGH, streams, routing=Routing.COMPOSITE)
    told.types("b 1.5 btcusdt")
    told.later("300ms")
    before = told.card.quote
    assert before.lp == "alpha+beta"
    from lpdesk.domain import reports as rep
    from lpdesk.domain.reasons import Reason

    ask = next(ask for ask in told.events(ev.LpAsked) if ask.lp == "beta")
    told.does(rep.LpWithdrew(lp="beta", ask_id=ask.ask_id, reason=Reason.WITHDRAWN))
    after = told.card.quote
    assert after is None or "beta" not in after.lp.split("+")
    assert told.types(f"p {before.quote_id}") != ""
    money(told)


def test_what_is_worth_less_than_a_unit_of_base_is_no_order_for_several() -> None:
    told = asked(NOBODY_WHOLE.replace("size 1", "size 0.0005"), "s 0.5 usdt btcusdt")
    assert [ask.quantity for ask in told.events(ev.LpAsked)] == [D("0.001")] * 3
    assert told.events(ev.QuoteLocked) == []
