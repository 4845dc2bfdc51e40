"""The LP race of one request: one row an LP, best price first."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import BPS, ZERO, Instant, Side

PRICED = ("LOCK", "LEG", "live", "sizing", "short", "brief", "indicative")
HELD = ("LOCK", "LEG")
"""What the client price stands on: one LP, or several legs."""

_KEPT = (*HELD, "rejected")
"""Nothing that an LP still says changes these."""


class Row(Struct, frozen=True):
    """One LP. `state` is the word shown; `vs_lock_bps` positive = worse than the lock."""

    lp: str
    state: str = "asked"
    all_in: Decimal | None = None
    price: Decimal | None = None
    quantity: Decimal | None = None
    vs_lock_bps: Decimal | None = None
    response_ns: int | None = None
    dealable_until: Instant = 0
    text: str = ""
    retry_at: Instant | None = None
    quotes: int = 0
    asks: int = 0
    changed_at: Instant = 0
    missed: str = ""
    """What came of asking a locked one again: shown once it is not locked any more."""


def asked(row: Row, event: ev.LpAsked, at: Instant) -> Row:
    """Asked again: a price that is still good stays on show until the answer comes."""
    waiting = row.state not in PRICED
    return replace(row, asks=row.asks + 1, state="asked" if waiting else row.state, retry_at=None)


def quoted(row: Row, event: ev.QuoteReceived, at: Instant) -> Row:
    if event.verdict is ev.Verdict.LATE:
        return replace(row, quotes=row.quotes + 1, response_ns=event.response_ns)
    usable = event.verdict not in (ev.Verdict.BAD, ev.Verdict.OUTLIER)
    if row.state in _KEPT:  # the lock is frozen: a newer price of the same LP waits behind it
        return replace(row, quotes=row.quotes + 1, response_ns=event.response_ns, missed="")
    return replace(
        row,
        state=event.verdict.value,
        all_in=event.all_in if usable else None,
        price=event.price if usable else None,
        quantity=event.quantity,
        response_ns=event.response_ns,
        dealable_until=event.dealable_until,
        text=event.text,
        quotes=row.quotes + 1,
        changed_at=at,
    )


def missed(row: Row, event: ev.LpMissed, at: Instant) -> Row:
    if row.state in _KEPT:
        return replace(row, missed=event.reason.value)
    return replace(
        row,
        state=event.reason.value,
        all_in=None,
        price=None,
        text=event.text,
        response_ns=event.response_ns,
        changed_at=at,
    )


def skipped(row: Row, event: ev.LpSkipped, at: Instant) -> Row:
    if row.state in PRICED and row.state != "sizing":  # what it quoted still stands
        return replace(row, retry_at=event.retry_at)
    return replace(row, state=event.reason.value, text=event.text, retry_at=event.retry_at)


def locked(rows: tuple[Row, ...], event: ev.QuoteLocked, at: Instant) -> tuple[Row, ...]:
    """Mark the new lock; the former one competes again."""
    legs = {} if any(row.lp == event.lp for row in rows) else _by_lp(event.legs)
    marked = []
    for row in released(rows):
        leg = legs.get(row.lp)
        if leg or row.lp == event.lp:
            row = replace(
                row,
                state="LEG" if leg else "LOCK",
                all_in=leg.all_in if leg else event.all_in,
                price=leg.price if leg else event.lp_price,
                quantity=leg.quantity if leg else event.quantity,
                dealable_until=event.dealable_until,
                text=leg.why if leg else row.text,
                changed_at=at,
            )
        marked.append(row)
    return tuple(marked)


def _by_lp(legs: tuple[ev.QuoteLeg, ...]) -> dict[str, ev.QuoteLeg]:
    """What stands on each LP; of several levels their sum, at the average."""
    found: dict[str, ev.QuoteLeg] = {}
    for leg in legs:
        former = found.get(leg.lp)
        if former:
            quantity = former.quantity + leg.quantity
            leg = ev.QuoteLeg(
                leg.lp,
                former.quote_ref,
                quantity,
                (former.price * former.quantity + leg.price * leg.quantity) / quantity,
                (former.all_in * former.quantity + leg.all_in * leg.quantity) / quantity,
                former.why,
            )
        found[leg.lp] = leg
    return found


def released(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Nobody is locked any more."""
    return tuple(_released(row) if row.state in HELD else row for row in rows)


def _released(row: Row) -> Row:
    if row.missed:
        return replace(row, state=row.missed, all_in=None, price=None, missed="")
    return replace(row, state="live" if row.state == "LOCK" else "short")


def ordered(row: Row) -> Row:
    """The hedge is tried with it: what the client was promised stands on it now."""
    return row if row.state in HELD else replace(row, state="LOCK")


def refused(row: Row) -> Row:
    """It did not fill what it had quoted."""
    return replace(row, state="rejected")


def why_none(rows: tuple[Row, ...]) -> str:
    """Why nobody has a price, by name, or by number where it is the same for many."""
    by_state: dict[str, list[str]] = {}
    for row in rows:
        state = "resting" if row.state == Reason.BREAKER_OPEN else row.state
        by_state.setdefault(state, []).append(row.lp)
    said = [
        f"{len(lps)} LPs {state}" if len(lps) > 2 else ", ".join(f"{lp} {state}" for lp in lps)
        for state, lps in by_state.items()
    ]
    return ", ".join(said) or "no LP deals this"


def ranked(rows: tuple[Row, ...], side: Side) -> tuple[Row, ...]:
    """Best first, with the distance from the lock; rows without a price last, by name."""
    lock = _lock_price(rows)
    return tuple(_measured(row, lock, side) for row in sorted(rows, key=_rank(side)))


def placed(rows: tuple[Row, ...], row: Row, side: Side) -> tuple[Row, ...]:
    """With this row in its place. As no lock has moved, the others stay as they are."""
    others = [other for other in rows if other.lp != row.lp]
    insort(others, _measured(row, _lock_price(rows), side), key=_rank(side))
    return tuple(others)


def _rank(side: Side) -> Callable[[Row], tuple[bool, Decimal, str]]:
    sign = 1 if side is Side.BUY else -1
    return lambda row: (row.all_in is None, (row.all_in or ZERO) * sign, row.lp)


def _measured(row: Row, lock: Decimal | None, side: Side) -> Row:
    if not lock or row.all_in is None:
        return replace(row, vs_lock_bps=None)
    away = row.all_in - lock if side is Side.BUY else lock - row.all_in
    return replace(row, vs_lock_bps=away / lock * BPS)


def _lock_price(rows: tuple[Row, ...]) -> Decimal | None:
    """The all-in price of the lock; of several legs their average."""
    cash = quantity = ZERO
    for row in rows:
        if row.state in HELD and row.all_in is not None and row.quantity is not None:
            cash += row.all_in * row.quantity
            quantity += row.quantity
    return cash / quantity if quantity else None
