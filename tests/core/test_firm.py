"""Firm quotes, as given out over the API: one price that stands until it expires."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.entry import parse_request
from lpdesk.domain.reasons import Reason
from lpdesk.domain.settings import Client, Settings
from lpdesk.domain.values import MILLISECOND, SECOND
from tests.core.story import BTC, PLAIN, Story, span

D = Decimal
THREE = """
alpha 100000          100ms
beta  99990,90000     200ms
gamma never
"""


def asked(story: Story, line: str = "b 1 btcusdt", wait: str = "300ms") -> str:
    request = parse_request(line, story.settings.pairs)
    return story.does(replace(request, firm_after_ns=span(wait), auto_refresh=False))


def executed(story: Story) -> str:
    """The client deals on its quote."""
    (given,) = story.events(ev.QuoteFixed)
    origin = cmd.Origin(caller="bot")
    return story.does(cmd.AcceptQuote(rfq_id=given.rfq_id, quote_id=given.quote_id, origin=origin))


def fixed(story: Story) -> list[str]:
    """When a price was given out, and whose."""
    return [
        f"{D(record.at - story.began) / SECOND:.1f} {story.card.quote.lp}"
        for record in story.simulation.records
        for event in record.events
        if isinstance(event, ev.QuoteFixed) and story.card.quote is not None
    ]


def test_it_is_fixed_when_the_first_round_is_over() -> None:
    story = Story("alpha 100000 100ms\nbeta 99990,90000 200ms")
    asked(story)
    story.later("1s")
    assert fixed(story) == ["0.2 beta"]


def test_the_slowest_is_not_waited_for() -> None:
    story = Story(THREE)
    asked(story)
    story.later("1s")
    assert fixed(story) == ["0.3 beta"]


def test_without_a_price_by_then_the_first_that_comes_is_it() -> None:
    story = Story("alpha 100000 900ms\nbeta 90000 1s")
    asked(story)
    story.later("1s")
    assert fixed(story) == ["0.9 alpha"]


def test_it_stands_whatever_comes_later() -> None:
    story = Story("alpha 100000 100ms\nbeta 99990 200ms\ngamma 90000 500ms")
    asked(story)
    story.later("5s")
    assert [lock.split()[1] for lock in story.locks] == ["alpha", "beta"]
    assert story.asked("alpha") == story.asked("beta") == "0"
    assert "over the API" in story.types("p"), "the dealer's key is not the client's word"
    executed(story)
    story.later("1s")
    assert story.trade.state == "settled" and story.trade.lp_price == 99990


def test_it_can_be_dealt_on_until_it_expires_and_no_longer() -> None:
    story = Story("alpha 100000 100ms valid 10s", auto_refresh=True)
    asked(story)
    story.later("1s")
    (given,) = story.events(ev.QuoteFixed)
    assert given.expires_at == story.began + 8100 * MILLISECOND
    story.later("7s")
    assert story.card.live
    story.later("200ms")
    assert story.card.end is ev.RfqEnd.EXPIRED
    assert executed(story) == "quote: there is no dealable price any more"


def test_after_a_crash_it_has_expired_if_its_time_was_over_and_is_taken_back_if_not() -> None:
    story = Story("alpha 100000 100ms valid 10s", edition=2)
    asked(story)
    story.later("1s")
    story.restarts()
    assert (story.card.end, story.card.reason) == (ev.RfqEnd.CANCELLED, Reason.RESTARTED)
    asked(story)
    story.later("1s")
    story.simulation.clock.advance_to(story.events(ev.QuoteFixed)[-1].expires_at)
    story.restarts()
    assert (story.card.end, story.card.reason) == (ev.RfqEnd.EXPIRED, None)


def test_a_withdrawn_cover_ends_it() -> None:
    story = Story("alpha 100000 100ms\nbeta 99990 200ms")
    asked(story)
    story.later("1s")
    ask_id = story.events(ev.LpAsked)[1].ask_id
    story.does(rep.LpWithdrew(lp="beta", ask_id=ask_id, reason=Reason.STALE))
    assert story.card.end is ev.RfqEnd.CANCELLED and story.card.reason is Reason.WITHDRAWN
    assert story.card.text == "beta took its price back"


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        (Client(name="acme", balances={"USDT": D(100)}), Reason.NOT_ENOUGH_FUNDS),
        (Client(name="acme", balances={"USDT": D(10**6)}, maximum=D(1)), Reason.ABOVE_LIMIT),
    ],
)
def test_what_could_not_be_dealt_on_is_not_given_out(client: Client, reason: Reason) -> None:
    story = Story(THREE, Settings(pairs=PLAIN.pairs, clients=(client,), default_client="acme"))
    asked(story)
    story.later("1s")
    assert story.events(ev.QuoteFixed) == []
    assert (story.card.end, story.card.reason) == (ev.RfqEnd.CANCELLED, reason)


def test_a_crossed_market_is_not_quoted_without_a_dealer() -> None:
    story = Story("alpha 100000 100ms")
    for lp, bid, ask in (("x", 100_010, 100_020), ("y", 99_000, 99_010)):
        size = D(1)
        story.does(
            rep.LpStreamed(
                lp=lp, symbol=BTC.symbol, bid=D(bid), ask=D(ask), bid_size=size, ask_size=size
            )
        )
    asked(story)
    story.later("1s")
    assert story.card.reason is Reason.CROSSED


def test_below_the_minimum_is_said_though_only_a_price_could_show_it() -> None:
    story = Story("alpha 100000 100ms")
    asked(story, "b 50 usdt btcusdt")
    story.later("1s")
    assert story.card.reason is Reason.BELOW_MINIMUM
    assert story.card.text == "the minimum is 0.001 BTC"


def test_firm_quotes_have_a_limit_of_their_own() -> None:
    story = Story("alpha 100000 100ms", max_live_rfqs=1, max_firm_quotes=2)
    assert story.types("b 1 btcusdt") == asked(story) == asked(story) == ""
    assert asked(story) == "desk: 2 requests are live already"
    assert story.types("b 1 btcusdt") == "desk: 1 requests are live already"


def test_who_asked_and_what_was_answered_is_on_record() -> None:
    story = Story("alpha 100000 100ms")
    origin = cmd.Origin(caller="bot", token="k1", digest="d")
    request = parse_request("b 1 btcusdt", story.settings.pairs)
    story.does(replace(request, firm_after_ns=0, origin=origin))
    first = story.simulation.records[-1].events
    assert first[0] == ev.RequestTaken(caller="bot", token="k1", digest="d")
    assert isinstance(first[1], ev.RfqOpened)
    story.does(cmd.KeepAnswer(origin=origin, status=201, body="{}"))
    assert story.simulation.records[-1].events == (
        ev.AnswerKept(caller="bot", token="k1", status=201, body="{}"),
    )
    story.does(replace(request, origin=cmd.Origin(caller="bot")))
    assert len(story.events(ev.RequestTaken)) == 1
