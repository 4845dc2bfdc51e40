"""LPs whose prices come over a WebSocket for whole symbols, and whose orders go by requests."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection

from lpdesk.clock import Clock
from lpdesk.domain.events import ExecutionsAsked, LpAsked, OrderQueried, OrderSent
from lpdesk.domain.wire import Fields, Malformed, parse
from lpdesk.venues.base import Endpoint, Submit, Tasks
from lpdesk.venues.pushing import Pushing
from lpdesk.venues.requesting import RequestVenue
from lpdesk.venues.socket import Socket


class PushedVenue(ABC):
    """An LP that streams. One ask gets every later price of its symbol until it is released.

    What differs from LP to LP is how one logs on and what a message means.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        submit: Submit,
        clock: Clock,
        orders: RequestVenue,
        url: str,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        heartbeats: bool = True,
        replaces: bool = False,
    ) -> None:
        """`heartbeats` as `Socket` says, `replaces` as `Pushing`."""
        self.name = endpoint.name
        self.malformed = 0
        self.endpoint = endpoint
        self.clock = clock
        self.pushing = Pushing(endpoint, submit, clock, replaces=replaces)
        self._orders = orders
        self._tasks = Tasks(endpoint.name)
        self._socket = Socket(
            endpoint.name, url, self, clock, headers=headers, heartbeats=heartbeats
        )

    @abstractmethod
    async def log_on(self, socket: ClientConnection) -> None:
        """As `Speech` says."""

    @abstractmethod
    def take(self, fields: Fields) -> None:
        """One message, which is an object. Raises Malformed and Refused."""

    async def start(self) -> None:
        """Connect in the background, again and again."""
        await self._orders.start()
        self._tasks.spawn(self._socket.run())
        self._tasks.spawn(self.pushing.run())

    def ask(self, ask: LpAsked) -> None:
        """From now on every price of its symbol, the present one at once."""
        asyncio.get_running_loop().call_soon(self.pushing.begin, ask)

    def execute(self, order: OrderSent) -> None:
        """By a request, for exactly our quantity."""
        self._orders.execute(order)

    def query(self, query: OrderQueried) -> None:
        """By a request."""
        self._orders.query(query)

    def list_executions(self, asked: ExecutionsAsked) -> None:
        """By a request."""
        self._orders.list_executions(asked)

    def release(self, rfq_id: str) -> None:
        """Forget the asks of that request."""
        self.pushing.release(rfq_id)

    async def close(self) -> None:
        """Break the connection and end all work."""
        self.pushing.clear()
        await asyncio.gather(self._tasks.close(), self._orders.close())

    def say(self, text: str) -> None:
        """One more message on the connection, if there is one."""
        self._tasks.spawn(self._say(text))

    async def _say(self, text: str) -> None:
        await self._socket.send(text)

    # ---- the connection

    def heard(self, message: str | bytes) -> None:
        """One message; what cannot be read is counted."""
        try:
            self.take(Fields(parse(message)))
        except Malformed:
            self.malformed += 1

    def refused(self, text: str) -> None:
        """No ask needs to wait."""
        self.pushing.refuse(text)

    def broken(self) -> None:
        """Every price is gone."""
        self.pushing.break_off()


def websocket(url: str, path: str) -> str:
    """The WebSocket at `path` below an address."""
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme in ("https", "wss") else "ws"
    return parts._replace(scheme=scheme, path=parts.path.rstrip("/") + path).geturl()
