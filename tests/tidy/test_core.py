"""The core is deterministic: no clock, no chance, no I/O, no float, no order out of a set."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.tidy.source import core_files, last_name, nodes, tree

IMPURE_MODULES = set(
    "asyncio threading time datetime random secrets uuid os io pathlib tempfile socket subprocess "
    "logging sqlite3 aiosqlite httpx websockets textual rich".split()
)
IMPURE_CALLS = set("print input open float id hash eval exec globals __import__".split())
CLOCK_READS = set("now utcnow today monotonic monotonic_ns time_ns perf_counter".split())
CATCH_ALL = {"", "Exception", "BaseException"}

SET_MAKERS = {"set", "frozenset"}
SET_METHODS = set("union intersection difference symmetric_difference keys".split())
ORDER_BLIND = set("sorted set frozenset len sum min max any all".split())
ORDER_BOUND = set("list tuple iter enumerate map filter zip reversed join".split())


def impurities(node: ast.AST) -> Iterator[str]:
    """What one node of a core module does that a deterministic core must not."""
    match node:
        case ast.Import(names=names):
            modules = {alias.name.partition(".")[0] for alias in names}
            yield from (f"imports {module}" for module in sorted(modules & IMPURE_MODULES))
        case ast.ImportFrom(module=str(module), level=0):
            if module.partition(".")[0] in IMPURE_MODULES:
                yield f"imports from {module}"
        case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
            yield "waits"
        case ast.Constant(value=float() | complex()):
            yield "has a float literal"
        case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
            yield f"calls {name}()"
        case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCK_READS:
            yield f"reads a clock: .{name}()"
        case ast.ExceptHandler(type=caught):
            types = caught.elts if isinstance(caught, ast.Tuple) else [caught]
            if {last_name(each) for each in types} & CATCH_ALL:
                yield "catches everything"


def is_set(node: ast.AST, known: frozenset[str] = frozenset()) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in SET_MAKERS
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in SET_METHODS:
            return name != "keys" and is_set(value, known)
        case ast.BinOp(left=left, right=right, op=ast.BitOr() | ast.BitAnd() | ast.Sub()):
            keys = isinstance(left, ast.Call) and last_name(left.func) == "keys"
            return keys or is_set(left, known) or is_set(right, known)
        case ast.Name() | ast.Attribute():
            return ast.unparse(node) in known
        case _:
            return False


def says_set(annotation: ast.AST | None) -> bool:
    return last_name(getattr(annotation, "value", annotation)) in SET_MAKERS


def set_names(scope: ast.AST) -> frozenset[str]:
    """What `scope` says are sets: constants (module), attributes (class), names (function)."""
    whole = ast.iter_child_nodes(scope) if isinstance(scope, ast.Module) else ast.walk(scope)
    found = set[str]()
    for node in whole:
        match node:
            case ast.AnnAssign(target=target, annotation=annotation) if says_set(annotation):
                found.add(ast.unparse(target))
            case ast.arg(arg=name, annotation=annotation) if says_set(annotation):
                found.add(name)
            case ast.Assign(targets=targets, value=value) if is_set(value):
                found.update(ast.unparse(target) for target in targets)
    if isinstance(scope, ast.ClassDef):
        fields = {name for name in found if "." not in name}
        found = (found - fields) | {f"self.{name}" for name in fields}
    return frozenset(found)


def ordered_sources(node: ast.AST) -> list[ast.expr]:
    """The expressions whose order matters to what `node` does."""
    match node:
        case ast.For(iter=source) | ast.Starred(value=source):
            return [source]
        case ast.ListComp() | ast.DictComp() | ast.GeneratorExp():
            return [part.iter for part in node.generators]
        case ast.Call(func=function, args=arguments) if last_name(function) in ORDER_BOUND:
            return arguments
        case ast.Call(func=ast.Attribute(value=source, attr="pop"), args=[]):
            return [source]
        case _:
            return []


def set_iterations(module: ast.Module) -> list[int]:
    """Lines where the order of a set decides something."""
    blind = {
        argument
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and last_name(node.func) in ORDER_BLIND
        for argument in node.args
    }
    scopes = (ast.Module, ast.ClassDef, ast.FunctionDef)
    return [
        source.lineno
        for scope in ast.walk(module)
        if isinstance(scope, scopes) and (known := set_names(scope)) is not None
        for node in ast.walk(scope)
        if node not in blind
        for source in ordered_sources(node)
        if is_set(source, known)
    ]


def test_the_core_is_deterministic() -> None:
    assert [
        f"{place}: {what}" for place, node in nodes(*core_files()) for what in impurities(node)
    ] == []


def test_the_core_never_iterates_a_set() -> None:
    assert {
        str(path): lines for path in core_files() if (lines := set_iterations(tree(path)))
    } == {}


SETS = {
    "literal": "for x in {1, 2}: pass",
    "assigned": "def f():\n  seen = set()\n  return next(x for x in seen)",
    "constant": "SEEN = frozenset({1})\ndef f(): return tuple(SEEN)",
    "attribute": "class A:\n  def f(self): self.s: set[int] = set()\n  def g(self): [*self.s]",
    "field": "class A:\n  s: frozenset[int]\n  def g(self): return ','.join(self.s)",
    "argument": "def f(s: frozenset[int]): return list(s | {1})",
    "keys": "for x in a.keys() - b.keys(): pass",
    "pop": "def f(s: set[int]): return s.pop()",
}
NO_SETS = {
    "sorted": "s = {1, 2}\nok = sorted(s), sorted(x for x in s), len(s), {x for x in s}, 1 in s",
    "dict": "for x in d.keys(): pass\nfor y in d: pass",
    "elsewhere": "def f(s: set[int]): return len(s)\ndef g(s: list[int]): return tuple(s)",
}
IMPURE = {
    "import": "import os.path",
    "from": "from datetime import datetime",
    "literal": "x = 0.1",
    "float": "float('1')",
    "clock": "clock.now()",
    "async": "async def f(): pass",
    "exception": "try:\n  f()\nexcept (ValueError, Exception):\n  pass",
    "bare": "try:\n  f()\nexcept:\n  pass",
}


@pytest.mark.parametrize("code", SETS.values(), ids=SETS)
def test_a_set_iteration_is_seen(code: str) -> None:
    assert set_iterations(ast.parse(code))


@pytest.mark.parametrize("code", NO_SETS.values(), ids=NO_SETS)
def test_no_set_iteration_is_imagined(code: str) -> None:
    assert not set_iterations(ast.parse(code))


@pytest.mark.parametrize("code", IMPURE.values(), ids=IMPURE)
def test_an_impurity_is_seen(code: str) -> None:
    assert [what for node in ast.walk(ast.parse(code)) for what in impurities(node)]
