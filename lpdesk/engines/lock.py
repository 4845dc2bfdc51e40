"""Lock policies: whose price leads, and from when on a challenger may take the lock.

A policy is two small functions. `handicap` makes an LP's price count for worse than it is, in bps;
the client's price is always made from the price itself. `takes` answers with an instant (now or in
the past: at once; in the future: ask again then), or None for never. A new one is one more line in
`POLICIES`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from lpdesk.domain.settings import Lp, Rules
from lpdesk.domain.values import ZERO, Instant
from lpdesk.engines.scorecard import Scorecards

Takes = Callable[[Rules, Decimal, Instant], Instant | None]
"""(rules, advantage of the challenger in bps of the locked client price, locked since) -> when."""

Handicap = Callable[[Rules, Lp, Scorecards, Instant], Decimal]
"""(rules, LP, everybody's record, now) -> bps."""


class Policy(NamedTuple):
    """How a lock is won."""

    takes: Takes
    handicap: Handicap


def at_once(rules: Rules, advantage_bps: Decimal, locked_at: Instant) -> Instant | None:
    """Better by the threshold, equality counts: at once."""
    return locked_at if advantage_bps >= rules.threshold_bps else None


def after_dwell(rules: Rules, advantage_bps: Decimal, locked_at: Instant) -> Instant | None:
    """As `at_once`, but a lock stands for at least `dwell_ns`."""
    return locked_at + rules.dwell_ns if advantage_bps >= rules.threshold_bps else None


def none(rules: Rules, lp: Lp, scorecards: Scorecards, at: Instant) -> Decimal:
    """A price counts for what it is."""
    return ZERO


def expected_cost(rules: Rules, lp: Lp, scorecards: Scorecards, at: Instant) -> Decimal:
    """What the LP's own record says that dealing on its price costs: rejects, hold, slippage."""
    rates = rules.reject_cost_bps, rules.hold_cost_bps_per_second
    return scorecards.penalty_bps(lp.name, rates, at)


def tier_margin(rules: Rules, lp: Lp, scorecards: Scorecards, at: Instant) -> Decimal:
    """A lower tier leads only where those above have no price, or are worse by the margin."""
    return rules.tier_margin_bps * (lp.tier - 1)


POLICIES: dict[str, Policy] = {
    "price": Policy(at_once, none),
    "price+dwell": Policy(after_dwell, none),
    "weighted": Policy(at_once, expected_cost),
    "tiered": Policy(at_once, tier_margin),
}
