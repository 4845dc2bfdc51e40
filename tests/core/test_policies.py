"""Domain 5.7: whose price leads, where the best price is not all that counts."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.settings import Lp
from tests.core.story import PLAIN, Story

D = Decimal
TWO = "alpha 100000 100ms\nbeta 100005 100ms"
TIERS = replace(
    PLAIN, lps=(Lp(name="alpha", kind="rest", tier=2), Lp(name="beta", kind="rest", tier=1))
)


def asked(story: Story, line: str = "b 1 btcusdt") -> str:
    """Who is behind the price."""
    story.types(line)
    story.later("1s")
    quote = story.card.quote
    return quote.lp if quote else "nobody"


def test_a_lower_tier_leads_only_by_the_margin() -> None:
    """alpha, of the second tier, is half a bp better than beta: not enough; 3 bp are."""
    assert asked(Story(TWO, TIERS, lock_policy="price")) == "alpha"
    assert asked(Story(TWO, TIERS, lock_policy="tiered")) == "beta"
    better = "alpha 99975 100ms\nbeta 100005 100ms"
    assert asked(Story(better, TIERS, lock_policy="tiered")) == "alpha"
    alone = "alpha 100000 100ms\nbeta - 100ms"
    assert asked(Story(alone, TIERS, lock_policy="tiered")) == "alpha"


def test_the_client_pays_the_price_not_its_handicap() -> None:
    story = Story("alpha 99975 100ms\nbeta 100005 200ms", TIERS, lock_policy="tiered")
    assert asked(story) == "alpha"
    assert story.card.quote and story.card.quote.client_price == D("100024.9875")
    told = [quote.text for quote in story.events(ev.QuoteReceived) if quote.lp == "alpha"]
    assert told[0] == "counts 2.00 bp worse (tiered)"


def test_an_lp_that_rejects_is_worth_less_each_time() -> None:
    """alpha is 1.5 bp better and rejects; after two of them that is not worth it any more."""
    story = Story("alpha 99990 200ms\nbeta 100005 100ms", lock_policy="weighted")
    story.lps["alpha"].orders = ["reject"]
    leaders = []
    for _ in range(5):
        leaders.append(asked(story))
        story.types("p")
        story.later("40s")
    assert leaders == ["alpha", "alpha", "beta", "beta", "beta"]
    assert asked(story, "s 1 btcusdt") == "beta"


def test_the_lock_moves_by_what_counts() -> None:
    """beta leads; alpha comes down until it is better by margin and threshold together."""
    table = "alpha 100000,99990,99974 300ms\nbeta 100005 100ms"
    story = Story(table, TIERS, lock_policy="tiered")
    asked(story)
    story.later("3s")
    locks = [(lock.lp, lock.all_in) for lock in story.events(ev.QuoteLocked)]
    assert locks == [("beta", 100_005), ("alpha", 99_974)]


def test_a_request_for_some_lps_only() -> None:
    story = Story("alpha 100000 100ms\nbeta 100005 100ms\ngamma 99000 100ms")
    assert asked(story, "b 1 btcusdt via alpha,beta") == "alpha"
    assert {ask.lp for ask in story.events(ev.LpAsked)} == {"alpha", "beta"}
    assert story.types("b 1 btcusdt via alpha,nobody") == "via: nobody is not an LP"
