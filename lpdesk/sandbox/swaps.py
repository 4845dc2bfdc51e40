"""A stand-in that speaks the 0x Swap API v2, beside a chain on which its quotes are dealt.

Nothing is shared with the adapter: two readings of one description that must agree.
"""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from hmac import compare_digest
from typing import Any, Final, NamedTuple

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lpdesk.sandbox.dealing import Quote
from lpdesk.sandbox.market import PAIRS
from lpdesk.sandbox.node import Node
from lpdesk.sandbox.personality import Mood, Stage, Verbatim
from lpdesk.sandbox.tokens import CHAIN, ROUTER, TAKER, TOKENS, TokenSpec, data_of
from lpdesk.sandbox.venue import AnyMood, Venue
from lpdesk.sandbox.wire import Refusal

_ANY: Final = ["GET", "POST"]

GAS: Final = 200_000
GAS_PRICE: Final = 10**9
_BPS: Final = Decimal(10_000)

Fields = dict[str, Any]


def app(venue: Venue) -> Starlette:
    """The venue's voice; its chain is `venue.chain`."""
    return _Zerox(venue).app


def options(port: int) -> dict[str, bool | int | str | tuple[str, ...]]:
    """What a client of it configures: the chain and the signer are on the same port."""
    rpc = f"http://127.0.0.1:{port}/rpc"
    return {
        "chain": CHAIN,
        "tokens": tuple(f"{name}={it.address}:{it.decimals}" for name, it in TOKENS.items()),
        "taker": TAKER,
        "contract": ROUTER,
        "node": rpc,
        "signer": rpc,
        "max_network_fee": "0.01",
        "confirmations": 1,
        "void_after_seconds": 5,
    }


class Swap(NamedTuple):
    """What is asked: a side of a pair for an exact quantity of its base."""

    symbol: str
    side: str
    quantity: Decimal

    @property
    def tokens(self) -> tuple[TokenSpec, TokenSpec]:
        pair = PAIRS[self.symbol]
        return TOKENS[pair.base], TOKENS[pair.quote]


Handler = Callable[[Request], Awaitable[Response]]


class Voice:
    """What such stand-ins share: the chain beside them, their moods, their dealer."""

    def __init__(self, venue: Venue, routes: Mapping[str, Handler]) -> None:
        self.venue = venue
        venue.chain = node = Node(venue)
        self._symbols = {
            (TOKENS[pair.base].address, TOKENS[pair.quote].address): symbol
            for symbol, pair in PAIRS.items()
            if pair.base in TOKENS and pair.quote in TOKENS
        }

        async def refused(_: Request, refusal: Exception) -> Response:
            assert isinstance(refusal, Refusal)
            return JSONResponse(self.complaint(refusal), refusal.status, refusal.headers)

        self.app = Starlette(
            routes=[
                Route("/rpc/", node.answer, methods=["POST"]),
                *(
                    Route(path, self._guarded(it), methods=["GET", "POST"])
                    for path, it in routes.items()
                ),
            ],
            exception_handlers={Refusal: refused},
        )

    def admit(self, request: Request) -> None:
        """Raises Refusal for a request that does not say who it is."""
        raise NotImplementedError

    def complaint(self, refusal: Refusal) -> Fields:
        """The body of an error."""
        raise NotImplementedError

    def _guarded(self, handler: Handler) -> Handler:
        async def endpoint(request: Request) -> Response:
            if self.venue.dark():
                raise Refusal(500, "INTERNAL_SERVER_ERROR", "closed")
            self.venue.spend()
            self.admit(request)
            return await handler(request)

        return endpoint

    def symbol(self, base: str, quote: str) -> str:
        """The pair of two addresses that this venue deals in, or nothing."""
        symbol = self._symbols.get((base.lower(), quote.lower()), "")
        return symbol if symbol in self.venue.personality.pairs else ""

    async def priced(self, request: Request, swap: Swap) -> tuple[Quote, AnyMood] | Response:
        """The dealer's quote. Raises Refusal for a size that it does not deal in."""
        venue = self.venue
        mood = venue.mood(Stage.QUOTE)
        await venue.think()
        if mood is Mood.HANG_QUOTE:
            return await venue.hang(request)
        if isinstance(mood, Verbatim):
            return mood.response()
        return venue.dealer.one_way(venue.personality, *swap, venue.now_ns(), mood), mood


class _Zerox(Voice):
    def __init__(self, venue: Venue) -> None:
        path = "/swap/allowance-holder"
        super().__init__(venue, {f"{path}/price": self._price, f"{path}/quote": self._quote})

    def admit(self, request: Request) -> None:
        offered = request.headers.get("0x-api-key", "").encode("utf-8", "replace")
        if not compare_digest(offered, self.venue.key.encode()):
            raise Refusal(401, "UNAUTHORIZED", "no such key")
        if request.headers.get("0x-version") != "v2":
            raise Refusal(400, "INPUT_INVALID", "0x-version: must be v2")

    def complaint(self, refusal: Refusal) -> Fields:
        body: Fields = {"name": refusal.code, "message": refusal.message}
        field, mark, reason = refusal.message.partition(": ")
        if mark:
            body["message"] = "The input is invalid"
            body["data"] = {"zid": "0x0", "details": [{"field": field, "reason": reason}]}
        return body

    async def _price(self, request: Request) -> Response:
        return await self._answer(request, firm=False)

    async def _quote(self, request: Request) -> Response:
        if not request.query_params.get("taker"):
            raise Refusal(400, "INPUT_INVALID", "taker: Required")
        return await self._answer(request, firm=True)

    async def _answer(self, request: Request, *, firm: bool) -> Response:
        swap = self._swap(request)
        try:
            priced = await self.priced(request, swap)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            return JSONResponse({"liquidityAvailable": False, "zid": "0x0"})
        if isinstance(priced, Response):
            return priced
        quote, mood = priced
        slippage = Decimal(request.query_params.get("slippageBps", "100"))
        said = self._terms(swap, quote, slippage, mood)
        gas = {"gas": str(GAS), "gasPrice": str(GAS_PRICE)}
        if firm:
            call = {"to": ROUTER, "data": data_of(quote.quote_id), "value": "0"}
            said["transaction"] = call | gas
        else:
            said |= gas
        return JSONResponse(said)

    def _swap(self, request: Request) -> Swap:
        query = request.query_params
        if query.get("chainId") != str(CHAIN):
            raise Refusal(400, "INPUT_INVALID", "chainId: Invalid chain")
        sell, buy = query.get("sellToken", "").lower(), query.get("buyToken", "").lower()
        sold, bought = query.get("sellAmount", ""), query.get("buyAmount", "")
        if bool(sold) is bool(bought) or not (sold or bought).isdigit():
            raise Refusal(400, "INPUT_INVALID", "sellAmount: one of sellAmount and buyAmount")
        side, amount = ("SELL", sold) if sold else ("BUY", bought)
        symbol = self.symbol(sell, buy) if sold else self.symbol(buy, sell)
        if not symbol:
            raise Refusal(400, "TOKEN_NOT_SUPPORTED", "no such pair")
        return Swap(symbol, side, Decimal(amount).scaleb(-TOKENS[PAIRS[symbol].base].decimals))

    def _terms(self, swap: Swap, quote: Quote, slippage: Decimal, mood: AnyMood) -> Fields:
        base, cash = swap.tokens
        buys = swap.side == "BUY"
        share = (1 + slippage / _BPS) if buys else (1 - slippage / _BPS)
        value = quote.price * quote.quantity
        exact = str(base.units(quote.quantity))
        fair, worst = (str(cash.units(each, up=buys)) for each in (value, value * share))
        sold, bought = (cash, base) if buys else (base, cash)
        if mood is Mood.WRONG_SYMBOL:
            sold = TOKENS["LTC"]
        amounts = {"sellAmount": fair, "buyAmount": exact, "maxSellAmount": worst}
        if not buys:
            amounts = {"sellAmount": exact, "buyAmount": fair, "minBuyAmount": worst}
        return {
            "liquidityAvailable": True,
            **amounts,
            "mode": "exact-out" if buys else "exact-in",
            "sellToken": sold.address,
            "buyToken": bought.address,
            "blockNumber": "1",
            "allowanceTarget": ROUTER,
            "fees": {"integratorFee": None, "zeroExFee": None, "gasFee": None},
            "issues": self._issues(sold, fair),
            "route": {"fills": [], "tokens": []},
            "tokenMetadata": {"buyToken": _UNTAXED, "sellToken": _UNTAXED},
            "totalNetworkFee": str(GAS * GAS_PRICE),
            "zid": f"0x{quote.quote_id.encode().hex():0>24}",
        }

    def _issues(self, sold: TokenSpec, amount: str) -> Fields:
        issue = self.venue.personality.issue
        allowance = {"actual": "0", "spender": ROUTER}
        balance = {"token": sold.address, "actual": "0", "expected": amount}
        return {
            "allowance": allowance if issue == "allowance" else None,
            "balance": balance if issue == "balance" else None,
            "simulationIncomplete": bool(issue),
            "invalidSourcesPassed": [],
        }


_UNTAXED: Final = {"buyTaxBps": "0", "sellTaxBps": "0", "transferTaxBps": "0"}
