"""F1: every key and word from the action table, how a request is written, what the signs mean."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill, wrap
from typing import Any, ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from lpdesk.domain.text import clean
from lpdesk.tui.actions import ACTIONS, key_table, over_pages
from lpdesk.tui.complete import GRAMMAR

_REQUESTS: Final = (
    (GRAMMAR, ""),
    ("b 1.5 btc/usdt", "the client buys 1.5 BTC"),
    ("s 250k usdt btcusdt @acme", "acme sells 250,000 USDT for BTC"),
    ("b 2 btc/usdt via kepler t+1", "only kepler is asked; settles tomorrow"),
)
_SIGNS: Final = (
    ("▸ LOCK", "the LP quote that the client price stands on"),
    ("+0.53bp", "how much worse than the lock, in basis points"),
    ("━━╍╍ !", "time left; broken line: less than the LP needs to execute; then tenths and !"),
    ("late  REJ  resting", "no answer in time; refused; not asked after failures, with its retry"),
    ("»", "came in over the API; its firm price is the client's to deal on"),
    ("UNKNOWN !", "the LP's answer is lost: it is being asked, nothing is sent again"),
)
_AROUND: Final = 6
"""Columns of padding and scroll bar."""

_INDENT: Final[dict[str, Any]] = {"initial_indent": "  ", "subsequent_indent": "  "}

_TWO_COLUMNS: Final = 88
"""From this width on what a word does stands beside it."""


class HelpPage(Screen[None]):
    """A page to scroll; Esc or F1 leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "dismiss", "Back", id="help.back"),
        *over_pages(),
    ]

    DEFAULT_CSS = """
    HelpPage { padding: 1 2; }
    HelpPage Static { width: 1fr; }
    """

    def __init__(
        self, *, can_command: bool, replay: bool, about: Sequence[str] = (), title: str = ""
    ) -> None:
        super().__init__()
        self._about = about
        self._about_title = title
        self._leave = "desk" if replay else "replay"
        self._can_command = can_command

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static()

    def on_resize(self, event: events.Resize) -> None:
        """The table is laid out for the width there is."""
        self.query_one(Static).update(self._content(event.size.width - _AROUND))

    def _content(self, width: int) -> Content:
        actions = [each for each in ACTIONS if each.only != self._leave]
        if not self._can_command:
            actions = [each for each in actions if each.only != "desk"]
        parts = [Content.styled("lpdesk   Esc goes back", "$desk-dim"), Content("")]
        if self._about:
            parts.append(_title(self._about_title))
            parts += [Content(fill(clean(line), width, **_INDENT)) for line in self._about]
            parts.append(Content(""))
        if self._can_command:
            parts += [_title("Requests"), *_pairs(_REQUESTS, 38, width), Content("")]
        parts.append(_title("Keys and words"))
        at = 48 if width >= _TWO_COLUMNS else 14
        parts += [_entry(f"  {k:<10}", w, about, at, width) for k, w, about in key_table(actions)]
        parts += [Content(""), _title("Signs"), *_pairs(_SIGNS, 20, width)]
        return Content("\n").join(parts)


def _title(text: str) -> Content:
    return Content.styled(text, "bold")


def _pairs(rows: tuple[tuple[str, str], ...], at: int, width: int) -> list[Content]:
    return [_entry("", f"  {clean(left)}", clean(right), at, width) for left, right in rows]


def _entry(key: str, words: str, about: str, at: int, width: int) -> Content:
    """What it means from column `at` on, below the words where they are too long."""
    below = "\n" + " " * at
    room = at - len(key + words)
    meaning = below.join(wrap(about, width - at))
    gap = (" " * room if room > 0 else below) if meaning else ""
    return Content.assemble((key, "bold $primary"), words, (gap + meaning, "$desk-dim"))
