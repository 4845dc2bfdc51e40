"""RFQ cards: what a request's pane shows. Newest first; live ones are never dropped."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import Dealt, Instant, Side
from lpdesk.views.leaderboard import Row, ranked

KEPT_CARDS = 40


class Card(Struct, frozen=True):
    """One request. `quote` is the client quote in force; `end` says how it ended, when it did."""

    rfq_id: str
    client: str
    symbol: str
    side: Side
    dealt: Dealt
    amount: Decimal
    base_side: Side
    via: str
    opened_at: Instant
    expires_at: Instant
    auto_refresh: bool
    rows: tuple[Row, ...] = ()
    quote: ev.QuoteLocked | None = None
    first_quote_at: Instant | None = None
    locked_at: Instant | None = None
    improvements: int = 0
    moves: int = 0
    refreshes: int = 0
    end: ev.RfqEnd | None = None
    end_at: Instant | None = None
    reason: Reason | None = None
    text: str = ""
    trade_id: str = ""
    firm_at: Instant | None = None
    fixed_until: Instant | None = None

    @property
    def live(self) -> bool:
        return self.end is None

    @property
    def api(self) -> bool:
        """Whether it came over the API: only there a firm price is asked for, which stands from
        some time on, and which only who asked for it deals on."""
        return self.firm_at is not None


def opened(event: ev.RfqOpened, at: Instant) -> Card:
    return Card(
        rfq_id=event.rfq_id,
        client=event.client,
        symbol=event.symbol,
        side=event.side,
        dealt=event.dealt,
        amount=event.amount,
        base_side=event.base_side,
        via=event.via,
        opened_at=at,
        expires_at=event.expires_at,
        auto_refresh=event.auto_refresh,
        firm_at=event.firm_at,
    )


def locked(card: Card, event: ev.QuoteLocked, at: Instant) -> Card:
    return replace(
        card,
        quote=event,
        first_quote_at=card.first_quote_at or at,
        locked_at=at,
        improvements=card.improvements + (event.cause is ev.LockCause.IMPROVED),
        moves=card.moves + (event.cause is not ev.LockCause.FIRST),
        text="",
    )


def fixed(card: Card, event: ev.QuoteFixed, at: Instant) -> Card:
    return replace(card, fixed_until=event.expires_at)


def unlocked(card: Card, event: ev.QuoteUnlocked, at: Instant) -> Card:
    return replace(card, quote=None, locked_at=None, text=event.reason.value)


def refreshed(card: Card, event: ev.RfqRefreshed, at: Instant) -> Card:
    return replace(
        card,
        quote=None,
        locked_at=None,
        expires_at=event.expires_at,
        refreshes=event.refreshes,
        text="price expired: asking afresh",
    )


def auto_refresh_set(card: Card, event: ev.AutoRefreshSet, at: Instant) -> Card:
    return replace(card, auto_refresh=event.on)


def ran(card: Card, lp: str, change: Callable[[Row], Row]) -> Card:
    """One LP's row in the race, after what became of an order."""
    rows = tuple(change(row) if row.lp == lp else row for row in card.rows)
    return replace(card, rows=ranked(rows, card.base_side))


def ended(card: Card, event: ev.RfqEnded, at: Instant) -> Card:
    trade_id = event.text if event.how is ev.RfqEnd.ACCEPTED else ""
    return replace(
        card,
        end=event.how,
        end_at=at,
        reason=event.reason,
        text="" if trade_id else event.text,
        trade_id=trade_id,
    )


def keep(cards: tuple[Card, ...]) -> tuple[Card, ...]:
    """Drop the oldest ended cards beyond the limit."""
    kept, place = list(cards), len(cards)
    while len(kept) > KEPT_CARDS and place:
        place -= 1
        if not kept[place].live:
            del kept[place]
    return tuple(kept)
