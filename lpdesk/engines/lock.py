"""Lock policies: from when on a challenger may take the lock. One small function each.

A policy answers with an instant (now or in the past: at once; in the future: ask again then), or
None for never. New policies are one more line in `POLICIES`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from lpdesk.domain.settings import Rules
from lpdesk.domain.values import Instant

Policy = Callable[[Rules, Decimal, Instant], Instant | None]
"""(rules, advantage of the challenger in bps of the locked client price, locked since) -> when."""


def price(rules: Rules, advantage_bps: Decimal, locked_at: Instant) -> Instant | None:
    """Better by the threshold, equality counts: at once."""
    return locked_at if advantage_bps >= rules.threshold_bps else None


def price_and_dwell(rules: Rules, advantage_bps: Decimal, locked_at: Instant) -> Instant | None:
    """As `price`, but a lock stands for at least `dwell_ns`."""
    return locked_at + rules.dwell_ns if advantage_bps >= rules.threshold_bps else None


POLICIES: dict[str, Policy] = {"price": price, "price+dwell": price_and_dwell}
