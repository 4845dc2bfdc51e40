"""Keys while something covers the desk: F7, help, the palette, the question on leaving."""

from __future__ import annotations

import pytest

from lpdesk.domain import commands as cmd
from lpdesk.tui.picture import text_of
from lpdesk.tui.screens.settlements import SettlementsPage
from tests.conftest import eventually
from tests.tui.dealing import at, type_line
from tests.tui.stories import busy


@pytest.mark.parametrize("covers", ["f7", "f1", "ctrl+p", "ctrl+q"])
async def test_the_halt_key_works_whatever_covers_the_desk(covers: str) -> None:
    desk = busy()
    async with at(desk) as (app, pilot):
        await pilot.press(covers)
        await eventually(lambda: app.screen is not app.desk)
        await pilot.press("f12")
        await eventually(lambda: "HALTED" in text_of(app))
        assert app.screen is app.desk, "and the dealer sees that it did"
        assert [type(command) for command in desk.submitted] == [cmd.Halt]


async def test_halting_from_the_palette_takes_no_theme_along() -> None:
    async with at(busy()) as (app, pilot):
        worn = app.theme
        await type_line(app, pilot, "theme")
        await eventually(lambda: app.screen is not app.desk)
        app.theme = next(name for name in app.own_themes if name != worn)  # as a preview does
        await pilot.press("f12")
        await eventually(lambda: app.screen is app.desk)
        assert app.theme == worn


@pytest.mark.parametrize("covers", ["f7", "f1"])
async def test_keys_that_lead_elsewhere_leave_a_page_over_the_desk(covers: str) -> None:
    desk = busy()
    async with at(desk) as (app, pilot):
        await pilot.press(covers, "f9")
        assert app.screen is not app.desk and not desk.submitted, "nothing is dealt unseen"
        await pilot.press("ctrl+t")
        await eventually(lambda: isinstance(app.desk.pages.standing, SettlementsPage))
        assert app.screen is app.desk
        await pilot.press(covers, "f4")
        await eventually(lambda: app.desk.places.with_keys == "ladder")
