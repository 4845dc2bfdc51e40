"""B2C2's orders in the stand-in: fill or kill at a limit, the list of what became of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lpdesk.sandbox.book import Execution
from lpdesk.sandbox.dealing import Quote
from lpdesk.sandbox.personality import Mood, Stage
from lpdesk.sandbox.venue import Venue
from lpdesk.sandbox.wire import (
    Refusal,
    parse_object,
    quantity_field,
    read_body,
    since_ns,
    text_field,
)

MAX_PAGE: Final = 1_000
_BPS: Final = Decimal(10_000)
_PAST, _NO_TIME = "1021", "1020"
_KEYS: Final = {
    "client_order_id", "instrument", "side", "quantity", "order_type", "price", "valid_until",
    "force_open", "acceptable_slippage_in_basis_points", "executing_unit",
}  # fmt: skip

Shown = dict[str, dict[str, list[Quote | None]]]
"""Symbol -> client's side -> the quotes behind the levels that were streamed last."""


def time_text(at_ns: int) -> str:
    """Theirs: microseconds and a Z."""
    moment = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ns % 1_000_000_000 // 1_000:06d}Z"


class Orders:
    """The two calls. `names`: instrument -> symbol."""

    def __init__(self, venue: Venue, names: Mapping[str, str], shown: Shown) -> None:
        self._venue = venue
        self._names = names
        self._shown = shown
        self._wishes: dict[str, dict[str, Any]] = {}

    async def order(self, request: Request) -> Response:
        """POST: dealt at once at the limit or better, or not at all, which is a 200 as well."""
        venue, wish = self._venue, parse_object(await read_body(request))
        symbol, order_id, limit = self._checked(wish)
        await venue.think()
        mood = venue.mood(Stage.EXECUTE)
        if mood is Mood.HANG_EXECUTE:
            return await venue.hang(request)
        if mood is Mood.RESET_BEFORE_FILL:
            return await venue.reset(request)
        await venue.wait(venue.personality.hold_ms)
        self._in_time(wish)
        side, quantity = wish["side"].upper(), quantity_field(wish)
        self._wishes[order_id] = wish
        ref = self._quote(symbol, side, quantity, limit)
        execution = await venue.deal(ref, order_id, quantity, mood)
        if lost := await venue.mislaid(request, execution, mood):
            return lost
        return JSONResponse(self._row(execution))

    def _checked(self, wish: dict[str, Any]) -> tuple[str, str, Decimal]:
        """Symbol, client's id and limit with its slippage. Raises Refusal."""
        if strange := sorted(wish.keys() - _KEYS):
            raise Refusal(400, "1017", f"illegal parameter {strange[0]}")
        symbol = self._names.get(text_field(wish, "instrument"), "")
        order_id, side = text_field(wish, "client_order_id"), text_field(wish, "side")
        if symbol not in self._venue.personality.pairs:
            raise Refusal(400, "1001", "instrument not allowed")
        if side not in ("buy", "sell"):
            raise Refusal(400, "1017", "side must be buy or sell")
        if wish.get("order_type") != "FOK":
            raise Refusal(400, "1023", "only FOK here")
        if len(str(wish.get("executing_unit", ""))) > 50:
            raise Refusal(400, "1017", "executing_unit is too long")
        try:
            UUID(order_id)
            price, slip = Decimal(text_field(wish, "price")), Decimal(_slippage(wish))
        except (ValueError, InvalidOperation) as trouble:
            raise Refusal(400, "1017", "illegal parameter") from trouble
        if not 0 <= slip <= 20 or price <= 0 or order_id in self._wishes:
            raise Refusal(400, "1017", "illegal parameter")
        return symbol, order_id, price * (1 + (slip if side == "buy" else -slip) / _BPS)

    def _in_time(self, wish: dict[str, Any]) -> None:
        if not (text := wish.get("valid_until")):
            return
        try:
            until_ns = since_ns(str(text) if str(text).endswith("Z") else f"{text}Z")
        except Refusal as trouble:
            raise Refusal(400, _NO_TIME, "valid_until is malformed") from trouble
        if until_ns <= self._venue.clock_ns():
            raise Refusal(400, _PAST, "the order has expired")

    def _quote(self, symbol: str, side: str, quantity: Decimal, limit: Decimal) -> str:
        """The quote of the smallest level streamed for that size, if it is within the limit."""
        venue = self._venue
        now_ns, shown = venue.now_ns(), self._shown.get(symbol, {}).get(side, [])
        fit = (q for q in shown if q and q.quantity >= quantity and q.expires_ns > now_ns)
        quote = next(fit, None)
        if quote is None:
            habits = venue.personality
            [quote] = venue.dealer.levels(habits, symbol, (quantity,), now_ns, None)[side]
        if quote is None:
            raise Refusal(400, "1010", "quantity too big")
        inside = quote.price <= limit if side == "BUY" else quote.price >= limit
        return quote.quote_id if inside else "killed"

    async def orders(self, request: Request) -> Response:
        """GET: newest first."""
        venue, query = self._venue, request.query_params
        mood = venue.mood(Stage.STATUS)
        if mood is Mood.HANG_STATUS:
            return await venue.hang(request)
        since = query.get("created__gte")
        start_ns = since_ns(since.replace(" ", "+")) if since else 0
        limit = min(int(query.get("limit", "50")), MAX_PAGE)
        now_ns, booked = venue.now_ns(), await venue.executions()
        rows = [
            self._row(execution)
            for execution in reversed(booked)
            if start_ns <= execution.at_ns and execution.shown_from_ns <= now_ns
        ]
        return JSONResponse([] if mood is Mood.LOSE_STATUS else rows[:limit])

    def _row(self, execution: Execution) -> dict[str, Any]:
        answer, wish = execution.answer(), self._wishes.get(execution.client_order_id, {})
        created, dealt = time_text(execution.at_ns), execution.status != "REJECTED"
        terms = {name: wish.get(name, "") for name in ("instrument", "side", "price")}
        trade = {
            "instrument": terms["instrument"],
            "side": terms["side"],
            "trade_id": answer["executionId"],
            "rfq_id": None,
            "created": created,
            "price": answer["fillPrice"],
            "quantity": answer["fillQuantity"],
            "order": execution.execution_id,
        }
        return {
            **terms,
            "order_id": execution.execution_id,
            "client_order_id": execution.client_order_id,
            "quantity": wish.get("quantity", ""),
            "executed_price": answer["fillPrice"] if dealt else None,
            "executing_unit": wish.get("executing_unit", ""),
            "created": created,
            "trades": [trade] if dealt else [],
        }


def _slippage(wish: Mapping[str, Any]) -> str:
    return str(wish.get("acceptable_slippage_in_basis_points", "0"))
