"""The desk itself, its LPs and the market they show."""

from __future__ import annotations

from decimal import Decimal

from lpdesk.domain.events.base import Event
from lpdesk.domain.reasons import Reason
from lpdesk.domain.scoring import Score
from lpdesk.domain.settings import Settings
from lpdesk.domain.values import Instant


class DeskOpened(Event, frozen=True, kw_only=True):
    instance: str
    settings: Settings


class DeskClosed(Event, frozen=True, kw_only=True):
    why: str


class CommandRefused(Event, frozen=True, kw_only=True):
    """A command that changed nothing. `field` names what was wrong; `example` is a good line."""

    reason: Reason
    field: str
    text: str
    example: str = ""


class RequestTaken(Event, frozen=True, kw_only=True):
    """The command of this record came with a name: a repeat of the request does nothing more."""

    caller: str
    token: str
    digest: str


class AnswerKept(Event, frozen=True, kw_only=True):
    """What a request that was taken is answered, now and whenever it is repeated."""

    caller: str
    token: str
    status: int
    body: str


class TradingHalted(Event, frozen=True, kw_only=True):
    why: str


class TradingResumed(Event, frozen=True, kw_only=True):
    pass


class MarketMoved(Event, frozen=True, kw_only=True):
    """Top of book over the fresh streams. `spread_bps` of the mid; crossed when bid >= ask."""

    symbol: str
    bid: Decimal
    ask: Decimal
    mid: Decimal
    spread_bps: Decimal
    crossed: bool
    sources: int


class LpHealthChanged(Event, frozen=True, kw_only=True):
    """`state` is closed, open, half-open or blocked; `retry_at` is when an open breaker probes."""

    lp: str
    state: str
    reason: Reason | None = None
    text: str = ""
    retry_at: Instant | None = None


class LpScored(Event, frozen=True, kw_only=True):
    """An LP's scorecard as it stands: of one pair, side and size band, or of all when empty."""

    lp: str
    symbol: str
    side: str
    band: str
    score: Score
