"""A list as two files, for a spreadsheet and for a program, and as text for the clipboard."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, json, to_builtins
from msgspec.structs import asdict

from lpdesk.domain.instants import date, time_of_day, timestamp
from lpdesk.domain.text import spreadsheet
from lpdesk.domain.values import Instant
from lpdesk.tui.chat import keep
from lpdesk.views.settlements import SettlementRow

_INSTANTS: Final = ("at", "since")


def write(name: str, rows: Sequence[Struct], folder: Path, now: Instant) -> tuple[Path, Path]:
    """CSV and JSON of the same rows in the same order. Raises OSError."""
    stamp = f"{date(now)}-{time_of_day(now)}".replace("-", "").replace(":", "")
    file = f"{name}-{stamp[:8]}-{stamp[8:]}"
    return (
        keep(csv_text(rows), folder, f"{file}.csv"),
        keep(json_text(rows), folder, f"{file}.json"),
    )


def csv_text(rows: Sequence[Struct], delimiter: str = ",") -> str:
    """A header and a line a row; no cell can become a formula, what is nested is JSON."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    told = [*map(_outward, rows)]
    fields = [*told[0]] if told else []
    writer.writerow(fields)
    for row in told:
        writer.writerow([spreadsheet(_cell(row[name])) for name in fields])
    return text.getvalue()


def json_text(rows: Sequence[Struct]) -> str:
    """A list of objects: decimals as strings, instants in ISO 8601."""
    return json.format(json.encode([_outward(row) for row in rows])).decode() + "\n"


def _settlement(row: SettlementRow) -> dict[str, Any]:
    """Its terms and how it stands, side by side."""
    return asdict(row.terms) | {
        "state": row.state,
        "since": row.since,
        "next_at": row.next_at,
        "attempts": len(row.attempts),
        "missing": row.shortfalls if row.open else (),
        "integrator_trades": row.integrator_trades,
    }


_FIELDS: Final[Mapping[type, Callable[[Any], dict[str, Any]]]] = {SettlementRow: _settlement}
"""How a row is told whose own fields are not what others want."""


def _outward(row: Struct) -> dict[str, Any]:
    fields: Callable[[Any], dict[str, Any]] = _FIELDS.get(type(row), asdict)
    told: dict[str, Any] = to_builtins(fields(row))
    return {name: _when(name, value) for name, value in told.items()}


def _when(name: str, value: Any) -> Any:
    instant = name in _INSTANTS or name.endswith("_at")
    return timestamp(value) if instant and value is not None else value


def _cell(value: Any) -> Any:
    return json.encode(value).decode() if isinstance(value, list | tuple | dict) else value
