"""What an LP's words about our orders mean. One fill is one report, however often it is told.

An ExecutionReport may come again under another number (PossResend), in a resend (PossDup), or as
the answer to a status request that carries sums instead of the fill. Fills are told apart by
ExecID, sums are compared with what is already reported.
"""

from __future__ import annotations

from collections import OrderedDict
from decimal import Decimal
from typing import Final

from msgspec import Struct

from lpdesk.domain.events import OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.reports import (
    FillRevised,
    OrderFilled,
    OrderLost,
    OrderNotFound,
    OrderPending,
    OrderRejected,
    QueryFailed,
)
from lpdesk.domain.values import ZERO, round_even
from lpdesk.domain.wire import Fields, Malformed
from lpdesk.venues.answers import why
from lpdesk.venues.fix.codec import Message
from lpdesk.venues.fix.messages import SIDES

REMEMBERED: Final = 4_096

_TRADE: Final = frozenset("F12")
_STATUS: Final = "I"
_REVISED: Final = {"H": "taken back", "G": "corrected"}
_WORKING: Final = frozenset("0A6E")
_NOT_DONE: Final = frozenset("48C3")
"""OrdStatus: canceled, rejected, expired, done for day."""

REASONS: Final = {
    "0": Reason.CREDIT,
    "2": Reason.DECLINED,
    "3": Reason.SIZE,
    "4": Reason.QUOTE_EXPIRED,
    "8": Reason.QUOTE_EXPIRED,
    "13": Reason.SIZE,
    "15": Reason.UNAUTHORISED,
}
"""OrdRejReason (103)."""

UNKNOWN_ORDER: Final = "5"
MAYBE: Final = frozenset({"0", "4"})
"""BusinessRejectReason of an LP that is in trouble itself: it may have dealt all the same."""


class Known(Struct):
    """One order: what we sent, if it was in this process, and what is reported of it."""

    sent: OrderSent | None = None
    executions: set[str] = set()
    reported: Decimal = ZERO
    worth: Decimal = ZERO
    by_sum: Decimal = ZERO
    settled: bool = False  # whether its outcome has been told


class Orders:
    """All orders of one LP that we remember."""

    def __init__(self, lp: str) -> None:
        self._lp = lp
        self._known: OrderedDict[str, Known] = OrderedDict()

    def sent(self, order: OrderSent) -> None:
        """An order that is about to go out."""
        self._of(order.order_id).sent = order

    def known(self, order_id: str) -> OrderSent | None:
        """What we sent under that id, in this process."""
        return self._of(order_id).sent if order_id in self._known else None

    def open(self) -> list[str]:
        """Orders whose outcome nobody has told us."""
        return [oid for oid, each in self._known.items() if each.sent and not each.settled]

    def lost(self, order_id: str, reason: Reason, text: str) -> OrderLost | None:
        """Nobody can tell now; None if the outcome is known."""
        known = self._of(order_id)
        if known.settled:
            return None
        known.settled = True
        return OrderLost(lp=self._lp, order_id=order_id, reason=reason, text=text)

    def rejected(self, order_id: str, reason: Reason, text: str) -> OrderRejected:
        """The LP surely did not take it."""
        self._of(order_id).settled = True
        return OrderRejected(lp=self._lp, order_id=order_id, reason=reason, text=text)

    def told(self, message: Message) -> Report | None:
        """What an ExecutionReport says that was not said before."""
        fields = message.read()
        try:
            order_id = fields.identifier("11")
        except Malformed:
            return None  # nothing of ours
        try:
            return self._told(order_id, fields)
        except Malformed as trouble:
            if _is_answer(fields):
                return self._unanswered(order_id, Reason.MALFORMED, trouble.text)
            return self.lost(order_id, Reason.MALFORMED, trouble.text)

    def _told(self, order_id: str, fields: Fields) -> Report | None:
        kind, status = fields.identifier("150"), fields.identifier("39")
        known = self._of(order_id)
        self._check(known, fields)
        if kind in _REVISED:
            execution = fields.text("19") or fields.text("17")
            text = f"{_REVISED[kind]}: {fields.text('58') or 'no reason given'}"
            return FillRevised(lp=self._lp, order_id=order_id, execution_id=execution, text=text)
        if kind in _TRADE and "32" in fields:
            return self._fill(order_id, known, fields, status)
        done = fields.number("14") if "14" in fields else ZERO
        if done > 0 and kind not in _TRADE:
            return self._sum(order_id, known, fields, status, done)
        if status in _NOT_DONE:
            return self._refused(order_id, known, fields, kind)
        if status in _WORKING:
            return OrderPending(lp=self._lp, order_id=order_id)
        raise Malformed("neither a fill nor a refusal")

    def _check(self, known: Known, fields: Fields) -> None:
        """That it speaks of the order we sent. Raises Malformed."""
        if known.sent and "54" in fields and fields.text("54") != SIDES[known.sent.side]:
            raise Malformed("54 another side")

    def _fill(self, order_id: str, known: Known, fields: Fields, status: str) -> OrderFilled | None:
        execution, quantity = fields.identifier("17"), fields.positive("32")
        if execution in known.executions:
            return None
        known.executions.add(execution)
        done = fields.number("14") if "14" in fields else known.reported + quantity
        if known.by_sum and done <= known.by_sum:
            return None  # part of a sum that is reported
        price = fields.positive("31")
        report = self._filled(order_id, fields, execution, price, quantity, status)
        known.reported += quantity
        known.worth += quantity * price
        known.settled = True
        return report

    def _sum(
        self, order_id: str, known: Known, fields: Fields, status: str, done: Decimal
    ) -> Report | None:
        """The sum of its fills so far: what is not reported yet is one fill."""
        more = done - known.reported
        if more <= 0:
            return None
        average = fields.positive("6")
        price = average if not known.reported else _rest(average * done - known.worth, more)
        report = self._filled(order_id, fields, f"{order_id}={done}", price, more, status)
        known.reported = known.by_sum = done
        known.worth = average * done
        known.settled = True
        return report

    def _filled(
        self,
        order_id: str,
        fields: Fields,
        execution: str,
        price: Decimal,
        quantity: Decimal,
        status: str,
    ) -> OrderFilled:
        fee, asset, doubt = _fee(fields)
        return OrderFilled(
            lp=self._lp,
            order_id=order_id,
            execution_id=execution,
            price=price,
            quantity=quantity,
            fee=fee,
            fee_asset=asset,
            partial=status != "2",
            fee_text=doubt,
        )

    def _refused(
        self, order_id: str, known: Known, fields: Fields, kind: str
    ) -> OrderRejected | OrderNotFound | None:
        if known.reported:
            return None  # the end of what was filled in part
        code, words = fields.text("103"), fields.text("58")
        if code == UNKNOWN_ORDER and (kind == _STATUS or known.settled or known.sent is None):
            return OrderNotFound(lp=self._lp, order_id=order_id)
        reason = why(words)
        if reason is Reason.OTHER:
            reason = REASONS.get(code, Reason.OTHER)
        return self.rejected(order_id, reason, words or f"reject reason {code or 'not given'}")

    def turned_down(self, order_id: str, code: str, words: str) -> Report | None:
        """A BusinessMessageReject or, with code "", a session's Reject of an order."""
        if code in MAYBE:
            return self.lost(order_id, Reason.OUTCOME_UNKNOWN, words or "rejected in trouble")
        return self.rejected(order_id, why(words), words or "rejected")

    def _unanswered(self, order_id: str, reason: Reason, text: str) -> QueryFailed:
        return QueryFailed(lp=self._lp, order_id=order_id, reason=reason, text=text)

    def _of(self, order_id: str) -> Known:
        known = self._known.setdefault(order_id, Known())
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known


def _rest(worth: Decimal, quantity: Decimal) -> Decimal:
    """The price of what is not reported yet. Raises Malformed."""
    price = round_even(worth / quantity, 8)
    if price <= 0:
        raise Malformed("6 does not fit the fills before")
    return price


def _is_answer(fields: Fields) -> bool:
    return fields.text("150") == _STATUS


def _fee(fields: Fields) -> tuple[Decimal, str, str]:
    """Fee, its asset, and what is wrong with them: a fill is certain even where its fee is not."""
    if "12" not in fields:
        return ZERO, "", ""
    try:
        fee = fields.number("12")
        if not fee:
            return ZERO, "", ""
        if fields.text("13") != "3":
            return ZERO, "", "fee not booked: not an absolute commission"
        asset = fields.text("479") or fields.text("55").replace("_", "/").rpartition("/")[2]
        return fee, asset, "" if asset else "fee not booked: no currency"
    except Malformed as bad:
        return ZERO, "", f"fee not booked: {bad}"
