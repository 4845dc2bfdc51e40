"""A chain by JSON-RPC: contracts are read, and swaps go out through whoever may sign them.

Nothing is signed without a configured signer. The only one yet is "stand-in": the sandbox's chain
takes a swap with our order id, all or nothing at our limit, and tells its outcome by that id.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Protocol

from lpdesk.clock import Clock
from lpdesk.domain.events import OrderQueried, OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.reports import OrderLost, OrderNotFound, OrderNotSent, QueryFailed
from lpdesk.domain.wire import Fields, Malformed, dump, parse, plain
from lpdesk.venues.answers import outcome
from lpdesk.venues.base import Endpoint, Option
from lpdesk.venues.http import Http
from lpdesk.venues.line import NoAnswer

EXECUTE_S = 30.0
QUERY_S = 10.0


class Refused(Exception):
    """The node answered with an error. `text` is clean."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Rpc:
    """Calls to one node."""

    def __init__(self, endpoint: Endpoint, clock: Clock) -> None:
        self._http = Http(endpoint, clock, prove=lambda *_: [])
        self._ids = count(1)

    async def call(
        self, method: str, params: object, *, patience_s: float, send_by: int | None = None
    ) -> object:
        """The result. Raises NoAnswer, Malformed or Refused."""
        number = next(self._ids)
        body = dump({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        answer = await self._http.call("POST", "/", body, patience_s=patience_s, send_by=send_by)
        fields = Fields(parse(answer.body))
        if "error" in fields:
            raise Refused(fields.inner("error").text("message"))
        if fields.whole("id") != number:
            raise Malformed("an answer to something else")
        return fields.raw("result")

    async def read(self, contract: str, data: str, *, patience_s: float) -> str:
        """What a contract says, in hex."""
        result = await self.call(
            "eth_call", [{"to": contract, "data": data}, "latest"], patience_s=patience_s
        )
        if not isinstance(result, str):
            raise Malformed("a result that is no text")
        return result

    async def close(self) -> None:
        await self._http.close()


class Chain(Protocol):
    """What swaps for us. Both lead to exactly one report, and neither raises."""

    async def swap(self, order: OrderSent) -> Report: ...

    async def status(self, query: OrderQueried) -> Report: ...


class StandInChain:
    """The sandbox's chain: its own two methods beside the real ones."""

    def __init__(self, rpc: Rpc, options: Mapping[str, Option]) -> None:
        self._rpc = rpc
        self._pool = str(options.get("pool", ""))

    async def swap(self, order: OrderSent) -> Report:
        """One swap, sent once."""
        what = {
            "clientOrderId": order.order_id,
            "pool": self._pool,
            "side": order.side,
            "quantity": plain(order.quantity),
            "limit": plain(order.price),
        }
        lp, order_id = order.lp, order.order_id
        try:
            done = await self._rpc.call(
                "standin_swap", [what], patience_s=EXECUTE_S, send_by=order.send_by
            )
            return outcome(lp, order_id, Fields(done))
        except NoAnswer as trouble:
            report = OrderNotSent if trouble.unsent else OrderLost
            return report(lp=lp, order_id=order_id, reason=trouble.reason, text=trouble.text)
        except (Malformed, Refused) as trouble:
            return OrderLost(lp=lp, order_id=order_id, reason=Reason.MALFORMED, text=trouble.text)

    async def status(self, query: OrderQueried) -> Report:
        """What became of an order of ours."""
        lp, order_id = query.lp, query.order_id
        try:
            done = await self._rpc.call("standin_status", [order_id], patience_s=QUERY_S)
            if done is None:
                return OrderNotFound(lp=lp, order_id=order_id)
            return outcome(lp, order_id, Fields(done))
        except NoAnswer as trouble:
            return QueryFailed(lp=lp, order_id=order_id, reason=trouble.reason, text=trouble.text)
        except (Malformed, Refused) as trouble:
            return QueryFailed(lp=lp, order_id=order_id, reason=Reason.MALFORMED, text=trouble.text)
