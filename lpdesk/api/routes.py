"""The one table of routes: it drives the router, the checks, and the published document."""

from __future__ import annotations

from msgspec import Struct

from lpdesk.api import others, quotes
from lpdesk.api.others import Handler
from lpdesk.api.resources import ASSETS, QUOTES, Resource
from lpdesk.api.schema import MONEY, NAME, Body, Field, choice


class Route(Struct, frozen=True, kw_only=True):
    """A call. `gives` is the resource it answers with, `many` whether a list of it.

    `open` needs no key, `deals` one that may deal. `refuses`: statuses of its own beside the
    common ones.
    """

    method: str
    path: str
    name: str
    summary: str
    handler: Handler
    gives: Resource | None = None
    many: bool = False
    body: Body | None = None
    success: int = 200
    media_type: str = "application/vnd.api+json"
    open: bool = False
    refuses: tuple[int, ...] = ()

    @property
    def deals(self) -> bool:
        return self.method == "POST"


_QUOTE = Body(
    "quotes",
    (
        Field("asset-id", NAME, required=True, about="What is bought or sold, such as BTC."),
        Field("transaction-type", choice("buy", "sell"), required=True),
        Field("amount", MONEY, about="In cash; or say unit-count."),
        Field("unit-count", MONEY, about="In units of the asset; or say amount."),
        Field("cash-asset-id", NAME, about="What it is paid with; default: the desk's."),
        Field("account-id", NAME, about="Default: the caller's own."),
    ),
)

ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/v2/quotes",
        name="createQuote",
        summary="Ask for a firm price. It can be executed until expires-at.",
        handler=quotes.create,
        body=_QUOTE,
        gives=QUOTES,
        success=201,
        refuses=(404,),
    ),
    Route(
        method="GET",
        path="/v2/quotes",
        name="listQuotes",
        summary="Quotes, newest first.",
        handler=others.listing(QUOTES),
        gives=QUOTES,
        many=True,
    ),
    Route(
        method="GET",
        path="/v2/quotes/{id}",
        name="getQuote",
        summary="One quote.",
        handler=quotes.show,
        gives=QUOTES,
    ),
    Route(
        method="POST",
        path="/v2/quotes/{id}/execute",
        name="executeQuote",
        summary="Deal on a quote, once. An outcome not known yet reads executing.",
        handler=quotes.execute,
        gives=QUOTES,
    ),
    Route(
        method="POST",
        path="/v2/quotes/{id}/cancel",
        name="cancelQuote",
        summary="Take back a quote that was not executed.",
        handler=quotes.cancel,
        gives=QUOTES,
    ),
    Route(
        method="GET",
        path="/v2/assets",
        name="listAssets",
        summary="What is dealt here.",
        handler=others.ASSET_LIST,
        gives=ASSETS,
        many=True,
    ),
    Route(
        method="GET",
        path="/v2/assets/{id}",
        name="getAsset",
        summary="One asset.",
        handler=others.ASSET,
        gives=ASSETS,
    ),
    Route(
        method="GET",
        path="/healthz",
        name="health",
        summary="Whether the desk is open.",
        handler=others.health,
        media_type="application/json",
        open=True,
    ),
    Route(
        method="GET",
        path="/metrics",
        name="metrics",
        summary="Figures for Prometheus.",
        handler=others.metrics,
        media_type=others.PROMETHEUS,
        open=True,
    ),
    Route(
        method="GET",
        path="/openapi.json",
        name="openapi",
        summary="This document.",
        handler=others.published,
        media_type="application/json",
        open=True,
    ),
)
