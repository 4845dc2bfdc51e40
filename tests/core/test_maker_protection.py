"""Every protection on the virtual clock: what pulls the ladder, in the same step, and the way back.

That nothing of ours rests while the maker may not quote is checked after every record by `Market`.
"""

from __future__ import annotations

import pytest

from lpdesk.domain import reports as rep
from lpdesk.domain.settings import Rules
from tests.core.making import SYMBOL, D, Market, ev


def quoting(**parameters: str) -> Market:
    market = Market(order_levels="1", **parameters)
    market.ticks("100000")
    assert market.ladder
    return market


# ---- the reference


def test_two_sources_must_agree_first() -> None:
    market = Market()
    assert market.state == "WAITING 0 of 2 fresh sources"
    market.ticks("100000", "binance")
    assert market.state == "WAITING 1 of 2 fresh sources"
    market.ticks("100000", "okx")
    assert market.state == "ACTIVE"


def test_a_stale_source_pulls_by_the_clock_and_comes_back_settled() -> None:
    market = quoting(stale_after="3")
    market.later("2s")
    market.ticks("100000", "okx")
    market.later("1s")
    assert market.state == "ACTIVE"
    market.later("1ms")
    assert (market.state, market.ladder) == ("WAITING 1 of 2 fresh sources", "")
    market.ticks("100000", "binance")
    assert market.state == "WAITING the reference has just come back until 4.001"
    assert market.ladder == ""
    market.later("1s")
    assert market.state == "ACTIVE" and market.ladder


def test_a_frozen_feed_is_no_source() -> None:
    """The feed says itself that it is alive but has no news."""
    market = quoting()
    market.loses("okx")
    assert (market.state, market.ladder) == ("WAITING 1 of 2 fresh sources", "")


def test_a_flapping_feed_does_not_flap_the_ladder() -> None:
    market = quoting()
    for _ in range(20):
        market.loses("okx")
        market.later("250ms")
        market.ticks("100000")
        market.later("250ms")
    assert market.ladder == ""
    shown = [event for event in market.events(ev.BookChanged) if event.bids]
    assert len(shown) == 1
    market.later("1s")
    assert market.ladder


def test_a_third_source_that_flaps_changes_nothing() -> None:
    market = quoting()
    before = market.orders()
    for _ in range(5):
        market.ticks("100000", "kraken")
        market.loses("kraken")
    assert market.orders() == before


def test_sources_that_disagree() -> None:
    market = quoting()
    market.ticks("100501", "okx")  # 50.1 bp
    assert (market.state, market.ladder) == ("WAITING sources disagree", "")
    market.ticks("100000", "kraken")  # two against one
    assert market.state == "WAITING the reference has just come back until 1"
    market.later("1s")
    assert market.state == "ACTIVE" and market.maker.mid == 100_000
    market.ticks("100490", "okx")  # within 50 bp of the median: it is heard, the median stays
    assert market.maker.sources == 2 and market.state == "ACTIVE"


def test_bad_prices_and_frozen_feeds_come_back_by_themselves() -> None:
    """The way back is the same for all of them: good news, then it must last."""
    market = quoting()
    zero = rep.ReferenceTicked(source="okx", symbol=SYMBOL, bid=D(0), ask=D(0))
    for breaks in (lambda: market.does(zero), lambda: market.loses("okx")):
        breaks()
        market.keeps_ticking("100000", "0s")
        assert market.ladder == ""
        market.ticks("100000")
        assert market.maker.why == "the reference has just come back" and market.ladder == ""
        market.keeps_ticking("100000", "1s")
        assert market.state == "ACTIVE" and market.ladder


def test_a_loss_made_while_there_was_no_reference_halts_before_any_quote() -> None:
    """Without a price there is no P&L, so nothing is quoted; with it, the limit comes first."""
    market = quoting(max_loss="100", order_amount="1", max_price_change="5000")
    market.takes("s", "1")
    market.loses("okx")
    assert (market.state, market.ladder) == ("WAITING 1 of 2 fresh sources", "")
    shown = len([book for book in market.events(ev.BookChanged) if book.bids])
    market.later("60s")
    market.keeps_ticking("99000", "3s")
    assert market.state == "HALTED loss of 950.00 USDT" and market.ladder == ""
    assert len([book for book in market.events(ev.BookChanged) if book.bids]) == shown


def test_a_drawdown_comes_back_by_hand_and_counts_from_there() -> None:
    market = quoting(max_drawdown="100", order_amount="1", max_loss="0", filled_order_delay="0")
    market.takes("s", "1")
    market.keeps_ticking("99800", "1s")
    assert market.maker.state == "HALTED" and market.maker.why.startswith("drawdown of 1")
    market.keeps_ticking("100000", "30s")
    assert market.ladder == ""
    assert market.types("start") == ""
    assert market.state == "ACTIVE" and market.ladder
    market.ticks("99890")
    assert market.maker.why.startswith("drawdown of 11")


@pytest.mark.parametrize(
    ("bid", "ask"),
    [("0", "1"), ("-1", "1"), ("100001", "99999"), ("100000", "100000"), ("NaN", "100000"),
     ("100000", "NaN"), ("100000", "Infinity"), ("sNaN", "1")],
)  # fmt: skip
def test_an_impossible_price_is_no_price(bid: str, ask: str) -> None:
    market = quoting()
    market.does(rep.ReferenceTicked(source="okx", symbol=SYMBOL, bid=D(bid), ask=D(ask)))
    assert (market.state, market.ladder) == ("WAITING 1 of 2 fresh sources", "")


# ---- the price


def test_a_jump_pauses_and_the_way_back_starts_from_the_new_price() -> None:
    market = quoting(max_price_change="40", jump_pause="5")
    market.ticks("100400")  # 40 bp exactly
    assert market.state == "ACTIVE"
    market.ticks("100402", "okx")
    assert (market.state, market.ladder) == ("PAUSED price moved 40.1 bp in 60 s until 5", "")
    market.ticks("100000")
    market.keeps_ticking("100000", "4.5s")
    assert market.ladder == ""
    market.later("500ms")
    assert market.state == "ACTIVE"
    market.ticks("99600")  # measured from the new start: 40 bp again, and not 80
    assert market.state == "ACTIVE"


def test_a_slow_drift_counts_against_the_window() -> None:
    market = quoting(max_price_change="20", price_window="10")
    for step in range(1, 21):
        market.later("500ms")
        market.ticks(str(100_000 + 10 * step))
        assert market.maker.state == "ACTIVE", step  # 1 bp each, 20 bp in the window
    market.ticks("100212")
    assert market.state.startswith("PAUSED price moved 2")


def test_a_slower_drift_leaves_the_window() -> None:
    market = quoting(max_price_change="20", price_window="10", stale_after="10")
    for step in range(1, 40):
        market.later("1s")
        market.ticks(str(100_000 + 15 * step))
    assert {event.state for event in market.events(ev.MakerMoved)[3:]} == {"ACTIVE"}


def test_a_spike_between_two_looks_is_in_the_window() -> None:
    market = quoting(max_price_change="30")
    market.ticks("100200")
    market.later("1ms")
    market.ticks("99890")  # 31 bp under the spike of a millisecond ago
    assert market.maker.state == "PAUSED"


# ---- losses and position


def test_a_loss_halts_until_a_person_starts_it_again() -> None:
    market = quoting(max_loss="100", order_amount="1")
    market.takes("s", "1")  # we buy at 99950, 50 below the mid
    market.keeps_ticking("99900", "1s")
    assert market.maker.pnl == -50 and market.state == "ACTIVE"
    market.ticks("99840")
    assert (market.state, market.ladder) == ("HALTED loss of 110.00 USDT", "")
    market.keeps_ticking("100000", "60s")
    assert market.ladder == ""
    market.restarts()
    market.ticks("100000")
    assert market.maker.state == "HALTED"
    assert market.types("start") == ""
    market.later("1s")
    market.ticks("100000")
    assert market.state == "ACTIVE" and market.ladder


def test_a_loss_made_by_a_fill_halts_in_the_same_step() -> None:
    """With nothing but base the ask is at 99900 * 1.0005 = 99949.95, below the mid."""
    market = quoting(max_loss="30", base="100", quote="0")
    market.takes("b", "0.75")
    assert (market.state, market.ladder) == ("HALTED loss of 37.54 USDT", "")


def test_a_drawdown_halts_although_there_is_a_profit() -> None:
    market = quoting(max_drawdown="100", order_amount="1", max_loss="0")
    market.takes("s", "1")
    market.keeps_ticking("100300", "1s")
    assert market.maker.pnl == 350
    market.ticks("100190")
    assert market.maker.pnl > 200 and market.ladder == ""
    assert market.maker.why.startswith("drawdown of 1")


def test_starting_one_that_is_not_halted_moves_no_limit() -> None:
    market = quoting(max_loss="100", order_amount="1")
    market.takes("s", "1")
    market.keeps_ticking("99900", "1s")
    assert market.types("start") == ""
    market.ticks("99840")
    assert market.maker.state == "HALTED"


def test_at_the_greatest_position_only_the_side_that_shrinks_it_is_left() -> None:
    market = quoting(max_position="1", order_amount="0.8", skew_factor="0", size_skew="0")
    market.takes("s", "0.8")
    market.keeps_ticking("100000", "2s")
    assert market.ladder == "ask 100050.00 0.8\nbid 99950.00 0.2"  # never more than fits
    market.takes("s", "5")
    assert market.state == "REDUCING position +1.00000 BTC"
    assert market.ladder == "ask 100050.00 0.8"
    market.takes("b", "0.05")
    market.keeps_ticking("100000", "2s")
    assert market.maker.state == "REDUCING"  # comes back below 0.9
    market.takes("b", "0.06")
    assert market.state == "ACTIVE"
    market.keeps_ticking("100000", "2s")
    assert "bid 99950.00 0.11" in market.ladder


# ---- rates


def test_the_cap_on_orders_a_second() -> None:
    """Two orders a ladder, eight a second: the fifth change waits."""
    market = quoting(orders_per_second="8", skew_factor="0", size_skew="0")
    for step in range(1, 6):
        market.ticks(str(100_000 + 40 * step), "okx")
    assert max(market.orders()) == 8 and market.best(1) == D("100009.97")
    market.later("999ms")
    assert max(market.orders()) == 8
    market.later("1ms")
    assert market.best(1) == D("100049.95")


def test_a_cap_that_holds_back_an_overrun_ladder_pulls_it() -> None:
    market = quoting(orders_per_second="2", max_price_change="500", skew_factor="0")
    market.ticks("100200")
    assert market.state == "PAUSED too many orders in a second until 1" and market.ladder == ""
    market.later("1s")
    assert market.state == "ACTIVE" and market.best(1) > 100_100


def test_the_cap_on_notional_a_second() -> None:
    market = quoting(notional_per_second="250000", skew_factor="0", size_skew="0")
    market.ticks("100020", "okx")
    market.ticks("100040", "okx")
    assert max(market.orders()) == 4  # 100,000 a ladder
    market.later("1s")
    assert max(market.orders()) == 6


def test_a_ladder_worth_more_than_the_cap_is_cut_to_its_best_levels() -> None:
    market = Market(order_levels="3", notional_per_second="250000", skew_factor="0", size_skew="0")
    market.ticks("100000")
    assert market.ladder == (  # 0.5 and 0.75 a side are worth 250,000, and a little more
        "ask 100050.00 0.5\nbid 99950.00 0.5"
    )
    alone = Market(order_levels="1", notional_per_second="50000")
    alone.ticks("100000")
    assert alone.ladder == "" and alone.maker.state == "ACTIVE"
    assert alone.types("set notional_per_second 0") == "" and alone.ladder


def test_the_caps_on_orders_by_hand() -> None:
    market = Market(rules=Rules(orders_per_second=3, max_resting_orders=5))
    assert [market.types("lim b 0.01 90000") for _ in range(3)] == ["", "", ""]
    assert market.types("mkt b 1") != ""
    assert market.types("lim b 0.01 90000") == "order: the desk's cap is 3 orders a second"
    assert market.types("cxl O-000001") == "", "what shrinks risk is never held back"
    market.later("1s")
    assert [market.types("lim b 0.01 90000") for _ in range(3)] == ["", "", ""]
    market.later("1s")
    assert market.types("lim b 0.01 90000") == "order: 5 rest already"


def test_the_cap_on_the_notional_of_orders_by_hand() -> None:
    market = Market(rules=Rules(notional_per_second=D(100_000)))
    market.ticks("100000")
    text = "order: the desk's cap is 50 orders a second and 100,000 USDT"
    assert market.types("lim b 2 90000") == text, "alone it is beyond"
    assert market.types("lim b 0.5 90000") == ""
    assert market.types("mkt b 0.5") == ""
    assert market.types("mkt b 0.1") == text
    market.later("1s")
    assert market.types("mkt s 0.1") == ""


# ---- the kill switch


def test_the_kill_switch_pulls_everything_and_survives_a_restart() -> None:
    market = quoting()
    market.types("lim b 1 99000")
    market.types("halt")
    assert (market.state, market.ladder) == ("HALTED F12", "")
    assert market.events(ev.BookChanged)[-1].bids == ()
    assert market.has("client:acme", "USDT") == 1_000_000
    assert market.types("start") == "desk: trading is halted"
    assert market.types("lim b 1 99000") == "desk: trading is halted"
    market.ticks("100000")
    market.takes("b", "1")
    market.restarts()
    market.ticks("100000")
    assert (market.state, market.ladder) == ("HALTED F12", "")
    market.types("resume")
    market.later("1s")
    market.ticks("100000")
    assert market.state == "ACTIVE" and market.ladder


def test_the_kill_switch_shows_an_empty_book_though_only_a_client_was_in_it() -> None:
    market = Market()
    market.types("lim b 1 99000")
    market.types("halt")
    assert market.events(ev.BookChanged)[-1].bids == ()


def test_resuming_the_desk_does_not_start_a_maker_that_was_stopped() -> None:
    market = quoting()
    market.types("stop")
    assert (market.state, market.ladder) == ("HALTED by hand", "")
    market.types("halt")
    market.types("resume")
    assert (market.state, market.ladder) == ("HALTED by hand", "")
    market.types("start")
    assert market.state == "ACTIVE"


def test_parameters_have_limits() -> None:
    market = quoting()
    assert market.types("set bid_spread 0") == "bid_spread: outside 0.1 to 1000 bp"
    assert market.types("set order_levels 2.5") == "order_levels: not a whole number of levels"
    assert market.types("set maker_fee 5").startswith("maker_fee: is set in the configuration")
    assert market.types("set nothing 5") == "nothing: no parameter nothing"
    assert market.types("set bid_spread 20") == "" and market.best(1) == 99_800


def test_an_unknown_maker_is_named() -> None:
    market = quoting()
    market.simulation.desk.making.makers.clear()
    assert market.types("stop") == market.types("start") == f"pair: no maker for {SYMBOL}"
