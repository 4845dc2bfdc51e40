"""Domain rule 5: how long a price may be dealt on, and what happens when it is gone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.reasons import Reason
from lpdesk.domain.settings import Lp
from lpdesk.domain.values import SECOND
from tests.core.story import PLAIN, Story, fill, quoted, span, verdicts

D = Decimal


# ---- validity


def test_validity_counts_from_receipt_less_the_buffer() -> None:
    story = Story("alpha 100000 500ms valid 5s")
    story.types("b 1 btcusdt")
    story.later("1s")
    quote = story.card.quote
    assert quote is not None and quote.dealable_until - story.began == span("3.5s")
    story.later("3s")
    assert story.card.end is ev.RfqEnd.EXPIRED
    assert story.card.end_at == quote.dealable_until


def test_the_buffer_is_the_lps_p95_where_that_is_longer() -> None:
    slow = Lp(name="alpha", kind="rest", timeout_ns=4 * SECOND)
    story = Story("alpha 100000 0ms", replace(PLAIN, lps=(slow,)))
    story.lps["alpha"].orders = ["silence"]
    story.types("b 1 btcusdt")
    story.later("100ms")
    story.types("p")
    story.later("3s")
    sent = story.events(ev.OrderSent)[0]
    fill = rep.OrderFilled(
        lp="alpha",
        order_id=sent.order_id,
        execution_id="1",
        price=sent.price,
        quantity=sent.quantity,
        fee=D(0),
        fee_asset="",
    )
    story.does(fill)
    now = story.simulation.clock.now()
    story.types("b 1 btcusdt")
    story.later("100ms")
    quote = story.card.quote
    assert quote is not None and quote.dealable_until == now + span("7s")


@pytest.mark.parametrize("queries", [["no answer"] * 5 + ["fill"], ["unknown"]])
def test_an_answer_that_was_lost_bars_no_lp_for_good(queries: list[str]) -> None:
    """What became of the order is known long after; the next price can be dealt on all the same."""
    lost = {"p95_within_timeout": True}
    story = Story("alpha 100000 0ms valid 8s", unfound_grace_ns=span("10s"), **lost)
    story.lps["alpha"].orders, story.lps["alpha"].queries = ["silence", "fill"], queries
    story.types("b 1 btcusdt")
    story.later("1ms")
    story.types("p")
    story.later("60s")
    assert story.trade.state in ("settled", "failed")
    story.types("b 1 btcusdt")
    story.later("1ms")
    quote = story.card.quote
    assert quote is not None, "the LP's timeout of two seconds is the most it can have taken"
    assert quote.dealable_until - story.simulation.clock.now() == span("5.999s")


def test_an_lp_that_was_slow_is_dealt_with_again_a_day_later() -> None:
    """What it took then says little of today, and without a deal it would never be measured."""
    story = Story("alpha 100000 0ms valid 3s", edition=2)
    story.lps["alpha"].orders, story.lps["alpha"].queries = ["silence", "fill"], ["no answer"]
    story.types("b 1 btcusdt")
    story.later("1ms")
    story.types("p")
    story.later("5s")
    (sent,) = story.events(ev.OrderSent)
    story.does(fill(story.lps["alpha"], sent.order_id))
    for wait, verdict in (("23h", "brief"), ("61min", "live")):
        story.later(wait)
        story.types("b 1 btcusdt")
        story.later("1s")
        assert verdicts(story, "alpha")[-1] == verdict
    story.types("p")
    story.later("1s")
    assert story.trade.state == "settled"


def test_nothing_left_is_not_shown_there_is_no_floor() -> None:
    story = Story("alpha 100000 100ms valid 2s")
    story.types("b 1 btcusdt")
    story.later("1s")
    assert story.locks == [] and set(verdicts(story, "alpha")) == {"brief"}


def test_after_a_stalled_clock_the_price_is_expired_before_anything_else() -> None:
    """A process was stopped, and an answer is read before the pulse that is long due."""
    story = Story("alpha 100000 100ms\nbeta never")
    story.types("b 1 btcusdt")
    story.later("200ms")
    story.simulation.clock.advance_to(story.began + span("40s"))
    quoted(story, "beta", "90000")
    assert story.locks == ["0.1 alpha first"] and story.card.end is ev.RfqEnd.EXPIRED


def test_a_client_quote_never_outlives_the_request() -> None:
    story = Story("alpha 100000 100ms valid 60s", rfq_duration_ns=span("10s"))
    story.types("b 1 btcusdt")
    story.later("1s")
    assert story.card.quote is not None
    assert story.card.quote.dealable_until == story.card.expires_at == story.began + span("10s")


def test_lock_switches_do_not_keep_a_request_alive_for_ever() -> None:
    falling = ",".join(str(100_000 - 20 * n) for n in range(200))
    story = Story(f"alpha {falling} 100ms\nbeta {falling} 150ms", rfq_duration_ns=span("30s"))
    story.types("b 1 btcusdt")
    story.later("40s")
    assert story.card.improvements > 20 and story.card.end is ev.RfqEnd.EXPIRED
    assert story.card.end_at == story.began + span("30s")


def test_auto_refresh_starts_a_fresh_first_round_a_bounded_number_of_times() -> None:
    story = Story("alpha 100000 100ms\nbeta 100100 100ms", max_refreshes=2)
    story.types("b 1 btcusdt", "refresh on")
    story.later("60s")
    assert story.locks == ["0.1 alpha first", "8.2 alpha first", "16.3 alpha first"]
    assert story.card.refreshes == 2 and story.card.end is ev.RfqEnd.EXPIRED


def test_an_answer_cut_off_by_a_refresh_is_known_as_late() -> None:
    slow = Lp(name="beta", kind="rest", timeout_ns=20 * SECOND)
    story = Story("alpha 100000 0ms\nbeta 90000 9s", replace(PLAIN, lps=(slow,)))
    story.types("b 1 btcusdt", "refresh on")
    story.later("10s")
    assert verdicts(story, "beta") == ["late"]


# ---- withdrawals and streams


def stream_story() -> Story:
    lps = tuple(Lp(name=name, kind="stream") for name in ("alpha", "beta"))
    story = Story("alpha never\nbeta never", replace(PLAIN, lps=lps))
    story.types("b 1 btcusdt")
    quoted(story, "alpha", "100000")
    quoted(story, "beta", "100100")
    return story


def withdraw(story: Story, lp: str) -> None:
    ask = [ask for ask in story.events(ev.LpAsked) if ask.lp == lp][-1]
    story.does(rep.LpWithdrew(lp=lp, ask_id=ask.ask_id, reason=Reason.WITHDRAWN))


def test_a_withdrawn_lock_gives_way_to_the_next_best_at_once() -> None:
    story = stream_story()
    withdraw(story, "alpha")
    assert story.locks == ["0.0 alpha first", "0.0 beta replaced"]
    withdraw(story, "beta")
    assert story.card.quote is None and story.card.live
    assert story.types("p") == "quote: there is no dealable price any more"
    quoted(story, "alpha", "100050")
    assert story.locks[-1] == "0.0 alpha first"


def test_a_withdrawal_after_the_end_changes_nothing() -> None:
    story = stream_story()
    story.types("cancel")
    withdraw(story, "alpha")
    assert story.locks == ["0.0 alpha first"]


def test_a_streams_new_price_waits_behind_its_own_frozen_lock() -> None:
    story = stream_story()
    quoted(story, "alpha", "99000")
    assert story.locks == ["0.0 alpha first"]
    quoted(story, "beta", "99500")
    assert story.locks == ["0.0 alpha first", "0.0 beta improved"]
    quoted(story, "beta", "99600")  # frozen; alpha's 99000 has been waiting, and competes now
    quoted(story, "alpha", "99000")
    assert story.locks[-1] == "0.0 alpha improved"
