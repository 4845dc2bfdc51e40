"""The one table of routes: it drives the router, the checks, and the published document."""

from __future__ import annotations

from msgspec import Struct

from lpdesk.api import others, quotes, settlements
from lpdesk.api.others import Handler
from lpdesk.api.resources import ACCOUNTS, ASSETS, PAIRS, QUOTES, TRADE_SETTLEMENTS, Resource
from lpdesk.api.schema import FLAG, MONEY, NAME, NAMES, Body, Field, choice


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
        Field("trade-desk-id", NAME, about="Default: the desk's default one."),
        Field("skip-retry", FLAG, also="skip_retry", about="No backup trade desk."),
        Field(
            "delayed-settlement",
            FLAG,
            also="delayed_settlement",
            about="Settle later; needs trade-desk-id and skip_retry.",
        ),
    ),
)

_SETTLEMENT = Body(
    "trade-settlements",
    (Field("quote-ids", NAMES, required=True, about="Executed, not settled, of one desk."),),
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
        path="/v2/accounts",
        name="listAccounts",
        summary="Accounts with their balances.",
        handler=others.ACCOUNT_LIST,
        gives=ACCOUNTS,
        many=True,
    ),
    Route(
        method="GET",
        path="/v2/accounts/{id}",
        name="getAccount",
        summary="One account.",
        handler=others.ACCOUNT,
        gives=ACCOUNTS,
    ),
    Route(
        method="GET",
        path="/v2/trade-settlement-pairs",
        name="listTradeSettlementPairs",
        summary="Who settles later with whom, and how.",
        handler=settlements.PAIR_LIST,
        gives=PAIRS,
        many=True,
    ),
    Route(
        method="GET",
        path="/v2/trade-settlement-pairs/{id}",
        name="getTradeSettlementPair",
        summary="One trade settlement pair.",
        handler=settlements.PAIR,
        gives=PAIRS,
    ),
    Route(
        method="POST",
        path="/v2/trade-settlement-pairs/{id}/trade-settlements",
        name="createTradeSettlement",
        summary="Gather executed quotes into a trade settlement.",
        handler=settlements.create,
        body=_SETTLEMENT,
        gives=TRADE_SETTLEMENTS,
        success=201,
    ),
    Route(
        method="GET",
        path="/v2/trade-settlements",
        name="listTradeSettlements",
        summary="Trade settlements, newest first.",
        handler=others.listing(TRADE_SETTLEMENTS),
        gives=TRADE_SETTLEMENTS,
        many=True,
    ),
    Route(
        method="GET",
        path="/v2/trade-settlements/{id}",
        name="getTradeSettlement",
        summary="One trade settlement.",
        handler=others.one(TRADE_SETTLEMENTS, "trade settlement"),
        gives=TRADE_SETTLEMENTS,
    ),
    Route(
        method="POST",
        path="/v2/trade-settlements/{id}/settle",
        name="settleTradeSettlement",
        summary="Make the next attempt now. Its outcome is the status in the answer.",
        handler=settlements.settle,
        gives=TRADE_SETTLEMENTS,
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
