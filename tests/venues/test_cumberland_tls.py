"""Cumberland behind TLS: both sides show a certificate, and whoever does not is told so."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from socket import SHUT_RDWR, SHUT_WR, create_server
from socket import socket as Listener  # noqa: N812
from threading import Thread

import pytest
import trustme

from lpdesk import doctor
from lpdesk.config import LpTable
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import (
    LpFailed,
    OrderFilled,
)
from lpdesk.sandbox import Sandbox, start_sandbox
from lpdesk.venues.base import Endpoint
from lpdesk.venues.cumberland import CumberlandVenue
from tests.conftest import eventually
from tests.venues.cumberland_desk import CLOCK, NAME, dealt, made, outcome, quicken, steady
from tests.venues.effects import ask
from tests.venues.liar import Reports


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quicken(monkeypatch)


class Mutual:
    """A venue's authority, its own certificate, and one that it gave us."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.folder = folder
        self._ca.cert_pem.write_to_path(str(folder / "ca.pem"))
        self.ours = self.client("ours", self._ca)
        self.server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.server.verify_mode = ssl.CERT_REQUIRED
        self._ca.issue_cert("127.0.0.1").configure_cert(self.server)
        self._ca.configure_trust(self.server)

    def client(self, name: str, ca: trustme.CA | None = None) -> dict[str, str]:
        """The options of a desk with a certificate, of a stranger's authority if none is given."""
        certificate = (ca or trustme.CA()).issue_cert("desk@example.org")
        key, chain = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        certificate.private_key_pem.write_to_path(str(key))
        certificate.cert_chain_pems[0].write_to_path(str(chain))
        key.chmod(0o600)
        files = {"certificate": str(chain), "certificate_key": str(key)}
        return files | {"authority": str(self.folder / "ca.pem")}


@pytest.fixture
def mutual(tmp_path: Path) -> Mutual:
    return Mutual(tmp_path)


@pytest.fixture
async def secure(mutual: Mutual) -> AsyncIterator[Sandbox]:
    it = await start_sandbox(7, cast="full", only=[NAME], tls=mutual.server)
    it.venue(NAME).become(latency_ms=(1, 1, 1), ticks_per_second=50)
    yield it
    await it.close()


async def test_from_a_price_to_a_trade_behind_certificates_on_both_sides(
    secure: Sandbox, mutual: Mutual, reports: Reports
) -> None:
    steady(secure)
    assert secure.lps[0].url.startswith("https://")
    lp = made(secure, reports, **mutual.ours)
    await lp.start()
    await dealt(lp, reports)
    assert isinstance(await outcome(reports), OrderFilled)
    await eventually(lambda: lp._offers.objection("DOGE/USDT"))  # REST goes the same way
    await lp.close()


async def test_the_doctor_connects_as_the_desk_would(secure: Sandbox, mutual: Mutual) -> None:
    named = {"name": NAME, "kind": "cumberland", "url": secure.lps[0].url}
    found = await doctor._lp(LpTable(**named, options=mutual.ours))
    assert found.level == doctor.OK and found.text.startswith("connected in"), found
    found = await doctor._lp(LpTable(**named))
    assert found.level == doctor.BAD and found.text.startswith("TLS: "), found


async def test_a_stranger_gets_no_word_out_of_them(
    secure: Sandbox, mutual: Mutual, reports: Reports
) -> None:
    lp = made(secure, reports, **mutual.client("stranger"))
    await lp.start()
    await eventually(lambda: lp._socket.tries > 2)
    assert not lp._socket.is_up and not lp._offers.objection("DOGE/USDT")
    await lp.close()


def doorkeeper(listener: Listener, context: ssl.SSLContext) -> None:
    """A server that says in TLS's words whom it does not let in; asyncio's just closes."""
    while True:
        try:
            line, _ = listener.accept()
        except OSError:
            return
        known = context.wrap_socket(line, server_side=True, do_handshake_on_connect=False)
        try:
            known.do_handshake()
        except ssl.SSLError:
            with Listener(fileno=known.detach()) as bare, suppress(OSError):
                bare.shutdown(SHUT_WR)  # no reset: it would overtake what was said
                while bare.recv(4096):
                    pass


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("a stranger", "TLS: unknown ca"),
        ("nobody", "TLS: certificate required"),
        ("the wrong venue", "TLS: self-signed certificate in"),
    ],
)
async def test_who_does_not_trust_whom_is_told(
    mutual: Mutual, reports: Reports, who: str, said: str
) -> None:
    """A certificate that they did not give, none, and an address that is not theirs."""
    options = mutual.client("stranger") if who == "a stranger" else dict(mutual.ours)
    if who == "the wrong venue":
        trustme.CA().cert_pem.write_to_path(str(other := mutual.folder / "other.pem"))
        options["authority"] = str(other)
    listener = create_server(("127.0.0.1", 0))
    thread = Thread(target=doorkeeper, args=(listener, mutual.server), daemon=True)
    thread.start()
    url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    options |= {"counterparty": "cp", "user": "u"}
    it = Endpoint(name=NAME, kind="cumberland", url=url, symbols=("BTC/USDT",), options=options)
    lp = CumberlandVenue(it, reports, CLOCK)
    if who == "nobody":
        lp._socket._context = ssl.create_default_context(cafile=options["authority"])
    await lp.start()
    await eventually(lambda: lp._pushing._refusal)
    lp.ask(ask(lp=NAME))
    refused = await reports.next()
    assert isinstance(refused, LpFailed) and refused.reason is Reason.UNAUTHORISED
    assert refused.text.startswith(said), refused.text
    await lp.close()
    listener.shutdown(SHUT_RDWR)
    listener.close()
    thread.join(5)


def test_what_can_never_work_is_said_at_the_start(mutual: Mutual, reports: Reports) -> None:
    def build(**options: str) -> None:
        url = "https://127.0.0.1:1"
        CumberlandVenue(
            Endpoint(name="c", kind="cumberland", url=url, options=options), reports, CLOCK
        )

    us = {"counterparty": "cp", "user": "u"}
    with pytest.raises(ValueError, match=r"options\.user"):
        build(counterparty="cp")
    with pytest.raises(ValueError, match=r"options\.certificate: is needed"):
        build(**us)
    with pytest.raises(ValueError, match="c: certificate"):
        build(**us, certificate=str(mutual.folder / "ca.pem"))  # no key in it
