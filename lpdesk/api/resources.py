"""Resources: one table each for documents, filters, sorting and the published schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Struct

from lpdesk.domain.instants import timestamp
from lpdesk.domain.values import MONEY as MONEY_CONTEXT
from lpdesk.domain.values import SECOND, BadNumber, Instant, number

Schema = dict[str, Any]
ORDERED = ("eq", "neq", "gt", "gte", "lt", "lte")
NAMED = ("eq", "neq", "in", "nin")
SQL_OPS = {
    "eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "in": "IN",
    "nin": "NOT IN",
}  # fmt: skip


class Kind(Struct, frozen=True):
    """A kind of attribute: how it is shown, published, compared in SQL, and read from a filter.

    `take` raises ValueError.
    """

    show: Callable[[Any], object]
    schema: Schema
    ops: tuple[str, ...]
    take: Callable[[str], object]
    filter: Schema = {}
    key: str = "{}"


def money_key(text: str | None) -> str | None:
    """A decimal as text that sorts as the number does; registered with SQLite as `money`."""
    if text is None:
        return None
    value = Decimal(text)
    shifted = MONEY_CONTEXT.add(value, _SHIFT) if value < 0 else value
    return f"{'-' if value < 0 else '0'}{shifted:0>62.40f}"


_SHIFT = Decimal(10) ** 20


def _amount(text: str) -> str:
    try:
        return format(number(text), "f")
    except BadNumber as bad:
        raise ValueError(str(bad)) from None


_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def instant(text: str) -> Instant:
    """ISO 8601 with a zone, to the nanosecond. Raises ValueError."""
    # "+" in a query is a space once decoded: +00:00 is what the client meant.
    found = _INSTANT.fullmatch(re.sub(r" (\d\d:\d\d)$", r"+\1", text))
    if not found:
        raise ValueError("must be an ISO 8601 time with its zone")
    whole, fraction, zone = found.groups()
    moment = datetime.fromisoformat(whole + zone.replace("Z", "+00:00"))
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    nanoseconds = int((fraction or ".0")[1:].ljust(9, "0"))
    at = (elapsed.days * 86_400 + elapsed.seconds) * SECOND + nanoseconds
    if not -(2**63) <= at < 2**63:
        raise ValueError("must be a time of this age")
    return at


def _flag(text: str) -> int:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return int(text == "true")


def _map(value: str | Mapping[str, object]) -> dict[str, object]:
    """Amounts by asset, from the journal as JSON."""
    return dict(msgspec.json.decode(value) if isinstance(value, str) else value)


def _word(text: str) -> str:
    if not 1 <= len(text) <= 128 or not text.isascii() or not text.isprintable():
        raise ValueError("must be 1 to 128 printable characters")
    return text


_TIME: Schema = {"type": "string", "format": "date-time"}
_MONEY: Schema = {"type": "string", "format": "decimal"}

_PLAIN: Schema = {"type": "string", "pattern": r"^[0-9]{1,18}(\.[0-9]{1,18})?$"}
_WORD: Schema = {"type": "string", "pattern": "^[ -~]{1,128}$"}

TEXT = Kind(str, {"type": "string"}, NAMED, _word, _WORD)
MONEY = Kind(str, _MONEY, ORDERED, _amount, _PLAIN, "money({})")
TIME = Kind(timestamp, _TIME, ORDERED, instant, _TIME)
FLAG = Kind(bool, {"type": "boolean"}, ("eq",), _flag, {"type": "boolean"})
COUNT = Kind(int, {"type": "integer"}, (), int)
MAP = Kind(_map, {"type": "object", "additionalProperties": _MONEY}, (), str)


class Column(Struct, frozen=True):
    """An attribute: its name, the SQL that gives it, its kind, and whether lists go by it."""

    name: str
    sql: str
    kind: Kind = TEXT
    listed: bool = False
    where: str = ""
    """How a list finds an equal one where `sql` would have to be worked out for every row."""


class Resource(Struct, frozen=True, dict=True):
    """A type of object. `owner` is the column of the organization whose object it is."""

    type: str
    path: str
    table: str = ""
    id: str = "id"
    owner: str = ""
    columns: tuple[Column, ...] = ()
    related: tuple[tuple[str, str, str], ...] = ()
    """(name, type, column): relationships to one other object, or to several in JSON."""
    unseen: tuple[tuple[str, str], ...] = ()
    """(name, column): what we read along and do not show."""

    @property
    def listed(self) -> tuple[Column, ...]:
        """What its list can be filtered and sorted by."""
        own = tuple(column for column in self.columns if column.listed)
        return (Column("id", self.id), *own) if self.table else own

    @cached_property
    def _parts(self) -> dict[str, str]:
        parts = {"id": self.id} | {column.name: column.sql for column in self.columns}
        return parts | {name: sql for name, _, sql in self.related} | dict(self.unseen)

    @cached_property
    def select(self) -> str:
        """What to select for `row`."""
        return ", ".join(self._parts.values())

    def row(self, values: Sequence[object]) -> dict[str, object]:
        """A selected row by attribute names; related ids by the names of relationships."""
        return dict(zip(self._parts, values, strict=True))

    def object(self, row: Mapping[str, object]) -> dict[str, object]:
        """The JSON:API resource object."""
        attributes = {
            column.name: None if (value := row[column.name]) is None else column.kind.show(value)
            for column in self.columns
        }
        path = f"{self.path}/{row['id']}"
        shown: dict[str, object] = {
            "type": self.type,
            "id": str(row["id"]),
            "attributes": attributes,
            "links": {"self": path},
        }
        if self.related:
            shown["relationships"] = {
                name: _relationship(type_, row[name]) for name, type_, _ in self.related
            }
        return shown

    def schema(self) -> Schema:
        """The resource object's JSON schema."""
        return {
            "type": "object",
            "required": ["type", "id", "attributes"],
            "properties": {
                "type": {"type": "string", "enum": [self.type]},
                "id": {"type": "string"},
                "attributes": {
                    "type": "object",
                    "required": [column.name for column in self.columns],
                    "properties": {c.name: _or_null(c.kind.schema) for c in self.columns},
                },
                "relationships": {"type": "object"},
                "links": {"type": "object"},
            },
        }


def _relationship(type_: str, id_: object) -> dict[str, object]:
    if isinstance(id_, str) and id_.startswith("["):
        return {"data": [{"type": type_, "id": each} for each in msgspec.json.decode(id_)]}
    if id_ is None or id_ == "":
        return {"data": None}
    links = {"related": f"/v2/{type_}/{id_}"}
    return {"data": {"type": type_, "id": str(id_)}, "links": links}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


_UNITS = "iif(base_side = 'BUY', receives, pays)"
_CASH = "iif(base_side = 'BUY', pays, receives)"
_BASE = "substr(symbol, 1, instr(symbol, '/') - 1)"

_OF_TRADE = "SELECT {0} FROM {1} WHERE {1}.{2} = client_quotes.{2}"
_SETTLEMENT = (
    "(SELECT nullif(settlement_id, '') FROM trades WHERE trades.trade_id = client_quotes.trade_id)"
)

QUOTES = Resource(
    "quotes",
    "/v2/quotes",
    "client_quotes",
    "quote_id",
    "client",
    (
        Column("status", "status", TEXT, True),
        Column("reconciliation-status", "reconciliation", TEXT, True),
        Column("transaction-type", "lower(base_side)", TEXT, True),
        Column("asset-name", _BASE, TEXT, True),
        Column("cash-asset-name", "substr(symbol, instr(symbol, '/') + 1)", TEXT, True),
        Column("unit-count", _UNITS, MONEY, True),
        Column("price-per-unit", "price", MONEY, True),
        Column("base-amount", _CASH, MONEY, True),
        Column("fee-amount", "'0'", MONEY, True),
        Column("total-amount", _CASH, MONEY, True),
        Column("hot", "(1 = 1)", FLAG, True),  # by 1 would be by the first column
        Column("delayed-settlement", f"({_OF_TRADE.format('delayed', 'rfqs', 'rfq_id')})", FLAG),
        Column(
            "integrator-settled",
            f"({_OF_TRADE.format('integrator_settled', 'trades', 'trade_id')})",
            FLAG,
        ),
        Column("trade-id", "trade_id", TEXT, True),
        Column(
            "client-order-id",
            f"nullif(({_OF_TRADE.format('client_order_id', 'trades', 'trade_id')}), '')",
            TEXT,
            True,
            "trade_id IN (SELECT trade_id FROM trades WHERE client_order_id = ?)",
        ),
        Column("created-at", "created_at", TIME, True),
        Column("expires-at", "expires_at", TIME, True),
        Column("executed-at", "executed_at", TIME, True),
        Column("cancelled-at", "cancelled_at", TIME, True),
    ),
    (
        ("asset", "assets", _BASE),
        ("account", "accounts", "'client:' || client"),
        ("trade-settlement", "trade-settlements", _SETTLEMENT),
    ),
    (("rfq", "rfq_id"), ("reason", "reason"), ("text", "text")),
)

ASSETS = Resource(
    "assets",
    "/v2/assets",
    columns=(
        Column("name", "", TEXT),
        Column("decimals", "", COUNT),
        Column("minimum-unit-count", "", MONEY),
        Column("cash", "", FLAG),
    ),
)

ACCOUNTS = Resource(
    "accounts",
    "/v2/accounts",
    columns=(
        Column("kind", "", TEXT),
        Column("organization-id", "", TEXT),
        Column("balances", "", MAP),
        Column("held", "", MAP),
        Column("available", "", MAP),
    ),
)

_LINKED = """(SELECT json_group_array(quote_id) FROM settlement_trades AS s
    JOIN client_quotes USING (trade_id) WHERE s.settlement_id = settlements.settlement_id)"""

TRADE_SETTLEMENTS = Resource(
    "trade-settlements",
    "/v2/trade-settlements",
    "settlements",
    "settlement_id",
    "organization",
    (
        Column("status", "state", TEXT, True),
        Column("asset-exposure", "asset_exposures", MAP),
        Column("cash-exposure", "cash_exposures", MAP),
        Column("integrator-settled", "integrator_settled", FLAG, True),
        Column("automatically-created", "automatic", FLAG, True),
        Column("organization-id", "organization", TEXT, True),
        Column("trade-desk-id", "desk", TEXT, True),
        Column("trade-settlement-pair-id", "pair_id", TEXT, True),
        Column("broker-account-id", "broker_account", TEXT, True),
        Column("attempts", "attempts", COUNT),
        Column("created-at", "created_at", TIME, True),
        Column("next-attempt-at", "attempt_at", TIME, True),
        Column("settled-at", "settled_at", TIME, True),
        Column("failed-at", "failed_at", TIME, True),
        Column("rejected-at", "rejected_at", TIME, True),
    ),
    (("quotes", "quotes", _LINKED), ("pair", "trade-settlement-pairs", "pair_id")),
)

PAIRS = Resource(
    "trade-settlement-pairs",
    "/v2/trade-settlement-pairs",
    columns=(
        Column("organization-id", "", TEXT),
        Column("trade-desk-id", "", TEXT),
        Column("settlement-delay-minutes", "", COUNT),
        Column("settlement-retry-delay-minutes", "", COUNT),
        Column("rejection-delay-minutes", "", COUNT),
        Column("auto-settlement-days", "", COUNT),
        Column("auto-settlement-time", "", TEXT),
        Column("time-zone", "", TEXT),
        Column("calendar", "", TEXT),
        Column("settlement-account", "", TEXT),
    ),
)
