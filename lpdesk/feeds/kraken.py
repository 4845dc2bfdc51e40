"""`kind = "kraken"`: the WebSocket v2 channel `ticker`, triggered by the top of book.

https://docs.kraken.com/api/docs/websocket-v2/ticker
"""

from __future__ import annotations

from collections.abc import Sequence

from lpdesk.domain.text import clean
from lpdesk.domain.wire import TEXT_LIMIT, Fields, Malformed, dump, parse
from lpdesk.feeds.dialect import Beat, Refused, Said, Shut

OLD_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
"""What the REST side still calls them."""


class Kraken:
    """Prices are JSON numbers, read as decimals from their text. In maintenance there are none."""

    URL = "wss://ws.kraken.com/v2"
    REST_URL = "https://api.kraken.com"
    BEAT = Beat(silence_s=5.0)  # heartbeats come about every second while subscribed
    ROTATE_S = None
    POLL_S = 2.0  # public REST allows about one request a second

    def __init__(self) -> None:
        self._system = "online"

    def hello(self, markets: Sequence[str]) -> tuple[str, ...]:
        """Without `event_trigger` only trades would move the quotes."""
        params = {
            "channel": "ticker",
            "symbol": list(markets),
            "event_trigger": "bbo",
            "snapshot": True,
        }
        return (dump({"method": "subscribe", "params": params, "req_id": 1}).decode(),)

    def read(self, message: str) -> Sequence[Said]:
        """Prices of a system that is not wholly open are not believed."""
        fields = Fields(parse(message))
        if "method" in fields:
            if fields.raw("success") is False:
                raise Refused(fields.text("error") or "request refused", fields.text("symbol"))
            return ()
        match fields.text("channel"):
            case "status":
                self._hear_status(fields.rows("data"))
                return ()
            case "ticker" if self._system == "online":
                return tuple(
                    Said(row.identifier("symbol"), row.raw("bid"), row.raw("ask"))
                    for row in fields.rows("data")
                )
            case _:
                return ()

    def _hear_status(self, rows: Sequence[Fields]) -> None:
        for row in rows:
            self._system = row.text("system")
        if self._system != "online":
            raise Shut(self._system or "not online")

    @staticmethod
    def market(symbol: str) -> str:
        """BTC/USD, as we write it."""
        return symbol.upper()

    @staticmethod
    def target(market: str) -> str:
        """XBTUSD, the names of old."""
        name = "".join(OLD_NAMES.get(asset, asset) for asset in market.split("/"))
        return f"/0/public/Ticker?pair={name}"

    @staticmethod
    def read_rest(market: str, answer: Fields) -> Said:
        """Errors come with HTTP status 200. The result's only key is a name of its own."""
        match answer.raw("error"):
            case []:
                pass
            case [str(text), *_]:
                raise Refused(clean(text, TEXT_LIMIT), market)
            case _:
                raise Malformed("error not a list")
        match answer.raw("result"):
            case {**results} if len(results) == 1:
                ticker = Fields(next(iter(results.values())))
                return Said(market, _first(ticker, "b"), _first(ticker, "a"))
            case _:
                raise Malformed("not one ticker")


def _first(ticker: Fields, name: str) -> object:
    match ticker.raw(name):
        case [price, *_]:
            return price
        case _:
            raise Malformed(f"{name} not a list")
