"""What is believed and when it is told, on a clock that only moves when told to."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import ReferenceLost, ReferenceTicked
from lpdesk.domain.values import MILLISECOND, SECOND
from lpdesk.feeds.base import Pace
from lpdesk.feeds.dialect import Said
from lpdesk.feeds.tape import Tape
from tests.feeds.conftest import Heard

START = 1_768_833_000 * SECOND


class Scene:
    """A tape of two pairs with the usual pace."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.tape = Tape("x", {"BTCUSDT": "BTC/USDT", "ETHUSDT": "ETH/USDT"}, Pace(), self.heard)
        self.now = START

    def after(self, milliseconds: int) -> Scene:
        """Time passes, with the pulse that goes on in it."""
        end = self.now + milliseconds * MILLISECOND
        while self.now < end:
            self.now = min(end, self.now + 50 * MILLISECOND)
            self.tape.pulse(self.now)
        return self

    def say(
        self, bid: object, ask: object, version: int | None = None, market: str = "BTCUSDT"
    ) -> Scene:
        self.tape.take(Said(market, bid, ask, version), self.now)
        return self

    def told(self) -> list[str]:
        """Everything reported since the last call: bids, and reasons of losses."""
        said = [
            str(it.bid) if isinstance(it, ReferenceTicked) else it.reason.name
            for it in self.heard.reports
            if isinstance(it, ReferenceTicked | ReferenceLost)
        ]
        self.heard.forget()
        return said


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_the_first_price_is_told_at_once(scene: Scene) -> None:
    scene.say("99.5", Decimal("100.5"))
    assert scene.heard.reports == [
        ReferenceTicked(source="x", symbol="BTC/USDT", bid=Decimal("99.5"), ask=Decimal("100.5"))
    ]


def test_at_most_ten_a_second_and_the_last_of_them_counts(scene: Scene) -> None:
    for number in range(1_000):
        scene.say(str(1_000 + number), "5000").after(1)
    told = scene.after(100).told()
    assert 10 <= len(told) <= 12
    assert told[-1] == "1999"


def test_an_unchanged_price_is_a_sign_of_life_once_a_second(scene: Scene) -> None:
    scene.say("99", "101")
    scene.after(2_900)
    assert scene.told() == ["99", "99", "99"]


def test_a_price_is_stale_after_three_seconds_and_that_is_said_once(scene: Scene) -> None:
    scene.say("99", "101").after(3_000)
    assert "STALE" not in scene.told()
    scene.after(60_000)
    assert scene.told() == ["STALE"]
    scene.say("98", "101")
    assert scene.told() == ["98"]


def test_a_repeated_message_says_nothing_new(scene: Scene) -> None:
    scene.say("99", "101", 7)
    for _ in range(40):
        scene.after(100).say("99", "101", 7)
    assert scene.told()[-1] == "STALE"
    assert scene.tape.dropped == 40


def test_what_was_overtaken_is_dropped(scene: Scene) -> None:
    scene.say("99", "101", 7).after(200).say("90", "91", 6).after(200)
    assert scene.told() == ["99"]
    scene.tape.restart()
    scene.say("90", "91", 6)
    assert scene.told() == ["90"]


def test_a_pair_that_ticks_rarely_is_given_more_time_but_not_for_ever(scene: Scene) -> None:
    for number in range(60):
        scene.say(str(99 + number), "1000").after(2_000)
    scene.told()
    scene.after(6_000)
    assert "STALE" not in scene.told()
    scene.after(24_000)
    assert "STALE" in scene.told()


def test_a_refused_price_is_no_price_and_the_other_pair_stands(scene: Scene) -> None:
    scene.say("99", "101").say("9", "10", market="ETHUSDT").say("102", "101")
    scene.after(100)
    loss = scene.heard.losses()[0]
    assert (loss.reason, loss.text) == (Reason.MALFORMED, "bid not below ask")
    assert scene.heard.losses("ETH/USDT") == []
    assert scene.tape.malformed == 1
    scene.after(3_000)
    assert len(scene.heard.losses()) == 1  # once, however it went on


def test_losses_and_prices_that_flap_are_bounded_too(scene: Scene) -> None:
    for _ in range(500):
        scene.say("99", "101").say("NaN", "101").after(2)
    assert len(scene.told()) <= 22


def test_unknown_markets_are_counted_and_say_nothing(scene: Scene) -> None:
    scene.say("1", "2", market="DOGEUSDT")
    assert (scene.told(), scene.tape.malformed) == ([], 1)


@pytest.mark.parametrize("value", [None, True, [], "", "٣", "1_0", Decimal("NaN"), Decimal("inf")])
def test_only_plain_numbers_are_prices(scene: Scene, value: object) -> None:
    scene.say(value, "101")
    assert scene.told() == ["MALFORMED"]
