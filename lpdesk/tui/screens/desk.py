"""The desk: five panes, a line to answer on, a line to type on, and what works now.

Views come down: every pane is pulled at its own pace and sees one `Look`. Keys and words come up:
each is an action of the one table.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import Input

from lpdesk.domain.text import clean
from lpdesk.session import Session
from lpdesk.tui import actions
from lpdesk.tui.chat import KEPT, Told
from lpdesk.tui.complete import Completer
from lpdesk.tui.dealer import Dealer
from lpdesk.tui.driver import LossyDriver
from lpdesk.tui.gates import NO_GATES
from lpdesk.tui.handlers import Handlers
from lpdesk.tui.look import Look, first_focus, is_short, market_of
from lpdesk.tui.pacing import Pacer
from lpdesk.tui.panels.blotter import BlotterPane
from lpdesk.tui.panels.command import CommandInput, CommandLine, MessageLine
from lpdesk.tui.panels.footer import Footer
from lpdesk.tui.panels.ladder import LadderPane, OtherPair
from lpdesk.tui.panels.leaderboard import RacePane
from lpdesk.tui.panels.lps import LpsPane
from lpdesk.tui.panels.pane import Pane
from lpdesk.tui.panels.reel import Reel
from lpdesk.tui.panels.rfq import RfqPane
from lpdesk.tui.panels.status import StatusBar
from lpdesk.tui.places import TABS, Places
from lpdesk.tui.screens.page import Page
from lpdesk.tui.screens.pages import Pages
from lpdesk.tui.transport import transport_of
from lpdesk.tui.widgets.lines import DeskGrid, InkScreen

if TYPE_CHECKING:
    from lpdesk.tui.app import DeskApp

BEAT_SECONDS: Final = 1 / 20
"""How often the screen asks whether there is anything new; asking costs next to nothing."""


class _Shown(Protocol):
    def see(self, look: Look) -> object: ...

    def show(self, slice: Any, /) -> None: ...


class DeskScreen(InkScreen[None]):
    """The one screen of the desk, live or replayed."""

    BINDINGS: ClassVar[list[BindingType]] = [*actions.bindings()]
    AUTO_FOCUS = None

    DEFAULT_CSS = """
    DeskScreen { layout: vertical; background: $background; }
    #panes { layout: grid; height: 1fr; }
    DeskScreen.-wide #panes, DeskScreen.-broad #panes {
        grid-size: 12; grid-columns: 1fr; grid-rows: 17 1fr;
        RfqPane { column-span: 5; }
        RacePane { column-span: 4; }
        LadderPane, LpsPane { column-span: 3; }
        BlotterPane { column-span: 12; }
    }
    DeskScreen.-broad #panes { grid-rows: 22 1fr; BlotterPane { column-span: 9; } }
    DeskScreen.-broad.-vast #panes { grid-rows: 30 1fr; }
    DeskScreen.-compact #panes {
        grid-size: 2; grid-columns: 1fr 39; grid-rows: 10 1fr;
        Pane { padding: 0; }
        RfqPane { padding: 0 1; }
        LadderPane, LpsPane, BlotterPane { column-span: 2; }
    }
    DeskScreen.-narrow #panes {
        grid-size: 1; grid-rows: 10 1fr;
        Pane { padding: 0; }
        RfqPane { padding: 0 1; }
    }
    DeskScreen .-behind { display: none; }
    DeskScreen.-tiny #panes {
        layout: vertical;
        Pane { display: none; }
        RfqPane { display: block; border: none; }
    }
    DeskScreen.-reading CommandLine { display: none; }
    DeskScreen.-page #panes { display: none; }
    """

    def __init__(self, session: Session, *, still: bool = False, bell: bool = False) -> None:
        super().__init__()
        self.session = session
        self.transport = transport_of(session)
        self.dealer = Dealer(session, self._say, self._later, self.focus_rfq)
        self.handlers = Handlers(self)
        self.places = Places(self)
        self.pacer = Pacer()
        self.gates = NO_GATES
        self._still = still
        self.bell_wanted = bell
        self._belled = ""
        self._focus = ""
        self._told: dict[str, Told] = {}
        self.pages = Pages(self)
        self._shown: list[_Shown] = []
        self._seen: tuple[object, int] = (None, 0)
        self._beat_at: float | None = None
        self._worst_lag = 0.0

    @property
    def desk_app(self) -> DeskApp:
        """The app, by its own type."""
        return cast("DeskApp", self.app)

    # Building

    def compose(self) -> ComposeResult:
        self.status_bar = StatusBar(id="status")
        self.rfq, self.race, self.ladder = RfqPane(self.told), RacePane(), LadderPane()
        self.lps, self.blotter = LpsPane(), BlotterPane()
        self.message = MessageLine(id="message")
        self.line = CommandLine()
        self.footer = Footer(id="footer")
        self.places.lay_out(*self.app.size)
        yield self.status_bar
        yield Container(self.rfq, self.race, self.ladder, self.lps, self.blotter, id="panes")
        yield self.message
        if self.transport is not None:
            self.reel = Reel(self.transport)
            yield self.reel
        yield self.line
        yield self.footer

    def on_mount(self) -> None:
        """Start pulling; the dealer may type at once."""
        self.footer.keymap = self.desk_app.own_keymap
        self.line.input.suggester = Completer(lambda: self.session.view, self.desk_app.own_themes)
        shown: list[_Shown] = [self.rfq, self.race, self.ladder, self.lps, self.blotter]
        shown += [self.status_bar, self.message, self.footer]
        shown += [self.reel] if self.transport is not None else []
        self._shown = [*shown, *self._shown]  # keys typed ahead may have opened a page
        self.pacer.focused = self.rfq
        for each in shown:
            self.pacer.add(each, self._pull(each))
        if self.desk_app.problems:
            first, *others = self.desk_app.problems
            self._say("warn", f"{first} (and {len(others)} more)" if others else first)
        if self.transport is not None:
            self.add_class("-reading")
        if self.pages.page is None:
            self.set_focus(self.line.input if self.transport is None else self.rfq.card)
        self.desk_app.stands()
        if not self._still:
            self.set_interval(BEAT_SECONDS, self._beat)

    def on_unmount(self) -> None:
        """Nothing is drawn any more."""
        self.pacer.close()

    def on_resize(self, event: events.Resize) -> None:
        """Choose the layout for the size."""
        self.places.lay_out(*event.size)

    # Looking

    def look(self) -> Look:
        """What every pane of this moment sees."""
        view, page = self.session.view, self.pages.standing
        replay = self.transport is not None
        if not self._focus and not replay:
            self._focus = first_focus(view)  # once; never moved under the dealer's finger
        known = self._focus if view.card(self._focus) else first_focus(view)
        return Look(
            view=view,
            now=self.session.now(),
            label=self.session.label,
            focus=known,
            can_command=self.session.can_command,
            replay=replay,
            dealing=self.dealer.is_dealing(known),
            market=market_of(view, known, self.pages.chosen),
            page=self.pages.name,
            in_pane=not self.at_line,
            under=page.under if page is not None else (),
            marked=page.marked if page is not None else (),
            asked=self.message.question is not None,
        )

    def _pull(self, pane: _Shown) -> Callable[[], object]:
        """Its slice of the look: the same object while it is equal."""
        kept: object = None

        def pull() -> object:
            nonlocal kept
            slice = pane.see(self.look())
            if slice != kept:
                kept = slice
            return kept

        return pull

    def changed(self) -> None:
        """There may be something new; cheap to say."""
        self.pacer.changed()

    def _beat(self) -> None:
        """Ask for news: a new view, or a tenth of a second that a countdown shows."""
        self._measure_lag()
        view = self.session.view
        running = any(card.live for card in view.rfqs) or self.race.settling
        step = 100_000_000 if running else 1_000_000_000
        seen = (view, self.session.now() // step)
        if seen[0] is not self._seen[0] or seen[1] != self._seen[1]:
            self._seen = seen
            self.dealer.let_in(self.look())
            self.changed()
            self._title_and_bell()

    def _measure_lag(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._beat_at is not None:
            self._worst_lag = max(self._worst_lag * 0.95, now - self._beat_at - BEAT_SECONDS)
        self._beat_at = now
        self.status_bar.lag_ms = int(self._worst_lag * 1000) // 50 * 50

    def _title_and_bell(self) -> None:
        look = self.look()
        card = look.card
        self.desk_app.name_terminal(look)
        quote = card.quote if card is not None and card.live else None
        if self.bell_wanted and card is not None and quote is not None and is_short(card, look.now):
            if self._belled != quote.quote_id:
                self.app.bell()
            self._belled = quote.quote_id

    @property
    def at_line(self) -> bool:
        """The keys go to the command line."""
        return self.focused is self.line.input

    @property
    def behind(self) -> bool:
        """Frames are left out, or not taken, so the dealer may be looking at an old one."""
        driver = self.app._driver
        return isinstance(driver, LossyDriver) and (driver.behind or driver.stalled)

    # Doing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`:` is typed into the line, and a replay's keys are free when there is none."""
        if action != "act" or not self.is_mounted:
            return True
        each = actions.action(str(parameters[0]))
        if each.typed_on_line and (isinstance(self.focused, Input) or self.places.jumping):
            return False
        if self.pages.page is not None and each.handler == "next":
            return False  # Tab moves on the page
        return not (each.only == "replay" and self.transport is None)

    async def action_act(self, id: str) -> None:
        """A key of the action table; keys typed behind it wait for the page that it opens."""
        self.act(actions.action(id), [])
        await self.pages.arrive()

    def act(self, action: actions.Action, words: list[str]) -> None:
        """Do it, or say why not."""
        why = actions.why_not(action, self.look())
        if why:
            name = action.words[0] if action.words else action.label or action.id
            self._say("warn", f"{name}: {why}")
        else:
            self.handlers.run(action, words)
        self.echo()

    @on(CommandInput.Entered)
    def _entered(self, event: CommandInput.Entered) -> None:
        """A word of the table, or a request."""
        if self.places.finding:
            self.places.found()
            return
        first, *words = event.line.split()
        if first != "yes":
            self.message.read()
        action = actions.by_word(first)
        if action is not None:
            self.act(action, words)
            if self.transport is not None:
                self.places.back()
            return
        look = self.look()
        if not look.can_command or look.replay:
            self._say("warn", f"{clean(first, 20)}: this screen only looks", example="help")
        else:
            self.dealer.request(event.line, look)

    @on(CommandInput.Changed)
    def _typing(self, event: CommandInput.Changed) -> None:
        """A list is narrowed while it is typed after a `/`."""
        if self.places.finding and event.value:  # Enter empties the line before it is heard
            if event.value.startswith("/"):
                self.places.find(event.value[1:])
            else:
                self.places.find("")
                self.places.found()
                self.places.to_line()

    def on_key(self, event: events.Key) -> None:
        """Nothing has the keys in jump mode, so they come here."""
        if self.places.jumping:
            event.stop()
            self.places.jump(event.key)

    @on(Footer.Clicked)
    async def _footer_clicked(self, event: Footer.Clicked) -> None:
        await self.action_act(event.id)

    @on(Pane.TabClicked)
    def _tab_clicked(self, event: Pane.TabClicked) -> None:
        self.places.enter(next(name for name, title in TABS.items() if title == event.title))

    @on(RfqPane.Clicked)
    def _rfq_clicked(self, event: RfqPane.Clicked) -> None:
        self.focus_rfq(event.rfq_id)

    @on(CommandInput.Refused)
    def _paste_refused(self, event: CommandInput.Refused) -> None:
        self._say("warn", event.text)

    def focus_rfq(self, rfq_id: str) -> None:
        """Put an RFQ in focus; the ladder follows to its pair."""
        self._focus, self.pages.chosen = rfq_id, ""
        self.echo()

    def promise(self, told: Told) -> None:
        """The client has been told a price; the oldest such is forgotten."""
        self._told.pop(told.rfq_id, None)
        self._told[told.rfq_id] = told
        if len(self._told) > KEPT:
            del self._told[next(iter(self._told))]

    def told(self, rfq_id: str) -> Told | None:
        """What the client of an RFQ has been told last."""
        return self._told.get(rfq_id)

    def echo(self) -> None:
        """Draw at once what a key has changed."""
        for each in self._shown:
            self.pacer.echo(each)

    def _say(self, level: str, text: str, field: str = "", example: str = "") -> None:
        self.message.say(level, text, field, example)

    def _later(self, work: Awaitable[None]) -> object:
        async def run() -> None:
            await work
            self.echo()

        return self.run_worker(run(), group="commands", exit_on_error=True)

    # Pages

    @on(Page.Moved)
    def _moved(self) -> None:
        self.echo()

    @on(Page.Act)
    def _page_acts(self, event: Page.Act) -> None:
        self.act(actions.action(event.id), event.words)

    @on(DeskGrid.Chosen, "#settlement")
    def _trade_chosen(self, event: DeskGrid.Chosen) -> None:
        self.pages.open("settlements", event.key)

    @on(OtherPair)
    def _other_pair(self, event: OtherPair) -> None:
        self.pages.other_pair(event.step)

    def show_too(self, panes: Sequence[Pane]) -> None:
        """Panes of a page are pulled while it is open."""
        for pane in panes:
            self._shown.append(pane)
            self.pacer.add(pane, self._pull(pane))

    def show_no_more(self, panes: Sequence[Pane]) -> None:
        """It was closed."""
        for pane in panes:
            self.pacer.remove(pane)
        self._shown = [each for each in self._shown if each not in panes]
