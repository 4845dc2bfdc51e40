"""Leaving asks, while something is live."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from lpdesk.domain.text import clean
from lpdesk.views import DeskView


def unfinished(view: DeskView) -> list[str]:
    """What leaving would end or leave open, a sentence each; empty when nothing."""
    live = [card.rfq_id for card in view.rfqs if card.live]
    open_trades = [row for row in view.trades if row.state in ("UNKNOWN", "executing")]
    said = []
    if live:
        some = ", ".join(live[:4]) + (" …" if len(live) > 4 else "")
        said.append(f"{some} {'is' if len(live) == 1 else 'are'} live and will end.")
    said += [
        f"{row.trade_id} is {row.state} at {row.lp}: it is asked for at the next start."
        for row in open_trades[:4]
    ]
    return said


class LeavePage(ModalScreen[bool]):
    """y leaves, anything else stays."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,ctrl+q", "leave", "Leave", id="leave.yes"),
        Binding("n,escape,enter", "stay", "Stay", id="leave.no"),
    ]

    DEFAULT_CSS = """
    LeavePage { align: center middle; }
    LeavePage > Vertical {
        width: auto; max-width: 76; height: auto;
        border: round $warning; padding: 1 2; background: $surface;
    }
    LeavePage Static { width: auto; max-width: 70; }
    """

    def __init__(self, reasons: list[str]) -> None:
        super().__init__()
        self._reasons = reasons

    def compose(self) -> ComposeResult:
        text = "\n".join(clean(reason) for reason in self._reasons)
        keys = Content.assemble(
            ("y", "bold $primary"), " leave   ", ("Esc", "bold $primary"), " stay"
        )
        with Vertical():
            yield Static(Content.assemble(("Leave the desk?", "bold"), f"\n\n{text}\n\n", keys))

    def action_leave(self) -> None:
        """Yes."""
        self.dismiss(True)

    def action_stay(self) -> None:
        """No."""
        self.dismiss(False)
