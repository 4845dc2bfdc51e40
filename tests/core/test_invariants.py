"""Anything at any time: random commands and honest and lying LPs, audited after every step."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal, localcontext

import msgspec
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from lpdesk.desk import Desk
from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Cause, Event
from lpdesk.domain.settings import Lp, Pair
from lpdesk.domain.values import MILLISECOND, MONEY, SECOND, Dealt, Side
from tests.core.anything import LPS, PAIRS, PRICES, RULES, a_desk, copied, said
from tests.core.invariants import Auditor
from tests.core.lists import LIES, filled, laddered, told

D, WHOLE = Decimal, Decimal(1)
START = 1_768_833_000 * SECOND
AMOUNTS = st.sampled_from("0.001 0.12345 1 1.5 2.5 50 333.33 12345.67 100000".split()).map(D)
SHIFTS = st.sampled_from("-600 -5 -2 -1 -0.5 0 0.01 1 2 5 600".split()).map(D)
SIZES = st.sampled_from("1 1 1 1 0.5 1.5 0 -1".split()).map(D)
DELAYS = st.sampled_from([0, 1, 50, 100, 300, 700, 1_900, 2_100, 8_000, 12_000])
VALID = st.sampled_from([10, 10, 60, 3, 2, 0, -5, 10**6]).map(lambda seconds: seconds * SECOND)
REASONS = st.sampled_from(
    [Reason.DECLINED, Reason.UNREACHABLE, Reason.RATE_LIMITED, Reason.LAST_LOOK]
)
PICK = st.integers(0, 7)
"""Which of the newest asks, quotes or orders; mostly the newest."""
WRONG = st.integers(0, 15)
"""Now and then an answer says something else than it should."""


REACHED: Counter[str] = Counter()
"""What has been met in all runs: a property that nothing ever reached proves nothing."""


class AnythingGoes(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.desk, self.at, self.instances = Desk(), START, 0
        self.settings = a_desk()
        self.auditor = Auditor(self.settings)
        self.history: list[tuple[Cause, int, tuple[Event, ...]]] = []
        self.asks: list[ev.LpAsked] = []
        self.orders: list[ev.OrderSent] = []
        self.locks: list[ev.QuoteLocked] = []
        self.legs: list[ev.LegFilled] = []
        self.lists: list[ev.ExecutionsAsked] = []
        self.executions = 0

    @initialize(rules=RULES)
    def begins(self, rules: dict[str, object]) -> None:
        self.start(rules)

    def happens(self, cause: Cause) -> None:
        if len(self.history) % 40 == 39:  # it goes on from a snapshot: nothing may tell
            self.desk = copied(self.desk)
        events = self.desk.step(cause, self.at)
        self.history.append((cause, self.at, events))
        with localcontext(MONEY):
            self.auditor.check(self.desk, cause, self.at, events)
        REACHED.update(said(event) for event in events)
        self.asks += [event for event in events if isinstance(event, ev.LpAsked)]
        self.orders += [event for event in events if isinstance(event, ev.OrderSent)]
        self.legs += [event for event in events if isinstance(event, ev.LegFilled)]
        self.lists += [event for event in events if isinstance(event, ev.ExecutionsAsked)]
        self.locks += [event for event in events if isinstance(event, ev.QuoteLocked)]

    # ---- time

    @rule(milliseconds=DELAYS, punctual=st.booleans())
    def time_passes(self, milliseconds: int, punctual: bool) -> None:
        end = self.at + milliseconds * MILLISECOND
        while punctual and (due := self.desk.next_due()) is not None and due <= end:
            self.at = max(self.at, due)
            self.happens(rep.Pulse())
        self.at = end

    @rule()
    def pulse(self) -> None:
        self.happens(rep.Pulse())

    # ---- the dealer

    @rule(
        pair=st.sampled_from(PAIRS),
        side=st.sampled_from(Side),
        dealt=st.sampled_from(Dealt),
        amount=AMOUNTS,
        client=st.sampled_from(["", "", "", "bolt"]),
        via=st.sampled_from(["", "", "", "alpha"]),
    )
    def request(self, pair, side, dealt, amount, client, via) -> None:
        self.happens(
            cmd.RequestQuote(
                symbol=pair.symbol, side=side, dealt=dealt, amount=amount, client=client, via=via
            )
        )

    @precondition(lambda self: self.locks)
    @rule(stale=WRONG, crossed_ok=st.booleans())
    def accept(self, stale: int, crossed_ok: bool) -> None:
        live = list(self.auditor.locks.values())
        lock = live[-1] if live and stale else self.locks[-1 - stale % len(self.locks)]
        accept = cmd.AcceptQuote(rfq_id=lock.rfq_id, quote_id=lock.quote_id, crossed_ok=crossed_ok)
        self.happens(accept)

    @rule(
        pair=st.sampled_from(PAIRS), side=st.sampled_from(Side), dealt=st.sampled_from(Dealt),
        amount=AMOUNTS, shift=SHIFTS,
    )  # fmt: skip
    def deal(self, pair, side, dealt, amount, shift) -> None:
        """A request that goes well, up to the order."""
        self.request(pair, side, dealt, amount, "", "")
        self.all_quote(shift)
        self.time_passes(100, punctual=True)
        self.all_quote(shift)
        if self.locks:
            self.accept(1, crossed_ok=True)

    @rule(pick=st.integers(1, 6), word=st.sampled_from(["cancel", "refresh", "unblock"]))
    def command(self, pick: int, word: str) -> None:
        rfq_id = list(self.auditor.rfqs)[-1] if self.auditor.rfqs else "R-000001"
        commands: dict[str, Cause] = {
            "cancel": cmd.CancelRfq(rfq_id=rfq_id),
            "refresh": cmd.SetAutoRefresh(rfq_id=rfq_id, on=pick > 1),
            "unblock": cmd.UnblockLp(lp=LPS[pick % 3].name),
        }
        self.happens(commands[word])

    @precondition(lambda self: self.auditor.locks)
    @rule(again=st.booleans())
    def sit_out(self, again: bool) -> None:
        """A price is left to expire, with or without a fresh round after it."""
        self.happens(cmd.SetAutoRefresh(rfq_id=list(self.auditor.locks)[-1], on=again))
        self.time_passes(9_000, punctual=True)

    @rule(share=st.sampled_from([2, 3]), shift=SHIFTS, side=st.sampled_from(Side))
    def deal_in_parts(self, share, shift, side) -> None:
        """No LP quotes the whole; asked again for a part, each quotes that."""
        self.request(PAIRS[0], side, Dealt.BASE, D("1.5"), "", "")
        self.all_quote(shift, D(1) / share)
        self.all_quote(shift)
        if self.locks:
            self.accept(1, crossed_ok=True)

    @rule(pair=st.sampled_from(PAIRS), dealt=st.sampled_from(Dealt), shift=SHIFTS, worse=SHIFTS)
    def deal_elsewhere(self, pair, dealt, shift, worse) -> None:
        """Who quoted rejects; whoever is asked then answers."""
        self.deal(pair, Side.BUY, dealt, D("1.5"), shift)
        if self.orders:
            self.no_fill(0, "reject", 0)
            self.all_quote(shift + worse / 10)

    @precondition(lambda self: self.auditor.locks)
    @rule()
    def take_back(self) -> None:
        """The LP behind the newest price takes it back."""
        lock = list(self.auditor.locks.values())[-1]
        for ask in [a for a in self.asks if (a.rfq_id, a.lp) == (lock.rfq_id, lock.lp)][-1:]:
            self.happens(rep.LpWithdrew(lp=ask.lp, ask_id=ask.ask_id, reason=Reason.WITHDRAWN))

    @rule(rare=WRONG)
    def halt(self, rare: int) -> None:
        self.happens(cmd.Halt(why="") if rare == 9 and not self.auditor.halted else cmd.Resume())

    @rule(rules=RULES, rare=WRONG)
    def restart(self, rules: dict[str, object], rare: int) -> None:
        """Sometimes with other rules."""
        if rare % 4 == 3:
            self.start(rules)

    def start(self, rules: dict[str, object]) -> None:
        self.instances += 1
        started = rep.DeskStarted(
            instance=f"i{self.instances}", settings=a_desk(**rules), version="0"
        )
        self.happens(started)

    # ---- LPs and their prices

    @precondition(lambda self: self.asks)
    @rule(pick=PICK, shift=SHIFTS, size=SIZES, validity_ns=VALID, wrong=WRONG, repeat=WRONG)
    def quote(self, pick, shift, size, validity_ns, wrong, repeat) -> None:
        ask = self.asks[-1 - pick % len(self.asks)]
        price = PRICES[ask.symbol] * (1 + shift / 10_000)
        ref = "same" if repeat == 1 else f"q{len(self.history)}"
        quote = rep.LpQuoted(
            lp="nobody" if wrong == 1 else ask.lp,
            ask_id=f"{ask.ask_id}9" if wrong == 2 else ask.ask_id,
            quote_ref=ref,
            symbol="ETH/USDT" if wrong == 3 else ask.symbol,
            side=ask.side.opposite if wrong == 4 else ask.side,
            price=D(wrong - 5) if wrong in (5, 6) else price,
            quantity=ask.quantity * size,
            validity_ns=validity_ns,
        )
        if wrong in (9, 10, 11):  # the last of them is one that cannot be
            quote = laddered(quote, D(10 - wrong) * (1 if ask.side is Side.BUY else -1))
        self.happens(quote)
        if repeat == 0:
            self.happens(quote)

    @rule(shift=SHIFTS, share=st.sampled_from([D(1), D(1), D("0.5"), D("0.4")]))
    def all_quote(self, shift: Decimal, share: Decimal = WHOLE) -> None:
        """The honest answers of all: what makes long stories likely."""
        for number, ask in enumerate(self.asks[-3:]):
            price = PRICES[ask.symbol] * (1 + (shift + number) / 10_000)
            quote = rep.LpQuoted(
                lp=ask.lp,
                ask_id=ask.ask_id,
                quote_ref=f"a{len(self.history)}",
                symbol=ask.symbol,
                side=ask.side,
                price=price,
                quantity=(ask.quantity * share).quantize(D("0.00001")) or ask.quantity,
                validity_ns=10 * SECOND,
            )
            step = WHOLE if ask.side is Side.BUY else -WHOLE
            self.happens(laddered(quote, step) if ask.lp == "beta" else quote)

    @precondition(lambda self: self.asks)
    @rule(pick=PICK, reason=REASONS, withdrawn=st.booleans(), wait=st.booleans())
    def no_quote(self, pick: int, reason: Reason, withdrawn: bool, wait: bool) -> None:
        ask = self.asks[-1 - pick % len(self.asks)]
        if withdrawn:
            self.happens(rep.LpWithdrew(lp=ask.lp, ask_id=ask.ask_id, reason=Reason.WITHDRAWN))
        else:
            retry = SECOND if wait else 0
            failed = rep.LpFailed(lp=ask.lp, ask_id=ask.ask_id, reason=reason, retry_after_ns=retry)
            self.happens(failed)

    @rule(pair=st.sampled_from(PAIRS), lp=st.sampled_from(LPS), shift=SHIFTS, width=SHIFTS)
    def stream(self, pair: Pair, lp: Lp, shift: Decimal, width: Decimal) -> None:
        bid = PRICES[pair.symbol] * (1 + shift / 100_000)
        tick = rep.LpStreamed(
            lp=lp.name, symbol=pair.symbol, bid=bid, ask=bid + width, bid_size=D(1), ask_size=D(1)
        )
        self.happens(tick)

    # ---- LPs and our orders

    @precondition(lambda self: self.orders)
    @rule(pick=PICK, size=SIZES, worse=SHIFTS, fee=st.booleans(), wrong=WRONG)
    def fill(self, pick: int, size: Decimal, worse: Decimal, fee: bool, wrong: int) -> None:
        order = self.orders[-1 - pick % 4 % len(self.orders)]
        self.executions += 1
        filled = rep.OrderFilled(
            lp="beta" if wrong == 1 else order.lp,
            order_id="never-sent" if wrong == 2 else order.order_id,
            execution_id=f"x{self.executions}",
            price=order.price + worse,
            quantity=order.quantity * size,
            fee=D("0.01") if fee else D(0),
            fee_asset="USDT" if fee else "",
            partial=size < 1,
        )
        self.happens(filled)
        if wrong == 3:
            self.happens(filled)
        if wrong == 2:  # and takes it back, too
            self.happens(rep.FillRevised(lp=order.lp, order_id="never-sent", execution_id="x"))

    @precondition(lambda self: self.orders)
    @rule(
        pick=PICK,
        word=st.sampled_from(["reject", "lost", "pending", "unsent", "unknown", "no answer"]),
        wrong=WRONG,
    )
    def no_fill(self, pick: int, word: str, wrong: int) -> None:
        order = self.orders[-1 - pick % 4 % len(self.orders)]
        lp, order_id = "beta" if wrong == 1 else order.lp, order.order_id
        lost = Reason.UNREACHABLE
        answers: dict[str, Cause] = {
            "reject": rep.OrderRejected(lp=lp, order_id=order_id, reason=Reason.LAST_LOOK),
            "lost": rep.OrderLost(lp=lp, order_id=order_id, reason=lost),
            "pending": rep.OrderPending(lp=lp, order_id=order_id),
            "unsent": rep.OrderNotSent(lp=lp, order_id=order_id, reason=lost),
            "unknown": rep.OrderNotFound(lp=lp, order_id=order_id),
            "no answer": rep.QueryFailed(lp=lp, order_id=order_id, reason=lost),
        }
        self.happens(answers[word])

    # ---- LPs' lists

    @rule(lp=st.sampled_from(LPS), lie=st.sampled_from(LIES), late=st.booleans(), mine=PICK)
    def list_executions(self, lp: Lp, lie: str, late: bool, mine: int) -> None:
        """What was filled, with one lie; it may be the first we hear of it."""
        if late:
            self.time_passes(61_000, punctual=True)
        self.happens(cmd.Reconcile(lp=lp.name, since=START))
        asked = [each for each in self.lists if each.lp == lp.name]
        rows = [filled(leg) for leg in self.legs if leg.lp == lp.name]
        sent = [order for order in self.orders if order.lp == lp.name]
        order = sent[-1 - mine % len(sent)] if sent else None
        self.executions += 1
        rows = told(lie, rows, order, f"x{self.executions}", mine)
        if asked and lie == "no list":
            self.happens(
                rep.ExecutionsUnlisted(lp=lp.name, run_id=asked[-1].run_id, reason=Reason.MALFORMED)
            )
        elif asked:
            listed = rep.ExecutionsListed(
                lp=lp.name, run_id=asked[-1].run_id, executions=tuple(rows)
            )
            self.happens(listed)

    @rule(pick=PICK, owner=st.booleans())
    def explain(self, pick: int, owner: bool) -> None:
        break_id = f"B-{pick + 1:06d}"
        if owner:
            self.happens(cmd.AssignBreak(break_id=break_id, owner="anna"))
        else:
            self.happens(cmd.CloseBreak(break_id=break_id, why="seen"))

    # ---- the end

    def teardown(self) -> None:
        """Once every LP has said what it did, no trade is open; and it all replays."""
        for _ in range(2):  # once more when the backups that were asked have had their time
            for trade in list(self.auditor.trades.values()):
                while trade.open_orders:
                    order = next(iter(trade.open_orders.values()))
                    rejected = rep.OrderRejected(
                        lp=order.lp, order_id=order.order_id, reason=Reason.LAST_LOOK
                    )
                    self.happens(rejected)
            if self.desk.dealing.elsewhere:
                self.time_passes(3_000, punctual=True)
        assert not self.desk.state.ledger.holds and not self.desk.dealing.open_trades
        again = Desk()
        for cause, at, events in self.history:
            assert msgspec.json.encode(again.step(cause, at)) == msgspec.json.encode(events)


KINDS = """
AcceptRepeated AutoRefreshSet BreakAssigned BreakClosed BreakFound CommandRefused ExecutionsAsked
Reconciled ReconciliationMissed DeskOpened HoldPlaced HoldResolved LegFilled
LegRejected LpAsked LpHealthChanged LpMissed LpSkipped MarketMoved OrderQueried OrderSent
QuoteLocked QuoteReceived QuoteUnlocked RfqEnded RfqOpened RfqRefreshed RfqRerouted
RoundEnded TradeFailed TradeOpened TradeSettled TradeUnknown TradingHalted TradingResumed
Transferred
""".split()
RARE = 6  # kinds of break a short search may miss


def test_the_invariants_hold_whatever_happens() -> None:
    profile = hypothesis_settings.default
    assert profile is not None
    longer = hypothesis_settings(
        profile, stateful_step_count=60, max_examples=6 * profile.max_examples
    )
    run_state_machine_as_test(AnythingGoes, settings=longer)
    assert set(KINDS) <= {name.partition(" ")[0] for name in REACHED}
    assert REACHED["RfqRerouted True"], "no backup desk ever hedged"
    words = (*ev.Verdict, *ev.LockCause, *ev.RfqEnd, *ev.BreakKind)
    missed = {word.value for word in words} - {name.partition(" ")[2] for name in REACHED}
    assert len(missed) <= RARE, missed
