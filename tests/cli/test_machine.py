"""The commands about the machine and the demonstrations: doctor, keys, scenario, version."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from lpdesk import __version__
from lpdesk.domain.record import Record
from lpdesk.domain.values import SECOND
from lpdesk.replay import verify
from tests.cli.conftest import Command
from tests.cli.days import keep
from tests.venues.liar import answer, liar

BAD = """
[rules]
dwell_secnds = 1
auto_refresh = "yes"
[[pairs]]
symbol = "BTCUSDT"
base_decimals = 5
quote_decimals = 2
minimum = -1
[[lps]]
name = "alpha"
url = "ftp://x"
secret = "env:NOT_THERE"
"""


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.toml"
    path.write_text(BAD)
    return path


@pytest.mark.parametrize("command", [("--plain",), ("rfq", "b 1 btc/usdt")])
def test_a_bad_configuration_names_all_its_problems(
    lpdesk: Command, bad: Path, command: tuple[str, ...]
) -> None:
    arguments = (
        ("--config", bad, *command) if command == ("--plain",) else (*command, "--config", bad)
    )
    result = lpdesk(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    for problem in (
        "rules.dwell_secnds: unknown key",
        "rules.auto_refresh: ",
        "pairs.0.symbol: write BASE/QUOTE",
        "pairs.0.minimum: ",
    ):
        assert problem in result.stderr


def test_an_unknown_variable_is_a_problem_too(lpdesk: Command) -> None:
    result = lpdesk("rfq", "b 1 btc/usdt", LPDESK_RULES__DWELL="1")
    assert result.exit_code == 2 and "rules.dwell: unknown key" in result.stderr


@pytest.mark.parametrize("line", ["q 1 btc/usdt", "b 0 btc/usdt", "b 1e999 btc/usdt", "b 1 x/y"])
def test_a_request_that_is_none_is_refused(lpdesk: Command, line: str) -> None:
    result = lpdesk("rfq", line)
    assert (result.exit_code, result.stdout) == (5, "")
    assert result.stderr.startswith("lpdesk: refused: ") and "for example" in result.stderr


def test_version_and_keys(lpdesk: Command) -> None:
    assert lpdesk("--version").stdout == f"{__version__}\n"
    table = lpdesk("keys").stdout
    assert "accept" in table and "F9" in table and "Traceback" not in table


def test_scenario(lpdesk: Command, tmp_path: Path) -> None:
    journal = tmp_path / "race.db"
    result = lpdesk("scenario", "competing", "--json", "--journal", journal)
    assert result.exit_code == 0
    assert json.loads(result.stdout.splitlines()[-1])["type"] == "summary"
    assert verify(journal).ok
    again = lpdesk("scenario", "competing", "--journal", journal)
    assert again.exit_code == 2 and "needs a new journal" in again.stderr
    assert lpdesk("scenario", "stable").stdout.startswith("stable: BUY 1.5 BTC/USDT")


@pytest.mark.parametrize("arguments", [("moon",), ("stable", "--cycle-seconds", "0.1")])
def test_a_scenario_that_cannot_be(lpdesk: Command, arguments: tuple[str, ...]) -> None:
    result = lpdesk("scenario", *arguments)
    assert result.exit_code == 2 and result.stderr.startswith("lpdesk: ")


# doctor


def levels(text: str) -> dict[str, str]:
    """What it is about -> the worst level said about it."""
    lines = [(line[6:].split("  ")[0].strip(), line[:4].strip()) for line in text.splitlines()]
    return {about: max(level for of, level in lines if of == about) for about, _ in lines}


def test_doctor_finds_nothing_bad_on_a_new_machine(lpdesk: Command, tmp_path: Path) -> None:
    result = lpdesk("doctor", "--journal", tmp_path / "new" / "desk.db")
    assert result.exit_code == 0, result.stdout
    assert {"config", "clock", "disk", "sqlite", "LPs", "terminal"} <= {
        line[6:].split()[0] for line in result.stdout.splitlines()
    }
    assert not (tmp_path / "new").exists(), "a look leaves nothing behind"


def test_doctor_names_what_is_wrong_with_the_journal(lpdesk: Command, tmp_path: Path) -> None:
    open_to_all = tmp_path / "desk.db"
    open_to_all.write_bytes(b"not a journal at all" * 100)
    open_to_all.chmod(0o644)
    result = lpdesk("doctor", "--journal", open_to_all)
    assert result.exit_code == 1
    assert f"chmod 600 {open_to_all}" in result.stdout
    assert "bad   journal   not a journal" in result.stdout


def test_doctor_says_that_the_clock_was_set_back(
    lpdesk: Command, tmp_path: Path, records: list[Record]
) -> None:
    ahead = replace(records[0], at=time.time_ns() + 3_600 * SECOND)
    result = lpdesk("doctor", "--journal", keep(tmp_path / "desk.db", [ahead]))
    assert result.exit_code == 0
    assert "s ahead of this clock" in result.stdout


@pytest.mark.parametrize(("mode", "level"), [(0o644, "warn"), (0o600, "ok")])
def test_doctor_says_that_others_can_read_secrets(
    lpdesk: Command, tmp_path: Path, mode: int, level: str
) -> None:
    config = tmp_path / "desk.toml"
    config.write_text('[[api_keys]]\nkey = "bot"\nrole = "supervisor"\nsecret = "' + "s" * 40 + '"')
    config.chmod(mode)
    result = lpdesk("doctor", "--config", config, "--journal", tmp_path / "desk.db")
    assert levels(result.stdout)["config"] == level and "s" * 40 not in result.stdout


def test_doctor_names_all_problems_of_a_configuration(lpdesk: Command, bad: Path) -> None:
    result = lpdesk("doctor", "--config", bad)
    assert result.exit_code == 2
    assert result.stdout.count("bad   config") >= 4


def test_an_option_for_the_desk_is_not_lost_on_a_command(lpdesk: Command, bad: Path) -> None:
    result = lpdesk("--config", bad, "--seed", 4, "doctor")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "write --config --seed after the command: lpdesk doctor --config" in result.stderr


def test_what_may_be_of_several_kinds_has_one_problem(lpdesk: Command, tmp_path: Path) -> None:
    path = tmp_path / "lp.toml"
    lp = '[[lps]]\nname = "alpha"\nurl = "http://lp"\ntier = "best"\noptions = { x = { y = 1 } }'
    path.write_text(lp)
    _, *told = lpdesk("rfq", "b 1 btc/usdt", "--config", path).stderr.splitlines()
    tier, option = sorted(told, reverse=True)
    assert tier == "  lps.0.tier: a valid integer, or 'fallback'"
    assert option.startswith("  lps.0.options.x: a valid boolean, or ")


def test_doctor_says_where_a_signer_is_missing(lpdesk: Command, tmp_path: Path) -> None:
    config = tmp_path / "desk.toml"
    config.write_text(
        'makers = []\n[[lps]]\nname = "swap"\nkind = "zerox"\nurl = "http://127.0.0.1:9"\n'
    )
    result = lpdesk("doctor", "--config", config, "--journal", tmp_path / "desk.db")
    assert "warn  LP swap   no signer: its prices are for information only" in result.stdout


def test_doctor_says_where_webhooks_would_go(lpdesk: Command, tmp_path: Path) -> None:
    secret = "whsec_" + "MDEyMzQ1" * 4
    hook = f'[[webhooks]]\norganization = "acme"\nsecrets = ["{secret}"]\n'
    inside = 'url = "https://127.0.0.1/"\n'
    config = tmp_path / "hooks.toml"
    config.write_text(
        f'{hook}name = "refused"\n{inside}{hook}name = "meant"\nallow_private = true\n{inside}'
    )
    result = lpdesk("doctor", "--config", config, "--journal", tmp_path / "desk.db")
    assert result.exit_code == 1
    assert "bad   webhook refused in a private network" in result.stdout
    assert "ok    webhook meant goes to 127.0.0.1" in result.stdout and secret not in result.stdout


async def test_doctor_reaches_for_the_lps(lpdesk: Command, tmp_path: Path) -> None:
    async with liar() as honest, liar() as skewed:
        honest.says(answer())
        skewed.says(answer(Date="Mon, 19 Jan 2026 14:30:25 GMT"))
        config = tmp_path / "lps.toml"
        urls = {"honest": honest.url, "skewed": skewed.url, "closed": "http://127.0.0.1:1"}
        config.write_text("".join(f'[[lps]]\nname = "{n}"\nurl = "{u}"\n' for n, u in urls.items()))
        arguments = ("doctor", "--config", config, "--journal", tmp_path / "desk.db")
        result = await asyncio.to_thread(lpdesk, *arguments)
    shown = {line.split()[2]: line for line in result.stdout.splitlines() if " LP " in line}
    assert result.exit_code == 1
    assert shown["honest"].startswith("ok") and "answered in" in shown["honest"]
    assert shown["skewed"].startswith("warn") and "clocks differ" in shown["skewed"]
    assert shown["closed"].startswith("bad")
