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
from rich.color import ColorSystem
from wcwidth import wcswidth

from lpdesk.domain.record import Record
from lpdesk.domain.settings import Lp
from lpdesk.tui.app import DeskApp
from lpdesk.tui.cells import strip_cells
from lpdesk.tui.picture import text_of
from lpdesk.tui.widgets.grid import LineGrid
from lpdesk.views import LpRow
from tests.tui.hostile import HOSTILE
from tests.tui.stories import StoryDesk, busy

SCREENS = (
    "f2", "f3", "f5", "f6", "z", "escape", "f7", "escape", "f1", "escape",
    "ctrl+t", "down", "tab", "end", "escape", "ctrl+g", "escape",
)  # fmt: skip
KEPT = {"state", "end", "side", "dealt", "base_side", "level", "symbol", "base", "quote"}
"""Fields that are ours, not an outsider's, or that join rows together."""

SHORT = [text[:400] for text in HOSTILE.values()]


def strings(seed: int) -> Iterator[str]:
    """The corpus itself, then pieces of it joined at random, without end."""
    yield from SHORT
    dice = random.Random(seed)
    while True:
        parts = dice.choices(SHORT, k=dice.randint(1, 3))
        yield "".join(part[: dice.randint(1, 60)] for part in parts)


class Poison:
    """Hostile strings for every text field of a value. An LP keeps its name throughout."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self._lps: dict[str, str] = {}

    def __call__(self, value: Any, name: str = "", of: Any = None) -> Any:
        """`value`, which stands in the field `name` of `of`, full of them."""
        if isinstance(value, str) and not isinstance(value, Enum):
            if name == "lp" or (name == "name" and isinstance(of, Lp | LpRow)):
                return self._lp(value)
            kept = name in KEPT or name.endswith("_id") or not value
            return value if kept else next(self._texts)
        if isinstance(value, tuple):
            return tuple(self(each, name, of) for each in value)
        if isinstance(value, Struct):
            names = value.__struct_fields__
            return replace(value, **{n: self(getattr(value, n), n, value) for n in names})
        return value

    def _lp(self, name: str) -> str:
        while name and name not in self._lps:
            text = next(self._texts)
            if text not in self._lps.values():
                self._lps[name] = text
        return self._lps.get(name, name)


def crooked(app: DeskApp) -> Iterator[str]:
    """Cells that a terminal would not draw where we think: by wcwidth, in what is sent to it; and
    rows of a grid that reach out of their columns."""
    front = app._front
    for y, cells in enumerate(front._want_text if front else ()):
        for x, text in enumerate(cells):
            width = 1
            while x + width < len(cells) and not cells[x + width]:
                width += 1
            if text and wcswidth(text) != width:
                yield f"{x},{y}: {text!r} takes {wcswidth(text)} cells, not {width}"
    visible = app.screen._compositor.visible_widgets
    for grid in (grid for grid in app.screen.query(LineGrid) if grid in visible):
        for y, line in enumerate(grid._lines):
            cells = strip_cells(grid.render_line(y), ColorSystem.TRUECOLOR)[0]
            gaps = [cells[p.x - 1] for p in grid._places if p.x] if line.row else []
            wide = wcswidth("".join(cells)) != len(cells)
            if wide or len(cells) != grid.content_size.width or set(gaps) - {" "}:
                yield f"{grid.id} line {y}: {''.join(cells)!r}"


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
        self._poison = Poison(self._texts)
        self._view = self._poison(self._clean)
        self.label = next(self._texts)

    async def about(self, name: str) -> tuple[Record, ...]:
        return tuple(
            Record(record.seq, record.at, record.cause, self._poison(record.events))
            for record in await super().about(name)
        )


class HostileApp(DeskApp):
    """Goes through all screens until enough strings were shown, then stands still."""

    def __init__(self, desk: Poisoned, report: Path, wanted: int) -> None:
        super().__init__(desk)
        self.hostile, self.report, self.wanted, self.step = desk, report, wanted, 0
        self.crooked: list[str] = []
        self.asked = 0

    def on_mount(self) -> None:
        super().on_mount()
        self.call_after_refresh(self.forward)

    async def forward(self) -> None:
        """One screen, with new texts."""
        if self.hostile.shown < self.wanted or self.screen is not self.desk:
            if len(self.crooked) < 10:
                self.crooked += crooked(self)
            self.hostile.next()
            self.notice()
            self.simulate_key(SCREENS[self.step % len(SCREENS)])
            self.step += 1
            self.set_timer(0.02, self.forward)
        else:
            self.set_timer(0.5, self.end)

    def _question(self) -> str:
        question = super()._question()
        self.asked += bool(question)
        return question

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
            "asked": self.asked,
            "crooked": self.crooked[:10],
            "submitted": len(self.hostile.submitted),
        }
        part = self.report.with_suffix(".part")
        part.write_text(json.dumps(facts))
        part.replace(self.report)  # whole or not at all: somebody is waiting to read it


if __name__ == "__main__":
    where, count, number = sys.argv[1:]
    HostileApp(Poisoned(busy(), int(number)), Path(where), int(count)).run()
