"""A trade's lineage tells its webhooks and its breaks to their end."""

from __future__ import annotations

from msgspec.structs import replace

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.reasons import Reason
from lpdesk.tui.ancestry import branches
from lpdesk.tui.tellings import said
from lpdesk.views import lineage
from tests.core.outbox_books import HOOKS
from tests.core.settling import ALPHA, Settling, organization, settling


def tree(desk: Settling) -> list[str]:
    of = lineage("T-000001", desk.simulation.records)
    return [
        "".join(span.text for span in each.text) for each in branches(of, desk.settings)
    ]  # fmt: skip


def test_webhooks_and_breaks_are_part_of_the_story() -> None:
    desk = Settling(ALPHA, replace(settling(organization("1000000")), webhooks=HOOKS))
    desk.deals("b 1 btc/usdt t+1", "b 2 btc/usdt t+3")
    desk.later("2d")
    queued = desk.events(ev.WebhookQueued)[0]
    owed = {"event_id": queued.event_id, "endpoint": "acme-hook"}
    desk.does(rep.WebhookFailed(**owed, attempt=10, status=500, text="status 500"))
    desk.types(f"webhook resend {queued.event_id}")
    desk.does(rep.WebhookDelivered(**owed, attempt=1, status=200))
    desk.does(cmd.Reconcile(lp="alpha", since=desk.began))
    run = desk.events(ev.ExecutionsAsked)[-1].run_id
    desk.does(rep.ExecutionsListed(lp="alpha", run_id=run, executions=()))
    desk.types("break 1 owner anna asks alpha", "break 1 close agreed by phone")

    told = tree(desk)
    at = told.index(next(line for line in told if line.startswith("webhooks")))
    end = told.index(next(line for line in told if line.startswith("breaks")))
    assert [line.split("  ")[0].strip() or line.strip() for line in told[at + 1 : end]] == [
        "create", "settle", "given up !", "sent again", "delivered",
    ]  # fmt: skip
    assert "acme-hook, time 10  status 500" in told[at + 3]
    breaks = told[end + 1 : end + 4]
    assert "not on its list !" in breaks[0] and "agreed by phone" in breaks[2]
    assert "anna looks after B-000001  asks alpha" in breaks[1]
    (compared,) = [line for line in told if "with its list" in line]
    assert "alpha  unmatched  with its list of 0 since 01-" in compared
    assert not any("S-000002" in line or "B-000002" in line for line in told)  # another trade's


def test_a_backup_that_is_asked_is_told() -> None:
    asked = ev.RfqRerouted(rfq_id="R-000001", desk="spare", reason=Reason.LAST_LOOK)
    (line,) = said(asked, None, "")
    assert "".join(span.text for span in line) == "spare is asked instead  last look"
