"""The recovery table of the session layer, rule by rule, over a real socket."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from lpdesk.domain.reports import OrderFilled
from lpdesk.venues.fix import session
from lpdesk.venues.fix.adapter import FixVenue
from tests.conftest import eventually
from tests.venues.effects import ask, order, query
from tests.venues.fix.peer import Peer, desk, utc
from tests.venues.liar import Reports

FILL = "37=LP-77|11=O-1|17=E-1|150=F|39=2|55=BTC/USDT|54=1|38=1.5|32=1.5|31=101|151=0|14=1.5|6=101|"


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def expected(venue: FixVenue) -> int:
    return venue.link.session.next_in


# ---- 1, 8: logon, and reset by 141


async def test_a_logon_shows_who_we_are(acceptor: Peer, reports: Reports) -> None:
    async with desk(acceptor, reports, target_sub="U100D1", on_behalf="CP", tags=("D:1=X",)) as it:
        logon = await acceptor.lets_in()
        await eventually(lambda: it.link.is_up)
    assert (logon["34"], logon["98"], logon["108"], logon["553"], logon["554"]) == (
        "1", "0", "30", "desk", "s3cret",
    )  # fmt: skip
    assert (logon["49"], logon["56"], logon["57"], logon["115"]) == ("DESK1", "LP1", "U100D1", "CP")
    assert "141" not in logon and "1" not in logon


@pytest.mark.parametrize("change", [{"t49": "OTHER"}, {"t56": "OTHER"}])
async def test_a_stranger_is_left_without_a_word(
    acceptor: Peer, reports: Reports, change: dict[str, str]
) -> None:
    async with desk(acceptor, reports):
        await acceptor.hears("A")
        acceptor.says("A", "98=0|108=30|", **change)
        await acceptor.hears("A")  # the next connection: nothing between
        assert acceptor.connections == 2


async def test_whoever_does_not_begin_with_a_logon_is_left_without_a_word(
    acceptor: Peer, reports: Reports
) -> None:
    async with desk(acceptor, reports):
        await acceptor.hears("A")
        acceptor.says("0")
        assert (await acceptor.hears("A")).number == 2
        assert acceptor.connections == 2


async def test_reset_by_141_begins_both_counters_anew(acceptor: Peer, reports: Reports) -> None:
    async with desk(acceptor, reports, reset=True) as it:
        for connection in (1, 2):
            acceptor.number = 1
            logon = await acceptor.lets_in(body="98=0|108=30|141=Y|")
            assert (logon.number, logon["141"]) == (1, "Y")
            await eventually(lambda: it.link.is_up)
            assert expected(it) == 2
            if connection == 1:
                await acceptor.cut()


async def test_a_reset_in_mid_day_is_answered_in_kind(venue: FixVenue, acceptor: Peer) -> None:
    await acceptor.quiet()
    acceptor.number = 1
    acceptor.says("A", "98=0|108=30|141=Y|")
    answer = await acceptor.hears("A")
    assert (answer.number, answer["141"]) == (1, "Y")
    await acceptor.quiet()
    assert (expected(venue), acceptor.heard[-1].number) == (3, 2)


# ---- 2: every message counts, garbled ones do not


GARBLED = {
    "checksum": lambda data: data[:-4] + (b"000\x01" if data[-4:-1] != b"000" else b"001\x01"),
    "length too long": lambda data: data.replace(b"\x019=", b"\x019=1", 1),
    "length too short": lambda data: re.sub(rb"\x019=\d+", b"\x019=40", data, count=1),
    "no 35": lambda data: data.replace(b"\x0135=", b"\x0199=", 1),
    "noise": lambda data: b"\x00\xffnoise 8=F" + data[1:],
    "huge length": lambda data: b"8=FIX.4.4\x019=9999999\x0135=0\x01" + data[40:],
    "half": lambda data: data[: len(data) // 2],
}


@pytest.mark.parametrize("how", GARBLED)
async def test_a_garbled_message_is_as_if_it_had_never_come(
    venue: FixVenue, acceptor: Peer, reports: Reports, how: str
) -> None:
    before = expected(venue)
    lost = acceptor.message("8", FILL)
    acceptor.sends(GARBLED[how](lost))
    acceptor.says("0")
    gap = await acceptor.hears("2")
    assert (gap["7"], gap["16"]) == (str(before), "0")
    acceptor.says("8", FILL, number=before, t43="Y", t122=utc())
    acceptor.says("4", f"123=Y|36={acceptor.number}|", number=before + 1, t43="Y", t122=utc())
    assert isinstance(await reports.next(), OrderFilled)
    await acceptor.quiet()
    assert expected(venue) == acceptor.number


# ---- 3: too high


async def test_a_gap_is_asked_for_once_and_closed_in_order(
    venue: FixVenue, acceptor: Peer, reports: Reports
) -> None:
    first = acceptor.number
    acceptor.number += 2
    for _ in range(3):
        acceptor.says("0")
    assert (await acceptor.hears("2"))["7"] == str(first)
    acceptor.says("8", FILL, number=first, t43="Y", t122=utc(-1))
    assert isinstance(await reports.next(), OrderFilled)
    acceptor.says("4", f"123=Y|36={first + 2}|", number=first + 1, t43="Y", t122=utc())
    await acceptor.quiet()
    assert expected(venue) == acceptor.number
    assert [each.kind for each in acceptor.heard].count("2") == 1


async def test_a_logon_that_is_too_high_is_answered_and_the_gap_asked_for(
    acceptor: Peer, reports: Reports
) -> None:
    async with desk(acceptor, reports) as it:
        acceptor.number = 5
        await acceptor.lets_in()
        assert (await acceptor.hears("2"))["7"] == "1"
        assert it.link.is_up
        acceptor.says("4", "123=Y|36=6|", number=1, t43="Y", t122=utc())
        await acceptor.quiet()
        assert expected(it) == acceptor.number


async def test_both_sides_recover_at_the_same_time(venue: FixVenue, acceptor: Peer) -> None:
    first = acceptor.number
    acceptor.number += 1  # lost on the way to the desk
    acceptor.says("2", "7=1|16=0|")
    filled = await acceptor.hears("4")
    assert (filled["34"], filled["123"], filled["36"]) == ("1", "Y", "2")
    assert (await acceptor.hears("2"))["7"] == str(first)
    acceptor.says("4", f"123=Y|36={acceptor.number}|", number=first, t43="Y", t122=utc())
    await acceptor.quiet()
    assert expected(venue) == acceptor.number


# ---- 4: too low


async def test_a_possible_duplicate_is_dropped_in_silence(
    venue: FixVenue, acceptor: Peer, reports: Reports
) -> None:
    acceptor.says("8", FILL)
    assert isinstance(await reports.next(), OrderFilled)
    acceptor.says("8", FILL.replace("E-1", "E-2"), number=2, t43="Y", t122=utc(-2))
    await acceptor.quiet()
    assert [type(each) for each in reports.seen] == [OrderFilled]


async def test_a_duplicate_without_its_first_time_is_rejected(
    venue: FixVenue, acceptor: Peer
) -> None:
    acceptor.says("0", number=1, t43="Y")
    rejected = await acceptor.hears("3")
    assert (rejected["45"], rejected["371"], rejected["373"]) == ("1", "122", "1")
    await acceptor.quiet()


async def test_a_duplicate_from_the_future_ends_the_session(
    venue: FixVenue, acceptor: Peer
) -> None:
    acceptor.says("0", number=1, t43="Y", t122=utc(30))
    assert (await acceptor.hears("3"))["373"] == "10"
    await acceptor.hears("5")
    await acceptor.is_left()


async def test_a_low_number_without_possdup_ends_the_session_with_its_reason(
    venue: FixVenue, acceptor: Peer
) -> None:
    acceptor.says("0", number=1)
    goodbye = await acceptor.hears("5")
    assert goodbye["58"] == "MsgSeqNum too low, expecting 2 but received 1"
    await acceptor.is_left()


# ---- 5: answering a ResendRequest


async def test_orders_and_requests_are_gap_filled_and_status_requests_sent_again(
    kept: FixVenue, acceptor: Peer, reports: Reports
) -> None:
    """2 R, 3 D, 4 H, 5 heartbeat: what was dealt must not be dealt again."""
    kept.ask(ask())
    await acceptor.hears("R")
    kept.execute(order())
    await acceptor.hears("D")
    kept.query(query())
    asked = await acceptor.hears("H")
    await acceptor.quiet()
    acceptor.says("2", "7=1|16=0|")
    fill = await acceptor.hears("4")
    assert (fill["34"], fill["36"], fill["43"], fill["123"]) == ("1", "4", "Y", "Y")
    again = await acceptor.hears("H")
    assert (again["34"], again["43"], again["122"]) == ("4", "Y", asked["52"])
    assert {tag: again[tag] for tag in ("11", "790", "55", "54")} == {
        tag: asked[tag] for tag in ("11", "790", "55", "54")
    }
    rest = await acceptor.hears("4")
    assert (rest["34"], rest["36"]) == ("5", "6")
    assert [each.kind for each in acceptor.heard].count("D") == 1


async def test_a_part_is_sent_again_and_no_more(venue: FixVenue, acceptor: Peer) -> None:
    for number in range(3):
        venue.query(query(f"O-{number}"))
        await acceptor.hears("H")
    acceptor.says("2", "7=3|16=3|")
    again = await acceptor.hears("H")
    assert (again.number, again["11"]) == (3, "O-1")
    await acceptor.quiet()


async def test_a_damaged_message_is_never_sent_again(
    kept: FixVenue, acceptor: Peer, tmp_path: Path
) -> None:
    kept.query(query())
    await acceptor.hears("H")
    with sqlite3.connect(tmp_path / "desk.db.lp.fix.db") as file:
        file.execute("UPDATE sent SET raw = CAST(replace(raw, 'O-1', 'O-9') AS BLOB)")
    file.close()
    acceptor.says("2", "7=2|16=2|")
    fill = await acceptor.hears("4")
    assert (fill["34"], fill["36"]) == ("2", "3")


async def test_whoever_asks_again_and_again_gets_gap_fills(
    venue: FixVenue, acceptor: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MAX_RESENDS", 3)
    venue.query(query())
    await acceptor.hears("H")
    kinds = []
    for _ in range(5):
        acceptor.says("2", "7=2|16=2|")
        await eventually(lambda: acceptor.heard[-1].kind in "H4" and not acceptor._inbox.empty())
        kinds.append(acceptor._inbox.get_nowait().kind)
    assert kinds == ["H", "H", "H", "4", "4"]


# ---- 6: SequenceReset


@pytest.mark.parametrize(("fill", "number"), [("123=Y|", None), ("", 999)])
async def test_a_sequence_reset_moves_the_number_on(
    venue: FixVenue, acceptor: Peer, fill: str, number: int | None
) -> None:
    """A gap fill under its number; a reset whatever its number is."""
    acceptor.says("4", f"{fill}36=50|", number=number)
    acceptor.number = 50
    await acceptor.quiet()
    assert expected(venue) == 51


@pytest.mark.parametrize("fill", ["123=Y|", ""])
async def test_a_sequence_reset_backwards_is_rejected(
    venue: FixVenue, acceptor: Peer, fill: str
) -> None:
    acceptor.says("4", f"{fill}36=1|", number=expected(venue))
    rejected = await acceptor.hears("3")
    assert (rejected["371"], rejected["373"]) == ("36", "5")
    await acceptor.quiet()
    assert expected(venue) == acceptor.number


async def test_a_sequence_reset_to_where_we_are_changes_nothing(
    venue: FixVenue, acceptor: Peer
) -> None:
    acceptor.says("4", f"36={expected(venue)}|", number=1)
    await acceptor.quiet()
    assert not any(each.kind == "3" for each in acceptor.heard)
