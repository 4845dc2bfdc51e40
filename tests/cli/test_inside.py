"""`[[internalise]]` from the file to the core: its rules, and the exchange as a stream."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from lpdesk.config import BadConfig, load, settings
from lpdesk.domain.settings import Internal
from lpdesk.journal.reader import read
from tests.cli.conftest import Command

RULES = """
[[internalise]]
share = 0.5
minimum_edge_bps = 1.5
pair = "BTC/USDT"
[[internalise]]
share = 0
client = "acme"
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(text)
    return path


def test_the_rules_reach_the_core_and_the_exchange_streams(lpdesk: Command, tmp_path: Path) -> None:
    config, journal = written(tmp_path, RULES), tmp_path / "desk.db"
    lpdesk("rfq", "b 0.1 btc/usdt", "--config", config, "--journal", journal, "--after", "0")
    opened = next(read(journal)).events[0]
    assert opened.settings.internal == (
        Internal(share=Decimal("0.5"), minimum_edge_bps=Decimal("1.5"), pair="BTC/USDT"),
        Internal(share=Decimal(0), client="acme"),
    )
    house = opened.settings.lp("house")
    assert house.streams and house.divisible
    assert house.fee_bps == 1  # what its takers pay: its price competes all-in, like any other


def test_without_any_the_exchange_is_an_lp_like_any_other() -> None:
    assert settings(load(None, {}), (), "", 0).internal == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("share = 1.1", "internalise.0.share"),
        ("share = -0.1", "internalise.0.share"),
        ("share = 1\nminimum_edge_bps = -1", "internalise.0.minimum_edge_bps"),
        ("share = 1\npair = 'XRP/USDT'", "internalise.0.pair: XRP/USDT is no pair"),
        ("share = 1\nclient = 'nobody'", "internalise.0.client: nobody is not a client"),
    ],
)
def test_a_rule_that_cannot_hold_is_told(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(BadConfig) as told:
        load(written(tmp_path, f"[[internalise]]\n{text}"), {})
    assert problem in str(told.value)
