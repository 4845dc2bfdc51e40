"""A desk whose every text field says something hostile, on every screen in turn.

    python tests/tui/hostile_app.py REPORT STRINGS SEED

Each step replaces all texts of the view, draws, and goes on to the next screen. At the end the app
stands still and writes what its own screen should look like, and what was done on its behalf.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lpdesk.tui.app import DeskApp
from lpdesk.tui.picture import text_of
from tests.tui.hostile import HOSTILE
from tests.tui.stories import StoryDesk, busy

SCREENS = ("f2", "f3", "f5", "f6", "z", "escape", "f7", "escape", "f1", "escape")
KEPT = {"state", "end", "side", "dealt", "base_side", "level", "symbol", "base", "quote", "lp"}
"""Fields that are ours, not an outsider's, or that join rows together."""

SHORT = [text[:400] for text in HOSTILE.values()]


def strings(seed: int) -> Iterator[str]:
    """The corpus itself, then pieces of it joined at random, without end."""
    yield from SHORT
    dice = random.Random(seed)
    while True:
        parts = dice.choices(SHORT, k=dice.randint(1, 3))
        yield "".join(part[: dice.randint(1, 60)] for part in parts)


def poisoned(value: Any, texts: Iterator[str], name: str = "") -> Any:
    """`value` with a hostile string in each of its text fields."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return value if name in KEPT or name.endswith("_id") or not value else next(texts)
    if isinstance(value, tuple):
        return tuple(poisoned(each, texts, name) for each in value)
    if isinstance(value, Struct):
        names = value.__struct_fields__
        return replace(value, **{n: poisoned(getattr(value, n), texts, n) for n in names})
    return value


class Poisoned(StoryDesk):
    """A desk that counts the strings it has shown."""

    shown = 0

    def __init__(self, of: StoryDesk, seed: int) -> None:
        self.__dict__.update(of.__dict__)
        self._clean = of.view
        self._texts = self._counted(strings(seed))
        self.next()

    def _counted(self, texts: Iterator[str]) -> Iterator[str]:
        for text in texts:
            self.shown += 1
            yield text

    def next(self) -> None:
        """Other texts in all fields."""
        self._view = poisoned(self._clean, self._texts)
        self.label = next(self._texts)


class HostileApp(DeskApp):
    """Goes through all screens until enough strings were shown, then stands still."""

    def __init__(self, desk: Poisoned, report: Path, wanted: int) -> None:
        super().__init__(desk)
        self.hostile, self.report, self.wanted, self.step = desk, report, wanted, 0

    def on_mount(self) -> None:
        super().on_mount()
        self.call_after_refresh(self.forward)

    async def forward(self) -> None:
        """One screen, with new texts."""
        if self.hostile.shown < self.wanted or self.screen is not self.desk:
            self.hostile.next()
            self.notice()
            self.simulate_key(SCREENS[self.step % len(SCREENS)])
            self.step += 1
            self.set_timer(0.02, self.forward)
        else:
            self.set_timer(0.5, self.end)

    def notice(self) -> None:
        """Texts that come by other ways than a view."""
        text = next(self.hostile._texts)
        self.desk.message.say("bad", text, text, text)
        self.desk.changed()

    def end(self) -> None:
        """Say what should be on the terminal."""
        facts = {
            "lines": text_of(self).splitlines(),
            "shown": self.hostile.shown,
            "submitted": len(self.hostile.submitted),
        }
        part = self.report.with_suffix(".part")
        part.write_text(json.dumps(facts))
        part.replace(self.report)  # whole or not at all: somebody is waiting to read it


if __name__ == "__main__":
    where, count, number = sys.argv[1:]
    HostileApp(Poisoned(busy(), int(number)), Path(where), int(count)).run()
