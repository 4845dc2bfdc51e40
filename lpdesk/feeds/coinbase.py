"""`kind = "coinbase"`: Advanced Trade's public channel `ticker`, with `heartbeats` beside it.

https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels
"""

from __future__ import annotations

from collections.abc import Sequence

from lpdesk.domain.wire import Fields, dump, parse
from lpdesk.feeds.dialect import Beat, Hole, Refused, Said


class Coinbase:
    """Numbers all messages of a connection from 0: a number left out is a message lost."""

    URL = "wss://advanced-trade-ws.coinbase.com"
    REST_URL = "https://api.coinbase.com"
    BEAT = Beat(silence_s=5.0)  # heartbeats come every second
    ROTATE_S = None
    POLL_S = 1.5

    def __init__(self) -> None:
        self._last: int | None = None

    def hello(self, markets: Sequence[str]) -> tuple[str, ...]:
        """One channel a message. Heartbeats keep the connection of a quiet market open."""
        ticker = {"type": "subscribe", "product_ids": list(markets), "channel": "ticker"}
        heartbeats = {"type": "subscribe", "channel": "heartbeats"}
        return dump(ticker).decode(), dump(heartbeats).decode()

    def read(self, message: str) -> Sequence[Said]:
        """Snapshots and updates read alike."""
        fields = Fields(parse(message))
        if fields.text("type") == "error":
            raise Refused(fields.text("message") or "request refused")
        if not self._is_next(fields.whole("sequence_num")) or fields.text("channel") != "ticker":
            return ()
        return tuple(
            Said(row.identifier("product_id"), row.raw("best_bid"), row.raw("best_ask"))
            for event in fields.rows("events")
            for row in event.rows("tickers")
        )

    def _is_next(self, number: int) -> bool:
        """False for what came before. Raises Hole."""
        last = self._last
        if last is not None and number <= last:
            return False
        self._last = number
        if last is not None and number != last + 1:
            raise Hole
        return True

    @staticmethod
    def market(symbol: str) -> str:
        """BTC-USD."""
        return symbol.replace("/", "-").upper()

    @staticmethod
    def target(market: str) -> str:
        """The newest trade comes with the top of book; that is the least one can ask for."""
        return f"/api/v3/brokerage/market/products/{market}/ticker?limit=1"

    @staticmethod
    def read_rest(market: str, answer: Fields) -> Said:
        """The answer does not name its market."""
        return Said(market, answer.raw("best_bid"), answer.raw("best_ask"))
