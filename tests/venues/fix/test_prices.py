"""What an LP says of prices over FIX -> which reports must come; and what asks for them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import LpFailed, LpQuoted, LpStreamed, LpWithdrew, OrderRejected
from lpdesk.domain.settings import Lp
from lpdesk.domain.values import MILLISECOND, SECOND, Side
from lpdesk.tui.panels.lps import lp_row
from lpdesk.venues.base import Endpoint
from lpdesk.venues.fix import adapter, requests
from lpdesk.venues.fix.adapter import FixVenue
from lpdesk.venues.fix.profile import packaged, profile_of
from lpdesk.views.status import LpRow
from tests.conftest import eventually
from tests.venues.effects import ask, order
from tests.venues.fix.peer import Heard, Peer, desk, utc
from tests.venues.liar import EVIL, Reports


def quote(request: Heard, ref: str = "Q-1", **change: str) -> str:
    fields = {
        "131": request["131"], "117": ref, "537": "1", "55": "BTC/USDT", "133": "101.5",
        "135": "1.5", "132": "100.5", "134": "2", "62": utc(10),
    } | {tag[1:]: value for tag, value in change.items()}  # fmt: skip
    return "".join(f"{tag}={value}|" for tag, value in fields.items() if value)


async def asked(venue: FixVenue, acceptor: Peer, side: Side = Side.BUY, n: str = "1") -> Heard:
    venue.ask(ask(f"A-{n}", side=side))
    return await acceptor.hears("R")


async def test_a_request_says_everything_inside_its_group(venue: FixVenue, acceptor: Peer) -> None:
    request = await asked(venue, acceptor, Side.SELL)
    text = request.raw.decode().replace("\x01", "|")
    assert "|146=1|55=BTC/USDT|54=2|38=1.5|15=BTC|60=" in text


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "101.5"), (Side.SELL, "100.5")])
async def test_a_buyer_is_quoted_the_offer_and_a_seller_the_bid(
    venue: FixVenue, acceptor: Peer, reports: Reports, side: Side, price: str
) -> None:
    request = await asked(venue, acceptor, side)
    acceptor.says("S", quote(request))
    quoted = await reports.next()
    assert isinstance(quoted, LpQuoted)
    assert (quoted.price, quoted.side, quoted.quote_ref) == (Decimal(price), side, "Q-1")
    assert 9 * SECOND < quoted.validity_ns <= 10 * SECOND + 5 * MILLISECOND


async def test_validity_is_by_the_lps_own_clock(
    venue: FixVenue, acceptor: Peer, reports: Reports
) -> None:
    """A minute ahead of us, three seconds of life; and one that does not say."""
    request = await asked(venue, acceptor)
    acceptor.says("S", quote(request, t62=utc(63)), t52=utc(60))
    quoted = await reports.next()
    assert isinstance(quoted, LpQuoted) and abs(quoted.validity_ns - 3 * SECOND) < SECOND // 20
    request = await asked(venue, acceptor, n="2")
    acceptor.says("S", quote(request, "Q-2", t62=""))
    quoted = await reports.next()
    assert isinstance(quoted, LpQuoted) and quoted.validity_ns == 5 * SECOND


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"t133": "0"}, Reason.DECLINED),
        ({"t133": ""}, Reason.DECLINED),
        ({"t537": "0"}, Reason.DECLINED),
        ({"t133": "-1"}, Reason.MALFORMED),
        ({"t133": "1e999999"}, Reason.MALFORMED),
        ({"t133": "NaN"}, Reason.MALFORMED),
        ({"t135": "0"}, Reason.MALFORMED),
        ({"t62": "soon"}, Reason.MALFORMED),
        ({"t117": "Q\x1b[2J"}, Reason.MALFORMED),
    ],
)
async def test_a_quote_that_is_none(
    venue: FixVenue, acceptor: Peer, reports: Reports, change: dict[str, str], reason: Reason
) -> None:
    request = await asked(venue, acceptor)
    acceptor.says("S", quote(request, **change))
    failed = await reports.next()
    assert isinstance(failed, LpFailed) and failed.reason is reason


async def test_another_symbol_is_reported_as_it_is(
    venue: FixVenue, acceptor: Peer, reports: Reports
) -> None:
    request = await asked(venue, acceptor)
    acceptor.says("S", quote(request, t55="ETH/USDT"))
    quoted = await reports.next()
    assert isinstance(quoted, LpQuoted) and quoted.symbol == "ETH/USDT"


@pytest.mark.parametrize(
    ("code", "text", "reason"),
    [
        ("3", "", Reason.SIZE),
        ("9", "", Reason.NO_LIQUIDITY),
        ("6", "", Reason.UNAUTHORISED),
        ("99", "too many requests", Reason.RATE_LIMITED),
        ("99", EVIL.replace("\x1b", "\x1b"), Reason.DECLINED),
    ],
)
async def test_a_rejected_request(
    venue: FixVenue, acceptor: Peer, reports: Reports, code: str, text: str, reason: Reason
) -> None:
    request = await asked(venue, acceptor)
    words = f"58={text}|" if text else ""
    acceptor.says("AG", f"131={request['131']}|658={code}|146=1|55=BTC/USDT|{words}")
    failed = await reports.next()
    assert isinstance(failed, LpFailed) and failed.reason is reason
    assert "\x1b" not in failed.text


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("Z", "117=Q-1|298=1|", Reason.WITHDRAWN),
        ("Z", "117=*|298=4|", Reason.WITHDRAWN),
        ("AI", "117=Q-1|55=BTC/USDT|297=7|", Reason.QUOTE_EXPIRED),
        ("b", "117=Q-1|297=5|58=no|", Reason.DECLINED),
    ],
)
async def test_a_quote_is_taken_back_and_later_words_on_it_are_nothing(
    venue: FixVenue, acceptor: Peer, reports: Reports, kind: str, body: str, reason: Reason
) -> None:
    request = await asked(venue, acceptor)
    acceptor.says("S", quote(request))
    assert isinstance(await reports.next(), LpQuoted)
    acceptor.says(kind, body)
    gone = await reports.next()
    assert isinstance(gone, LpWithdrew) and gone.reason is reason
    acceptor.says("S", quote(request, "Q-2"))
    await acceptor.quiet()
    assert len(reports.seen) == 2


async def test_a_second_quote_on_one_request_is_the_end_of_the_first(
    venue: FixVenue, acceptor: Peer, reports: Reports
) -> None:
    """The first is dead at the LP by that, so the desk must not deal on it."""
    request = await asked(venue, acceptor)
    acceptor.says("S", quote(request))
    acceptor.says("S", quote(request, "Q-2"))
    assert isinstance(await reports.next(), LpQuoted)
    gone = await reports.next()
    assert isinstance(gone, LpWithdrew) and gone.text == "replaced by a newer quote"


async def test_a_rejected_order_says_why(venue: FixVenue, acceptor: Peer, reports: Reports) -> None:
    """Too late by the LP's clock (103=4), by a session Reject, by a BusinessMessageReject."""
    refused = "37=0|17=X|150=8|39=8|55=BTC/USDT|54=1|151=0|14=0|6=0|"
    for number, (kind, body, reason) in enumerate(
        [
            ("8", refused + "103=4|", Reason.QUOTE_EXPIRED),
            ("8", refused + "103=8|58=stale|", Reason.QUOTE_EXPIRED),
            ("8", refused + "103=99|58=LAST_LOOK|", Reason.LAST_LOOK),
            ("3", "371=44|372=D|373=5|58=price|", Reason.PRICE_MOVED),
            ("j", "372=D|380=3|58=size|", Reason.SIZE),
        ]
    ):
        venue.execute(order(f"O-{number}"))
        sent = await acceptor.hears("D")
        assert (sent["40"], sent["59"], sent["117"], sent["44"]) == ("D", "4", "Q9", "101")
        acceptor.says(kind, body + (f"11=O-{number}|" if kind == "8" else f"45={sent['34']}|"))
        report = await reports.next()
        assert isinstance(report, OrderRejected) and report.reason is reason, (kind, report)


# ---- streams of quotes


async def test_a_stream_of_quotes_goes_on_until_nobody_wants_it(
    acceptor: Peer, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "RENEW_NS", 10 * MILLISECOND)
    monkeypatch.setattr(requests, "LINGER_NS", 50 * MILLISECOND)
    monkeypatch.setattr(adapter, "PULSE_S", 0.01)
    async with desk(acceptor, reports, kind="fix-stream") as it:
        await acceptor.lets_in()
        await eventually(lambda: it.link.is_up)
        request = await asked(it, acceptor)
        for number in range(3):
            acceptor.says("S", quote(request, f"Q-{number}"))
            if number:  # the one before is dead by that
                assert isinstance(await reports.next(), LpWithdrew)
            quoted = await reports.next()
            assert isinstance(quoted, LpQuoted) and quoted.quote_ref == f"Q-{number}"
        acceptor.says("Z", "117=Q-2|298=1|")
        assert isinstance(await reports.next(), LpWithdrew)
        again = await acceptor.hears("R")  # it was wanted still
        assert again["131"] != request["131"]
        acceptor.says("S", quote(again, "Q-9"))
        assert isinstance(await reports.next(), LpQuoted)
        await acceptor.cut()
        assert isinstance(await reports.next(), LpWithdrew)
        await acceptor.lets_in()
        renewed = await acceptor.hears("R")
        acceptor.says("S", quote(renewed, "Q-10"))
        assert isinstance(await reports.next(), LpQuoted)
        it.release("R-1")
        it.execute(order("O-1", "Q-10"))
        await acceptor.hears("D")  # before the end of interest, which might take the quote away
        end = await acceptor.hears("Z")
        assert (end["131"], end["117"]) == (renewed["131"], "Q-10")


# ---- books

BID = "269=0|278=b1|55=BTC/USDT|270=99|271=5|299=rb1|"
OFFER = "269=1|278=o1|55=BTC/USDT|270=101|271=6|299=ro1|"


def entry(action: int, text: str) -> str:
    return f"279={action}|{text}"


async def test_a_book_by_snapshots_and_updates(
    acceptor: Peer, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lpdesk.venues.pushing.PUSH_NS", 0)
    async with desk(acceptor, reports, kind="fix-stream", quotes="book", updates=True) as it:
        await acceptor.lets_in()
        wishes = {(wish := await acceptor.hears("V"))["55"]: wish for _ in range(2)}
        wish = wishes["BTC/USDT"]
        assert (wish["263"], wish["264"], wish["265"], wish["267"]) == ("1", "0", "1", "2")
        it.ask(ask(side=Side.SELL))

        async def told(kind: str, body: str) -> LpQuoted | LpWithdrew:
            acceptor.says(kind, f"262={wish['262']}|{body}")
            report = await reports.next(LpStreamed)
            assert isinstance(report, LpQuoted | LpWithdrew), report
            return report

        acceptor.says("X", f"262={wish['262']}|268=1|{entry(0, BID)}")  # of no book yet: nothing
        snapshot = "55=BTC/USDT|268=2|" + (BID + OFFER).replace("55=BTC/USDT|", "")
        quoted = await told("W", snapshot)
        assert isinstance(quoted, LpQuoted)
        assert (quoted.price, quoted.quote_ref, quoted.quantity) == (99, "rb1", Decimal("1.5"))
        better = BID.replace("b1", "b2").replace("270=99", "270=99.5")
        quoted = await told("X", f"268=1|{entry(0, better)}")
        assert isinstance(quoted, LpQuoted) and (quoted.price, quoted.quote_ref) == (
            Decimal("99.5"), "rb2",
        )  # fmt: skip
        changed = BID.replace("b1", "b3").replace("270=99", "270=98").replace("|55", "|280=b2|55")
        quoted = await told("X", f"268=1|{entry(1, changed)}")
        assert isinstance(quoted, LpQuoted) and quoted.price == 99
        gone = await told("X", f"268=1|{entry(2, OFFER)}")
        assert isinstance(gone, LpWithdrew) and gone.reason is Reason.NO_LIQUIDITY
        assert isinstance(await told("W", snapshot), LpQuoted)
        gone = await told("W", "55=BTC/USDT|268=0|")  # an empty book, not "no change"
        assert isinstance(gone, LpWithdrew)
        assert isinstance(await told("W", snapshot), LpQuoted)
        gone = await told("Y", "281=3|")
        assert isinstance(gone, LpWithdrew) and gone.text == "permissions"
        await acceptor.cut()
        await acceptor.lets_in()
        anew = await acceptor.hears("V")
        assert anew["262"] not in {each["262"] for each in wishes.values()}


async def test_a_venue_without_sizes_and_quote_ids_is_dealt_with_by_limit(
    acceptor: Peer, reports: Reports
) -> None:
    """FXCM's kind."""
    options = {"profile": "fxcm", "target_sub": "U100D1", "account": "ACC1"}
    async with desk(acceptor, reports, kind="fix-stream", **options) as it:
        logon = await acceptor.lets_in(body="98=0|108=30|141=Y|")
        assert (logon["57"], logon["141"]) == ("U100D1", "Y")
        wish = await acceptor.hears("V")
        it.ask(ask())
        body = f"262={wish['262']}|55=BTC/USDT|268=3|269=0|270=99|269=1|270=101|269=7|270=150|"
        acceptor.says("h", "340=2|")
        acceptor.says("W", body)
        quoted = await reports.next(LpStreamed)
        assert isinstance(quoted, LpQuoted) and (quoted.price, quoted.quantity) == (
            101, Decimal("1.5"),
        )  # fmt: skip
        it.execute(order())
        sent = await acceptor.hears("D", "V")
        assert (sent["40"], sent["44"], sent["1"], sent["57"]) == ("2", "101", "ACC1", "U100D1")
        assert "117" not in sent and sent.raw.count(b"\x011=ACC1") == 1


# ---- profiles


def endpoint(**options: str | tuple[str, ...]) -> Endpoint:
    return Endpoint(name="lp", kind="fix", url="fix://127.0.0.1:1", options=options)


@pytest.mark.parametrize("name", packaged())
def test_every_profile_works_with_what_it_needs(name: str) -> None:
    needs = dict.fromkeys(packaged()[name].get("needs", ()), "X")
    profile = profile_of(endpoint(profile=name, **({"target": "LP1"} | needs)))
    assert "{" not in profile.venue_symbol("BTC/USDT")
    assert profile.source and profile.verified == (name == "fix44")
    for need in needs:
        with pytest.raises(ValueError, match=f"options.{need}: is needed"):
            profile_of(endpoint(profile=name, **({"target": "LP1"} | needs | {need: ""})))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"profile": "nobody"}, "options.profile: one of fix44"),
        ({"sendr": "X"}, "sendr"),
        ({}, "options.target: is needed"),
        ({"target": "X", "symbol": "{bse}"}, "options"),
        ({"target": "X", "tags": ("57:X",)}, "options.tags"),
        ({"target": "X", "login": "magic"}, "login magic"),
    ],
)
def test_an_option_that_cannot_work_is_named(options: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        FixVenue(endpoint(**options), Reports(), SystemClock())


def test_b2c2_has_codes_of_its_own() -> None:
    profile = profile_of(endpoint(profile="b2c2", sender="S", target="T"))
    assert profile.venue_symbol("BTC/USDT") == "BTCUST.SPOT" and profile.currency("USDC") == "USC"


async def test_the_dealer_reads_that_a_profile_was_never_tried() -> None:
    """From the options to the LP's line on the screen."""
    venue = FixVenue(endpoint(profile="jump", sender="S", target="T"), Reports(), SystemClock())
    lp = Lp(name="jump", kind="fix", note=venue.note)
    row = lp_row(LpRow(name=lp.name, kind=lp.kind, note=lp.note), 0)
    assert "unverified" in str(row.cells[2])
    await venue.close()
