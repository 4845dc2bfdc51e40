"""A real desk behind the screen: engine, journal on disk and clock; only the LPs are stand-ins.

    python -m tests.tui.stopped_app REPORT JOURNAL RFQS SECONDS

Asks for that many RFQs, which ask afresh whenever their price expires, says so in REPORT.started,
and after that many seconds reports: how late the loop was and the expiries were, what was accepted
and when, and whether frames were being left out.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from time import monotonic

from lpdesk.clock import SystemClock
from lpdesk.domain import events as ev
from lpdesk.domain.entry import parse_request
from lpdesk.domain.record import Event, Record
from lpdesk.domain.settings import Rules
from lpdesk.domain.values import SECOND
from lpdesk.journal.store import Journal
from lpdesk.runtime import Runtime
from lpdesk.session import LiveSession
from lpdesk.tui.app import DeskApp
from lpdesk.tui.figures import price
from tests.tui.stories import Market, settings

BEAT_S = 0.005


class Stopped:
    """One run."""

    def __init__(self, report: Path, journal: Path, rfqs: int, seconds: float) -> None:
        self.report, self.journal, self.rfqs, self.seconds = report, journal, rfqs, seconds
        self.market = Market()
        self.session = LiveSession(SystemClock())
        self.lags: list[float] = []
        self.due: dict[str, int] = {}
        self.late: list[int] = []
        self.accepted: list[tuple[float, str]] = []
        self.app = DeskApp(self.session, on_ready=self.begin)

    async def run(self) -> None:
        """Until the screen is left."""
        journal = await Journal.open(self.journal)
        self.runtime = Runtime(journal, self.session.clock)
        self.runtime.listeners.append(self.heard)
        engine = asyncio.create_task(self.runtime.run())
        try:
            await self.app.run_async()
        finally:
            await self.runtime.close("left")
            await engine
            await journal.close()

    def begin(self) -> None:
        """The screen stands: open, ask, measure."""
        self.jobs = [asyncio.create_task(self.watch()), asyncio.create_task(self.work())]

    async def work(self) -> None:
        """What the dealer did before the terminal stopped."""
        self.session.engine = self.runtime
        rules = Rules(rfq_duration_ns=120 * SECOND, auto_refresh=True)
        await self.runtime.open("abc", settings(rules=rules), "0", self.send)
        for number in range(self.rfqs):
            line = f"b {number + 1}.5 eth/usdt" if number % 2 else f"s 0.{number + 1} btc/usdt"
            await self.session.submit(parse_request(line, settings().pairs))
        self.report.with_suffix(".started").touch()
        self.lags.clear()
        self.began = self.session.clock.now()
        await asyncio.sleep(self.seconds)
        self.say()

    def send(self, event: Event) -> None:
        """The LPs hear of it."""
        loop = asyncio.get_running_loop()
        for delay_ns, answer in self.market(event, self.session.now()):
            loop.call_later(delay_ns / 1e9, self.runtime.report, answer)

    def heard(self, record: Record) -> None:
        """Every decision of the desk."""
        now = self.session.clock.now()
        for event in record.events:
            if isinstance(event, ev.TradeOpened):
                pair = settings().pair(event.symbol)
                self.accepted.append(((now - self.began) / SECOND, price(event.client_price, pair)))
            elif isinstance(event, ev.QuoteUnlocked | ev.RfqRefreshed):
                if event.rfq_id in self.due:
                    self.late.append(now - self.due.pop(event.rfq_id))
            elif isinstance(event, ev.QuoteLocked):
                self.due[event.rfq_id] = event.dealable_until

    async def watch(self) -> None:
        """How late a short sleep comes."""
        while True:
            before = monotonic()
            await asyncio.sleep(BEAT_S)
            self.lags.append(monotonic() - before - BEAT_S)

    def say(self) -> None:
        """The figures, in milliseconds."""
        lags = sorted(self.lags)
        facts = {
            "beats": len(lags),
            "lag_p99_ms": lags[int(len(lags) * 0.99)] * 1000,
            "lag_max_ms": lags[-1] * 1000,
            "expired": len(self.late),
            "late_ms": sorted(late / 1e6 for late in self.late),
            "live": sum(card.live for card in self.session.view.rfqs),
            "accepted": self.accepted,
            "trades": self.session.view.status.trades,
            "behind": self.app.desk.behind,
        }
        part = self.report.with_suffix(".part")
        part.write_text(json.dumps(facts))
        part.replace(self.report)


if __name__ == "__main__":
    report, journal, rfqs, seconds = sys.argv[1:]
    asyncio.run(Stopped(Path(report), Path(journal), int(rfqs), float(seconds)).run())
