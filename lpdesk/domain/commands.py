"""Commands: what people ask the desk to do, in the imperative."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from lpdesk.domain.making import OrderKind
from lpdesk.domain.values import Dealt, Side


class Command(Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """Something a person, or a program on their behalf, wants done."""


class RequestQuote(Command, frozen=True, kw_only=True):
    """Ask the LPs for a price for one side and one size. `amount` is in the dealt asset."""

    symbol: str
    side: Side
    dealt: Dealt
    amount: Decimal
    client: str = ""
    via: str = ""
    settle_days: int = 0
    auto_refresh: bool | None = None


class AcceptQuote(Command, frozen=True, kw_only=True):
    """Deal on exactly this client quote. `crossed_ok` is the dealer's word on a crossed market."""

    rfq_id: str
    quote_id: str
    crossed_ok: bool = False


class CancelRfq(Command, frozen=True, kw_only=True):
    """End a request without dealing."""

    rfq_id: str


class SetAutoRefresh(Command, frozen=True, kw_only=True):
    """Whether a request starts a fresh first round when its price expires."""

    rfq_id: str
    on: bool


class Halt(Command, frozen=True, kw_only=True):
    """Send nothing out any more: no request, no order. Survives a restart."""

    why: str = ""


class Resume(Command, frozen=True, kw_only=True):
    """End a halt."""


class StartMaker(Command, frozen=True, kw_only=True):
    """Let the maker of a pair quote (again). Empty: of every pair."""

    symbol: str = ""


class StopMaker(Command, frozen=True, kw_only=True):
    """Pull the ladder of a pair and keep it pulled. Empty: of every pair."""

    symbol: str = ""


class SetMaker(Command, frozen=True, kw_only=True):
    """Change one parameter of a pair's maker; it holds from the next ladder on."""

    symbol: str
    parameter: str
    value: Decimal


class PlaceOrder(Command, frozen=True, kw_only=True):
    """Enter an order into our own exchange for a client. `price` is None for a market order."""

    symbol: str
    side: Side
    kind: OrderKind
    quantity: Decimal
    price: Decimal | None = None
    client: str = ""


class CancelOrders(Command, frozen=True, kw_only=True):
    """Take orders off our exchange: one by its id, or all that were entered by hand."""

    order_id: str = ""


class UnblockLp(Command, frozen=True, kw_only=True):
    """A person has looked at the LP's break: let it quote again."""

    lp: str
