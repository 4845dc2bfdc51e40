"""Domain rules 3 and 5: who is asked when, which quote is used, and which is the lock."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.reasons import Reason
from lpdesk.domain.settings import Lp, Polling
from lpdesk.domain.values import SECOND, Side
from tests.core.story import BTC, PLAIN, Story, quoted, span, verdicts

D = Decimal


# ---- the first price, and the best


def test_the_first_usable_quote_is_shown_and_nobody_waits() -> None:
    story = Story("alpha 100000 400ms\nbeta 100010 100ms\ngamma never")
    story.types("b 1.5 btcusdt")
    story.later("200ms")
    assert story.table() == (
        "100060.005 pays 150090.01 USDT\n"  # 150090.0075, up
        "beta LOCK 100010 0.00bp\n"
        "alpha asked\n"
        "gamma asked"
    )


@pytest.mark.parametrize(
    ("line", "best"),
    [
        ("b 1 btcusdt", "low"),
        ("s 1 btcusdt", "high"),
        ("b 50k usdt btcusdt", "high"),
        ("s 50k usdt btcusdt", "low"),
    ],
)
def test_the_best_is_chosen_on_the_base_side(line: str, best: str) -> None:
    story = Story(
        "low 99000 200ms\nhigh 101000 200ms\nmiddle 100000 100ms", size_tolerance_bps=D(0)
    )
    story.types(line)
    story.later("1.5s")
    quote = story.card.quote
    assert quote is not None and quote.lp == best


def test_the_best_is_all_in() -> None:
    dear = Lp(name="dear", kind="rest", fee_bps=D(3))
    story = Story("dear 99990 100ms\ncheap 100000 200ms", replace(PLAIN, lps=(dear,)))
    story.types("b 1 btcusdt")
    story.later("1s")
    assert story.locks == ["0.1 dear first", "0.2 cheap improved"]


def test_equal_prices_the_earlier_receipt_then_the_name() -> None:
    story = Story("zeta 100 100ms\nbeta 100 200ms\nalpha 100 200ms", threshold_bps=D(0))
    story.types("b 1 btcusdt via zeta")
    story.later("250ms")
    story = Story("zeta 100 200ms\nbeta 100 200ms\nalpha 100 200ms", polling=Polling.ROUND)
    story.types("b 1 btcusdt")
    story.later("250ms")
    assert story.locks == ["0.2 alpha first"]


# ---- the lock


@pytest.mark.parametrize(
    ("price", "locks"),
    [
        ("99990", ["0.1 alpha first", "0.3 beta improved"]),  # exactly 1 bp of the client price
        ("99990.01", ["0.1 alpha first"]),
    ],
)
def test_the_threshold_is_one_basis_point_and_equality_counts(price: str, locks: list) -> None:
    story = Story(f"alpha 100000 100ms\nbeta {price} 300ms")
    story.types("b 1 btcusdt")
    story.later("400ms")
    assert story.locks == locks


def test_the_lock_is_frozen_and_the_others_are_asked_at_their_own_interval() -> None:
    slow = Lp(name="beta", kind="rest", poll_interval_ns=span("1.5s"))
    story = Story(
        "alpha 100000 100ms\nbeta 100100 100ms\ngamma 100200 700ms", replace(PLAIN, lps=(slow,))
    )
    story.types("b 1 btcusdt")
    story.later("4s")
    assert story.asked("alpha") == "0"
    assert story.asked("beta") == "0 1.5 3"
    assert story.asked("gamma") == "0 0.7 1.4 2.1 2.8 3.5"


def test_a_former_lock_competes_again() -> None:
    story = Story("alpha 100000,99900 100ms\nbeta 99950 300ms")
    story.types("b 1 btcusdt")
    story.later("2s")
    assert story.locks == ["0.1 alpha first", "0.3 beta improved", "0.6 alpha improved"]
    assert story.card.improvements == 2


def test_no_lp_is_asked_above_its_rate() -> None:
    shy = Lp(name="beta", kind="rest", rate_per_second=D(2), poll_interval_ns=span("100ms"))
    story = Story("alpha 100000 100ms\nbeta 100100 10ms", replace(PLAIN, lps=(shy,)))
    story.types("b 1 btcusdt")
    story.later("5s")
    assert story.asked("beta") == "0 0.1 0.5 1 1.5 2 2.5 3 3.5 4 4.5 5"  # a burst of two


def test_retry_after_is_honoured() -> None:
    story = Story("alpha 100000 100ms\nbeta never")
    story.types("b 1 btcusdt")
    story.later("200ms")
    ask = [ask for ask in story.events(ev.LpAsked) if ask.lp == "beta"][-1]
    story.does(
        rep.LpFailed(
            lp="beta", ask_id=ask.ask_id, reason=Reason.RATE_LIMITED, retry_after_ns=3 * SECOND
        )
    )
    story.later("4s")
    assert story.asked("beta") == "0 3.2"


def test_price_and_dwell_keeps_a_lock_for_a_while() -> None:
    table = "alpha 100000 100ms\nbeta 99900 300ms"
    story = Story(table, lock_policy="price+dwell", dwell_ns=span("800ms"))
    story.types("b 1 btcusdt")
    story.later("2s")
    assert story.locks == ["0.1 alpha first", "0.9 beta improved"]


def test_in_rounds_the_lock_moves_when_the_last_has_answered() -> None:
    table = "alpha 100000 100ms\nbeta 99990 200ms\ngamma 99900 300ms"
    story = Story(table, polling=Polling.ROUND)
    story.types("b 1 btcusdt")
    story.later("1s")
    assert story.locks == ["0.3 gamma first"]
    assert story.asked("alpha") == "0 0.7" and story.asked("gamma") == "0"


# ---- quotes that are not used


def test_a_late_quote_is_recorded_and_counted_and_not_used() -> None:
    story = Story("alpha 100000 100ms\nbeta 90000 2.3s")
    story.types("b 1 btcusdt")
    story.later("2.1s")
    assert [(miss.lp, miss.reason) for miss in story.events(ev.LpMissed)] == [
        ("beta", Reason.TIMED_OUT)
    ]
    story.later("1s")
    assert verdicts(story, "beta") == ["late"] and story.locks == ["0.1 alpha first"]
    late = next(quote for quote in story.events(ev.QuoteReceived) if quote.lp == "beta")
    assert late.response_ns == span("2.3s")
    assert next(row for row in story.card.rows if row.lp == "beta").quotes == 1


def test_a_late_quote_is_late_also_after_the_request_has_ended() -> None:
    story = Story("alpha 100000 100ms\nbeta 99990 2.3s")
    story.types("b 1 btcusdt")
    story.later("200ms")
    story.types("cancel")
    story.later("5s")
    assert verdicts(story, "beta") == ["late"] and story.card.end is ev.RfqEnd.CANCELLED


def test_a_smaller_quote_is_no_full_quote() -> None:
    story = Story("alpha 99000 100ms size 0.5\nbeta 100000 200ms")
    story.types("b 1 btcusdt")
    story.later("1s")
    assert story.locks == ["0.2 beta first"] and set(verdicts(story, "alpha")) == {"short"}


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"symbol": "ETH/USDT"}, "bad"),
        ({"side": Side.SELL}, "bad"),
        ({"price": D(0)}, "bad"),
        ({"price": D(-1)}, "bad"),
        ({"quantity": D(0)}, "bad"),
        ({"quantity": D(2)}, "bad"),
        ({"validity_ns": 2 * SECOND}, "brief"),
        ({"validity_ns": -5 * SECOND}, "brief"),
        ({"price": D(50_000)}, "outlier"),
    ],
)
def test_unusable_quotes(changes: dict[str, object], verdict: str) -> None:
    story = Story("alpha never")
    tick = {"bid": D(99_990), "ask": D(100_010), "bid_size": D(1), "ask_size": D(1)}
    story.does(rep.LpStreamed(lp="alpha", symbol="BTC/USDT", **tick))
    story.types("b 1 btcusdt")
    quoted(story, "alpha", "100000", **changes)
    assert verdicts(story, "alpha") == [verdict] and story.locks == []


def test_a_price_far_from_the_others_is_neither_shown_nor_dealt_whoever_comes_first() -> None:
    """No stream and no reference: three LPs say what it costs, one says a hundredth of it."""
    for delays in ((0, 10, 20, 30), (10, 20, 30, 0), (10, 20, 30, 40)):
        names = ("alpha", "beta", "gamma", "liar")
        prices = ("100000", "100010", "100020", "1000")
        lines = [
            f"{name} {price} {delay}ms"
            for name, price, delay in zip(names, prices, delays, strict=True)
        ]
        story = Story("\n".join(lines), strict=True)
        story.types("b 1 btcusdt")
        story.later("100ms")
        assert story.card.quote is not None and story.card.quote.lp == "alpha"
        assert story.view.status.uncovered == 0
        story.later("1s")
        assert "outlier" in verdicts(story, "liar") and story.card.quote.lp == "alpha"


def test_one_stream_that_is_far_off_does_not_move_the_market() -> None:
    story = Story("alpha 100000 10ms", strict=True)
    for lp, mid in (("beta", 99_995), ("gamma", 100_005), ("liar", 1_000), ("delta", 100_000)):
        tick = {"bid": D(mid - 10), "ask": D(mid + 10), "bid_size": D(1), "ask_size": D(1)}
        story.does(rep.LpStreamed(lp=lp, symbol="BTC/USDT", **tick))
    top = story.events(ev.MarketMoved)[-1]
    assert (top.bid, top.ask, top.crossed, top.sources) == (99_995, 100_005, False, 3)
    story.types("b 1 btcusdt")
    story.later("100ms")
    assert verdicts(story, "alpha") == ["live"] and story.types("p") == ""


def test_one_quote_id_for_two_quotes() -> None:
    story = Story("alpha never\nbeta 100000 0ms")
    story.types("b 1 btcusdt")
    story.later("100ms")
    quoted(story, "alpha", "100100", ref="same")
    story.later("600ms")
    quoted(story, "alpha", "99000", ref="same")
    assert verdicts(story, "alpha") == ["live", "bad"] and story.locks == ["0.0 beta first"]


def test_answers_to_nothing_are_dropped() -> None:
    story = Story("alpha 100000 100ms")
    before = len(story.events(ev.QuoteReceived))
    story.does(
        rep.LpQuoted(
            lp="alpha",
            ask_id="R-000009.1",
            quote_ref="x",
            symbol="BTC/USDT",
            side=Side.BUY,
            price=D(1),
            quantity=D(1),
            validity_ns=SECOND,
        )
    )
    story.does(rep.LpFailed(lp="nobody", ask_id="?", reason=Reason.LP_ERROR, retry_after_ns=1))
    assert len(story.events(ev.QuoteReceived)) == before


# ---- dealt in quote: the size follows the price


def test_a_quote_dealt_request_is_asked_for_its_exact_hedge() -> None:
    """No price is known: the minimum is asked for, to learn one; then the exact size."""
    story = Story("alpha 100000 100ms")
    story.types("b 50000 usdt btcusdt")
    story.later("300ms")
    asked = [ask.quantity for ask in story.events(ev.LpAsked)]
    assert asked == [D("0.001"), D("0.50026")] and verdicts(story, "alpha") == ["sizing", "live"]
    quote = story.card.quote
    assert quote is not None and quote.quantity == quote.pays == D("0.50026")


def test_with_a_market_the_first_ask_is_nearly_right() -> None:
    story = Story("alpha 100000 100ms")
    tick = {"bid": D(99_990), "ask": D(100_010), "bid_size": D(1), "ask_size": D(1)}
    story.does(rep.LpStreamed(lp="alpha", symbol="BTC/USDT", **tick))
    story.types("b 50000 usdt btcusdt")
    story.later("200ms")
    assert [ask.quantity for ask in story.events(ev.LpAsked)] == [D("0.50026")]
    assert story.card.quote is not None


# ---- what the race shows once a lock does not hold


TWO = "alpha 100000 100ms\nbeta 99990 200ms"


def test_a_lock_that_is_taken_back_is_not_shown_as_a_better_price() -> None:
    story = Story(TWO)
    story.types("b 1 btcusdt")
    story.later("300ms")
    ask = next(ask for ask in story.events(ev.LpAsked) if ask.lp == "beta")
    story.does(rep.LpWithdrew(lp="beta", ask_id=ask.ask_id, reason=Reason.UNREACHABLE))
    assert story.table().splitlines()[1:] == ["alpha LOCK 100000 0.00bp", "beta unreachable"]


def test_a_reject_and_who_dealt_instead_are_in_the_race() -> None:
    story = Story(TWO)
    story.lps["beta"].orders = ["reject"]
    story.types("b 1 btcusdt")
    story.later("300ms")
    story.types("p")
    story.later("20ms")
    assert "beta LOCK 99990 0.00bp" in story.table()
    story.later("1s")
    assert story.table().splitlines()[2:4] == [
        "beta rejected 99990 -1.00bp",
        "alpha LOCK 100000 0.00bp",
    ]
    assert story.trade.state == "settled" and story.trade.lp == "alpha"


def test_all_that_rejected_are_in_the_race() -> None:
    story = Story(TWO)
    story.lps["alpha"].orders = story.lps["beta"].orders = ["reject"]
    story.types("b 1 btcusdt")
    story.later("300ms")
    story.types("p")
    story.later("1s")
    assert [row.state for row in story.card.rows] == ["rejected", "rejected"]
    assert story.trade.state == "failed"


# ---- no liquidity


def test_no_liquidity_says_why() -> None:
    small = Lp(name="beta", kind="rest", maximum=D("0.1"))
    poor = Lp(name="gamma", kind="rest", credit={"BTC": D("0.5")})
    story = Story("alpha - 50ms\nbeta 1 1ms\ngamma 1 1ms", replace(PLAIN, lps=(small, poor)))
    story.types("b 1 btcusdt")
    story.later("1s")
    assert story.table() == "ended: no liquidity\nalpha declined\nbeta size\ngamma credit"
    notice = story.view.notices[0].text
    assert notice == "R-000001 no liquidity: alpha declined, beta size, gamma credit"


def test_the_same_reason_of_many_is_said_once() -> None:
    small = Lp(name="alpha", kind="rest", maximum=D("0.1"))
    four = "alpha 1 1ms\nbeta - 1ms\ngamma - 1ms\ndelta - 1ms"
    story = Story(four, replace(PLAIN, lps=(small,)))
    story.types("b 1 btcusdt")
    story.later("1s")
    assert story.see().notices[0].text == "R-000001 no liquidity: alpha size, 3 LPs declined"


def test_no_lp_for_a_pair_at_all() -> None:
    only_eth = Lp(name="alpha", kind="rest", pairs=("ETH/USDT",))
    story = Story("alpha 1 1ms", replace(PLAIN, lps=(only_eth,)))
    story.types("b 1 btcusdt")
    assert story.table() == "ended: no liquidity" and BTC.symbol == story.card.symbol
