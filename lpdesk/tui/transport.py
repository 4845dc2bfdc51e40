"""What a replay lets a screen do besides look: move in time."""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

from lpdesk.domain.values import SECOND, Instant
from lpdesk.session import Session
from lpdesk.views import DeskView

SPEEDS: Final = (1.0, 2.0, 5.0, 10.0, 60.0)


@runtime_checkable
class Transport(Protocol):
    """A session over a journal. Positions are `seq`s; every move shows in `view` at once."""

    playing: bool
    speed: float

    @property
    def following(self) -> bool:
        """It keeps up with a journal that is being written: what is shown is now."""
        ...

    @property
    def position(self) -> tuple[int, int]:
        """The record on show and the last one there is."""
        ...

    def step(self, n: int) -> None:
        """`n` records on, back when negative; stops at the ends."""
        ...

    def seek_seq(self, n: int) -> None: ...

    def seek_time(self, ns: Instant) -> None: ...

    def seek_marker(self, direction: int) -> bool:
        """To the next record worth seeing, or the one before; whether there was one."""
        ...

    def toggle_play(self) -> None: ...

    def set_speed(self, x: float) -> None: ...


def transport_of(session: Session) -> Transport | None:
    """The session's transport, if it is a replay."""
    return session if isinstance(session, Transport) else None


def next_speed(speed: float) -> float:
    """The next faster speed, and after the fastest the slowest again."""
    return next((faster for faster in SPEEDS if faster > speed), SPEEDS[0])


def seek(transport: Transport, view: DeskView, word: str) -> bool:
    """Go to `41` or to `14:30:25` of the day on show; whether the word meant something."""
    if word.isascii() and word.isdigit():
        transport.seek_seq(int(word))
        return True
    parts = word.split(":")
    if len(parts) not in (2, 3) or not all(p.isascii() and p.isdigit() for p in parts):
        return False
    hours, minutes, seconds = (int(part) for part in [*parts, "0"][:3])
    day = 86_400 * SECOND
    at = (hours * 3600 + minutes * 60 + seconds) * SECOND
    transport.seek_time(view.at - view.at % day + at)
    return True
