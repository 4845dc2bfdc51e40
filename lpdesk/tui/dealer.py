"""Sends commands through the session's one door, and puts what came of them in a sentence.

Knows nothing of Textual. An accept is counted from the key press, so that fifty presses make one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.entry import BadEntry, OrderCommand, parse_order, parse_request
from lpdesk.domain.money_entry import MONEY_WORDS, MoneyCommand, parse_money
from lpdesk.domain.record import Command, Event
from lpdesk.domain.settings import Settings
from lpdesk.session import Session
from lpdesk.tui.look import Look
from lpdesk.tui.orders import told
from lpdesk.views import words


class Say(Protocol):
    """Where answers go: `MessageLine.say`."""

    def __call__(self, level: str, text: str, field: str = "", example: str = "") -> None: ...


Later = Callable[[Awaitable[None]], object]
"""Runs something beside the keys."""


class Dealer:
    """One dealer's hands. `later` runs what waits for the desk; `focus` is told of a new RFQ."""

    def __init__(
        self, session: Session, say: Say, later: Later, focus: Callable[[str], None]
    ) -> None:
        self._session = session
        self._say = say
        self._later = later
        self._focus = focus
        self._asking = 0
        self._early: list[str] = []
        self._dealing: set[str] = set()
        self._dealt: set[str] = set()

    def is_dealing(self, rfq_id: str) -> bool:
        """Whether an accept of that RFQ is not answered yet."""
        return rfq_id in self._dealing

    @property
    def asking(self) -> bool:
        """Whether a request has been sent whose card is not there yet: the focus will change."""
        return self._asking > 0

    def is_done(self, quote: ev.QuoteLocked) -> bool:
        """Whether an accept of this quote is on its way or answered."""
        return quote.rfq_id in self._dealing or quote.quote_id in self._dealt

    def request(self, line: str, look: Look) -> None:
        """Send the request a line means; a line that means none is answered at once.

        A desk that is starting does not know its pairs yet: the line waits until it does.
        """
        if look.starting:
            self._early.append(line)
            self._say("info", "the desk is starting: this is asked as soon as it stands")
            return
        try:
            command = parse_request(line, look.view.settings.pairs)
        except BadEntry as bad:
            self._say("warn", bad.text, bad.field, bad.example)
        else:
            self.submit(command)

    def let_in(self, look: Look) -> None:
        """Send what was typed while the desk was starting, once it has started."""
        if self._early and not look.starting:
            early, self._early = self._early, []
            for line in early:
                self.request(line, look)

    def command(self, line: str, settings: Settings) -> OrderCommand | MoneyCommand | None:
        """What a line means that begins with a word; what is wrong with it is said."""
        parse = parse_money if line.split(maxsplit=1)[0].lower() in MONEY_WORDS else parse_order
        try:
            return parse(line, settings.pairs)
        except BadEntry as bad:
            self._say("warn", bad.text, bad.field, bad.example)
            return None

    def accept(self, quote: ev.QuoteLocked, crossed_ok: bool = False) -> None:
        """Deal on exactly this quote, once, however often it is said."""
        if self.is_done(quote):
            return
        self._dealing.add(quote.rfq_id)
        command = cmd.AcceptQuote(
            rfq_id=quote.rfq_id, quote_id=quote.quote_id, crossed_ok=crossed_ok
        )
        self._later(self._accept(command))

    async def _accept(self, command: cmd.AcceptQuote) -> None:
        try:
            events = await self._send(command)
            if any(isinstance(event, ev.TradeOpened | ev.AcceptRepeated) for event in events or ()):
                self._dealt.add(command.quote_id)
        finally:
            self._dealing.discard(command.rfq_id)

    def submit(self, command: Command) -> None:
        """Send a command; the answer is said when it comes."""
        self._asking += isinstance(command, cmd.RequestQuote)
        self._later(self._submit(command))

    async def _submit(self, command: Command) -> None:
        request = isinstance(command, cmd.RequestQuote)
        events = await self._send(command)
        self._asking -= request
        answer = told(events or ())
        if answer is not None:
            self._say(*answer)
        elif events == () and isinstance(command, cmd.StartMaker | cmd.StopMaker):
            word = "stopped already" if isinstance(command, cmd.StopMaker) else "not stopped"
            self._say("info", f"maker {command.symbol or 'of every pair'}: {word}")

    async def _send(self, command: Command) -> tuple[Event, ...] | None:
        """What came of it; None when it was not sent, which has been said."""
        try:
            events = await self._session.submit(command)
        except PermissionError:
            self._say("warn", "this screen only looks: nothing was sent")
            return None
        except Exception as error:  # the desk's trouble must not take the screen with it
            self._say("bad", f"not done: {type(error).__name__}: {error}")
            return None
        for event in events:
            self._answer(event)
        return events

    def _answer(self, event: Event) -> None:
        match event:
            case ev.CommandRefused():
                self._say("warn", words.refusal(event), event.field, words.good_line(event))
            case ev.RfqOpened():
                self._focus(event.rfq_id)
            case ev.TradeOpened():
                paid = f"{event.pays:,f} {event.pays_asset}"
                got = f"{event.receives:,f} {event.receives_asset}"
                text = f"{event.trade_id} with {event.lp}: {event.client} pays {paid} for {got}"
                self._say("good", text)
            case ev.AcceptRepeated():
                self._say("info", f"dealt already: {event.trade_id}")
            case ev.RfqEnded(how=ev.RfqEnd.CANCELLED):
                self._say("info", f"{event.rfq_id} cancelled")
            case ev.AutoRefreshSet():
                self._say("info", f"{event.rfq_id} auto-refresh {'on' if event.on else 'off'}")
