"""Domain 11: what the desk remembers of every LP, and says a second later."""

from __future__ import annotations

from decimal import Decimal

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.scoring import Mean, Score, Times, band
from lpdesk.domain.values import MILLISECOND, SECOND
from lpdesk.engines.scorecard import Key, Scorecards
from lpdesk.engines.tally import BUCKET_NS, three_digits
from tests.core.story import PLAIN
from tests.core.story import Story as PlainStory

D = Decimal


class Story(PlainStory):
    """A desk that says its scorecards, as every configured one does."""

    def __init__(self, table: str) -> None:
        super().__init__(table, PLAIN, scorecards=True)


RACE = """
alpha 100000 100ms
beta  100020 200ms
gamma -      50ms
delta never
"""


def score(story: Story, lp: str) -> Score:
    return story.see().scorecard(lp).score


def tick(story: Story, mid: str) -> None:
    """The market's middle, as a stream of some LP shows it."""
    bid, ask = D(mid) - 5, D(mid) + 5
    story.does(
        rep.LpStreamed(
            lp="alpha", symbol="BTC/USDT", bid=bid, ask=ask, bid_size=D(1), ask_size=D(1)
        )
    )


def dealt(orders: str = "fill", table: str = RACE) -> Story:
    story = Story(table)
    story.lps["alpha"].orders = orders.split(" | ")
    tick(story, "100000")
    story.types("b 1 btcusdt")
    story.later("300ms")
    story.types("p")
    return story


def test_a_race_in_figures() -> None:
    """alpha wins by 2 bp, gamma declines, delta is late; nobody has a figure without a sample."""
    story = dealt()
    story.later("4s")
    alpha, beta, gamma, delta = (score(story, lp) for lp in ("alpha", "beta", "gamma", "delta"))
    assert (alpha.requests, alpha.responses, alpha.quotes, alpha.wins) == (1, 1, 1, 1)
    assert (alpha.accepts, alpha.trades, alpha.fill_rate) == (1, 1, 1)
    assert alpha.response == Times(1, *[100 * MILLISECOND] * 3)
    assert alpha.hold == Times(1, *[50 * MILLISECOND] * 3)
    assert alpha.cover == Mean() and alpha.slippage == Mean(1, D(0))
    assert (beta.win_rate, beta.cover) == (0, Mean(1, D(2)))
    assert (beta.fill_rate, beta.hold.p50) == (None, None)
    assert (gamma.requests, gamma.responses, gamma.quotes) == (1, 1, 0)
    assert (delta.requests, delta.responses, delta.timeouts) == (1, 0, 0)  # dealt before its time
    assert delta.response_rate == 0 and delta.response.p50 is None


def test_late_is_one_thing_and_too_late_another() -> None:
    """epsilon takes 2.5 s of its 2: nothing in time, and a price that came late."""
    story = Story("alpha 100000 100ms\nepsilon 99000 2500ms")
    story.types("b 1 btcusdt")
    story.later("4s")
    epsilon = score(story, "epsilon")
    assert (epsilon.requests, epsilon.responses, epsilon.timeouts, epsilon.late) == (2, 0, 1, 1)
    assert (epsilon.quotes, epsilon.response.p50) == (0, None)


def test_the_parts_of_a_record_are_its_pairs_sides_and_sizes() -> None:
    story = dealt()
    story.types("s 20 btcusdt")
    story.later("4s")
    cells = story.see().scorecard("alpha").cells
    assert [(c.symbol, c.side, c.band, c.score.requests) for c in cells] == [
        ("BTC/USDT", "BUY", "M", 1),
        ("BTC/USDT", "SELL", "XL", cells[1].score.requests),
    ]
    total = score(story, "alpha")
    assert total.requests == sum(cell.score.requests for cell in cells)


def test_rejects_are_told_apart_by_where_the_market_went() -> None:
    """The client buys; the price rises; the LP rejects: it only fills when that suits it."""
    for moved, split in (("100010", (1, 0, 0)), ("99990", (0, 1, 0)), ("100000", (0, 0, 1))):
        story = dealt("reject")
        tick(story, moved)
        story.later("4s")
        alpha = score(story, "alpha")
        assert (alpha.rejects_for, alpha.rejects_against, alpha.rejects_still) == split, moved
        assert (alpha.accepts, alpha.trades, alpha.fill_rate) == (1, 0, 0)


def test_mark_outs_take_the_middle_that_stood_at_their_time() -> None:
    """We bought at 100000; +1 s 100010, +5 s 100030, +30 s 100030, +60 s 99980."""
    story = dealt()
    for wait, mid in (("500ms", "100010"), ("2s", "100030"), ("40s", "99980"), ("30s", "100500")):
        story.later(wait)
        tick(story, mid)
    story.later("4s")
    marks = score(story, "alpha").markouts
    assert marks == (Mean(1, D(1)), Mean(1, D(3)), Mean(1, D(3)), Mean(1, D(-2)))


def test_a_sell_marks_out_the_other_way() -> None:
    story = Story("alpha 100000 100ms")
    tick(story, "100000")
    story.types("s 1 btcusdt")
    story.later("300ms")
    story.types("p")
    story.later("500ms")
    tick(story, "99990")
    story.later("2s")
    tick(story, "99980")
    story.later("2s")
    assert score(story, "alpha").markouts[0] == Mean(1, D(1))


def test_a_day_later_an_hours_figures_have_left_the_window() -> None:
    cards, story = Scorecards(), dealt()
    story.later("70s")
    for record in story.simulation.records:
        for event in record.events:
            cards.observe(event, record.at)
    at = story.simulation.clock.now()
    assert cards.score(Key("alpha"), at).trades == 1
    assert cards.score(Key("alpha"), at + 26 * BUCKET_NS) == Score()
    assert not cards._cards[Key("alpha")].total.times["hold"]


def test_figures_survive_a_restart_and_are_on_record() -> None:
    story = dealt()
    story.later("4s")
    before = score(story, "alpha")
    story.types("b 1 btcusdt")
    story.restarts()
    story.types("b 1 btcusdt")
    story.later("4s")
    assert score(story, "alpha").requests > before.requests and score(story, "alpha").trades == 1
    last = [e for e in story.events(ev.LpScored) if e.lp == "alpha" and not e.symbol][-1]
    assert last.score == score(story, "alpha")


def test_a_fading_lps_price_costs_what_its_record_says() -> None:
    """Half of its orders rejected at 5 bp each, less what a short record does not prove."""
    cards, story = Scorecards(), dealt("reject | fill")
    story.later("4s")
    story.types("b 1 btcusdt")
    story.later("300ms")
    story.types("p")
    story.later("4s")
    for record in story.simulation.records:
        for event in record.events:
            cards.observe(event, record.at)
    rates, at = (D(5), D(0)), story.simulation.clock.now()
    assert cards.penalty_bps("alpha", rates, at) == D("0.416667")  # 5 x 1/2 x 2/(2 + 10)
    assert cards.penalty_bps("nobody", rates, at) == 0


def test_bands_and_digits() -> None:
    sizes = ["0.1", "0.10001", "1", "9", "11"]
    assert [band(D(size), D("0.001")) for size in sizes] == ["S", "M", "M", "L", "XL"]
    assert [three_digits(ns) for ns in (0, 7, 999, 1000, 123_456_789)] == [
        *(0, 7, 999, 1000),
        123_000_000,
    ]
    assert three_digits(61 * SECOND) == 61 * SECOND
