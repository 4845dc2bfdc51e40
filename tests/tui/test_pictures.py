"""What the dealer sees, as text: states of the desk, stopped at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from lpdesk.domain import commands as cmd
from lpdesk.domain import reports as rep
from lpdesk.tui.app import DeskApp
from lpdesk.tui.gates import Gates
from lpdesk.tui.picture import picture, text_of
from tests.tui import markets
from tests.tui.dealing import at
from tests.tui.settling import a_day, dealt
from tests.tui.stories import StoryDesk, Tape, busy, lost

Compare = Callable[[str, str], None]


def starting() -> StoryDesk:
    return StoryDesk()


def empty() -> StoryDesk:
    return StoryDesk().start()


def asking() -> StoryDesk:
    desk = empty()
    desk.ask("b 1.5 btc/usdt via dirac")
    return desk.run(0.2)


def short() -> StoryDesk:
    desk = busy()
    card = desk.view.rfqs[0]
    assert card.quote is not None
    left = card.quote.dealable_until - desk.now()
    desk.market.validity_ns = 1  # nobody is better any more
    desk.run_ns(left - card.quote.exec_ns // 2)
    return desk


def expired() -> StoryDesk:
    return busy().run(60)


def unknown() -> StoryDesk:
    desk = busy()
    desk.market.mood = {"alpha": lost, "kepler": lost}
    desk.accept(desk.view.rfqs[0].rfq_id)
    return desk.run(3)


def settled() -> StoryDesk:
    desk = busy()
    desk.accept(desk.view.rfqs[0].rfq_id)
    return desk.run(1)


def no_liquidity() -> StoryDesk:
    desk = empty()
    desk.ask("s 3 btc/usdt via euler")
    return desk.run(40)


def halted() -> StoryDesk:
    desk = busy()
    desk.do(cmd.Halt(why="exchange incident"))
    return desk


def replay() -> StoryDesk:
    return Tape(busy())


def readonly() -> StoryDesk:
    desk = busy()
    desk.can_command, desk.label = False, "READ-ONLY"
    return desk


def offline() -> StoryDesk:
    """Every LP has failed so often that it rests."""
    desk = empty()
    desk.market.broken = True
    for _ in range(desk.settings.rules.breaker_failures):
        desk.ask("b 1 eth/usdt")
        desk.run(2.6)
    return desk.run(2.6)


def stale() -> StoryDesk:
    """A market was streamed, and nothing has come for a while."""
    return empty().run(25)


def closed() -> StoryDesk:
    desk = empty()
    desk.do(rep.DeskStopped(why="closed"))
    return desk


STATES = [
    starting, empty, asking, short, expired, unknown, settled, no_liquidity, halted, replay,
    readonly, offline, stale, closed,
]  # fmt: skip


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_every_state_has_its_look(
    state: Callable[[], StoryDesk], same_picture: Compare
) -> None:
    text = await picture(state(), size=(120, 36), kind="txt")
    same_picture(f"{state.__name__}-120x36", text)


KEYS = {
    "question": ("f9",),
    "jump": ("ctrl+o",),
    "zoom": ("f3", "z"),
    "lp-table": ("f7",),
    "copied": ("ctrl+y",),
}


@pytest.mark.parametrize("name", KEYS)
async def test_what_a_key_leads_to_has_its_look(name: str, same_picture: Compare) -> None:
    async with at(busy(), still=True) as (app, pilot):
        app.desk.gates = Gates(above=Decimal(100_000))
        await pilot.press(*KEYS[name])
        await pilot.pause()
        await pilot.pause()
        same_picture(f"{name}-120x36", text_of(app))


@pytest.mark.parametrize("size", [(160, 48), (120, 36), (80, 24), (60, 15), (44, 12)], ids=str)
async def test_every_size_keeps_what_matters(size: tuple[int, int], same_picture: Compare) -> None:
    text = await picture(busy(), size=size, kind="txt")
    lines = text.splitlines()
    assert len(lines) == size[1] and all(len(line) <= size[0] for line in lines)
    assert "100,005.18" in text, "the price in plain digits"
    assert "7 s" in text, "the time left"
    assert "F9 accept" in lines[-1] and "F12 halt" in lines[-1]
    assert not any("##" in line for line in lines), "no number is cut"
    same_picture(f"busy-{size[0]}x{size[1]}", text)


async def test_help_lists_the_table(same_picture: Compare) -> None:
    same_picture("help", await picture(empty(), screen="help", size=(100, 64), kind="txt"))


async def test_the_same_bytes_anywhere() -> None:
    once = await picture(busy(), size=(80, 24), kind="svg")
    assert once.startswith('<svg xml:space="preserve" ')
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Asia/Kathmandu"
    time.tzset()
    try:
        again = await picture(busy(), size=(80, 24), kind="svg")
    finally:
        del os.environ["TZ"]
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()
    assert once == again


async def test_only_pictures_that_exist() -> None:
    with pytest.raises(ValueError, match="no screen 'moon'"):
        await picture(empty(), screen="moon")
    with pytest.raises(ValueError, match="no picture kind 'png'"):
        await picture(empty(), kind="png")


@pytest.mark.parametrize("theme", ["harbour", "linen", "contrast", "ink"])
def test_desk_in_colour(theme: str, snap_compare: Any) -> None:
    assert snap_compare(DeskApp(busy(), theme=theme, still=True), terminal_size=(120, 36))


@pytest.mark.long
@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
@pytest.mark.parametrize("theme", ["blue-orange", "contrast", "harbour", "ink", "linen", "paper"])
def test_every_theme_at_two_sizes(theme: str, size: tuple[int, int], snap_compare: Any) -> None:
    assert snap_compare(DeskApp(busy(), theme=theme, still=True), terminal_size=size)


@pytest.mark.long
@pytest.mark.parametrize("theme", ["contrast", "harbour", "linen"])
@pytest.mark.parametrize("state", [unknown, halted, expired, readonly, offline, stale])
def test_states_in_colour(theme: str, state: Callable[[], StoryDesk], snap_compare: Any) -> None:
    assert snap_compare(DeskApp(state(), theme=theme, still=True), terminal_size=(80, 24))


def test_replay_in_colour(snap_compare: Any) -> None:
    assert snap_compare(DeskApp(replay(), still=True), terminal_size=(120, 36))


def test_short_of_time_in_colour(snap_compare: Any) -> None:
    assert snap_compare(DeskApp(short(), still=True), terminal_size=(80, 24))


async def open_settlement(pilot: Pilot[None]) -> None:
    """From before the first picture on: keys typed ahead go to the page they open."""
    await pilot.press("ctrl+t", "tab", "tab", "enter")
    await pilot.pause()


async def ask_to_gather(pilot: Pilot[None]) -> None:
    await pilot.press("ctrl+t", "down", "space", "space", "g")
    await pilot.pause()


def test_a_settlement_in_colour(snap_compare: Any) -> None:
    app = DeskApp(a_day(), still=True)
    assert snap_compare(app, terminal_size=(160, 48), run_before=open_settlement)


def test_a_question_about_money_in_colour(snap_compare: Any) -> None:
    app = DeskApp(dealt(), still=True)
    assert snap_compare(app, terminal_size=(80, 24), run_before=ask_to_gather)


@pytest.mark.long
@pytest.mark.parametrize("theme", ["contrast", "ink", "linen"])
@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
def test_settlements_in_every_colour(theme: str, size: tuple[int, int], snap_compare: Any) -> None:
    app = DeskApp(a_day(), theme=theme, still=True)
    assert snap_compare(app, terminal_size=size, run_before=open_settlement)


def test_pictures_are_all_in_use() -> None:
    known = {f"{state.__name__}-120x36" for state in STATES} | {"help"}
    known |= {f"maker-{state.__name__}-120x36" for state in markets.STATES}
    known |= {f"maker-page-{size}" for size in ("160x48", "120x36", "80x24")}
    known |= {f"{name}-120x36" for name in KEYS}
    known |= {"settlement-160x48", "settlement-80x24", "gather-160x48"}
    known |= {"api-160x48", "api-80x24"}
    known |= {"settlements-160x48", "settlements-80x24", "due-160x48", "log-120x36"}
    known |= {f"busy-{size}" for size in ("160x48", "120x36", "80x24", "60x15", "44x12")}
    assert {path.stem for path in (Path(__file__).parent / "pictures").glob("*.txt")} == known
