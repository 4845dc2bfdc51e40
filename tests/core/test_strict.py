"""What every new desk holds to: whole units only, and nothing sent for a quote that has run out."""

from __future__ import annotations

from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.settings import Lp, Routing
from lpdesk.domain.values import SECOND
from tests.core.story import PLAIN, Story, verdicts
from tests.core.test_composite import legs
from tests.core.test_internal import COMPOSITE, HALF, D, accepts, asks, desk, lock

STREAMS = replace(PLAIN, lps=(Lp(name="alpha", kind="stream"), Lp(name="beta", kind="stream")))


def test_of_a_streams_odd_size_whole_units_are_dealt() -> None:
    table = "alpha 99990 100ms size 1.0000049\nbeta 100000 100ms size 1"
    told = Story(table, STREAMS, routing=Routing.COMPOSITE, strict=True)
    told.types("b 1.5 btcusdt")
    told.later("200ms")
    assert legs(told) == "alpha 1 @ 99990, beta 0.5 @ 100000"


def test_less_than_a_unit_is_nothing() -> None:
    table = "alpha 99990 100ms size 0.0000049\nbeta 100000 100ms"
    told = Story(table, STREAMS, routing=Routing.COMPOSITE, strict=True)
    told.types("b 1.5 btcusdt")
    told.later("200ms")
    assert verdicts(told, "alpha") == ["bad"] and told.card.quote.lp == "beta"


def test_an_odd_size_that_cannot_be_divided_is_no_price() -> None:
    told = Story("alpha 99990 100ms size 0.7500049\nbeta 100000 100ms", strict=True)
    told.types("b 1.5 btcusdt")
    told.later("200ms")
    assert verdicts(told, "alpha") == ["bad"] and told.card.quote.lp == "beta"


def test_an_odd_size_leaves_our_own_exchange_no_odd_rest() -> None:
    """It deals in whole lots: a rest that is none stopped the desk."""
    rules = replace(COMPOSITE, strict=True)
    market = desk(replace(HALF, share=D(1)), desk_rules=rules)
    asks(market)
    (ask,) = [each for each in market.events(ev.LpAsked) if each.lp == "alpha"]
    market.does(
        rep.LpQuoted(
            lp="alpha", ask_id=ask.ask_id, quote_ref="odd", symbol=ask.symbol, side=ask.side,
            price=D(100_070), quantity=D("0.4000049"), validity_ns=60 * SECOND,
        )
    )  # fmt: skip
    market.later("100ms")
    parts = [(leg.lp, leg.quantity) for leg in lock(market).legs]
    assert parts == [("house", D("0.5")), ("house", D("0.1")), ("alpha", D("0.4"))]
    assert accepts(market) == ""


def test_a_reject_after_the_clients_quote_has_run_out_is_not_hedged_elsewhere() -> None:
    """I15. The other LP's price would still stand, and is no worse than the client's."""
    for strict, sent in ((True, ["alpha"]), (False, ["alpha", "beta"])):
        told = Story("alpha 100000 100ms valid 6s\nbeta 100010 100ms valid 60s", strict=strict)
        told.types("b 1.5 btcusdt")
        told.later("1s")
        told.lps["alpha"].orders = ["lost"]
        told.lps["alpha"].queries = ["no answer"] * 4 + ["reject"]
        told.types("p")
        told.later("20s")
        assert [each.lp for each in told.events(ev.OrderSent)] == sent
        assert told.trade.state == ("failed" if strict else "settled")
        assert not told.simulation.desk.state.ledger.holds


def test_no_leg_is_sent_after_the_quote_of_all_legs_has_run_out() -> None:
    table = "alpha 99990 100ms size 1 valid 6s\nbeta 100000 100ms size 1 valid 60s"
    told = Story(table, STREAMS, routing=Routing.COMPOSITE, strict=True)
    told.types("b 1.5 btcusdt")
    told.later("200ms")
    ends = told.card.quote.dealable_until
    told.types("p")
    assert [each.send_by for each in told.events(ev.OrderSent)] == [ends, ends]
