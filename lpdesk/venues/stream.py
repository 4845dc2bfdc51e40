"""`kind = "stream"`: an LP that pushes two-way quotes. Orders and queries go by its REST side."""

from __future__ import annotations

from websockets.asyncio.client import ClientConnection

from lpdesk.clock import Clock
from lpdesk.domain.events import OrderSent
from lpdesk.domain.reasons import Reason
from lpdesk.domain.values import MILLISECOND
from lpdesk.domain.wire import Fields, Malformed, dump, parse
from lpdesk.venues.base import Endpoint, Submit
from lpdesk.venues.pushed import PushedVenue, websocket
from lpdesk.venues.rest import RestVenue
from lpdesk.venues.socket import Refused
from lpdesk.venues.ticks import News
from lpdesk.venues.wire import sign


class StreamVenue(PushedVenue):
    """An LP that speaks the default protocol's stream."""

    def __init__(self, endpoint: Endpoint, submit: Submit, clock: Clock) -> None:
        # What is shown may be more than what we deal, so an order says how much.
        orders = RestVenue(endpoint, submit, clock, sized_orders=True)
        super().__init__(endpoint, submit, clock, orders, websocket(endpoint.url, "/v1/stream"))

    def execute(self, order: OrderSent) -> None:
        """By a request; each quote's id is good for one."""
        self.pushing.spent(order.quote_ref)
        super().execute(order)

    async def log_on(self, socket: ClientConnection) -> None:
        timestamp = str(self.clock.now() // MILLISECOND)
        hello = {
            "type": "auth",
            "apiKey": self.endpoint.key,
            "timestamp": timestamp,
            "signature": sign(self.endpoint.secret, timestamp, "AUTH"),
        }
        await socket.send(dump(hello).decode())
        answer = Fields(parse(await socket.recv()))
        if answer.text("type") != "auth" or answer.text("status") != "ok":
            raise Refused(answer.text("message") or answer.text("status") or "no reason given")
        self.pushing.welcome()
        symbols = list(self.endpoint.symbols)
        wish = {"type": "subscribe", "channels": ["quotes"], "symbols": symbols}
        await socket.send(dump(wish).decode())

    def take(self, fields: Fields) -> None:
        if fields.text("type") != "quote":
            return
        symbol = fields.text("symbol")
        top = self.pushing.tops.get(symbol)
        if top is None:
            raise Malformed("a symbol that nobody subscribed")
        news = top.take(fields, self.clock.now())
        if news is News.GONE and top.trouble is Reason.MALFORMED:
            self.malformed += 1
        if news is not News.NONE:
            self.pushing.moved(symbol)
