"""A stand-in chain on loopback: a constant-product pool by JSON-RPC, with its list of swaps.

It reads like a node (`eth_call` of getReserves) and swaps by two methods of its own, `standin_swap`
and `standin_status`: nothing is signed anywhere.
"""

import itertools
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from lpdesk.sandbox.loopback import Server
from lpdesk.sandbox.wire import parse_object, read_body

GET_RESERVES: Final = "0x0902f1ac"
POOL: Final = "0x00000000000000000000000000000000000f00d5"


class Chain:
    """Reserves of base and quote in smallest units, and every swap that was ever made."""

    def __init__(
        self, base: int, quote: int, base_decimals: int = 8, quote_decimals: int = 6
    ) -> None:
        self.reserves = [base, quote]
        self._units = Decimal(1).scaleb(-base_decimals), Decimal(1).scaleb(-quote_decimals)
        self.swaps: dict[str, dict[str, str]] = {}
        self.dark = False
        self._count = itertools.count(1)
        self._server: Server | None = None

    async def start(self) -> str:
        """Serves; returns the address."""
        app = Starlette(routes=[Route("/", self._answer, methods=["POST"])])
        self._server = await Server.open(app)
        return f"http://127.0.0.1:{self._server.port}"

    async def close(self) -> None:
        if self._server is not None:
            await self._server.close()

    async def _answer(self, request: Request) -> JSONResponse:
        asked = parse_object(await read_body(request))
        said: dict[str, Any] = {"jsonrpc": "2.0", "id": asked.get("id")}
        methods = {
            "eth_call": self._call,
            "standin_swap": self._swap,
            "standin_status": self._status,
        }
        method = methods.get(str(asked.get("method")))
        params = asked.get("params")
        if self.dark or method is None or not isinstance(params, list) or not params:
            error = {"code": -32601, "message": "not available"}
            return JSONResponse(said | {"error": error})
        return JSONResponse(said | {"result": method(params[0])})

    def _call(self, call: Any) -> str | None:
        if not isinstance(call, dict) or call.get("data") != GET_RESERVES or call.get("to") != POOL:
            return None
        return "0x" + "".join(f"{word:064x}" for word in (*self.reserves, 0))

    def _swap(self, order: Any) -> dict[str, str]:
        """All of it at the limit or better, or nothing; the same id again is the same swap."""
        order_id = str(order["clientOrderId"])
        if order_id not in self.swaps:
            self.swaps[order_id] = self._made(order, order_id)
        return self.swaps[order_id]

    def _made(self, order: Any, order_id: str) -> dict[str, str]:
        quantity, limit = Decimal(order["quantity"]), Decimal(order["limit"])
        buys = order["side"] == "BUY"
        base, quote = self.reserves
        amount = int((quantity / self._units[0]).to_integral_value(
            ROUND_CEILING if buys else ROUND_FLOOR))  # fmt: skip
        if buys:
            cash = quote * amount * 1000 // ((base - amount) * 997) + 1
            moved = [-amount, cash]
        else:
            cash = amount * 997 * quote // (base * 1000 + amount * 997)
            moved = [amount, -cash]
        price = cash * self._units[1] / quantity
        said = {"clientOrderId": order_id, "executionId": f"0x{next(self._count):064x}"}
        if (price > limit) if buys else (price < limit):
            return said | {"status": "REJECTED", "reason": "PRICE_MOVED"}
        self.reserves = [held + more for held, more in zip(self.reserves, moved, strict=True)]
        figures = {"fillPrice": f"{price:f}", "fillQuantity": f"{quantity:f}"}
        return said | {"status": "FILLED", **figures}

    def _status(self, order_id: Any) -> dict[str, str] | None:
        return self.swaps.get(str(order_id))
