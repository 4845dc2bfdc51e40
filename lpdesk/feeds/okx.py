"""`kind = "okx"`: the v5 public channel `bbo-tbt`, a whole top of book every 10 ms at most.

https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
"""

from __future__ import annotations

from collections.abc import Sequence

from lpdesk.domain.wire import Fields, Malformed, dump, parse
from lpdesk.feeds.dialect import Beat, Leaving, Refused, Said

LEAVING_CODE = "64008"


class Okx:
    """Wants the four letters `ping` of whoever hears nothing; hangs up after 30 s of silence."""

    URL = "wss://ws.okx.com:8443/ws/v5/public"
    REST_URL = "https://www.okx.com"
    BEAT = Beat(silence_s=28.0, text="ping", text_after_s=20.0)
    ROTATE_S = None
    POLL_S = 1.5

    def hello(self, markets: Sequence[str]) -> tuple[str, ...]:
        """One message for all: 480 an hour are allowed."""
        args = [{"channel": "bbo-tbt", "instId": market} for market in markets]
        return (dump({"id": "1", "op": "subscribe", "args": args}).decode(),)

    def read(self, message: str) -> Sequence[Said]:
        """Events and data share the channel; `pong` is not JSON."""
        if message == "pong":
            return ()
        fields = Fields(parse(message))
        match fields.text("event"):
            case "error":
                raise Refused(fields.text("msg") or "request refused")
            case "notice" if fields.text("code") == LEAVING_CODE:
                raise Leaving
            case "":
                market = fields.inner("arg").identifier("instId")
                return tuple(_said(market, row) for row in fields.rows("data"))
            case _:
                return ()

    @staticmethod
    def market(symbol: str) -> str:
        """BTC-USDT."""
        return symbol.replace("/", "-").upper()

    @staticmethod
    def target(market: str) -> str:
        """20 requests in 2 s are allowed."""
        return f"/api/v5/market/ticker?instId={market}"

    @staticmethod
    def read_rest(market: str, answer: Fields) -> Said:
        """An error is a `code` other than 0, with HTTP status 200."""
        if answer.text("code") != "0":
            raise Refused(answer.text("msg") or "request refused", market)
        rows = answer.rows("data")
        if len(rows) != 1:
            raise Malformed("not one ticker")
        return Said(rows[0].identifier("instId"), rows[0].raw("bidPx"), rows[0].raw("askPx"))


def _said(market: str, row: Fields) -> Said:
    return Said(market, _best(row, "bids"), _best(row, "asks"), row.whole("seqId"))


def _best(row: Fields, side: str) -> object:
    """The first level's price; a side without any level is an empty text, as in the tickers."""
    match row.raw(side):
        case []:
            return ""
        case [[price, *_], *_]:
            return price
        case _:
            raise Malformed(f"{side} not levels")
