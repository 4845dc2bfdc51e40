"""A maker's parameters with unit and limits; Enter changes the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar, Final, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from lpdesk.domain.commands import SetMaker
from lpdesk.domain.entry import BadEntry, parse_parameter
from lpdesk.domain.making import PARAMETERS, SET_AT_START, MakerTerms
from lpdesk.tui.look import Look
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.widgets.grid import Column, LineGrid, Row
from lpdesk.tui.widgets.lines import DeskGrid, Ink, Line, Lines, Span, longest

_COLUMNS: Final = (
    Column("name", "parameter", 27),
    Column("value", "value", 7, "right"),
    Column("unit", "unit", 6),
    Column("limits", "limits", 15, priority=1),
    Column("help", "", 8, priority=2, grow=True),
)
_UNITS: Final = ((12, "T"), (9, "G"), (6, "M"))
NOT_LEVELS: Final = ("risk_aversion", "order_depth", "horizon")


class Slice(NamedTuple):
    """What the pane shows."""

    terms: MakerTerms | None
    can_command: bool


class Changed(Message):
    """The dealer wants this parameter so."""

    def __init__(self, command: SetMaker) -> None:
        self.command = command
        super().__init__()


class Refused(Message):
    """The dealer typed what cannot be: what it is about, and the limits."""

    def __init__(self, bad: BadEntry) -> None:
        self.bad = bad
        super().__init__()


class ValueInput(Input):
    """The new value; Esc leaves the old one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave it as it is", show=False, id="value.leave")
    ]

    class Left(Message):
        """Nothing is to be changed."""

    def action_leave(self) -> None:
        """Close the editor."""
        self.post_message(self.Left())


class ParametersPane(Pane):
    """The table, a line about the row under the cursor, and the editor in its place."""

    DEFAULT_CSS = """
    ParametersPane > Lines { height: 1; }
    ParametersPane > Horizontal { height: 1; display: none; }
    ParametersPane .ask { width: auto; color: $primary; text-style: bold; }
    ParametersPane ValueInput, ParametersPane ValueInput:focus {
        width: 1fr; background: $surface; background-tint: transparent;
    }
    ParametersPane.-editing > Horizontal { display: block; }
    ParametersPane.-editing > Lines { display: none; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", "Change it", show=False, priority=True, id="parameters.edit")
    ]

    slice: Slice = Slice(None, False)

    def compose(self) -> ComposeResult:
        self.name_it("Parameters")
        self.grid = DeskGrid(_COLUMNS, id="parameters", empty="no maker")
        self.note = _Note(self)
        self.ask = Static("", classes="ask")
        self.input = ValueInput(id="value", compact=True, max_length=40, select_on_focus=False)
        self.input.cursor_blink = False
        yield self.grid
        yield self.note
        yield Horizontal(self.ask, self.input)

    def see(self, look: Look) -> object:
        """Terms change only when somebody changes them."""
        maker = look.view.maker(look.market)
        return Slice(maker.terms if maker else None, look.can_command and not look.replay)

    def show(self, slice: Slice, /) -> None:
        """Draw a slice."""
        self.slice = slice
        self.name_it("Parameters", "Enter changes" if slice.can_command and slice.terms else "")
        self.grid.show_rows(parameter_rows(slice.terms) if slice.terms else [])
        self.note.draw()

    @property
    def chosen(self) -> str:
        """The parameter under the cursor."""
        return self.grid.cursor_key or ""

    # Editing

    @on(LineGrid.Selected)
    def _selected(self) -> None:
        self.note.draw()

    @on(LineGrid.Chosen)
    def _chosen(self, event: LineGrid.Chosen) -> None:
        event.stop()
        self.action_edit()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the editor Enter is the editor's."""
        return action != "edit" or not self.has_class("-editing")

    def action_edit(self) -> None:
        """Open the editor, unless this screen only looks; what is typed ahead goes there."""
        if self.slice.terms is None or not self.slice.can_command or self.chosen in SET_AT_START:
            return
        self.ask.update(Content(f"{self.chosen} = "))
        self.input.value = f"{self.slice.terms[self.chosen]:f}"
        self.add_class("-editing")
        self.screen.set_focus(self.input)
        self.input.select_all()

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        """Send what fits; say the limits when it does not, and let it be typed again."""
        event.stop()
        terms, name = self.slice.terms, self.chosen
        if terms is None:
            return
        try:
            value = parse_parameter(name, event.value.strip())
        except BadEntry as bad:
            self.post_message(Refused(bad))
            return
        self._close()
        if value != terms[name]:
            self.post_message(Changed(SetMaker(symbol=terms.symbol, parameter=name, value=value)))

    @on(ValueInput.Left)
    def _close(self) -> None:
        """Back to the table."""
        self.remove_class("-editing")
        self.screen.set_focus(self.grid)


def parameter_rows(terms: MakerTerms) -> list[Row]:
    """Those that the strategy reads; what differs from the default is bright."""
    names = [n for n in PARAMETERS if n not in NOT_LEVELS or terms.strategy != "levels"]
    return [_row(name, terms[name]) for name in names]


def _row(name: str, value: Decimal) -> Row:
    parameter = PARAMETERS[name]
    own = value != parameter.default
    return Row(
        name,
        (
            Span(name),
            Span(_short(value), Ink.STRONG if own else Ink.DIM),
            Span(parameter.unit, Ink.DIM),
            Span(_limits(name), Ink.DIM),
            Span(parameter.help, Ink.DIM),
        ),
    )


def _short(value: Decimal) -> str:
    """In full where that fits into its column, else to four digits."""
    text = f"{value:,f}"
    if len(text) <= 7:
        return text
    for power, unit in (*_UNITS, (3, "k")):
        if value >= 10**power:
            return f"{value / 10**power:.4g}{unit}"
    return f"{value:.3g}"


def _limits(name: str) -> str:
    parameter = PARAMETERS[name]
    return f"{_round(parameter.lowest)} to {_round(parameter.highest)}"


def _round(value: Decimal) -> str:
    """Large limits in M, G and T, since nobody reads twelve zeros."""
    for power, unit in _UNITS:
        if value and value % 10**power == 0:
            return f"{value / 10**power:f}{unit}"
    return f"{value:f}"


class _Note(Lines, can_focus=False):
    """What the parameter under the cursor is, where the table has no room for it."""

    def __init__(self, pane: ParametersPane) -> None:
        super().__init__(id="parameter-note")
        self._pane = pane

    def lines(self, width: int, height: int) -> Sequence[Line]:
        name = self._pane.chosen
        if not name:
            return ()
        parameter = PARAMETERS[name]
        where = "; set in the configuration" if name in SET_AT_START else ""
        limits = f"{_limits(name)} {parameter.unit}"
        full = (Span(f"{limits}: {parameter.help}{where}", Ink.DIM),)
        return [longest(width, full, (Span(f"{limits}", Ink.DIM),))]
