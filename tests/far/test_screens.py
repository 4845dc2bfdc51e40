"""The screens as commands, through real keys in a real terminal: replay, read-only, bad keymap."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lpdesk.journal.writer import Writer
from tests.cli.days import keep, short_day
from tests.conftest import eventually
from tests.tui.terminal import Terminal

pytestmark = pytest.mark.slow
PATIENCE_S = 20.0


async def shown(terminal: Terminal, text: str) -> None:
    await eventually(lambda: terminal.shows(text), PATIENCE_S, text)


async def left(terminal: Terminal, code: int) -> None:
    await eventually(lambda: terminal.ended, PATIENCE_S, "the end")
    assert terminal.process.returncode == code


@pytest.mark.long
async def test_a_replay_by_its_keys(tmp_path: Path) -> None:
    records = short_day().records
    path, last = keep(tmp_path / "day.db", records), len(records)
    command = ("-m", "lpdesk", "replay", str(path), "--seq", "2")
    async with Terminal(*command, width=140, height=36) as replay:
        await shown(replay, f"■ paused 1x  2026-01-19 14:30:00.0Z  record 2 of {last}")
        replay.type("]]][")
        await shown(replay, f"record 4 of {last}")
        replay.type("S")
        await shown(replay, "paused 2x")
        replay.type("SSSp")
        await shown(replay, "▶ playing 60x")
        await shown(replay, "■ paused 60x  2026-01-19")  # the day has ended
        await shown(replay, f"record {last} of {last}")
        replay.type("{")
        await eventually(lambda: not replay.shows(f"record {last} of"), PATIENCE_S, "a marker")
        replay.type(":go 5\r")
        await shown(replay, f"record 5 of {last}")
        replay.type(":go 14:30:10\r")
        await shown(replay, "14:30:10")
        replay.type("\x1b[24~")  # F12
        await shown(replay, "halt: this is a replay")
        replay.type("\x11")
        await left(replay, 0)


@pytest.mark.long
async def test_a_second_terminal_follows_a_live_journal(tmp_path: Path) -> None:
    records = short_day().records
    writer = Writer(tmp_path / "live.db")
    writer.append(records[:6], durable=True)
    command = ("-m", "lpdesk", "replay", str(tmp_path / "live.db"), "--follow")
    async with Terminal(*command, width=140, height=36) as replay:
        await shown(replay, "▶ following  ")
        await shown(replay, "record 6 of 6")
        writer.append(records[6:], durable=True)
        await shown(replay, f"record {len(records)} of {len(records)}")
        await shown(replay, "T-000001")
        replay.type("p")
        await shown(replay, "■ paused 1x")
        replay.type("\x11")
        await left(replay, 0)
    writer.close()


async def test_a_read_only_desk_takes_no_command(tmp_path: Path) -> None:
    command = ("-m", "lpdesk", "--readonly", "--journal", str(tmp_path / "desk.db"))
    async with Terminal(*command, width=120, height=36) as desk:
        await shown(desk, "READ-ONLY   ACTIVE")
        desk.type("b 1 btc/usdt\r")
        await shown(desk, "b: this screen only looks")
        desk.type("\x1b[24~")  # F12
        await shown(desk, "halt: this screen is read-only")
        desk.type("\x11")
        await left(desk, 0)
        assert not desk.shows("R-000001")


@pytest.mark.parametrize("arguments", [(), ("replay",)], ids=["desk", "replay"])
async def test_a_keymap_that_cannot_be_ends_with_a_sentence(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    path, config = keep(tmp_path / "day.db", short_day().records), tmp_path / "my.toml"
    await asyncio.to_thread(config.write_text, '[screen.keymap]\nacept = "f5"\n')
    words = [*arguments, str(path)] if arguments else ["--journal", str(tmp_path / "desk.db")]
    command = ("-m", "lpdesk", *words, "--config", str(config))
    async with Terminal(*command, width=120, height=36) as desk:
        await left(desk, 2)
        await shown(desk, "lpdesk: keymap: there is no action 'acept'; `lpdesk keys` lists them")
