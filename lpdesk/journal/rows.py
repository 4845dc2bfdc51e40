"""From records to rows of the tables, as `projections` says. Runs for every record."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import attrgetter, itemgetter, methodcaller
from types import UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from msgspec import Struct
from msgspec.json import encode
from msgspec.structs import astuple

from lpdesk.domain.record import Record
from lpdesk.journal.projections import WRITES
from lpdesk.journal.statements import Write

_MANY = 512
"""Rows of one kind that go to SQLite together."""

_PARAMETER = re.compile(r":(\w+)")

_PLAIN: Mapping[type, Callable[[Any], Any]] = {
    Decimal: methodcaller("__format__", "f"),  # never through a float
    Enum: attrgetter("_value_"),  # `value` is a Python function
    bool: int,
    dict: lambda mapping: encode(mapping).decode(),
    Struct: lambda struct: encode(struct).decode(),
}
"""What SQLite gets for what it does not know."""


class _Plan(NamedTuple):
    """A write made ready: `pick` takes its parameters in order from an event's flat values."""

    sql: str
    pick: Callable[[list[Any]], tuple[Any, ...]]
    each: int | None


def project(connection: sqlite3.Connection, records: Iterable[Record]) -> None:
    """Write what the records' events say. Inside the caller's transaction; raises sqlite3.Error.

    An id that is opened twice is a bug of the desk and violates a key here.
    """
    sql, rows = "", list[tuple[Any, ...]]()
    for record in records:
        for n, event in enumerate(record.events):
            plans = _plans(type(event))
            values = [*_flat(event), record.seq, record.at, n] if plans else []
            for plan in plans:
                if plan.sql is not sql or len(rows) >= _MANY:
                    if rows:
                        connection.executemany(sql, rows)
                    sql, rows = plan.sql, []
                if plan.each is None:
                    rows.append(plan.pick(values))
                else:
                    for line, item in enumerate(values[plan.each]):
                        rows.append(plan.pick([*values, line, *_flat(item)]))
    if rows:
        connection.executemany(sql, rows)


@cache
def _plans(kind: type[Struct]) -> tuple[_Plan, ...]:
    return tuple(_plan(kind, write) for write in WRITES.get(kind, ()))


def _plan(kind: type[Struct], write: Write) -> _Plan:
    names, each = [*kind.__struct_fields__, "seq", "at", "n"], None
    if write.each is not None:
        each = names.index(write.each)
        item = get_args(get_type_hints(kind)[write.each])[0]
        names += ["line", *(item.__struct_fields__ if issubclass(item, Struct) else ["item"])]
    places = {name: place for place, name in enumerate(names)}  # an item's own names go first
    picked = [places[name] for name in _PARAMETER.findall(write.sql)]
    alone = len(picked) == 1  # itemgetter would give the bare value
    pick = itemgetter(slice(picked[0], picked[0] + 1)) if alone else itemgetter(*picked)
    return _Plan(_PARAMETER.sub("?", write.sql), pick, each)


def _flat(value: Struct | str) -> list[Any]:
    """The fields of an event or of an item as SQLite takes them, its lists as they are."""
    if isinstance(value, str):
        return [value]
    fields = list(astuple(value))
    for place, plain in _mended(type(value)):
        if fields[place] is not None:
            fields[place] = plain(fields[place])
    return fields


@cache
def _mended(kind: type[Struct]) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    """The fields, by their place, that SQLite does not take as they are."""
    hints = get_type_hints(kind)
    return tuple(
        (place, plain)
        for place, name in enumerate(kind.__struct_fields__)
        for base, plain in _PLAIN.items()
        if any(issubclass(declared, base) for declared in _declared(hints[name]))
    )


def _declared(hint: Any) -> tuple[type, ...]:
    return get_args(hint) if isinstance(hint, UnionType) else (get_origin(hint) or hint,)
