"""What random stories share: desks with their rules, a desk's copy, a word for each event."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from lpdesk.desk import Desk
from lpdesk.domain.events import RfqRerouted
from lpdesk.domain.record import Event
from lpdesk.domain.settings import (
    Client,
    Lp,
    Markup,
    Pair,
    Polling,
    Routing,
    Rules,
    Settings,
    TradeDesk,
)
from lpdesk.domain.values import SECOND, Dealt
from lpdesk.engines.strategy import STRATEGIES
from lpdesk.journal.snapshot import dumps, loads

D = Decimal
PAIRS = (
    Pair(base="BTC", quote="USDT", base_decimals=5, quote_decimals=2, minimum=D("0.001")),
    Pair(
        base="ETH",
        quote="USDT",
        base_decimals=4,
        quote_decimals=2,
        minimum=D("0.01"),
        profit=Dealt.BASE,
    ),
)
PRICES = {"BTC/USDT": D(100_000), "ETH/USDT": D(3_000)}
LPS = (
    Lp(name="alpha", kind="rest", fee_bps=D(1), credit={"BTC": D(3)}),
    Lp(name="beta", kind="stream", rate_per_second=D(3)),
    Lp(name="gamma", kind="rest", timeout_ns=SECOND // 2, maximum=D(2)),
)


def a_desk(**rules: object) -> Settings:
    funds = {"USDT": D(500_000), "BTC": D(5), "ETH": D(100)}
    return Settings(
        pairs=PAIRS,
        lps=LPS,
        clients=(Client(name="acme", balances=funds), Client(name="bolt", balances={})),
        default_client="acme",
        trade_desks=(TradeDesk(name="prime", lps=("alpha",)), TradeDesk(name="spare")),
        markups=(Markup(bps=D(2), pair="BTC/USDT", from_base=D(1)),),
        rules=Rules(
            loss_limit_bps=D(3),
            breaker_failures=3,
            max_live_rfqs=4,
            strict=True,
            edition=2,
            **rules,
        ),
    )


SETS = {"routing": Routing.COMPOSITE}
TWO_DESKS = {"default_desk": "prime", "backup_desk": "spare", "backup_at_execution": True}
RULES = st.sampled_from(
    [
        {},
        SETS,
        {**SETS, "auto_refresh": True},
        TWO_DESKS,
        {**TWO_DESKS, **SETS},
        {"lock_policy": "price+dwell", "threshold_bps": D(1)},
        {"polling": Polling.ROUND},
        {"auto_refresh": True, "max_refreshes": 2, "rfq_duration_ns": 10 * SECOND},
    ]
)


def said(event: Event) -> str:
    """An event's kind, with the word that tells one from another of the same kind."""
    if isinstance(event, RfqRerouted):
        return f"RfqRerouted {bool(event.trade_id)}"
    for word in ("verdict", "cause", "how", "kind", "state"):
        if hasattr(event, word):
            return f"{type(event).__name__} {getattr(event, word)}"
    return type(event).__name__


def copied(desk: Desk) -> Desk:
    """What a snapshot of it would give."""
    known = {"strategies": STRATEGIES}
    copy = loads(dumps(desk, known), known)
    assert isinstance(copy, Desk)
    return copy
