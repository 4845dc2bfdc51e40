"""One exchange under supervision: connected, or being connected again, or polled meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random
from urllib.parse import urlsplit

from lpdesk.clock import Clock
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.values import SECOND
from lpdesk.domain.wire import Malformed
from lpdesk.feeds.base import FeedEndpoint, Submit
from lpdesk.feeds.dialect import Dialect, Refused, Said, Shut
from lpdesk.feeds.line import Line, Listener
from lpdesk.feeds.rest import NoAnswer, Rest
from lpdesk.feeds.tape import Tape

PULSE_S = 0.05
HANDOVER_S = 30.0
"""How long a successor may take to its first price, with the old connection still there."""

STEADY_S = 10.0
CLOSE_PATIENCE_S = 0.25


class SupervisedFeed(Listener):
    """A feed of any dialect. `tape` counts what was dropped and refused."""

    def __init__(
        self, endpoint: FeedEndpoint, dialect: type[Dialect], submit: Submit, clock: Clock
    ) -> None:
        """Raises ValueError for an endpoint that can never work."""
        self.name = endpoint.name
        self.connections = 0
        """Lines dialled so far."""
        self._dialect = dialect
        self._pace = endpoint.pace
        self._clock = clock
        self._url, rest_url = _addresses(endpoint, dialect)
        symbols = _markets(endpoint, dialect)
        self._markets = tuple(symbols)
        self.tape = Tape(endpoint.name, symbols, endpoint.pace, self._submit)
        self._rest = Rest(rest_url) if rest_url else None
        self._report: Submit | None = submit
        self._random = Random(f"feed:{endpoint.name}")
        self._lines: list[Line] = []
        self._up: list[Line] = []
        self._down = asyncio.Event()
        self._down.set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect in the background, again and again."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"feed {self.name}")
        self._task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Break the connection and end all work."""
        self._report = None
        tasks = {line.task for line in self._lines} | ({self._task} if self._task else set())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_PATIENCE_S)
        if self._rest:
            await self._rest.close()

    def _submit(self, report: Report) -> None:
        if self._report:
            self._report(report)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_up())
            group.create_task(self._pulse())
            if self._rest:
                group.create_task(self._poll(self._rest))

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Only `close` ends the work in order; anything else is a bug, and it must be heard."""
        if not task.cancelled() and (bug := task.exception()):
            self.tape.lose_all(Reason.OTHER, "feed stopped")
            task.get_loop().call_exception_handler(
                {"message": f"bug in feed {self.name}", "exception": bug, "task": task}
            )

    # ---- the connection

    async def _keep_up(self) -> None:
        failures = 0
        line = self._dial()
        while True:
            await line.over.wait()
            failures = 0 if line.lasted_s() > STEADY_S else failures + 1
            await asyncio.sleep(self._jitter_s(failures))
            line = self._dial() if line.ended else await self._replace(line)

    async def _replace(self, old: Line) -> Line:
        """A successor that gives prices before `old` is cut, so that nobody misses one."""
        new = self._dial()
        with suppress(TimeoutError):
            async with asyncio.timeout(HANDOVER_S):
                await new.spoke.wait()
        if new.ended and not old.ended:
            old.retire_after(self._jitter_s(6))
            return old
        old.cut()
        return new

    def _dial(self) -> Line:
        self.connections += 1
        line = Line(self._url, self._dialect(), self._markets, self)
        self._lines.append(line)
        return line

    def _jitter_s(self, failures: int) -> float:
        """Full jitter: a thousand desks that lost one exchange do not come back in one moment."""
        ceiling_s = self._pace.backoff_s * 2 ** min(failures, 16)
        return self._random.uniform(0, min(self._pace.backoff_cap_s, ceiling_s))

    async def _pulse(self) -> None:
        while True:
            await asyncio.sleep(PULSE_S)
            self.tape.pulse(self._clock.now())
            silent_s = (self._clock.now() - self.tape.said_at) / SECOND
            for line in self._up:
                # A heartbeat proves the line, not the subscription.
                if min(silent_s, line.lasted_s()) > self._pace.quiet_s:
                    line.cut()

    # ---- what the lines say

    def opened(self, line: Line) -> None:
        """Prices come from here now."""
        if not self._up:
            self.tape.restart()
        self._up.append(line)
        self._down.clear()
        rotate_s = self._dialect.ROTATE_S if self._pace.rotate_s is None else self._pace.rotate_s
        if rotate_s:
            line.retire_after(rotate_s)

    def said(self, said: Said) -> None:
        """A price."""
        self.tape.take(said, self._clock.now())

    def troubled(self, trouble: Malformed | Refused | Shut) -> None:
        """A message that is no price."""
        match trouble:
            case Malformed(text=text):
                self.tape.refuse(text)
            case Shut(text=text):
                self.tape.lose_all(Reason.UNREACHABLE, text)
            case Refused(text=text, market=market) if market:
                self.tape.lose(market, Reason.DECLINED, text)
            case Refused(text=text):
                self.tape.lose_missing(Reason.DECLINED, text)

    def ended(self, line: Line) -> None:
        """Without another line there is no price."""
        self._lines.remove(line)
        if line in self._up:
            self._up.remove(line)
        if not self._up:
            # A price that REST gave meanwhile is not this line's to take.
            if line.opened_at is not None or not self._rest:
                self.tape.lose_all(Reason.UNREACHABLE, line.trouble or "connection broken")
            self._down.set()

    # ---- REST

    async def _poll(self, rest: Rest) -> None:
        poll_s = self._dialect.POLL_S if self._pace.poll_s is None else self._pace.poll_s
        while True:
            await self._down.wait()
            await asyncio.sleep(poll_s)
            rest_s = 0.0
            for market in self._markets:
                if not self._down.is_set():
                    break
                rest_s = max(rest_s, await self._ask(rest, market))
            await asyncio.sleep(rest_s)

    async def _ask(self, rest: Rest, market: str) -> float:
        """One price by REST; seconds to stay away after it."""
        try:
            answer = await rest.get(self._dialect.target(market))
            if self._down.is_set():  # else it was overtaken by a line
                self.said(self._dialect.read_rest(market, answer))
        except NoAnswer as trouble:
            # Nothing to rely on any more than before: the last price ends by its age.
            self.tape.lose_missing(Reason.UNREACHABLE, str(trouble))
            return trouble.rest_s
        except Malformed as trouble:
            self.tape.refuse(trouble.text, market)
        except Refused as trouble:
            self.tape.lose(market, Reason.DECLINED, trouble.text)
        return 0.0


def _addresses(endpoint: FeedEndpoint, dialect: type[Dialect]) -> tuple[str, str]:
    """WebSocket and REST address, the latter empty if there is to be none."""
    if not endpoint.url:
        return dialect.URL, endpoint.rest_url or dialect.REST_URL
    parts = urlsplit(endpoint.url)
    usable = parts.hostname and parts.port != 0  # reading a port may raise ValueError as well
    if parts.scheme not in ("ws", "wss") or not usable or parts.fragment:
        raise ValueError(f"{endpoint.name}: url must be ws(s)://host[:port][/path]")
    return endpoint.url, endpoint.rest_url


def _markets(endpoint: FeedEndpoint, dialect: type[Dialect]) -> dict[str, str]:
    """Our symbol of each of the exchange's markets."""
    named = {
        endpoint.markets.get(symbol) or dialect.market(symbol): symbol
        for symbol in endpoint.symbols
    }
    if len(named) < len(endpoint.symbols) or not named:
        raise ValueError(f"{endpoint.name}: symbols must be given, each its own market")
    return named
