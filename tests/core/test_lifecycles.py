"""The lifecycles: every pair of state and event is either a row of the table or stops the desk."""

from __future__ import annotations

from itertools import product

import pytest

from lpdesk.engines.lifecycle import (
    BREAK,
    ORDER,
    SETTLEMENT,
    TRADE,
    BreakMove,
    BreakState,
    Bug,
    Lifecycle,
    OrderMove,
    OrderState,
    SettlementMove,
    SettlementState,
    TradeMove,
    TradeState,
)

TRADES = """
pending    cancel        cancelled
pending    expire        expired
pending    accept        executing
executing  outcome lost  unknown
executing  execute       executed_pending_settlement
executing  settle        settled
executing  fail          failed
unknown    outcome lost  unknown
unknown    execute       executed_pending_settlement
unknown    settle        settled
unknown    fail          failed
executed_pending_settlement  settle  settled
executed_pending_settlement  reject  rejected
"""
SETTLEMENTS = """
pending            settle  settled
pending            fail    settlement_failed
settlement_failed  settle  settled
settlement_failed  fail    settlement_failed
settlement_failed  reject  rejected
"""
ORDERS = """
sent     outcome lost  unknown
sent     fill          filled
sent     reject        rejected
unknown  fill          filled
unknown  reject        rejected
"""
BREAKS = """
open  assign  open
open  close   closed
"""


@pytest.mark.parametrize(
    ("lifecycle", "states", "moves", "table"),
    [
        (TRADE, TradeState, TradeMove, TRADES),
        (SETTLEMENT, SettlementState, SettlementMove, SETTLEMENTS),
        (ORDER, OrderState, OrderMove, ORDERS),
        (BREAK, BreakState, BreakMove, BREAKS),
    ],
    ids=["quote", "settlement", "order", "break"],
)
def test_every_pair(lifecycle: Lifecycle, states: type, moves: type, table: str) -> None:
    rows = [
        [word.strip() for word in line.split("  ") if word] for line in table.split("\n") if line
    ]
    allowed = {(before, move): after for before, move, after in rows}
    for state, move in product(states, moves):
        expected = allowed.pop((state.value, move.value), None)
        assert lifecycle.allows(state, move) is (expected is not None)
        if expected is None:
            with pytest.raises(Bug):
                lifecycle.after(state, move)
        else:
            assert lifecycle.after(state, move) == expected
    assert allowed == {}


def test_the_ends_are_ends() -> None:
    ends = set("cancelled expired settled failed rejected".split())
    assert {state for state in TradeState if not any(s == state for s, _ in TRADE.moves)} == ends
