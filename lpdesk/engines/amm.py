"""Pools as LPs of the desk: their state comes as reports, their prices are computed here.

The price of a size is what the exact curve says for it. A pool whose state is old has no price, and
one of the fallback none for a size that would move it too far.
"""

from __future__ import annotations

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import BPS, SECOND, Instant, Side, round_down, round_up
from lpdesk.engines.pools.curves import Curve
from lpdesk.engines.pools.errors import NoSwap
from lpdesk.engines.state import State

KIND = "pool"
VALIDITY_NS = 15 * SECOND
"""A price from configured reserves; of polled ones it ends with the state it was computed from."""

PRICE_DECIMALS = 12


class Amm:
    """All pools of a desk."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._until: dict[str, Instant] = {}

    def read(self, report: rep.PoolRead, at: Instant) -> None:
        """A pool as it stands now."""
        self.state.curves[report.lp] = Curve(report.pool)
        self._until.pop(report.lp, None)
        if report.validity_ns is not None:
            self._until[report.lp] = at + report.validity_ns

    def quote(self, ask: ev.LpAsked, at: Instant) -> rep.LpQuoted | rep.LpFailed:
        """What the size costs or brings, or why the pool says nothing."""
        curve, until = self.state.curves.get(ask.lp), self._until.get(ask.lp, at + VALIDITY_NS)
        if curve is None:
            return _failed(ask, Reason.STALE, "the pool has not been read yet")
        if until <= at:
            return _failed(ask, Reason.STALE, "the pool was read too long ago")
        try:
            price = curve.cash(ask.side, ask.quantity) / ask.quantity
        except NoSwap as why:
            return _failed(ask, Reason.NO_LIQUIDITY, str(why))
        spot, lp = curve.spot(ask.side), self.state.settings.lp(ask.lp)
        most = self.state.settings.rules.fallback_slippage_bps
        if lp and lp.fallback and spot and abs(price - spot) * BPS > most * spot:
            moved = f"{abs(price - spot) / spot * BPS:.0f} bp"
            return _failed(ask, Reason.SIZE, f"moves the pool by {moved}")
        rounded = round_up if ask.side is Side.BUY else round_down
        return rep.LpQuoted(
            lp=ask.lp,
            ask_id=ask.ask_id,
            quote_ref=f"{ask.lp}.{ask.ask_id}",
            symbol=ask.symbol,
            side=ask.side,
            price=rounded(price, PRICE_DECIMALS),
            quantity=ask.quantity,
            validity_ns=until - at,
        )


def _failed(ask: ev.LpAsked, reason: Reason, text: str) -> rep.LpFailed:
    return rep.LpFailed(lp=ask.lp, ask_id=ask.ask_id, reason=reason, text=text)
