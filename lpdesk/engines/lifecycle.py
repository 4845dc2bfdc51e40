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
    """The status of a quote, and of the trade that it becomes when it is accepted."""

    PENDING = "pending"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    EXECUTING = "executing"
    UNKNOWN = "unknown"
    EXECUTED = "executed_pending_settlement"
    SETTLED = "settled"
    FAILED = "failed"
    REJECTED = "rejected"


class TradeMove(StrEnum):
    CANCEL = "cancel"
    EXPIRE = "expire"
    ACCEPT = "accept"
    LOSE = "outcome lost"
    EXECUTE = "execute"
    SETTLE = "settle"
    FAIL = "fail"
    REJECT = "reject"


TRADE: Lifecycle[TradeState, TradeMove] = Lifecycle(
    {
        (TradeState.PENDING, TradeMove.CANCEL): TradeState.CANCELLED,
        (TradeState.PENDING, TradeMove.EXPIRE): TradeState.EXPIRED,
        (TradeState.PENDING, TradeMove.ACCEPT): TradeState.EXECUTING,
        (TradeState.EXECUTING, TradeMove.LOSE): TradeState.UNKNOWN,
        (TradeState.EXECUTING, TradeMove.EXECUTE): TradeState.EXECUTED,
        (TradeState.EXECUTING, TradeMove.SETTLE): TradeState.SETTLED,
        (TradeState.EXECUTING, TradeMove.FAIL): TradeState.FAILED,
        (TradeState.UNKNOWN, TradeMove.LOSE): TradeState.UNKNOWN,  # a further order's
        (TradeState.UNKNOWN, TradeMove.EXECUTE): TradeState.EXECUTED,
        (TradeState.UNKNOWN, TradeMove.SETTLE): TradeState.SETTLED,
        (TradeState.UNKNOWN, TradeMove.FAIL): TradeState.FAILED,
        (TradeState.EXECUTED, TradeMove.SETTLE): TradeState.SETTLED,
        (TradeState.EXECUTED, TradeMove.REJECT): TradeState.REJECTED,
    }
)
"""Domain rule 9, the quote status, to the letter. A next order does not end being unknown."""


class SettlementState(StrEnum):
    """The status of a trade settlement; its trades follow it."""

    PENDING = "pending"
    FAILED = "settlement_failed"
    SETTLED = "settled"
    REJECTED = "rejected"


class SettlementMove(StrEnum):
    SETTLE = "settle"
    FAIL = "fail"
    REJECT = "reject"


SETTLEMENT: Lifecycle[SettlementState, SettlementMove] = Lifecycle(
    {
        (SettlementState.PENDING, SettlementMove.SETTLE): SettlementState.SETTLED,
        (SettlementState.PENDING, SettlementMove.FAIL): SettlementState.FAILED,
        (SettlementState.FAILED, SettlementMove.SETTLE): SettlementState.SETTLED,
        (SettlementState.FAILED, SettlementMove.FAIL): SettlementState.FAILED,  # a retry
        (SettlementState.FAILED, SettlementMove.REJECT): SettlementState.REJECTED,
    }
)
"""Nothing is rejected untried: an attempt that is due is made before the time is up."""


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


class BreakState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class BreakMove(StrEnum):
    ASSIGN = "assign"
    CLOSE = "close"


BREAK: Lifecycle[BreakState, BreakMove] = Lifecycle(
    {
        (BreakState.OPEN, BreakMove.ASSIGN): BreakState.OPEN,
        (BreakState.OPEN, BreakMove.CLOSE): BreakState.CLOSED,
    }
)


class DeliveryState(StrEnum):
    QUEUED = "queued"
    DELIVERED = "delivered"
    DEAD = "dead"


class DeliveryMove(StrEnum):
    FAIL = "fail"
    DELIVER = "deliver"
    GIVE_UP = "give up"
    RESEND = "resend"


DELIVERY: Lifecycle[DeliveryState, DeliveryMove] = Lifecycle(
    {
        (DeliveryState.QUEUED, DeliveryMove.FAIL): DeliveryState.QUEUED,
        (DeliveryState.QUEUED, DeliveryMove.DELIVER): DeliveryState.DELIVERED,
        (DeliveryState.QUEUED, DeliveryMove.GIVE_UP): DeliveryState.DEAD,
        (DeliveryState.DEAD, DeliveryMove.RESEND): DeliveryState.QUEUED,
        (DeliveryState.DELIVERED, DeliveryMove.RESEND): DeliveryState.QUEUED,
    }
)
