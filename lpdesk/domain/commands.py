"""Commands: what people ask the desk to do, in the imperative."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from lpdesk.domain.making import OrderKind
from lpdesk.domain.values import Dealt, Instant, Side


class Origin(Struct, frozen=True, kw_only=True):
    """Who asked from outside: the name of an API key, and what a repeat of the request is known by.

    `token` is what the caller calls the request, empty if nothing; `digest` is of all it says.
    """

    caller: str
    token: str = ""
    digest: str = ""


class Command(Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """Something a person, or a program on their behalf, wants done."""


class Asked(Command, frozen=True, kw_only=True):
    """A command that may also come from outside, over the API; `origin` is None from the desk."""

    origin: Origin | None = None


class RequestQuote(Asked, frozen=True, kw_only=True):
    """Ask the LPs for a price for one side and one size. `amount` is in the dealt asset.

    With `firm_after_ns` the price is fixed at the end of the first round, or so long after it began
    if some LP has not answered: from then on it stands until it expires.
    `desk` asks that trade desk alone; else the default one is asked and, when it gives an error,
    the backup unless `skip_retry`. `delayed` settles later, `settle_days` settlement days on.
    `via` names an LP, or a trade desk.
    """

    symbol: str
    side: Side
    dealt: Dealt
    amount: Decimal
    client: str = ""
    via: str = ""
    settle_days: int = 0
    auto_refresh: bool | None = None
    firm_after_ns: int | None = None
    desk: str = ""
    skip_retry: bool = False
    delayed: bool = False


class AcceptQuote(Asked, frozen=True, kw_only=True):
    """Deal on exactly this client quote. `crossed_ok` is the dealer's word on a crossed market."""

    rfq_id: str
    quote_id: str
    crossed_ok: bool = False


class CancelRfq(Asked, frozen=True, kw_only=True):
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


class KeepAnswer(Asked, frozen=True, kw_only=True):
    """Remember what the origin's request was answered: its repeats get the same."""

    status: int
    body: str


class UnblockLp(Command, frozen=True, kw_only=True):
    """A person has looked at the LP's break: let it quote again."""

    lp: str


class Deposit(Asked, frozen=True, kw_only=True):
    """Money came in from outside, to an account of an organization or a desk's liquidity."""

    account: str
    asset: str
    amount: Decimal


class Withdraw(Asked, frozen=True, kw_only=True):
    """Money goes out, if it is available."""

    account: str
    asset: str
    amount: Decimal


class CreateSettlement(Asked, frozen=True, kw_only=True):
    """Settle these delayed trades together. They are named by trade, quote or request id.

    `pair_id` may be left out: it is the one of the first trade's client and desk. With
    `organization` the ids of others are not known here.
    """

    trades: tuple[str, ...]
    pair_id: str = ""
    organization: str = ""


class SettleNow(Asked, frozen=True, kw_only=True):
    """Make the next attempt of a settlement at once."""

    settlement_id: str
    organization: str = ""


class Reconcile(Command, frozen=True, kw_only=True):
    """Compare our trades with the LPs' lists now: one LP's or all. `since` None: as far as due."""

    lp: str = ""
    since: Instant | None = None


class CloseBreak(Command, frozen=True, kw_only=True):
    """A person has explained a break: it is closed, and not opened again for the same thing."""

    break_id: str
    why: str


class AssignBreak(Command, frozen=True, kw_only=True):
    """Somebody else shall look after a break; `note` says what for, or how far it is."""

    break_id: str
    owner: str
    note: str = ""


class ResendWebhook(Command, frozen=True, kw_only=True):
    """Try a webhook again that had its last try, or that was lost on the other side."""

    event_id: str
    endpoint: str = ""


class EnableEndpoint(Command, frozen=True, kw_only=True):
    """An endpoint that said it is gone is there again."""

    endpoint: str
