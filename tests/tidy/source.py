"""The repository as text and as syntax trees, for the tests of the house rules."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOP = {"lpdesk", "tests", "themes", "config.toml", "pyproject.toml", "README.md", "LICENSE"}
CORE = ("domain", "engines", "desk", "views")


@cache
def files() -> tuple[Path, ...]:
    """Every file that is, or is about to be, in the repository; relative to its root."""
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listing = subprocess.run(git, cwd=ROOT, capture_output=True, check=True, text=True).stdout
        found = [Path(name) for name in listing.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive: no git to ask
        found = [
            path.relative_to(ROOT)
            for top in sorted(TOP)
            for path in [ROOT / top, *(ROOT / top).rglob("*")]
            if "__pycache__" not in path.parts
        ]
    return tuple(sorted(path for path in found if (ROOT / path).is_file()))


def python_files(*tops: str) -> tuple[Path, ...]:
    """Those below any of `tops` ("lpdesk/views/", "lpdesk/desk.py"), or all."""
    return tuple(
        path
        for path in files()
        if path.suffix == ".py" and (not tops or path.as_posix().startswith(tops))
    )


def core_files(*floors: str) -> tuple[Path, ...]:
    """The pure core, or only the named floors of it."""
    return python_files(*(f"lpdesk/{floor}{end}" for floor in floors or CORE for end in "/."))


@cache
def text(path: Path) -> str:
    """A file that is not text reads as nothing."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path), filename=str(path))


def nodes(*paths: Path) -> Iterator[tuple[str, ast.AST]]:
    """Every node with its place, as a reader's editor understands it: `lpdesk/desk.py:41`."""
    for path in paths:
        for node in ast.walk(tree(path)):
            yield f"{path}:{getattr(node, 'lineno', 1)}", node


def last_name(node: ast.AST | None) -> str:
    """`sleep` for `asyncio.sleep`, `list` for `list`, nothing for what has no name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
