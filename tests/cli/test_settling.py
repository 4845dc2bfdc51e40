"""Settling later from the command line: words, lines, accounts, and the configuration behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lpdesk import config
from lpdesk.config import BadConfig, load
from lpdesk.domain.entry import BadEntry
from lpdesk.domain.money_entry import parse_money
from tests.cli.conftest import Command
from tests.cli.days import keep
from tests.cli.test_plain_orders import obeyed
from tests.core.settling import START, organization, settling
from tests.core.story import BTC
from tests.tui.stories import StoryDesk, settings


def desk() -> StoryDesk:
    """A dealt T+1 trade of acme's, whose end user has nothing yet."""
    agreed = settling(organization("0", own="1000"))
    story = StoryDesk(
        config=settings(
            clients=agreed.clients,
            trade_desks=agreed.trade_desks,
            trade_settlement_pairs=agreed.trade_settlement_pairs,
            calendars=agreed.calendars,
        )
    ).start()
    rfq_id = story.ask("b 0.5 btc/usdt t+1")
    story.run(1)
    story.accept(rfq_id)
    story.run(2)
    return story


async def test_a_settlement_line_by_line() -> None:
    printed = await obeyed(
        desk(), "settle new t-1", "settle s-1", "deposit 60k usdt @acme", "settle s-1", "settle s-1"
    )
    text = "\n".join(printed)
    assert "S-000001 created (by hand): acme and otc, T-000001; tried at 2026-01-19T14:3" in text
    assert "S-000001 FAILED, missing settlement:acme 49" in text and "tried again at" in text
    assert "60,000 USDT into client:acme" in text
    assert "T-000001 settled with" in text and "S-000001 settled" in text
    assert text.endswith("refused: settlement: already done, S-000001 is settled")


async def test_the_accounts_of_a_journal(tmp_path: Path, lpdesk: Command) -> None:
    story = desk()
    await obeyed(story, "deposit 60k usdt @acme", "settle new t-1", "settle s-1")
    journal = keep(tmp_path / "settled.db", story.records)
    rows = [json.loads(line) for line in lpdesk("balances", journal, "--json").stdout.splitlines()]
    held = {(row["account"], row["asset"]): row["balance"] for row in rows}
    assert held["client:acme", "BTC"] == "0.5" and ("liquidity:otc", "BTC") not in held
    before = lpdesk("balances", journal, "--seq", "1", "--account", "settlement:").stdout
    assert before.split() == (
        "account asset balance held available settlement:acme USDT 1,000 1,000".split()
    )
    found = lpdesk("blotter", journal, "--state", "settled", "--format", "json").stdout
    assert json.loads(found)["settlement_id"] == "S-000001"


LINES = [
    ("settle", "settlement"),
    ("settle s-1 s-2", "settlement"),
    ("settle new", "trades"),
    ("deposit 1", "line"),
    ("deposit 1 doge @acme", "asset"),
    ("deposit -1 usdt @acme", "amount"),
    ("withdraw nan usdt", "amount"),
    ("pay 1 usdt", "line"),
]


@pytest.mark.parametrize(("line", "field"), LINES)
def test_what_is_no_line(line: str, field: str) -> None:
    with pytest.raises(BadEntry) as bad:
        parse_money(line, [BTC])
    assert bad.value.field == field
    assert parse_money(bad.value.example, [BTC])


PROBLEMS = """
[[trade_settlement_pairs]]
id = "one"
organization = "acme"
trade_desk = "otc"
[[trade_settlement_pairs]]
id = "one"
organization = "acme"
trade_desk = "otc"
settlement_account = "client:acme"
calendar = "mondays"
[[trade_settlement_pairs]]
id = "two"
organization = "nobody"
trade_desk = "bank"
settlement_delay_minutes = 60
rejection_delay_minutes = 60
time_zone = "Mars/Olympus"
[[trade_desks]]
name = "otc"
[[trade_desks]]
name = "otc"
[rules]
default_desk = "prime"
"""
SAID = """
trade_desks: otc appears twice
trade_settlement_pairs: one appears twice
rules.default_desk: prime is not a trade desk
trade_settlement_pairs.1: acme and otc have one already
trade_settlement_pairs.1.settlement_account: empty, or settlement:CLIENT
trade_settlement_pairs.1.calendar: "every day", "weekdays", a country (GB) or a market (NYSE)
trade_settlement_pairs.2.organization: nobody is not a client
trade_settlement_pairs.2.trade_desk: bank is not a trade desk
trade_settlement_pairs.2.rejection_delay_minutes: must be longer than settlement_delay_minutes
trade_settlement_pairs.2.time_zone: no time zone of that name on this machine
"""


def test_all_that_is_wrong_with_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(PROBLEMS, encoding="utf-8")
    with pytest.raises(BadConfig) as bad:
        load(path, {})
    assert bad.value.problems == SAID.strip().splitlines()


def test_clients_of_ones_own_leave_the_packaged_agreements_out(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('[desk]\ndefault_client = "gauss"\n[[clients]]\nname = "gauss"\n', "utf-8")
    assert load(path, {}).trade_settlement_pairs == ()
    packaged = config.settings(load(None, {}), (), "", START)
    (agreed,) = packaged.trade_settlement_pairs
    assert len(packaged.settlement_days(agreed)) == 732
    assert packaged.client(agreed.organization) and packaged.trade_desk(agreed.trade_desk)
