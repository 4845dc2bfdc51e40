"""A strategy that an installed package brings: found, quoted with, and run again by `verify`."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE
from decimal import Decimal
from pathlib import Path

import pytest

from lpdesk import strategies
from lpdesk.config import BadConfig, load
from lpdesk.domain import events as ev
from lpdesk.domain.making import MakerTerms
from lpdesk.engines.strategy import Ladder, Quote, Situation, on_grid
from lpdesk.journal.reader import read
from tests.cli.conftest import Command
from tests.cli.processes import lines, process
from tests.core.story import BTC

D = Decimal
PATIENCE_S = 30
MODULE = """
from decimal import Decimal
from lpdesk.engines.strategy import Ladder, Quote

class Wide:
    def __call__(self, pair, terms, situation):
        away = situation.mid / 100
        size = Decimal("0.123")
        return Ladder((Quote(situation.mid - away, size),), (Quote(situation.mid + away, size),))
"""
CONFIG = """
[[makers]]
symbol = "BTC/USDT"
strategy = "wide"
[makers.parameters]
max_position = 5
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder as `pip install` leaves it."""
    folder = tmp_path / "site"
    info = folder / "wide_maker-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "wide_maker.py").write_text(MODULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wide-maker\nVersion: 1.0\n")
    points = "wide = wide_maker:Wide\nlevels = wide_maker:Wide\ngone = nowhere:Strategy"
    (info / "entry_points.txt").write_text(f"[lpdesk.strategies]\n{points}\n")
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process."""
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(strategies, "found", strategies.found.__wrapped__)


def test_it_is_found_beside_those_of_the_house(installed: None) -> None:
    known, broken = strategies.found()
    assert set(known) == {"levels", "avellaneda", "wide"}
    assert broken["levels"] == "the name is taken"
    assert broken["gone"].startswith("ModuleNotFoundError")


def test_a_configuration_may_name_it_only_where_it_is(installed: None, config: Path) -> None:
    assert load(config, {}).makers[0].strategy == "wide"
    config.write_text(CONFIG.replace('"wide"', '"gone"'))
    with pytest.raises(BadConfig, match=r"makers.0.strategy: gone does not load: ModuleNot"):
        load(config, {})
    config.write_text(CONFIG.replace('"wide"', '"wild"'))
    with pytest.raises(BadConfig, match="strategy: one of levels, avellaneda, wide"):
        load(config, {})


def test_its_ladder_is_put_on_ticks_and_lots() -> None:
    """It may know nothing of them, and its sides may be in any order; crossed, it is none."""
    said = Ladder(
        (Quote(D("99.001"), D("0.5")), Quote(D("99.509"), D("0.123456")), Quote(D("99.5"), D(1))),
        (Quote(D("101.001"), D("0.000001")), Quote(D("100.001"), D(2))),
    )
    situation = Situation(mid=D(100), skew=D(0), position=D(0), variance=D(0), time_left=D(1))
    terms = MakerTerms(symbol=BTC.symbol)
    ladder = on_grid(lambda *_: said)(BTC, terms, situation)
    assert ladder.bids == (Quote(D("99.50"), D("1.12345")), Quote(D("99.00"), D("0.5")))
    assert ladder.asks == (Quote(D("100.01"), D(2)),)
    crossed = Ladder((Quote(D("100.01"), D(1)),), (Quote(D("100.005"), D(1)),))
    assert on_grid(lambda *_: crossed)(BTC, terms, situation) == Ladder((), ())


async def test_the_desk_quotes_with_it(
    site: Path, config: Path, tmp_path: Path, lpdesk: Command
) -> None:
    journal = tmp_path / "desk.db"
    run = ("-m", "lpdesk", "--plain", "--journal", str(journal), "--config", str(config))
    root = str(Path(__file__).parents[2])
    async with process(*run, stdin=PIPE, PYTHONPATH=f"{root}:{site}") as desk:
        assert desk.stdin is not None
        async with asyncio.timeout(PATIENCE_S):
            async for line in lines(desk):
                if "maker BTC/USDT ACTIVE" in line:
                    desk.stdin.write_eof()
            assert await desk.wait() == 0
    books = [e for r in read(journal) for e in r.events if isinstance(e, ev.BookChanged)]
    top = next(book for book in books if book.bids and book.asks)
    assert {level.size for level in (*top.bids, *top.asks)} == {D("0.123")}
    assert len(top.bids) == len(top.asks) == 1
    check = ("-m", "lpdesk", "verify", str(journal))
    async with process(*check, PYTHONPATH=f"{root}:{site}") as again:
        async with asyncio.timeout(PATIENCE_S):
            assert await again.wait() == 0
    without = lpdesk("verify", journal)
    assert without.exit_code != 0 and "wide" in without.output
