"""`verify`: a journal that was touched, or that today's desk would decide otherwise."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from lpdesk.domain import events as ev
from lpdesk.domain.record import Event, Record
from lpdesk.replay import verify
from tests.cli.damage import flip
from tests.cli.days import keep, short_day


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return short_day().records


def test_a_whole_journal_is_ok(tmp_path: Path, records: list[Record]) -> None:
    found = verify(keep(tmp_path / "day.db", records))
    assert found.ok and found.records == len(records)
    assert found.sentence().startswith(f"ok: {len(records)} records")


def test_an_empty_one_too(tmp_path: Path) -> None:
    assert verify(keep(tmp_path / "day.db", [])).ok


@pytest.mark.parametrize("text", [b'"type":"QuoteLocked"', b'"pnl":"', b'"receives_asset":"'])
def test_a_flipped_byte_is_found_and_named(
    tmp_path: Path, records: list[Record], text: bytes
) -> None:
    path = keep(tmp_path / "day.db", records)
    damaged = flip(path, text)
    found = verify(path)
    assert (found.seq, found.records, found.why) == (damaged, damaged - 1, "hash differs")
    assert found.sentence().startswith(f"damaged at record {damaged}: hash differs")


def changed(records: list[Record], kind: type[Event], **fields: object) -> tuple[list[Record], int]:
    """A journal whose chain is whole and whose first `kind` event says something else."""
    for number, record in enumerate(records):
        for place, event in enumerate(record.events):
            if isinstance(event, kind):
                events = list(record.events)
                events[place] = replace(event, **fields)
                forged = Record(record.seq, record.at, record.cause, tuple(events))
                return [*records[:number], forged, *records[number + 1 :]], record.seq
    raise AssertionError(f"no {kind.__name__}")


def test_another_decision_is_named_by_its_field(tmp_path: Path, records: list[Record]) -> None:
    forged, seq = changed(records, ev.QuoteLocked, quote_id="Q-999999")
    found = verify(keep(tmp_path / "day.db", forged))
    assert found.seq == seq
    assert found.why.startswith("on LpQuoted event 2 differs: ")
    assert 'QuoteLocked.quote_id was then "Q-999999", is now "Q-000001"' in found.why


def test_the_same_number_written_otherwise_is_another_decision(
    tmp_path: Path, records: list[Record]
) -> None:
    """Byte for byte: 1.50 is not 1.5, though they are equal."""
    event = next(e for r in records for e in r.events if isinstance(e, ev.QuoteLocked))
    forged, seq = changed(records, ev.QuoteLocked, pays=Decimal(f"{event.pays}0"))
    found = verify(keep(tmp_path / "day.db", forged))
    assert found.seq == seq and "QuoteLocked.pays" in found.why


def test_an_event_too_few_is_named(tmp_path: Path, records: list[Record]) -> None:
    last = records[-1]
    shorter = Record(last.seq, last.at, last.cause, last.events[:-1])
    found = verify(keep(tmp_path / "day.db", [*records[:-1], shorter]))
    assert found.seq == last.seq
    assert f"then nothing, now {type(last.events[-1]).__name__}" in found.why


def test_another_version_is_mentioned(tmp_path: Path, records: list[Record]) -> None:
    forged, _ = changed(records, ev.RfqOpened, client="mallory")
    found = verify(keep(tmp_path / "day.db", forged))
    assert found.why.endswith("(written by lpdesk test, this is 0.1.0)")
