"""Our trades against an LP's own list: what agrees, what mends itself, what waits for a person."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from msgspec.structs import replace

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.entry import BadEntry, parse_order
from lpdesk.domain.reasons import Reason
from lpdesk.domain.settings import Lp, Reconcile
from lpdesk.domain.values import SECOND
from tests.core.reconciling import (
    ALPHA,
    SETTINGS,
    Row,
    closed,
    dealt,
    listed,
    order,
    standing,
    truth,
)
from tests.core.story import PLAIN, Story, fill

D = Decimal


def test_what_agrees_is_matched_and_is_told_once() -> None:
    story = dealt()
    assert standing(story) == "pending"
    told = listed(story, truth(story))
    assert (told.listed, told.compared, told.mended) == (1, 1, ())
    assert standing(story) == "matched" and story.breaks == []
    assert listed(story, truth(story)).trades == ()
    assert [run.lp for run in story.see().breaks.runs] == ["alpha"]


DIFFERENCES: dict[str, tuple[Callable[[rep.OrderFilled], tuple[Row, ...]], str, str]] = {
    "missing there": (lambda row: (), "not on its list", "we have 1 at 100000"),
    "amount": (
        lambda row: (replace(row, quantity=D("1.00001")),),
        "amount differs",
        "we have 1, it says 1.00001",
    ),
    "price": (
        lambda row: (replace(row, price=D("100000.01")),),
        "price differs",
        "we have 100000, it says 100000.01",
    ),
    "fee": (
        lambda row: (replace(row, fee=D("0.02"), fee_asset="USDT"),),
        "fee differs",
        "we have 0, it says 0.02 USDT",
    ),
    "twice": (lambda row: (row, row), "listed twice", "2 rows"),
    "rejected": (
        lambda row: (rep.OrderRejected(lp="alpha", order_id=row.order_id, reason=Reason.OTHER),),
        "reject after fill",
        "its list says rejected; the fill stands",
    ),
    "pending": (
        lambda row: (rep.OrderPending(lp="alpha", order_id=row.order_id),),
        "state differs",
        "we have a fill, it says pending",
    ),
}


@pytest.mark.parametrize(("lie", "kind", "text"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_a_difference_is_one_break_until_a_list_no_longer_shows_it(
    lie: Callable[[rep.OrderFilled], tuple[Row, ...]], kind: str, text: str
) -> None:
    story = dealt()
    listed(story, *lie(truth(story)))
    listed(story, *lie(truth(story)))
    (found,) = story.events(ev.BreakFound)
    assert (found.kind.value, found.text, found.owner) == (kind, text, "operations")
    assert found.trade_id == "T-000001" and standing(story) == "unmatched"
    (row,) = story.see().breaks.rows
    story.later("90s")
    assert row.open and row.age(story.simulation.clock.now()) == 90 * SECOND
    assert story.see().status.breaks == 1
    listed(story, truth(story))
    assert closed(story) == ["no longer seen"] and standing(story) == "matched"
    assert story.see().status.breaks == 0 and not story.see().breaks.rows[0].open


def test_a_difference_that_comes_back_is_a_new_break() -> None:
    story = dealt()
    for rows in ((), (truth(story),), ()):
        listed(story, *rows)
    assert [row.open for row in story.see().breaks.rows] == [True, False]


def test_a_fill_that_we_cannot_place_blocks_the_lp_and_is_told_once() -> None:
    story = dealt()
    stranger = replace(truth(story), order_id="not-ours", execution_id="E9")
    listed(story, truth(story), stranger)
    listed(story, truth(story), stranger)
    assert story.breaks == ["fill of an unknown order"]
    story.types("b 1 btcusdt")
    assert "alpha blocked" in story.table()
    assert standing(story) == "matched"
    more = replace(stranger, execution_id="E10")
    listed(story, truth(story), stranger, more)
    assert len(story.breaks) == 2 and closed(story) == []
    listed(story, truth(story), more)
    assert closed(story) == ["no longer seen"]
    assert story.types("unblock alpha", "b 1 btcusdt") == ""


def test_an_unknown_break_found_before_is_the_same_on_the_list() -> None:
    story = dealt()
    stranger = replace(truth(story), order_id="not-ours", execution_id="E9")
    story.does(stranger)
    listed(story, truth(story), stranger)
    assert story.breaks == ["fill of an unknown order"]


def test_another_lps_order_is_not_this_lps() -> None:
    story = dealt()
    listed(story, replace(truth(story), order_id="i1-000009-1"))
    assert story.breaks == ["fill of an unknown order", "not on its list"]


# ---- evidence


def test_an_unknown_order_is_filled_by_the_list() -> None:
    story = dealt("lost", "no answer")
    assert standing(story) == "unknown"
    told = listed(story, truth(story))
    assert story.trade.state == "settled" or story.see().trades[0].state == "settled"
    assert [each.rule for each in told.mended] == [ev.Rule.FILLED_BY_LIST]
    assert standing(story) == "matched" and story.breaks == ["fill after expiry"]
    listed(story, truth(story))
    assert closed(story) == ["late news"]


def test_an_unknown_order_is_rejected_by_the_list() -> None:
    story = dealt("lost", "no answer")
    row = rep.OrderRejected(lp="alpha", order_id=order(story), reason=Reason.LAST_LOOK)
    told = listed(story, row)
    assert [each.rule for each in told.mended] == [ev.Rule.REJECTED_BY_LIST]
    assert story.see().trades[0].state == "failed" and standing(story) == "matched"
    assert story.available("client:acme", "USDT") == 10_000_000


def test_an_unknown_order_that_is_on_no_list_waits_for_a_person() -> None:
    story = dealt("lost", "no answer")
    listed(story)
    assert story.breaks == ["outcome not on its list"] and standing(story) == "unmatched"
    assert story.see().trades[0].state == "UNKNOWN"  # a list that lacks it proves nothing
    listed(story, truth(story))
    assert closed(story) == ["no longer seen"] and standing(story) == "matched"


@pytest.mark.parametrize(
    ("orders", "breaks", "btc"),
    [("fill", ["double fill"], "-2"), ("reject", ["fill after reject"], "-1")],
)
def test_a_fill_that_only_the_list_tells_is_booked_once(
    orders: str, breaks: list[str], btc: str
) -> None:
    story = dealt(orders)
    second = fill(story.lps["alpha"], order(story), "2")
    rows = (truth(story), second) if orders == "fill" else (second,)
    for _ in range(2):
        listed(story, *rows)
    assert [each for each in story.breaks if each != "fill after expiry"] == breaks
    assert story.available("lp:alpha", "BTC") == D(btc)


def test_halves_that_add_up_mend_their_break() -> None:
    story = dealt("halves")
    halves = [fill(story.lps["alpha"], order(story), name, size="0.5") for name in "12"]
    assert story.breaks == ["partial fill"]
    listed(story, *halves)
    assert closed(story) == ["filled up"] and standing(story) == "matched"


@pytest.mark.parametrize(
    ("orders", "fills", "kind"),
    [
        ("double", [("1", "1"), ("2", "1")], "double fill"),
        ("too much", [("1", "1.5")], "overfill"),
        ("reject, fill", [("1", "1")], "fill after reject"),
    ],
)
def test_a_disputed_trade_is_not_matched_whatever_the_list_says(
    orders: str, fills: list[tuple[str, str]], kind: str
) -> None:
    """The LP's books and ours agree on what it did: what is wrong is that it did it."""
    story = dealt(orders, edition=2)
    rows = [fill(story.lps["alpha"], order(story), name, size) for name, size in fills]
    for _ in range(2):
        listed(story, *rows)
        assert standing(story) == "unmatched" and kind in story.breaks
    assert closed(story) == []
    assert len(story.events(ev.Reconciled)[-1].trades) == 0, "it is told once"
    for number in range(1, len(story.breaks) + 1):
        story.types(f"break B-{number} close agreed by phone")
    listed(story, *rows)
    assert standing(story) == "matched"


def test_a_fill_that_was_revised_later_is_not_matched_any_more() -> None:
    """Not even where the order is older than what the next list begins with."""
    story = dealt(edition=2)
    listed(story, truth(story))
    assert standing(story) == "matched"
    row = truth(story)
    revised = rep.FillRevised(
        lp="alpha", order_id=row.order_id, execution_id=row.execution_id, text="busted"
    )
    story.does(revised)
    listed(story, since=story.simulation.clock.now())
    assert story.breaks == ["fill revised"] and standing(story) == "unmatched"


# ---- harmless


@pytest.mark.parametrize(
    ("ours", "theirs", "harmless"),
    [
        ("0.1234567", "0.12346", True),
        ("0.12", "0.13", True),
        ("0.12", "0.14", False),
        ("1", "2", False),
        ("0.5", "0.51", True),
        ("0.123456", "0.1235", True),
        ("0.123456", "0.1237", False),
    ],
)
def test_a_fee_may_be_rounded_in_its_last_digit(ours: str, theirs: str, harmless: bool) -> None:
    story = dealt("silence", "no answer")
    fee = {"fee_asset": "USDT"}
    story.does(replace(truth(story), fee=D(ours), **fee))
    told = listed(story, replace(truth(story), fee=D(theirs), **fee))
    assert [each.rule for each in told.mended] == ([ev.Rule.FEE_ROUNDING] if harmless else [])
    assert ("fee differs" in story.breaks) is not harmless


def test_a_reject_that_we_do_not_know_moved_nothing() -> None:
    story = dealt()
    ghost = rep.OrderRejected(lp="alpha", order_id="ghost", reason=Reason.OTHER)
    told = listed(story, truth(story), ghost)
    assert [each.rule for each in told.mended] == [ev.Rule.NOTHING_MOVED] and story.breaks == []


def test_what_is_young_is_left_for_the_next_run() -> None:
    story = Story(ALPHA, SETTINGS)
    story.types("b 1 btcusdt")
    story.later("1s")
    story.types("p")
    story.later("5s")
    assert listed(story).compared == 0
    assert story.breaks == [] and standing(story) == "pending"
    story.later("6s")
    listed(story)
    assert story.breaks == ["not on its list"]


def test_a_stand_in_in_memory_knows_nothing_of_before() -> None:
    forgetful = replace(SETTINGS, lps=(Lp(name="alpha", kind="rest", forgets=True),))
    story = Story(ALPHA, forgetful)
    story.settings = replace(story.settings, reconcile=SETTINGS.reconcile)
    story.types("b 1 btcusdt")
    story.later("1s")
    story.types("p")
    story.later("61s")
    story.restarts()
    assert listed(story).compared == 0 and story.breaks == []


# ---- runs


def scheduled(every_s: int) -> Story:
    every = Reconcile(every_ns=every_s * SECOND, owner="operations")
    return Story("alpha 100000 100ms\nbeta 100010 100ms", replace(PLAIN, reconcile=every))


def test_runs_come_by_themselves_one_at_a_time_and_a_late_list_is_none() -> None:
    story = scheduled(90)
    story.later("59s")
    assert story.events(ev.ExecutionsAsked) == []
    story.later("1s")
    assert [asked.lp for asked in story.events(ev.ExecutionsAsked)] == ["alpha", "beta"]
    first = story.events(ev.ExecutionsAsked)[0]
    assert story.types("reconcile alpha") == "lp: the list is asked for already"
    story.later("60s")
    missed = story.events(ev.ReconciliationMissed)
    assert [each.reason for each in missed] == [Reason.TIMED_OUT] * 2
    story.does(rep.ExecutionsListed(lp="alpha", run_id=first.run_id, executions=()))
    assert story.events(ev.Reconciled) == []
    story.later("30s")
    assert len(story.events(ev.ExecutionsAsked)) == 4
    assert story.see().breaks.runs[0].trouble == "late no list in time"


def test_a_list_that_cannot_be_had_is_said_and_proves_nothing() -> None:
    story = dealt()
    story.types("reconcile")
    (asked,) = story.events(ev.ExecutionsAsked)
    trouble = rep.ExecutionsUnlisted(lp="alpha", run_id=asked.run_id, reason=Reason.MALFORMED)
    story.does(trouble)
    assert story.breaks == [] and standing(story) == "pending"
    assert "not reconciled" in story.see().notices[0].text
    assert story.types("reconcile beta") == "lp: beta is not dealt with here"


def test_a_list_begins_before_what_was_not_compared_yet() -> None:
    story = dealt()
    for _ in range(3):  # the first of the day looks back a day
        story.later("1200s")
        story.types("reconcile")
        asked = story.events(ev.ExecutionsAsked)[-1]
        sent = story.events(ev.OrderSent)[0]
        assert asked.since <= story.began + 10**9 < story.simulation.clock.now()
        story.does(rep.ExecutionsListed(lp="alpha", run_id=asked.run_id, executions=()))
    story.later("1200s")
    story.types("reconcile")
    asked = story.events(ev.ExecutionsAsked)[-1]
    story.does(rep.ExecutionsListed(lp="alpha", run_id=asked.run_id, executions=(truth(story),)))
    assert sent.order_id == order(story) and standing(story) == "matched"
    story.later("1200s")
    story.types("reconcile")
    assert story.events(ev.ExecutionsAsked)[-1].since == asked_at(story, -2) - 600 * SECOND


def asked_at(story: Story, index: int) -> int:
    times = [
        record.at
        for record in story.simulation.records
        if any(isinstance(event, ev.ExecutionsAsked) for event in record.events)
    ]
    return times[index]


def test_a_restart_forgets_the_list_that_was_on_its_way() -> None:
    story = dealt()
    story.types("reconcile")
    story.restarts()
    assert story.types("reconcile") == ""


# ---- people


def test_a_person_explains_a_break_and_it_is_not_asked_again() -> None:
    story = dealt()
    wrong = replace(truth(story), quantity=D(2))
    listed(story, wrong)
    assert story.does(parse_order("break b-1 owner Anna", ())) == ""
    assert story.see().breaks.rows[0].owner == "anna"
    assert story.does(parse_order("break 1 close 'agreed by phone'", ())) == ""
    assert closed(story) == ["agreed by phone"]
    listed(story, wrong)
    assert len(story.breaks) == 1 and standing(story) == "matched"
    listed(story, replace(wrong, quantity=D(3)))
    assert len(story.breaks) == 2 and standing(story) == "unmatched"


def test_what_cannot_be_closed_is_refused() -> None:
    story = dealt()
    listed(story)
    assert story.does(cmd.CloseBreak(break_id="B-000007", why="x")) == (
        "break: B-000007 is not known"
    )
    assert "say why" in story.does(cmd.CloseBreak(break_id="B-000001", why=""))
    assert story.does(cmd.CloseBreak(break_id="B-000001", why="x")) == ""
    assert story.does(cmd.CloseBreak(break_id="B-000001", why="x")) == ("break: B-000001 is closed")
    assert "closed" in story.does(cmd.AssignBreak(break_id="B-000001", owner="x"))


@pytest.mark.parametrize(
    "line", ["break", "break B-1", "break x close y", "break B-1 shut it", "reconcile a b"]
)
def test_lines_that_mean_nothing(line: str) -> None:
    with pytest.raises(BadEntry):
        parse_order(line, ())


def test_an_lp_without_a_list_is_not_told_of_every_time() -> None:
    story = dealt()
    story.types("reconcile")
    (asked,) = story.events(ev.ExecutionsAsked)
    unable = rep.ExecutionsUnlisted(lp="alpha", run_id=asked.run_id, reason=Reason.NOT_ENABLED)
    before = len(story.see().notices)
    story.does(unable)
    (run,) = story.see().breaks.runs
    assert run.trouble and not run.able and len(story.see().notices) == before
