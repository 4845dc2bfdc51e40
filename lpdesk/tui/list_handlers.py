"""What is done about the rows of a list: asked about, marked, gathered, ordered, written out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpdesk.domain import commands as cmd
from lpdesk.domain.money_entry import full_id
from lpdesk.domain.record import Command
from lpdesk.tui.chat import keep, tell
from lpdesk.tui.panels.listing import ListPane
from lpdesk.tui.questions import CommandQuestion, cannot_gather, needs_yes

if TYPE_CHECKING:
    from lpdesk.tui.screens.desk import DeskScreen


class ListHandlers:
    """One method an action, as in `Handlers`."""

    def __init__(self, desk: DeskScreen) -> None:
        self._desk = desk

    # Words that are commands

    def do_word(self, words: list[str]) -> None:
        """A line that is an order, moves money, settles, or is about a break or a webhook."""
        command = self._desk.dealer.command(" ".join(words), self._desk.look().view.settings)
        if command is not None:
            self._send(command)

    def _send(self, command: Command) -> None:
        """At once, or after a `yes` to its numbers; the desk itself says why it will not do it."""
        question = CommandQuestion(command)
        if needs_yes(command) and question.asking(self._desk.look()) is not None:
            self._desk.message.ask(question)
            self._desk.places.to_line()
        else:
            self._desk.dealer.submit(command)

    # What the cursor is on

    def do_row(self, words: list[str]) -> None:
        """A line about what the cursor is on, as if typed: `S-|settle {}` is for settlements.

        One that ends with a blank is begun, for the dealer to end.
        """
        kind, _, line = words[0].partition("|")
        line = line.format(self._desk.look().on(kind))
        if not line.endswith(" "):
            self.do_word(line.split())
            return
        self._desk.message.read()
        self._desk.places.to_line()
        self._desk.line.input.value = line
        self._desk.line.input.cursor_position = len(line)

    def do_mark(self, words: list[str]) -> None:
        """The trade under the cursor, and on to the next; or those that are named."""
        look, page, pane = self._desk.look(), self._desk.pages.standing, self._list
        if page is None:
            return
        for name in map(full_id, words or [look.on("T-")]):
            row = look.view.trade(name)
            why = cannot_gather(row) if row else f"{name} is not known here"
            if why:
                self._warn(why)
                return
            page.mark(name)
        if not words and pane is not None:
            pane.grid.action_move(1)

    def do_gather(self, words: list[str]) -> None:
        """The marked trades in a settlement."""
        self._send(cmd.CreateSettlement(trades=self._desk.look().marked))

    # What a list shows

    @property
    def _list(self) -> ListPane[Any] | None:
        """The list of the page that had the keys last."""
        page = self._desk.pages.standing
        return page.list_pane if page is not None else None

    def do_states(self, words: list[str]) -> None:
        """The next set of states, or the one that is named."""
        pane = self._list
        if pane is None:
            return
        states = list(pane.FILTERS)
        if not words:
            pane.show_states(states[(states.index(pane.states) + 1) % len(states)])
        elif words[0].lower() in states:
            pane.show_states(words[0].lower())
        else:
            self._warn(f"there are {', '.join(states)}", "states", f"states {states[-1]}")

    def do_sort(self, words: list[str]) -> None:
        """The list by a column."""
        pane = self._list or self._desk.blotter
        if len(words) != 1 or not pane.sort(words[0].lower()):
            example = f"sort {next(iter(pane.SORTS))}"
            self._warn(f"by {', '.join(pane.SORTS)}", "sort", example)

    def do_export(self, words: list[str]) -> None:
        """What the list has on show, in its order."""
        from lpdesk.tui.export import write

        folder, pane = self._desk.desk_app.state_dir, self._list
        rows = pane.shown_rows if pane is not None else []
        if folder is None:
            self._warn("this screen writes no files")
        elif pane is None or not rows:
            self._warn(f"no {pane.ONE if pane else 'row'} is on show")
        else:
            try:
                paths = write(pane.NAME.lower(), rows, folder, self._desk.session.now())
            except OSError as error:
                self._desk.message.say("bad", f"not written: {error.strerror}")
            else:
                names = " and ".join(path.name for path in paths)
                self._desk.message.say("good", f"{pane.counted(len(rows))} in {names}, in {folder}")

    # Copies

    def do_copy(self, words: list[str]) -> None:
        """What a list has on show, or the client's price; from then on the client's time runs."""
        pane = self._list
        if pane is not None:
            self._copy_rows(pane)
            return
        told = tell(self._desk.look())
        if told is None:
            self._warn("no price")
            return
        self._desk.promise(told)
        self._copy(told.text, told.text)

    def _copy_rows(self, pane: ListPane[Any]) -> None:
        """In columns that a spreadsheet takes when it is pasted."""
        from lpdesk.tui.export import csv_text

        rows = pane.shown_rows
        if not rows:
            self._warn(f"no {pane.ONE} is on show")
            return
        self._copy(csv_text(rows, "\t"), pane.counted(len(rows)))

    def _copy(self, text: str, said: str) -> None:
        """To the clipboard, by OSC 52, and to a file, since terminals may drop the first."""
        self._desk.app.copy_to_clipboard(text)
        folder = self._desk.desk_app.state_dir
        kept = ""
        if folder is not None:
            try:
                kept = f", and in {keep(text.rstrip() + chr(10), folder)}"
            except OSError as error:
                kept = f"; no file: {error.strerror}"
        self._desk.message.say("info", f"copied{kept}: {said}")

    def _warn(self, text: str, field: str = "", example: str = "") -> None:
        self._desk.message.say("warn", text, field, example)
