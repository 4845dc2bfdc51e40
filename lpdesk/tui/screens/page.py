"""What a page of the desk is: panes in the place of the desk's own."""

from __future__ import annotations

from typing import Any

from textual.containers import Container
from textual.message import Message

from lpdesk.tui.panels.listing import ListPane
from lpdesk.tui.panels.pane import Pane


class Page(Container):
    """The status bar, the answers, the command line and the footer stay, so every word works."""

    class Moved(Message):
        """The dealer looks at something else on the page: draw it at once."""

    class Act(Message):
        """A key of the page that means the action `id` of the table, with the `words` after it."""

        def __init__(self, id: str, *words: str) -> None:
            self.id = id
            self.words = list(words)
            super().__init__()

    @property
    def panes(self) -> list[Pane]:
        """All of them, as they are drawn; the first is the list that `/` narrows."""
        raise NotImplementedError

    @property
    def list_pane(self) -> ListPane[Any] | None:
        """The list that is filtered, sorted and written out, if the page has one."""
        return None

    @property
    def under(self) -> tuple[str, ...]:
        """The names of what the cursor is on, the nearest first."""
        return ()

    @property
    def marked(self) -> tuple[str, ...]:
        """The names of the rows that are marked."""
        return ()

    def mark(self, name: str) -> None:
        """Mark a row, or not any more."""

    def back(self) -> bool:
        """One level back on the page; False when it is to be left."""
        return False

    def enter(self) -> None:
        """Give the keys to what matters."""
        raise NotImplementedError

    def show_row(self, key: str) -> bool:
        """Put the cursor on what was asked for; whether it is here."""
        return False
