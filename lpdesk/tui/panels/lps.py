"""The LPs: in use, resting or blocked, why, and when they are tried again."""

from __future__ import annotations

from typing import Final, NamedTuple

from textual.app import ComposeResult

from lpdesk.domain.values import Instant
from lpdesk.tui.look import Look
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.widgets.grid import Column, Row
from lpdesk.tui.widgets.lines import DeskGrid, Ink, Span
from lpdesk.views import LpRow, words

_COLUMNS: Final = (
    Column("lp", "LP", 8),
    Column("state", "state", 8),
    Column("why", "kind, or why", 8, grow=True),
)
_WORDS: Final = {
    "closed": Span("in use", Ink.GOOD),
    "open": Span("resting", Ink.WARN),
    "half-open": Span("probing", Ink.WARN),
    "blocked": Span("BLOCKED", Ink.BAD),
}


class Slice(NamedTuple):
    """What the pane shows."""

    lps: tuple[LpRow, ...]
    second: Instant
    starting: bool


class LpsPane(Pane):
    """One line an LP."""

    ABOUT = (
        "Which LPs are asked. A resting one is tried again by itself; F7 shows all figures.",
        "A blocked one waits for a person: look at its break, then type `unblock` and its name.",
    )

    def compose(self) -> ComposeResult:
        self.name_it("LPs")
        self.grid = DeskGrid(_COLUMNS, id="lps")
        yield self.grid

    def see(self, look: Look) -> object:
        """Seconds matter while an LP rests."""
        lps = look.view.status.lps
        second = look.second if any(lp.retry_at for lp in lps) else 0
        return Slice(lps, second, look.starting)

    def show(self, slice: Slice, /) -> None:
        """Draw a slice."""
        self.grid.empty = "" if slice.starting else "no LPs: add [[lps]] to the configuration"
        up = sum(lp.state == "closed" for lp in slice.lps)
        self.name_it("LPs", f"{up}/{len(slice.lps)} in use" if slice.lps else "")
        self.grid.show_rows([lp_row(lp, slice.second) for lp in slice.lps])


def lp_row(lp: LpRow, now: Instant) -> Row:
    """One LP's line."""
    state = _WORDS.get(lp.state, Span(lp.state))
    why = " ".join(filter(None, [lp.reason, lp.text] if lp.reason else [lp.kind, lp.note]))
    if lp.state == "open" and lp.retry_at is not None and lp.retry_at > now:
        why = f"{words.seconds(lp.retry_at - now, 0)}: {why}"
    if lp.state == "blocked":
        why = f"{lp.text or lp.reason}: unblock {lp.name}"
    return Row(lp.name, (lp.name, state, Span(why, Ink.DIM)))
