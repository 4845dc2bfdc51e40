"""`lpdesk reconcile`: a desk that opens, compares with every LP's list once, tells, and closes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lpdesk.domain.commands import Reconcile
from lpdesk.domain.events import CommandRefused
from lpdesk.output import Output
from lpdesk.reports import breaks as report
from lpdesk.reports.when import instant
from lpdesk.views import RunRow

if TYPE_CHECKING:
    from lpdesk.bootstrap import LiveDesk

DONE, REFUSED, UNKNOWN = 0, 5, 6


async def once(live: LiveDesk, since: str, as_json: bool, width: int) -> int:
    """One comparison with every LP's list, what it found, and an exit code that says it."""
    output = Output()
    try:
        await live.start()
        now = live.session.now()
        begin = instant(since, now) if since else None
        heard = asyncio.Event()
        live.listeners.append(lambda record: heard.set())
        answer = await live.session.submit(Reconcile(since=begin))
        refused = next((event for event in answer if isinstance(event, CommandRefused)), None)
        if refused:
            raise ValueError(f"{refused.field}: {refused.text}")
        while not all(run.tried_at >= now for run in _runs(live)):
            heard.clear()
            await heard.wait()
        view, now = live.session.view, live.session.now()
        if as_json:
            lines = report.json_lines(view.breaks.runs, view.breaks.rows, now)
        else:
            lines = report.table_lines(view.breaks.runs, view.breaks.rows, now, width)
        for line in lines:
            output(line)
        if any(run.trouble and run.able for run in view.breaks.runs):
            return UNKNOWN
        return REFUSED if any(row.open for row in view.breaks.rows) else DONE
    finally:
        await live.close("reconciled")
        await output.close()


def _runs(live: LiveDesk) -> list[RunRow]:
    """The last comparison with each LP of this desk; one that never was is from long ago."""
    view = live.session.view
    known = {run.lp: run for run in view.breaks.runs}
    return [known.get(lp.name, RunRow(lp.name, tried_at=-1)) for lp in view.settings.lps]
