"""Domain rule 6, the accept: one trade, on exactly the quote that was seen, within all limits."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.commands import AcceptQuote
from lpdesk.domain.settings import Client, Lp
from tests.core.story import ACME, BTC, PLAIN, Story

D = Decimal
ALPHA = "alpha 100000 100ms"


def priced(table: str = ALPHA, settings=PLAIN, line: str = "b 1 btcusdt", **rules) -> Story:
    """A request with a price on the screen."""
    story = Story(table, settings, **rules)
    story.types(line)
    story.later("1s")
    return story


def test_the_order_of_things() -> None:
    story = priced()
    story.types("p")
    accept = [type(event).__name__ for event in story.simulation.records[-1].events]
    assert accept == ["TradeOpened", "HoldPlaced", "RfqEnded", "OrderSent"]
    story.later("50ms")
    answer = [type(event).__name__ for event in story.simulation.records[-1].events]
    assert answer == ["LegFilled", "HoldResolved", "Transferred", "TradeSettled"]


def test_two_accepts_of_one_quote_make_one_trade() -> None:
    story = priced()
    assert story.types("p", "p") == ""
    story.later("1s")
    assert story.types("p Q-000001") == ""
    assert len(story.events(ev.TradeOpened)) == len(story.events(ev.OrderSent)) == 1
    repeats = story.events(ev.AcceptRepeated)
    assert [repeat.trade_id for repeat in repeats] == ["T-000001", "T-000001"]


def test_the_order_carries_what_was_seen_and_our_own_id() -> None:
    story = priced("alpha 100000 100ms valid 7s")
    story.types("p")
    (sent,) = story.events(ev.OrderSent)
    quote = story.card.quote
    assert quote is not None and sent.order_id == "i1-000001-1"
    assert (sent.lp, sent.quote_ref, sent.price, sent.quantity, sent.send_by) == (
        quote.lp,
        quote.quote_ref,
        quote.lp_price,
        quote.quantity,
        quote.dealable_until,
    )


def test_an_expired_quote_is_refused() -> None:
    story = priced()
    story.later("10s")
    assert story.types("p Q-000001") == "quote: there is no dealable price any more"
    assert story.events(ev.TradeOpened) == []


def test_time_expires_a_quote_even_if_nobody_has_pulsed() -> None:
    story = priced()
    quote = story.card.quote
    assert quote is not None
    accept = AcceptQuote(rfq_id=quote.rfq_id, quote_id=quote.quote_id)
    (refused,) = story.simulation.desk.step(accept, quote.dealable_until)
    assert isinstance(refused, ev.CommandRefused)


def test_a_superseded_quote_is_refused() -> None:
    story = priced("alpha 100000 100ms\nbeta 99900 300ms")
    assert story.types("p Q-000001") == "quote: Q-000001 was replaced by Q-000002"
    assert story.types("p Q-000002") == ""


def test_an_unknown_request() -> None:
    story = priced()
    accept = AcceptQuote(rfq_id="R-000009", quote_id="Q-000009")
    assert story.does(accept) == "rfq: R-000009 is not known"
    assert story.types("cancel") == "" and story.types("cancel") == "rfq: R-000001 is not live"
    assert story.types("refresh on") == "rfq: R-000001 is not live"


def test_a_crossed_market_needs_the_dealers_word() -> None:
    story = priced("alpha 100000 100ms\nbeta - 1ms")
    for lp, bid, ask in (("alpha", "100000", "100010"), ("beta", "100020", "100030")):
        tick = {"bid": D(bid), "ask": D(ask), "bid_size": D(1), "ask_size": D(1)}
        story.does(rep.LpStreamed(lp=lp, symbol="BTC/USDT", **tick))
    assert story.see().status.markets[0].crossed
    assert story.types("p") == "market: bid at or above ask: accept with p!"
    assert story.types("p!") == ""


def test_a_halt_refuses_ends_and_outlives_a_restart() -> None:
    story = priced()
    story.types("halt fat finger")
    assert story.card.end is ev.RfqEnd.CANCELLED and story.see().status.halted
    assert story.types("p Q-000001") == "desk: trading is halted"
    story.restarts()
    assert story.types("b 1 btcusdt") == "desk: trading is halted"
    assert story.types("resume", "b 1 btcusdt") == ""


def test_over_the_limit_that_no_market_price_had_shown_before() -> None:
    small = replace(PLAIN, clients=(replace(ACME, maximum=D(50_000)),))
    assert priced(settings=small).types("p") == "amount: acme's limit is 50000 USDT"
    low = replace(PLAIN, pairs=(replace(BTC, maximum=D("0.5")),))
    story = priced(settings=low, line="b 60k usdt btcusdt")
    assert story.types("p") == "amount: the desk's limit is 0.5 BTC"


def test_short_of_funds_with_the_holds_of_other_trades() -> None:
    rich = replace(PLAIN, clients=(Client(name="acme", balances={"USDT": D(150_000)}),))
    story = priced(settings=rich)
    story.lps["alpha"].orders = ["silence"]
    assert story.types("p") == ""
    story.types("b 1 btcusdt")
    story.later("200ms")
    assert story.types("p") == "client: acme is short of 50100.00 USDT"
    assert story.available("client:acme", "USDT") == D("49950.00")


def test_credit_counts_orders_on_their_way() -> None:
    line = Lp(name="alpha", kind="rest", credit={"BTC": D("1.5")})
    story = priced(settings=replace(PLAIN, lps=(line,)))
    story.lps["alpha"].orders = ["silence"]
    story.types("b 1 btcusdt")
    story.later("200ms")
    assert story.types("p") == ""
    first = story.cards[1]
    assert first.quote is not None and first.live
    again = AcceptQuote(rfq_id=first.rfq_id, quote_id=first.quote.quote_id)
    assert story.does(again) == "lp: alpha: line 1.5 BTC"


def test_credit_is_used_up_by_what_the_lp_has_delivered() -> None:
    line = Lp(name="alpha", kind="rest", credit={"BTC": D("1.5")})
    story = priced(settings=replace(PLAIN, lps=(line,)))
    story.types("p")
    story.later("1s")
    story.types("b 1 btcusdt")
    assert story.table() == "ended: no liquidity\nalpha credit"
    story.types("s 1 btcusdt")
    story.later("1s")
    assert story.types("p") == ""
