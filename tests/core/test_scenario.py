"""The demonstration races against a plain loop that polls, written down again from the text."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from math import pi, sin

import msgspec
import pytest

from lpdesk import scenario
from lpdesk.desk import Desk
from lpdesk.domain.values import MILLISECOND

Lock = tuple[int, str, float]


def wave(base, a, f, phi, trend) -> Callable[[float], float]:
    return lambda t: base + a * sin(2 * pi * f * t + phi) + trend * t + 50 * phi


NAIVE = {
    "competing": (
        20,
        {
            "Alpha": wave(100_000, 150, 0.3, 0, -5),
            "Beta": wave(100_000, 180, 0.4, pi / 2, -8),
            "Gamma": wave(100_000, 120, 0.5, pi, -6),
            "Delta": wave(100_000, 200, 0.35, 3 * pi / 2, -7),
        },
    ),
    "stable": (
        15,
        {
            "BestBid": lambda t: 99_500,
            "Comp1": wave(100_000, 100, 0.4, 0, -10),
            "Comp2": wave(100_100, 120, 0.5, pi / 3, -10),
            "Comp3": wave(100_200, 150, 0.3, 2 * pi / 3, -10),
        },
    ),
    "hail-mary": (
        12,
        {
            "Normal1": lambda t: 100_000,
            "Normal2": wave(100_100, 100, 0.4, 0, -10),
            "HailMary": lambda t: 100_300 if t < 9 else 99_800,
            "Normal3": lambda t: 100_200,
        },
    ),
}


def naive(name: str, cycle_ms: int) -> tuple[int, list[Lock], str]:
    """Polls, locks and the end of the classic loop: gather all, take the best, wait, again."""
    seconds, lps = NAIVE[name]
    now, polls, locked, price, expires = 0, 0, "", 0.0, 0
    locks: list[Lock] = []
    while True:
        if locked and now >= expires:
            return polls, locks, "price expired"
        polls += 1
        quotes = {lp: f(now / 1000) for lp, f in lps.items() if lp != locked}
        answered = now + 200
        if locked and answered >= expires:
            return polls, locks, "price expired"
        best = min(quotes, key=quotes.__getitem__)
        challenger = quotes[best] * 1.0005
        if not locked or (price - challenger) / price * 10_000 >= 1:
            locked, price, expires = best, challenger, answered + 10_000 - 2_000
            locks.append((polls, best, price))
        if answered >= seconds * 1000:
            return polls, locks, "duration reached"
        now += cycle_ms


@pytest.mark.parametrize("cycle_ms", [700, 250, 300, 500, 640, 800, 1_000, 1_300, 2_000, 7_900])
@pytest.mark.parametrize("name", scenario.SCENARIOS)
def test_the_desk_races_like_the_loop(name: str, cycle_ms: int) -> None:
    result = scenario.run(name, cycle_ms * MILLISECOND)
    polls, locks, ended = naive(name, cycle_ms)
    assert (len(result.polls), result.ended) == (polls, ended)
    assert [(lock.poll, lock.lp) for lock in result.locks] == [lock[:2] for lock in locks]
    for lock, (_, _, price) in zip(result.locks, locks, strict=True):
        assert float(lock.client_price) == pytest.approx(price, abs=1e-7)


@pytest.mark.parametrize(
    ("name", "polls", "locks"),
    [
        ("competing", 30, "1 Alpha, 3 Beta, 4 Alpha, 10 Beta, 14 Alpha, 24 Beta"),
        ("stable", 12, "1 BestBid"),
        ("hail-mary", 18, "1 Normal1, 7 Normal2, 14 HailMary"),
    ],
)
def test_the_three_races(name: str, polls: int, locks: str) -> None:
    summary = json.loads(list(scenario.json_lines(scenario.run(name)))[-1])
    assert (summary["type"], summary["scenario"]) == ("summary", name)
    assert (summary["polls"], summary["improvements"]) == (polls, locks.count(","))
    assert ", ".join(f"{lock['poll']} {lock['lp']}" for lock in summary["locks"]) == locks
    assert all(isinstance(lock["clientPrice"], str) for lock in summary["locks"])


def test_nothing_is_rounded_but_the_lps_price() -> None:
    lock = scenario.run("competing").locks[1]
    assert lock.client_price == Decimal("99899.98004888") * Decimal("1.0005")


def test_the_table_for_people() -> None:
    lines = list(scenario.lines(scenario.run("hail-mary")))
    assert lines[0] == "hail-mary: BUY 1.5 BTC/USDT, a poll every 0.7 s"
    assert lines[3] == "   1    0.2 s  Normal1       100,000.00           ·  ◆ lock 100,050.00"
    assert lines[4] == "   2    0.9 s  Normal2       100,191.23    -19.12bp"
    assert lines[-1] == "18 polls, 2 improvements, duration reached after 12.1 s"


def test_a_price_that_expires_during_the_last_poll() -> None:
    result = scenario.run("stable", 900 * MILLISECOND)
    assert result.polls[-1].best == "" and result.ended == "price expired"
    assert "expired before the answers" in "\n".join(scenario.lines(result))
    assert json.loads(list(scenario.json_lines(result))[-2])["best"] is None


def test_the_same_journal_every_time_and_it_replays() -> None:
    first, second = scenario.run("competing"), scenario.run("competing")
    assert msgspec.json.encode(first.records) == msgspec.json.encode(second.records)
    desk = Desk()
    for record in first.records:
        assert desk.step(record.cause, record.at) == record.events


@pytest.mark.parametrize(("name", "cycle_ns"), [("nope", 700), ("stable", 200 * MILLISECOND)])
def test_what_it_refuses(name: str, cycle_ns: int) -> None:
    with pytest.raises(ValueError, match=r"scenario|cycle"):
        scenario.run(name, cycle_ns)
