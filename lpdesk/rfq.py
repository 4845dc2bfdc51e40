"""One request without a screen: quotes stream by, the best is dealt on, exit codes say the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Event, Record
from lpdesk.journal.codec import outward
from lpdesk.plain import Lines
from lpdesk.session import Session

DONE, EXPIRED, NO_LIQUIDITY, REFUSED, UNKNOWN = 0, 3, 4, 5, 6

UNKNOWN_PATIENCE_S = 15.0
"""How long an unknown outcome is waited for; it goes on being asked for at the next start."""

ENDED = {
    ev.RfqEnd.EXPIRED: EXPIRED,
    ev.RfqEnd.NO_LIQUIDITY: NO_LIQUIDITY,
    ev.RfqEnd.CANCELLED: DONE,
}


class OneRfq:
    """Follows one request from the records that concern it."""

    def __init__(self, session: Session, write: Callable[[Record, Event], None]) -> None:
        self.session = session
        self.write = write
        self.rfq_id = ""
        self.trade_id = ""
        self.quote_id = ""
        self.priced = asyncio.Event()
        self.outcome: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.unknown = asyncio.Event()

    def heard(self, record: Record) -> None:
        """A listener: pass on what concerns the request, notice how it goes on."""
        for event in record.events:
            if self._mine(event):
                self.write(record, event)
                self._notice(event)

    def _mine(self, event: Event) -> bool:
        return (
            (bool(self.rfq_id) and getattr(event, "rfq_id", "") == self.rfq_id)
            or (bool(self.trade_id) and getattr(event, "trade_id", "") == self.trade_id)
            or isinstance(event, ev.RfqOpened | ev.CommandRefused)
        )

    def _notice(self, event: Event) -> None:
        match event:
            case ev.RfqOpened():
                self.rfq_id = event.rfq_id
            case ev.QuoteLocked():
                self.quote_id = event.quote_id
                self.priced.set()
            case ev.QuoteUnlocked() | ev.RfqRefreshed():
                self.quote_id = ""
                self.priced.clear()
            case ev.RfqEnded() if event.how in ENDED:
                self._end(ENDED[event.how])
            case ev.TradeOpened():
                self.trade_id = event.trade_id
            case ev.TradeUnknown():
                self.unknown.set()
            case ev.TradeSettled() | ev.TradeExecuted():
                self._end(DONE)
            case ev.TradeFailed():
                self._end(REFUSED)

    def _end(self, code: int) -> None:
        if not self.outcome.done():
            self.outcome.set_result(code)

    async def run(self, request: cmd.RequestQuote, accept: bool, after_s: float) -> int:
        """Request, wait, accept (or cancel) after `after_s`, wait for the end: the exit code."""
        answer = await self.session.submit(request)
        if any(isinstance(event, ev.CommandRefused) for event in answer):
            return REFUSED
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._deal(accept, after_s))]
            tasks.append(group.create_task(self._give_up()))
            try:
                return await self.outcome
            finally:
                for task in tasks:
                    task.cancel()

    async def _deal(self, accept: bool, after_s: float) -> None:
        """Accept the price in force once the time has come; a replaced price is tried again."""
        await asyncio.sleep(after_s)
        while not self.outcome.done():
            if not accept:
                await self.session.submit(cmd.CancelRfq(rfq_id=self.rfq_id))
                return
            await self.priced.wait()
            quote_id = self.quote_id
            command = cmd.AcceptQuote(rfq_id=self.rfq_id, quote_id=quote_id)
            answer = await self.session.submit(command)
            refused = next((e for e in answer if isinstance(e, ev.CommandRefused)), None)
            if refused is None:
                return
            if refused.reason is not Reason.QUOTE_CHANGED:
                self._end(EXPIRED if refused.reason is Reason.QUOTE_EXPIRED else REFUSED)

    async def _give_up(self) -> None:
        """An outcome that stays unknown is a result, too."""
        await self.unknown.wait()
        await asyncio.sleep(UNKNOWN_PATIENCE_S)
        self._end(UNKNOWN)


def writer(
    session: Session, line: Callable[[str], None], as_json: bool
) -> Callable[[Record, Event], None]:
    """Writes one event of a request, for people or as one JSON object a line."""
    if as_json:
        return lambda record, event: line(_json(record, event))
    lines = Lines(lambda: session.view.settings)

    def write(record: Record, event: Event) -> None:
        for text in lines.of(Record(record.seq, record.at, record.cause, (event,))):
            line(text)

    return write


def _json(record: Record, event: Event) -> str:
    """One event with its place in the journal, decimals as strings, instants in ISO 8601."""
    shown = outward(Record(record.seq, record.at, record.cause, (event,)))
    return json.dumps({"seq": shown["seq"], "at": shown["at"], **shown["events"][0]})
