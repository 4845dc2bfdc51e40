"""Any deals, payments, settlements, restarts and waits at all: the books agree after every step."""

from __future__ import annotations

from decimal import localcontext

import msgspec
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from msgspec.structs import replace

from lpdesk.desk import Desk
from lpdesk.domain import commands as cmd
from lpdesk.domain.values import MONEY
from tests.core.anything import copied
from tests.core.outbox_books import HOOKS, Outbox
from tests.core.settlement_books import Books
from tests.core.settling import Settling, organization, settling

REACHED: set[str] = set()
"""What has been met in all runs: a property that nothing ever reached proves nothing."""

ACCOUNTS = st.sampled_from(["client:acme", "client:acme", "settlement:acme", "liquidity:otc"])
PICKS = st.lists(st.integers(1, 6), min_size=0, max_size=3)


class Settlements(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.books, self.outbox, self.read = Books(), Outbox(), 0
        acme = organization("120000", "0.5", own="60000")
        settings = settling(acme, calendar="weekdays", rejection_delay_minutes=150)
        settings = replace(settings, webhooks=HOOKS)
        self.story = Settling("alpha 100000 100ms\nbeta 100010 100ms", settings)
        self.settings = self.story.settings

    def audited(self) -> None:
        records = self.story.simulation.records
        with localcontext(MONEY):
            for record in records[self.read :]:
                self.books.read(record)
                self.outbox.read(record)
        self.read = len(records)
        if self.read % 4 == 0:  # it goes on from a snapshot: nothing may tell
            self.story.simulation.desk = copied(self.story.simulation.desk)

    @rule(
        side=st.sampled_from("bs"),
        amount=st.sampled_from(["0.2", "0.5", "1"]),
        days=st.sampled_from(["", "t+1", "t+1", "t+2", "t+3"]),
        word=st.sampled_from(["fill", "fill", "fill", "reject", "lost", "silence"]),
    )
    def deal(self, side: str, amount: str, days: str, word: str) -> None:
        for script in self.story.lps.values():
            script.orders = [word]
        self.story.types(f"{side} {amount} btc/usdt {days}")
        self.story.later("1s")
        self.story.types("p")
        self.story.later("1s")
        self.audited()

    @rule(wait=st.sampled_from(["10min", "1h", "1h", "7h", "1d", "1d", "4d"]))
    def wait(self, wait: str) -> None:
        self.story.later(wait)
        self.audited()

    @rule(
        word=st.sampled_from(["deposit", "withdraw", "withdraw"]),
        amount=st.sampled_from(["0.1 btc", "0.5 btc", "20000 usdt", "100000 usdt"]),
        account=ACCOUNTS,
    )
    def pay(self, word: str, amount: str, account: str) -> None:
        self.story.types(f"{word} {amount} {account}")
        self.audited()

    @rule(picks=PICKS)
    def gather(self, picks: list[int]) -> None:
        """Of the newest trades, also such that cannot be."""
        known = list(self.books.trades)[-6:]
        names = tuple(known[pick % len(known)] for pick in picks) if known else ("T-000001",)
        self.story.does(cmd.CreateSettlement(trades=names))
        self.audited()

    @rule(pick=st.integers(1, 4))
    def settle(self, pick: int) -> None:
        known = list(self.books.created)[-4:]
        name = known[pick % len(known)] if known else "S-000009"
        self.story.does(cmd.SettleNow(settlement_id=name))
        self.audited()

    @rule(
        pick=st.integers(0, 3),
        word=st.sampled_from(["delivered", "again", "dead", "gone"]),
        person=st.booleans(),
    )
    def endpoint_answers(self, pick: int, word: str, person: bool) -> None:
        """And a person may want it tried again, whether or not there is reason to."""
        answer = self.outbox.answer(pick, word, self.story.simulation.clock.now())
        self.story.does(answer)
        if person:
            self.story.types(f"webhook resend {answer.event_id}")
            self.story.types(f"webhook enable {answer.endpoint}")
        self.audited()

    @rule(agreed=st.booleans())
    def restart(self, agreed: bool) -> None:
        """Sometimes the two no longer agree on anything, or agree again."""
        pairs = self.settings.trade_settlement_pairs if agreed else ()
        self.story.settings = replace(self.settings, trade_settlement_pairs=pairs)
        self.story.restarts()
        self.audited()

    def teardown(self) -> None:
        """Left alone, every trade ends settled or rejected (I17); and all of it replays."""
        for script in self.story.lps.values():
            script.orders, script.queries = ["reject"], ["reject"]
        self.story.later("12d")
        self.audited()
        assert set(self.books.states.values()) <= {"settled", "failed", "rejected"}
        assert not self.books.holds
        delayed = self.story.simulation.desk.delayed
        assert not delayed.waiting and not delayed.settlements and delayed.due is None
        rows = {(row.event_id, row.endpoint): row.state for row in self.story.see().webhooks}
        assert rows == self.outbox.states
        REACHED.update(self.books.reached)
        again = Desk()
        for record in self.story.simulation.records:
            events = again.step(record.cause, record.at)
            assert msgspec.json.encode(events) == msgspec.json.encode(record.events)


WANTED = set(
    "TradeExecuted TradeRejected TradeSettled TradeFailed TradeUnknown SettlementCreated"
    " SettlementAttempted SettlementFailed SettlementSettled SettlementRejected Deposited"
    " Withdrawn HoldPlaced HoldResolved CommandRefused WebhookQueued WebhookTried WebhookResent"
    " EndpointDisabled EndpointEnabled".split()
)


def test_the_books_agree_whatever_happens() -> None:
    profile = hypothesis_settings.default
    assert profile is not None
    examples = 2 * profile.max_examples
    run_state_machine_as_test(
        Settlements,
        settings=hypothesis_settings(profile, stateful_step_count=30, max_examples=examples),
    )
    assert WANTED <= REACHED, WANTED - REACHED
