"""What LPs can do decides what the desk asks of them, and is on record with their terms."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.capabilities import KINDS, Capabilities, Found, Word
from lpdesk.domain.reasons import Reason
from lpdesk.domain.settings import Lp
from lpdesk.views import ability
from tests.core.story import PLAIN, Story, fill

TWO = "alpha 100000 100ms\nbeta 100020 100ms"


def able(**changes: object) -> Story:
    """Two LPs; alpha, which is the cheaper, can do what is said and no more."""
    can = Capabilities(**changes)  # type: ignore[arg-type]
    return Story(TWO, replace(PLAIN, lps=(Lp(name="alpha", kind="rest", capabilities=can),)))


def test_an_lp_that_never_tells_is_not_asked_and_the_dealer_reads_whom_to_call() -> None:
    story = able(found=Found.NEVER)
    story.lps["alpha"].orders = ["lost"]
    story.types("b 1 btcusdt")
    story.later("1s")
    assert story.types("p") == ""
    story.later("5min")
    assert story.trade.state == "UNKNOWN" and not story.events(ev.OrderQueried)
    (unknown,) = story.events(ev.TradeUnknown)
    assert unknown.text == "reset: alpha cannot be asked, call its desk"
    assert [order.lp for order in story.events(ev.OrderSent)] == ["alpha"]  # nor dealt elsewhere
    order_id = story.events(ev.OrderSent)[0].order_id
    story.does(fill(story.lps["alpha"], order_id))  # its answer came after all
    assert story.see().trades[0].state == "settled"


def test_one_that_takes_no_amounts_in_base_is_left_out_with_the_reason() -> None:
    story = able(base_amounts=False, quote_amounts=True)
    story.types("b 1 btcusdt")
    story.later("1s")
    assert story.lps["alpha"].asked == []
    (skipped,) = story.events(ev.LpSkipped)
    assert (skipped.reason, skipped.text) == (Reason.NOT_ENABLED, "takes no amounts in BTC")
    assert story.see().rfqs[0].quote.lp == "beta"


def test_an_indicative_one_is_shown_and_never_leads() -> None:
    story = able(word=Word.INDICATIVE)
    story.types("b 1 btcusdt")
    story.later("1s")
    assert {e.lp: e.verdict for e in story.events(ev.QuoteReceived)} == {
        "alpha": ev.Verdict.INDICATIVE,
        "beta": ev.Verdict.LIVE,
    }
    assert story.see().rfqs[0].quote.lp == "beta"


def test_one_without_a_list_is_not_asked_for_it() -> None:
    story = able(lists=False)
    story.does(cmd.Reconcile())
    assert [asked.lp for asked in story.events(ev.ExecutionsAsked)] == ["beta"]
    (missed,) = story.events(ev.ReconciliationMissed)
    assert (missed.lp, missed.reason) == ("alpha", Reason.NOT_ENABLED)
    assert not next(run for run in story.see().breaks.runs if run.lp == "alpha").able


def test_it_is_on_record_and_a_journal_without_it_reads_as_before() -> None:
    lp = Lp(name="alpha", kind="fix-stream", capabilities=KINDS["fix-stream"])
    assert msgspec.json.decode(msgspec.json.encode(lp), type=Lp) == lp and not lp.can.lists
    old = msgspec.json.decode(b'{"name":"alpha","kind":"fix-stream"}', type=Lp)
    assert old.streams and old.divisible and old.tells and old.can.lists
    assert not Lp(name="alpha", kind="rest").streams and Lp(name="h", kind="book").divisible


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_in_one_way_at_least_and_fits_a_line(kind: str) -> None:
    can = KINDS[kind]
    assert can.rfq or can.streams
    lp = Lp(name="alpha", kind=kind, capabilities=can)
    lines = (ability.promises(lp), ability.tells(can), ability.limits(lp))
    assert all(len("   ".join(line)) <= 62 for line in lines), lines
