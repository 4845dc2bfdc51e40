"""A stand-in chain for swaps: a node and a signer by JSON-RPC, on the socket of its venue.

What it signs is no signature, and what it mines is an execution in its venue's book: that is its
chain, which outlives it as the book does. One account deals here, each of its transactions in a
block of its own.
"""

import json
from decimal import Decimal
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lpdesk.domain.keccak import keccak256
from lpdesk.sandbox.book import Execution
from lpdesk.sandbox.dealing import rejected
from lpdesk.sandbox.market import PAIRS
from lpdesk.sandbox.personality import Mood, Stage, Verbatim
from lpdesk.sandbox.tokens import CHAIN, ROUTER, TAKER, TOKENS, quote_in
from lpdesk.sandbox.venue import AnyMood, Venue
from lpdesk.sandbox.wire import parse_object, read_body

GAS_USED: Final = 150_000
_TRANSFER: Final = "0x" + keccak256(b"Transfer(address,address,uint256)").hex()

Fields = dict[str, Any]


class RpcError(Exception):
    """A method's refusal, in its words."""


class Node:
    """Transactions that wait (`pool`, by hash), and those that were `mined`: the venue's book.

    Tests steer it: `mine` takes what waits into blocks, `drop` forgets it, `empty` adds a block.
    """

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.chain = CHAIN
        self.pool: dict[str, Fields] = {}
        self._later = 0  # blocks without a transaction
        self.mined: dict[str, Fields] = {}

    async def answer(self, request: Request) -> Response:
        """One call."""
        venue, asked = self._venue, parse_object(await read_body(request))
        if venue.dark():
            return Response("<html>bad gateway</html>", 502, media_type="text/html")
        said: Fields = {"jsonrpc": "2.0", "id": asked.get("id")}
        method, params = str(asked.get("method")), asked.get("params")
        mood = venue.mood(Stage.EXECUTE if method == "eth_sendRawTransaction" else Stage.STATUS)
        if mood in (Mood.HANG_EXECUTE, Mood.HANG_STATUS):
            return await venue.hang(request)
        if mood is Mood.RESET_BEFORE_FILL:
            return await venue.reset(request)
        try:
            if not isinstance(params, list):
                raise RpcError("params must be a list")
            said["result"] = await _METHODS[method](self, *params, mood)
        except KeyError:
            said["error"] = {"code": -32601, "message": f"no method {method}"}
        except RpcError as error:
            said["error"] = {"code": -32000, "message": str(error)}
        if isinstance(mood, Verbatim):
            return mood.response()
        if mood is Mood.HANG_AFTER_FILL:
            return await venue.hang(request)
        if mood is Mood.RESET_AFTER_FILL:
            return await venue.reset(request)
        if mood is Mood.ERROR_AFTER_FILL:
            return Response("<html>bad gateway</html>", 502, media_type="text/html")
        return JSONResponse(said)

    async def mine(self, mood: AnyMood = None) -> None:
        """Everything that waits."""
        for name in list(self.pool):
            await self._mine(name, mood)

    def drop(self) -> None:
        """Everything that waits is forgotten."""
        self.pool.clear()

    def empty(self, blocks: int = 1) -> None:
        """Blocks without a transaction of ours."""
        self._later += blocks

    # ---- the signer

    async def sign(self, transaction: Fields, mood: AnyMood) -> Fields:
        raw = json.dumps({"stand-in": True, **transaction}, sort_keys=True).encode()
        return {"raw": f"0x{raw.hex()}", "tx": {"hash": _name(raw)}}

    async def fusion(self, wanted: Fields, mood: AnyMood) -> Fields:
        """Makes a Fusion order from a quote's text, as somebody with the SDK would."""
        quote = json.loads(wanted["quote"])
        order = {
            "salt": quote["quoteId"],
            "maker": wanted["maker"],
            "makerAsset": wanted["makerAsset"],
            "takerAsset": wanted["takerAsset"],
            "makingAmount": quote["fromTokenAmount"],
            "takingAmount": quote["presets"][wanted["preset"]]["auctionEndAmount"],
        }
        name = fusion_hash(order)
        return {"orderHash": name, "order": order, "signature": "0x5157", "extension": "0x"}

    # ---- the node

    async def send(self, raw: str, mood: AnyMood) -> str:
        """Takes it, and mines it unless it is to stay pending."""
        data = bytes.fromhex(raw[2:])
        name, transaction = _name(data), json.loads(data)
        nonce, mined = int(transaction["nonce"], 16), len(await self._venue.executions())
        if int(transaction["chainId"], 16) != self.chain:
            raise RpcError("invalid sender: chain id of another chain")
        if name in self.pool:
            raise RpcError("already known")
        if nonce < mined:
            raise RpcError(f"nonce too low: next nonce {mined}, tx nonce {nonce}")
        for other, waits in list(self.pool.items()):
            if waits["nonce"] == transaction["nonce"]:
                if int(transaction["gasPrice"], 16) <= int(waits["gasPrice"], 16):
                    raise RpcError("replacement transaction underpriced")
                del self.pool[other]
        self.pool[name] = transaction
        if mood is not Mood.PENDING and nonce == mined:
            await self._venue.wait(self._venue.personality.hold_ms)
            await self._mine(name, mood)
        return name

    async def _mine(self, name: str, mood: AnyMood) -> None:
        """Into a block, which is a line in the book: a swap as dealt, the rest as no deal."""
        transaction, venue = self.pool.pop(name), self._venue
        self.mined[name] = transaction
        if transaction["to"] == ROUTER:
            await venue.deal(quote_in(transaction["data"]), name, None, mood)
        else:
            void = rejected(venue.next_id(), name, "", "VOID", venue.now_ns())
            await venue.book_also(void)

    async def receipt(self, name: str, mood: AnyMood) -> Fields | None:
        for block, each in enumerate(await self._venue.executions(), 1):
            if each.client_order_id != name:
                continue
            if mood is Mood.LOSE_STATUS or each.shown_from_ns > self._venue.now_ns():
                return None
            return {
                "transactionHash": name,
                "blockNumber": hex(block),
                "status": "0x0" if each.status == "REJECTED" else "0x1",
                "gasUsed": hex(GAS_USED),
                "effectiveGasPrice": self.mined.get(name, {}).get("gasPrice", hex(10**9)),
                "logs": _logs(each),
            }
        return None

    async def transaction(self, name: str, mood: AnyMood) -> Fields | None:
        if mood is Mood.LOSE_STATUS:
            return None
        return self.pool.get(name) or self.mined.get(name)

    async def count(self, account: str, block: str, mood: AnyMood) -> str:
        mined = len(await self._venue.executions())
        if block == "pending":
            return hex(mined + len(self.pool))
        return hex(min(mined, int(block, 16)))

    async def height(self, mood: AnyMood) -> str:
        return hex(len(await self._venue.executions()) + self._later)

    async def chain_id(self, mood: AnyMood) -> str:
        return hex(self.chain)

    async def gas_price(self, mood: AnyMood) -> str:
        return hex(10**9)


_METHODS: Final[dict[str, Any]] = {
    "eth_signTransaction": Node.sign,
    "fusion_signOrder": Node.fusion,
    "eth_sendRawTransaction": Node.send,
    "eth_getTransactionReceipt": Node.receipt,
    "eth_getTransactionByHash": Node.transaction,
    "eth_getTransactionCount": Node.count,
    "eth_blockNumber": Node.height,
    "eth_chainId": Node.chain_id,
    "eth_gasPrice": Node.gas_price,
}


def _name(raw: bytes) -> str:
    return f"0x{keccak256(raw).hex()}"


def fusion_hash(order: Fields) -> str:
    """The name of a Fusion order here; elsewhere it is an EIP-712 hash."""
    return _name(json.dumps(order, sort_keys=True).encode())


def _logs(execution: Execution) -> list[Fields]:
    """The two transfers of a swap; none of what reverted."""
    if execution.status == "REJECTED":
        return []
    pair = PAIRS[execution.symbol]
    quantity, price = Decimal(execution.fill_quantity), Decimal(execution.fill_price)
    base, quote = TOKENS[pair.base], TOKENS[pair.quote]
    moves = [(base, base.units(quantity)), (quote, quote.units(quantity * price))]
    got = 0 if execution.side == "BUY" else 1
    return [
        {
            "address": token.address,
            "topics": [_TRANSFER, *map(_word, (ROUTER, TAKER) if i == got else (TAKER, ROUTER))],
            "data": f"0x{amount:064x}",
        }
        for i, (token, amount) in enumerate(moves)
    ]


def _word(address: str) -> str:
    return f"0x{address[2:]:0>64}"
