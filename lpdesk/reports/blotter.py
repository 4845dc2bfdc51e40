"""The settlement blotter of a journal: as a table, as JSON and as CSV that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import json

from lpdesk.domain.instants import date, time_of_day, timestamp
from lpdesk.domain.reports import DeskStarted
from lpdesk.domain.text import clean, spreadsheet
from lpdesk.domain.values import Instant, round_even
from lpdesk.journal.reader import connect
from lpdesk.reports.table import Align, Column, table
from lpdesk.views import words

Row = dict[str, Any]
"""One trade as the journal's table has it: text, integers (instants, nanoseconds) and None."""

Places = Mapping[str, int]
"""Symbol -> decimals of its quote asset."""

_FIELDS = (
    "trade_id opened_at rfq_id quote_id client symbol side dealt amount base_side client_price"
    " markup_bps pays pays_asset receives receives_asset lp state ended_at lp_price quantity"
    " pnl pnl_asset pnl_bps residual residual_asset fee fee_asset slippage_bps response_ns"
    " reason text desk delayed settles_at executed_at settlement_id integrator_settled"
).split()
"""The fields of a trade that go out, in the order of the journal's table."""


class Filters(NamedTuple):
    """Which trades; empty means any. `since` is included, `until` is not."""

    client: str = ""
    lp: str = ""
    state: str = ""
    pair: str = ""
    since: Instant | None = None
    until: Instant | None = None

    def sql(self) -> tuple[str, Sequence[str | int]]:
        """The condition with its parameters."""
        pair = re.sub(r"[/\-_]", "", self.pair).upper()
        wanted: list[tuple[str, str | int | None]] = [
            ("client = ?", self.client.lower()),
            ("lp = ?", self.lp.lower()),
            ("state = ?", self.state),
            ("replace(symbol, '/', '') = ?", pair),
            ("opened_at >= ?", self.since),
            ("opened_at < ?", self.until),
        ]
        kept = [(sql, value) for sql, value in wanted if value is not None and value != ""]
        return " AND ".join(["1", *(sql for sql, _ in kept)]), [value for _, value in kept]


def trades(path: Path, filters: Filters) -> list[Row]:
    """The trades, newest first. Raises `JournalRefused`, sqlite3.Error on a damaged file."""
    condition, values = filters.sql()
    fields = ", ".join(_FIELDS)
    query = f"SELECT {fields} FROM trades WHERE {condition} ORDER BY seq DESC, trade_id DESC"
    with closing(connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query, values)]


def last_instant(path: Path) -> Instant:
    """When the journal ends; 0 for one without records."""
    with closing(connect(path)) as connection:
        (at,) = connection.execute("SELECT ifnull(max(at), 0) FROM records").fetchone()
    return int(at)


def price_places(path: Path) -> Places:
    """The decimals of each pair's quote asset, as the desk had them at its last start."""
    query = """SELECT cause FROM records WHERE cause LIKE '{"type":"DeskStarted"%'"""
    with closing(connect(path)) as connection:
        found = connection.execute(f"{query} ORDER BY seq DESC LIMIT 1").fetchone()
    started = json.decode(found[0], type=DeskStarted) if found else None
    pairs = started.settings.pairs if started else ()
    return {pair.symbol: pair.quote_decimals for pair in pairs}


# ---- for pipes


def json_lines(rows: Iterable[Row]) -> Iterator[str]:
    """One object a line: decimals as strings, instants in ISO 8601."""
    for row in rows:
        yield json.encode(_outward(row)).decode()


def csv_text(rows: Iterable[Row]) -> str:
    """The same fields with a header line; always one, also without trades."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_FIELDS)
    for row in map(_outward, rows):
        writer.writerow([spreadsheet(row[name]) for name in _FIELDS])
    return text.getvalue()


def _outward(row: Row) -> Row:
    return {
        name: timestamp(value) if name.endswith("_at") and value is not None else value
        for name, value in row.items()
    }


# ---- for people


def table_lines(rows: Sequence[Row], places: Places, width: int) -> Iterator[str]:
    """The blotter as on the screen; narrow ones leave out what matters least."""
    if not rows:
        yield "no trades"
        return
    one_day = len({date(row["opened_at"]) for row in rows}) == 1
    point = Align.POINT
    yield from table(
        [
            Column("time", [_time(row["opened_at"], one_day) for row in rows], rank=2),
            Column("trade", [row["trade_id"] for row in rows]),
            Column("client", [clean(row["client"], 20) for row in rows], rank=3),
            Column("side", [row["side"] for row in rows]),
            Column("amount", [_number(row["amount"]) for row in rows], point),
            Column("", [_asset(row) for row in rows]),
            Column("pair", [row["symbol"] for row in rows], rank=4),
            Column("client price", [_price(row, "client_price", places) for row in rows], point),
            Column("LP", [clean(row["lp"], 20) for row in rows]),
            Column("LP price", [_price(row, "lp_price", places) for row in rows], point, 6),
            Column("slip bp", [_figure(row["slippage_bps"], 2) for row in rows], point, 8),
            Column("P&L", [_pnl(row, places) for row in rows], point),
            Column("", [row["pnl_asset"] or "" for row in rows], rank=5),
            Column("P&L bp", [_figure(row["pnl_bps"], 2) for row in rows], point, 7),
            Column("state", [_state(row) for row in rows]),
            Column("", [_why(row) for row in rows], rank=9),
        ],
        width,
    )


def _state(row: Row) -> str:
    """In the words of the screen."""
    words = {"open": "executing", "unknown": "UNKNOWN"}
    return words.get(row["state"], str(row["state"]))


def _time(at: Instant, one_day: bool) -> str:
    return time_of_day(at) if one_day else f"{date(at)[5:]} {time_of_day(at)}"


def _asset(row: Row) -> str:
    """What the amount is in."""
    base, quote = row["symbol"].split("/")
    return str(base if row["dealt"] == "base" else quote)


def _price(row: Row, field: str, places: Places) -> str:
    text = row[field]
    return words.price(None if text is None else Decimal(text), places.get(row["symbol"], 2))


def _number(text: str | None) -> str:
    return words.DASH if text is None else f"{Decimal(text):,f}"


def _figure(text: str | None, places: int) -> str:
    """With its sign; zero has none."""
    if text is None:
        return "·"
    value = round_even(Decimal(text), places)
    return f"{value:+,f}" if value else f"{abs(value):,f}"


def _pnl(row: Row, places: Places) -> str:
    """To the places of the quote asset when kept in that; a base asset is worth more a unit."""
    if row["pnl"] is None:
        return "·"
    quote = row["symbol"].split("/")[1]
    return _figure(row["pnl"], places.get(row["symbol"], 2) if row["pnl_asset"] == quote else 8)


def _why(row: Row) -> str:
    if row["state"] == "settled":
        return ""
    return clean(" ".join(filter(None, [row["reason"], row["text"]])), 40)
