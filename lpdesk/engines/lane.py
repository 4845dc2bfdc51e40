"""What a race remembers: of each LP in it, and of the client quote in force."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from lpdesk.domain.events import (
    LockCause,
    LpAsked,
    LpMissed,
    LpSkipped,
    QuoteLeg,
    QuoteLocked,
    QuoteReceived,
    RfqEnd,
    RfqOpened,
    Verdict,
)
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Event
from lpdesk.domain.reports import LpQuoted
from lpdesk.domain.settings import Lp
from lpdesk.domain.values import FIGURE_DECIMALS, ONE, ZERO, Instant, round_even
from lpdesk.engines.cover import Cover, Terms
from lpdesk.engines.health import Refusal
from lpdesk.engines.lifecycle import TradeMove

MISSED_ASKS = 16

ENDS = {
    RfqEnd.ACCEPTED: TradeMove.ACCEPT,
    RfqEnd.CANCELLED: TradeMove.CANCEL,
    RfqEnd.EXPIRED: TradeMove.EXPIRE,
    RfqEnd.NO_LIQUIDITY: TradeMove.EXPIRE,
}
"""How a request ends, as its status moves."""

MAX_PROBES = 4
"""Sizes tried to learn a first price: the minimum, then ten times more each."""


class Lock(Struct, frozen=True):
    """The client quote in force."""

    quote_id: str
    cover: Cover
    terms: Terms
    locked_at: Instant

    def event(self, rfq_id: str, cause: LockCause, improvement_bps: Decimal) -> QuoteLocked:
        """What is said of it."""
        cover, terms = self.cover, self.terms
        return QuoteLocked(
            rfq_id=rfq_id,
            quote_id=self.quote_id,
            lp=cover.lp,
            quote_ref=cover.quote_ref,
            lp_price=cover.price,
            all_in=cover.all_in,
            quantity=cover.quantity,
            markup_bps=terms.markup_bps,
            client_price=terms.price,
            pays=terms.amounts.pays,
            pays_asset=terms.amounts.pays_asset,
            receives=terms.amounts.receives,
            receives_asset=terms.amounts.receives_asset,
            cause=cause,
            improvement_bps=round_even(improvement_bps, FIGURE_DECIMALS),
            received_at=cover.received_at,
            dealable_until=cover.dealable_until,
            exec_ns=cover.exec_ns,
            legs=tuple(
                QuoteLeg(leg.lp, leg.quote_ref, leg.quantity, leg.price, leg.all_in, leg.why)
                for leg in cover.legs
            ),
            second=cover.second,
            second_bps=cover.second_bps,
        )

    def takes(self) -> list[tuple[str, Decimal, Decimal]]:
        """Each LP behind it, what is to be dealt with it in all, and at which all-in price."""
        found: dict[str, tuple[Decimal, Decimal]] = {}
        for part in self.cover.parts:
            quantity, cash = found.get(part.lp, (ZERO, ZERO))
            found[part.lp] = quantity + part.quantity, cash + part.quantity * part.all_in
        return [(lp, quantity, cash / quantity) for lp, (quantity, cash) in found.items()]

    @property
    def lps(self) -> tuple[str, ...]:
        """The LPs behind it."""
        return tuple([part.lp for part in self.cover.parts])


class Lane:
    """One LP in one race."""

    __slots__ = (
        "_answered", "ask_id", "asked_at", "asked_quantity", "barred", "cover", "deadline_at",
        "full", "last_all_in", "leg", "lp", "missed", "next_at", "probe", "refs", "settled",
        "share", "sized", "skipped", "why",
    )  # fmt: skip

    def __init__(self, lp: Lp, at: Instant) -> None:
        self.lp = lp
        self.ask_id = ""
        self.asked_at = at
        self.asked_quantity = ONE
        self.barred = False
        self.deadline_at: Instant | None = None
        self.next_at: Instant | None = at
        self.cover: Cover | None = None
        self.leg: Cover | None = None  # as `cover`, but also of a part of the size
        self.share: Decimal | None = None  # the part that the router would have of it
        self.full = ZERO  # what the whole request needed when it was asked
        self.last_all_in: Decimal | None = None
        self.missed: dict[str, Instant] = {}
        self.refs: dict[str, tuple[Decimal, Decimal | None]] = {}
        self.settled = False  # whether its answer of this round is in, for good or ill
        self.skipped: Reason | None = None
        self.why = ""  # why it has no price, in a word
        self.sized = False  # whether it has been asked again at once for the exact size
        self.probe = 0  # how often its price was sought with a larger size
        self._answered: tuple[str, int] = ("", 0)

    def fresh(self, at: Instant) -> None:
        """A new first round: what is out will be late, what was quoted is not dealt on."""
        if self.deadline_at is not None:
            self.give_up()
        self.next_at, self.settled, self.share = at, False, None

    def skip(self, rfq_id: str, refusal: Refusal) -> list[Event]:
        """Leave the LP out for now; said once for each reason."""
        self.next_at = refusal.retry_at
        self.settled = refusal.reason is not Reason.RATE_LIMITED
        if self.skipped is refusal.reason:
            return []
        self.skipped = refusal.reason
        self.why = refusal.reason.value
        return [
            LpSkipped(
                rfq_id=rfq_id,
                lp=self.lp.name,
                reason=refusal.reason,
                text=refusal.text,
                retry_at=refusal.retry_at,
            )
        ]

    def response_ns(self, ask_id: str, at: Instant) -> int:
        """How long the answer to an ask took; what a stream pushes later is the same answer."""
        if self._answered[0] != ask_id:
            self._answered = ask_id, at - self.missed.pop(ask_id, self.asked_at)
        return self._answered[1]

    def ask(self, rfq: RfqOpened, ask_id: str, quantity: Decimal, at: Instant) -> LpAsked:
        """Ask for a price; what is still out is forgotten."""
        self.ask_id, self.asked_at, self.asked_quantity = ask_id, at, quantity
        self.deadline_at, self.next_at, self.skipped = at + self.lp.timeout_ns, None, None
        return LpAsked(
            rfq_id=rfq.rfq_id,
            ask_id=ask_id,
            lp=self.lp.name,
            symbol=rfq.symbol,
            side=rfq.base_side,
            quantity=quantity,
            deadline_at=self.deadline_at,
        )

    def received(
        self, rfq_id: str, quote: LpQuoted, cover: Cover, verdict: Verdict, text: str, at: Instant
    ) -> QuoteReceived:
        """A price came of an ask."""
        self.why = verdict.value
        return QuoteReceived(
            rfq_id=rfq_id,
            lp=quote.lp,
            ask_id=quote.ask_id,
            quote_ref=quote.quote_ref,
            price=cover.price,
            all_in=cover.all_in,
            quantity=cover.quantity,
            response_ns=self.response_ns(quote.ask_id, at),
            verdict=verdict,
            dealable_until=cover.dealable_until,
            text=text,
        )

    def miss(self, rfq_id: str, reason: Reason, text: str, at: Instant) -> LpMissed:
        """No price came of the ask."""
        self.settled, self.why = True, reason.value
        return LpMissed(
            rfq_id=rfq_id,
            lp=self.lp.name,
            ask_id=self.ask_id,
            reason=reason,
            text=text,
            response_ns=at - self.asked_at,
        )

    def answered(self, at: Instant, *, again_at_once: bool) -> None:
        """Nothing is under way any more; a stream goes on by itself."""
        self.deadline_at = None
        if again_at_once:
            self.next_at = at
        elif not self.lp.streams:
            self.next_at = max(at, self.asked_at + self.lp.poll_interval_ns)

    def probes_on(self, reason: Reason) -> bool:
        """Whether a refused ask only sought a first price, and is tried with a larger size."""
        if reason is not Reason.DECLINED or self.last_all_in is not None:
            return False
        self.probe += 1
        return self.probe <= MAX_PROBES

    def give_up(self) -> None:
        """The ask under way has missed its time; its answer will be known as late."""
        if len(self.missed) >= MISSED_ASKS:
            self.missed.pop(next(iter(self.missed)))
        self.missed[self.ask_id] = self.asked_at
        self.deadline_at = None

    def is_late(self, ask_id: str, at: Instant) -> bool:
        """Whether an answer to `ask_id` comes too late. A stream's ask stands until released."""
        if ask_id != self.ask_id:
            return True
        if self.deadline_at is None:
            return not self.lp.streams
        return at > self.deadline_at
