"""B2C2: the adapter against a stand-in that reads the same description on its own."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain.events import OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import (
    LpFailed,
    LpQuoted,
    OrderFilled,
    OrderLost,
    OrderNotSent,
    QueryFailed,
)
from lpdesk.domain.values import SECOND, Side
from lpdesk.domain.wire import Malformed
from lpdesk.sandbox import Mood, Sandbox, start_sandbox
from lpdesk.venues import requesting
from lpdesk.venues.b2c2 import B2c2, B2c2Venue, codes, instrument
from lpdesk.venues.base import Endpoint
from lpdesk.venues.line import Answer
from lpdesk.venues.notes import Notes
from tests.conftest import eventually
from tests.venues.effects import ask, order, query
from tests.venues.liar import Reports

CLOCK = SystemClock()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    it = await start_sandbox(7, cast="full", only=["noether"])
    it.venue("noether").become(latency_ms=(1, 1, 1), rate_per_second=1000)
    yield it
    await it.close()


def endpoint(sandbox: Sandbox, journal: Path | None = None, **changes: str) -> Endpoint:
    (lp,) = sandbox.lps
    known = {"key": lp.key, "secret": lp.secret} | changes
    return Endpoint(
        name=lp.name, kind=lp.kind, url=lp.url, symbols=lp.pairs, beside=journal,
        timeout_ns=2 * SECOND, **known,
    )  # fmt: skip


@pytest.fixture
async def lp(
    sandbox: Sandbox, reports: Reports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[B2c2Venue]:
    monkeypatch.setattr(requesting, "EXECUTE_S", 0.5)
    venue = B2c2Venue(endpoint(sandbox, tmp_path / "desk.db"), reports, CLOCK)
    yield venue
    await venue.close()


async def dealt(lp: B2c2Venue, reports: Reports, side: Side = Side.BUY) -> OrderSent:
    """An order on a price, on its way."""
    lp.ask(ask(lp="noether", quantity="0.25", side=side))
    quoted = await reports.next()
    assert isinstance(quoted, LpQuoted), quoted
    assert (quoted.symbol, quoted.side, quoted.quantity) == ("BTC/USDT", side, Decimal("0.25"))
    assert 11 * SECOND < quoted.validity_ns <= 12 * SECOND
    sent = order(lp="noether", quote_ref=quoted.quote_ref, quantity="0.25", price=quoted.price)
    lp.execute(sent)
    return sent


async def test_which_quote_an_order_dealt_on_outlives_the_process(
    sandbox: Sandbox, lp: B2c2Venue, reports: Reports, tmp_path: Path
) -> None:
    sandbox.venue("noether").script(Mood.HANG_AFTER_FILL)
    sent = await dealt(lp, reports)
    await eventually(sandbox.venue("noether").executions)
    await lp.close()
    notes = tmp_path / "desk.db.noether.b2c2"
    assert stat.S_IMODE(notes.stat().st_mode) == 0o600
    with notes.open("a") as file:
        file.write('["O-2", "Q')  # killed while it wrote
    again = B2c2Venue(endpoint(sandbox, tmp_path / "desk.db"), reports, CLOCK)
    again.query(query(sent.order_id, lp="noether"))
    assert isinstance(await reports.next(), OrderFilled)
    again.query(query("O-2", lp="noether"))
    stranger = await reports.next()
    assert isinstance(stranger, QueryFailed) and "not known here" in stranger.text
    await again.close()


async def test_an_order_whose_note_cannot_be_written_is_not_sent(
    sandbox: Sandbox, lp: B2c2Venue, reports: Reports, tmp_path: Path
) -> None:
    (tmp_path / "desk.db.noether.b2c2").unlink()
    (tmp_path / "desk.db.noether.b2c2").mkdir()
    await dealt(lp, reports)
    assert isinstance(await reports.next(), OrderNotSent)
    assert not await sandbox.venue("noether").executions()


async def test_a_wrong_token_and_a_size_too_large_are_told_as_such(
    sandbox: Sandbox, lp: B2c2Venue, reports: Reports
) -> None:
    stranger = B2c2Venue(endpoint(sandbox, key="nobody"), reports, CLOCK)
    stranger.ask(ask(lp="noether"))
    refused = await reports.next()
    assert isinstance(refused, LpFailed) and refused.reason is Reason.UNAUTHORISED
    assert refused.text == "1001 wrong token"
    await stranger.close()
    lp.ask(ask(lp="noether", quantity="100000"))
    refused = await reports.next()
    assert isinstance(refused, LpFailed) and refused.reason is Reason.SIZE


async def test_a_price_for_something_else_is_named_as_what_it_is(
    sandbox: Sandbox, lp: B2c2Venue, reports: Reports
) -> None:
    sandbox.venue("noether").script(Mood.WRONG_SYMBOL)
    lp.ask(ask(lp="noether"))
    quoted = await reports.next()
    assert isinstance(quoted, LpQuoted) and quoted.symbol.endswith(".SPOT")


RFQ = (
    '{"rfq_id":"r1","client_rfq_id":"CLIENT","instrument":"BTCUST.SPOT","side":"buy",'
    '"quantity":"1.5000000000","price":"97125.50000000",'
    '"valid_until":"2025-03-06T12:00:15.412233Z","created":"2025-03-06T12:00:00.398811Z"}'
)


def test_the_letters_of_a_quote_are_the_letters_of_its_trade() -> None:
    """The description's own example; validity by its own clock, not by ours."""
    dialect = B2c2(Endpoint(name="b2c2", kind="b2c2", url="https://x"), Notes(None))
    wish = ask()
    client = dialect.ask(wish).body.split(b'"client_rfq_id":"')[1].split(b'"')[0].decode()
    quoted = dialect.quoted(wish, Answer(200, RFQ.replace("CLIENT", client).encode(), ""), 0)
    assert isinstance(quoted, LpQuoted) and quoted.validity_ns == 15_013_422_000
    trade = dialect.order(order(quote_ref="r1", price=quoted.price))
    assert (trade.method, trade.path) == ("POST", "/trade/")
    assert b'"price":"97125.50000000","quantity":"1.5000000000"' in trade.body
    with pytest.raises(Malformed, match="answer to another request"):
        dialect.quoted(wish, Answer(200, RFQ.encode(), ""), 0)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"errors":[]}', b'{"errors":[{}]}'])
def test_a_refusal_that_is_not_theirs_is_no_evidence(body: bytes) -> None:
    dialect = B2c2(Endpoint(name="b2c2", kind="b2c2", url="https://x"), Notes(None))
    assert isinstance(dialect.executed(order(), Answer(404, body, "")), OrderLost)


def test_instruments_have_their_own_letters() -> None:
    known = codes({"codes": ("PEPE=PEP",)})
    assert instrument("BTC/USDT", known) == "BTCUST.SPOT"
    assert instrument("PEPE/USD", known) == "PEPUSD.SPOT"
    with pytest.raises(ValueError, match="codes"):
        codes({"codes": ("PEPE",)})


def test_a_full_page_proves_nothing() -> None:
    dialect = B2c2(Endpoint(name="b2c2", kind="b2c2", url="https://x"), Notes(None))
    row = b'{"trade_id":"t","rfq_id":"r","price":"1","quantity":"1"}'
    at = int(datetime(2025, 3, 6, tzinfo=UTC).timestamp()) * SECOND
    assert "created__gte=2025-03-06T00%3A00%3A00Z" in dialect.listing(at).path
    with pytest.raises(Malformed, match="more trades"):
        dialect.listed(b"[" + b",".join([row] * 1000) + b"]")
