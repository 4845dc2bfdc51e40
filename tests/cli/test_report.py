"""`lpdesk report`: every figure found again in the events, for people and for pipes."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

from lpdesk.domain import events as ev
from lpdesk.domain.record import Record
from lpdesk.reports import html
from lpdesk.reports.desk import LpReport, Report, summarize, table_lines
from tests.cli.conftest import Command
from tests.cli.days import keep
from tests.core.making import Books
from tests.tui.markets import active


def events(records: list[Record], kind: type) -> list[ev.Event]:
    return [event for record in records for event in record.events if type(event) is kind]


def recomputed(records: list[Record], symbol: str) -> Books:
    """A second bookkeeper's figures, from the journal's events alone."""
    books = Books()
    for record in records:
        for event in record.events:
            match event:
                case ev.DeskOpened():
                    books.started = record.at
                case ev.BookTraded() if event.symbol == symbol:
                    books.traded(event, record.at)
                case ev.BookChanged() if event.symbol == symbol:
                    books.shown(event, record.at)
                case ev.MakerMoved() if event.symbol == symbol:
                    books.check(event, record.at)
    assert books.checks > 50
    return books


def test_a_day_of_requests(lpdesk: Command, journal: Path, records: list[Record]) -> None:
    found = json.loads(lpdesk("report", journal, "--format", "json").stdout)
    settled = [e for e in events(records, ev.TradeSettled) if isinstance(e, ev.TradeSettled)]
    assert Decimal(found["pnl"]["USDT"]) == sum(event.pnl for event in settled)
    pairs = {pair["symbol"]: pair for pair in found["pairs"]}
    assert (pairs["BTC/USDT"]["trades"], pairs["BTC/USDT"]["settled"]) == (3, 2)
    assert pairs["BTC/USDT"]["failed"] == 1 and pairs["ETH/USDT"]["settled"] == 1
    lps = {lp["name"]: lp for lp in found["lps"]}
    borel, hilbert = lps["borel"]["score"], lps["hilbert"]["score"]
    assert lps["hilbert"]["rejects"] == {"last look": 1}
    assert (hilbert["accepts"], hilbert["trades"], hilbert["rejects_still"]) == (1, 0, 1)
    assert (borel["wins"], borel["accepts"], borel["trades"]) == (3, 3, 3)
    for lp in lps.values():
        score = lp["score"]
        assert score["response"]["samples"] <= score["responses"] <= score["requests"]
        assert score["response"]["p50"] <= score["response"]["p95"]
        assert score["requests"] == sum(cell["score"]["requests"] for cell in lp["cells"])
    assert lps["kepler"]["score"]["response"]["p50"] == 80_000_000
    assert found["makers"] == [] and found["records"] == len(records)


def test_the_table_is_for_people(lpdesk: Command, journal: Path) -> None:
    text = lpdesk("report", journal, COLUMNS="200").stdout
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
        books = recomputed(desk.records, maker["symbol"])
        assert Decimal(last["pnl"]) == books.cash + books.position * (books.mid or 0)
        for name in ("position", "spread", "inventory", "fees"):
            assert Decimal(last[name]) == getattr(books, name)
        fills = [sum(fill[n] for fill in books.day) for n in (1, 2, 3)]
        assert [Decimal(maker[n]) for n in ("volume", "notional", "captured")] == fills
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


def test_what_is_no_journal(lpdesk: Command, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("hello")
    result = lpdesk("report", other)
    assert result.exit_code and "lpdesk:" in result.stderr


def test_a_page_for_browsers(lpdesk: Command, journal: Path) -> None:
    """One file, every LP with its plots, nothing fetched, nothing run."""
    text = lpdesk("report", journal, "--format", "html").stdout
    page = ElementTree.fromstring(text.removeprefix("<!doctype html>"))
    headings = [element.text for element in page.iter("h2")]
    assert headings[:2] == ["P&L", "Liquidity providers, last 24 hours"] and "borel" in headings
    assert "+135.42" in text and "src=" not in text and "<script" not in text
    drawn = [svg.get("aria-label") or "" for svg in page.iter("svg")]
    assert any(label.startswith("p50 80") for label in drawn)


def test_names_from_outside_are_text_in_the_page() -> None:
    report = Report(lps={"<b>x": LpReport("<b>x")})
    assert "<b>" not in html.page(report) and "&lt;b&gt;x" in html.page(report)
