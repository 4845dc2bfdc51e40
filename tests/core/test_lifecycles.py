"""The lifecycles: every pair of state and event is either a row of the table or stops the desk."""

from __future__ import annotations

from itertools import product

import pytest

from lpdesk.engines.lifecycle import (
    ORDER,
    TRADE,
    Bug,
    Lifecycle,
    OrderMove,
    OrderState,
    TradeMove,
    TradeState,
)

TRADES = """
executing  outcome lost  unknown
executing  settle        settled
executing  fail          failed
executing  next cover    executing
executing  leg known     executing
unknown    outcome lost  unknown
unknown    leg known     executing
unknown    settle        settled
unknown    fail          failed
unknown    next cover    executing
"""
ORDERS = """
sent     outcome lost  unknown
sent     fill          filled
sent     reject        rejected
unknown  fill          filled
unknown  reject        rejected
"""


@pytest.mark.parametrize(
    ("lifecycle", "states", "moves", "table"),
    [(TRADE, TradeState, TradeMove, TRADES), (ORDER, OrderState, OrderMove, ORDERS)],
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
    ends = {TradeState.SETTLED, TradeState.FAILED}
    assert {state for state in TradeState if not any(s == state for s, _ in TRADE.moves)} == ends
