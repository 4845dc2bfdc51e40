"""`lpdesk journal`: the records for eyes, one calm line an event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from msgspec import Struct

from lpdesk.domain import events as ev
from lpdesk.domain.instants import date, time_of_day
from lpdesk.domain.record import Cause, Event, Record
from lpdesk.domain.settings import Settings
from lpdesk.domain.text import clean
from lpdesk.plain import Lines

MAX_WORDS = 120
AN_INSTANT = 10**17
"""Larger integers are no durations: three years in nanoseconds."""


class Listing:
    """Turns records into lines. It must see all of them, also those that are not shown."""

    def __init__(self) -> None:
        self._settings = Settings()
        self._lines = Lines(lambda: self._settings)
        self._day = ""

    def of(self, records: Iterable[Record], from_seq: int = 1) -> Iterator[str]:
        """The lines of the records from `from_seq` on; each new day has a line of its own."""
        for record in records:
            lines = list(self._record(record))
            if record.seq < from_seq:
                continue
            if date(record.at) != self._day:
                self._day = date(record.at)
                yield f"── {self._day} ──"
            yield from lines

    def _record(self, record: Record) -> Iterator[str]:
        """One line an event; a record that did nothing is a line about its cause."""
        place = f"{record.seq:>7}  {time_of_day(record.at)}.{record.at // 1_000_000 % 1_000:03d}"
        for event in record.events:
            if isinstance(event, ev.DeskOpened):
                self._settings = event.settings
            yield f"{place}  {self._event(record, event)}"
        if not record.events:
            yield f"{place}  · {summary(record.cause)}"

    def _event(self, record: Record, event: Event) -> str:
        words = self._lines.of(Record(record.seq, record.at, record.cause, (event,)))
        return words[0].partition(" ")[2] if words else summary(event)


def summary(thing: Cause | Event) -> str:
    """Type and main fields: what is short and says something."""
    fields = ((name, getattr(thing, name)) for name in thing.__struct_fields__)
    words = [f"{name} {_shown(value)}" for name, value in fields if _worth(value)]
    return clean("  ".join([type(thing).__name__, *words]), MAX_WORDS)


def _worth(value: object) -> bool:
    return value not in ("", None, False) and not isinstance(value, Struct | tuple | dict)


def _shown(value: object) -> str:
    if isinstance(value, int) and value > AN_INSTANT:
        return time_of_day(value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
