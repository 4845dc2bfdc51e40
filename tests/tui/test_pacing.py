"""Pacing: at once, then no more often than allowed, the last value wins, silence when still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lpdesk.tui.pacing import Pacer


class Clock:
    """Time that moves when told to, with its timers."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, seconds: float, call: Callable[[], None]) -> Any:
        entry = (self.now + seconds, call)
        self.timers.append(entry)

        class Timer:
            def cancel(timer) -> None:  # noqa: N805
                self.timers.remove(entry)

        return Timer()

    def run_until(self, until: float) -> None:
        while self.timers and (due := min(self.timers, key=lambda timer: timer[0]))[0] <= until:
            self.timers.remove(due)
            self.now = due[0]
            due[1]()
        self.now = until


class Pane:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.slice: object = "first"
        self.pulls = 0
        self.shown: list[tuple[float, object]] = []

    def pull(self) -> object:
        self.pulls += 1
        return self.slice

    def show(self, slice: object) -> None:
        self.shown.append((self.clock.now, slice))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pacer(clock: Clock) -> Pacer:
    return Pacer(now=lambda: clock.now, call_later=clock.call_later)


def added(pacer: Pacer, clock: Clock) -> Pane:
    pane = Pane(clock)
    pacer.add(pane, pane.pull)
    return pane


def storm(pacer: Pacer, clock: Clock, panes: list[Pane], seconds: float) -> None:
    """A thousand changes a second in every pane."""
    for step in range(int(seconds * 1000)):
        clock.run_until(clock.now + 0.001)
        for pane in panes:
            pane.slice = f"{step}"
        pacer.changed()


def test_the_first_change_shows_at_once(pacer: Pacer, clock: Clock) -> None:
    pane = added(pacer, clock)
    clock.run_until(5)
    pane.slice = "new"
    pacer.changed()
    assert pane.shown == [(0, "first"), (5, "new")]


def test_some_ten_a_second_and_fifteen_for_the_focused_one(pacer: Pacer, clock: Clock) -> None:
    quiet, focused = added(pacer, clock), added(pacer, clock)
    pacer.focused = focused
    storm(pacer, clock, [quiet, focused], 1)
    assert 7 <= len(quiet.shown) <= 11
    assert 14 <= len(focused.shown) <= 16


def test_panes_out_of_step_make_no_more_than_fifteen_frames_together(
    pacer: Pacer, clock: Clock
) -> None:
    panes = [added(pacer, clock)]
    for _ in range(4):
        storm(pacer, clock, panes, 0.023)
        panes.append(added(pacer, clock))
    pacer.focused = panes[2]
    start = clock.now
    storm(pacer, clock, panes, 10)
    frames = {at for pane in panes for at, _ in pane.shown if at > start}
    assert len(frames) <= 151
    assert all(70 <= sum(at > start for at, _ in pane.shown) <= 151 for pane in panes)


def test_the_last_value_wins(pacer: Pacer, clock: Clock) -> None:
    pane = added(pacer, clock)
    storm(pacer, clock, [pane], 0.25)
    last = pane.slice
    clock.run_until(clock.now + 1)
    assert pane.shown[-1][1] == last


def test_nothing_runs_while_nothing_changes(pacer: Pacer, clock: Clock) -> None:
    panes = [added(pacer, clock) for _ in range(5)]
    for offset, pane in enumerate(panes):
        clock.run_until(clock.now + 0.013 * offset)
        pacer.echo(pane)
        pacer.changed()
    clock.run_until(clock.now + 1)
    pulls = sum(pane.pulls for pane in panes)
    assert clock.timers == []
    clock.run_until(clock.now + 60)
    assert sum(pane.pulls for pane in panes) == pulls


def test_the_same_slice_is_not_shown_again(pacer: Pacer, clock: Clock) -> None:
    pane = added(pacer, clock)
    for _ in range(50):
        clock.run_until(clock.now + 0.05)
        pacer.changed()
    assert pane.shown == [(0, "first")]


def test_a_key_does_not_wait(pacer: Pacer, clock: Clock) -> None:
    pane = added(pacer, clock)
    clock.run_until(0.01)
    pane.slice = "answer"
    pacer.echo(pane)
    assert pane.shown[-1] == (0.01, "answer")


def test_after_removal_and_close_nothing_is_shown(pacer: Pacer, clock: Clock) -> None:
    gone, left = added(pacer, clock), added(pacer, clock)
    pacer.focused = gone
    pacer.remove(gone)
    assert pacer.focused is None
    gone.slice = left.slice = "new"
    pacer.changed()
    pacer.close()
    clock.run_until(clock.now + 1)
    assert [len(gone.shown), len(left.shown)] == [1, 1]
    pacer.echo(left)
    assert len(left.shown) == 1
