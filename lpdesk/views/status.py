"""The status bar: environment, trading state, market, LPs up, P&L."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.settings import Lp
from lpdesk.domain.values import ZERO, Instant


class MarketRow(Struct, frozen=True):
    """One pair's middle; `direction` is +1, 0, -1 against the one before."""

    symbol: str
    mid: Decimal
    bid: Decimal
    ask: Decimal
    spread_bps: Decimal
    crossed: bool
    direction: int
    at: Instant


class LpRow(Struct, frozen=True):
    """One LP's state: closed (in use), open (resting), half-open (being probed), blocked."""

    name: str
    kind: str
    state: str = "closed"
    reason: str = ""
    text: str = ""
    retry_at: Instant | None = None
    note: str = ""


class Notice(Struct, frozen=True):
    """Something worth a toast and a line in the log. `level` is info, good, warn or bad."""

    seq: int
    at: Instant
    level: str
    text: str
    ref: str = ""


class Status(Struct, frozen=True):
    """What the whole desk is in."""

    environment: str = ""
    instance: str = ""
    open: bool = False
    halted: bool = False
    why: str = ""
    markets: tuple[MarketRow, ...] = ()
    lps: tuple[LpRow, ...] = ()
    pnl: tuple[tuple[str, Decimal], ...] = ()
    trades: int = 0
    unknown: int = 0
    breaks: int = 0
    uncovered: int = 0

    @property
    def lps_up(self) -> int:
        return sum(lp.state == "closed" for lp in self.lps)


def opened(status: Status, event: ev.DeskOpened, at: Instant) -> Status:
    known = {lp.name: lp for lp in status.lps if lp.state == "blocked"}
    return replace(
        status,
        environment=event.settings.environment,
        instance=event.instance,
        open=True,
        markets=(),
        lps=tuple(known.get(lp.name, _row(lp)) for lp in event.settings.lps),
    )


def closed(status: Status, event: ev.DeskClosed, at: Instant) -> Status:
    return replace(status, open=False)


def _row(lp: Lp) -> LpRow:
    return LpRow(name=lp.name, kind=lp.kind, note=lp.note)


def moved(status: Status, event: ev.MarketMoved, at: Instant) -> Status:
    before = next((row for row in status.markets if row.symbol == event.symbol), None)
    direction = 0
    if before is not None:
        direction = (event.mid > before.mid) - (event.mid < before.mid) or before.direction
    row = MarketRow(
        symbol=event.symbol,
        mid=event.mid,
        bid=event.bid,
        ask=event.ask,
        spread_bps=event.spread_bps,
        crossed=event.crossed,
        direction=direction,
        at=at,
    )
    if before is None:
        return replace(status, markets=(*status.markets, row))
    markets = tuple(row if old is before else old for old in status.markets)
    return replace(status, markets=markets)


def health(status: Status, event: ev.LpHealthChanged, at: Instant) -> Status:
    lps = tuple(
        replace(
            lp,
            state=event.state,
            reason=event.reason.value if event.reason else "",
            text=event.text,
            retry_at=event.retry_at,
        )
        if lp.name == event.lp
        else lp
        for lp in status.lps
    )
    return replace(status, lps=lps)


def told(event: ev.LpHealthChanged) -> tuple[str, str] | None:
    """How loud, and what is said of it; nothing while it is being tried."""
    if event.state == "half-open":
        return None
    reason = event.reason.value if event.reason and event.reason != event.state else ""
    why = f": {reason} {event.text}".replace("  ", " ").rstrip(": ")
    said = {"closed": "back in use", "open": "resting"}.get(event.state, event.state)
    return "info" if event.state == "closed" else "warn", f"{event.lp} {said}{why}"


def earned(status: Status, event: ev.TradeSettled, at: Instant) -> Status:
    pnl = dict(status.pnl)
    pnl[event.pnl_asset] = pnl.get(event.pnl_asset, ZERO) + event.pnl
    return replace(status, pnl=tuple(sorted(pnl.items())))


def uncovered(status: Status, event: ev.QuoteUncovered, at: Instant) -> Status:
    return replace(status, uncovered=status.uncovered + 1)
