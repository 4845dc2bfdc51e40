"""The address is kept to, and the certificate must still be the name's."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import time_ns
from typing import Any

import pytest

from lpdesk.webhooks import sender
from lpdesk.webhooks.sender import Sender
from tests.venues.liar import Liar
from tests.webhooks.receiver import OK, endpoint, owed

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
NAME = "hooks.example"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """One for `NAME`, signed by itself, with its key in the same file."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split()
    named = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    where = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run(["openssl", *made, *named, *where], check=True, capture_output=True)
    cert.write_text(cert.read_text() + key.read_text())
    return cert


@asynccontextmanager
async def serving(certificate: Path) -> AsyncIterator[Liar]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    hook = Liar()
    server = await asyncio.start_server(hook.serve, "127.0.0.1", 0, ssl=context)
    hook.port = server.sockets[0].getsockname()[1]
    try:
        yield hook
    finally:
        server.close()
        for writer in hook.open.values():
            writer.transport.abort()


@pytest.mark.parametrize(
    ("name", "trusted", "said"),
    [(NAME, True, ""), ("evil.example", True, "cannot connect"), (NAME, False, "cannot connect")],
    ids=["right", "another name", "signed by nobody"],
)
async def test_a_certificate_is_for_the_name_and_not_for_the_address(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, name: str, trusted: bool, said: str
) -> None:
    def local(host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", local)
    if trusted:
        context = ssl.create_default_context(cafile=str(certificate))
        monkeypatch.setattr(sender, "_tls", lambda: context)
    async with serving(certificate) as hook:
        hook.says(OK)
        post = Sender(endpoint(f"https://{name}:{hook.port}"), time_ns)
        answer = await post.post(owed())
        await post.close()
    assert (answer.ok, answer.text) == (not said, said)
    assert len(hook.heard) == (not said)
