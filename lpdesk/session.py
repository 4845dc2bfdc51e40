"""What a screen may know of a desk, live, replayed or remote: it cannot tell which."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from lpdesk.domain.record import Command, Event
from lpdesk.domain.values import Instant
from lpdesk.views import DeskView


class Session(Protocol):
    """A view that grows, a clock, and a door for commands.

    `view` is replaced, never changed: a screen that holds the same object has nothing to draw.
    """

    can_command: bool
    """Whether `submit` is open; a replay and a read-only screen have it closed."""

    label: str
    """How the screen names itself: LIVE words of the environment, or REPLAY, or READ-ONLY."""

    @property
    def view(self) -> DeskView: ...

    def now(self) -> Instant:
        """The time that countdowns are measured against."""
        ...

    def submit(self, command: Command) -> Awaitable[tuple[Event, ...]]:
        """What the desk decided, once it is durable. Raises `PermissionError` when closed."""
        ...
