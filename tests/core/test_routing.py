"""Domain rules 8 and 9: which trade desk is asked, and when its backup is."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.settings import TradeDesk
from tests.core.settling import asked
from tests.core.story import PLAIN, Story

ROUTES = [
    # line, who is asked; alpha is the default desk's and declines, beta the backup's
    ("b 1 btc/usdt", "alpha beta"),
    ("b 1 btc/usdt via prime", "alpha"),
    ("b 1 btc/usdt via spare", "beta"),
    ("b 1 btc/usdt via alpha", "alpha"),
    ("b 1 btc/usdt via beta", "beta"),
]
DESKS = replace(
    PLAIN,
    trade_desks=(TradeDesk(name="prime", lps=("alpha",)), TradeDesk(name="spare", lps=("beta",))),
)


@pytest.mark.parametrize(("line", "asked_"), ROUTES)
def test_the_backup_is_asked_when_the_default_gives_an_error(line: str, asked_: str) -> None:
    desk = Story(
        "alpha - 100ms\nbeta 100000 100ms\ngamma 1 1ms",
        DESKS,
        default_desk="prime",
        backup_desk="spare",
    )
    desk.types(line)
    desk.later("3s")
    asked_lps = dict.fromkeys(event.lp for event in desk.events(ev.LpAsked))
    assert " ".join(asked_lps) == asked_
    rerouted = [event.desk for event in desk.events(ev.RfqRerouted)]
    assert rerouted == (["spare"] if asked_ == "alpha beta" else [])
    assert bool(desk.card.quote) is ("beta" in asked_)


def test_skip_retry_does_without_the_backup_and_a_good_default_needs_none() -> None:
    request = replace(asked(), desk="", delayed=False)
    for table, ends in (("alpha - 1ms\nbeta 1 1ms", True), ("alpha 100000 1ms\nbeta 1 1ms", False)):
        desk = Story(table, DESKS, default_desk="prime", backup_desk="spare")
        desk.does(replace(request, skip_retry=ends))
        desk.later("3s")
        assert {event.lp for event in desk.events(ev.LpAsked)} == {"alpha"}
        assert (desk.card.end is not None) is ends


@pytest.mark.parametrize("polling", ["each", "round"])
def test_a_backup_without_liquidity_ends_it(polling: str) -> None:
    desk = Story(
        "alpha never\nbeta - 1ms", DESKS, default_desk="prime", backup_desk="spare", polling=polling
    )
    desk.types("b 1 btc/usdt")
    desk.later("10s")
    assert desk.table().splitlines()[0] == "ended: no liquidity"
    assert len(desk.events(ev.RfqRerouted)) == 1


def test_the_trade_says_which_desk_it_is_with() -> None:
    desk = Story("alpha - 1ms\nbeta 100000 1ms", DESKS, default_desk="prime", backup_desk="spare")
    desk.types("b 1 btc/usdt")
    desk.later("1s")
    desk.types("p")
    desk.later("1s")
    assert [opened.desk for opened in desk.events(ev.TradeOpened)] == ["spare"]
    assert desk.trade.state == "settled"


# ---- and when its backup hedges, because the desk will not

TWO = {"default_desk": "prime", "backup_desk": "spare", "backup_at_execution": True}
EXPLICIT = {"skip_retry": True}, {"desk": "prime"}, {"via": "alpha"}


def rejected(
    beta: str = "beta 100020 100ms",
    request: str = "b 1 btc/usdt",
    word: str = "reject",
    valid: str = "10s",
    **rules: object,
) -> Story:
    """A trade with the default desk's alpha at 100000, whose order alpha treats as said."""
    desk = Story(f"alpha 100000 100ms valid {valid}\n{beta}", DESKS, **(TWO | rules))
    desk.lps["alpha"].orders = [word]
    desk.types(request)
    desk.later("1s")
    assert desk.types("p") == ""
    return desk


def sent(desk: Story) -> list[str]:
    return [order.lp for order in desk.events(ev.OrderSent)]


def untouched(desk: Story) -> bool:
    """Nothing has moved, and nothing is held."""
    holds = [hold.posted for hold in desk.events(ev.HoldResolved)]
    return desk.available("client:acme", "USDT") == 10_000_000 and holds == [False]


@pytest.mark.parametrize("request_", ["b 1 btc/usdt", "s 1 btc/usdt", "b 50k usdt btc/usdt"])
def test_a_reject_at_execution_goes_to_the_backup_at_the_agreed_price(request_: str) -> None:
    price = "100020" if request_ == "b 1 btc/usdt" else "99980"
    desk = rejected(f"beta {price} 100ms", request_)
    (opened,) = desk.events(ev.TradeOpened)
    desk.later("2s")
    (rerouted,) = desk.events(ev.RfqRerouted)
    assert (rerouted.desk, rerouted.reason.value) == ("spare", "last look")
    assert sent(desk) == ["alpha", "beta"]
    alpha, beta = desk.events(ev.OrderSent)
    assert beta.quantity == alpha.quantity
    trade = desk.trade
    assert (trade.state, trade.desk, trade.tried) == ("settled", "spare", ("alpha", "beta"))
    assert trade.client_price == opened.client_price
    assert [hold.posted for hold in desk.events(ev.HoldResolved)] == [True]


@pytest.mark.parametrize("beta", ["beta - 1ms", "beta never", "beta 100050.01 1ms"])
def test_a_backup_that_has_no_price_within_the_limit_fails_the_trade(beta: str) -> None:
    desk = rejected(beta)
    desk.later("3s")
    assert desk.trade.state == "failed" and "last look" in desk.trade.text
    assert sent(desk) == ["alpha"] and untouched(desk)


def test_a_backup_that_rejects_as_well_is_the_end() -> None:
    desk = rejected()
    desk.lps["beta"].orders = ["reject"]
    desk.later("3s")
    assert desk.trade.state == "failed" and untouched(desk)
    assert sent(desk) == ["alpha", "beta"] and len(desk.events(ev.RfqRerouted)) == 1


@pytest.mark.parametrize("said", EXPLICIT)
def test_skip_retry_or_an_explicit_desk_does_without(said: dict[str, object]) -> None:
    desk = Story("alpha 100000 1ms\nbeta 100000 1ms", DESKS, **TWO)
    desk.lps["alpha"].orders = ["reject"]
    desk.does(replace(asked(), **({"desk": "", "delayed": False, "skip_retry": False} | said)))
    desk.later("1s")
    desk.types("p")
    desk.later("3s")
    assert desk.trade.state == "failed" and untouched(desk)
    assert desk.asked("beta") == "" and sent(desk) == ["alpha"]


def test_an_unknown_outcome_asks_nobody_else() -> None:
    """Only the LP's own word that it did not fill brings the backup in."""
    desk = rejected(word="lost")
    desk.lps["alpha"].queries = ["no answer"] * 4 + ["fill"]
    desk.later("60s")
    assert desk.trade.state == "settled" and sent(desk) == ["alpha"]
    assert desk.asked("beta") == ""


def test_an_unknown_outcome_that_proves_a_reject_in_time_is_hedged_elsewhere() -> None:
    desk = rejected(word="lost")
    desk.lps["alpha"].queries = ["no answer", "reject"]
    desk.later("3s")
    assert desk.trade.state == "settled" and sent(desk) == ["alpha", "beta"]


def test_not_when_the_clients_quote_has_run_out() -> None:
    """What the backup would be asked for is not what the client was promised any more."""
    desk = rejected(word="lost")
    desk.lps["alpha"].queries = ["no answer"] * 8 + ["reject"]
    desk.later("60s")
    assert desk.trade.state == "failed" and untouched(desk)
    assert sent(desk) == ["alpha"] and desk.asked("beta") == ""


def test_a_backup_that_answers_when_the_quote_has_run_out_is_not_dealt_on() -> None:
    desk = rejected("beta 100000 1990ms", word="lost", valid="6s")
    desk.lps["alpha"].queries = ["no answer"] * 2 + ["reject"]
    desk.later("60s")
    assert desk.events(ev.RfqRerouted) and desk.trade.state == "failed"
    assert sent(desk) == ["alpha"] and untouched(desk)


def test_a_restart_while_the_backup_is_asked_fails_the_trade() -> None:
    """Nothing is out: all that was sent has been rejected."""
    desk = rejected("beta 100020 1s")
    desk.later("100ms")
    assert desk.events(ev.RfqRerouted)
    desk.restarts()
    desk.later("5s")
    assert desk.trade.state == "failed" and "restarted" in desk.trade.text
    assert sent(desk) == ["alpha"] and untouched(desk)


def test_the_kill_switch_while_the_backup_is_asked_sends_nothing() -> None:
    desk = rejected("beta 100020 1s")
    desk.later("100ms")
    desk.types("halt")
    desk.later("5s")
    assert desk.trade.state == "failed" and sent(desk) == ["alpha"] and untouched(desk)


def test_its_race_is_kept_however_many_follow() -> None:
    desk = rejected("beta 100020 100ms", max_live_rfqs=500)
    for _ in range(100):
        desk.types("b 1 btc/usdt", "cancel")
    desk.later("2s")
    assert {trade.state for trade in desk.see().trades} == {"settled"}


def test_the_first_desks_did_not_and_their_journals_still_verify() -> None:
    desk = rejected(backup_at_execution=False)
    desk.later("3s")
    assert desk.trade.state == "failed" and desk.asked("beta") == ""
