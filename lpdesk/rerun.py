"""The desk as a journal leaves it: its causes decided again with the outputs unplugged.

From the snapshot beside the journal, if there is a good one, else from the first record.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from contextlib import closing
from functools import cache
from pathlib import Path

import msgspec

from lpdesk.desk import Desk
from lpdesk.domain.record import Record
from lpdesk.domain.reports import DeskStarted
from lpdesk.domain.settings import Settings
from lpdesk.engines.strategy import STRATEGIES, Strategies
from lpdesk.journal import snapshot
from lpdesk.journal.errors import JournalDamaged, JournalRefused
from lpdesk.journal.reader import Chain, connect, walk
from lpdesk.views import DeskView, fold

CORE = ("domain", "engines", "views", "desk.py")
"""The code that a state is made of and by."""


class Rerun:
    """A desk and its view after record `seq`, which was at `at`."""

    def __init__(self, strategies: Strategies = STRATEGIES) -> None:
        self.strategies = strategies
        self.desk, self.view = Desk(strategies), DeskView()
        self.seq = self.at = 0

    def take(self, record: Record) -> None:
        """Decide again what was decided.

        Raises `JournalDamaged` where the desk decides otherwise than it did then, `JournalRefused`
        where a maker's strategy is not installed any more.
        """
        if isinstance(record.cause, DeskStarted):
            self._find_strategies(record.cause.settings)
        if self.desk.step(record.cause, record.at) != record.events:
            raise JournalDamaged(record.seq, "the desk would now decide otherwise")
        self.view = fold(self.view, record)
        self.seq, self.at = record.seq, record.at

    def _find_strategies(self, settings: Settings) -> None:
        for maker in settings.makers:
            if maker.strategy not in self.strategies:
                text = f"the maker of {maker.symbol} used {maker.strategy}, a strategy that is not"
                raise JournalRefused(f"{text} installed any more")


def recall(journal: Path, strategies: Strategies = STRATEGIES) -> Rerun:
    """As far as the snapshot goes; nothing has happened yet where there is no good one."""
    rerun = Rerun(strategies)
    if found := snapshot.load(journal, code(), _known(strategies)):
        rerun.desk, rerun.view = found.state
        rerun.seq, rerun.at = found.tip.seq, found.tip.at
    return rerun


def take_snapshot(journal: Path, strategies: Strategies = STRATEGIES) -> int:
    """Bring the snapshot up to the journal's end, which may be live; returns its record's `seq`.

    Raises `JournalRefused`, `JournalDamaged` as `Rerun.take` does, OSError.
    """
    rerun = recall(journal, strategies)
    chain = Chain(rerun.seq + 1)
    with closing(connect(journal)) as connection:
        for record in walk(connection, chain):
            rerun.take(record)
    taken = snapshot.Snapshot(chain.tip, (rerun.desk, rerun.view))
    snapshot.save(journal, taken, code(), _known(strategies))
    return rerun.seq


@cache
def code() -> str:
    """A name for the code of the core: another core might not understand a state of this one."""
    digest = hashlib.sha256(f"{sys.version} {msgspec.__version__}".encode())
    package = Path(__file__).parent
    for name in CORE:
        for path in sorted([package / name, *(package / name).rglob("*.py")]):
            if path.is_file():
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _known(strategies: Strategies) -> Mapping[str, object]:
    """Code, which a state only names."""
    return {"strategies": strategies, **strategies}
