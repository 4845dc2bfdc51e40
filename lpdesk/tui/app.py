"""The app around the desk screen: theme, keys, terminal title, leaving.

    DeskApp(session).run()

The caller owns the session and the signals: SIGINT, SIGTERM and SIGHUP call `app.exit`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from rich.segment import Segments
from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.dom import DOMNode
from textual.screen import Screen

from lpdesk.domain.text import clean
from lpdesk.domain.values import SECOND
from lpdesk.session import Session
from lpdesk.tui.actions import always, check_keymap
from lpdesk.tui.frames import FrameApp
from lpdesk.tui.gates import NO_GATES, Gates
from lpdesk.tui.look import Look, time_left
from lpdesk.tui.palette import Palette
from lpdesk.tui.screens.desk import DeskScreen
from lpdesk.tui.sentences import desk_state
from lpdesk.tui.theme import desk_variables, load_themes, packaged_themes

DEFAULT_THEME = "harbour"


class DeskApp(FrameApp[None]):
    """The desk on a terminal.

    `themes_dir` holds the user's own theme files, `state_dir` what is copied. `restricted` is for
    forced commands: no file is written, no process stopped. `on_ready` is called once, after the
    first paint: that is when the caller starts network and sandbox. `keymap` maps action ids to
    keys; one that cannot be raises ValueError. `still` draws once and stays, for pictures.
    """

    TITLE = "lpdesk"
    BINDINGS: ClassVar[list[BindingType]] = [always("halt")]
    COMMANDS: ClassVar[set[Any]] = {Palette}
    ENABLE_COMMAND_PALETTE = True
    NOTIFICATION_TIMEOUT = 4

    def __init__(
        self,
        session: Session,
        *,
        theme: str = DEFAULT_THEME,
        themes_dir: Path | None = None,
        state_dir: Path | None = None,
        restricted: bool = False,
        on_ready: Callable[[], object] | None = None,
        keymap: Mapping[str, str] | None = None,
        bell: bool = False,
        still: bool = False,
    ) -> None:
        super().__init__()
        self.session = session
        self.restricted = restricted
        self.state_dir = None if restricted else state_dir
        self._worn = theme
        self._on_ready = on_ready
        self._named = ""
        self._stands = False
        self._early: list[events.Key] = []
        self.desk = DeskScreen(session, still=still, bell=bell)
        if still:
            self.animation_level = "none"
        folders = [packaged_themes(), *([themes_dir] if themes_dir else [])]
        themes, self.problems = load_themes(folders)
        self.own_themes = tuple(each.name for each in themes)
        for each in themes:
            self.register_theme(each)
        self.wear(theme)
        self.configure(keymap or {}, bell=bell)

    def wear(self, theme: str) -> None:
        """Change the theme; one that is not there is a problem to be told, and the default."""
        if theme not in self.available_themes:
            self.problems.append(f"there is no theme {theme}; wearing {DEFAULT_THEME}")
            theme = DEFAULT_THEME
        self.theme = theme

    def configure(self, keymap: Mapping[str, str], *, bell: bool, gates: Gates = NO_GATES) -> None:
        """The dealer's own keys and wishes. Raises ValueError for a keymap that cannot be."""
        check_keymap(keymap)
        self.own_keymap = dict(keymap)
        self.desk.bell_wanted = bell
        self.desk.gates = gates
        if self.own_keymap and self.is_running:
            self.set_keymap(self.own_keymap)

    problems: list[str]
    """What was wrong with the themes; the desk says the first."""

    def get_default_screen(self) -> Screen[Any]:
        """The desk."""
        return self.desk

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The desk's own colours, for themes that do not name them."""
        return desk_variables(self.current_theme)

    async def on_event(self, event: events.Event) -> None:
        """Keys typed before the desk stands wait for it, or half a line would be lost."""
        if not isinstance(event, events.Key):
            await super().on_event(event)
        elif self._stands:
            await self._let_in()
            await super().on_event(event)
        else:
            self._early.append(event)

    def stands(self) -> None:
        """The desk is built, and its line has the focus."""
        self._stands = True
        self.call_later(self._let_in)

    async def _let_in(self) -> None:
        early, self._early = self._early, []
        for key in early:
            await super().on_event(key)

    def on_mount(self) -> None:
        """Keys; then the caller's work."""
        if self.own_keymap:
            self.set_keymap(dict(self.own_keymap))
        self.call_after_refresh(self._tell_ready)

    def _tell_ready(self) -> None:
        if not gc.isenabled():  # see __main__
            gc.freeze()
            gc.enable()
        ready, self._on_ready = self._on_ready, None
        if ready is not None:
            ready()

    def mark(self) -> str:
        """The quote whose price stands on the card: what an accept is about."""
        return self.desk.rfq.rendered if self.desk.is_mounted else ""

    def has_seen(self, quote_id: str) -> bool:
        """Whether the terminal is known to show that quote's price, where it says such things."""
        return self.seen is None or self.seen == quote_id

    def changed(self) -> None:
        """There may be something new to show. The screen finds out by itself within 50 ms."""
        if self.is_running and self.desk.is_mounted:
            self.desk.changed()

    async def action_act(self, id: str) -> None:
        """A key that is meant for the desk, whatever covers it: that is closed first."""
        while self.screen is not self.desk:
            if isinstance(self.screen, CommandPalette):
                self.theme = self._worn
            self.screen.dismiss()
        await self.desk.action_act(id)

    # Leaving

    @work(exclusive=True, group="leave")
    async def _ask_and_leave(self, reasons: list[str]) -> None:
        from lpdesk.tui.screens.leave import LeavePage  # no first paint should wait for it

        if await self.push_screen_wait(LeavePage(reasons)):
            self.exit()

    async def action_quit(self) -> None:
        """Leave; first ask, if requests are live or outcomes unknown."""
        from lpdesk.tui.screens.leave import LeavePage, unfinished

        reasons = unfinished(self.session.view) if self.session.can_command else []
        if not reasons:
            self.exit()
        elif not isinstance(self.screen, LeavePage):
            self._ask_and_leave(reasons)

    def action_help_quit(self) -> None:
        """Ctrl+C copies, where something is selected; it never ends a desk."""
        self.desk.message.say("info", "^Q leaves")

    def _fatal_error(self) -> None:
        """As Textual does, but without local variables: they hold keys and secrets."""
        from rich.traceback import Traceback  # 10 ms that no first paint should wait for

        self.bell()
        trace = Traceback(show_locals=False, width=None)
        self._exit_renderables.append(Segments(self.console.render(trace, self.console.options)))
        self._close_messages_no_wait()

    # Around

    def show_help(self, about: Sequence[str] = (), title: str = "This pane") -> None:
        """F1; `?` and `why` put what is to be said of a pane or a price on top."""
        from lpdesk.tui.screens.help import HelpPage  # no first paint should wait for it

        look = self.desk.look()
        can_command, replay = look.can_command, look.replay
        page = HelpPage(can_command=can_command, replay=replay, about=about, title=title)
        self.push_screen(page)

    def show_lps(self) -> None:
        """F7."""
        from lpdesk.tui.screens.lps import LpsPage  # no first paint should wait for it

        def left(line: str | None) -> None:
            if line:
                self.desk.places.to_line()
                self.desk.line.input.value = line
                self.desk.line.input.cursor_position = len(line)

        self.push_screen(LpsPage(), left)

    # Themes: the one under the cursor of the palette is worn while it is there

    def choose_theme(self) -> None:
        """A list of our themes."""
        names = [(f"theme {name}", partial(self.keep_theme, name)) for name in self.own_themes]
        self.search_commands([(name, keep) for name, keep in names], "Colours")

    def keep_theme(self, name: str) -> None:
        """Wear it from now on."""
        self.theme = self._worn = name

    @on(CommandPalette.Opened)
    def _palette_opened(self) -> None:
        self._worn = self.theme

    @on(CommandPalette.OptionHighlighted)
    def _preview(self, event: CommandPalette.OptionHighlighted) -> None:
        hit = getattr(event.highlighted_event.option, "hit", None)
        word, _, name = (hit.text or "" if hit is not None else "").partition(" ")
        self.theme = name if word == "theme" and name in self.available_themes else self._worn

    @on(CommandPalette.Closed)
    def _palette_closed(self, event: CommandPalette.Closed) -> None:
        if not event.option_selected:
            self.theme = self._worn

    # What a forced command must not offer

    def action_suspend_process(self) -> None:
        """Ctrl+Z would leave the dealer in whatever started the desk."""
        if not self.restricted:
            super().action_suspend_process()

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Pictures are made by `lpdesk picture`, never through a terminal."""

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        """Two actions on one key: say which, since one of them is gone."""
        ids = ", ".join(sorted(binding.id or binding.action for binding in clashed_bindings))
        self.desk.message.say("warn", f"these share a key: {ids}", "keymap")

    def name_terminal(self, look: Look) -> None:
        """The window's title: environment, state, and the time left of the RFQ in focus."""
        if self._driver is None or self.is_headless:
            return
        card = look.card
        parts = ["lpdesk", look.label, desk_state(look)[0]]
        if card is not None and card.live:
            parts.append(f"{card.rfq_id} {time_left(card, look.now) // SECOND} s")
        name = clean(" ".join(parts), 80)
        if name != self._named:
            self._named = name
            self._driver.write(f"\x1b]0;{name}\x07")
