"""Domain rule 6, the hedge table: what is traded with the LP, what is posted, what is earned."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.settings import Lp
from tests.core.story import BTC, BTC_IN_BASE, PLAIN, Story, fill

D = Decimal
IN_QUOTE, IN_BASE = BTC, BTC_IN_BASE


def dealt(line: str, pair=IN_QUOTE, lp: Lp | None = None) -> Story:
    """A settled trade at LP price 100 000 and 5 bps."""
    settings = replace(PLAIN, pairs=(pair,), lps=(lp,) if lp else ())
    story = Story("alpha 100000 100ms", settings)
    story.types(line)
    story.later("1s")
    assert story.types("p") == ""
    story.later("1s")
    return story


TABLE = [  # line, profit asset, hedged base, P&L, what is left in the other asset
    ("b 1.5 btcusdt", IN_QUOTE, "1.5", "75", "0"),  # exactly the client's base
    ("b 1.5 btcusdt", IN_BASE, "1.50075", "0.00075", "0"),  # all the quote the client paid
    ("s 2 btcusdt", IN_QUOTE, "2", "100", "0"),  # all the base the client gave
    ("s 2 btcusdt", IN_BASE, "1.999", "0.001", "0"),  # base worth what the client receives
    ("b 50000 usdt btcusdt", IN_QUOTE, "0.50026", "26", "0"),  # all the base the client gave
    ("b 50000 usdt btcusdt", IN_BASE, "0.5", "0.00026", "0"),  # base worth the client's quote
    ("s 75000 usdt btcusdt", IN_QUOTE, "0.74962", "38", "0"),  # exactly the client's base
    ("s 75000 usdt btcusdt", IN_BASE, "0.75", "0.00038", "0"),  # all the quote the client gave
]


@pytest.mark.parametrize(("line", "pair", "hedged", "pnl", "residual"), TABLE)
def test_the_hedge_table(line: str, pair, hedged: str, pnl: str, residual: str) -> None:
    story = dealt(line, pair)
    trade = story.trade
    assert trade.state == "settled" and trade.quantity == D(hedged)
    assert (trade.pnl, trade.pnl_asset) == (D(pnl), pair.asset(pair.profit))
    assert trade.residual == D(residual)


@pytest.mark.parametrize(("line", "pair", "hedged", "pnl", "residual"), TABLE)
def test_what_the_hedge_table_posts(line: str, pair, hedged: str, pnl: str, residual: str) -> None:
    story = dealt(line, pair)
    trade = story.trade
    assert story.available("client:acme", trade.pays_asset) == (
        PLAIN.clients[0].balances[trade.pays_asset] - trade.pays
    )
    buys = story.events(ev.TradeOpened)[0].base_side == "BUY"
    sign = 1 if buys else -1
    assert story.available("lp:alpha", "BTC") == -sign * D(hedged)
    assert story.available("lp:alpha", "USDT") == sign * D(hedged) * 100_000
    assert story.available("desk", pair.asset(pair.profit)) == D(pnl)
    opening, settlement = story.events(ev.Transferred)
    for transfer in (opening, settlement):
        for asset in ("BTC", "USDT"):
            moved = [p.amount for p in transfer.postings if p.asset == asset]
            assert sum(moved) == 0


def test_profit_and_loss_in_bps_is_of_the_clients_quote_amount() -> None:
    assert dealt("s 2 btcusdt").trade.pnl_bps == D("5.002501")  # 100 of 199 900
    assert dealt("b 1.5 btcusdt", IN_BASE).trade.pnl_bps == D("5")


@pytest.mark.parametrize(
    ("fee", "asset", "pnl"),
    [
        ("1.25", "USDT", "73.75"),  # our profit's own asset: it is less of it
        ("0.0001", "BTC", "75.00"),
        ("3", "BNB", "75.00"),
    ],
)
def test_a_fee_stays_in_its_own_asset(fee: str, asset: str, pnl: str) -> None:
    story = Story("alpha 100000 100ms")
    story.lps["alpha"].orders = ["silence"]
    story.types("b 1.5 btcusdt")
    story.later("1s")
    story.types("p")
    sent = story.events(ev.OrderSent)[0]
    story.does(replace(fill(story.lps["alpha"], sent.order_id), fee=D(fee), fee_asset=asset))
    trade = story.trade
    assert (trade.pnl, trade.fee, trade.fee_asset) == (D(pnl), D(fee), asset)
    assert story.available("desk:fees", asset) == -D(fee)
    assert story.available("desk", "USDT") == 75


def test_the_markup_is_earned_over_the_fee() -> None:
    """The client's price covers the LP's fee, so it is not lost twice."""
    dear = Lp(name="alpha", kind="rest", fee_bps=D(2))
    story = dealt("b 1 btcusdt", lp=dear)
    assert story.trade.client_price == D("100070.01")
    assert story.trade.lp_price == 100_000


def test_fill_quality_is_kept_for_each_fill() -> None:
    story = dealt("b 1.5 btcusdt")
    leg = story.events(ev.LegFilled)[0]
    assert (leg.quoted_price, leg.price, leg.slippage_bps) == (100_000, 100_000, 0)
    assert leg.response_ns == 50_000_000


def test_client_and_desk_and_lp_add_up_after_many_trades() -> None:
    story = Story("alpha 100000.01 100ms", PLAIN)
    for line in ("b 0.12345 btcusdt", "s 777.77 usdt btcusdt", "s 0.33333 btcusdt") * 3:
        story.types(line)
        story.later("1s")
        assert story.types("p") == ""
        story.later("1s")
    balances = story.simulation.desk.state.ledger.balances
    assert len(story.events(ev.TradeSettled)) == 9
    for asset in ("BTC", "USDT"):
        assert sum(amount for (_, held), amount in balances.items() if held == asset) == 0
    legs = story.events(ev.LegFilled)
    hedged = sum(leg.quantity * (1 if leg.side == "BUY" else -1) for leg in legs)
    client = story.available("client:acme", "BTC") - PLAIN.clients[0].balances["BTC"]
    assert client + story.available("desk", "BTC") == hedged  # I12


def test_a_fill_of_an_order_we_never_sent_is_a_break_and_blocks_the_lp() -> None:
    story = Story("alpha 100000 100ms")
    ghost = rep.OrderFilled(
        lp="alpha", order_id="x", execution_id="1", price=D(1), quantity=D(1), fee=D(0),
        fee_asset="",
    )  # fmt: skip
    story.does(ghost)
    assert story.breaks == ["fill of an unknown order"]
    story.types("b 1 btcusdt")
    assert story.table() == "ended: no liquidity\nalpha blocked"


def test_a_blocked_lp_is_told_with_the_reason_once() -> None:
    story = Story("beta 99990 100ms")
    story.lps["beta"].orders = ["too much"]
    story.types("b 1 btcusdt")
    story.later("1s")
    story.types("p")
    story.later("1s")
    told = [notice.text for notice in story.see().notices if "blocked" in notice.text]
    assert told == ["beta blocked: overfill"]
