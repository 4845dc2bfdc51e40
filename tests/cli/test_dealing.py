"""Dealing without a screen: `rfq` and its exit codes, and the desk line by line."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from lpdesk import rfq
from lpdesk.domain import reports as rep
from lpdesk.journal.reader import read
from lpdesk.replay import verify
from tests.cli.conftest import Command
from tests.cli.processes import lines, process
from tests.conftest import eventually
from tests.tui.terminal import Terminal
from tests.venues.liar import QUOTE, Liar, Said, answer, liar, without

pytestmark = pytest.mark.slow

PATIENCE_S = 30.0
PRICED = answer(without(QUOTE, expiresIn=2_000))
DECLINED = answer({"code": "SIZE", "message": "no"}, status=422)
REJECTED = answer({"code": "LAST_LOOK", "message": "moved away"}, status=409)
BROKEN = answer({"code": "OOPS", "message": "?"}, status=500)


def config(folder: Path, lp: Liar) -> Path:
    """One LP that is asked once, and rules that do not keep a test waiting."""
    path = folder / "desk.toml"
    path.write_text(
        "[rules]\nvalidity_buffer_seconds = 0.2\nrfq_duration_seconds = 3\n"
        f'[[lps]]\nname = "liar"\nurl = "{lp.url}"\npoll_seconds = 100\n'
    )
    return path


@pytest.mark.parametrize(
    ("script", "code", "last"),
    [
        ([PRICED, REJECTED], 5, "TradeFailed"),
        ([PRICED, BROKEN, *[BROKEN] * 20], 6, "OrderQueried"),
        ([DECLINED], 4, "RfqEnded"),
    ],
    ids=["rejected", "unknown", "no liquidity"],
)
async def test_rfq_exit_codes(
    lpdesk: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: list[Said],
    code: int,
    last: str,
) -> None:
    monkeypatch.setattr(rfq, "UNKNOWN_PATIENCE_S", 0.3)
    journal = tmp_path / "desk.db"
    async with liar() as lp:
        lp.says(*script)
        conf = config(tmp_path, lp)
        arguments = ("b 1.5 btc/usdt", "--after", 0, "--json", "--config", conf)
        result = await asyncio.to_thread(lpdesk, "rfq", *arguments, "--journal", journal)
    assert result.exit_code == code, result.stderr
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert told[0]["type"] == "RfqOpened" and told[-1]["type"] == last
    assert list(told[0])[:3] == ["seq", "at", "type"]
    assert verify(journal).ok


async def test_rfq_that_nobody_takes_expires(lpdesk: Command, tmp_path: Path) -> None:
    async with liar() as lp:
        lp.says(PRICED)
        conf = config(tmp_path, lp)
        arguments = ("rfq", "b 1.5 btc/usdt", "--after", 20, "--config", conf)
        result = await asyncio.to_thread(lpdesk, *arguments, "--journal", tmp_path / "desk.db")
    assert result.exit_code == 3
    assert "R-000001 EXPIRED" in result.stdout.splitlines()[-1]


def test_rfq_deals_with_the_sandbox(lpdesk: Command, tmp_path: Path) -> None:
    journal = tmp_path / "desk.db"
    result = lpdesk("rfq", "b 1.5 btc/usdt", "--after", 0.2, "--journal", journal)
    assert result.exit_code == 0, result.stderr
    assert " settled with " in result.stdout.splitlines()[-1]
    looked = lpdesk("rfq", "s 1 eth/usdt", "--accept", "none", "--after", 0, "--journal", journal)
    assert looked.exit_code == 0 and "CANCELLED" in looked.stdout
    assert verify(journal).ok


# plain mode, in processes of its own


def last_cause(journal: Path) -> object:
    return list(read(journal))[-1].cause


async def test_plain_mode_deals_over_a_pipe(tmp_path: Path) -> None:
    journal = tmp_path / "desk.db"
    told = ""
    async with process("-m", "lpdesk", "--plain", "--journal", str(journal), stdin=PIPE) as desk:
        assert desk.stdin is not None
        async with asyncio.timeout(PATIENCE_S):
            async for line in lines(desk):
                told += line
                if " desk open" in line:
                    desk.stdin.write(b"nonsense\nb 1 btc/usdt via kepler\n")
                elif " LOCK " in line:
                    desk.stdin.write(b"p\n")
                elif " executing " in line:
                    desk.stdin.write_eof()
            assert await desk.wait() == 0
    assert "refused: side: nonsense" in told and " settled with kepler" in told
    assert last_cause(journal) == rep.DeskStopped(why="end of input")
    assert verify(journal).ok


@pytest.mark.parametrize("source", ["/dev/null", "file"])
async def test_plain_mode_ends_with_any_input(tmp_path: Path, source: str) -> None:
    """Of /dev/null and of a file no loop says that they can be read."""
    path = Path(source) if source != "file" else tmp_path / "commands"
    if source == "file":
        path.write_text("help\nblotter\n")
    with path.open("rb") as file:
        start = ("-m", "lpdesk", "--plain", "--journal", str(tmp_path / "desk.db"))
        async with process(*start, stdin=file.fileno()) as desk, asyncio.timeout(PATIENCE_S):
            told, _ = await desk.communicate()
            assert desk.returncode == 0
    assert (b"no trades yet" in told) is (source == "file")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
async def test_a_signal_is_an_orderly_end(tmp_path: Path, name: str) -> None:
    journal = tmp_path / "desk.db"
    async with process("-m", "lpdesk", "--plain", "--journal", str(journal), stdin=PIPE) as desk:
        async with asyncio.timeout(PATIENCE_S):
            assert " desk open" in await anext(lines(desk))
            desk.send_signal(getattr(signal, name))
            assert await desk.wait() == 0
    assert last_cause(journal) == rep.DeskStopped(why="a signal")
    assert verify(journal).ok


async def test_a_signal_ends_a_request_in_order(tmp_path: Path) -> None:
    journal = str(tmp_path / "desk.db")
    command = ("-m", "lpdesk", "rfq", "b 1 btc/usdt", "--after", "60", "--journal", journal)
    async with process(*command) as desk, asyncio.timeout(PATIENCE_S):
        await anext(lines(desk))
        desk.send_signal(signal.SIGTERM)
        assert await desk.wait() == 128 + signal.SIGTERM
    assert isinstance(last_cause(Path(journal)), rep.DeskStopped) and verify(journal).ok


async def test_a_reader_who_leaves_ends_the_desk_in_order(tmp_path: Path) -> None:
    journal = tmp_path / "desk.db"
    async with process("-m", "lpdesk", "--plain", "--journal", str(journal), stdin=PIPE) as desk:
        assert desk.stdin is not None and desk.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            assert " desk open" in await anext(lines(desk))
            desk._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
            desk.stdin.write(b"b 1 btc/usdt\n")
            assert await desk.wait() == 0
    assert last_cause(journal) == rep.DeskStopped(why="nobody reads the output")
    assert verify(journal).ok


# on a terminal


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")
async def test_the_full_screen_ends_in_order_on_sigterm(tmp_path: Path) -> None:
    journal = tmp_path / "desk.db"
    async with Terminal("-m", "lpdesk", "--journal", str(journal), width=120, height=36) as desk:
        await eventually(lambda: desk.shows("ACTIVE"), PATIENCE_S, "an open desk")
        desk.process.send_signal(signal.SIGTERM)
        await eventually(lambda: desk.ended, PATIENCE_S, "the end")
        assert desk.process.returncode == 0
    assert isinstance(last_cause(journal), rep.DeskStopped) and verify(journal).ok


async def test_replay_is_the_same_screen(journal: Path) -> None:
    command = ("-m", "lpdesk", "replay", str(journal), "--seq", "9")
    async with Terminal(*command, width=120, height=36) as screen:
        await eventually(lambda: screen.shows("record 9 of"), PATIENCE_S, "the transport line")
        assert screen.shows("REPLAY") and screen.shows("R-000001")
        screen.type("]")
        await eventually(lambda: screen.shows("record 10 of"), PATIENCE_S, "a step")
        screen.process.send_signal(signal.SIGTERM)
        await eventually(lambda: screen.ended, PATIENCE_S, "the end")
        assert screen.process.returncode == 0


async def test_replay_of_no_journal_says_so_on_a_terminal(tmp_path: Path) -> None:
    async with Terminal("-m", "lpdesk", "replay", str(tmp_path / "none.db")) as screen:
        await eventually(lambda: screen.ended and screen.shows("no journal at"), PATIENCE_S)
        assert screen.process.returncode == 2
