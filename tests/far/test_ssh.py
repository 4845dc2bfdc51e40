"""The desk over a real sshd on loopback, behind the README's key line."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import eventually
from tests.tui.terminal import Terminal

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
PATIENCE_S = 30.0
ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        SSHD is None or shutil.which("ssh") is None, reason="no sshd on this machine"
    ),
]


class Far(NamedTuple):
    """Where the desk is reached, and with which key."""

    home: Path
    port: int

    @property
    def ssh(self) -> list[str]:
        """The client's command line up to what follows the host."""
        options = {
            "IdentityFile": self.home / "key",
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self.home / "known",
            "StrictHostKeyChecking": "no",
            "LogLevel": "ERROR",
            "BatchMode": "yes",
            "Port": self.port,
        }
        said = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return ["-F", "none", *said]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    """An sshd of our own: its config, port and keys are in a folder that goes away."""
    assert SSHD is not None
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it locks itself in
    for name in ("host", "key"):
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(keygen, check=True)
    desk = f"{sys.executable} -m lpdesk --restricted --journal {tmp_path / 'desk.db'}"
    key = (tmp_path / "key.pub").read_text()
    command = f"cd {ROOT} && exec {desk}"
    (tmp_path / "authorized").write_text(f'restrict,pty,command="{command}" {key}')
    port = _free_port()
    (tmp_path / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nPidFile none\n"
        f"AuthorizedKeysFile {tmp_path}/authorized\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nPermitRootLogin yes\nAcceptEnv LANG LC_* TEXTUAL_* LPDESK_*\n"
        "Subsystem sftp internal-sftp\n"
    )
    daemon = subprocess.Popen(
        [SSHD, "-D", "-e", "-f", str(tmp_path / "config")], stderr=subprocess.DEVNULL
    )
    yield Far(tmp_path, port)
    daemon.terminate()
    daemon.wait()


@asynccontextmanager
async def at_the_desk(far: Far, term: str, *more: str) -> AsyncIterator[Terminal]:
    await _listening(far)
    ssh = str(shutil.which("ssh"))
    command = [*far.ssh, *more, "-tt", "127.0.0.1"]
    async with Terminal(*command, program=ssh, width=120, height=36, TERM=term) as terminal:
        yield terminal


async def _listening(far: Far) -> None:
    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", far.port)) == 0

    await eventually(answers, PATIENCE_S, "sshd")


async def _asked(far: Far, *words: str) -> tuple[int, str]:
    """Exit code and output of ssh with `words`, its input empty."""
    await _listening(far)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        str(shutil.which("ssh")), *far.ssh, *words,
        stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE_S):
        said, _ = await process.communicate()
    return process.returncode or 0, said.decode("utf-8", "replace")


def dealt(desk: Terminal) -> bool:
    """Accept, again and again while the market moves under the finger."""
    if not desk.shows("T-000001"):
        desk.type("p\r")
    return desk.shows("T-000001")


@pytest.mark.parametrize(
    "term",
    [
        "xterm-256color",
        "linux",
        *(pytest.param(t, marks=pytest.mark.long) for t in ("tmux-256color", "xterm")),
    ],
)
async def test_a_deal_over_ssh(far: Far, term: str) -> None:
    async with at_the_desk(far, term) as desk:
        await eventually(lambda: desk.shows("ACTIVE"), PATIENCE_S, "an open desk")
        desk.type("b 0.5 btc/usdt\r")
        await eventually(lambda: desk.shows("F9 deals 0.5 BTC"), PATIENCE_S, "a price")
        await eventually(lambda: dealt(desk), PATIENCE_S, "the deal")
        await eventually(lambda: desk.shows("settled"), PATIENCE_S, "the settlement")
        desk.type("\x11")
        await eventually(lambda: desk.ended, PATIENCE_S, "the end")
        assert desk.process.returncode == 0


async def test_nothing_but_the_desk(far: Far) -> None:
    code, said = await _asked(far, "127.0.0.1", "sh", "-c", "id")
    assert code == 2 and "uid=" not in said
    assert said.strip() == "lpdesk: this key opens the desk on a terminal and nothing else"
    code, said = await _asked(far, "-tt", "127.0.0.1", "id")
    assert code == 2 and "uid=" not in said
    code, said = await _asked(far, "-s", "127.0.0.1", "sftp")
    assert code == 2, "the forced command ran, not sftp"


async def test_no_forwarding(far: Far) -> None:
    code, said = await _asked(
        far, "-o", "ExitOnForwardFailure=yes", "-R", f"{_free_port()}:127.0.0.1:1", "127.0.0.1"
    )
    assert code != 0 and "forwarding" in said.lower()
    code, said = await _asked(far, "-W", f"127.0.0.1:{far.port}", "127.0.0.1")
    assert code != 0 and "forwarding failed" in said, "-L opens such channels too"


async def test_no_way_out_by_the_environment(far: Far, tmp_path: Path) -> None:
    """Switches of Textual and of ours that a server was told to let through do nothing."""
    log, shot = tmp_path / "textual.log", tmp_path / "shots"
    sent = {
        "TEXTUAL_DRIVER": "textual.drivers.headless_driver:HeadlessDriver",
        "TEXTUAL_LOG": str(log),
        "TEXTUAL_PRESS": "f12",
        "TEXTUAL_SCREENSHOT": "1",
        "TEXTUAL_SCREENSHOT_LOCATION": str(shot),
        "LPDESK_CONFIG": "/etc/passwd",
    }
    more = [word for name, value in sent.items() for word in ("-o", f"SetEnv={name}={value}")]
    async with at_the_desk(far, "xterm-256color", *more) as desk:
        await eventually(lambda: desk.shows("ACTIVE"), PATIENCE_S, "an open desk")
        desk.type("\x1a")  # Ctrl-Z
        desk.type("b 0.5 btc/usdt\r")
        await eventually(lambda: desk.shows("F9 deals 0.5 BTC"), PATIENCE_S, "a price")
        assert not desk.shows("HALTED")
    assert not {log.name, shot.name} & {entry.name for entry in os.scandir(tmp_path)}
