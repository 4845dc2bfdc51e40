"""Another process writes, and is killed: K13, K17, K19, N1 of the fault matrix."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lpdesk.journal.errors import JournalBusy
from lpdesk.journal.reader import check_chain, read
from lpdesk.journal.writer import Writer
from tests.journal.samples import trading

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL and setrlimit")


@contextmanager
def child(path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A writing process; killed with SIGKILL at the end of the block."""
    command = [sys.executable, "-m", "tests.journal.child", str(path), *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def heard(process: subprocess.Popen[str]) -> int:
    """The next acknowledged seq."""
    assert process.stdout is not None
    return int(process.stdout.readline().split()[1])


def still_heard(process: subprocess.Popen[str]) -> list[int]:
    """What a dead process had acknowledged before it died, and nobody has read yet."""
    assert process.stdout is not None
    return [int(line.split()[1]) for line in process.stdout if line.endswith("\n")]


def test_what_was_acknowledged_survives_kill_9_again_and_again(tmp_path: Path) -> None:
    path, durable = tmp_path / "journal.db", 0
    for acknowledgements in (0, 1, 2, 17, 60):  # the last is past a checkpoint of 1,000 pages
        with child(path) as process:
            opened = heard(process)
            assert opened >= durable
            for _ in range(acknowledgements):
                durable = heard(process)
            process.kill()
            durable = max([durable, *still_heard(process)])
        result = check_chain(path)
        assert result.ok and result.tip.seq >= durable
        assert result.tip.seq % 12 == 0, "half a batch"
        assert list(read(path)) == trading(result.tip.seq // 4)


def test_a_second_desk_is_refused_until_the_first_is_dead(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with child(path) as first:
        heard(first)
        with pytest.raises(JournalBusy):
            Writer(path)
        with child(path) as second:
            assert second.wait() == 1
            assert second.stderr is not None
            assert second.stderr.read().startswith("JournalBusy: another process is writing")
        assert heard(first) > 0
    writer = Writer(path)
    assert writer.tip.seq >= 12
    writer.close()


def test_another_process_reads_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with child(path) as process:
        for _ in range(5):
            durable = heard(process)
            seen = list(read(path))
            assert len(seen) >= durable and seen == trading(len(seen) // 4)
            assert check_chain(path).tip.seq >= durable


@pytest.mark.parametrize("limit", [100_000, 300_000, 1_000_000])
def test_a_full_disk_fails_and_keeps_what_was_acknowledged(tmp_path: Path, limit: int) -> None:
    path = tmp_path / "journal.db"
    with child(path, str(limit)) as process:
        out, err = process.communicate()
    assert err.startswith("JournalFailed: the journal failed: ")
    durable = int(out.split()[-1])
    assert check_chain(path).ok
    assert list(read(path)) == trading(durable // 4)
    writer = Writer(path)
    writer.append(trading(1, durable + 1), durable=True)
    writer.close()
    assert check_chain(path).tip.seq == durable + 4
