"""Domain rule 6, what LPs do with an order: fill, reject, lose the answer, lie, or say nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.reasons import Reason
from lpdesk.domain.settings import Lp
from lpdesk.domain.values import SECOND
from tests.core.story import PLAIN, Story, fill

D = Decimal
TWO = "alpha 100000 100ms\nbeta 100020 100ms"


def accepted(orders: str, table: str = TWO, queries: str = "fill", **rules) -> Story:
    """A trade with alpha, which treats the order and its queries as said."""
    story = Story(table, **rules)
    story.lps["alpha"].orders = orders.split(" | ")
    story.lps["alpha"].queries = queries.split(" | ")
    story.types("b 1 btcusdt")
    story.later("1s")
    assert story.types("p") == ""
    return story


def orders(story: Story) -> list[str]:
    return [sent.lp for sent in story.events(ev.OrderSent)]


def funds(story: Story) -> Decimal:
    return story.available("client:acme", "USDT")


# ---- rejects


def test_a_reject_falls_back_on_the_next_cover_within_the_loss_limit() -> None:
    story = accepted("reject")
    story.later("1s")
    assert orders(story) == ["alpha", "beta"]
    trade = story.trade
    assert (trade.state, trade.lp, trade.tried) == ("settled", "beta", ("alpha", "beta"))
    assert trade.pnl == 30 and trade.client_price == 100_050  # the client pays what was agreed
    assert [leg.reason for leg in story.events(ev.LegRejected)] == [Reason.LAST_LOOK]


def test_beyond_the_loss_limit_the_trade_fails_and_nothing_has_moved() -> None:
    story = accepted("reject", "alpha 100000 100ms\nbeta 100050.01 100ms")
    story.later("1s")
    assert story.table().splitlines()[-1] == "T-000001 failed alpha last look: moved"
    assert funds(story) == 10_000_000 and orders(story) == ["alpha"]
    (resolved,) = story.events(ev.HoldResolved)
    assert not resolved.posted


@pytest.mark.parametrize(("price", "state"), [("100050", "settled"), ("100050.01", "failed")])
def test_the_default_limit_is_the_client_price(price: str, state: str) -> None:
    story = accepted("reject", f"alpha 100000 100ms\nbeta {price} 100ms")
    story.later("1s")
    assert story.trade.state == state


def test_a_dealer_may_allow_a_loss() -> None:
    table = "alpha 100000 100ms\nbeta 100070 100ms"
    story = accepted("reject", table, loss_limit_bps=D(2))
    story.later("1s")
    assert story.trade.state == "settled" and story.trade.pnl == -20


def test_no_fallback_on_an_expired_cover_nor_while_halted() -> None:
    story = accepted("silence", "alpha 100000 100ms\nbeta 100020 100ms valid 2.2s")
    story.later("900ms")
    reject = story.events(ev.OrderSent)[0].order_id
    story.does(rep.OrderRejected(lp="alpha", order_id=reject, reason=Reason.LAST_LOOK))
    assert story.trade.state == "failed"
    story = accepted("reject")
    story.types("halt")
    story.later("1s")
    assert story.trade.state == "failed" and orders(story) == ["alpha"]


def test_an_lp_that_rejects_and_says_when_to_come_back_is_left_alone_until_then() -> None:
    story = accepted("silence")
    sent = story.events(ev.OrderSent)[0].order_id
    story.does(
        rep.OrderRejected(
            lp="alpha", order_id=sent, reason=Reason.RATE_LIMITED, retry_after_ns=5 * SECOND
        )
    )
    assert orders(story) == ["alpha", "beta"]  # the client's trade goes on with who is left
    story.types("b 1 btcusdt")
    story.later("4.9s")
    assert [ask.rfq_id for ask in story.events(ev.LpAsked) if ask.lp == "alpha"] == ["R-000001"]
    assert "alpha rate limit" in story.table()
    story.later("1s")
    assert [ask.rfq_id for ask in story.events(ev.LpAsked) if ask.lp == "alpha"][1] == "R-000002"


def test_an_order_that_never_left_is_a_reject() -> None:
    story = accepted("unsent")
    story.later("1s")
    assert orders(story) == ["alpha", "beta"] and story.trade.state == "settled"


# ---- lost answers


def test_a_lost_answer_is_unknown_until_the_lp_says() -> None:
    story = accepted("lost", queries="no answer | no answer | fill")
    story.later("100ms")
    assert story.trade.state == "UNKNOWN" and story.see().status.unknown == 1
    assert funds(story) == 10_000_000 - 100_050  # the hold stays
    story.later("5s")
    assert story.trade.state == "settled" and orders(story) == ["alpha"]
    attempts = [query.attempt for query in story.events(ev.OrderQueried)]
    assert attempts == [1, 2, 3] and story.see().status.unknown == 0


def test_a_lost_answer_may_turn_out_a_reject_then_the_next_cover_is_tried() -> None:
    story = accepted("lost", queries="reject")
    story.later("1s")
    assert orders(story) == ["alpha", "beta"] and story.trade.state == "settled"


def test_no_answer_in_time_is_unknown_too() -> None:
    story = accepted("silence", queries="pending | pending | fill")
    story.later("1.9s")
    assert story.trade.state == "executing"
    story.later("200ms")
    assert story.trade.state == "UNKNOWN"
    story.later("5s")
    assert story.trade.state == "settled"


def test_not_found_proves_nothing_before_expiry_and_grace() -> None:
    """alpha's quote came at 0.1 s and lived 10 s; the grace is 10 s more."""
    story = accepted("lost", queries="unknown")
    story.later("19s")
    assert story.trade.state == "UNKNOWN" and orders(story) == ["alpha"]
    story.later("6s")
    assert story.trade.state == "failed" and funds(story) == 10_000_000


def test_an_unknown_trade_waits_for_ever_with_growing_patience() -> None:
    story = accepted("lost", queries="no answer")
    story.later("600s")
    assert story.trade.state == "UNKNOWN" and orders(story) == ["alpha"]
    assert 115 < len(story.events(ev.OrderQueried)) < 130
    assert funds(story) < 10_000_000


def test_pending_is_asked_for_before_the_deadline() -> None:
    story = accepted("pending", queries="pending | fill")
    story.later("1.5s")
    assert story.trade.state == "settled" and story.events(ev.TradeUnknown) == []


def test_a_late_fill_of_an_unknown_order_settles_it() -> None:
    story = accepted("lost", queries="no answer")
    story.later("12s")
    order = story.events(ev.OrderSent)[0].order_id
    story.does(fill(story.lps["alpha"], order))
    assert story.trade.state == "settled"
    assert story.breaks == ["fill after expiry"]


# ---- lies


@pytest.mark.parametrize(
    ("orders_", "breaks", "state", "alpha_btc"),
    [
        ("twice", [], "settled", "-1"),
        ("double", ["double fill"], "settled", "-2"),
        ("too much", ["overfill"], "settled", "-1.5"),
        ("half", ["partial fill"], "settled", "-0.5"),
        ("halves", ["partial fill"], "settled", "-1"),
        ("worse", ["worse price"], "settled", "-1"),
        ("fill, reject", ["reject after fill"], "settled", "-1"),
        ("reject, fill", ["fill after reject"], "settled", "-1"),
    ],
)
def test_what_an_lp_says_is_booked_once_and_what_differs_is_a_break(
    orders_: str, breaks: list[str], state: str, alpha_btc: str
) -> None:
    story = accepted(orders_)
    story.later("1s")
    assert (story.breaks, story.trade.state) == (breaks, state)
    assert story.available("lp:alpha", "BTC") == D(alpha_btc)
    assert funds(story) == 10_000_000 - 100_050  # whatever the LP does, the client's side is one
    assert story.available("client:acme", "BTC") == 101


@pytest.mark.parametrize(("orders_", "blocked"), [("double", True), ("worse", False)])
def test_an_lp_whose_word_is_in_doubt_is_blocked_until_a_person_looks(
    orders_: str, blocked: bool
) -> None:
    story = accepted(orders_)
    story.later("1s")
    story.types("b 1 btcusdt")
    assert ("alpha blocked" in story.table()) is blocked
    story.restarts()
    story.types("b 1 btcusdt")
    assert ("alpha blocked" in story.table()) is blocked
    if blocked:
        assert story.types("unblock beta") == "lp: not blocked"
        assert story.types("unblock alpha", "b 1 btcusdt") == ""
        assert "alpha asked" in story.table()


def test_a_blocked_lps_lock_in_another_race_gives_way_at_once() -> None:
    story = accepted("double")
    story.types("b 1 btcusdt")
    story.later("20ms")
    assert story.card.quote is None
    story.later("29ms")
    story.lps["alpha"].delay_ns = 0
    assert "alpha" in [ask.lp for ask in story.events(ev.LpAsked) if ask.rfq_id == "R-000002"]
    story.later("1s")
    assert story.breaks == ["double fill"]
    assert story.card.quote is not None and story.card.quote.lp == "beta"


def test_a_blocked_lp_is_no_fallback() -> None:
    story = accepted("silence")
    sent = story.events(ev.OrderSent)[0]
    ghost = rep.OrderFilled(
        lp="beta", order_id="x", execution_id="1", price=D(1), quantity=D(1), fee=D(0),
        fee_asset="",
    )  # fmt: skip
    story.does(ghost)
    story.does(rep.OrderRejected(lp="alpha", order_id=sent.order_id, reason=Reason.LAST_LOOK))
    assert story.trade.state == "failed" and orders(story) == ["alpha"]


def test_a_fill_that_is_taken_back_stands_until_a_person_has_spoken_with_the_lp() -> None:
    story = accepted("fill")
    story.later("1s")
    sent = story.events(ev.OrderSent)[0]
    story.does(
        rep.FillRevised(lp="alpha", order_id=sent.order_id, execution_id="E-1", text="taken back")
    )
    assert story.trade.state == "settled" and story.breaks == ["fill revised"]
    assert story.events(ev.LpHealthChanged)[-1].state == "blocked"


def test_an_lp_has_no_say_on_another_lps_order() -> None:
    story = accepted("silence")
    order = story.events(ev.OrderSent)[0].order_id
    story.does(rep.OrderRejected(lp="beta", order_id=order, reason=Reason.LAST_LOOK))
    story.does(rep.OrderNotFound(lp="beta", order_id=order))
    story.does(rep.OrderLost(lp="beta", order_id=order, reason=Reason.LP_ERROR))
    assert story.trade.state == "executing"
    story.does(replace(fill(story.lps["alpha"], order), lp="beta"))
    assert story.trade.state == "executing" and story.breaks == ["fill of an unknown order"]


@pytest.mark.parametrize("wrong", [{"quantity": D(0)}, {"quantity": D(-1)}, {"price": D(0)}])
def test_a_fill_of_nothing_is_a_lost_answer(wrong: dict[str, Decimal]) -> None:
    story = accepted("silence", queries="no answer")
    order = story.events(ev.OrderSent)[0].order_id
    story.does(replace(fill(story.lps["alpha"], order), **wrong))
    assert story.trade.state == "UNKNOWN" and story.available("lp:alpha", "BTC") == 0


# ---- restarts


def test_restart_while_a_price_is_shown() -> None:
    story = Story(TWO)
    story.types("b 1 btcusdt")
    story.later("1s")
    story.restarts()
    assert story.card.end is ev.RfqEnd.CANCELLED and story.card.reason is Reason.RESTARTED
    assert story.types("p Q-000001") == "rfq: R-000001 is not known"
    story.types("b 1 btcusdt")
    assert story.card.rfq_id == "R-000002"


@pytest.mark.parametrize(
    ("queries", "state"),
    [("fill", "settled"), ("reject", "failed"), ("unknown", "failed"), ("no answer", "UNKNOWN")],
)
def test_restart_after_the_intent(queries: str, state: str) -> None:
    """Whether or not its bytes had left: the LP is asked, and nothing is sent again."""
    story = accepted("silence", queries=queries)
    story.restarts()
    assert story.trade.state == "UNKNOWN" and story.trade.text == "the desk was restarted"
    story.later("40s")
    assert story.trade.state == state and orders(story) == ["alpha"]
    assert story.types("p Q-000001") == ""  # the same trade again, not a second one
    assert len(story.events(ev.TradeOpened)) == 1
    assert bool(story.simulation.desk.state.ledger.holds) == (state == "UNKNOWN")


def test_restart_while_unknown_and_again_and_again() -> None:
    story = accepted("lost", queries="no answer")
    story.later("1s")
    for _ in range(10):
        story.restarts()
    story.lps["alpha"].queries = ["fill"]
    story.later("6s")
    assert story.trade.state == "settled" and orders(story) == ["alpha"]
    assert story.available("lp:alpha", "BTC") == -1


def test_restart_after_the_end_changes_nothing() -> None:
    story = accepted("fill")
    story.later("1s")
    before = dict(story.simulation.desk.state.ledger.balances)
    story.restarts()
    story.later("10s")
    assert story.simulation.desk.state.ledger.balances == before  # not opened a second time
    story.does(fill(story.lps["alpha"], story.events(ev.OrderSent)[0].order_id))
    assert story.breaks == [] and story.simulation.desk.state.ledger.balances == before


def test_restart_without_the_lp_of_an_unknown_trade() -> None:
    story = accepted("lost", queries="no answer")
    story.later("1s")
    beta = tuple(lp for lp in story.settings.lps if lp.name == "beta")
    story.settings = replace(story.settings, lps=beta)
    story.restarts()
    assert story.trade.state == "UNKNOWN"
    story.types("b 1 btcusdt")
    assert story.table() == "beta asked"


def test_new_settings_open_accounts_that_never_had_a_balance() -> None:
    story = Story("alpha 100000 100ms")
    assert story.available("client:acme", "DOGE") == 0
    richer = replace(PLAIN.clients[0], balances={"DOGE": D(5), "BTC": D(999)})
    story.settings = replace(story.settings, clients=(richer,))
    story.restarts()
    assert story.available("client:acme", "DOGE") == 5
    assert story.available("client:acme", "BTC") == 100


def test_stopping_in_order_ends_what_is_live() -> None:
    story = Story(TWO)
    story.types("b 1 btcusdt")
    story.later("1s")
    story.does(rep.DeskStopped(why="good night"))
    assert story.card.end is ev.RfqEnd.CANCELLED and not story.see().status.open


# ---- health


def health(story: Story, lp: str = "beta") -> list[str]:
    return [change.state for change in story.events(ev.LpHealthChanged) if change.lp == lp]


def test_the_breaker_opens_probes_and_heals_by_itself() -> None:
    shaky = Lp(name="beta", kind="rest", timeout_ns=SECOND // 2)
    story = Story("alpha 100000 100ms\nbeta never", replace(PLAIN, lps=(shaky,)))
    story.types("b 1 btcusdt")
    story.later("2.6s")
    assert health(story) == ["open"]
    story.lps["beta"].prices = ["never", "100010"]
    story.later("10s")
    assert story.asked("beta") == "0 0.5 1 1.5 2 2.5 4.5"
    assert health(story) == ["open", "half-open", "open"]  # a failed probe: twice the wait
    story.types("b 1 btcusdt", "b 1 btcusdt")
    story.later("1s")
    assert health(story) == ["open", "half-open", "open", "half-open", "closed"]
    assert all("beta" in str(card.rows) for card in story.cards[:2])


def test_many_failures_at_once_open_the_breaker_once() -> None:
    shaky = Lp(name="beta", kind="rest", timeout_ns=SECOND // 2)
    story = Story("alpha 100000 100ms\nbeta never", replace(PLAIN, lps=(shaky,)))
    story.types(*["b 1 btcusdt"] * 10)
    story.later("600ms")
    (opened,) = story.events(ev.LpHealthChanged)
    assert opened.retry_at == story.began + SECOND // 2 + 2 * SECOND


def test_a_probe_whose_request_ended_does_not_stop_the_healing() -> None:
    shaky = Lp(name="beta", kind="rest", timeout_ns=SECOND // 2)
    story = Story("alpha 100000 100ms\nbeta never", replace(PLAIN, lps=(shaky,)))
    story.types("b 1 btcusdt")
    story.later("4.6s")
    assert health(story) == ["open", "half-open"]
    story.types("cancel")
    story.lps["beta"].prices = ["100010"]
    story.later("1s")
    story.types("b 1 btcusdt")
    story.later("1s")
    assert health(story)[-1] == "closed"
