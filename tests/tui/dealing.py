"""A dealer at a desk: an app in memory, and the ways to type and read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from lpdesk.tui.app import DeskApp
from lpdesk.tui.picture import text_of
from tests.tui.stories import StoryDesk


@asynccontextmanager
async def at(
    desk: StoryDesk, size: tuple[int, int] = (120, 36), **options: object
) -> AsyncIterator[tuple[DeskApp, Pilot[None]]]:
    app = DeskApp(desk, **options)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        desk.changed = app.changed
        await pilot.pause()
        yield app, pilot


async def type_line(app: DeskApp, pilot: Pilot[None], line: str) -> None:
    """As typed, without a tenth of a second for each key."""
    app.desk.line.input.value = line
    await pilot.press("enter")
    await pilot.pause()


def message(app: DeskApp) -> str:
    return app.desk.message.render_line(0).text.strip()


def last_line(app: DeskApp) -> str:
    return text_of(app).splitlines()[-1]
