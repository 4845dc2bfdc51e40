"""Lifecycles as tables: (state, event) -> state. Any other pair is a bug and stops the desk."""

from __future__ import annotations

from enum import StrEnum
from typing import Generic, TypeVar

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class Bug(AssertionError):
    """The desk met a state it was never meant to meet; the journal is intact, trading stops."""


class Lifecycle(Generic[S, E]):
    """A table of allowed moves."""

    def __init__(self, moves: dict[tuple[S, E], S]) -> None:
        self.moves = moves

    def after(self, state: S, event: E) -> S:
        """The state after `event`. Raises `Bug` on a pair that the table does not have."""
        try:
            return self.moves[state, event]
        except KeyError:
            raise Bug(f"{event.value!r} in state {state.value!r}") from None

    def allows(self, state: S, event: E) -> bool:
        return (state, event) in self.moves


class TradeState(StrEnum):
    EXECUTING = "executing"
    UNKNOWN = "unknown"
    SETTLED = "settled"
    FAILED = "failed"


class TradeMove(StrEnum):
    LOSE = "outcome lost"
    SETTLE = "settle"
    FAIL = "fail"
    RETRY = "next cover"
    LEG = "leg known"


TRADE: Lifecycle[TradeState, TradeMove] = Lifecycle(
    {
        (TradeState.EXECUTING, TradeMove.LOSE): TradeState.UNKNOWN,
        (TradeState.EXECUTING, TradeMove.SETTLE): TradeState.SETTLED,
        (TradeState.EXECUTING, TradeMove.FAIL): TradeState.FAILED,
        (TradeState.EXECUTING, TradeMove.RETRY): TradeState.EXECUTING,
        (TradeState.EXECUTING, TradeMove.LEG): TradeState.EXECUTING,
        (TradeState.UNKNOWN, TradeMove.LOSE): TradeState.UNKNOWN,
        (TradeState.UNKNOWN, TradeMove.LEG): TradeState.EXECUTING,
        (TradeState.UNKNOWN, TradeMove.SETTLE): TradeState.SETTLED,
        (TradeState.UNKNOWN, TradeMove.FAIL): TradeState.FAILED,
        (TradeState.UNKNOWN, TradeMove.RETRY): TradeState.EXECUTING,
    }
)


class OrderState(StrEnum):
    SENT = "sent"
    UNKNOWN = "unknown"
    FILLED = "filled"
    REJECTED = "rejected"


class OrderMove(StrEnum):
    LOSE = "outcome lost"
    FILL = "fill"
    REJECT = "reject"


ORDER: Lifecycle[OrderState, OrderMove] = Lifecycle(
    {
        (OrderState.SENT, OrderMove.LOSE): OrderState.UNKNOWN,
        (OrderState.SENT, OrderMove.FILL): OrderState.FILLED,
        (OrderState.SENT, OrderMove.REJECT): OrderState.REJECTED,
        (OrderState.UNKNOWN, OrderMove.FILL): OrderState.FILLED,
        (OrderState.UNKNOWN, OrderMove.REJECT): OrderState.REJECTED,
    }
)
