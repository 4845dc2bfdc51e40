"""Pools on the desk: computed prices, parts of a size, information only, and the fallback."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.pools import ProductPool
from lpdesk.domain.settings import Lp, Routing
from lpdesk.domain.values import SECOND
from tests.core.story import PLAIN, Story

D = Decimal
DEEP = ProductPool(decimals=(8, 6), reserves=(D(3000 * 10**8), D(300_000_000 * 10**6)))
SHALLOW = ProductPool(decimals=(8, 6), reserves=(D(30 * 10**8), D(3_000_000 * 10**6)))
POOL = Lp(name="pool", kind="pool")
LAST = replace(POOL, fallback=True)


def story(table: str, lp: Lp = POOL, pool: ProductPool | None = DEEP, **rules) -> Story:
    """With a pool that the script line only names: its price is computed by the desk."""
    told = Story(f"{table}\npool never", replace(PLAIN, lps=(lp,)), **rules)
    if pool is not None:
        told.does(rep.PoolRead(lp="pool", symbol="BTC/USDT", pool=pool))
    return told


def market(told: Story, mid: str = "100000") -> None:
    """Somebody streams a top of book, so that there is something to compare with."""
    half = D(5)
    told.does(
        rep.LpStreamed(
            lp="alpha", symbol="BTC/USDT", bid=D(mid) - half, ask=D(mid) + half, bid_size=D(1),
            ask_size=D(1),
        )
    )  # fmt: skip


def test_a_pool_quotes_at_once_what_its_curve_says() -> None:
    told = story("alpha 100500 100ms")
    told.types("b 1.5 btcusdt")
    assert told.card.quote.lp == "pool"
    cash = told.card.quote.lp_price * D("1.5")
    exact = 3 * 10**14 * 15 * 10**7 * 1000 // ((3 * 10**11 - 15 * 10**7) * 997) + 1
    assert abs(cash - D(exact) / 10**6) < D("1e-9")
    told.types("p")
    told.later("1s")
    assert told.trade.state == "settled" and told.trade.lp == "pool"


def test_a_pool_for_information_only_is_shown_and_never_dealt() -> None:
    told = story("alpha 100500 100ms", replace(POOL, indicative=True))
    told.types("b 1.5 btcusdt")
    told.later("1s")
    assert told.card.quote.lp == "alpha"
    assert [row.state for row in told.card.rows if row.lp == "pool"] == ["indicative"]
    assert next(row.all_in for row in told.card.rows if row.lp == "pool") > 100_000


def test_an_old_or_unread_pool_has_no_price() -> None:
    told = story("alpha 100500 100ms", pool=None)
    told.types("b 1.5 btcusdt")
    assert "pool stale" in told.table()
    told.does(rep.PoolRead(lp="pool", symbol="BTC/USDT", pool=DEEP, validity_ns=3 * SECOND))
    told.later("600ms")
    assert "pool stale" not in told.table()
    told.later("5s")
    told.types("b 1.5 btcusdt")
    assert "pool stale" in told.table()


def test_a_pool_and_an_lp_share_a_size() -> None:
    """The pool gives what it has better than alpha's price, and not a unit more."""
    told = story("alpha 100400 100ms size 2", pool=DEEP, routing=Routing.COMPOSITE)
    told.lps["alpha"].prices = ["100360"]
    streams = replace(told.settings, lps=(POOL, Lp(name="alpha", kind="stream")))
    told.settings = streams
    told.restarts()
    told.does(rep.PoolRead(lp="pool", symbol="BTC/USDT", pool=DEEP))
    told.types("b 2 btcusdt")
    told.later("200ms")
    quote = told.card.quote
    assert {leg.lp for leg in quote.legs} == {"alpha", "pool"}
    assert sum(leg.quantity for leg in quote.legs) == 2
    assert quote.all_in < 100360
    told.types("p")
    told.later("1s")
    assert told.trade.state == "settled" and len(told.trade.legs) == 2
    assert told.see().status.uncovered == 0


# ---- the fallback


def test_the_fallback_is_asked_only_when_no_lp_can_quote() -> None:
    told = story("alpha 100500 100ms", LAST)
    market(told)
    told.types("b 0.5 btcusdt")
    told.later("1s")
    assert told.card.quote.lp == "alpha" and "pool" not in told.table()


def test_with_every_lp_down_the_pool_answers_and_the_dealer_reads_why() -> None:
    told = story("alpha - 100ms\nbeta never", LAST)
    market(told)
    told.types("b 0.5 btcusdt")
    told.later("2.1s")
    assert told.card.quote.lp == "pool"
    (fell,) = told.events(ev.RfqFellBack)
    assert fell.text == "alpha declined, beta late" and fell.lps == ("pool",)
    said = told.see().notices[0].text
    assert said == "R-000001 no LP quotes (alpha declined, beta late): asking pool"
    told.types("p")
    told.later("1s")
    assert told.trade.state == "settled"


def test_an_lp_that_comes_back_is_used_again() -> None:
    told = story("alpha - 100ms", LAST)
    market(told)
    told.types("b 0.5 btcusdt")
    told.later("1s")
    assert told.card.quote.lp == "pool"
    told.types("cancel")
    told.lps["alpha"].prices = ["100010"]
    told.types("b 0.5 btcusdt")
    told.later("1s")
    assert told.card.quote.lp == "alpha" and len(told.events(ev.RfqFellBack)) == 1


@pytest.mark.parametrize(
    ("pool", "mid", "why"),
    [
        (DEEP, "", "no reference to compare with"),
        (DEEP, "98000", "bp from the reference"),
        (SHALLOW, "100000", "moves the pool by"),
    ],
)
def test_the_band_and_the_cap_of_the_fallback(pool: ProductPool, mid: str, why: str) -> None:
    told = story("alpha - 100ms", LAST, pool)
    if mid:
        market(told, mid)
    told.types("b 0.5 btcusdt")
    told.later("1s")
    assert told.card.end is ev.RfqEnd.NO_LIQUIDITY
    assert why in next(row.text for row in told.card.rows if row.lp == "pool")
    assert "alpha declined" in told.see().notices[0].text


def test_a_live_request_whose_lps_all_leave_falls_back_too() -> None:
    stream = replace(PLAIN, lps=(LAST, Lp(name="alpha", kind="stream")))
    told = Story("alpha 100010 100ms\npool never", stream)
    told.does(rep.PoolRead(lp="pool", symbol="BTC/USDT", pool=DEEP))
    market(told)
    told.types("b 0.5 btcusdt")
    told.later("200ms")
    assert told.card.quote.lp == "alpha"
    from lpdesk.domain.reasons import Reason

    ask = told.events(ev.LpAsked)[-1]
    told.does(rep.LpWithdrew(lp="alpha", ask_id=ask.ask_id, reason=Reason.UNREACHABLE))
    told.later("1ms")
    assert told.card.quote.lp == "pool" and told.see().status.uncovered == 0
