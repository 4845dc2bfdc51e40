"""The screen itself: starting, leaving, looking only, replay, hostile text, the action table."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from lpdesk.clock import VirtualClock
from lpdesk.domain import commands as cmd
from lpdesk.domain.entry import parse_request
from lpdesk.domain.settings import Client, Lp
from lpdesk.session import LiveSession
from lpdesk.tui import actions
from lpdesk.tui.app import DeskApp
from lpdesk.tui.picture import text_of
from lpdesk.tui.screens.leave import LeavePage
from tests.conftest import eventually
from tests.tui.dealing import at, last_line, message, type_line
from tests.tui.hostile import HOSTILE
from tests.tui.stories import LPS, StoryDesk, Tape, busy, lost, settings


async def test_before_the_first_record() -> None:
    desk = StoryDesk()
    async with at(desk) as (app, pilot):
        assert "STARTING" in text_of(app) and "the journal is being read" in text_of(app)
        await type_line(app, pilot, "b 1 btc/usdt")
        assert "the desk is starting: this is asked as soon as it stands" in message(app)
        assert not desk.submitted
        desk.start()
        await eventually(lambda: "R-000001  acme" in text_of(app))
        assert "BUY 1 BTC" in text_of(app) and len(desk.submitted) == 1


async def test_a_long_journal_says_how_far_it_is_read() -> None:
    session = LiveSession(VirtualClock())
    async with at(session) as (app, _):
        session.has_read(23_000, of=1_002_933)
        await eventually(lambda: "23,000 of 1,002,933 records" in text_of(app))


async def test_ready_is_told_once_after_the_first_paint() -> None:
    painted: list[str] = []
    app = DeskApp(busy(), on_ready=lambda: painted.append(text_of(app)))
    async with app.run_test(size=(120, 36)) as pilot:
        await eventually(lambda: painted)
        await pilot.pause()
    assert len(painted) == 1 and "100,005.18" in painted[0]


async def test_leaving_asks_while_something_is_live() -> None:
    desk = busy()
    async with at(desk) as (app, pilot):
        await type_line(app, pilot, "quit")
        await pilot.pause()
        assert isinstance(app.screen, LeavePage)
        text = text_of(app)
        assert "R-000007, R-000006 are live" in text and "T-000004 is UNKNOWN at alpha" in text
        await pilot.press("escape")
        assert app.is_running and not isinstance(app.screen, LeavePage)
        await pilot.press("ctrl+q")
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause()
    assert app.return_code == 0


async def test_leaving_an_idle_desk_does_not_ask() -> None:
    async with at(StoryDesk().start()) as (app, pilot):
        await type_line(app, pilot, "q")
        await pilot.pause()
    assert app.return_code == 0


async def test_a_screen_that_only_looks() -> None:
    desk = busy()
    desk.can_command = False
    async with at(desk) as (app, pilot):
        await pilot.press("f9", "f12")
        await type_line(app, pilot, "b 1 btc/usdt")
        await type_line(app, pilot, "p")
        assert desk.submitted == []
        assert "read-only" in message(app)
        assert "accept" not in last_line(app) and "halt" not in last_line(app)


async def test_a_restricted_screen_deals_and_leaves_nothing_behind(tmp_path: Path) -> None:
    desk = busy()
    async with at(desk, restricted=True, state_dir=tmp_path) as (app, pilot):
        await type_line(app, pilot, "copy")
        assert message(app).startswith("copied: acme")
        app.action_screenshot("shot.svg", str(tmp_path))
        app.action_suspend_process()
        await pilot.press("f9")
        await pilot.pause()
        assert len(desk.submitted) == 1
    assert not [*os.scandir(tmp_path)]


async def test_the_desks_trouble_is_not_the_screens() -> None:
    class Broken(StoryDesk):
        async def submit(self, command: object) -> tuple[()]:
            raise OSError("disk full [/red]")

    async with at(Broken().start()) as (app, pilot):
        await type_line(app, pilot, "b 1 btc/usdt")
        assert message(app) == "! not done: OSError: disk full [/red]"
        assert app.is_running


async def test_a_replay_moves_in_time() -> None:
    tape = Tape(busy())
    async with at(tape) as (app, pilot):
        text = text_of(app)
        assert text.count("REPLAY") == 2 and ">" not in text.splitlines()[-2]
        await pilot.press("left_square_bracket")
        assert tape.position == (len(tape.tape) - 1, len(tape.tape))
        await pilot.press("left_curly_bracket", "right_curly_bracket", "p", "S")
        assert tape.playing and tape.speed == 2
        await pilot.press("colon")
        await type_line(app, pilot, "go 1")
        assert tape.seq == 1
        assert "no request yet" in text_of(app)
        await pilot.press("right_curly_bracket")
        assert tape.view.rfqs[0].quote, "the first marker is the first lock"
        await pilot.press("colon")
        await type_line(app, pilot, "go 14:30:05")
        assert "14:30:0" in text_of(app).splitlines()[-2]
        await pilot.press("colon")
        await type_line(app, pilot, "b 1 btc/usdt")
        assert "only looks" in message(app)
        await pilot.press("f9")
        assert "this is a replay" in message(app)


@pytest.mark.parametrize("part", range(4))
async def test_hostile_text_is_only_text(part: int) -> None:
    """In every field that an LP, a client or the configuration can set."""
    texts = list(HOSTILE.values())[part::4]
    lps = tuple(Lp(name=lp, kind=texts[0][:40]) for lp in LPS)
    rich = {"USDT": Decimal(10**8), "BTC": Decimal(1000)}
    clients = tuple(Client(name=text[:300], balances=rich) for text in texts)
    desk = StoryDesk(config=settings(lps=lps, clients=clients, default_client=texts[0][:300]))
    desk.label = texts[1][:60]
    desk.start()
    desk.market.mood = {"kepler": lost, "alpha": lost}
    for text in texts:
        desk.market.words = text
        desk.do(replace(parse_request("b 1 btc/usdt", desk.settings.pairs), client=text[:300]))
        desk.run(1.2)
    desk.accept(desk.view.rfqs[0].rfq_id)
    async with at(desk, (100, 30), still=True) as (app, pilot):
        for text in texts:
            desk.do(cmd.Halt(why=text))
            desk.do(cmd.Resume())
            app.desk.message.say("bad", text, text, text)
            await app.desk.action_act("next")
            await pilot.pause()
            strips = app.screen._compositor.render_strips()
            obeyed = set(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x202E, 0x200B]))
            assert not set("".join(strip.text for strip in strips)) & obeyed
            assert {strip.cell_length for strip in strips} == {100}
            styles = [segment.style for strip in strips for segment in strip if segment.style]
            assert not any("@click" in style.meta for style in styles), "nothing can be clicked"
        assert desk.submitted == [] and app.is_running


def test_the_table_is_whole() -> None:
    ids = [each.id for each in actions.ACTIONS]
    words = [word for each in actions.ACTIONS for word in each.words]
    assert len(set(ids)) == len(ids) and len(set(words)) == len(words)
    for here in ("desk", "replay"):
        keys = [key for each in actions.ACTIONS if each.only in ("", here) for key in each.keys]
        assert len(set(keys)) == len(keys)
    from lpdesk.tui.handlers import Handlers

    for each in actions.ACTIONS:
        assert callable(getattr(Handlers, f"do_{each.handler}")), each.id
        assert each.help.endswith(".") and (each.keys or each.words)
        if each.only == "desk":
            assert all(len(key) > 1 for key in each.keys), "money never sits on a printable key"
    assert len(actions.key_lines()) == len(ids)


async def test_keymaps() -> None:
    with pytest.raises(ValueError, match="no action 'acept'"):
        DeskApp(busy(), keymap={"acept": "f7"})
    with pytest.raises(ValueError, match="printable"):
        DeskApp(busy(), keymap={"accept": "y"})
    with pytest.raises(ValueError, match="printable"):
        DeskApp(busy(), keymap={"pane-rfq": "g"})
    desk = busy()
    async with at(desk, keymap={"accept": "f11"}) as (app, pilot):
        assert "F11 accept" in last_line(app)
        await pilot.press("f9")
        assert desk.submitted == []
        await pilot.press("f11")
        await pilot.pause()
        assert len(desk.submitted) == 1


async def test_a_bad_theme_is_said_and_another_worn() -> None:
    async with at(busy(), theme="nosuch") as (app, _):
        assert app.theme == "harbour"
        assert "no theme nosuch" in message(app)
