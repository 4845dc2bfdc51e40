"""`kind = "pool"`: an AMM pool, its state as configured or read from a chain. The core prices it.

Asks are answered by the core from the last state that was reported here. Without a signer a pool is
for information only; the core then never deals on it.
"""

from __future__ import annotations

import asyncio

from lpdesk.clock import Clock
from lpdesk.domain.events import LpAsked, OrderQueried, OrderSent
from lpdesk.domain.pools import Pool
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import OrderNotSent, PoolRead, QueryFailed
from lpdesk.domain.values import SECOND
from lpdesk.domain.wire import Malformed
from lpdesk.venues.base import Endpoint, Submit, Tasks
from lpdesk.venues.chain import Chain, Refused, Rpc, StandInChain
from lpdesk.venues.line import NoAnswer
from lpdesk.venues.pool_states import answered, calls, configured

VALIDITY_NS = 15 * SECOND
"""A state is good for a block or so."""

POLL_S = 3.0
AGAIN_NS = 9 * SECOND
"""A state that has not changed is said again so often, for what was said grows old."""


class PoolVenue:
    """One pool. Raises ValueError for options that can never work."""

    def __init__(self, endpoint: Endpoint, submit: Submit, clock: Clock) -> None:
        self.name = endpoint.name
        if len(endpoint.symbols) != 1:
            raise ValueError(f"{endpoint.name}: a pool deals one pair: name it in pairs")
        self._symbol = endpoint.symbols[0]
        self._options = endpoint.options
        try:
            self._pool = configured(endpoint.options)
        except ValueError as wrong:
            raise ValueError(f"{endpoint.name}: {wrong}") from None
        self._submit = submit
        self._clock = clock
        self._told: Pool | None = None
        self._told_at = 0
        self._patience_s = endpoint.timeout_ns / SECOND
        self._tasks = Tasks(endpoint.name)
        self._rpc = Rpc(endpoint, clock) if endpoint.url else None
        self._chain: Chain | None = None
        signer = endpoint.options.get("signer")
        if signer and signer != "stand-in":
            raise ValueError(f'{endpoint.name}: options.signer: only "stand-in" is known')
        if signer and self._rpc is not None:
            self._chain = StandInChain(self._rpc, endpoint.options)

    async def start(self) -> None:
        """Report what is configured, or begin to read."""
        self._tasks.spawn(self._poll() if self._rpc else self._say())

    def ask(self, ask: LpAsked) -> None:
        """The core has answered."""

    def execute(self, order: OrderSent) -> None:
        """One swap, if there is somebody to sign it."""
        self._tasks.spawn(self._execute(order))

    def query(self, query: OrderQueried) -> None:
        """One look at what became of a swap."""
        self._tasks.spawn(self._query(query))

    def release(self, rfq_id: str) -> None:
        """Nothing to stop."""

    async def close(self) -> None:
        """End the reading; a swap on its way is asked for at the next start."""
        await self._tasks.close()
        if self._rpc is not None:
            await self._rpc.close()

    async def _say(self) -> None:
        self._submit(PoolRead(lp=self.name, symbol=self._symbol, pool=self._pool))

    async def _poll(self) -> None:
        while True:
            await self._read()
            await asyncio.sleep(POLL_S)

    async def _read(self) -> None:
        """One reading; a failed one is not said: the last state just grows old."""
        assert self._rpc is not None
        try:
            wanted = [
                self._rpc.read(contract, data, patience_s=self._patience_s)
                for contract, data in calls(self._options)
            ]
            self._pool = answered(self._pool, self._options, await asyncio.gather(*wanted))
        except (NoAnswer, Malformed, Refused):
            return
        now = self._clock.now()
        if self._pool == self._told and now - self._told_at < AGAIN_NS:
            return
        self._told, self._told_at = self._pool, now
        self._submit(
            PoolRead(lp=self.name, symbol=self._symbol, pool=self._pool, validity_ns=VALIDITY_NS)
        )

    async def _execute(self, order: OrderSent) -> None:
        if self._chain is None:
            text = "no signer is configured"
            self._submit(
                OrderNotSent(
                    lp=order.lp, order_id=order.order_id, reason=Reason.NOT_ENABLED, text=text
                )
            )
            return
        self._submit(await self._chain.swap(order))

    async def _query(self, query: OrderQueried) -> None:
        if self._chain is None:
            text = "no signer is configured"
            self._submit(
                QueryFailed(
                    lp=query.lp, order_id=query.order_id, reason=Reason.NOT_ENABLED, text=text
                )
            )
            return
        self._submit(await self._chain.status(query))
