"""The house rules: what a reader may rely on everywhere, held by reading the source itself."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tidy.source import (
    CORE,
    ROOT,
    TOP,
    core_files,
    files,
    last_name,
    nodes,
    python_files,
    text,
)

MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 60
POLLING_HELPER = Path("tests/conftest.py")

NOT_IN_CORE = set("asyncio textual httpx sqlite3 random logging threading socket".split())
NOT_AT_START = set(
    "sqlalchemy fastapi pandas starlette uvicorn httpx websockets textual lpdesk.sandbox".split()
)

UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME)\b")
MACHINE_PATH = re.compile(r"(?<![\w.}])/(?:root|home|work|tmp|opt|Users)\b")
REGISTRY = re.compile(  # written so that these lines do not match themselves
    r"pypi\.|pythonhosted\.|anaconda\.|artifactor[y]|npmjs\.|crates\.io|proxy\.golang"
    r"|--(?:extra-)?index-url[ =]|--find-links[ =]"
)


def matches(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:120]}"
        for path in files()
        for number, line in enumerate(text(path).splitlines(), 1)
        if pattern.search(line)
    ]


# Size, place and leftovers


def test_files_stay_short() -> None:
    assert [p for p in python_files() if len(text(p).splitlines()) > MAX_FILE_LINES] == []


def test_functions_fit_a_screen() -> None:
    assert [
        f"{place}: {node.name} has {length} lines"
        for place, node in nodes(*python_files())
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > MAX_FUNCTION_LINES
    ] == []


def test_the_top_level_holds_nothing_else() -> None:
    top = {path.parts[0] for path in files()}
    assert {name for name in top if not name.startswith(".")} <= TOP


def test_no_lock_file() -> None:
    assert [path for path in files() if path.suffix == ".lock"] == []


def test_nothing_is_left_for_later() -> None:
    assert matches(UNFINISHED) == []


def test_no_file_names_a_machine_or_a_registry() -> None:
    assert matches(MACHINE_PATH) + matches(REGISTRY) == []


# Imports, seen from outside


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)


@pytest.mark.parametrize("floor", CORE)
def test_the_core_imports_nothing_heavy(floor: str) -> None:
    """Its own `uuid` and `datetime` would be seen by the import contract; msgspec loads both."""
    modules = [
        ".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in core_files(floor)
    ]
    if not modules:
        pytest.skip(f"no lpdesk.{floor} yet")
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    assert set(run_python("-c", code).stdout.split()) & NOT_IN_CORE == set()


def test_the_command_line_starts_light() -> None:
    if Path("lpdesk/cli.py") not in files():
        pytest.skip("no lpdesk.cli yet")
    trace = run_python("-X", "importtime", "-c", "import lpdesk.cli").stderr
    seen = {line.rpartition("|")[2].strip() for line in trace.splitlines()}
    assert "lpdesk.cli" in seen
    assert seen & NOT_AT_START == set()


# Waiting, and the tests themselves


def naps(*paths: Path) -> Iterator[str]:
    """Sleeps that hope: a fixed time is too long on a fast machine and too short on a slow one."""
    for place, node in nodes(*paths):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="time"), attr="sleep")):
                yield f"{place}: time.sleep"
            case ast.ImportFrom(module="time" | "asyncio", names=names):
                if any(alias.name == "sleep" for alias in names):
                    yield f"{place}: imports sleep by its own name"
            case ast.Call(
                func=ast.Attribute(attr="sleep" | "pause"),
                args=[ast.Constant(value=int() | float() as seconds)],
            ) if seconds:
                yield f"{place}: waits {seconds} s"


def test_tests_wait_for_conditions_not_for_time() -> None:
    assert list(naps(POLLING_HELPER)), "the helper that polls has moved"
    assert list(naps(*(set(python_files("tests/")) - {POLLING_HELPER}))) == []


def wait_fors(*paths: Path) -> Iterator[str]:
    for place, node in nodes(*paths):
        match node:
            case ast.Attribute(value=ast.Name(id="asyncio"), attr="wait_for"):
                yield place
            case ast.ImportFrom(module="asyncio", names=names):
                if any(alias.name == "wait_for" for alias in names):
                    yield place


def test_the_package_uses_asyncio_timeout() -> None:
    """On 3.11 `asyncio.wait_for` may swallow a cancellation that comes with the result."""
    assert list(wait_fors(*python_files("lpdesk/"))) == []


def test_every_test_file_asserts() -> None:
    checks = {"raises", "warns", "snap_compare", "fail"}
    asserting = {
        place.rpartition(":")[0]
        for place, node in nodes(*python_files("tests/"))
        if isinstance(node, ast.Assert)
        or (isinstance(node, ast.Call) and last_name(node.func) in checks)
    }
    tests = {str(path) for path in python_files("tests/") if path.name.startswith("test_")}
    assert tests - asserting == set()
