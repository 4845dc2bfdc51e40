"""Themes: ours can be read by everybody, and nobody's bad file stops the desk."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.theme import BUILTIN_THEMES, Theme
from textual.widgets import Static

from lpdesk.tui.theme import (
    DESK_DEFAULTS,
    contrast,
    desk_variables,
    load_themes,
    packaged_themes,
)

OURS, PROBLEMS = load_themes([packaged_themes()])
GROUNDS = ("background", "surface", "panel", "desk-fresh")


def colors(theme: Theme) -> dict[str, str]:
    own = {"background", "surface", "panel", "foreground", "primary", "accent"}
    return {name: getattr(theme, name) for name in own} | theme.variables


def test_ours_are_six_of_every_kind() -> None:
    assert PROBLEMS == []
    assert len(OURS) == 6
    assert sum(not theme.dark for theme in OURS) == 2
    for theme in OURS:
        assert theme.variables == desk_variables(theme)


@pytest.mark.parametrize("theme", OURS, ids=lambda theme: theme.name)
def test_every_text_can_be_read_on_every_ground(theme: Theme) -> None:
    palette = colors(theme)
    least = 7.0 if theme.name == "contrast" else 4.5
    texts = [name for name in palette if name not in GROUNDS]
    poor = [
        f"{text} on {ground}: {ratio:.2f}"
        for text in texts
        for ground in GROUNDS
        if (ratio := contrast(palette[text], palette[ground])) < least
    ]
    assert poor == []


def test_contrast_is_wcags() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == pytest.approx(1)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_blue_and_orange_are_told_apart_without_red_and_green() -> None:
    theme = next(theme for theme in OURS if theme.name == "blue-orange")
    for one, other in (("buy", "sell"), ("good", "bad")):
        blues = [int(theme.variables[f"desk-{name}"][5:7], 16) for name in (one, other)]
        assert blues[0] - blues[1] > 100, "they differ where no colour-blind eye is weak"


BAD = {
    "not toml": "name = ",
    "no name": 'dark = true\nprimary = "#fff"',
    "bad name": 'name = "../x"\ndark = true\nprimary = "#fff"',
    "no dark": 'name = "x"\nprimary = "#fff"',
    "no primary": 'name = "x"\ndark = true',
    "no colour": 'name = "x"\ndark = true\nprimary = "blurb"',
    "number": 'name = "x"\ndark = true\nprimary = 7',
    "seen through": 'name = "x"\ndark = true\nprimary = "#ffffff80"',
    "css": 'name = "x"\ndark = true\nprimary = "red; } * { display: none"',
    "unknown": 'name = "x"\ndark = true\nprimary = "#fff"\nprimari = "#fff"',
    "unknown desk": 'name = "x"\ndark = true\nprimary = "#fff"\n[desk]\nbye = "#fff"',
    "desk no table": 'name = "x"\ndark = true\nprimary = "#fff"\ndesk = 1',
    "deep": "a = " + "[" * 5000,
    "large": "#" * 70_000,
}


@pytest.mark.parametrize("name", BAD, ids=lambda name: name.replace(" ", "-"))
def test_a_bad_file_is_named_and_left_out(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(BAD[name])
    themes, problems = load_themes([tmp_path])
    assert themes == []
    assert len(problems) == 1 and problems[0].startswith("theme mine.toml: ")


def test_files_that_are_not_text_and_folders_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "b.toml").mkdir()
    themes, problems = load_themes([tmp_path, tmp_path / "nowhere"])
    assert themes == [] and len(problems) == 2


def test_a_later_folder_wins(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('name = "harbour"\ndark = true\nprimary = "#ff0000"')
    themes, problems = load_themes([packaged_themes(), tmp_path])
    assert problems == [] and len(themes) == 6
    assert next(theme for theme in themes if theme.name == "harbour").primary == "#FF0000"


class Themed(App[None]):
    CSS = "\n".join(f".{name} {{ color: $desk-{name}; }}" for name in DESK_DEFAULTS)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return desk_variables(self.current_theme)

    def compose(self) -> ComposeResult:
        for name in DESK_DEFAULTS:
            yield Static(name, classes=name)


async def test_every_theme_can_be_worn_ours_and_textuals() -> None:
    app = Themed()
    for theme in OURS:
        app.register_theme(theme)
    async with app.run_test() as pilot:
        for name in [*(theme.name for theme in OURS), *BUILTIN_THEMES]:
            app.theme = name
            await pilot.pause()
            if name in {theme.name for theme in OURS}:
                buy = app.query_one(".buy").styles.color.hex
                assert buy == next(t for t in OURS if t.name == name).variables["desk-buy"]
