"""The command line: one row to type on, and one above it that answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from lpdesk.domain.entry import MAX_LINE
from lpdesk.domain.text import clean
from lpdesk.domain.values import SECOND
from lpdesk.tui.complete import grammar
from lpdesk.tui.gates import Question
from lpdesk.tui.look import Look
from lpdesk.tui.questions import Asking, CommandQuestion
from lpdesk.tui.widgets.columns import fit
from lpdesk.tui.widgets.lines import LEVELS, SIGNS, Ink, Line, Lines, Span, size, spread
from lpdesk.views import Notice, words

KEPT_LINES: Final = 200
CALM_NS: Final = 10 * SECOND
"""How long a notice that needs nobody stays."""


class CommandInput(Input):
    """The typed line, with a history and no blinking."""

    BINDING_GROUP_TITLE = "Command line"
    BINDINGS: ClassVar[list[BindingType]] = [
        # Enter, pressed before the terminal is ours: it makes a line feed of it until then.
        Binding("ctrl+j", "submit", "Enter", show=False, id="line.enter")
    ]

    class Entered(Message):
        """A line was finished with Enter."""

        def __init__(self, line: str) -> None:
            self.line = line
            super().__init__()

    class Refused(Message):
        """A paste that is more than a line."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    def __init__(self) -> None:
        super().__init__(id="line", compact=True, max_length=MAX_LINE, select_on_focus=False)
        self.cursor_blink = False
        self._history: deque[str] = deque(maxlen=KEPT_LINES)
        self._back = 0  # how many lines back; 0 is the line being typed
        self._typed = ""

    def key_up(self) -> None:
        """The line before."""
        self._recall(self._back + 1)

    def key_down(self) -> None:
        """The line after; past the last, what was being typed."""
        self._recall(self._back - 1)

    def _recall(self, back: int) -> None:
        if not 0 <= back <= len(self._history):
            return
        if self._back == 0:
            self._typed = self.value
        self._back = back
        self.value = self._history[-back] if back else self._typed
        self.cursor_position = len(self.value)

    async def _on_key(self, event: events.Key) -> None:
        """Editing keys act here, in the line's own queue.

        As bindings they would run only when the key has come by the app and back, and the letters
        typed behind them would be in the line before: `b 10`, Backspace, ` btc` must be `b 1 btc`.
        """
        binding = next(iter(self._bindings.key_to_bindings.get(event.key, ())), None)
        ours = hasattr(self, f"key_{event.key}")  # up and down, which else would scroll
        if binding is not None and not event.is_printable and not ours:
            event.stop()
            event.prevent_default()
            await self.run_action(binding.action)

    async def action_submit(self) -> None:
        """Hand the line over, and start a new one."""
        line = self.value.strip().removeprefix(":").lstrip()  # pressed although already here
        self._back, self._typed = 0, ""
        self.value = ""
        if line:
            if not self._history or self._history[-1] != line:
                self._history.append(line)
            self.post_message(self.Entered(line))

    def _on_paste(self, event: events.Paste) -> None:
        """One line is typed in; more are refused whole, since each would be an order."""
        event.stop()
        event.prevent_default()
        lines = [line for line in event.text[: 100 * MAX_LINE].splitlines() if line.strip()]
        if len(lines) > 1:
            self.post_message(self.Refused(f"{len(lines)} lines pasted: paste one at a time"))
        elif lines:
            self.replace(clean(lines[0].strip(), MAX_LINE), *self.selection)


class CommandLine(Horizontal):
    """The prompt, the line, and at the right how it goes on, while there is room."""

    DEFAULT_CSS = """
    CommandLine { height: 1; background: $surface; }
    CommandLine > .prompt { width: 3; color: $primary; text-style: bold; }
    CommandLine > CommandInput, CommandLine > CommandInput:focus {
        width: 1fr; background: $surface; background-tint: transparent;
    }
    CommandLine > .grammar { width: auto; color: $desk-dim; padding: 0 1; }
    CommandLine.-narrow > .grammar { display: none; }
    CommandInput:nocolor {
        & > .input--cursor { text-style: reverse; }
        & > .input--placeholder, & > .input--suggestion { text-style: dim; }
        & > .input--selection { text-style: reverse; }
    }
    """

    _hinted = grammar("")

    def compose(self) -> ComposeResult:
        self.input = CommandInput()
        yield Static(Content(" > "), classes="prompt")
        yield self.input
        self.hint = Static(Content(grammar("")), classes="grammar")
        yield self.hint

    def on_input_changed(self, event: Input.Changed) -> None:
        """Orders and words go on otherwise than requests."""
        text = grammar(event.value)
        if text != self._hinted:
            self._hinted = text
            self.hint.update(Content(text))

    def on_resize(self, event: events.Resize) -> None:
        """The line itself comes first."""
        self.set_class(event.size.width < 100, "-narrow")


class Said(NamedTuple):
    """An answer on the message line: what it is about, the sentence, a good example."""

    level: str
    text: str
    field: str = ""
    example: str = ""
    seq: int = 0
    """The newest notice there was when it was said."""


class _Slice(NamedTuple):
    said: Said | None
    notice: Notice | None
    asked: Asking | None = None

    @property
    def below(self) -> int:
        """Lines below the one."""
        return len(self.asked.facts) if self.asked else 0


class MessageLine(Lines, can_focus=False):
    """What the desk answers to the last line, or else its newest notice.

    One line; what is asked back before money moves has its numbers below it.
    """

    DEFAULT_CSS = "MessageLine { height: 1; }"

    _said: Said | None = None
    _question: Question | CommandQuestion | None = None
    _read = 0
    _slice = _Slice(None, None)
    _newest = 0

    def say(self, level: str, text: str, field: str = "", example: str = "") -> None:
        """Show an answer: mistakes until the next line or Esc, others until there is news."""
        self._question = None
        self._said = Said(level, text, field, example, self._newest)
        self.show(_Slice(self._said, None))

    def read(self) -> None:
        """The dealer has read what is there."""
        self._said = self._question = None
        self._read = self._newest
        self.show(_Slice(None, None))

    def ask(self, question: Question | CommandQuestion) -> None:
        """Ask back before a deal or a payment, until an answer, Esc or a change of the quote."""
        self._question = question

    @property
    def question(self) -> Question | CommandQuestion | None:
        """What is asked, so that `yes` can mean it."""
        return self._question

    @property
    def mistake(self) -> bool:
        """Whether a mistake of the last line is shown."""
        return self._said is not None and self._said.level in ("warn", "bad")

    def see(self, look: Look) -> object:
        """Answers to the dealer first; bad news until it is read, other news for ten seconds."""
        newest = look.view.notices[0] if look.view.notices else None
        self._newest = newest.seq if newest else 0
        if isinstance(self._question, CommandQuestion):
            asked = self._question.asking(look)
            if asked is not None:
                return _Slice(Said("bad", asked.title, example="yes"), None, asked)
            self.say("warn", "things have changed since it was asked: look, then ask again")
        if isinstance(self._question, Question):
            return _Slice(Said("bad", self._question.text(look), example="yes"), None)
        if self._said is not None and (self.mistake or self._newest <= self._said.seq):
            return _Slice(self._said, None)
        return _Slice(None, self._news(look))

    def _news(self, look: Look) -> Notice | None:
        """The newest that is fresh; or bad news, unless what came of it has been told since."""
        told: set[str] = set()
        for notice in look.view.notices[:20]:
            if notice.seq <= self._read:
                return None
            about = notice.text.partition(" ")[0]  # T-000001, B-000001, HALTED, an LP, …
            if look.now - notice.at < CALM_NS or (notice.level == "bad" and about not in told):
                return notice
            told.add(about)
        return None

    def show(self, slice: _Slice, /) -> None:
        """Draw a slice, in as many lines as it takes."""
        below, before = (
            len(each.asked.facts) if each.asked else 0 for each in (slice, self._slice)
        )
        if below != before:
            self.styles.height = 1 + below
        self._slice = slice
        self.draw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The one line, and what there is to know below it."""
        said, notice, asked = self._slice
        if said is not None:
            facts = asked.fitting(width - 3) if asked is not None else ()
            below = ((Span("   "), *fact) for fact in facts)
            return [_answer(said, width, cut=asked is not None), *below]
        if notice is not None:
            ink = LEVELS.get(notice.level, Ink.DIM)
            loud = ink if notice.level == "bad" else ""  # else the sign says enough
            left = (Span(f" {SIGNS.get(notice.level, ' ')} ", ink), Span(notice.text, loud))
            number = Span(f"#{notice.seq}  {words.time_of_day(notice.at)} ", Ink.DIM)
            return [spread(left, (number,), width)]
        return ()


def _answer(said: Said, width: int, *, cut: bool) -> Line:
    ink = LEVELS.get(said.level, Ink.DIM)
    field = f"{said.field}: " if said.field else ""
    left: Line = (Span(f" {SIGNS.get(said.level, ' ')} {field}", ink), Span(said.text))
    lead = "type: " if said.example == "yes" else "for example: "
    good = (Span(lead, Ink.DIM), Span(f"{said.example} ")) if said.example else ()
    if cut:
        left = fit(left, max(0, width - size(good) - 1), "left", 0)
    return spread(left, good, width) if good else left
