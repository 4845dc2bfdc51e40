"""The palette: every action that works now, and the themes, by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from lpdesk.tui.actions import ACTIONS
from lpdesk.tui.screens.desk import DeskScreen

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpdesk.tui.app import DeskApp


class Palette(Provider):
    """One provider, so that the order is always the same."""

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for name, about, run in self._entries():
            yield DiscoveryHit(name, run, help=about)

    async def search(self, query: str) -> Hits:
        """What fits the words typed."""
        matcher = self.matcher(query)
        for name, about, run in self._entries():
            score = matcher.match(f"{name} {about}")
            if score > 0:
                yield Hit(score, matcher.highlight(name), run, help=about)

    def _entries(self) -> Iterator[tuple[str, str, Callable[[], None]]]:
        desk = self.screen
        if not isinstance(desk, DeskScreen):
            return
        look = desk.look()
        for each in ACTIONS:
            if each.id != "palette" and each.when(look) and (each.keys or not each.takes):
                name = each.words[0] if each.words else each.id
                yield name, each.help, partial(desk.act, each, [])
        app = cast("DeskApp", self.app)
        for theme in app.own_themes:
            yield f"theme {theme}", "Wear this theme.", partial(app.keep_theme, theme)
