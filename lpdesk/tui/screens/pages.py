"""Pages of the desk: what may stand in the place of its panes, and whose maker is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from lpdesk.tui.screens.page import Page

if TYPE_CHECKING:
    from lpdesk.tui.screens.desk import DeskScreen


def _maker(desk: DeskScreen) -> Page:
    from lpdesk.tui.screens.maker import MakerPage

    return MakerPage(desk.dealer, desk.message.say)


def _settlements(desk: DeskScreen) -> Page:
    from lpdesk.tui.screens.settlements import SettlementsPage

    return SettlementsPage(desk.session)


def _log(desk: DeskScreen) -> Page:
    from lpdesk.tui.screens.log import LogPage

    return LogPage()


PAGES: Final[Mapping[str, Callable[[DeskScreen], Page]]] = {
    "maker": _maker,
    "settlements": _settlements,
    "log": _log,
}
"""A page is imported and made when it is opened: the start does not wait for it."""


class Pages:
    """Turns the desk's pages."""

    def __init__(self, desk: DeskScreen) -> None:
        self._desk = desk
        self.page: Page | None = None
        self.name = ""
        self.standing: Page | None = None
        """The page once it is built, so that it can be asked what it shows."""
        self._opening: tuple[Page, str] | None = None
        self.chosen = ""
        """The pair whose maker is looked at, until another RFQ comes into focus."""

    def open(self, name: str, row: str = "") -> None:
        """Put a page in the place of the panes, the cursor on `row` if that is named."""
        if self.page is not None and self.name == name:
            self._enter(self.page, row)
            return
        self.close()
        self._leave_zoom()
        self.page, self.name = PAGES[name](self._desk), name
        self._opening = self.page, row
        self._desk.call_next(self.arrive)

    async def arrive(self) -> None:
        """Finish what `open` began; who acts on a key waits for it before the next key."""
        if self._opening is not None:
            opening, self._opening = self._opening, None
            await self._mount(*opening)

    async def _mount(self, page: Page, row: str) -> None:
        desk = self._desk
        if self.page is not page:
            return
        desk.add_class("-page")
        await desk.mount(page, before=desk.message)
        if self.page is page:
            self.standing = page
            desk.show_too(page.panes)
            self._enter(page, row)

    def _enter(self, page: Page, row: str) -> None:
        if row and not page.show_row(row):
            self._desk.message.say("warn", f"{row} is not kept here; the journal has it")
        page.enter()
        self._desk.echo()

    def close(self) -> None:
        """The panes again."""
        if self.page is not None:
            self._leave_zoom()
            page, self.page, self.name, self.standing = self.page, None, "", None
            self._desk.show_no_more(page.panes if page.is_mounted else [])
            self._desk.remove_class("-page")
            page.remove()

    def _leave_zoom(self) -> None:
        if self._desk.maximized is not None:
            self._desk.minimize()

    def choose(self, symbol: str) -> None:
        """Look at the maker of that pair."""
        self.chosen = symbol
        self._desk.echo()

    def other_pair(self, step: int) -> None:
        """Look at the maker `step` places on, going round."""
        look = self._desk.look()
        symbols = [maker.symbol for maker in look.view.makers]
        if symbols:
            at = symbols.index(look.market) if look.market in symbols else -max(step, 0)
            self.choose(symbols[(at + step) % len(symbols)])
