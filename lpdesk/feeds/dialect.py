"""What the supervisor asks of a dialect: what to say, and how to read what comes. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from msgspec import Struct

from lpdesk.domain.wire import Fields


class Said(Struct, frozen=True):
    """A market's top of book as the exchange wrote it; `bid` and `ask` are not checked yet.

    `version` grows with every change of this market's book; None where nothing of that kind comes.
    """

    market: str
    bid: object
    ask: object
    version: int | None = None


class Refused(Exception):
    """The exchange does not do what we asked, for one market or, if none is named, for some."""

    def __init__(self, text: str, market: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.market = market


class Shut(Exception):
    """The exchange is there, but what it shows is no market for now."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Hole(Exception):
    """Messages are missing: only a new connection gives a whole picture again."""


class Leaving(Exception):
    """The exchange is about to end this connection."""


@dataclass(frozen=True, slots=True)
class Beat:
    """How a live connection is told from a dead one.

    `silence_s`: without any message for so long it is dead. `text` is what we send when nothing
    came for `text_after_s`. `ping_s`: how often we send a WebSocket ping, which must be answered
    within that time; None for never. An exchange's own pings are always answered.
    """

    silence_s: float | None = None
    text: str = ""
    text_after_s: float = 0.0
    ping_s: float | None = None


class Dialect(Protocol):
    """One exchange's language. There is one object for each connection, so it may keep count."""

    URL: ClassVar[str]
    REST_URL: ClassVar[str]
    BEAT: ClassVar[Beat]
    ROTATE_S: ClassVar[float | None]
    """Age at which a connection gets its successor; None where none is cut for its age."""
    POLL_S: ClassVar[float]

    def hello(self, markets: Sequence[str]) -> tuple[str, ...]:
        """The messages that subscribe."""
        ...

    def read(self, message: str) -> Sequence[Said]:
        """The prices in a message, if any. Raises Malformed, Refused, Shut, Hole, Leaving."""
        ...

    @staticmethod
    def market(symbol: str) -> str:
        """The exchange's name of a pair."""
        ...

    @staticmethod
    def target(market: str) -> str:
        """Path and query of the REST request for one market's top of book."""
        ...

    @staticmethod
    def read_rest(market: str, answer: Fields) -> Said:
        """The price in an answer of HTTP status 200. Raises Malformed, Refused."""
        ...
