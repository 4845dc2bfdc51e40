"""Our trades against each LP's own list: what was asked, what agreed, what became of a break."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from lpdesk.domain.events.base import Event
from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import Instant


class Matching(StrEnum):
    """How a trade, or one of its orders, stands against the LPs' lists."""

    PENDING = "pending"  # not compared yet
    UNKNOWN = "unknown"  # an outcome is not known, so there is nothing to compare
    MATCHED = "matched"
    UNMATCHED = "unmatched"


class Rule(StrEnum):
    """Differences that are harmless, or mend themselves; each is a documented rule."""

    FILLED_BY_LIST = "filled by the list"  # an order without an outcome: the list is evidence
    REJECTED_BY_LIST = "rejected by the list"
    FEE_ROUNDING = "fee rounding"  # no more than one in the last digit
    NOTHING_MOVED = "nothing moved"  # a rejected order that we do not know
    LATE_NEWS = "late news"  # learned late, and the list agrees to the digit
    FILLED_UP = "filled up"  # partial fills that add up to the order
    NOT_SEEN = "no longer seen"  # the next list that covers it does not show it any more


class Match(Struct, frozen=True):
    """How one trade stands now."""

    trade_id: str
    reconciliation: Matching


class Mended(Struct, frozen=True):
    """A difference that needs nobody."""

    rule: Rule
    order_id: str
    text: str = ""


class ExecutionsAsked(Event, frozen=True, kw_only=True):
    """Goes out: give the list of all we have dealt since then, by the LP's own books."""

    run_id: str
    lp: str
    since: Instant


class Reconciled(Event, frozen=True, kw_only=True):
    """An LP's list was compared: `listed` rows with `compared` orders of ours.

    `trades` are those whose standing changed, `mended` what needed nobody.
    """

    run_id: str
    lp: str
    since: Instant
    listed: int
    compared: int
    trades: tuple[Match, ...] = ()
    mended: tuple[Mended, ...] = ()


class ReconciliationMissed(Event, frozen=True, kw_only=True):
    """An LP gave no usable list: nothing was compared, and nothing is thought to agree."""

    run_id: str
    lp: str
    reason: Reason
    text: str = ""


class BreakClosed(Event, frozen=True, kw_only=True):
    """A break is done with: by a rule, or by a person who says why (then `rule` is None)."""

    break_id: str
    rule: Rule | None = None
    why: str = ""


class BreakAssigned(Event, frozen=True, kw_only=True):
    """Somebody else looks after a break, or the same with another note."""

    break_id: str
    owner: str
    note: str = ""
