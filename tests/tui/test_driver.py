"""The output thread on a pipe: never waiting, whole and in order, bounded, told when it is over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from threading import Event

import pytest
from textual.drivers.headless_driver import HeadlessDriver
from textual.drivers.linux_driver import LinuxDriver

from lpdesk.tui.driver import BACKLOG_BYTES, MAX_UNSENT_BYTES, DeskDriver, Outlet, driver_class
from tests.conftest import eventually

FULL = b"x" * (1 << 17)  # more than a pipe holds


class Pipe:
    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.drained, self.lost = Event(), Event()
        self.outlet = Outlet(self.writer, self.drained.set, self.lost.set)
        self.outlet.start()

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += os.read(self.reader, size - len(data))
        return data


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    os.close(pipe.reader)
    pipe.outlet.stop(2)
    os.close(pipe.writer)


async def test_what_was_handed_over_arrives_whole_and_in_order(pipe: Pipe) -> None:
    pipe.outlet.put(FULL)
    pipe.outlet.put(b"after")
    assert pipe.outlet.behind
    assert pipe.read(len(FULL) + 5) == FULL + b"after"
    await eventually(pipe.drained.is_set)
    assert not pipe.outlet.behind


async def test_nobody_is_told_who_did_not_ask(pipe: Pipe) -> None:
    pipe.outlet.put(FULL)
    pipe.read(len(FULL))
    await eventually(lambda: pipe.outlet._unsent == 0)
    assert not pipe.drained.is_set()


def test_a_little_is_not_behind(pipe: Pipe) -> None:
    pipe.outlet.put(b"x" * BACKLOG_BYTES)
    assert not pipe.outlet.behind


async def test_memory_is_bounded(pipe: Pipe) -> None:
    for _ in range(40):
        pipe.outlet.put(FULL)
    assert pipe.outlet._unsent <= MAX_UNSENT_BYTES


async def test_dropped_writes_are_dropped_whole(pipe: Pipe) -> None:
    pipe.outlet.put(FULL)
    await eventually(lambda: 0 < pipe.outlet._unsent < len(FULL), what="the thread has begun")
    pipe.outlet.put(b"dropped")
    pipe.outlet.drop_unsent()
    pipe.outlet.put(b"kept")
    assert pipe.read(len(FULL) + 4) == FULL + b"kept"


def test_stopping_writes_the_rest_or_says_that_it_did_not(pipe: Pipe) -> None:
    pipe.outlet.put(b"bye")
    assert pipe.outlet.stop(2)
    assert pipe.read(3) == b"bye"
    stuck = Pipe()
    stuck.outlet.put(FULL)
    assert not stuck.outlet.stop(0.05)
    stuck.read(len(FULL))
    assert stuck.outlet.stop(2)


async def test_a_reader_that_is_gone_is_reported_once(pipe: Pipe) -> None:
    other = Pipe()
    os.close(other.reader)
    other.outlet.put(b"anybody?")
    await eventually(other.lost.is_set)
    other.outlet.put(b"nobody")
    assert other.outlet.stop(2)


def test_only_textuals_unix_driver_is_replaced() -> None:
    assert driver_class(LinuxDriver) is DeskDriver
    assert driver_class(HeadlessDriver) is HeadlessDriver
