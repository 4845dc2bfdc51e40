"""Domain rule 9: dealt now and settled later; gathered, tried, tried again, settled or rejected."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.engines import delayed
from tests.core.settling import ALPHA, START, Settling, asked, organization, settling

D = Decimal
BUY, SELL = "b 1 btc/usdt t+1", "s 1 btc/usdt t+1"


def story(acme=None, table: str = ALPHA, **policy) -> Settling:
    return Settling(table, settling(acme, **policy))


# ---- the whole way


def test_dealt_today_settled_tomorrow() -> None:
    desk = story()
    desk.deals(BUY)
    assert desk.trade.state == "pending" and desk.trade.settles == "01-20"
    assert desk.booked("client:acme") == {"USDT": 1_000_000}  # the client's side waits
    assert desk.booked("lp:alpha") == {"BTC": -1, "USDT": 100_000}  # ours does not
    assert desk.booked("liquidity:otc") == {"BTC": 1} and desk.booked("desk") == {"USDT": -100_000}
    desk.later("2d")
    assert desk.settlements() == ["S-000001 settled T-000001"] and desk.states() == "settled"
    assert desk.when(ev.SettlementCreated, ev.SettlementSettled) == [
        "2026-01-20T16:00",
        "2026-01-20T16:05",
    ]
    assert desk.booked("client:acme") == {"USDT": D(1_000_000) - D("100050.00"), "BTC": 1}
    assert desk.booked("liquidity:otc") == {} and desk.booked("desk") == {"USDT": 50}


@pytest.mark.parametrize("line", ["b 1 btc/usdt", "s 1.5 btc/usdt", "b 50k usdt btc/usdt"])
def test_it_earns_what_settling_at_once_earns(line: str) -> None:
    rich = organization("1000000", "10")
    at_once, later = story(rich), story(rich)
    at_once.deals(line)
    later.deals(f"{line} t+1")
    assert later.see().status.pnl == () or not any(later.see().status.pnl)
    later.later("2d")
    figures = [
        (row.pnl, row.pnl_bps, row.residual, row.lp_price) for row in (at_once.trade, later.trade)
    ]
    assert figures[0] == figures[1]
    for account in ("client:acme", "desk", "desk:fees", "lp:alpha"):
        assert at_once.booked(account) == later.booked(account)


def test_the_order_of_things() -> None:
    desk = story()
    desk.deals(BUY)
    fill = next(r for r in desk.simulation.records if isinstance(r.cause, rep.OrderFilled))
    hedged = [type(event).__name__ for event in fill.events]
    assert hedged == ["LegFilled", "Transferred", "TradeExecuted"]
    desk.later("2d")
    attempt = [type(event).__name__ for event in desk.simulation.records[-1].events]
    assert attempt == (
        "SettlementAttempted HoldPlaced HoldPlaced HoldResolved HoldResolved Transferred"
        " TradeSettled SettlementSettled".split()
    )


def test_no_money_is_needed_to_deal_and_nothing_is_held() -> None:
    desk = story(organization())
    desk.deals(BUY)
    assert desk.events(ev.HoldPlaced) == [] and desk.states() == "pending"


def test_a_hedge_that_fails_leaves_nothing_to_settle() -> None:
    desk = story()
    desk.lps["alpha"].orders = ["reject"]
    desk.deals(BUY)
    desk.later("3d")
    assert desk.states() == "failed" and desk.settlements() == []
    assert desk.booked("client:acme") == {"USDT": 1_000_000} and desk.booked("desk") == {}
    assert desk.types("settle new T-1") == "trades: must be executed_pending_settlement"


def test_an_unknown_outcome_may_turn_out_to_wait_for_settlement() -> None:
    desk = story()
    desk.lps["alpha"].orders = ["lost"]
    desk.deals(BUY)
    desk.later("2d")
    assert desk.events(ev.TradeUnknown) and desk.states() == "settled"


# ---- what a request must say


REFUSED = [
    ({"client": "noether"}, "settlement: delayed settlement is not enabled for noether"),
    ({"desk": ""}, "trade_desk: delayed settlement needs an explicit trade desk"),
    ({"skip_retry": False}, "skip_retry: delayed settlement needs skip_retry"),
    ({"desk": "vault"}, "trade_desk: Trade Settlement Pair Not Found"),
    ({"desk": "bank"}, "trade_desk: bank is not one"),
    (
        {"settle_days": 999},
        "settlement: the every day calendar ends before: a restart of the desk extends it",
    ),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_a_delayed_request_must_say(changes: dict[str, object], said: str) -> None:
    assert story().does(asked(**changes)) == said


def test_without_a_day_of_its_own_a_trade_has_the_pairs() -> None:
    desk = story(auto_settlement_days=2)
    assert desk.does(asked()) == ""
    desk.later("1s")
    desk.types("p")
    desk.later("1s")
    assert desk.trade.settles == "01-21"


def test_the_dealers_t_plus_n_means_the_desk_that_the_client_settles_with() -> None:
    desk = story()
    desk.deals(BUY, f"{BUY} via otc")
    assert [opened.desk for opened in desk.events(ev.TradeOpened)] == ["otc", "otc"]
    assert desk.types(f"{BUY} via vault") == "trade_desk: Trade Settlement Pair Not Found"


# ---- attempts


def test_failed_then_tried_again_then_settled() -> None:
    desk = story(organization("60000", own="20000"))
    desk.deals(BUY)
    desk.later("26h")
    assert desk.settlements() == ["S-000001 settlement_failed T-000001"]
    assert desk.short() == ["settlement:acme 80050 USDT"]
    assert desk.types("deposit 40050 usdt @acme") == ""
    desk.later("1h")
    assert desk.when(ev.SettlementFailed, ev.SettlementSettled) == [
        "2026-01-20T16:05",
        "2026-01-20T17:05",
    ]
    assert desk.states() == "settled" and not desk.trade.integrator_settled
    assert [row.outcome for row in desk.newest.attempts] == ["failed", "settled"]


def test_the_settlement_account_steps_in_trade_by_trade() -> None:
    desk = story(organization("100050", own="500000"))
    desk.deals(BUY, BUY)
    desk.later("2d")
    (settled,) = desk.events(ev.SettlementSettled)
    assert settled.integrator_settled and settled.integrator_trades == ("T-000002",)
    told = [event.integrator_settled for event in desk.events(ev.TradeSettled)]
    assert told == [False, True]
    assert desk.booked("client:acme") == {"BTC": 2}
    assert desk.booked("settlement:acme") == {"USDT": D(500_000) - D("100050.00")}


def test_one_trade_short_and_the_whole_attempt_moves_nothing() -> None:
    desk = story(organization("150000"), settlement_account="")
    desk.deals(BUY, BUY, SELL)
    before = desk.booked("client:acme"), desk.booked("liquidity:otc")
    desk.later("26h")
    assert desk.settlements() == ["S-000001 settlement_failed T-000001 T-000002 T-000003"]
    assert sorted(desk.short()) == ["client:acme 1 BTC", "client:acme 50100 USDT"]
    assert (desk.booked("client:acme"), desk.booked("liquidity:otc")) == before
    assert not desk.simulation.desk.state.ledger.holds
    placed, resolved = desk.events(ev.HoldPlaced), desk.events(ev.HoldResolved)
    assert len(placed) == len(resolved) == 4 and not any(each.posted for each in resolved)


def test_the_trade_desk_may_be_the_one_that_is_short() -> None:
    desk = story()
    desk.deals(BUY)
    assert desk.types("withdraw 0.4 btc liquidity:otc") == ""
    desk.later("26h")
    assert desk.short() == ["liquidity:otc 0.4 BTC"] and desk.states() == "pending"
    desk.types("deposit 0.4 btc liquidity:otc", "settle S-1")
    assert desk.states() == "settled"


def test_rejected_when_the_time_is_up_and_the_desk_keeps_its_hedge() -> None:
    desk = story(organization("100050"), settlement_account="")
    desk.deals(BUY, BUY)
    desk.later("40h")
    assert desk.settlements() == ["S-000001 rejected T-000001 T-000002"]
    assert desk.states() == "rejected rejected"
    assert desk.when(ev.SettlementRejected) == ["2026-01-21T02:00"]
    assert len(desk.events(ev.SettlementFailed)) == 10
    said = desk.events(ev.TradeRejected)[0]
    assert (said.position, said.text) == (
        1,
        "the desk stays long 1 BTC of its hedge at 100000 with alpha",
    )
    assert desk.booked("client:acme") == {"USDT": 100_050} and desk.booked("liquidity:otc") == {}
    assert desk.booked("desk") == {"BTC": 2, "USDT": -200_000}


def test_a_desk_that_slept_over_it_still_tries_once_before_it_rejects() -> None:
    desk = story()
    desk.deals(BUY)
    desk.simulation.clock.advance_to(START + 5 * 86_400 * 10**9)
    desk.does(rep.Pulse())
    assert desk.states() == "pending" and desk.newest.open  # gathered late, its time runs from now
    desk.simulation.clock.advance_to(START + 9 * 86_400 * 10**9)
    desk.does(rep.Pulse())
    assert desk.states() == "settled"


# ---- by hand


def test_gathered_by_hand_and_tried_by_hand() -> None:
    desk = story()
    desk.deals(BUY, SELL, BUY)
    assert desk.types("settle new T-1 T-3") == ""
    (created,) = desk.events(ev.SettlementCreated)
    assert created.asset_exposures == {"BTC": 2} and created.cash_exposures == {"USDT": 200_100}
    assert not created.automatic and created.broker_account == "settlement:acme"
    assert desk.types("settle S-1") == ""
    assert desk.settlements() == ["S-000001 settled T-000001 T-000003"]
    assert desk.types("settle S-1") == "settlement: S-000001 is settled"
    assert desk.types("settle S-2") == "settlement: S-000002 is not known"


def test_sells_are_exposures_the_other_way() -> None:
    desk = story()
    desk.deals(BUY, SELL, SELL)
    desk.types("settle new T-1 T-2 T-3")
    (created,) = desk.events(ev.SettlementCreated)
    assert created.asset_exposures == {"BTC": -1}
    assert created.cash_exposures == {"USDT": D("100050.00") - 2 * D("99950.00")}


def gathered(*trades: str, pair_id: str = "", organization: str = "") -> cmd.CreateSettlement:
    return cmd.CreateSettlement(trades=trades, pair_id=pair_id, organization=organization)


BY_HAND = [
    (gathered(), "trades: No facilitated trades found"),
    (gathered("T-000009"), "trades: No facilitated trades found"),
    (gathered("T-000001", "Q-000009"), "trades: No facilitated trades found"),
    (gathered("T-000001", organization="noether"), "trades: No facilitated trades found"),
    (gathered("T-000001", pair_id="gauss-otc"), "trades: No facilitated trades found"),
    (gathered("T-000001", pair_id="acme-bank"), "pair: Trade Settlement Pair Not Found"),
    (
        gathered("T-000001", pair_id="acme-otc", organization="noether"),
        "pair: Trade Settlement Pair Not Found",
    ),
    (gathered("T-000003"), "trades: must be executed_pending_settlement"),
    (gathered("T-000001", "T-000003"), "trades: must be executed_pending_settlement"),
    (gathered("T-000001", pair_id="acme-vault"), "trades: must be same trade desk"),
    (gathered("T-000002"), "trades: T-000002 is in S-000001 already"),
]


@pytest.mark.parametrize(("command", "said"), BY_HAND)
def test_what_cannot_be_gathered(command: cmd.CreateSettlement, said: str) -> None:
    """T-1 waits, T-2 is in a settlement, T-3 was settled at once."""
    settings = settling(organization("1000000"))
    vault = replace(settings.trade_settlement_pairs[0], id="acme-vault", trade_desk="vault")
    pairs = (*settings.trade_settlement_pairs, vault)
    desk = Settling(ALPHA, replace(settings, trade_settlement_pairs=pairs))
    desk.deals(f"{BUY} via otc", f"{BUY} via otc", "b 1 btc/usdt")
    assert desk.does(gathered("T-000002")) == ""
    assert desk.does(command) == said
    assert len(desk.events(ev.SettlementCreated)) == 1


def test_a_trade_is_named_by_its_quote_or_its_request_too_and_once() -> None:
    desk = story()
    desk.deals(BUY)
    assert desk.does(gathered("Q-000001", "R-000001", "T-000001", organization="acme")) == ""
    assert desk.settlements() == ["S-000001 pending T-000001"]


def test_another_organizations_settlement_is_not_known() -> None:
    desk = story()
    desk.deals(BUY)
    desk.types("settle new T-1")
    command = cmd.SettleNow(settlement_id="S-000001", organization="noether")
    assert desk.does(command) == "settlement: S-000001 is not known"


# ---- restarts, time and limits


def test_a_restart_forgets_nothing_and_a_new_agreement_changes_no_old_trade() -> None:
    desk = story(organization("100050"), settlement_account="")
    desk.deals(BUY, BUY)
    desk.types("settle new T-1")
    desk.settings = replace(desk.settings, trade_settlement_pairs=(), calendars=())
    desk.restarts()
    desk.types("settle S-1")
    desk.later("2d")
    assert desk.settlements() == ["S-000001 settled T-000001", "S-000002 rejected T-000002"]


def test_what_is_not_delayed_is_not_delayed_by_a_halt() -> None:
    desk = story()
    desk.deals(BUY)
    desk.types("halt")
    desk.later("2d")
    assert desk.states() == "settled"


def test_the_rolling_limit_counts_a_day_and_not_what_failed() -> None:
    desk = story(organization("1000000", rolling_limit=D(150_000)))
    desk.lps["alpha"].orders = ["reject", "fill"]
    desk.deals(BUY, BUY, "b 0.4 btc/usdt")
    assert desk.states() == "failed pending settled"
    desk.types("b 0.2 btc/usdt")
    desk.later("1s")
    assert desk.types("p") == "amount: Rolling Limit Reached"
    desk.later("1d")
    desk.deals("b 0.2 btc/usdt")


def test_the_forecast_says_when_what_is_short() -> None:
    desk = story(organization("100050", own="30000"))
    desk.deals(BUY, "b 0.5 btc/usdt t+1", "b 0.1 btc/usdt t+3")
    desk.types("withdraw 0.25 btc liquidity:otc", "settle new T-1")
    needs = [
        f"{need.account} {need.asset} {need.needed.normalize():f} {need.short.normalize():f}"
        for need in desk.see().forecast()
    ]
    assert needs == [
        "client:acme USDT 100050 0",
        "liquidity:otc BTC 1 0",
        "settlement:acme USDT 50025 20025",
        "liquidity:otc BTC 0.5 0.15",
        "settlement:acme USDT 10005 10005",
        "liquidity:otc BTC 0.1 0.1",
    ]


# ---- money from outside

CASH = [
    ("deposit 1 usdt @nobody", "account: client:nobody is not an account here"),
    ("withdraw 1 usdt desk", "account: desk is not an account here"),
    ("deposit 1.234 usdt", "amount: USDT has 2 decimals"),
    ("withdraw 1000000.01 usdt", "amount: client:acme is short of 0.01 USDT"),
    ("withdraw 1 btc settlement:acme", "amount: settlement:acme is short of 1 BTC"),
]


@pytest.mark.parametrize(("line", "said"), CASH)
def test_what_cannot_be_paid(line: str, said: str) -> None:
    desk = story()
    assert desk.types(line) == said
    assert desk.events(ev.Deposited, ev.Withdrawn) == []


def test_paid_in_and_out() -> None:
    desk = story()
    desk.types("deposit 0.5 btc", "withdraw 1k usdt @acme", "deposit 7 usdt settlement:acme")
    assert desk.booked("client:acme") == {"USDT": 999_000, "BTC": D("0.5")}
    assert desk.booked("settlement:acme") == {"USDT": 7}


def test_what_is_held_cannot_be_withdrawn() -> None:
    desk = story(organization("100050"))
    desk.lps["alpha"].orders = ["silence"]
    desk.types("b 1 btc/usdt")
    desk.later("1s")
    desk.types("p")
    assert desk.types("withdraw 0.01 usdt") == "amount: client:acme is short of 0.01 USDT"


def test_too_many_trades_are_several_settlements_and_no_pulse_tries_more(monkeypatch) -> None:
    monkeypatch.setattr(delayed, "MAX_TRADES", 2)
    desk = story()
    desk.deals(*[BUY] * 5)
    too_many = desk.does(gathered("T-000001", "T-000002", "T-000003"))
    assert too_many == "trades: 3 trades: at most 2 in one settlement"
    desk.later("2d")
    assert desk.settlements() == [
        "S-000001 settled T-000001 T-000002",
        "S-000002 settled T-000003 T-000004",
        "S-000003 settled T-000005",
    ]
    tried = [
        sum(isinstance(event, ev.TradeSettled) for event in record.events)
        for record in desk.simulation.records
    ]
    assert max(tried) == 2
