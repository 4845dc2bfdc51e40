"""F1: every key and word from the action table, how a request is written, what the signs mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from lpdesk.domain.text import clean
from lpdesk.tui.actions import ACTIONS, key_table
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
    ("late  REJ  open", "no answer in time; refused; resting after failures, with its retry"),
    ("»", "came in over the API; its firm price is the client's to deal on"),
    ("UNKNOWN !", "the LP's answer is lost: it is being asked, nothing is sent again"),
)


class HelpPage(Screen[None]):
    """A page to scroll; Esc or F1 leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "dismiss", "Back", id="help.back")
    ]

    DEFAULT_CSS = """
    HelpPage { padding: 1 2; }
    HelpPage Static { width: 1fr; }
    """

    def __init__(self, *, can_command: bool, replay: bool, about: Sequence[str] = ()) -> None:
        super().__init__()
        self._about = about
        self._leave = "desk" if replay else "replay"
        self._can_command = can_command

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(self._content())

    def _content(self) -> Content:
        actions = [each for each in ACTIONS if each.only != self._leave]
        if not self._can_command:
            actions = [each for each in actions if each.only != "desk"]
        parts = [Content.styled("lpdesk   Esc goes back", "$desk-dim"), Content("")]
        if self._about:
            parts += [_title("This pane"), *(Content(f"  {line}") for line in self._about)]
            parts.append(Content(""))
        if self._can_command:
            parts += [_title("Requests"), *_pairs(_REQUESTS, 36), Content("")]
        parts.append(_title("Keys and words"))
        for keys, words, about in key_table(actions):
            row = Content.assemble((f"  {keys:<10}", "bold $primary"), f"{words:<36}")
            parts.append(Content.assemble(row, (about, "$desk-dim")))
        parts += [Content(""), _title("Signs"), *_pairs(_SIGNS, 18)]
        return Content("\n").join(parts)


def _title(text: str) -> Content:
    return Content.styled(text, "bold")


def _pairs(rows: tuple[tuple[str, str], ...], width: int) -> list[Content]:
    return [
        Content.assemble(f"  {clean(left):<{width}}", (clean(right), "$desk-dim"))
        for left, right in rows
    ]
