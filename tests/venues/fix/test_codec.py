"""The codec: bytes to fields and back, to the byte; and what it makes of damaged ones."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from lpdesk.domain.values import SECOND
from lpdesk.domain.wire import Malformed
from lpdesk.venues.fix.book import SNAPSHOT
from lpdesk.venues.fix.codec import Frames, checksum, decode, encode, instant, pairs_of, utc
from lpdesk.venues.fix.login import RECIPES, Hello
from lpdesk.venues.fix.profile import Profile, packaged
from lpdesk.venues.fix.session import GAP_PATIENCE_NS, Phase, Session
from lpdesk.venues.fix.store import Store
from tests.venues.fix.peer import framed
from tests.venues.fix.peer import utc as now_utc

VECTORS = """
8=FIX.4.4|9=89|35=A|49=DESK1|56=LP1|34=1|52=20250306-12:00:00.000|98=0|108=30|141=Y|553=desk|554=s3cret|10=240|
8=FIX.4.4|9=60|35=1|49=DESK1|56=LP1|34=3|52=20250306-12:00:00.000|112=TR-7|10=187|
8=FIX.4.4|9=60|35=0|49=DESK1|56=LP1|34=3|52=20250306-12:00:00.000|112=TR-7|10=186|
8=FIX.4.4|9=121|35=R|49=DESK1|56=LP1|34=4|52=20250306-12:00:00.000|131=QR-1|146=1|55=BTC/USD|54=1|38=1.5|15=BTC|60=20250306-12:00:00.000|10=243|
8=FIX.4.4|9=166|35=S|49=LP1|56=DESK1|34=4|52=20250306-12:00:00.120|131=QR-1|117=Q-9001|537=1|55=BTC/USD|133=97125.50|135=1.5|15=BTC|62=20250306-12:00:10.000|60=20250306-12:00:00.120|10=167|
8=FIX.4.4|9=146|35=D|49=DESK1|56=LP1|34=5|52=20250306-12:00:02.000|11=O-1|117=Q-9001|55=BTC/USD|54=1|60=20250306-12:00:02.000|38=1.5|40=D|44=97125.50|15=BTC|59=4|10=134|
8=FIX.4.4|9=193|35=8|49=LP1|56=DESK1|34=5|52=20250306-12:00:02.040|37=LP-77|11=O-1|17=E-1|150=F|39=2|55=BTC/USD|54=1|38=1.5|40=D|44=97125.50|32=1.5|31=97125.50|151=0|14=1.5|6=97125.50|60=20250306-12:00:02.040|10=229|
8=FIX.4.4|9=60|35=2|49=DESK1|56=LP1|34=6|52=20250306-12:00:00.000|7=5|16=0|10=098|
8=FIX.4.4|9=93|35=4|49=LP1|56=DESK1|34=5|52=20250306-12:00:03.000|43=Y|122=20250306-12:00:03.000|123=Y|36=9|10=226|
8=FIX.4.4|9=113|35=V|49=DESK1|56=LP1|34=7|52=20250306-12:00:00.000|262=MD-1|263=1|264=1|265=0|267=2|269=0|269=1|146=1|55=BTC/USD|10=242|
8=FIX.4.4|9=129|35=W|49=LP1|56=DESK1|34=8|52=20250306-12:00:04.000|262=MD-1|55=BTC/USD|268=2|269=0|270=97120.00|271=2|269=1|270=97125.50|271=1.5|10=038|
""".split()


def wire(text: str) -> bytes:
    return text.replace("|", "\x01").encode()


@pytest.mark.parametrize("text", VECTORS)
def test_byte_exact_examples(text: str) -> None:
    data = wire(text)
    [frame] = Frames().feed(data)
    message = decode(frame)
    assert message.trouble is None and frame == data
    begin, _, *body, _ = pairs_of(frame)
    assert encode(begin[1], body) == data
    assert [f"{tag}={value}" for tag, value in pairs_of(frame)] == text.split("|")[:-1]


def test_frames_come_whole_however_they_are_sliced() -> None:
    whole = b"".join(wire(text) for text in VECTORS)
    for size in (1, 7, 64, 1_000):
        frames = Frames()
        found = []
        for at in range(0, len(whole), size):
            found += frames.feed(whole[at : at + size])
        assert found == [wire(text) for text in VECTORS] and not frames.garbled


@pytest.mark.parametrize("length", [1, 255, 256, 257, 5_000])
def test_the_sum_of_any_length(length: int) -> None:
    data = Random(length).randbytes(length)
    assert checksum(data) == sum(data) % 256
    assert checksum(b"\xff" * length) == 255 * length % 256


def test_raw_data_is_cut_by_its_length_whatever_it_holds() -> None:
    inside = "x\x0110=000\x018=FIX.4.4\x019=5\x0155=EVIL"
    pairs = [(35, "B"), (34, "1"), (95, str(len(inside))), (96, inside), (55, "BTC/USD")]
    data = encode("FIX.4.4", pairs)
    [frame] = Frames().feed(data)
    message = decode(frame)
    assert message.trouble is None
    assert (message.text(b"96"), message.text(b"55")) == (inside, "BTC/USD")
    assert pairs_of(frame)[2:-1] == pairs
    with pytest.raises(ValueError, match="tag 96"):
        encode("FIX.4.4", [(35, "B"), (96, inside)])


def test_raw_data_with_a_wrong_length_is_rejected_not_believed() -> None:
    for length in (1, 9, 400):
        frame = framed(f"35=B|34=1|95={length}|96=abc|55=X|")
        assert decode(frame).trouble is not None


def test_groups_are_read_entry_by_entry() -> None:
    message = decode(wire(VECTORS[-1]))
    bid, offer = message.group(b"268", b"269", SNAPSHOT)
    assert (bid.positive("270"), bid.positive("271")) == (Decimal("97120.00"), Decimal(2))
    assert (offer.text("269"), offer.positive("270")) == ("1", Decimal("97125.50"))
    with pytest.raises(Malformed, match="268"):
        decode(framed("35=W|34=1|268=3|269=0|270=1|269=1|270=2|")).group(b"268", b"269", SNAPSHOT)
    with pytest.raises(Malformed, match="twice"):
        decode(framed("35=W|34=1|268=1|269=0|270=1|270=2|")).group(b"268", b"269", SNAPSHOT)


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        ("35=8|34=1|11=A|11=B|", (13, "11")),
        ("35=W|34=1|268=2|269=0|269=1|", None),
        ("35=8|34=1|268=2|269=0|269=1|11=A|11=A|", (13, "11")),
        ("35=8|34=1|58=a=b=c|", None),
        ("35=8|34=1|58=|", (4, "58")),
        ("35=8|34=1|=5|", (0, "")),
        ("35=8|34=1|x1=5|", (0, "")),
        ("35=8|34=1|7|38=5=1|", (0, "")),
    ],
)
def test_structure(body: str, trouble: object) -> None:
    assert decode(framed(body)).trouble == trouble


def test_moments() -> None:
    at = 1_741_262_400 * SECOND + 120_000_000
    assert utc(at) == "20250306-12:00:00.120" and instant(utc(at)) == at
    assert instant("20250306-12:00:00.123456789") % SECOND == 123_456_789
    assert instant("20161231-23:59:60") == instant("20170101-00:00:00")
    for bad in ("", "2025-03-06T12:00:00", "20250230-12:00:00", "20250306-25:00:00", "٢0250306-12"):
        with pytest.raises(Malformed):
            instant(bad)


@pytest.mark.parametrize(
    ("recipe", "tag", "value", "hello"),
    [
        (
            "coinbase-exchange", 96, "PBw33reUUxZ4bjXPNXw5+ro3Dh5hNJW8ZLAaNfQU6Sw=",
            {"secret": "c2VjcmV0LWtleS1mb3ItdGVzdHM=", "passphrase": "pass"},
        ),
        (
            "coinbase-prime", 96, "yhnxPxUWbhve75xdgmI5sHTv7JmkQ/QoNohR3VtHH70=",
            {"key": "API-KEY", "secret": "prime-secret", "passphrase": "pass", "target": "COIN"},
        ),
        (
            "kraken-prime", 96, "uq7utAnCiKNMa2Al4luJ68JSQDXQUW9u4hgZ7f83mZM=",
            {"secret": "kraken-prime-secret"},
        ),
        (
            "kraken-spot", 554,
            "Z7cIPCpbOSc7sDY9ifsgb+rZRSGaqxVOZnxfBNQoL57G1+HUUU7uqW7TlLjV5MpX78G3Je7O9A/ALlSg1bweeA==",
            {"key": "API-KEY", "secret": "c2VjcmV0LWtleS1mb3ItdGVzdHM=", "target": "KRAKEN-TRD"},
        ),
    ],
)  # fmt: skip
def test_login_recipes_sign_as_the_venues_say(
    recipe: str, tag: int, value: str, hello: dict[str, str]
) -> None:
    at = 1_741_262_400 * SECOND
    told = {"key": "k", "secret": "", "passphrase": "", "sender": "DESK1", "target": "LP1"} | hello
    fields = RECIPES[recipe](Hello(number=1, sending_time=utc(at), at=at, **told))
    assert dict(fields)[tag] == value
    assert 95 not in dict(fields) or dict(fields)[95] == str(len(value))


def test_every_packaged_profile_says_where_it_is_from_and_logs_on_somehow() -> None:
    for name, told in packaged().items():
        profile = Profile(**{key: told[key] for key in told if key in ("source", "login")})
        assert profile.source and profile.login in RECIPES, name


# ---- damage


def damaged(random: Random, data: bytes) -> bytes:
    """One to three random edits, sometimes with a length and a sum that are right again."""
    edited = bytearray(data)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(edited))
        match random.randrange(5):
            case 0:
                edited[at] = random.randrange(256)
            case 1:
                del edited[at : at + random.randint(1, 9)]
            case 2:
                edited[at:at] = random.randbytes(random.randint(1, 9))
            case 3:
                edited[at:at] = random.choice([b"\x01", b"=", b"\x0110=000\x01", b"8=FIX.4.4\x01"])
            case 4:
                edited[at] = random.choice(b"\x01=0159|")
        if not edited:
            edited = bytearray(b"8")
    if random.random() < 0.5:
        _, _, inside = bytes(edited).partition(b"\x0135=")
        body = b"35=" + inside.rpartition(b"\x0110=")[0] + b"\x01"
        whole = b"8=FIX.4.4\x019=%d\x01" % len(body) + body
        return whole + b"10=%03d\x01" % (sum(whole) % 256)
    return bytes(edited)


def survive(count: int) -> int:
    """Damaged messages between sound ones, with the recovery that the rules ask for; how many
    were garbled. No number may be lost, none counted twice."""
    random = Random(f"fix:{count}")
    now = instant(now_utc())
    profile = Profile(sender="DESK1", target="LP1", heartbeat_seconds=Decimal(0))
    bodies = [
        "131=QR-1|117=Q-1|537=1|55=BTC/USD|133=97125.50|135=1.5|62=20250306-12:00:10.000|",
        "37=LP-77|11=O-1|17=E-1|150=F|39=2|55=BTC/USD|54=1|32=1.5|31=97125.50|14=1.5|",
        "262=MD-1|55=BTC/USD|268=2|269=0|270=97120.00|269=1|270=97125.50|",
        "95=5|96=a\x01b=c|",
    ]

    def said(kind: str, number: int, body: str = "") -> bytes:
        return framed(f"35={kind}|49=LP1|56=DESK1|34={number}|52={utc(now)}|{body}")

    frames, garbled, number = Frames(), 0, 2
    session = Session(profile, lambda number, at: [], Store(None))

    def log_on() -> None:
        session.disconnected()
        session.connected(now)
        session.next_in = 1
        session.received(decode(said("A", 1, "98=0|108=0|")), now)

    def asked() -> bool:
        return any(b"\x0135=2\x01" in each.raw for each in session.out)

    log_on()
    for _ in range(count):
        kind, body = random.choice("S8WB"), random.choice(bodies)
        data = damaged(random, said(kind, number, body))
        for frame in [*frames.feed(data), *frames.give_up(), *frames.feed(said("0", number + 1))]:
            session.received(decode(frame), now)
        skipped, frames.garbled = frames.garbled > 0, 0
        garbled += skipped
        if session.next_in == number and not session.over:  # it never came: it is asked for
            if not asked():  # a lie about a number just before: asked again after a while
                session.tick(now + GAP_PATIENCE_NS + SECOND)
            assert asked(), data
            again = said(kind, number, f"43=Y|122={utc(now)}|58=again|")
            session.received(decode(again), now)
        if session.over or session.next_in > number + 2:
            log_on()  # a lie with a right sum, about its number or its sender
            number = 2
        else:
            assert session.next_in == number + 2, (data, session.next_in, number)
            number += 2
        for each in session.app:
            each.read()
        session.app, session.out = [], []
    assert session.phase is Phase.UP and session.next_in == number
    return garbled


def test_damage_neither_crashes_nor_loses_a_number() -> None:
    assert survive(2_000) > 500


@pytest.mark.long
def test_a_hundred_thousand_damaged_messages() -> None:
    assert survive(100_000) > 25_000
