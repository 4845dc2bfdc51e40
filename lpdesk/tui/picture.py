"""What the dealer saw, as text or SVG: the app without a terminal, stopped at one view."""

from __future__ import annotations

from typing import Final

from lpdesk.session import Session
from lpdesk.tui.app import DEFAULT_THEME, DeskApp
from lpdesk.tui.screens.pages import PAGES

SCREENS: Final = ("desk", "help", *PAGES)
KINDS: Final = ("svg", "txt")


async def picture(
    session: Session,
    *,
    screen: str = "desk",
    size: tuple[int, int] = (120, 40),
    theme: str = DEFAULT_THEME,
    kind: str = "svg",
) -> str:
    """The screen at `size` (cells wide, lines high). Same session state, same bytes, anywhere.

    Raises ValueError for a screen or kind that does not exist.
    """
    if screen not in SCREENS:
        raise ValueError(f"there is no screen {screen!r}; there are {', '.join(SCREENS)}")
    if kind not in KINDS:
        raise ValueError(f"there is no picture kind {kind!r}; there are {', '.join(KINDS)}")
    app = DeskApp(session, theme=theme, still=True)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        if screen == "help":
            app.show_help()
        elif screen in PAGES:
            app.desk.pages.open(screen)
            await pilot.pause()
            await pilot.pause()
        await pilot.pause()
        return svg_of(app) if kind == "svg" else text_of(app)


def svg_of(app: DeskApp) -> str:
    """The screen as a picture in which blanks count: librsvg would leave out leading ones."""
    return app.export_screenshot(title="lpdesk").replace("<svg ", '<svg xml:space="preserve" ', 1)


def text_of(app: DeskApp) -> str:
    """The screen as lines of plain text."""
    strips = app.screen._compositor.render_strips()
    return "".join(f"{strip.text.rstrip()}\n" for strip in strips)
