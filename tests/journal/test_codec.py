"""Records survive their bytes, and the outward form is the documented one."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpdesk.domain import commands, events, reports
from lpdesk.domain.instants import timestamp
from lpdesk.domain.record import Record
from lpdesk.journal.codec import (
    _INSTANTS,
    GENESIS,
    START,
    Row,
    Tip,
    canonical,
    outward,
    presentable,
    seal,
    to_json,
    unseal,
)
from lpdesk.journal.errors import JournalDamaged
from tests.journal.samples import AT, CAUSES, EVENTS, filler, records, structs


def same(one: Record, other: Record) -> bool:
    """Equal to the last zero: `==` calls 1.50 and 1.5 equal."""
    return one == other and repr(one) == repr(other)


@given(records)
def test_any_record_comes_back(record: Record) -> None:
    row = seal(record, START)
    assert same(unseal(row, START), record)
    assert canonical(*row[:4]) == msgspec.json.encode(record)


@pytest.mark.parametrize("kind", [*CAUSES, *EVENTS])
def test_every_type_comes_back(kind: type[msgspec.Struct]) -> None:
    @settings(max_examples=15)
    @given(structs(kind))
    def check(value: Any) -> None:
        alone = kind in CAUSES
        record = Record(1, AT, value, ()) if alone else Record(1, AT, reports.Pulse(), (value,))
        assert same(unseal(seal(record, START), START), record)
        assert json.loads(to_json(record))["seq"] == 1

    check()


@given(records)
def test_equal_records_have_equal_hashes(record: Record) -> None:
    assert seal(record, START) == seal(unseal(seal(record, START), START), START)


def test_the_hash_depends_on_all_that_went_before() -> None:
    record = filler(1)[0]
    assert seal(record, START).hash != seal(record, Tip(0, 0, bytes(32))).hash
    assert len(GENESIS) == 32


def test_a_gap_or_a_step_back_is_never_sealed() -> None:
    with pytest.raises(ValueError, match="cannot follow"):
        seal(filler(1, 2)[0], START)
    with pytest.raises(ValueError, match="back in time by 1 ns"):
        seal(filler(1)[0], Tip(0, AT + 2, GENESIS))


def forged(tip: Tip, cause: bytes, events: bytes) -> Row:
    """A row with the right hash, as only a faulty writer would leave it."""
    digest = hashlib.sha256(tip.hash + canonical(1, AT, cause, events)).digest()
    return Row(1, AT, cause, events, digest)


@pytest.mark.parametrize(
    ("cause", "events", "why"),
    [
        (b'{"type":"Nonsense"}', b"[]", "undecodable"),
        (b'{"type":"Pulse"', b"[]", "undecodable"),
        (b'{"type":"Pulse"}', b'[{"type":"Pulse"}]', "undecodable"),
        (b'{"type":"Pulse"}', b"[]", "time goes back by 5 ns"),
    ],
)
def test_a_right_hash_over_nonsense_is_found(cause: bytes, events: bytes, why: str) -> None:
    tip = Tip(0, AT + 5 if "back" in why else 0, GENESIS)
    with pytest.raises(JournalDamaged, match=f"record 1: {why}"):
        unseal(forged(tip, cause, events), tip)


def test_a_column_of_another_type_is_found() -> None:
    row: Any = (1, None, b"{}", b"[]", b"")
    with pytest.raises(JournalDamaged, match="record 1: a column has the wrong type"):
        unseal(Row(*row), START)


@given(st.text(st.characters(categories=["Cs", "L"]), max_size=10))
def test_lone_surrogates_are_spelt_out(text: str) -> None:
    record = Record(1, AT, commands.Halt(why=text), (events.TradingHalted(why=text),))
    try:
        row = seal(record, START)
    except UnicodeEncodeError:
        row = seal(presentable(record), START)
    else:
        assert presentable(record) == record
    why = text.encode("utf-8", "backslashreplace").decode()
    stored = unseal(row, START)
    assert stored.cause == commands.Halt(why=why)
    assert stored.events == (events.TradingHalted(why=why),)
    assert to_json(record) == to_json(stored)


def test_the_outward_form_is_the_documented_one() -> None:
    opened = events.HoldPlaced(
        hold_id="H", trade_id="T", account="a", asset="BTC", amount=Decimal("1E-8")
    )
    health = events.LpHealthChanged(lp="Tor", state="open", retry_at=AT)
    record = Record(41, AT, commands.Halt(why="ü"), (opened, health))
    assert to_json(record).decode() == (
        '{"seq":41,"at":"2026-01-19T14:30:25.123456789Z","cause":{"type":"Halt","why":"ü"},'
        '"events":[{"type":"HoldPlaced","hold_id":"H","trade_id":"T","account":"a","asset":"BTC",'
        '"amount":"0.00000001"},{"type":"LpHealthChanged","lp":"Tor","state":"open","reason":null,'
        '"text":"","retry_at":"2026-01-19T14:30:25.123456789Z"}]}'
    )
    assert outward(record)["seq"] == 41


def test_a_name_of_an_instant_means_an_instant_everywhere() -> None:
    """The outward form goes by the field's name."""
    for kind in (*CAUSES, *EVENTS):
        for name, hint in get_type_hints(kind).items():
            if name in _INSTANTS:
                assert kind.__annotations__[name].startswith("Instant"), (kind, name, hint)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (2**63 - 1, "2262-04-11T23:47:16.854775807Z"),
        (-(2**63), "1677-09-21T00:12:43.145224192Z"),
    ],
)
def test_instants_keep_their_nanoseconds(at: int, text: str) -> None:
    assert timestamp(at) == text
