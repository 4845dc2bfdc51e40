"""The commands over a journal: journal, verify, blotter, picture, replay."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lpdesk.domain.record import Record
from tests.cli.conftest import Command
from tests.cli.damage import flip
from tests.cli.days import FORMULA, keep

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


def objects(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def floats(value: object) -> Iterator[float]:
    match value:
        case float():
            yield value
        case dict():
            for item in value.values():
                yield from floats(item)
        case list():
            for item in value:
                yield from floats(item)


# journal


def test_journal_json_is_the_outward_contract(
    lpdesk: Command, journal: Path, records: list[Record]
) -> None:
    shown = objects(lpdesk("journal", journal, "--json").stdout)
    assert [record["seq"] for record in shown] == list(range(1, len(records) + 1))
    for record in shown:
        assert list(record) == ["seq", "at", "cause", "events"]
        assert INSTANT.fullmatch(str(record["at"]))
        assert record["cause"]["type"] and all(event["type"] for event in record["events"])
        assert not list(floats(record)), "money as a float"
    locked = next(e for r in shown for e in r["events"] if e["type"] == "QuoteLocked")
    assert locked["lp_price"] == "100010.0000" and INSTANT.fullmatch(locked["dealable_until"])


def test_journal_from_a_record_on(lpdesk: Command, journal: Path, records: list[Record]) -> None:
    shown = objects(lpdesk("journal", journal, "--from", 40, "--json").stdout)
    assert [record["seq"] for record in shown] == list(range(40, len(records) + 1))


def test_journal_for_eyes_has_a_line_an_event(
    lpdesk: Command, journal: Path, records: list[Record]
) -> None:
    day, *shown = lpdesk("journal", journal).stdout.splitlines()
    assert day == "── 2026-01-19 ──"
    assert len(shown) == sum(max(len(record.events), 1) for record in records)
    assert max(map(len, shown)) <= 145
    assert "      2  14:30:00.000  R-000001 BUY 1.5 BTC in BTC/USDT for acme" in shown
    later = lpdesk("journal", journal, "--from", 40).stdout.splitlines()
    assert later[1:] == [line for line in shown if int(line[:7]) >= 40]


# verify


def test_verify_says_ok(lpdesk: Command, journal: Path, records: list[Record]) -> None:
    result = lpdesk("verify", journal)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"ok: {len(records)} records")
    (found,) = objects(lpdesk("verify", journal, "--json").stdout)
    assert found["ok"] is True and found["records"] == len(records) and found["seq"] is None


def test_verify_names_the_record_of_a_flipped_byte(lpdesk: Command, journal: Path) -> None:
    damaged = flip(journal, b'"type":"LegFilled"')
    result = lpdesk("verify", journal)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"damaged at record {damaged}: hash differs")
    (found,) = objects(lpdesk("verify", journal, "--json").stdout)
    assert (found["ok"], found["seq"]) == (False, damaged)


@pytest.mark.parametrize("command", ["verify", "journal", "blotter"])
def test_what_is_no_journal_is_said_in_a_sentence(
    lpdesk: Command, tmp_path: Path, command: str
) -> None:
    missing = lpdesk(command, tmp_path / "none.db")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert missing.stderr == f"lpdesk: no journal at {tmp_path / 'none.db'}\n"
    other = tmp_path / "other.db"
    other.write_bytes(b"not a database, but long enough to be one" * 100)
    result = lpdesk(command, other)
    assert result.exit_code == 2 and "not a journal" in result.stderr


# blotter


@pytest.mark.parametrize("width", [66, 80, 100, 160])
def test_blotter_table_fits_and_stands_on_its_points(
    lpdesk: Command, journal: Path, width: int
) -> None:
    table = lpdesk("blotter", journal, COLUMNS=str(width)).stdout
    title, *rows = table.splitlines()
    assert max(map(len, [title, *rows])) <= width
    assert [row.partition("T-00000")[2][0] for row in rows] == ["4", "3", "2", "1"]
    prices = [re.search(r" (100,|99,|3,3)\d+\.\d\d ", row) for row in rows]
    assert len({price and price.end() for price in prices}) == 1 and all(prices)
    assert (title.count("client") == 2) is (width >= 100)
    assert title.startswith("time") is (width >= 80)
    assert (f"failed   last look {FORMULA}" in rows[0]) is (width == 160)


NARROW = """\
time     trade    side    amount      client price LP         P&L state
14:33:04 T-000004 BUY       1.5  BTC    100,100.02 hilbert   ·    failed
14:32:03 T-000003 BUY  50,000    USDT    99,940.00 borel   +25.99 settled
14:31:02 T-000002 SELL     20.25 ETH      3,397.96 borel   +34.42 settled
14:30:01 T-000001 BUY       1.5  BTC    100,060.00 borel   +75.01 settled
"""


def test_a_narrow_blotter_to_the_letter(lpdesk: Command, journal: Path) -> None:
    assert lpdesk("blotter", journal, COLUMNS="78").stdout == NARROW


def test_blotter_json_has_decimals_as_strings(lpdesk: Command, journal: Path) -> None:
    trades = objects(lpdesk("blotter", journal, "--format", "json").stdout)
    assert [trade["trade_id"] for trade in trades] == [f"T-00000{n}" for n in (4, 3, 2, 1)]
    assert not list(floats(trades))
    first = trades[-1]
    assert str(first["client_price"]).startswith("100060.005")
    assert INSTANT.fullmatch(str(first["opened_at"])) and first["state"] == "settled"


def test_blotter_csv_cells_never_become_formulas(lpdesk: Command, journal: Path) -> None:
    text = lpdesk("blotter", journal, "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 4 and rows[0]["text"] == f"'{FORMULA}"
    assert rows[0]["pnl"] == "" and rows[3]["pnl"].startswith("75.")
    assert "\r" not in text


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd", "'+cmd"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "\ufffd=1"),
        ("\r=1", "\ufffd=1"),
        ("-0.5", "-0.5"),
        ("+1", "+1"),
        ("a=1", "a=1"),
        (None, ""),
        (7, "7"),
    ],
)
def test_a_cell(value: object, cell: str) -> None:
    from lpdesk.domain.text import spreadsheet

    assert spreadsheet(value) == cell


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        (("--client", "noether"), [2]),
        (("--lp", "BOREL"), [3, 2, 1]),
        (("--state", "failed"), [4]),
        (("--pair", "btcusdt"), [4, 3, 1]),
        (("--since", "14:31:30"), [4, 3]),
        (("--until", "2026-01-19T14:31:01Z"), [1]),
        (("--since", "2026-01-20"), []),
        (("--client", "acme", "--state", "settled"), [3, 1]),
    ],
)
def test_blotter_filters(
    lpdesk: Command, journal: Path, filters: tuple[str, ...], numbers: list[int]
) -> None:
    trades = objects(lpdesk("blotter", journal, "--format", "json", *filters).stdout)
    assert [trade["trade_id"] for trade in trades] == [f"T-{n:06}" for n in numbers]


def test_an_empty_blotter_says_so(lpdesk: Command, tmp_path: Path) -> None:
    empty = keep(tmp_path / "empty.db", [])
    assert lpdesk("blotter", empty).stdout == "no trades\n"
    assert lpdesk("blotter", empty, "--format", "json").stdout == ""
    assert lpdesk("blotter", empty, "--format", "csv").stdout.startswith("trade_id,opened_at,")


@pytest.mark.parametrize("when", ["yesterday", "25:00", "2026-13-01", "", "1"])
def test_a_time_that_is_none(lpdesk: Command, journal: Path, when: str) -> None:
    result = lpdesk("blotter", journal, "--since", when)
    assert result.exit_code == (0 if when == "" else 2)
    assert "Traceback" not in result.stderr


# picture and replay


@pytest.mark.parametrize("kind", ["txt", "svg"])
def test_a_picture_is_the_same_in_any_time_zone(
    lpdesk: Command, journal: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = []
    for zone in ("UTC", "Asia/Kathmandu", "America/St_Johns"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        file = tmp_path / f"{len(pictures)}.{kind}"
        result = lpdesk("picture", journal, "--seq", 12, "--size", "100x30", "-o", file)
        assert result.exit_code == 0, result.stderr
        pictures.append(file.read_bytes())
    monkeypatch.undo()
    time.tzset()
    assert len(set(pictures)) == 1
    assert b"REPLAY" in pictures[0] and b"R-000001" in pictures[0]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--seq", 999, "-o", "x.txt"), "--seq 999: the journal has records 1 to"),
        (("--seq", 5, "-o", "x.png"), "x.png: the name must end in .svg or .txt"),
        (("--seq", 5, "--size", "huge", "-o", "x.txt"), "--size huge: write columns x rows"),
        (("--seq", 5, "--size", "1x1", "-o", "x.txt"), "--size 1x1: from 20x6 to 500x200"),
        (("--seq", 5, "--screen", "moon", "-o", "x.txt"), "there is no screen 'moon'"),
        (("--seq", 5, "-o", "nowhere/x.txt"), "nowhere/x.txt: No such file or directory"),
    ],
)
def test_a_picture_that_cannot_be(
    lpdesk: Command, journal: Path, options: tuple[object, ...], sentence: str
) -> None:
    result = lpdesk("picture", journal, *options)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"lpdesk: {sentence}")


def test_replay_needs_a_terminal(lpdesk: Command, journal: Path) -> None:
    result = lpdesk("replay", journal)
    assert result.exit_code == 2 and "needs a terminal" in result.stderr
