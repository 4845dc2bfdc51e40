"""What a screen keeps of delayed trades: bounded, and nothing that still waits is dropped."""

from __future__ import annotations

from decimal import Decimal

from lpdesk.views import blotter, settlements
from tests.core.settling import ALPHA, Settling, organization, settling

D = Decimal
BUY = "b 0.1 btc/usdt t+1"


def test_what_waits_stays_on_the_blotter_however_much_is_dealt(monkeypatch) -> None:
    monkeypatch.setattr(blotter, "KEPT_TRADES", 3)
    desk = Settling(ALPHA, settling(organization("1000000")))
    desk.deals(BUY, "b 0.1 btc/usdt", BUY, *["b 0.1 btc/usdt"] * 4)
    assert [row.trade_id for row in desk.see().trades] == ["T-000007", "T-000003", "T-000001"]
    desk.deals(BUY, BUY)
    assert desk.states() == "pending pending pending pending"
    assert len(desk.see().forecast()) == 2


def test_open_settlements_are_kept_and_old_ends_make_room(monkeypatch) -> None:
    monkeypatch.setattr(settlements, "KEPT_SETTLEMENTS", 2)
    desk = Settling(ALPHA, settling(organization("20010", own="0")))
    desk.deals(BUY, BUY, BUY, BUY)
    desk.types("settle new T-1", "settle S-1", "settle new T-2", "settle new T-3")
    assert desk.settlements() == ["S-000002 pending T-000002", "S-000003 pending T-000003"]
    desk.types("settle new T-4", "settle S-2")
    assert [row.settlement_id for row in desk.see().settlements] == [
        "S-000004",
        "S-000003",
        "S-000002",
    ]


def test_a_settlement_counts_down_to_its_next_attempt_and_then_has_none() -> None:
    desk = Settling(ALPHA, settling(organization("0")))
    desk.deals(BUY)
    desk.types("settle new T-1")
    began = desk.simulation.clock.now()
    assert desk.newest.next_at == began + 300 * 10**9
    desk.later("6min")
    assert desk.newest.state == "settlement_failed"
    assert desk.newest.next_at == began + (300 + 3_600) * 10**9
    assert [short.missing for short in desk.newest.shortfalls] == [D("10005.00")]
    desk.later("1d")
    assert desk.newest.state == "rejected" and not desk.newest.open
    assert desk.see().forecast() == () and desk.trade.over


def test_the_accounts_on_the_screen_are_the_ledgers() -> None:
    desk = Settling(ALPHA, settling(organization("200000", "5", own="1000")))
    desk.lps["alpha"].orders = ["fill", "fill", "silence"]
    desk.deals(BUY, "s 1 btc/usdt", "b 1 btc/usdt")
    view, ledger = desk.see(), desk.simulation.desk.state.ledger
    shown = {key: sum_ for key, sum_ in view.accounts.balances.items() if sum_}
    assert shown == {
        key: sum_
        for key, sum_ in ledger.balances.items()
        if sum_ and not key[0].startswith(("lp:", "world"))
    }
    assert view.accounts.held() == {key: sum_ for key, sum_ in ledger.held.items() if sum_}
    available = view.accounts.available()
    assert all(available[key] == ledger.available(*key) for key in available)
