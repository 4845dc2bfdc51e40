"""Dealing inside first: clients' opposite orders and our own quotes, by share and edge.

The maker asks 0.5 at 100050.00, 0.75 at 100100.03 and 1 at 100150.05; its bids are as far below.
From outside come streams, which are dealt in part, and quotes, which are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lpdesk.domain import commands as cmd
from lpdesk.domain import reports as rep
from lpdesk.domain.capabilities import KINDS
from lpdesk.domain.record import Cause, Event
from lpdesk.domain.settings import Internal, Lp, Routing, Rules
from lpdesk.domain.values import BPS, MILLISECOND, SECOND, Dealt, Instant
from tests.core.making import SYMBOL, D, Market, Side, ev

HOUSE = Lp(name="house", kind="book", capabilities=replace(KINDS["book"], streams=True))
STREAM, REST = Lp(name="alpha", kind="stream"), Lp(name="beta", kind="rest")
COMPOSITE = Rules(routing=Routing.COMPOSITE, max_validity_ns=120 * SECOND)
HALF = Internal(share=D("0.5"), minimum_edge_bps=D(1))


class Outside:
    """LPs at one price each, in quote units away from 100,000 against us, that fill all orders."""

    def __init__(self, **away: str) -> None:
        self.away = {lp: D(price) for lp, price in away.items()}
        self.rejects: set[str] = set()

    def __call__(self, event: Event, at: Instant) -> Iterable[tuple[int, Cause]]:
        if isinstance(event, ev.LpAsked) and event.lp in self.away:
            away = self.away[event.lp]
            quote = rep.LpQuoted(
                lp=event.lp, ask_id=event.ask_id, quote_ref=f"{event.lp}.{event.ask_id}",
                symbol=event.symbol, side=event.side, quantity=event.quantity,
                price=100_000 + (away if event.side is Side.BUY else -away),
                validity_ns=120 * SECOND,
            )  # fmt: skip
            yield MILLISECOND, quote
        if isinstance(event, ev.OrderSent) and event.lp in self.rejects:
            reject = rep.OrderRejected(
                lp=event.lp, order_id=event.order_id, reason=rep.Reason.LAST_LOOK
            )
            yield MILLISECOND, reject
        elif isinstance(event, ev.OrderSent) and event.lp in self.away:
            filled = rep.OrderFilled(
                lp=event.lp, order_id=event.order_id, execution_id="1", price=event.price,
                quantity=event.quantity, fee=D(0), fee_asset="",
            )  # fmt: skip
            yield MILLISECOND, filled


def desk(
    *rules: Internal, lps: tuple[Lp, ...] = (STREAM,), desk_rules: Rules = COMPOSITE, **away: str
) -> Market:
    market = Market(
        lps=(*lps, HOUSE), world=Outside(**away), rules=desk_rules, internal=rules,
        order_levels="3", order_refresh_time="1",
    )  # fmt: skip
    market.ticks("100000")
    return market


def asks(market: Market, quantity: str = "1", side: Side = Side.BUY, **more) -> str:
    wanted = {"symbol": SYMBOL, "side": side, "dealt": Dealt.BASE, "amount": D(quantity)}
    refusal = market.does(cmd.RequestQuote(**({"client": ""} | wanted | more)))
    market.later("20ms")
    return refusal


def lock(market: Market) -> ev.QuoteLocked:
    return market.events(ev.QuoteLocked)[-1]


def plan(market: Market) -> list[str]:
    quote = lock(market)
    return [f"{x.lp} {x.quantity.normalize():f} @ {x.price}: {x.why}" for x in quote.legs]


def accepts(market: Market) -> str:
    quote = lock(market)
    said = market.does(cmd.AcceptQuote(rfq_id=quote.rfq_id, quote_id=quote.quote_id))
    market.later("20ms")
    return said


def at_rest(market: Market) -> None:
    """Nothing is left over in the exchange's account as an LP, and nothing went wrong."""
    assert market.has("lp:house", "BTC") == market.has("lp:house", "USDT") == 0
    assert market.events(ev.BreakFound, ev.QuoteUncovered) == []


def test_a_share_is_dealt_inside_and_the_plan_says_why() -> None:
    market = desk(HALF, alpha="70")
    assert asks(market) == ""
    assert plan(market) == [
        "house 0.5 @ 100050.00: internal, edge 2.00 bps",
        "alpha 0.5 @ 100070: the rest, at the margin",
    ]
    assert lock(market).lp == "house+alpha" and lock(market).all_in == 100060
    assert accepts(market) == ""
    trade = market.events(ev.TradeSettled)[0]
    assert (trade.lp, trade.quantity) == ("house+alpha", D(1))
    assert [fill.maker for fill in market.events(ev.BookTraded)] == ["maker"]
    at_rest(market)


def test_what_is_not_better_by_the_edge_is_dealt_outside() -> None:
    market = desk(HALF, alpha="59.9")  # the book is 0.99 bp better
    asks(market)
    assert plan(market) == [] and lock(market).lp == "alpha"
    market = desk(replace(HALF, minimum_edge_bps=D("0.9")), alpha="59.9")
    asks(market)
    assert lock(market).lp == "house+alpha"


def test_each_level_is_judged_by_itself() -> None:
    market = desk(replace(HALF, share=D(1)), alpha="115")  # the third level is dearer than that
    asks(market, "3")
    assert plan(market) == [
        "house 0.5 @ 100050.00: internal, edge 6.49 bps",
        "house 0.75 @ 100100.03: internal, edge 1.50 bps",
        "alpha 1.75 @ 100115: the rest, at the margin",
    ]
    assert accepts(market) == ""
    assert market.events(ev.TradeSettled)[0].lp == "house+alpha"
    at_rest(market)


@pytest.mark.parametrize("side", list(Side))
def test_a_clients_opposite_order_is_dealt_with_first_and_both_are_settled(side: Side) -> None:
    market = desk(HALF, alpha="70")
    opposite, price = ("s", "100010.01") if side is Side.BUY else ("b", "99989.99")
    market.types(f"lim {opposite} 0.3 {price} @zeta")
    before = market.has("client:zeta", "BTC")
    asks(market, side=side)
    first, second, rest = lock(market).legs
    assert (first.lp, first.quantity, str(first.price)) == ("house", D("0.3"), price)
    assert first.why.startswith("internal, edge ") and first.why.endswith("bps, a client's order")
    assert (second.lp, second.quantity, rest.lp) == ("house", D("0.2"), "alpha")
    assert accepts(market) == ""
    assert len(market.events(ev.TradeSettled)) == 1 and not market.events(ev.LegRejected)
    moved = market.has("client:zeta", "BTC") - before
    assert moved == (D(0) if side is Side.BUY else D("0.3"))  # what it sold was held before
    assert {fill.maker for fill in market.events(ev.BookTraded)} == {"client:zeta", "maker"}
    at_rest(market)


def test_a_client_is_never_matched_with_itself() -> None:
    market = desk(HALF, alpha="70")
    market.types("lim s 0.3 100010 @acme")  # who asks
    asks(market)
    assert lock(market).lp == "alpha"
    market.types("cxl")
    market.later("1s")
    asks(market, client="acme")
    assert lock(market).lp == "house+alpha"
    market.types("lim s 0.3 100020 @acme")  # in the way of what its price stands on
    assert lock(market).lp == "alpha" and lock(market).cause is ev.LockCause.REPLACED


def reject_of_house(market: Market) -> str:
    [reject] = [event for event in market.events(ev.LegRejected) if event.lp == "house"]
    assert market.events(ev.BookTraded) == []
    return reject.text


def test_an_own_order_that_came_after_the_accept_is_not_met_by_the_fallback() -> None:
    dear = replace(HALF, share=D(1), minimum_edge_bps=D(500))
    market = desk(dear, desk_rules=replace(COMPOSITE, loss_limit_bps=D(10)), alpha="20")
    market.simulation.world.rejects.add("alpha")
    asks(market, "0.3")
    quote = lock(market)
    market.does(cmd.AcceptQuote(rfq_id=quote.rfq_id, quote_id=quote.quote_id))
    market.types("lim s 0.3 100010 @acme")
    market.later("20ms")
    assert quote.lp == "alpha" and reject_of_house(market) == "the book is too thin"
    assert market.events(ev.TradeFailed) and market.has("client:acme", "USDT") == 1_000_000


def test_an_own_order_in_the_way_of_a_price_that_was_given_out_is_not_met() -> None:
    market = desk(HALF, alpha="70")
    asks(market, "0.4", firm_after_ns=0)
    quote = lock(market)
    market.types("lim s 0.3 100010 @acme")
    caller = cmd.Origin(caller="acme-bot", token="x", digest="d")
    market.does(cmd.AcceptQuote(rfq_id=quote.rfq_id, quote_id=quote.quote_id, origin=caller))
    market.later("20ms")
    assert quote.lp == "house" and reject_of_house(market) == "the book is too thin"
    assert market.events(ev.TradeSettled)[0].lp == "alpha"
    at_rest(market)


@pytest.mark.parametrize("prevented", [True, False])
def test_an_exchange_that_only_competes_shuns_own_orders_too(prevented: bool) -> None:
    """As of the desks that say so: the journals of the first ones verify as they were."""
    market = Market(
        lps=(STREAM, Lp(name="house", kind="book")), world=Outside(alpha="70"),
        rules=replace(COMPOSITE, strict=prevented), order_levels="3",
    )  # fmt: skip
    market.ticks("100000")
    market.types("lim s 0.4 100010 @acme")
    asks(market, "0.4")
    accepts(market)
    assert [fill.maker for fill in market.events(ev.BookTraded)] == (
        [] if prevented else ["client:acme"]
    )


def test_a_level_that_got_dearer_is_taken_back_though_all_of_them_cost_less() -> None:
    market = desk(replace(HALF, share=D(1)), alpha="200")
    market.types("stop")
    for order in ("0.3 100010", "0.2 100050", "0.9 100150"):
        market.types(f"lim s {order} @zeta")
    asks(market, "0.5")
    assert [leg.price for leg in lock(market).legs] == [100_010, 100_050]
    market.types("lim s 0.1 99900 @zeta")
    market.types(f"cxl {market.events(ev.OrderEntered)[1].order_id}")
    assert [leg.price for leg in lock(market).legs] == [99_900, 100_010, 100_150]
    assert accepts(market) == "" and market.events(ev.LegRejected) == []
    at_rest(market)


def test_a_price_that_the_book_cannot_give_any_more_is_taken_back_in_the_same_step() -> None:
    market = desk(HALF, alpha="70")
    asks(market)
    market.takes("b", "0.5")
    record = market.simulation.records[-1]
    assert isinstance(record.cause, rep.TakerOrdered)
    told = [event for event in record.events if isinstance(event, ev.LpMissed)]
    assert [(event.lp, event.text) for event in told] == [("house", "the book has moved")]
    assert lock(market).lp == "alpha" and lock(market) in record.events
    assert accepts(market) == "" and market.events(ev.LegRejected) == []


def test_a_book_that_moves_our_way_leaves_the_lock_alone() -> None:
    market = desk(HALF, alpha="70")
    asks(market)
    quote = lock(market)
    market.types("lim s 0.1 100040 @zeta")
    assert lock(market) == quote
    assert accepts(market) == ""
    [fill] = [leg for leg in market.events(ev.LegFilled) if leg.lp == "house"]
    assert (fill.price, fill.slippage_bps) == (D("100048"), D("-0.199900"))
    at_rest(market)


def test_a_quote_that_deals_whole_is_asked_again_for_the_rest() -> None:
    market = desk(HALF, lps=(REST, Lp(name="gamma", kind="rest")), beta="80", gamma="81")
    asks(market)
    assert lock(market).lp == "beta"  # nobody has half of it yet
    market.later("600ms")
    assert lock(market).lp == "house+gamma"
    assert lock(market).all_in == D("100065.5")
    assert accepts(market) == ""
    at_rest(market)


def test_the_rest_that_is_rejected_goes_to_the_next_one_outside() -> None:
    market = desk(HALF, lps=(STREAM, Lp(name="gamma", kind="stream")), alpha="70", gamma="75")
    asks(market)
    market.simulation.world.rejects.add("alpha")
    assert lock(market).lp == "house+alpha" and accepts(market) == ""
    assert [sent.lp for sent in market.events(ev.OrderSent)] == ["house", "alpha", "gamma"]
    assert market.events(ev.TradeSettled)[0].lp == "house+gamma"
    at_rest(market)


def test_all_of_it_inside_where_the_share_allows_it() -> None:
    market = desk(replace(HALF, share=D(1)), alpha="70")
    asks(market, "0.4")
    assert plan(market) == ["house 0.4 @ 100050.00: internal, edge 2.00 bps"]
    assert lock(market).lp == "house" and accepts(market) == ""
    at_rest(market)


def test_with_nobody_outside_it_stands_alone_once_all_have_answered() -> None:
    market = desk(replace(HALF, share=D(1)), lps=(STREAM,))  # alpha never answers
    asks(market, "0.4")
    assert market.events(ev.QuoteLocked) == []
    market.later("3s")
    assert plan(market) == ["house 0.4 @ 100050.00: internal, nobody else has a price"]


def test_the_most_specific_rule_holds() -> None:
    none = Internal(share=D(0), client="acme")
    market = desk(HALF, none, replace(HALF, share=D("0.2"), client="acme", pair=SYMBOL), alpha="70")
    asks(market)
    assert lock(market).legs[0].quantity == D("0.2")
    market = desk(HALF, none, alpha="70")
    asks(market)
    assert lock(market).lp == "alpha"
    skipped = market.events(ev.LpSkipped)[0]
    assert (skipped.lp, skipped.text) == ("house", "none of it is dealt inside")


def test_a_chosen_lp_and_a_price_that_is_given_out_are_left_alone() -> None:
    market = desk(HALF, alpha="70")
    asks(market, "0.4", via="house")
    assert plan(market) == ["house 0.4 @ 100050.00: level 1 of its book"]
    market = desk(HALF, alpha="70")
    asks(market, "0.4", firm_after_ns=0)
    assert lock(market).lp == "house" and market.events(ev.QuoteFixed)
    market.ticks("100030")
    market.later("2s")
    assert market.events(ev.RfqEnded) == []  # a price that was given out is not taken back


PRICE = st.decimals(-40, 160, places=1).map(str)


@given(
    side=st.sampled_from(Side),
    dealt=st.sampled_from(Dealt),
    share=st.decimals(0, 1, places=2),
    edge=st.decimals(0, 4, places=1),
    away=st.tuples(PRICE, PRICE, PRICE),
    quantity=st.decimals("0.001", 4, places=5).map(str),
    resting=st.lists(st.tuples(st.decimals(1, 90, places=2), st.decimals("0.001", 1, places=5))),
    moves=st.lists(st.decimals(-30, 30, places=1), max_size=3),
)
def test_never_worse_never_more_than_the_share_and_never_rejected(
    side: Side, dealt: Dealt, share: Decimal, edge: Decimal, away: tuple[str, str, str],
    quantity: str, resting: list[tuple[Decimal, Decimal]], moves: list[Decimal],
) -> None:  # fmt: skip
    """Beside the same desk that deals nothing inside, whatever the market and clients do."""
    rule = Internal(share=share, minimum_edge_bps=edge)
    lps = (STREAM, REST, Lp(name="gamma", kind="stream"))
    outside = dict(zip(("alpha", "beta", "gamma"), away, strict=True))
    rules = replace(COMPOSITE, threshold_bps=D(0))
    ours, plain = (
        desk(each, lps=lps, desk_rules=rules, **outside)
        for each in (rule, replace(rule, share=D(0)))
    )
    base = dealt is Dealt.BASE
    wanted = {"side": side if base else side.opposite, "dealt": dealt}
    amount = quantity if base else f"{D(quantity) * 100_000:f}"
    sign, word = (1, "s") if side is Side.BUY else (-1, "b")
    for market in (ours, plain):
        for off, size in resting[:3]:
            market.types(f"lim {word} {size} {100_000 + sign * off} @zeta")
        asks(market, amount, **wanted)
        for move in moves:
            market.ticks(f"{100_000 + move}")
            market.later("1200ms")
    assert sign * lock(ours).client_price <= sign * lock(plain).client_price
    best = None  # from outside so far
    for event in ours.events(ev.QuoteReceived, ev.QuoteLocked):
        if isinstance(event, ev.QuoteReceived):
            if event.lp != "house" and event.verdict is ev.Verdict.LIVE:
                best = min(best or event.all_in, event.all_in, key=lambda price: sign * price)
            continue
        inside = [leg for leg in event.legs if leg.lp == "house"]
        most = share * event.quantity * (1 + rules.size_tolerance_bps / BPS)
        assert sum(leg.quantity for leg in inside) <= most
        assert all((best - leg.all_in) * sign * BPS >= edge * best for leg in inside)
    assert accepts(ours) == ""
    rejected = [event for event in ours.events(ev.LegRejected) if event.lp == "house"]
    assert rejected == [] and len(ours.events(ev.TradeSettled)) == 1
    at_rest(ours)
