"""What the screen looks at: one glance of the session, the same for every pane of a frame."""

from __future__ import annotations

from typing import NamedTuple

from lpdesk.domain.settings import Pair
from lpdesk.domain.values import SECOND, Instant
from lpdesk.views import Card, DeskView

TENTH = SECOND // 10


class Look(NamedTuple):
    """A view, a time, and where the dealer is. `focus` is the id of the RFQ in focus, or empty."""

    view: DeskView
    now: Instant
    label: str = ""
    focus: str = ""
    can_command: bool = True
    replay: bool = False
    dealing: bool = False
    """An accept of the RFQ in focus is on its way."""

    market: str = ""
    """The pair whose maker is looked at: the one chosen, or that of the RFQ in focus."""

    page: str = ""
    """What stands in the place of the panes: the maker's page, or nothing."""

    in_pane: bool = False
    """The keys go to a pane, not to the command line."""

    under: tuple[str, ...] = ()
    """On a page: what the cursor is on, the nearest first: a trade, a settlement, a break, …"""

    marked: tuple[str, ...] = ()
    """The trades that are marked, in the order they were."""

    asked: bool = False
    """A deal waits for the dealer's word."""

    @property
    def starting(self) -> bool:
        """Nothing is known of a desk yet."""
        return self.view.seq == 0

    @property
    def card(self) -> Card | None:
        return self.view.card(self.focus)

    @property
    def pair(self) -> Pair | None:
        card = self.card
        return self.view.settings.pair(card.symbol) if card else None

    def on(self, kind: str) -> str:
        """The name under the cursor that begins like this, or empty."""
        return next((name for name in self.under if name.startswith(kind)), "")

    @property
    def tenth(self) -> Instant:
        """The time to the next tenth of a second: a countdown never promises too much."""
        return self.now + -self.now % TENTH

    @property
    def second(self) -> Instant:
        """The time, cut to a second: what a clock and an age need."""
        return self.now - self.now % SECOND


def time_left(card: Card, now: Instant) -> int:
    """Nanoseconds that the card's quote may still be dealt; 0 without one."""
    if not card.live or card.quote is None:
        return 0
    return max(0, (card.fixed_until or card.quote.dealable_until) - now)


def is_short(card: Card, now: Instant) -> bool:
    """Less time is left than the LP needs to execute."""
    return card.quote is not None and time_left(card, now) <= card.quote.exec_ns


def first_focus(view: DeskView) -> str:
    """Where the eye starts: on the newest live RFQ, or the newest at all."""
    live = next((card.rfq_id for card in view.rfqs if card.live), "")
    return live or (view.rfqs[0].rfq_id if view.rfqs else "")


def market_of(view: DeskView, focus: str, chosen: str) -> str:
    """The pair to show a maker of: the chosen one, that of the RFQ in focus, or the first."""
    card = view.card(focus)
    first = view.makers[0].symbol if view.makers else ""
    if not chosen and card is None and not first and view.status.markets:
        return view.status.markets[0].symbol
    return chosen or (card.symbol if card else first)


def next_focus(view: DeskView, focus: str, step: int) -> str:
    """The live RFQ `step` places after the one in focus, going round."""
    live = [card.rfq_id for card in view.rfqs if card.live]
    if not live:
        return focus
    if focus not in live:
        return live[0 if step > 0 else -1]
    return live[(live.index(focus) + step) % len(live)]
