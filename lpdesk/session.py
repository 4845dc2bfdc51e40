"""What a screen may know of a desk, live, replayed or remote: it cannot tell which."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol

from lpdesk.clock import Clock
from lpdesk.domain.record import Command, Event, Record
from lpdesk.domain.values import Instant
from lpdesk.views import DeskView, Status


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

    def about(self, name: str) -> Awaitable[Sequence[Record]]:
        """The records about a trade or a settlement, oldest first, as far as `view` goes.

        Raises whatever the journal does when they cannot be read.
        """
        ...


class Engine(Protocol):
    """The running desk behind a live session."""

    view: DeskView

    def now(self) -> Instant: ...

    async def command(self, command: Command) -> tuple[Event, ...]: ...

    async def about(self, name: str) -> Sequence[Record]: ...


class LiveSession:
    """A live desk as a screen sees it, from before its engine runs until after it has ended."""

    def __init__(self, clock: Clock, *, can_command: bool = True) -> None:
        self.can_command = can_command
        self.label = ""
        self.clock = clock
        self.engine: Engine | None = None
        self._before = DeskView()

    @property
    def view(self) -> DeskView:
        return self.engine.view if self.engine else self._before

    def has_read(self, records: int, of: int) -> None:
        """How far the desk that is starting has come with its journal."""
        self._before = DeskView(status=Status(why=f"{records:,} of {of:,} records"))

    def now(self) -> Instant:
        return self.engine.now() if self.engine else self.clock.now()

    async def submit(self, command: Command) -> tuple[Event, ...]:
        """Raises `PermissionError` when read-only, `ConnectionError` when the desk is not open."""
        if not self.can_command:
            raise PermissionError("this screen is read-only")
        if self.engine is None:
            raise ConnectionError("the desk is still starting")
        return await self.engine.command(command)

    async def about(self, name: str) -> Sequence[Record]:
        """Read beside the running desk. Raises `ConnectionError` when it is not open."""
        if self.engine is None:
            raise ConnectionError("the desk is still starting")
        return await self.engine.about(name)
