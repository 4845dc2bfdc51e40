"""A FIX acceptor on a free loopback port, inside the caller's event loop."""

import asyncio

from lpdesk.sandbox.fix.dealer import Line
from lpdesk.sandbox.fix.session import Ledger
from lpdesk.sandbox.venue import Venue


class FixServer:
    """The sessions of one stand-in; their numbers live as long as it does."""

    port: int

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._ledgers: dict[str, Ledger] = {}
        self._server: asyncio.Server | None = None
        self._writers: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    @classmethod
    async def open(cls, venue: Venue) -> "FixServer":
        """Serves `venue`."""
        it = cls(venue)
        it._server = await asyncio.start_server(it._serve, "127.0.0.1", 0)
        it.port = it._server.sockets[0].getsockname()[1]
        return it

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._writers[task] = writer
        try:
            await Line(self._venue, self._ledgers).run(reader, writer)
        finally:
            del self._writers[task]

    def cut(self) -> None:
        """Breaks every connection, as a network does."""
        for writer in self._writers.values():
            writer.transport.abort()

    async def close(self) -> None:
        """No new connection, and the end of those there are."""
        if self._server:
            self._server.close()
        self.cut()
        tasks = [task for task in self._writers if task]
        if tasks:
            await asyncio.wait(tasks, timeout=0.2)
