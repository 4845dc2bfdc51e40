"""Which trade desk a request goes to, and whether it may be settled later.

Domain rules 8 and 9: the default desk first, the backup when that gives an error; `skip_retry` does
without the backup, an explicit desk without both.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from msgspec.structs import replace

from lpdesk.domain.commands import RequestQuote
from lpdesk.domain.events import RfqOpened
from lpdesk.domain.reasons import Reason
from lpdesk.domain.settings import Client, Day, Lp, Pair, Settings, TradeSettlementPair
from lpdesk.domain.values import Instant


class Route(NamedTuple):
    """A trade desk ("" for none: all LPs alike) and its LPs that deal the pair."""

    desk: str
    lps: tuple[Lp, ...]


class Objection(NamedTuple):
    """Why a request may not be settled later."""

    reason: Reason
    field: str
    text: str


def resolved(cause: RequestQuote, settings: Settings) -> RequestQuote:
    """`via` may name a trade desk; t+N without one means the desk that the client settles with."""
    desk, via = cause.desk, cause.via
    if via and settings.lp(via) is None and settings.trade_desk(via):
        desk, via = desk or via, ""
    if cause.settle_days and not desk:
        client = cause.client or settings.default_client
        agreed = settings.settlement_pair_of(client, "")
        desk = agreed.trade_desk if agreed else ""
    return replace(cause, desk=desk, via=via, delayed=cause.delayed or bool(cause.settle_days))


def routes(cause: RequestQuote, pair: Pair, settings: Settings) -> tuple[Route, Route | None]:
    """Where to ask first, and where to ask when that gives an error."""
    rules = settings.rules
    first = cause.desk or ("" if cause.via else rules.default_desk)
    backup = "" if cause.desk or cause.via or cause.skip_retry else rules.backup_desk
    second = _route(backup, cause.via, pair, settings) if backup not in ("", first) else None
    return _route(first, cause.via, pair, settings), second


def panel(via: str) -> tuple[str, ...]:
    """The LPs that a request is for, where it names them: `alpha,beta`."""
    return tuple(filter(None, via.split(",")))


def _route(name: str, via: str, pair: Pair, settings: Settings) -> Route:
    desk = settings.trade_desk(name)
    only, chosen = desk.lps if desk else (), panel(via)
    return Route(
        name,
        tuple(
            lp
            for lp in settings.lps
            if (not lp.pairs or pair.symbol in lp.pairs)
            and (not only or lp.name in only)
            and (not via or lp.name in chosen)
        ),
    )


def objection(
    cause: RequestQuote | RfqOpened, client: Client, settings: Settings, at: Instant
) -> Objection | None:
    """The first thing that is missing for a delayed settlement, or None."""
    if not cause.delayed:
        return None
    if not client.delayed_settlement:
        text = f"delayed settlement is not enabled for {client.name}"
        return Objection(Reason.NOT_ENABLED, "settlement", text)
    if not cause.desk:
        text = "delayed settlement needs an explicit trade desk"
        return Objection(Reason.BAD_DESK, "trade_desk", text)
    if not cause.skip_retry:
        text = "delayed settlement needs skip_retry"
        return Objection(Reason.BAD_COMMAND, "skip_retry", text)
    agreed = settings.settlement_pair_of(client.name, cause.desk)
    if agreed is None:
        return Objection(Reason.NOT_FOUND, "trade_desk", "Trade Settlement Pair Not Found")
    if settles_at(agreed, settings, cause.settle_days, at) is None:
        text = f"the {agreed.calendar} calendar ends before: a restart of the desk extends it"
        return Objection(Reason.NOT_ENABLED, "settlement", text)
    return None


def settles_at(
    agreed: TradeSettlementPair, settings: Settings, days: int, at: Instant
) -> Instant | None:
    """When a trade of `at` is settled by itself: on settlement day T+N, at the agreed time.

    N is `days`, or the pair's own when that is 0. None past the end of the known calendar.
    """
    known, ahead = settings.settlement_days(agreed), days or agreed.auto_settlement_days
    return _cut(known, at, ahead)


def _cut(days: tuple[Day, ...], at: Instant, ahead: int) -> Instant | None:
    """T+0: the next time to settle. T+N: the Nth settlement day that begins after `at`."""
    if ahead:
        index = bisect_right(days, at, key=lambda day: day.start) + ahead - 1
    else:
        index = bisect_right(days, at, key=lambda day: day.cut)
    return days[index].cut if index < len(days) else None
