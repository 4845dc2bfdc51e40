"""An LP behind TLS that cannot prove who it is hears nothing: no key, no signature, no order."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from lpdesk.clock import SystemClock
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import LpFailed, LpQuoted, OrderNotSent
from lpdesk.venues import http
from lpdesk.venues.rest import RestVenue
from tests.conftest import eventually
from tests.venues.effects import ask, order
from tests.venues.liar import QUOTE, Liar, Reports, answer, endpoint

everybodys = http.tls.__wrapped__
OURS, PAST = trustme.CA(), datetime.now(UTC) - timedelta(days=1)
HOST = "127.0.0.1"


def server(case: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = trustme.CA() if case == "signed by nobody we know" else OURS
    host = "lp.example" if case == "another host" else HOST
    expired = {"not_after": PAST} if case == "expired" else {}
    authority.issue_cert(host, **expired).configure_cert(context)
    if case == "TLS 1.1":
        context.minimum_version, context.maximum_version = (
            ssl.TLSVersion.TLSv1,
            ssl.TLSVersion.TLSv1_1,
        )
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def client() -> ssl.SSLContext:
    """The context that everybody uses, with one more authority."""
    context = everybodys()
    OURS.configure_trust(context)
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    "case", ["right", "another host", "expired", "signed by nobody we know", "TLS 1.1"]
)
async def test_who_is_not_who_it_should_be_hears_nothing(
    case: str, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    lp = Liar()
    lp.says(answer(QUOTE))
    listener = await asyncio.start_server(lp.serve, HOST, 0, ssl=server(case))
    port = listener.sockets[0].getsockname()[1]
    monkeypatch.setattr(http, "tls", client)
    venue = RestVenue(endpoint(f"https://{HOST}:{port}"), reports, SystemClock())
    venue.ask(ask())
    told = await reports.next()
    if case == "right":
        assert isinstance(told, LpQuoted) and len(lp.heard) == 1
    else:
        assert isinstance(told, LpFailed) and told.reason is Reason.UNREACHABLE
        venue.execute(order())
        assert isinstance(await reports.next(), OrderNotSent) and lp.heard == []
    await venue.close()
    listener.close()
    await eventually(lambda: not lp.open)
