"""The trades on show as two files, for a spreadsheet and for a program."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from msgspec import json, to_builtins

from lpdesk.domain.instants import date, time_of_day, timestamp
from lpdesk.domain.text import spreadsheet
from lpdesk.domain.values import Instant
from lpdesk.tui.chat import keep
from lpdesk.views import TradeRow

_INSTANTS = ("at", "since")


def write(trades: Sequence[TradeRow], folder: Path, now: Instant) -> tuple[Path, Path]:
    """CSV and JSON of the same trades in the same order. Raises OSError."""
    stamp = f"{date(now)}-{time_of_day(now)}".replace("-", "").replace(":", "")
    name = f"settlements-{stamp[:8]}-{stamp[8:]}"
    return (
        keep(csv_text(trades), folder, f"{name}.csv"),
        keep(json_text(trades), folder, f"{name}.json"),
    )


def csv_text(trades: Sequence[TradeRow]) -> str:
    """A header and a line a trade; no cell can become a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    fields = TradeRow.__struct_fields__
    writer.writerow(fields)
    for row in map(_outward, trades):
        writer.writerow([spreadsheet(row[name]) for name in fields])
    return text.getvalue()


def json_text(trades: Sequence[TradeRow]) -> str:
    """A list of objects: decimals as strings, instants in ISO 8601."""
    return json.format(json.encode([_outward(trade) for trade in trades])).decode() + "\n"


def _outward(trade: TradeRow) -> dict[str, object]:
    row: dict[str, object] = to_builtins(trade)
    return row | {name: timestamp(getattr(trade, name)) for name in _INSTANTS}
