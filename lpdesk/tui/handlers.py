"""What each action does: one method an action, called with the words that follow it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.entry import BadEntry, find_pair
from lpdesk.domain.money_entry import full_id
from lpdesk.domain.text import clean
from lpdesk.tui.actions import Action
from lpdesk.tui.derivation import derivation
from lpdesk.tui.gates import Question
from lpdesk.tui.list_handlers import ListHandlers
from lpdesk.tui.look import next_focus
from lpdesk.tui.places import LETTERS
from lpdesk.tui.questions import CommandQuestion
from lpdesk.tui.transport import next_speed, seek

if TYPE_CHECKING:
    pass


class Handlers(ListHandlers):
    """The hands of the desk screen."""

    def run(self, action: Action, words: list[str]) -> None:
        """Do it. An action's own `args` come first."""
        handler: Callable[[list[str]], None] = getattr(self, f"do_{action.handler}")
        handler([*filter(None, [action.args]), *words])

    # Requests

    def do_accept(self, words: list[str]) -> None:
        """Deal at the price that is drawn, which is not always the newest."""
        quote = self._desk.rfq.on_screen
        if self._desk.behind:
            self._warn("the terminal is behind and may show an old price: press again")
        elif quote is None:
            self._warn("no price on the screen")
        elif not self._desk.desk_app.has_seen(quote.quote_id):
            self._warn("your terminal has not shown this price yet: press again when it has")
        elif self._desk.dealer.asking or quote.rfq_id != self._desk.look().focus:
            self._warn("your newest request is not on the screen yet: press again when it is")
        elif not self._asked_back(quote, words == ["crossed"]):
            self._desk.dealer.accept(quote, crossed_ok=words == ["crossed"])

    def _asked_back(self, quote: ev.QuoteLocked, crossed_ok: bool) -> bool:
        """Whether a gate wants a word first; then it is asked for."""
        look = self._desk.look()
        card = look.view.card(quote.rfq_id)
        if card is None or self._desk.dealer.is_done(quote):
            return False
        reasons = self._desk.gates.reasons(look, card, quote)
        if reasons:
            at = card.locked_at or look.now
            self._desk.message.ask(Question(card, quote, at, tuple(reasons), crossed_ok))
        return bool(reasons)

    def do_confirm(self, words: list[str]) -> None:
        """Deal on the quote that was asked about, if it is still the one on the screen."""
        question, drawn = self._desk.message.question, self._desk.rfq.on_screen
        self._desk.message.read()
        if isinstance(question, CommandQuestion):
            self._desk.dealer.submit(question.command)
            return
        if question is None:
            return
        if drawn is None or drawn.quote_id != question.quote.quote_id:
            self._warn("quote changed: look, then accept again")
        elif self._desk.behind:
            self._warn("the terminal is behind and may show an old price: accept again")
        else:
            self._desk.dealer.accept(drawn, question.crossed_ok)

    def do_cancel(self, words: list[str]) -> None:
        """The RFQ that is named, or the one in focus."""
        rfq_id = words[0].upper() if words else self._desk.look().focus
        self._desk.dealer.submit(cmd.CancelRfq(rfq_id=clean(rfq_id, 40)))

    def do_next(self, words: list[str]) -> None:
        """Another live RFQ."""
        look = self._desk.look()
        self._desk.focus_rfq(next_focus(look.view, look.focus, int(words[0])))

    def do_auto(self, words: list[str]) -> None:
        """Auto-refresh of the RFQ in focus."""
        if words not in (["on"], ["off"]):
            self._warn("say on or off", "auto", "auto on")
            return
        rfq_id = self._desk.look().focus
        self._desk.dealer.submit(cmd.SetAutoRefresh(rfq_id=rfq_id, on=words == ["on"]))

    # Pages

    def do_maker(self, words: list[str]) -> None:
        """The maker's page, of the pair that is named, or back from it."""
        if self._choose(words):
            self._turn("maker", back=not words)

    def do_page(self, words: list[str]) -> None:
        """A page, with the cursor on what is named, or back from it."""
        row = full_id(words[1]) if len(words) > 1 else ""
        self._turn(words[0], row, back=not row)

    def _turn(self, name: str, row: str = "", *, back: bool) -> None:
        pages = self._desk.pages
        if pages.name == name and back:
            self._desk.places.leave_page()
        else:
            pages.open(name, row)

    def _choose(self, words: list[str]) -> bool:
        """Look at the maker of the pair that is named; without a name all stays."""
        try:
            if words:
                pairs = self._desk.look().view.settings.pairs
                self._desk.pages.choose(find_pair(words[0], pairs).symbol)
        except BadEntry as bad:
            self._warn(bad.text, bad.field, "maker eth/usdt")
            return False
        return True

    # The desk

    def do_halt(self, words: list[str]) -> None:
        """At once, without asking: it is the safe side."""
        self._desk.dealer.submit(cmd.Halt(why=clean(" ".join(words), 80)))

    def do_resume(self, words: list[str]) -> None:
        """End the halt."""
        self._desk.dealer.submit(cmd.Resume())

    def do_unblock(self, words: list[str]) -> None:
        """One LP, by name."""
        if len(words) != 1:
            blocked = [lp.name for lp in self._desk.look().view.status.lps if lp.state == "blocked"]
            self._warn("name the LP", "unblock", f"unblock {blocked[0]}")
            return
        self._desk.dealer.submit(cmd.UnblockLp(lp=clean(words[0].lower(), 40)))

    # The screen

    def do_pane(self, words: list[str]) -> None:
        """Keys go to that pane."""
        if self._choose(words[1:]):
            self._desk.places.enter(words[0])

    def do_line(self, words: list[str]) -> None:
        """Keys go to the command line."""
        self._desk.places.to_line()

    def do_back(self, words: list[str]) -> None:
        """From zoom to the panes, from a pane to the line, from a message to none."""
        self._desk.places.back()

    def do_zoom(self, words: list[str]) -> None:
        """In and out."""
        name = words[0].lower() if words else ""
        if name and name not in LETTERS.values():
            self._warn(f"there are {', '.join(LETTERS.values())}", "zoom", "zoom settlement")
        else:
            self._desk.places.zoom(name)

    def do_filter(self, words: list[str]) -> None:
        """What is typed next narrows a list."""
        self._desk.places.start_finding()

    def do_jump(self, words: list[str]) -> None:
        """Letters on the panes."""
        self._desk.places.start_jump()

    def do_redraw(self, words: list[str]) -> None:
        """The whole picture again."""
        self._desk.desk_app.redraw()

    def do_about(self, words: list[str]) -> None:
        """Help for the pane with the keys."""
        pane = self._desk.places.pane_with_keys
        self._desk.desk_app.show_help(pane.ABOUT if pane else ())

    def do_why(self, words: list[str]) -> None:
        """The rules behind the price in focus."""
        self._desk.desk_app.show_help(derivation(self._desk.look()), "This price")

    def do_lp_table(self, words: list[str]) -> None:
        """The LPs' own page."""
        self._desk.desk_app.show_lps()

    def do_theme(self, words: list[str]) -> None:
        """Wear it, or choose among all with a preview."""
        app = self._desk.desk_app
        if len(words) == 1 and words[0].lower() in app.available_themes:
            app.theme = words[0].lower()
        elif not words:
            app.choose_theme()
        else:
            self._warn(f"there are {', '.join(app.own_themes)}", "theme", "theme linen")

    def do_palette(self, words: list[str]) -> None:
        """Every action by name."""
        self._desk.app.action_command_palette()

    def do_help(self, words: list[str]) -> None:
        """The help page."""
        self._desk.desk_app.show_help()

    def do_quit(self, words: list[str]) -> None:
        """Ask if needed, then leave."""
        self._desk.app.call_later(self._desk.desk_app.action_quit)

    # The replay

    def do_play(self, words: list[str]) -> None:
        """Play or pause."""
        if self._desk.transport:
            self._desk.transport.toggle_play()

    def do_step(self, words: list[str]) -> None:
        """`step 10`: the key's own direction, as often as said."""
        count = int(words[1]) if len(words) > 1 and words[1].isascii() and words[1].isdigit() else 1
        if self._desk.transport:
            self._desk.transport.step(int(words[0]) * min(count, 1_000_000))

    def do_marker(self, words: list[str]) -> None:
        """To the next thing worth seeing."""
        tape = self._desk.transport
        if tape and not tape.seek_marker(int(words[0])):
            self._warn("there is no further marker this way")

    def do_speed(self, words: list[str]) -> None:
        """The next speed, or the one that is said, 0.1 to 1,000 times."""
        tape = self._desk.transport
        if tape is None:
            return
        try:
            speed = float(words[0]) if words else next_speed(tape.speed)
        except ValueError:
            speed = 0
        if 0.1 <= speed <= 1000:
            tape.set_speed(speed)
        else:
            self._warn("0.1 to 1000 times", "speed", "speed 10")

    def do_go(self, words: list[str]) -> None:
        """To a record or a time."""
        tape = self._desk.transport
        if tape and not (len(words) == 1 and seek(tape, self._desk.session.view, words[0])):
            self._warn("a record's number or a time", "go", "go 14:30:25")
