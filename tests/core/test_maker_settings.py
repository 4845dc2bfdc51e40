"""What was set while the desk ran outlives it, until the configuration says something new."""

from __future__ import annotations

import pytest

from tests.core.making import D, Market, ev


def set_live() -> Market:
    market = Market(bid_spread="10", order_levels="2")
    market.ticks("100000")
    assert market.types("set bid_spread 20") == market.types("set order_levels 3") == ""
    return market


def terms(market: Market) -> tuple[object, object]:
    now = market.simulation.desk.making.makers["BTC/USDT"].terms
    return now["bid_spread"], now["order_levels"]


def test_a_live_value_survives_a_restart_and_is_told() -> None:
    market = set_live()
    market.restarts()
    assert terms(market) == (20, 3)
    told = [(e.parameter, e.before, e.after) for e in market.events(ev.MakerSet)[2:]]
    assert told == [("bid_spread", D(10), D(20)), ("order_levels", D(2), D(3))]
    market.restarts()
    market.ticks("100000")
    market.later("2s")
    market.ticks("100000")
    assert terms(market) == (20, 3) and market.best(1) == 99_800


def test_a_configured_value_that_changed_since_wins() -> None:
    market = set_live()
    market.configures(bid_spread="7", order_levels="2")
    market.restarts()
    assert terms(market) == (7, 3), "only what the file says anew"
    market.configures(bid_spread="10", order_levels="2")
    market.restarts()
    assert terms(market) == (10, 3), "what was set before the file said 7 is forgotten"


@pytest.mark.parametrize("line", ["set bid_spread 10", "set order_levels 2"])
def test_what_was_set_back_is_not_live_any_more(line: str) -> None:
    market = set_live()
    market.types(line)
    market.configures(bid_spread="12", order_levels="4")
    market.restarts()
    assert terms(market) == (12, 4)


def test_a_name_that_leaves_the_file_changes_to_its_default() -> None:
    market = set_live()
    market.configures(order_levels="2")
    market.restarts()
    assert terms(market) == (5, 3)


@pytest.mark.parametrize("how", ["stop", "halt"])
def test_a_maker_that_was_stopped_stays_so(how: str) -> None:
    market = set_live()
    market.types(how)
    market.restarts()
    market.ticks("100000")
    market.later("2s")
    assert market.maker.state == "HALTED" and market.ladder == ""


def test_a_position_at_its_limit_is_still_there_after_a_restart() -> None:
    market = Market(order_levels="1", max_position="1", order_amount="1", skew_factor="0")
    market.ticks("100000")
    market.takes("s", "1")
    market.keeps_ticking("100000", "2s")
    assert market.maker.state == "REDUCING"
    market.restarts()
    market.ticks("100000")
    market.later("2s")
    market.ticks("100000")
    assert market.maker.state == "REDUCING" and "bid" not in market.ladder
