"""`kind = "binance"`: spot `bookTicker` of the market-data hosts, which need no account.

https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
"""

from __future__ import annotations

from collections.abc import Sequence

from lpdesk.domain.wire import Fields, dump, parse
from lpdesk.feeds.dialect import Beat, Leaving, Refused, Said


class Binance:
    """Pings us every 20 s, which the library answers; cuts every connection after 24 h."""

    URL = "wss://data-stream.binance.vision/ws"
    REST_URL = "https://data-api.binance.vision"
    # There is no application heartbeat, so a dead line shows by an unanswered ping of ours.
    BEAT = Beat(ping_s=20.0)
    ROTATE_S = 23 * 3_600.0
    POLL_S = 1.5

    def hello(self, markets: Sequence[str]) -> tuple[str, ...]:
        """One message for all: at most five a second may be sent."""
        streams = [f"{market.lower()}@bookTicker" for market in markets]
        return (dump({"method": "SUBSCRIBE", "params": streams, "id": 1}).decode(),)

    def read(self, message: str) -> Sequence[Said]:
        """A raw stream's payload, or one wrapped by a combined stream (`/stream`)."""
        fields = Fields(parse(message))
        if "stream" in fields:
            fields = fields.inner("data")
        if "code" in fields:
            raise Refused(fields.text("msg") or "request refused")
        if "e" in fields and fields.text("e") == "serverShutdown":
            raise Leaving
        if "u" not in fields:
            return ()  # the answer to SUBSCRIBE, or an event that is not ours
        version = fields.whole("u")
        return (Said(fields.identifier("s"), fields.raw("b"), fields.raw("a"), version),)

    @staticmethod
    def market(symbol: str) -> str:
        """BTCUSDT; only stream names are in lower case."""
        return symbol.replace("/", "").upper()

    @staticmethod
    def target(market: str) -> str:
        """One symbol, weight 2."""
        return f"/api/v3/ticker/bookTicker?symbol={market}"

    @staticmethod
    def read_rest(market: str, answer: Fields) -> Said:
        """Without an update id."""
        return Said(answer.identifier("symbol"), answer.raw("bidPrice"), answer.raw("askPrice"))
