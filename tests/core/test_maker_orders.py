"""Orders by hand, takers, and the book as one more LP. Money is audited after every record."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from lpdesk.domain import commands as cmd
from lpdesk.domain import reports as rep
from lpdesk.domain.record import Cause, Event
from lpdesk.domain.settings import Lp
from lpdesk.domain.values import SECOND, Dealt, Instant, Side
from lpdesk.views import DeskView, fold
from tests.core.making import SYMBOL, D, Market, ev

PLAIN = {"skew_factor": "0", "size_skew": "0"}


def quoting(**parameters: str) -> Market:
    """Three levels a side: 99950, 99900.02, 99850.05 and 100050, 100100.03, 100150.05."""
    market = Market(order_levels="3", **(PLAIN | parameters))
    market.ticks("100000")
    return market


def test_a_limit_order_rests_under_a_hold_that_each_fill_draws_on() -> None:
    market = quoting(maker_fee="2")
    assert market.types("lim b 0.5 99970") == ""
    assert market.has("client:acme", "USDT") == D("1000000") - D("49985") - D("10")  # 9.997 up
    market.takes("s", "0.2")
    drawn, traded = market.events(ev.HoldDrawn)[0], market.events(ev.BookTraded)[0]
    assert traded.order_id == drawn.trade_id == "O-000001"
    assert drawn.amount == D("49985") + 10 - D("29991") - 6  # what the rest may cost stays held
    assert (traded.cash, traded.maker_fee) == (D("19994.00"), D("3.99"))
    market.takes("s", "0.3")
    assert market.has("client:acme", "BTC") == D("10.5")
    assert market.has("client:acme", "USDT") == D("1000000") - 49985 - D("3.99") - D("5.99")
    closed = market.events(ev.OrderClosed)[0]
    assert (closed.left, closed.why) == (0, "filled")
    assert market.events(ev.HoldResolved)[0].posted


def test_the_screen_sees_what_of_an_order_is_left() -> None:
    market = quoting()
    market.types("lim b 0.5 99970")
    market.types("lim b 0.5 99970")
    market.takes("s", "0.7")
    view = DeskView()
    for record in market.simulation.records:
        view = fold(view, record)
    shown = view.maker(SYMBOL)
    assert shown is not None
    assert [(order.order_id, order.resting) for order in shown.orders] == [("O-000002", D("0.3"))]


def test_a_limit_order_takes_first_and_rests_with_the_rest() -> None:
    market = quoting()
    assert market.types("lim b 0.7 100050") == ""
    entered = market.events(ev.OrderEntered)[0]
    assert (entered.filled, entered.resting) == (D("0.5"), D("0.2"))
    assert market.has("client:acme", "BTC") == D("10.5")
    assert market.maker.position == D("-0.5")


@pytest.mark.parametrize(
    ("line", "filled", "resting"),
    [
        ("mkt b 1.25", "1.25", "0"),
        ("mkt s 9", "2.25", "0"),
        ("ioc b 1 100050", "0.5", "0"),
        ("fok b 1 100050", "0", "0"),
        ("fok b 1 100100.03", "1", "0"),
        ("post b 1 100049.99", "0", "1"),
    ],
)
def test_kinds_of_orders(line: str, filled: str, resting: str) -> None:
    market = quoting()
    assert market.types(line) == ""
    entered = market.events(ev.OrderEntered)[0]
    assert (entered.filled, entered.resting) == (D(filled), D(resting))


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("post b 1 100050", "order: would cross: post-only orders never take"),
        ("mkt b 3", "amount: the book is too thin"),
        ("mkt b 1 100000", "price: a market order has none"),
        ("lim b 1", "price: a limit order needs one"),
        ("lim b 1 0", "price: must be greater than zero"),
        ("lim b 1 -5", "price: must be greater than zero"),
        ("lim b 1 NaN", "price: must be greater than zero"),
        ("lim b 1 99950.001", "price: ticks of 1e-2"),
        ("lim b 0 99950", "amount: must be greater than zero"),
        ("lim b NaN 99950", "amount: must be greater than zero"),
        ("lim b 0.000001 99950", "amount: lots of 1e-5"),
        ("lim b 1 99950 @nobody", "client: @nobody is not a client"),
        ("lim s 10.00001 99950", "client: short of 0.00001 BTC"),
        ("lim b 10.1 99950", "client: short of 9595.95 USDT"),
        ("cxl O-000009", "order: O-000009 rests"),
    ],
)
def test_refusals_change_nothing(line: str, refusal: str) -> None:
    market = quoting(taker_fee="1")
    orders = market.orders()
    said = market.types(line)
    assert said == refusal or (line.startswith("lim b 10.1") and "short of" in said)
    assert market.orders() == orders and not market.events(ev.OrderEntered)


def test_funds_for_the_worst_case_even_where_the_maker_fee_is_the_higher_one() -> None:
    """The last cent: 9.99 BTC at 100000 rest with 10 bp on top, or are refused; never a bug."""
    market = quoting(maker_fee="10", taker_fee="0")
    assert "short of" in market.types("lim b 9.99001 100000.03")
    assert market.types("lim b 9.99 100000") == ""
    assert market.has("client:acme", "USDT") == 1_000_000 - 999_000 - 999


def test_two_clients_meet_and_one_never_meets_itself() -> None:
    market = quoting()
    market.types("lim s 1 100010")
    market.types("lim b 0.4 100010 @zeta")
    assert market.has("client:zeta", "BTC") == D("10.4")
    assert market.maker.position == 0
    market.types("lim b 1 100010")
    entered = market.events(ev.OrderEntered)[-1]
    assert (entered.filled, entered.resting) == (0, 0)  # the newest goes
    assert market.has("client:acme", "BTC") == D("9")


def test_one_is_cancelled_or_all_are() -> None:
    market = quoting()
    for price in ("99000", "99100", "99200"):
        market.types(f"lim b 1 {price}")
    assert market.types("cxl O-000002") == ""
    assert market.has("client:acme", "USDT") == D("1000000") - 99000 - 99200
    assert market.types("cxl") == ""
    assert market.has("client:acme", "USDT") == 1_000_000
    assert market.types("cxl") == "order: no order rests"
    assert all(level.ours for level in market.events(ev.BookChanged)[-1].bids)


def test_a_restart_closes_them_and_frees_what_was_held() -> None:
    market = quoting()
    market.types("lim b 1 99960")
    market.takes("s", "0.25")
    market.restarts()
    closed = market.events(ev.OrderClosed)[-1]
    assert (closed.left, closed.why) == (D("0.75"), "the desk was restarted")
    assert market.has("client:acme", "USDT") == 1_000_000 - 24990
    assert market.ladder == ""


def test_position_and_profit_outlive_the_process() -> None:
    market = quoting()
    market.takes("b", "0.5")
    market.restarts()
    market.ticks("99900")
    market.later("1s")
    market.ticks("99900")
    assert (market.maker.position, market.maker.pnl) == (D("-0.5"), D("75"))


# ---- takers


def test_a_takers_limit_is_never_passed() -> None:
    market = quoting()
    market.takes("b", "1", "0.001")  # below a tick: not a market order
    market.takes("s", "1", "99950.001")  # up to 99950.01: nobody is there
    market.takes("s", "1", "NaN")
    market.takes("s", "NaN")
    assert not market.events(ev.BookTraded)
    market.takes("s", "1", "99949.999")
    assert [(t.price, t.quantity) for t in market.events(ev.BookTraded)] == [(99950, D("0.5"))]


def test_a_rebate_is_cut_towards_zero() -> None:
    market = quoting(maker_fee="-1")
    market.takes("s", "0.00001")  # 0.99 USDT: a hundredth of a cent of rebate is none
    market.takes("s", "0.4")
    assert [t.maker_fee for t in market.events(ev.BookTraded)] == [0, D("-3.99")]
    assert market.maker.fees == D("3.99")


def test_a_fill_is_told_with_its_figures_in_its_own_record() -> None:
    market = quoting()
    market.takes("s", "0.5")
    names = [type(event).__name__ for event in market.simulation.records[-1].events]
    assert names == ["BookTraded", "Transferred", "BookChanged", "MakerMoved"]
    assert market.maker.captured == 25 and market.maker.half_spread_bps == D("5.002501")


def test_turnover_is_of_the_last_24_hours() -> None:
    market = quoting(stale_after="600")
    market.takes("s", "0.5")
    market.later("86400s")
    market.ticks("100000")
    market.later("2s")
    market.ticks("100000")
    assert (market.maker.volume, market.maker.half_spread_bps) == (0, None)
    assert market.maker.spread == 25


# ---- the book as an LP


def answering(event: Event, at: Instant) -> Iterable[tuple[int, Cause]]:
    """Alpha is dearer than the book by a lot, and fills whatever it is sent."""
    if isinstance(event, ev.LpAsked) and event.lp == "alpha":
        yield (
            0,
            rep.LpQuoted(
                lp="alpha",
                ask_id=event.ask_id,
                quote_ref=event.ask_id,
                symbol=event.symbol,
                side=event.side,
                price=D(100_110 if event.side is Side.BUY else 99_890),
                quantity=event.quantity,
                validity_ns=20 * SECOND,
            ),
        )
    if isinstance(event, ev.OrderSent) and event.lp == "alpha":
        yield (
            0,
            rep.OrderFilled(
                lp="alpha",
                order_id=event.order_id,
                execution_id="1",
                price=event.price,
                quantity=event.quantity,
                fee=D(0),
                fee_asset="",
            ),
        )


def house(**parameters: str) -> Market:
    lps = (Lp(name="book", kind="book"), Lp(name="alpha", kind="rest"))
    market = Market(order_levels="3", lps=lps, world=answering, taker_fee="1", **parameters)
    market.ticks("100000")
    return market


def asks_for(market: Market, quantity: str, side: Side = Side.BUY) -> str:
    """The LP that the quote stands on."""
    market.does(
        cmd.RequestQuote(symbol=SYMBOL, side=side, dealt=Dealt.BASE, amount=D(quantity), client="")
    )
    market.later("10ms")
    locked = market.events(ev.QuoteLocked)
    return locked[-1].lp if locked else ""


def accepts(market: Market) -> str:
    lock = market.events(ev.QuoteLocked)[-1]
    said = market.does(cmd.AcceptQuote(rfq_id=lock.rfq_id, quote_id=lock.quote_id, crossed_ok=True))
    market.later("10ms")
    return said


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("quantity", ["0.001", "0.7", "1.33333"])
def test_an_rfq_is_filled_from_our_own_book_in_the_same_step(side: Side, quantity: str) -> None:
    market = house()
    if side is Side.SELL:
        market.types("lim b 0.0005 99960.01 @zeta")  # a second owner: two fills to cut
    assert asks_for(market, quantity, side) == "book"
    before = market.maker.skew
    assert accepts(market) == ""
    record = next(
        r
        for r in market.simulation.records
        if any(isinstance(e, ev.TradeSettled) for e in r.events)
    )
    assert isinstance(record.cause, cmd.AcceptQuote)
    told = [event for event in record.events if isinstance(event, ev.MakerMoved)]
    assert (told[-1].skew > before) is (side is Side.BUY)  # at once, and the right way
    assert not market.events(ev.BreakFound)
    ledger = market.simulation.desk.state.ledger.balances
    assert not any(amount for (account, _), amount in ledger.items() if account == "lp:book")


def test_the_ladder_itself_leans_once_the_delay_is_over() -> None:
    market = house(filled_order_delay="0", order_refresh_tolerance_pct="0")
    asks_for(market, "1")
    best = market.best(1)
    accepts(market)
    assert market.best(1) > best


def test_a_thin_book_gives_no_price() -> None:
    market = house()
    assert asks_for(market, "3") == "alpha"
    missed = market.events(ev.LpMissed)[0]
    assert (missed.lp, missed.text) == ("book", "the book is too thin")


def test_a_book_that_moved_rejects_and_the_next_cover_is_taken() -> None:
    market = house(order_refresh_time="600")
    assert asks_for(market, "1") == "book"
    market.takes("b", "0.5")
    accepts(market)
    rejected = market.events(ev.LegRejected)[0]
    assert (rejected.lp, rejected.text) == ("book", "the book has moved")
    assert market.events(ev.TradeSettled)[0].lp == "alpha"


def test_a_book_that_was_pulled_rejects_too() -> None:
    market = house()
    asks_for(market, "1")
    market.types("stop")
    accepts(market)
    assert market.events(ev.LegRejected)[0].text == "the book is too thin"
    assert market.events(ev.TradeSettled)[0].lp == "alpha"
