"""What a trade or a settlement is made of, as a tree: from its beginning to the last posting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from textual.app import ComposeResult
from textual.message import Message

from lpdesk.domain.settings import Settings
from lpdesk.domain.text import clean
from lpdesk.tui.ancestry import Branch, branches, since
from lpdesk.tui.look import Look
from lpdesk.tui.panels.due import STATES
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.sentences import pnl
from lpdesk.tui.settled import settlement_branches
from lpdesk.tui.widgets.grid import Column, Row
from lpdesk.tui.widgets.lines import DeskGrid, Ink, Span
from lpdesk.views import HookRow, Lineage, TradeRow
from lpdesk.views.settlements import SettlementRow

_COLUMNS: Final = (
    Column("since", "since", 9, "right"),
    Column("what", "", 40, grow=True),
    Column("record", "record", 7, "right", priority=1),
)

Subject: TypeAlias = TradeRow | SettlementRow


class Slice(NamedTuple):
    """What the pane shows: whose lineage, how it stands, and what makes a fresh look worth it."""

    name: str
    subject: Subject | None
    settings: Settings
    said: str
    trades: tuple[TradeRow, ...] = ()
    hooks: tuple[HookRow, ...] = ()


class Wanted(Message):
    """The records about this are wanted: another one was chosen, or it moved on."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__()


class LineagePane(Pane):
    """Says what it wants to know about, and is told."""

    ABOUT = (
        "Of a trade: all prices that came, where the lock was, what was sent, held and posted.",
        "Of a settlement: its terms, exposures, trades, attempts, holds, postings, webhooks.",
        "Enter on a line that names a trade or a settlement opens it, Esc goes back. The first",
        "column counts from the beginning; `go` to a record in a replay. r resends a webhook.",
    )

    def __init__(self, chosen: Callable[[], str]) -> None:
        """`chosen()` is the id of the trade or settlement that is wanted, or empty."""
        super().__init__()
        self._chosen = chosen
        self._slice: Slice | None = None
        self._known = Lineage("")
        self._tree: list[Branch] = []

    def compose(self) -> ComposeResult:
        self.name_it("Lineage")
        self.grid = DeskGrid(_COLUMNS, id="lineage", empty="no trade is chosen")
        yield self.grid

    @property
    def ref(self) -> str:
        """What the line under the cursor leads to."""
        key = self.grid.cursor_key or ""
        return self._tree[int(key)].ref if key and int(key) < len(self._tree) else ""

    def see(self, look: Look) -> object:
        """No times: a lineage is what has happened."""
        name, view = self._chosen(), look.view
        row = view.settlement(name) if name.startswith("S-") else None
        if row is None:
            trade = view.trade(name)
            said = f"{trade.trade_id}  {trade.state} {pnl(look, trade)}".rstrip() if trade else ""
            return Slice(name, trade, view.settings, said)
        mine = frozenset(row.terms.trades)
        trades = tuple(trade for trade in view.trades if trade.trade_id in mine)
        hooks = tuple(hook for hook in view.webhooks if hook.settlement_id == name)
        state = STATES[row.state].text
        return Slice(name, row, view.settings, f"{name}  {state}", trades, hooks)

    def show(self, slice: Slice, /) -> None:
        """Draw a slice."""
        before, self._slice = self._slice, slice
        title = "Settlement" if isinstance(slice.subject, SettlementRow) else "Lineage"
        self.name_it("  ".join(filter(None, [title, slice.said])))
        if slice.subject is None:
            self.tell(Lineage(""))
        elif before is None or before._replace(settings=slice.settings) != slice:
            if slice.name != self._known.name:
                self.say("the journal is being read")
            self.post_message(Wanted(slice.name))

    def tell(self, known: Lineage) -> None:
        """Draw the tree."""
        if known.name != self._known.name:
            self.grid.action_first()
        self._known = known
        self._tree = self._branches(known)
        if not self._tree:
            self.say("not in this journal" if known.name else "no trade is chosen")
            return
        rows = [
            Row(
                str(number),
                (
                    Span("" if branch.at is None else since(branch.at, known.began), Ink.DIM),
                    (Span(branch.limb, Ink.DIM), *branch.text),
                    Span("" if branch.seq is None else f"{branch.seq:,}", Ink.DIM),
                ),
            )
            for number, branch in enumerate(self._tree)
        ]
        self.grid.show_rows(rows)

    def _branches(self, known: Lineage) -> list[Branch]:
        slice = self._slice
        settings = slice.settings if slice else Settings()
        if slice is not None and isinstance(slice.subject, SettlementRow):
            return settlement_branches(known, slice.trades, settings)
        return branches(known, settings)

    def say(self, text: str) -> None:
        """A sentence in the place of the tree."""
        self._tree = []
        self.grid.show_rows([Row("", ("", Span(clean(text), Ink.DIM)))])
