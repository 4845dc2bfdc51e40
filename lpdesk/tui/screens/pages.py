"""Pages of the desk: what may stand in the place of its panes, and whose maker is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpdesk.tui.screens.maker import MakerPage

if TYPE_CHECKING:
    from lpdesk.tui.screens.desk import DeskScreen


class Pages:
    """Turns the desk's pages. A page is made when it is opened: the start does not wait for it."""

    def __init__(self, desk: DeskScreen) -> None:
        self._desk = desk
        self.page: MakerPage | None = None
        self.chosen = ""
        """The pair whose maker is looked at, until another RFQ comes into focus."""

    def open(self) -> None:
        """Put the maker's page in the place of the panes."""
        if self.page is None:
            self._leave_zoom()
            self.page = MakerPage(self._desk.dealer, self._desk.message.say)
            self._desk.call_next(self._mount, self.page)

    async def _mount(self, page: MakerPage) -> None:
        desk = self._desk
        desk.add_class("-maker")
        await desk.mount(page, before=desk.message)
        if self.page is page:
            desk.show_too(page.panes)
            page.enter()
            desk.echo()

    def close(self) -> None:
        """The panes again."""
        if self.page is not None:
            self._leave_zoom()
            page, self.page = self.page, None
            self._desk.show_no_more(page.panes)
            self._desk.remove_class("-maker")
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
