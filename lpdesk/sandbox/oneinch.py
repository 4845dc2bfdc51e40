"""Stand-ins that speak 1inch's APIs: the swap beside a chain, and Fusion with its relayer.

Nothing is shared with the adapters: two readings of one description that must agree.
"""

from decimal import Decimal
from hmac import compare_digest
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lpdesk.sandbox.book import Execution
from lpdesk.sandbox.market import PAIRS
from lpdesk.sandbox.node import fusion_hash
from lpdesk.sandbox.personality import Mood, Stage, Verbatim
from lpdesk.sandbox.swaps import GAS, GAS_PRICE, Fields, Swap, Voice
from lpdesk.sandbox.tokens import CHAIN, ROUTER, TAKER, TOKENS, TokenSpec, data_of
from lpdesk.sandbox.venue import Venue
from lpdesk.sandbox.wire import Refusal, parse_object, read_body

BUMP_UNIT: Final = 10_000_000
_BUMPS: Final = {"fast": 30_000, "medium": 40_000, "slow": 50_000}
_AUCTION_S: Final = {"fast": 60, "medium": 120, "slow": 180}


def app(venue: Venue) -> Starlette:
    """The voice of the swap API; its chain is `venue.chain`."""
    return _Swap(venue).app


def fusion_app(venue: Venue) -> Starlette:
    """The voice of Fusion; the signer is on `venue.chain`."""
    return _Fusion(venue).app


def auctioned(end: int, bump: int) -> int:
    """What an auction gives while its rate is `bump` above the end, in units of 1e-7."""
    return end * (BUMP_UNIT + bump) // BUMP_UNIT


class _OneInch(Voice):
    def admit(self, request: Request) -> None:
        offered = request.headers.get("authorization", "").encode("utf-8", "replace")
        if not compare_digest(offered, f"Bearer {self.venue.key}".encode()):
            raise Refusal(401, "Unauthorized", "no such key")
        if request.path_params.get("chain") != str(CHAIN):
            raise Refusal(400, "Bad Request", "chain is not supported")

    def complaint(self, refusal: Refusal) -> Fields:
        words = "insufficient liquidity" if refusal.status == 422 else refusal.message
        return {"error": refusal.code, "description": words, "statusCode": refusal.status}

    def asked(self, request: Request, sell: str, buy: str) -> Swap:
        """The swap of a query that names its tokens so. Raises Refusal."""
        query = request.query_params
        symbol, amount = self.symbol(query.get(sell, ""), query.get(buy, "")), query.get("amount")
        if not symbol or not amount or not amount.isdigit():
            raise Refusal(400, "Bad Request", "token or amount is not valid")
        return Swap(symbol, "SELL", Decimal(amount).scaleb(-TOKENS[PAIRS[symbol].base].decimals))


class _Swap(_OneInch):
    def __init__(self, venue: Venue) -> None:
        path = "/swap/v6.1/{chain}"
        super().__init__(venue, {f"{path}/quote": self._quote, f"{path}/swap": self._swap})

    async def _quote(self, request: Request) -> Response:
        return await self._answer(request, firm=False)

    async def _swap(self, request: Request) -> Response:
        query = request.query_params
        if query.get("from", "").lower() != TAKER or not 0 <= Decimal(query["slippage"]) <= 50:
            raise Refusal(400, "Bad Request", "from or slippage is not valid")
        if issue := self.venue.personality.issue:
            raise Refusal(400, "Bad Request", f"Not enough {issue}. Spender: {ROUTER}")
        return await self._answer(request, firm=True)

    async def _answer(self, request: Request, *, firm: bool) -> Response:
        swap = self.asked(request, "src", "dst")
        priced = await self.priced(request, swap)
        if isinstance(priced, Response):
            return priced
        quote, mood = priced
        base, cash = swap.tokens
        said: Fields = {
            "dstAmount": str(cash.units(quote.price * quote.quantity)),
            "srcToken": _token(TOKENS["LTC"] if mood is Mood.WRONG_SYMBOL else base),
            "dstToken": _token(cash),
        }
        if firm:
            call = {"from": TAKER, "to": ROUTER, "data": data_of(quote.quote_id), "value": "0"}
            said["tx"] = call | {"gas": GAS, "gasPrice": str(GAS_PRICE)}
        return JSONResponse(said)


class _Fusion(_OneInch):
    def __init__(self, venue: Venue) -> None:
        routes = {
            "/fusion/quoter/v2.0/{chain}/quote/receive/": self._quote,
            "/fusion/relayer/v2.0/{chain}/order/submit": self._submit,
            "/fusion/orders/v2.0/{chain}/order/status/{hash}": self._status,
        }
        super().__init__(venue, routes)

    async def _quote(self, request: Request) -> Response:
        swap = self.asked(request, "fromTokenAddress", "toTokenAddress")
        priced = await self.priced(request, swap)
        if isinstance(priced, Response):
            return priced
        quote, _ = priced
        base, cash = swap.tokens
        fair = cash.units(quote.price * quote.quantity)
        firm = request.query_params.get("enableEstimate") == "true"
        return JSONResponse(
            {
                "quoteId": quote.quote_id if firm else None,
                "fromTokenAmount": str(base.units(quote.quantity)),
                "toTokenAmount": str(fair),
                "marketAmount": str(fair),
                "recommended_preset": "fast",
                "presets": {name: _preset(name, fair) for name in _BUMPS},
                "settlementAddress": ROUTER,
                "whitelist": [],
            }
        )

    async def _submit(self, request: Request) -> Response:
        """Takes the order and fills it at once, whatever the auction says."""
        venue, fields = self.venue, parse_object(await read_body(request))
        made = fields.get("order")
        if not isinstance(made, dict) or fields.get("signature") != "0x5157":
            raise Refusal(400, "Bad Request", "order or signature is not valid")
        mood = venue.mood(Stage.EXECUTE)
        if mood is Mood.HANG_EXECUTE:
            return await venue.hang(request)
        if mood is Mood.RESET_BEFORE_FILL:
            return await venue.reset(request)
        await venue.wait(venue.personality.hold_ms)
        await venue.deal(str(fields.get("quoteId")), fusion_hash(made), None, mood)
        if isinstance(mood, Verbatim):
            return mood.response()
        if mood is Mood.HANG_AFTER_FILL:
            return await venue.hang(request)
        if mood is Mood.RESET_AFTER_FILL:
            return await venue.reset(request)
        if mood is Mood.ERROR_AFTER_FILL:
            return Response("<html>bad gateway</html>", 502, media_type="text/html")
        return Response(status_code=201)

    async def _status(self, request: Request) -> Response:
        venue = self.venue
        mood = venue.mood(Stage.STATUS)
        if mood is Mood.HANG_STATUS:
            return await venue.hang(request)
        if isinstance(mood, Verbatim):
            return mood.response()
        known = await venue.find(request.path_params["hash"])
        if known is None or mood is Mood.LOSE_STATUS or known.shown_from_ns > venue.now_ns():
            raise Refusal(404, "Not Found", "no such order")
        return JSONResponse(_told(known))


_STATES: Final = {
    "FILLED": "filled", "REJECTED": "expired", "PARTIAL": "expired", "PENDING": "partially-filled",
}  # fmt: skip


def _told(execution: Execution) -> dict[str, Any]:
    fills: list[Fields] = []
    if execution.status != "REJECTED":
        pair = PAIRS[execution.symbol]
        quantity, price = Decimal(execution.fill_quantity), Decimal(execution.fill_price)
        fill = {
            "txHash": f"0x{execution.execution_id.encode().hex()}",
            "filledMakerAmount": str(TOKENS[pair.base].units(quantity)),
            "filledAuctionTakerAmount": str(TOKENS[pair.quote].units(quantity * price)),
            "takerFeeAmount": "0",
        }
        fills = [fill]
    return {
        "orderHash": execution.client_order_id,
        "status": _STATES[execution.status],
        "fills": fills,
    }


def _preset(name: str, fair: int) -> Fields:
    bump = _BUMPS[name]
    end = fair * BUMP_UNIT // (BUMP_UNIT + bump)
    return {
        "auctionDuration": _AUCTION_S[name],
        "startAuctionIn": 12,
        "bankFee": "0",
        "initialRateBump": bump,
        "auctionStartAmount": str(auctioned(end, bump)),
        "auctionEndAmount": str(end),
        "tokenFee": "0",
        "points": [{"delay": 12, "coefficient": bump // 2}],
        "allowPartialFills": False,
        "allowMultipleFills": False,
        "exclusiveResolver": None,
        "gasCost": {"gasBumpEstimate": 0, "gasPriceEstimate": "0"},
    }


def _token(token: TokenSpec) -> Fields:
    return {"address": token.address, "decimals": token.decimals}
