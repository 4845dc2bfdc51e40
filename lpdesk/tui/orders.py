"""What came of an order by hand, of a word to the maker or about a break, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from lpdesk.domain import events as ev
from lpdesk.domain.record import Event
from lpdesk.domain.values import Side
from lpdesk.views import words


def told(events: Sequence[Event]) -> tuple[str, str] | None:
    """Level and sentence; None when the events are about something else."""
    asked = [event.lp for event in events if isinstance(event, ev.ExecutionsAsked)]
    if asked:
        return "info", f"asked for their lists: {', '.join(asked)}"
    for event in events:
        if isinstance(event, ev.BreakAssigned):
            return "good", f"{event.break_id} is now {event.owner}'s  {event.note}".rstrip()
        if isinstance(event, ev.WebhookResent):
            return "good", f"{event.event_id} goes out again to {event.endpoint}"
    entered = [event for event in events if isinstance(event, ev.OrderEntered)]
    if entered:
        return "good", _entered(entered[0], events)
    closed = [event for event in events if isinstance(event, ev.OrderClosed)]
    if closed:
        names = ", ".join(event.order_id for event in closed[:3])
        more = f" and {len(closed) - 3} more" if len(closed) > 3 else ""
        return "info", f"{names}{more} {closed[0].why}"
    for event in events:
        if isinstance(event, ev.MakerSet):
            moved = f"{event.before:f} -> {event.after:f}"
            return "good", f"{event.symbol} {event.parameter} {moved}"
    moved_to = [event for event in events if isinstance(event, ev.MakerMoved)]
    if moved_to and not any(isinstance(e, ev.TradingHalted | ev.TradingResumed) for e in events):
        names = ", ".join(f"{e.symbol} {e.state.value} {e.why}".rstrip() for e in moved_to)
        return "info", f"maker {names}"
    return None


def _entered(order: ev.OrderEntered, events: Sequence[Event]) -> str:
    """`O-000001 acme buys 0.5 BTC at 99,950.00, 0.3 rests`."""
    base, quote = order.symbol.split("/")
    verb = "bought" if order.side is Side.BUY else "sold"
    who = f"{order.order_id} {order.client}"
    parts = []
    if order.filled:
        parts.append(f"{verb} {_plain(order.filled)} {base} at {_average(order, events)}")
    if order.resting:
        parts.append(f"{_plain(order.resting)} {base} rests at {order.price:,f} {quote}")
    if order.filled + order.resting < order.quantity:
        gone = order.quantity - order.filled - order.resting
        parts.append(f"{_plain(gone)} not filled")
    return f"{who} {', '.join(parts)}"


def _plain(value: Decimal) -> str:
    return words.amount(value, 18)


def _average(order: ev.OrderEntered, events: Sequence[Event]) -> str:
    """What was paid a unit, on average; from the fills that came in the same step."""
    fills = [e for e in events if isinstance(e, ev.BookTraded) and e.symbol == order.symbol]
    quantity = sum((fill.quantity for fill in fills), Decimal(0))
    value = sum((fill.price * fill.quantity for fill in fills), Decimal(0))
    return f"{value / quantity:,.2f}" if quantity else "market"
