"""What every test stands on: a known environment, still pictures, small and repeatable searches."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from time import monotonic
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from textual.widgets import Input, TextArea

T = TypeVar("T")
_MEDDLERS = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "CLICOLOR_FORCE", "COLUMNS", "LINES")
_PICTURES = "TEXTUAL_SNAPSHOT_TEMPDIR"  # where a worker process leaves what it drew
_MEDDLING_PREFIXES = ("LPDESK_", "TEXTUAL", "TYPER_")

settings.register_profile(
    "small",
    max_examples=50,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", settings.get_profile("small"), max_examples=5_000)
settings.load_profile("small")  # `--hypothesis-profile=long` searches longer


def pytest_configure(config: pytest.Config) -> None:
    """The same pictures whoever runs the tests, and wherever."""
    for name in list(os.environ):
        if (name in _MEDDLERS or name.startswith(_MEDDLING_PREFIXES)) and name != _PICTURES:
            del os.environ[name]
    still = pytest.MonkeyPatch()  # a blinking cursor is in half of the pictures
    still.setattr(Input, "_toggle_cursor", lambda self: None)
    still.setattr(TextArea, "_toggle_cursor_blink_visible", lambda self: None)
    config.add_cleanup(still.undo)


async def eventually(
    condition: Callable[[], T | Awaitable[T]], seconds: float = 5, what: str = ""
) -> T:
    """Wait until `condition()` holds and return what it returned. The one place that polls.

    `condition` may be an async function. Raises AssertionError after `seconds` of real time.
    """
    deadline = monotonic() + seconds
    while True:
        answer = condition()
        result = await answer if isawaitable(answer) else answer
        if result:
            return result
        if monotonic() >= deadline:
            raise AssertionError(f"not within {seconds} s: {what or condition}")
        await asyncio.sleep(0.005)
