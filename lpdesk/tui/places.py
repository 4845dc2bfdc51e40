"""Where things are on the desk: which pane is shown, which has the keys, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lpdesk.tui.panels.pane import Pane

if TYPE_CHECKING:
    from textual.widget import Widget

    from lpdesk.tui.screens.desk import DeskScreen

TABS: Final = {"race": "Race", "settlement": "Settlement", "ladder": "Ladder", "lps": "LPs"}
LAYOUTS: Final = {
    "-broad": (),
    "-wide": ("ladder", "lps"),
    "-compact": ("settlement", "ladder", "lps"),
    "-narrow": ("race", "settlement", "ladder", "lps"),
    "-tiny": (),
}
"""The layouts, and which panes take turns in one place."""

LETTERS: Final = {"a": "rfq", "s": "race", "d": "ladder", "f": "lps", "g": "settlement"}
"""Jump mode: the home row, in the order of the panes."""


def layout_for(width: int, height: int) -> str:
    """Which layout a terminal of that size gets."""
    if width < 60 or height < 20:
        return "-tiny"
    if width < 78:
        return "-narrow"
    if width >= 150 and height >= 44:
        return "-broad"
    return "-wide" if width >= 120 and height >= 36 else "-compact"


class Places:
    """Moving around on the desk screen. Nothing here touches a trade."""

    def __init__(self, desk: DeskScreen) -> None:
        self._desk = desk
        self._tab = ""
        self._finding: Pane | None = None  # whose list is being narrowed on the command line
        self.jumping = False

    def pane(self, name: str) -> Pane:
        """A pane by the name of what it shows."""
        desk = self._desk
        panes: dict[str, Pane] = {
            "rfq": desk.rfq,
            "race": desk.race,
            "ladder": desk.ladder,
            "settlement": desk.blotter,
            "lps": desk.lps,
        }
        return panes[name]

    @property
    def pane_with_keys(self) -> Pane | None:
        """The pane that the keys go to, of the desk or of a page."""
        focused = self._desk.focused
        above = focused.ancestors_with_self if focused is not None else ()
        return next((each for each in above if isinstance(each, Pane)), None)

    @property
    def with_keys(self) -> str:
        """The name of the desk's pane that the keys go to, or empty."""
        pane = self.pane_with_keys
        return next((name for name in LETTERS.values() if self.pane(name) is pane), "")

    def lay_out(self, width: int, height: int) -> None:
        """Every change of a class styles the whole screen anew, so only what differs."""
        chosen = layout_for(width, height)
        self._desk.set_class(height >= 64, "-vast")
        if not self._desk.has_class(chosen):
            self._desk.remove_class(*LAYOUTS)
            self._desk.add_class(chosen)
            self._behind_tabs()

    def _behind_tabs(self) -> None:
        """In the smaller layouts some panes share a place, and their titles say so."""
        desk = self._desk
        shared = next((keys for name, keys in LAYOUTS.items() if desk.has_class(name)), ())
        front = self._tab if self._tab in shared else next(iter(shared), "")
        tabs = tuple((TABS[key], key == front) for key in shared)
        for key in TABS:
            pane = self.pane(key)
            pane.set_class(key in shared and key != front, "-behind")
            pane.show_tabs(tabs if key in shared else ())

    def enter(self, name: str) -> None:
        """Keys go to a pane, which comes to the front."""
        self._desk.pages.close()
        if name in TABS:
            self._tab = name
            self._behind_tabs()
        pane = self.pane(name)
        if pane.display:
            self._focus_now(pane.query_one(f"#{name}"))

    def to_line(self) -> None:
        """Keys go to the command line."""
        self._desk.remove_class("-reading")
        self._focus_now(self._desk.line.input)

    def back(self) -> None:
        """One level back; a trade is never touched."""
        desk = self._desk
        pane = self.pane_with_keys
        if self.jumping:
            self.jump(None)
        elif desk.maximized is not None:
            desk.minimize()
        elif self._finding:
            self.find("")
            self.found()
        elif pane is not None and pane.wanted:
            pane.narrow("")
        elif desk.pages.page is not None and desk.at_line:
            if desk.message.question is not None:
                desk.message.read()
            if desk.pages.standing is not None:  # else it takes the keys when it stands
                desk.pages.standing.enter()
        elif desk.pages.page is not None:
            if not desk.pages.page.back():
                self.leave_page()
        elif desk.transport is not None:
            self._rest()
        elif not desk.at_line:
            self.to_line()
        else:
            desk.message.read()

    def leave_page(self) -> None:
        """From a page to the desk's own panes."""
        self._desk.pages.close()
        self._rest()

    def _rest(self) -> None:
        """Where the keys are when they are nowhere else."""
        if self._desk.transport is not None:
            self._desk.add_class("-reading")
            self._focus_now(self._desk.rfq.card)
        else:
            self.to_line()

    def zoom(self, name: str = "") -> None:
        """The pane with the keys, or the one named, fills the screen; and back."""
        desk = self._desk
        if desk.maximized is not None and not name:
            desk.minimize()
        elif not name and desk.pages.page is not None:
            desk.maximize(self.pane_with_keys or desk.pages.page.panes[0])
        else:
            name = name or self.with_keys or "rfq"
            self.enter(name)
            desk.maximize(self.pane(name))

    def _focus_now(self, widget: Widget) -> None:
        """At once, so that keys typed ahead go there and nowhere else."""
        self._desk.set_focus(widget)

    # Narrowing a list

    def start_finding(self) -> None:
        """`/`: what is typed next narrows the list that has the keys, or else the main one."""
        page, pane = self._desk.pages.page, self.pane_with_keys
        main = page.panes[0] if page is not None else self._desk.blotter
        self._finding = pane if pane is not None and pane.grid_or_none else main
        line = self._desk.line.input
        line.value = "/"
        line.cursor_position = 1
        self.to_line()

    def find(self, text: str) -> None:
        """Narrow that list to rows with this text."""
        (self._finding or self._desk.blotter).narrow(text)

    @property
    def finding(self) -> bool:
        """A list is being narrowed."""
        return self._finding is not None

    def found(self) -> None:
        """Keys go back to the list; it stays as narrow as it is."""
        pane, self._finding = self._finding, None
        self._desk.line.input.value = ""
        if pane is not None and pane.is_attached:
            name = next((name for name in LETTERS.values() if self.pane(name) is pane), "")
            if name:
                self.enter(name)
            elif pane.grid_or_none is not None:
                self._focus_now(pane.grid_or_none)

    # Jumping

    def start_jump(self) -> None:
        """Every pane names a letter; the next key goes to the screen itself."""
        self.jumping = True
        for letter, name in LETTERS.items():
            self.pane(name).show_letter(letter)
        self._desk.set_focus(None)

    def jump(self, letter: str | None) -> None:
        """Where the letter says; any other key goes back to the line."""
        self.jumping = False
        for name in LETTERS.values():
            self.pane(name).show_letter("")
        if letter in LETTERS:
            self.enter(LETTERS[letter])
        if self._desk.focused is None:
            self.to_line()
