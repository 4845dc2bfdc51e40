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
