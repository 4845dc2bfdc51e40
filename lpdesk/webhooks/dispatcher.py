"""Every endpoint's own lane: what is due goes out, what came of it is reported, nothing is lost.

A lane starts with what the journal says is owed, and hears of what is owed from then on. Where the
process dies between an answer and its record, the webhook is sent again, under the same id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from heapq import heappop, heappush
from random import Random
from typing import Protocol

from lpdesk.clock import Clock
from lpdesk.domain.events import EndpointDisabled, EndpointEnabled, WebhookQueued, WebhookResent
from lpdesk.domain.owed import Owed
from lpdesk.domain.record import Event, Report
from lpdesk.domain.reports import WebhookDelivered, WebhookFailed
from lpdesk.domain.values import SECOND
from lpdesk.webhooks.endpoint import Endpoint, delay_ns
from lpdesk.webhooks.sender import AT_ONCE, Answer, Sender

Submit = Callable[[Report], None]

CLOSE_PATIENCE_S = 0.25


class Post(Protocol):
    """Something that sends."""

    async def post(self, owed: Owed) -> Answer: ...

    async def close(self) -> None: ...


class Lane:
    """One endpoint's webhooks, in the order they are due, a few at a time."""

    def __init__(self, sender: Post, submit: Submit, clock: Clock, random: Random) -> None:
        self.disabled = False
        self._sender = sender
        self._submit = submit
        self._clock = clock
        self._random = random
        self._due: list[tuple[int, int, Owed]] = []
        self._puts = 0
        self._flying: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="webhooks")

    def put(self, owed: Owed) -> None:
        """One more that is owed."""
        self._puts += 1
        heappush(self._due, (owed.next_at, self._puts, owed))
        self.wake()

    def wake(self) -> None:
        """Look again at what is due: time or the endpoint's state has changed."""
        self._changed.set()

    async def close(self) -> None:
        """Break off what is on its way; it is still owed."""
        tasks = [*self._flying.values(), *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_PATIENCE_S)
        await self._sender.close()

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            self._launch()
            await self._pause()

    def _launch(self) -> None:
        now = self._clock.now()
        while self._room() and self._due[0][0] <= now:
            owed = heappop(self._due)[2]
            task = asyncio.get_running_loop().create_task(self._deliver(owed))
            self._flying[owed.event_id] = task
            task.add_done_callback(partial(self._landed, owed.event_id))

    def _room(self) -> bool:
        return bool(self._due) and not self.disabled and len(self._flying) < AT_ONCE

    async def _pause(self) -> None:
        """Until something changes or the next one is due."""
        timer = None
        if self._room():
            wait_s = max(0, self._due[0][0] - self._clock.now()) / SECOND
            timer = asyncio.get_running_loop().call_later(wait_s, self.wake)
        try:
            await self._changed.wait()
        finally:
            if timer:
                timer.cancel()

    def _landed(self, name: str, task: asyncio.Task[None]) -> None:
        self._flying.pop(name, None)
        self.wake()
        if not task.cancelled() and (bug := task.exception()):
            task.get_loop().call_exception_handler(
                {"message": "bug in webhooks", "exception": bug, "task": task}
            )

    async def _deliver(self, owed: Owed) -> None:
        answer = await self._sender.post(owed)
        attempt = owed.attempts + 1
        endpoint, event_id = owed.endpoint, owed.event_id
        if answer.ok:
            self._submit(
                WebhookDelivered(
                    event_id=event_id, endpoint=endpoint, attempt=attempt, status=answer.status
                )
            )
            return
        wait_ns = delay_ns(attempt, answer.retry_after_ns, self._random)
        next_at = None if wait_ns is None else self._clock.now() + wait_ns
        if answer.gone:
            self.disabled, next_at = True, self._clock.now()
        if next_at is not None:
            again = Owed(
                event_id=event_id,
                number=owed.number,
                endpoint=endpoint,
                payload=owed.payload,
                attempts=attempt,
                next_at=next_at,
            )
            self.put(again)
        self._submit(
            WebhookFailed(
                event_id=event_id,
                endpoint=endpoint,
                attempt=attempt,
                status=answer.status,
                text=answer.text,
                next_at=next_at,
                gone=answer.gone,
            )
        )


class Dispatcher:
    """All lanes. `send` takes the desk's events, `submit` gets what came of each try."""

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        submit: Submit,
        clock: Clock,
        payload: Callable[[str], Owed | None],
        sender: Callable[[Endpoint], Post] | None = None,
    ) -> None:
        """`payload` finds a webhook in the journal by its id, for one that is sent again."""
        self._payload = payload
        self._clock = clock
        make = sender or partial(Sender, now=clock.now)
        self.lanes = {
            endpoint.name: Lane(make(endpoint), submit, clock, Random(f"webhooks:{endpoint.name}"))
            for endpoint in endpoints
        }

    def owe(self, owed: Iterable[Owed], disabled: Iterable[str]) -> None:
        """What is owed already, and who wants no more."""
        for each in owed:
            if each.endpoint in self.lanes:
                self.lanes[each.endpoint].put(each)
        for name in disabled:
            if name in self.lanes:
                self.lanes[name].disabled = True

    def start(self) -> None:
        """Begin to send."""
        for lane in self.lanes.values():
            lane.start()

    def send(self, event: Event) -> None:
        """Take what concerns webhooks. Never blocks."""
        match event:
            case WebhookQueued():
                for target in event.targets:
                    self._put(event.event_id, event.number, event.payload, target.endpoint)
            case WebhookResent():
                found = self._payload(event.event_id)
                if found is not None:
                    self._put(found.event_id, found.number, found.payload, event.endpoint)
            case EndpointDisabled() | EndpointEnabled() if event.endpoint in self.lanes:
                lane = self.lanes[event.endpoint]
                lane.disabled = isinstance(event, EndpointDisabled)
                lane.wake()

    def look_again(self) -> None:
        """The clock was set forward."""
        for lane in self.lanes.values():
            lane.wake()

    def _put(self, event_id: str, number: int, payload: str, endpoint: str) -> None:
        """Due at once. An endpoint that is no longer configured stays owed."""
        if endpoint in self.lanes:
            owed = Owed(
                event_id=event_id,
                number=number,
                endpoint=endpoint,
                payload=payload,
                next_at=self._clock.now(),
            )
            self.lanes[endpoint].put(owed)

    async def close(self) -> None:
        await asyncio.gather(*(lane.close() for lane in self.lanes.values()))
