"""One WebSocket connection to an exchange, from dialling to its end."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from lpdesk.domain.wire import Malformed
from lpdesk.feeds.dialect import Dialect, Hole, Leaving, Refused, Said, Shut
from lpdesk.feeds.rest import tls

MESSAGE_LIMIT = 64 * 1024
OPEN_S = 5.0
CLOSE_S = 0.05

_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)  # at DEBUG, websockets writes every frame down


class _Connect(connect):
    """A connection to the configured host or none."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Listener(Protocol):
    """Who hears what comes over a line."""

    def opened(self, line: Line) -> None:
        """It is connected, and has asked for prices."""
        ...

    def said(self, said: Said) -> None:
        """A price, unchecked."""
        ...

    def troubled(self, trouble: Malformed | Refused | Shut) -> None:
        """A message that is no price, but bad news about some; the line goes on."""
        ...

    def ended(self, line: Line) -> None:
        """It is broken, or cut by us; said once for each line, opened or not."""
        ...


class Line:
    """A connection that starts at once. `over`: it ended, or should be replaced before it does."""

    def __init__(
        self, url: str, dialect: Dialect, markets: tuple[str, ...], listener: Listener
    ) -> None:
        self.spoke = asyncio.Event()
        """The first price came; set also at the end, so that nobody waits for ever."""
        self.over = asyncio.Event()
        self.opened_at: float | None = None
        """Loop time, None while it is being dialled."""
        self.trouble = ""
        self._url = url
        self._dialect = dialect
        self._markets = markets
        self._listener = listener
        self._retirement: asyncio.TimerHandle | None = None
        self.task = asyncio.get_running_loop().create_task(self._talk(), name=f"feed {url}")
        self.task.add_done_callback(self._ended)

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.task.done()

    def lasted_s(self) -> float:
        """Seconds since it was opened."""
        if self.opened_at is None:
            return 0.0
        return asyncio.get_running_loop().time() - self.opened_at

    def cut(self) -> None:
        """End it; `Listener.ended` follows soon."""
        self.task.cancel()

    def retire_after(self, seconds: float) -> None:
        """Have it replaced then."""
        self.over.clear()
        self._retirement = asyncio.get_running_loop().call_later(seconds, self.over.set)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """An outside failure ends in order, so an exception here is a bug: it must be heard."""
        if not task.cancelled() and (bug := task.exception()):
            task.get_loop().call_exception_handler(
                {"message": f"bug in feed {self._url}", "exception": bug, "task": task}
            )
        if self._retirement:
            self._retirement.cancel()
        self._listener.ended(self)
        self.spoke.set()
        self.over.set()

    async def _talk(self) -> None:
        try:
            async with self._connected() as socket:
                try:
                    async with asyncio.timeout(OPEN_S):
                        for message in self._dialect.hello(self._markets):
                            await socket.send(message)
                    self.opened_at = asyncio.get_running_loop().time()
                    self._listener.opened(self)
                    await self._listen(socket)
                finally:
                    socket.transport.abort()
        except Hole:
            self.trouble = "a message is missing"
        except TimeoutError:
            self.trouble = "silent" if self.opened_at else "cannot connect"
        except (OSError, EOFError, WebSocketException):
            self.trouble = "connection broken" if self.opened_at else "cannot connect"

    def _connected(self) -> connect:
        ping_s = self._dialect.BEAT.ping_s
        return _Connect(
            self._url,
            ssl=tls() if self._url.startswith("wss:") else None,
            proxy=None,
            compression=None,
            max_size=MESSAGE_LIMIT,
            open_timeout=OPEN_S,
            ping_interval=ping_s,
            ping_timeout=ping_s,
            close_timeout=CLOSE_S,
            logger=_log,
        )

    async def _listen(self, socket: ClientConnection) -> None:
        count = 0
        while True:
            message = await self._next(socket)
            try:
                for said in self._dialect.read(message):
                    self._listener.said(said)
                    self.spoke.set()
            except (Malformed, Refused, Shut) as trouble:
                self._listener.troubled(trouble)
            except Leaving:
                self.over.set()
            count += 1
            if count % 32 == 0:
                await asyncio.sleep(0)  # recv does not yield while messages are waiting

    async def _next(self, socket: ClientConnection) -> str:
        """The next message. Raises TimeoutError when the line is silent."""
        beat = self._dialect.BEAT
        if beat.text:
            try:
                async with asyncio.timeout(beat.text_after_s):
                    return _text(await socket.recv())
            except TimeoutError:
                await socket.send(beat.text)
        left_s = beat.silence_s - beat.text_after_s if beat.silence_s else None
        async with asyncio.timeout(left_s):
            return _text(await socket.recv())


def _text(message: str | bytes) -> str:
    """No exchange sends binary messages; what is not UTF-8 is refused as JSON soon after."""
    return message if isinstance(message, str) else message.decode("utf-8", "replace")
