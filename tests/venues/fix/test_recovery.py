"""The rest of the recovery table: time, ends, repeats, and orders whose connection broke."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from lpdesk.domain.reports import LpQuoted, OrderFilled, OrderLost, OrderNotSent, OrderRejected
from lpdesk.venues.fix.adapter import FixVenue
from tests.conftest import eventually
from tests.venues.effects import ask, order, query
from tests.venues.fix.peer import Peer, desk, peer, utc
from tests.venues.liar import Reports

FILL = "37=LP-77|11=O-1|17=E-1|150=F|39=2|55=BTC/USDT|54=1|38=1.5|32=1.5|31=101|151=0|14=1.5|6=101|"


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def expected(venue: FixVenue) -> int:
    return venue.link.session.next_in


# ---- 7: heartbeats, tests, clocks


async def test_heartbeats_tests_and_the_end_of_patience(acceptor: Peer, reports: Reports) -> None:
    async with desk(acceptor, reports, heartbeat_seconds="0.2") as it:
        await acceptor.lets_in(body="98=0|108=0|")
        kinds = [await acceptor.hears("0")]
        await acceptor.hears("1", "0")
        await acceptor.is_left()
        assert kinds[0].get("112") is None
        await eventually(lambda: it._why_down == "silent for 2.4 heartbeats")


async def test_a_clock_that_is_off_ends_the_session(venue: FixVenue, acceptor: Peer) -> None:
    acceptor.says("0", t52=utc(-121))
    rejected = await acceptor.hears("3")
    assert (rejected["371"], rejected["373"]) == ("52", "10")
    await acceptor.hears("5")
    await acceptor.is_left()


# ---- 9: logout, and what survives


async def test_we_log_out_and_wait_for_the_answer(acceptor: Peer, reports: Reports) -> None:
    async with desk(acceptor, reports) as it:
        await acceptor.lets_in()
        await eventually(lambda: it.link.is_up)
        closing = asyncio.ensure_future(it.close())
        await acceptor.hears("5")
        acceptor.says("5")
        await closing
        assert expected(it) == 3


async def test_an_unasked_logout_is_answered(venue: FixVenue, acceptor: Peer) -> None:
    acceptor.says("5", "58=end of day|")
    await acceptor.hears("5")
    await acceptor.is_left()
    assert (await acceptor.lets_in()).number == 3


async def test_numbers_survive_a_restart_and_nothing_is_readable_by_others(
    acceptor: Peer, reports: Reports, tmp_path: Path
) -> None:
    journal = tmp_path / "desk.db"
    async with desk(acceptor, reports, journal) as it:
        await acceptor.lets_in()
        await eventually(lambda: it.link.is_up)
        await acceptor.quiet()
    assert {stat.S_IMODE(file.stat().st_mode) for file in files_in(tmp_path)} == {0o600}
    assert not any(b"554=" in file.read_bytes() for file in files_in(tmp_path)), "a password"
    await acceptor.hears("5")
    async with desk(acceptor, reports, journal) as it:
        assert (await acceptor.lets_in()).number == 4
        await eventually(lambda: it.link.is_up)
        assert expected(it) == acceptor.number


async def test_the_next_number_is_told_and_what_is_missing_comes_unasked(
    acceptor: Peer, reports: Reports
) -> None:
    """NextExpectedMsgSeqNum (789)."""
    async with desk(acceptor, reports, next_expected=True) as it:
        assert (await acceptor.lets_in())["789"] == "1"
        await eventually(lambda: it.link.is_up)
        await acceptor.quiet()
        await acceptor.cut()
        logon = await acceptor.lets_in(body="98=0|108=30|789=2|")
        assert (logon.number, logon["789"]) == (3, "3")
        fill = await acceptor.hears("4")
        assert (fill["34"], fill["36"]) == ("2", "4")
        await eventually(lambda: it.link.is_up)


# ---- 11, 12: repeats and what we do not speak


async def test_a_possible_resend_of_a_fill_is_one_fill(
    venue: FixVenue, acceptor: Peer, reports: Reports
) -> None:
    acceptor.says("8", FILL)
    acceptor.says("8", FILL, t97="Y")
    await acceptor.quiet()
    assert [type(each) for each in reports.seen] == [OrderFilled]


@pytest.mark.parametrize(
    ("kind", "answer", "tag", "value"),
    [("D", "j", "380", "3"), ("ZZ", "3", "373", "11"), ("1", "3", "371", "112")],
)
async def test_what_we_do_not_take_is_refused_and_counts(
    venue: FixVenue, acceptor: Peer, kind: str, answer: str, tag: str, value: str
) -> None:
    acceptor.says(kind, "11=X|" if kind == "D" else "")
    assert (await acceptor.hears(answer))[tag] == value
    await acceptor.quiet()
    assert expected(venue) == acceptor.number


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("11=A|11=B|", "13"),
        ("58=|", "4"),
        ("58|", "0"),
        ("0=1|", "0"),
        ("95=9|96=short|", "6"),
    ],
)
async def test_a_badly_filled_message_is_rejected_and_counts(
    venue: FixVenue, acceptor: Peer, body: str, reason: str
) -> None:
    acceptor.says("8", body)
    assert (await acceptor.hears("3"))["373"] == reason
    await acceptor.quiet()
    assert expected(venue) == acceptor.number


@pytest.mark.parametrize("kind", ["3", "j"])
async def test_a_rejection_is_never_answered_with_one(
    venue: FixVenue, acceptor: Peer, kind: str
) -> None:
    acceptor.says(kind, "58=|")
    acceptor.says(kind, "45=1|372=A|373=99|380=0|58=no|")
    await acceptor.quiet()
    assert not any(each.kind in "3j" for each in acceptor.heard)


# ---- orders and broken connections


async def test_an_order_is_lost_with_its_connection_and_found_in_the_resend(
    venue: FixVenue, acceptor: Peer, reports: Reports
) -> None:
    venue.execute(order())
    await acceptor.hears("D")
    acceptor.number += 1  # the execution that never arrives
    await acceptor.cut()
    assert isinstance(await reports.next(), OrderLost)
    assert (await acceptor.lets_in()).number == 3  # never 2 again
    assert (await acceptor.hears("2"))["7"] == "2"
    acceptor.says("8", FILL, number=2, t43="Y", t122=utc(-1))
    filled = await reports.next()
    assert isinstance(filled, OrderFilled) and filled.execution_id == "E-1"


async def test_without_a_session_an_order_is_surely_not_sent(
    venue: FixVenue, acceptor: Peer, reports: Reports
) -> None:
    await acceptor.cut()
    await eventually(lambda: not venue.link.is_up)
    venue.execute(order())
    assert isinstance(await reports.next(), OrderNotSent)


@pytest.mark.parametrize("halted", [False, True])
async def test_an_order_that_the_disk_held_up_leaves_a_gap_fill_in_its_place(
    kept: FixVenue,
    acceptor: Peer,
    reports: Reports,
    monkeypatch: pytest.MonkeyPatch,
    halted: bool,
) -> None:
    """Until it was too late, or until trading was halted."""
    save = kept._store.save

    def slowly(*arguments: object, **more: object) -> None:
        moment.wait(2)
        save(*arguments, **more)  # type: ignore[arg-type]

    moment = threading.Event()
    monkeypatch.setattr(kept._store, "save", slowly)
    late = order(send_in_s=60 if halted else 0.05)
    kept.execute(late)
    kept.link._endpoint.outlet.open = not halted
    await eventually(lambda: halted or kept._clock.now() > late.send_by)
    moment.set()
    report = await reports.next()
    assert isinstance(report, OrderNotSent) and report.reason.value == "too late"
    fill = await acceptor.hears("4")
    assert (fill["34"], fill["36"]) == ("2", "3")
    await acceptor.quiet()


async def test_after_a_restart_an_order_is_asked_for_as_it_was_sent(
    acceptor: Peer, reports: Reports, tmp_path: Path
) -> None:
    journal = tmp_path / "desk.db"
    async with desk(acceptor, reports, journal) as it:
        await acceptor.lets_in()
        await eventually(lambda: it.link.is_up)
        it.execute(order("O-1"))
        await acceptor.hears("D")
    await acceptor.hears("5")
    async with desk(acceptor, reports, journal) as it:
        await acceptor.lets_in()
        await eventually(lambda: it.link.is_up)
        it.query(query("O-1"))
        asked = await acceptor.hears("H")
        assert (asked["11"], asked["55"], asked["54"]) == ("O-1", "BTC/USDT", "1")
        acceptor.says("8", FILL.replace("150=F", "150=I").replace("17=E-1", "17=0"))
        filled = await reports.next()
        assert isinstance(filled, OrderFilled) and str(filled.quantity) == "1.5"
        acceptor.says("8", FILL, t97="Y")  # the fill itself, later: it is in the sum
        await acceptor.quiet()
        assert len(reports.seen) == 1


async def test_a_price_that_is_sent_again_is_no_price(
    venue: FixVenue, acceptor: Peer, reports: Reports
) -> None:
    venue.ask(ask())
    request = (await acceptor.hears("R"))["131"]
    first = acceptor.number
    acceptor.number += 1
    acceptor.says("0")
    await acceptor.hears("2")
    stale = f"131={request}|117=Q-1|55=BTC/USDT|133=101|135=1.5|62={utc(10)}|"
    acceptor.says("S", stale, number=first, t43="Y", t122=utc(-1))
    acceptor.says("S", stale.replace("Q-1", "Q-2"))
    quoted = await reports.next()
    assert isinstance(quoted, LpQuoted) and quoted.quote_ref == "Q-2"


async def test_a_number_from_before_a_reset_means_nothing_after_it(
    venue: FixVenue, acceptor: Peer, reports: Reports
) -> None:
    venue.execute(order())
    assert (await acceptor.hears("D")).number == 2
    acceptor.number = 1
    acceptor.says("A", "98=0|108=30|141=Y|")
    await acceptor.hears("A")
    await acceptor.quiet()  # our number 2 is a heartbeat now
    acceptor.says("3", "45=2|372=0|373=99|")
    await acceptor.quiet()
    assert reports.seen == []


# ---- TLS


def certify(folder: Path) -> Path:
    """A key with its own certificate for 127.0.0.1."""
    file = folder / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", str(file), "-out", str(folder / "cert.pem"), "-days", "2",
         "-subj", "/CN=lp", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True, timeout=20,
    )  # fmt: skip
    file.write_text(file.read_text() + (folder / "cert.pem").read_text())
    return file


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
@pytest.mark.parametrize("trusted", [True, False])
async def test_tls_with_certificates_on_both_sides(
    reports: Reports, tmp_path: Path, trusted: bool
) -> None:
    """A venue whose certificate its own authority signed, and who wants ours."""
    file = await asyncio.to_thread(certify, tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(file))
    context.load_cert_chain(file)
    context.verify_mode = ssl.CERT_REQUIRED
    options = {"authority": str(file), "certificate": str(file)} if trusted else {}
    async with peer(context) as secure, desk(secure, reports, scheme="fixs", **options) as it:
        if trusted:
            await secure.lets_in()
            await eventually(lambda: it.link.is_up)
        else:
            await eventually(lambda: it._why_down == "cannot connect")
            assert secure.heard == []


# ---- what an LP says of orders against itself


async def test_a_fill_nobody_ordered_and_a_fill_after_a_reject_are_told(
    venue: FixVenue, acceptor: Peer, reports: Reports
) -> None:
    """The desk makes breaks of them; to drop one would be to lose a fill."""
    acceptor.says("8", FILL.replace("11=O-1", "11=ghost"))
    ghost = await reports.next()
    assert isinstance(ghost, OrderFilled) and ghost.order_id == "ghost"
    venue.execute(order("O-1"))
    await acceptor.hears("D")
    acceptor.says("8", "37=0|11=O-1|17=X|150=8|39=8|55=BTC/USDT|54=1|151=0|14=0|6=0|103=99|")
    assert isinstance(await reports.next(), OrderRejected)
    acceptor.says("8", FILL)
    assert isinstance(await reports.next(), OrderFilled)


async def test_a_fill_of_the_other_side_is_no_answer(
    venue: FixVenue, acceptor: Peer, reports: Reports
) -> None:
    venue.execute(order("O-1"))
    await acceptor.hears("D")
    acceptor.says("8", FILL.replace("54=1", "54=2"))
    assert isinstance(await reports.next(), OrderLost)
