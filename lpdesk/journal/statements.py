"""How an event becomes rows: statements whose `:names` are the event's own fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lpdesk.domain.record import Event


class Write(NamedTuple):
    """A statement; `each` names a field that gives one row for each of its items."""

    sql: str
    each: str | None = None


def insert(table: str, names: Iterable[str], each: str | None = None, **values: str) -> Write:
    """Insert fields under their own names, and SQL expressions under others."""
    columns = {name: f":{name}" for name in names} | values
    return Write(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(columns.values())})", each
    )


def update(table: str, key: str, where: str = "", each: str | None = None, **values: str) -> Write:
    """Set columns to SQL expressions in the rows of the event's `key`, or of each item's."""
    changes = ", ".join(f"{column} = {value}" for column, value in values.items())
    return Write(f"UPDATE {table} SET {changes} WHERE {key} = :{key} {where}", each)


def own(struct: type[Event], *more: str) -> tuple[str, ...]:
    return (*struct.__struct_fields__, *more)


def same(*names: str) -> dict[str, str]:
    return {name: f":{name}" for name in names}
