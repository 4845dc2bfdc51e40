"""`lpdesk report`: every figure found again in the events, for people and for pipes."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from lpdesk.domain import events as ev
from lpdesk.domain.record import Record
from lpdesk.reports.desk import percentile, summarize, table_lines
from tests.cli.conftest import Command
from tests.cli.days import keep
from tests.tui.markets import active


def events(records: list[Record], kind: type) -> list[ev.Event]:
    return [event for record in records for event in record.events if type(event) is kind]


def test_a_day_of_requests(lpdesk: Command, journal: Path, records: list[Record]) -> None:
    found = json.loads(lpdesk("report", journal, "--format", "json").stdout)
    settled = [e for e in events(records, ev.TradeSettled) if isinstance(e, ev.TradeSettled)]
    assert Decimal(found["pnl"]["USDT"]) == sum(event.pnl for event in settled)
    pairs = {pair["symbol"]: pair for pair in found["pairs"]}
    assert (pairs["BTC/USDT"]["trades"], pairs["BTC/USDT"]["settled"]) == (3, 2)
    assert pairs["BTC/USDT"]["failed"] == 1 and pairs["ETH/USDT"]["settled"] == 1
    lps = {lp["name"]: lp for lp in found["lps"]}
    assert lps["hilbert"]["rejects"] == {"last look": 1} and lps["hilbert"]["fills"] == 0
    assert lps["borel"]["wins"] == 3 and lps["borel"]["fills"] == 3
    for lp in lps.values():
        assert lp["samples"] == lp["responses"] <= lp["requests"]
        assert lp["response_p50_ns"] <= lp["response_p95_ns"]
    assert lps["kepler"]["response_p50_ns"] == 80_000_000
    assert found["makers"] == [] and found["records"] == len(records)


def test_the_table_is_for_people(lpdesk: Command, journal: Path) -> None:
    text = lpdesk("report", journal, COLUMNS="120").stdout
    assert "BTC/USDT" in text and "no makers" in text and "1 last look" in text
    narrow = lpdesk("report", journal, COLUMNS="60").stdout
    assert all(len(line) <= 62 for line in narrow.splitlines()[1:]) and "p95" in narrow


def test_makers(tmp_path: Path, lpdesk: Command) -> None:
    desk = active()
    journal = keep(tmp_path / "market.db", desk.records)
    found = json.loads(lpdesk("report", journal, "--format", "json").stdout)
    assert [maker["symbol"] for maker in found["makers"]] == ["BTC/USDT", "ETH/USDT"]
    total = Decimal(0)
    for maker in found["makers"]:
        last = maker["last"]
        parts = sum(Decimal(last[name]) for name in ("spread", "inventory", "fees"))
        assert parts == Decimal(last["pnl"])
        assert maker["volume"] == last["volume"] and maker["captured"] == last["captured"]
        assert maker["states"]["ACTIVE"] == 1
        total += Decimal(last["pnl"])
    assert Decimal(found["pnl"]["USDT"]) == total
    text = "\n".join(table_lines(summarize(desk.records), 120))
    assert "ACTIVE" in text and "no LP was asked" in text


def test_an_empty_journal() -> None:
    assert list(table_lines(summarize([]), 80)) == ["no records"]


def test_percentiles_are_times_that_were_measured() -> None:
    times = list(range(1, 101))
    assert (percentile(times, 50), percentile(times, 95)) == (50, 95)
    assert (percentile([7], 50), percentile([7], 95), percentile([], 50)) == (7, 7, None)


def test_what_is_no_journal(lpdesk: Command, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("hello")
    result = lpdesk("report", other)
    assert result.exit_code and "lpdesk:" in result.stderr
