"""Maker strategies by name: the house's own, and those that installed packages bring.

A package names its strategy in the entry-point group `lpdesk.strategies`; it is a function, or a
class whose instances are called, as `lpdesk.engines.strategy.Strategy` says: pure, no clock, no
randomness, or the journal cannot be run again.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from lpdesk.domain.text import clean
from lpdesk.engines.strategy import STRATEGIES, Strategies, on_grid

GROUP = "lpdesk.strategies"


class Found(NamedTuple):
    """What there is, and by name why something that should be there is not."""

    strategies: Strategies
    broken: dict[str, str]


@cache
def found() -> Found:
    """Look once. A package cannot take the place of a strategy of the house."""
    from importlib.metadata import entry_points  # 10 ms that no `--help` should wait for

    strategies, broken = dict(STRATEGIES), dict[str, str]()
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.name in strategies:
            broken.setdefault(point.name, "the name is taken")
            continue
        try:
            loaded = point.load()
            strategy = loaded() if isinstance(loaded, type) else loaded
        except Exception as error:  # whatever somebody else's module does when it is imported
            broken[point.name] = clean(f"{type(error).__name__}: {error}", 200)
            continue
        if callable(strategy):
            strategies[point.name] = on_grid(strategy)
        else:
            broken[point.name] = f"{clean(point.value, 80)} cannot be called"
    return Found(strategies, broken)
