"""The languages of the four stand-in exchanges, as their documentation has them.

Written from the protocols' page and not from our adapters, so that each checks the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from lpdesk.sandbox.exchange import Conversation, Top
from lpdesk.sandbox.market import PAIRS

_NS_PER_MS: Final = 1_000_000
_JOINED: Final = {symbol.replace("/", ""): symbol for symbol in PAIRS}
_DASHED: Final = {symbol.replace("/", "-"): symbol for symbol in PAIRS}
_XBT: Final = {symbol.replace("/", "").replace("BTC", "XBT"): symbol for symbol in PAIRS}

Rest = tuple[int, Any]


def _object(message: str) -> dict[str, Any] | None:
    """A JSON object, or None."""
    try:
        read = json.loads(message)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def _iso(at_ns: int) -> str:
    moment = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).replace(tzinfo=None)
    return f"{moment.isoformat()}.{at_ns % 1_000_000_000:09d}Z"


class _Talk:
    """What most conversations leave out."""

    def __init__(self) -> None:
        self.symbols: list[str] = []

    def greeting(self) -> tuple[str, ...]:
        return ()

    def beat(self, at_ns: int) -> tuple[str, ...]:
        return ()

    def skip(self) -> None:
        """Nobody could tell."""

    def _add(self, symbol: str) -> None:
        if symbol not in self.symbols:
            self.symbols.append(symbol)


class Binance:
    """Spot `bookTicker`: raw streams, WebSocket pings, unknown streams are just silent."""

    kind = "binance"
    path = "/ws"
    rest_path = "/api/v3/ticker/bookTicker"
    ping_seconds: float | None = 20.0
    notice: tuple[str, ...] = ('{"e":"serverShutdown","E":1770123456789}',)

    def converse(self) -> Conversation:
        return _BinanceTalk()

    def rest(self, parameters: Mapping[str, str], top: Callable[[str], Top]) -> Rest:
        name = parameters.get("symbol", "")
        if name not in _JOINED:
            return 400, {"code": -1121, "msg": "Invalid symbol."}
        shown = top(_JOINED[name])
        sizes = {"bidQty": shown.bid_size, "askQty": shown.ask_size}
        return 200, {"symbol": name, "bidPrice": shown.bid, "askPrice": shown.ask} | sizes


class _BinanceTalk(_Talk):
    def answer(self, message: str) -> tuple[str, ...]:
        wish = _object(message)
        if wish is None:
            return ('{"code":3,"msg":"Invalid JSON: expected value at line 1 column 1"}',)
        streams = wish.get("params")
        if wish.get("method") != "SUBSCRIBE" or not isinstance(streams, list):
            refusal = {"code": 2, "msg": "Invalid request: unknown method", "id": wish.get("id")}
            return (json.dumps(refusal),)
        for stream in streams:
            name, _, channel = str(stream).partition("@")
            if channel == "bookTicker" and name.islower() and name.upper() in _JOINED:
                self._add(_JOINED[name.upper()])
        return (json.dumps({"result": None, "id": wish.get("id")}),)

    def price(self, symbol: str, top: Top, at_ns: int, update: int) -> str:
        name = symbol.replace("/", "")
        said = {"u": 400_900_000 + update, "s": name, "b": top.bid, "B": top.bid_size}
        return json.dumps(said | {"a": top.ask, "A": top.ask_size})


class Okx:
    """v5 public: the whole top of book each time; `ping` and `pong` in plain text."""

    kind = "okx"
    path = "/ws/v5/public"
    rest_path = "/api/v5/market/ticker"
    ping_seconds: float | None = None
    notice: tuple[str, ...] = (
        '{"event":"notice","code":"64008","msg":"Service upgrade soon.","connId":"a4d3ae55"}',
    )

    def converse(self) -> Conversation:
        return _OkxTalk()

    def rest(self, parameters: Mapping[str, str], top: Callable[[str], Top]) -> Rest:
        name = parameters.get("instId", "")
        if name not in _DASHED:
            return 200, {"code": "51001", "msg": "Instrument ID doesn't exist.", "data": []}
        shown = top(_DASHED[name])
        row = {"instType": "SPOT", "instId": name, "last": shown.bid, "ts": "1741262400123"}
        row |= {"bidPx": shown.bid, "bidSz": shown.bid_size}
        row |= {"askPx": shown.ask, "askSz": shown.ask_size}
        return 200, {"code": "0", "msg": "", "data": [row]}


class _OkxTalk(_Talk):
    def answer(self, message: str) -> tuple[str, ...]:
        if message == "ping":
            return ("pong",)
        wish = _object(message) or {}
        if wish.get("op") != "subscribe" or not isinstance(wish.get("args"), list):
            return (self._refused("60012", "Invalid request"),)
        return tuple(self._subscribe(arg) for arg in wish["args"])

    def _subscribe(self, arg: Any) -> str:
        name = arg.get("instId") if isinstance(arg, dict) else None
        if name not in _DASHED or arg.get("channel") != "bbo-tbt":
            return self._refused("60018", f"Wrong URL or channel:bbo-tbt,instId:{name}")
        self._add(_DASHED[name])
        return json.dumps({"event": "subscribe", "arg": arg, "connId": "a4d3ae55"})

    def _refused(self, code: str, text: str) -> str:
        return json.dumps({"event": "error", "code": code, "msg": text, "connId": "a4d3ae55"})

    def price(self, symbol: str, top: Top, at_ns: int, update: int) -> str:
        book = {
            "asks": [[top.ask, top.ask_size, "0", "4"]] if top.ask else [],
            "bids": [[top.bid, top.bid_size, "0", "7"]] if top.bid else [],
            "ts": str(at_ns // _NS_PER_MS),
            "seqId": 123_456 + update,
        }
        arg = {"channel": "bbo-tbt", "instId": symbol.replace("/", "-")}
        return json.dumps({"arg": arg, "data": [book]})


class Coinbase:
    """Advanced Trade: every message of a connection is numbered."""

    kind = "coinbase"
    path = "/"
    rest_path = "/api/v3/brokerage/market/products/{name}/ticker"
    ping_seconds: float | None = None
    notice: tuple[str, ...] = ()

    def converse(self) -> Conversation:
        return _CoinbaseTalk()

    def rest(self, parameters: Mapping[str, str], top: Callable[[str], Top]) -> Rest:
        name = parameters["name"]
        if name not in _DASHED:
            return 404, {"error": "NOT_FOUND", "message": "product not found"}
        shown = top(_DASHED[name])
        return 200, {"trades": [], "best_bid": shown.bid, "best_ask": shown.ask}


class _CoinbaseTalk(_Talk):
    def __init__(self) -> None:
        super().__init__()
        self._sent = 0
        self._beats: int | None = None

    def answer(self, message: str) -> tuple[str, ...]:
        wish = _object(message) or {}
        names = wish.get("product_ids", [])
        if wish.get("type") != "subscribe" or wish.get("channel") not in ("ticker", "heartbeats"):
            return ('{"type":"error","message":"message could not be understood"}',)
        if strange := [name for name in names if name not in _DASHED]:
            return (json.dumps({"type": "error", "message": f"unknown product {strange[0]}"}),)
        if wish["channel"] == "heartbeats":
            self._beats = 0
        for name in names:
            self._add(_DASHED[name])
        return (self._frame("subscriptions", 0, {"subscriptions": {wish["channel"]: names}}),)

    def price(self, symbol: str, top: Top, at_ns: int, update: int) -> str:
        ticker = {
            "type": "ticker",
            "product_id": symbol.replace("/", "-"),
            "price": top.bid,
            "best_bid": top.bid,
            "best_bid_quantity": top.bid_size,
            "best_ask": top.ask,
            "best_ask_quantity": top.ask_size,
        }
        return self._frame("ticker", at_ns, {"type": "update", "tickers": [ticker]})

    def beat(self, at_ns: int) -> tuple[str, ...]:
        if self._beats is None:
            return ()
        self._beats += 1
        event = {"current_time": _iso(at_ns), "heartbeat_counter": self._beats}
        return (self._frame("heartbeats", at_ns, event),)

    def skip(self) -> None:
        self._sent += 1

    def _frame(self, channel: str, at_ns: int, event: dict[str, Any]) -> str:
        number, self._sent = self._sent, self._sent + 1
        head = {"channel": channel, "client_id": "", "timestamp": _iso(at_ns)}
        return json.dumps(head | {"sequence_num": number, "events": [event]})


class Kraken:
    """v2: one answer a symbol, prices as JSON numbers; REST by the names of old."""

    kind = "kraken"
    path = "/v2"
    rest_path = "/0/public/Ticker"
    ping_seconds: float | None = None
    notice: tuple[str, ...] = (
        '{"channel":"status","type":"update","data":[{"system":"maintenance"}]}',
    )

    def converse(self) -> Conversation:
        return _KrakenTalk()

    def rest(self, parameters: Mapping[str, str], top: Callable[[str], Top]) -> Rest:
        name = parameters.get("pair", "")
        if name not in _XBT:
            return 200, {"error": ["EQuery:Unknown asset pair"]}
        shown = top(_XBT[name])
        row = {"a": [shown.ask, "1", "1.000"], "b": [shown.bid, "1", "1.000"]}
        base, quote = name[:3], name[3:]
        return 200, {"error": [], "result": {f"X{base}Z{quote}": row}}


class _KrakenTalk(_Talk):
    def greeting(self) -> tuple[str, ...]:
        status = {"system": "online", "api_version": "v2", "connection_id": 12345}
        return (json.dumps({"channel": "status", "type": "update", "data": [status]}),)

    def answer(self, message: str) -> tuple[str, ...]:
        wish = _object(message) or {}
        number = wish.get("req_id")
        if wish.get("method") == "ping":
            return (json.dumps({"method": "pong", "req_id": number}),)
        params = wish.get("params") or {}
        if wish.get("method") != "subscribe" or params.get("channel") != "ticker":
            head = {"error": "Method not found", "method": wish.get("method"), "success": False}
            return (json.dumps(head | {"req_id": number}),)
        # With the default trigger quotes move on trades only, and here nobody trades.
        told = params.get("event_trigger") == "bbo"
        return tuple(self._subscribe(name, told, number) for name in params.get("symbol", []))

    def _subscribe(self, name: str, told: bool, number: Any) -> str:
        if name not in PAIRS:
            error = f"Currency pair not supported {name}"
            head = {"error": error, "method": "subscribe", "success": False, "symbol": name}
            return json.dumps(head | {"req_id": number})
        if told:
            self._add(name)
        result = {"channel": "ticker", "symbol": name, "snapshot": True}
        head = {"method": "subscribe", "result": result, "success": True}
        return json.dumps(head | {"req_id": number})

    def price(self, symbol: str, top: Top, at_ns: int, update: int) -> str:
        # By hand: Python writes numbers in JSON only by way of floats.
        return (
            f'{{"channel":"ticker","type":"update","data":[{{"symbol":"{symbol}",'
            f'"bid":{top.bid},"bid_qty":{top.bid_size},"ask":{top.ask},"ask_qty":{top.ask_size},'
            f'"last":{top.bid},"volume":1.0,"timestamp":"{_iso(at_ns)[:-4]}Z"}}]}}'
        )

    def beat(self, at_ns: int) -> tuple[str, ...]:
        return ('{"channel":"heartbeat"}',) if self.symbols else ()
