"""One command to a journal that no desk has open: decided and recorded as a desk would."""

from __future__ import annotations

import asyncio
from pathlib import Path

from lpdesk.clock import SystemClock
from lpdesk.domain.events import CommandRefused
from lpdesk.domain.record import Command, Event
from lpdesk.journal.reader import connect
from lpdesk.journal.store import Journal
from lpdesk.runtime import Runtime


async def obey(path: Path, command: Command) -> tuple[Event, ...]:
    """What the desk decided. Raises `JournalBusy` while one is running, ValueError if refused."""
    connect(path).close()  # a journal is there: none is made for a command
    journal = await Journal.open(path)
    try:
        runtime = Runtime(journal, SystemClock())
        await runtime.resume()
        running = asyncio.create_task(runtime.run())
        try:
            events = await runtime.command(command)
        finally:
            running.cancel()
            await asyncio.wait([running])
    finally:
        await journal.close()
    for event in events:
        if isinstance(event, CommandRefused):
            raise ValueError(f"{event.field}: {event.text}")
    return events
