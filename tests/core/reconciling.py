"""One trade with one LP, and the lists that the LP gives of it."""

from __future__ import annotations

from msgspec.structs import replace

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.settings import Reconcile
from tests.core.story import PLAIN, Story, fill

ALPHA = "alpha 100000 100ms"
Row = rep.OrderFilled | rep.OrderRejected | rep.OrderPending
SETTINGS = replace(PLAIN, reconcile=Reconcile(owner="operations"))


def dealt(orders: str = "fill", queries: str = "fill", **rules: object) -> Story:
    """One trade of 1 BTC with alpha, long enough ago to be on any list."""
    story = Story(ALPHA, SETTINGS, **rules)
    story.lps["alpha"].orders, story.lps["alpha"].queries = [orders], [queries]
    story.types("b 1 btcusdt")
    story.later("1s")
    assert story.types("p") == ""
    story.later("61s")
    return story


def order(story: Story) -> str:
    return story.events(ev.OrderSent)[0].order_id


def truth(story: Story) -> rep.OrderFilled:
    """The fill as alpha's books have it."""
    return fill(story.lps["alpha"], order(story))


def listed(story: Story, *rows: Row, since: int | None = None) -> ev.Reconciled:
    """alpha is asked for its list and gives these rows."""
    story.does(cmd.Reconcile(lp="alpha", since=story.began if since is None else since))
    asked = story.events(ev.ExecutionsAsked)[-1]
    story.does(rep.ExecutionsListed(lp="alpha", run_id=asked.run_id, executions=rows))
    return story.events(ev.Reconciled)[-1]


def closed(story: Story) -> list[str]:
    return [each.rule.value if each.rule else each.why for each in story.events(ev.BreakClosed)]


def standing(story: Story) -> str:
    story.see()
    return story.trade.reconciliation.value
