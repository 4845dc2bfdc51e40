"""Themes are TOML files: Textual's colours by their own names, and the desk's in `[desk]`.

    name = "harbour"            # required, as are `dark` and `primary`
    dark = true
    primary = "#7aa2c8"         # secondary, accent, foreground, background, surface, panel,
                                # boost, warning, error, success as Textual has them
    [desk]
    buy = "#8fbf9a"             # becomes $desk-buy in CSS

A bad file never stops the desk: it is left out and named, with what is wrong and where.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from textual.color import Color, ColorParseError
from textual.theme import Theme

COLORS: Final = (
    "primary",
    "secondary",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "boost",
    "warning",
    "error",
    "success",
)

DESK_DEFAULTS: Final[Mapping[str, str]] = {
    "buy": "text-success",
    "sell": "text-error",
    "good": "text-success",
    "bad": "text-error",
    "warn": "text-warning",
    "lock": "text-accent",
    "replay": "text-accent",
    "dim": "text-muted",
    "fresh": "surface",
}
"""The desk's own colours, and which of Textual's stands for each in a theme that does not name it:
the sides, outcomes and warnings, the lock mark, the replay title, insignificant digits, and the
ground of a value that has just changed."""

MAX_THEME_BYTES: Final = 64 * 1024
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")


def packaged_themes() -> Path:
    """The folder of the themes that come with lpdesk: in the wheel, or in the repository."""
    package = Path(__file__).parents[1]
    installed = package / "_data" / "themes"
    return installed if installed.is_dir() else package.parent / "themes"


def load_themes(folders: Iterable[Path]) -> tuple[list[Theme], list[str]]:
    """Themes from all `*.toml` in the folders, and one sentence for each file left out.

    Files are read in order of their names; a later folder's theme replaces an earlier one's of
    the same name. A folder that does not exist has no themes. Never raises for what a file holds.
    """
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                theme = read_theme(path)
            except (OSError, ValueError) as error:
                problems.append(f"theme {path.name}: {error}")
            else:
                themes[theme.name] = theme
    return list(themes.values()), problems


def read_theme(path: Path) -> Theme:
    """The theme in one file. Raises ValueError, saying what to change, or OSError."""
    if path.stat().st_size > MAX_THEME_BYTES:
        raise ValueError(f"larger than {MAX_THEME_BYTES // 1024} KiB")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return theme_of(table)


def theme_of(table: Mapping[str, Any]) -> Theme:
    """The theme that a table describes. Raises ValueError for what is missing, wrong or unknown."""
    known = {"name", "dark", "desk", *COLORS}
    if unknown := sorted(set(table) - known):
        raise ValueError(f"unknown key {unknown[0]!r}")
    name, dark = table.get("name"), table.get("dark")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError("`name` must be lower-case letters, digits and dashes")
    if not isinstance(dark, bool):
        raise ValueError("`dark` must be true or false")
    if "primary" not in table:
        raise ValueError("`primary` is missing")
    colors: dict[str, Any] = {key: _color(key, table[key]) for key in COLORS if key in table}
    desk = table.get("desk", {})
    if not isinstance(desk, dict):
        raise ValueError("`desk` must be a table")
    if unknown := sorted(set(desk) - set(DESK_DEFAULTS)):
        raise ValueError(f"unknown key {unknown[0]!r} in [desk]")
    variables = {f"desk-{key}": _color(f"desk.{key}", value) for key, value in desk.items()}
    return Theme(name=name, dark=dark, variables=variables, **colors)


def desk_variables(theme: Theme) -> dict[str, str]:
    """Every `desk-…` CSS variable with its value in a theme, whether that names it or not.

    For `App.get_theme_variable_defaults`: without defaults, a theme that is not ours, such as
    Textual's built-in ones, could not be chosen.
    """
    generated = theme.to_color_system().generate()
    return {
        f"desk-{key}": theme.variables.get(f"desk-{key}", generated[default])
        for key, default in DESK_DEFAULTS.items()
    }


def contrast(one: str, other: str) -> float:
    """The WCAG 2 contrast ratio of two colours, from 1 (the same) to 21 (black and white).

    Raises ValueError for what is not an opaque colour.
    """
    dark, light = sorted(_luminance(_opaque(color)) for color in (one, other))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Color) -> float:
    """WCAG 2 relative luminance, 0 to 1."""

    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(channel) for channel in color.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _color(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"`{key}` must be a colour in quotes")
    try:
        return _opaque(value).hex
    except ValueError as error:
        raise ValueError(f"`{key}`: {error}") from None


def _opaque(value: str) -> Color:
    try:
        color = Color.parse(value)
    except ColorParseError:
        raise ValueError(f"{value!r} is no colour; write it as #rrggbb") from None
    if color.a != 1 or color.ansi is not None:
        raise ValueError(f"{value!r} must be an opaque #rrggbb")
    return color
