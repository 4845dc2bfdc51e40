"""The footer: what works now, in the words of the trade, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.message import Message

from lpdesk.tui.actions import ACTIONS, PANES, Action, reach, why_not
from lpdesk.tui.look import Look
from lpdesk.tui.widgets.lines import Ink, Line, Lines, Span, as_many, size, spread

_AT_RIGHT: Final = {"halt", "resume"}
_OF_RFQ: Final = {"accept", "confirm", "cancel", "next"}


class _Slice(NamedTuple):
    works: tuple[Action, ...]
    why: tuple[tuple[Action, str], ...]
    page: str = ""


def _has_key(each: Action, look: Look) -> bool:
    """On the line a letter is a letter. A page has no keys for the RFQ and none that opens it, but
    one that leads to the line, where the panes have Esc."""
    if each.typed_on_line and not look.in_pane and not look.replay:
        return False
    if not look.page:
        return each.id != "line"
    return each.id not in {*_OF_RFQ, look.page}


class Footer(Lines, can_focus=False):
    """One line of hints; most used first, halt at the right."""

    DEFAULT_CSS = "Footer { height: 1; background: $panel; }"

    class Clicked(Message):
        """The hint of the action `id` was clicked."""

        def __init__(self, id: str) -> None:
            self.id = id
            super().__init__()

    _drawn: Line = ()

    _slice = _Slice((), ())
    keymap: Mapping[str, str] = {}

    def see(self, look: Look) -> object:
        """Which actions work; on a page those of the RFQ are not what the keys are for."""
        shown = [each for each in ACTIONS if each.label and _has_key(each, look)]
        blocked = {each.id: why_not(each, look) for each in ACTIONS if each.label}
        works = tuple(each for each in shown if not blocked[each.id])
        card = look.card
        told = card is not None and not card.trade_id and look.can_command and not look.replay
        told = told and not look.page
        why = tuple((e, blocked[e.id]) for e in ACTIONS if e.shows_why and blocked[e.id] and told)
        return _Slice(works, why, look.page)

    def show(self, slice: _Slice, /) -> None:
        """Draw a slice."""
        self._slice = slice
        self.draw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The one line."""
        works, why, page = self._slice
        right = tuple(span for e in works if e.id in _AT_RIGHT for span in self._hint(e))
        hints: list[Line] = [
            (Span(f"{reach(each, self.keymap)} {each.label}: {text}", Ink.DIM),)
            for each, text in why
        ]
        hints += [(Span("Esc", Ink.TITLE), Span(" back"))] if page else []
        hints += [self._hint(each) for each in works if each.id not in _AT_RIGHT]
        keys, _, name = PANES.partition(" ")
        hints.insert(-2, (Span(keys, Ink.TITLE), Span(f" {name}")))
        left = as_many(width - size(right) - 4, hints)
        self._drawn = spread((Span(" "), *left), (*right, Span(" ")), width)
        return [self._drawn]

    def on_click(self, event: events.Click) -> None:
        """A hint does what its key does."""
        x, ids = 0, {reach(each, self.keymap): each.id for each in self._slice.works}
        on_hint = ""
        for span in self._drawn:
            if span.style == Ink.TITLE:
                on_hint = span.text
            elif not span.text.strip():
                on_hint = ""
            x += cell_len(span.text)
            if event.x < x:
                break
        if event.x < x and on_hint in ids:
            self.post_message(self.Clicked(ids[on_hint]))

    def _hint(self, each: Action) -> Line:
        return Span(reach(each, self.keymap), Ink.TITLE), Span(f" {each.label}")
