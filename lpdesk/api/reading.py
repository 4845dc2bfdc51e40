"""What is on record, read beside the writer: the same transaction wrote it, so it is never behind.

A single object is read where it is asked for: by its key, from pages in memory, that takes less
than a hop to a thread. Lists go through a thread of their own and keep nobody from an answer.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiosqlite
import msgspec
from msgspec import Struct

from lpdesk.api.problems import Problem
from lpdesk.api.resources import SQL_OPS, Column, Resource, money_key
from lpdesk.domain.record import Event
from lpdesk.domain.text import clean
from lpdesk.journal.reader import uri

PAGE_SIZE, MAX_PAGE_SIZE, MAX_PAGE = 25, 1_000, 1_000_000
MAX_VALUES = 100
Parameters = Sequence[tuple[str, str]]
Row = dict[str, object]

_EVENTS: msgspec.json.Decoder[tuple[Event, ...]] = msgspec.json.Decoder(tuple[Event, ...])
_FILTER = re.compile(r"filter\[([a-z-]+)(?: (eq|neq|gt|gte|lt|lte|in|nin))?\]")


class Page(Struct, frozen=True):
    """Which part of a list is wanted, and how it is put in order."""

    number: int
    size: int
    order: str
    where: tuple[str, ...]
    values: tuple[object, ...]


class Taken(Struct, frozen=True):
    """A request that named itself and had its effect; `status` is None if it was not answered."""

    digest: str
    status: int | None
    body: str
    events: tuple[Event, ...]


class Reader:
    """Read-only access to one journal's tables."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._one: sqlite3.Connection | None = None
        self._many: aiosqlite.Connection | None = None

    async def open(self) -> None:
        """Raises sqlite3.Error."""
        self._one = sqlite3.connect(uri(self._path), uri=True, isolation_level=None)
        self._many = await aiosqlite.connect(uri(self._path), uri=True, isolation_level=None)
        await self._many.create_function("money", 1, money_key, deterministic=True)

    async def close(self) -> None:
        if self._one:
            self._one.close()
        if self._many:
            await self._many.close()
        self._one = self._many = None

    def rows(self, sql: str, *values: object) -> list[Sequence[Any]]:
        """For single objects, by a key."""
        assert self._one is not None
        return self._one.execute(sql, values).fetchall()

    def find(self, resource: Resource, organization: str, where: str, value: object) -> Row | None:
        """One object; None if there is none, or if it is another organization's."""
        owned = f" AND {resource.owner} = ?" if organization else ""
        values = (value, organization) if organization else (value,)
        sql = f"SELECT {resource.select} FROM {resource.table} WHERE {where} = ?{owned}"
        found = self.rows(sql, *values)
        return resource.row(found[0]) if found else None

    async def page(
        self, resource: Resource, organization: str, page: Page
    ) -> tuple[list[Row], int]:
        """The objects of one page, and how many there are in all."""
        assert self._many is not None
        where, values = list(page.where), list(page.values)
        if organization:
            where.append(f"{resource.owner} = ?")
            values.append(organization)
        condition = f" WHERE {' AND '.join(where)}" if where else ""
        count = f"SELECT count(*) FROM {resource.table}{condition}"
        [(total,)] = await self._many.execute_fetchall(count, values)
        sql = f"SELECT {resource.select} FROM {resource.table}{condition} ORDER BY {page.order}"
        values += [page.size, (page.number - 1) * page.size]
        found = await self._many.execute_fetchall(f"{sql} LIMIT ? OFFSET ?", values)
        return [resource.row(row) for row in found], total

    def taken(self, caller: str, token: str) -> Taken | None:
        """What is known of a request by its name."""
        found = self.rows(
            "SELECT digest, status, body, seq FROM api_requests WHERE caller = ? AND token = ?",
            caller,
            token,
        )
        if not found:
            return None
        digest, status, body, seq = found[0]
        [(events,)] = self.rows("SELECT events FROM records WHERE seq = ?", seq)
        return Taken(digest, status, body or "", _EVENTS.decode(events))


# ---- what a list request says


def parse_page(resource: Resource, parameters: Parameters) -> Page:
    """Filters, order and page of a list. Raises `Problem` 400 that names the parameter."""
    columns = {column.name: column for column in resource.listed}
    numbers = {"page[number]": 1, "page[size]": PAGE_SIZE}
    limits = {"page[number]": MAX_PAGE, "page[size]": MAX_PAGE_SIZE}
    where: list[str] = []
    values: list[object] = []
    order = "seq DESC"
    seen: set[str] = set()
    for name, text in parameters:
        if name in seen:
            raise Problem("malformed", "said twice", parameter=_shown(name))
        seen.add(name)
        filtered = _FILTER.fullmatch(name)
        if name in numbers:
            numbers[name] = _whole(name, text, limits[name])
        elif name == "sort":
            order = _order(columns, text)
        elif filtered and (column := columns.get(filtered[1])):
            condition, wanted = _condition(column, name, filtered[2] or "eq", text)
            where.append(condition)
            values += wanted
        else:
            raise Problem("malformed", "unknown parameter", parameter=_shown(name))
    number, size = numbers.values()
    return Page(number, size, order, tuple(where), tuple(values))


def _condition(column: Column, name: str, op: str, text: str) -> tuple[str, list[object]]:
    kind = column.kind
    if op not in (("eq",) if column.where else kind.ops):
        raise Problem("malformed", f"{column.name} has no {op}", parameter=_shown(name))
    texts = text.split(",") if op in ("in", "nin") else [text]
    if len(texts) > MAX_VALUES:
        raise Problem("malformed", f"at most {MAX_VALUES} values", parameter=_shown(name))
    try:
        wanted = [kind.take(each) for each in texts]
    except (ValueError, OverflowError) as bad:
        raise Problem("malformed", str(bad), parameter=_shown(name)) from None
    if column.where:
        return column.where, wanted
    mark = kind.key.format("?")
    marks = f"({', '.join([mark] * len(wanted))})" if op in ("in", "nin") else mark
    return f"{kind.key.format(column.sql)} {SQL_OPS[op]} {marks}", wanted


def _order(columns: dict[str, Column], text: str) -> str:
    terms: list[str] = []
    for each in text.split(","):
        column = columns.get(each.removeprefix("-"))
        if column is None or len(terms) > 8:
            raise Problem("malformed", "not something to sort by", parameter="sort")
        way = "DESC" if each.startswith("-") else "ASC"
        terms.append(f"{column.kind.key.format(column.sql)} {way}")
    return ", ".join([*terms, "seq DESC"])


def _whole(name: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise Problem("malformed", f"must be 1 to {most}", parameter=name)
    return int(text)


def _shown(name: str) -> str:
    """A parameter's name as we repeat it."""
    return clean(name, 80) if name else "?"
