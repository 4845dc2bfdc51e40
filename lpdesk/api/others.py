"""Everything but quotes: lists, assets, the desk's health, and the published documents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from urllib.parse import quote

from lpdesk.api.problems import Problem
from lpdesk.api.reading import Page, parse_page
from lpdesk.api.resources import ACCOUNTS, ASSETS, Resource
from lpdesk.api.service import Answer, Ask
from lpdesk.domain.settings import Settings
from lpdesk.domain.values import ZERO
from lpdesk.domain.wire import dump

Row = Mapping[str, object]
Handler = Callable[[Ask], Awaitable[Answer]]


def listing(resource: Resource) -> Handler:
    """The handler that lists a resource of the journal's."""

    async def handler(ask: Ask) -> Answer:
        page = parse_page(resource, ask.query)
        rows, total = await ask.service.reader.page(resource, ask.organization, page)
        return _list(ask, resource, rows, page, total)

    return handler


def one(resource: Resource, what: str) -> Handler:
    """The handler that shows one object of the journal's."""

    async def handler(ask: Ask) -> Answer:
        reader, id_ = ask.service.reader, ask.path["id"]
        row = reader.find(resource, ask.organization, resource.id, id_)
        if row is None:
            raise Problem("not_found", f"there is no such {what}")
        return Answer(200, dump({"data": resource.object(row)}))

    return handler


def configured(resource: Resource, rows: Callable[[Ask], list[Row]]) -> Handler:
    """The handler that lists what the configuration has."""

    async def handler(ask: Ask) -> Answer:
        page = parse_page(resource, ask.query)
        found = rows(ask)
        begin = (page.number - 1) * page.size
        return _list(ask, resource, found[begin : begin + page.size], page, len(found))

    return handler


def configured_one(resource: Resource, rows: Callable[[Ask], list[Row]], what: str) -> Handler:
    """The handler that shows one object that the configuration has."""

    async def handler(ask: Ask) -> Answer:
        for row in rows(ask):
            if row["id"] == ask.path["id"]:
                return Answer(200, dump({"data": resource.object(row)}))
        raise Problem("not_found", f"there is no such {what}")

    return handler


def _list(
    ask: Ask, resource: Resource, rows: list[Row] | list[dict[str, object]], page: Page, total: int
) -> Answer:
    """A page with its links and counts."""
    last = max(1, -(-total // page.size))
    numbers = {
        "self": page.number,
        "first": 1,
        "last": last,
        "prev": page.number - 1 if 1 < page.number <= last else None,
        "next": page.number + 1 if page.number < last else None,
    }
    others = [(name, value) for name, value in ask.query if not name.startswith("page[")]
    links = {
        name: None if number is None else _link(resource.path, others, number, page.size)
        for name, number in numbers.items()
    }
    meta = {"page-count": last, "resource-count": total}
    objects = [resource.object(row) for row in rows]
    return Answer(200, dump({"data": objects, "links": links, "meta": meta}))


def _link(path: str, others: list[tuple[str, str]], number: int, size: int) -> str:
    parts = [*others, ("page[number]", str(number)), ("page[size]", str(size))]
    return path + "?" + "&".join(f"{quote(name)}={quote(value)}" for name, value in parts)


def assets(ask: Ask) -> list[Row]:
    """Every asset of every pair, with the finest of its decimals."""
    settings = ask.service.session.view.settings
    names = dict.fromkeys(name for p in settings.pairs for name in (p.base, p.quote))
    return [_asset(settings, name) for name in names]


def _asset(settings: Settings, name: str) -> Row:
    bases = [pair for pair in settings.pairs if pair.base == name]
    cashes = [pair for pair in settings.pairs if pair.quote == name]
    decimals = [p.base_decimals for p in bases] + [p.quote_decimals for p in cashes]
    minimum = min((pair.minimum for pair in bases), default=None)
    return {
        "id": name,
        "name": name,
        "decimals": max(decimals),
        "minimum-unit-count": None if minimum is None else _plain(minimum),
        "cash": bool(cashes),
    }


def _plain(value: Decimal) -> str:
    return format(value, "f")


ASSET_LIST = configured(ASSETS, assets)
ASSET = configured_one(ASSETS, assets, "asset")


KINDS = {
    "client": "end-user",
    "settlement": "settlement",
    "liquidity": "liquidity",
    "desk": "desk",
}
OWNED = ("client", "settlement")


def accounts(ask: Ask) -> list[Row]:
    """The accounts that the caller may see, with every asset that has been on them."""
    book = ask.service.session.view.accounts
    held, available = book.held(), book.available()
    names = sorted({account for account, _ in book.balances})
    rows: list[Row] = []
    for name in names:
        kind, _, owner = name.partition(":")
        if ask.organization and (kind not in OWNED or owner != ask.organization):
            continue
        assets = sorted(asset for account, asset in book.balances if account == name)
        rows.append(
            {
                "id": name,
                "kind": KINDS.get(kind, kind),
                "organization-id": owner if kind in OWNED else None,
                "balances": {asset: _plain(book.balances[name, asset]) for asset in assets},
                "held": {asset: _plain(held.get((name, asset), ZERO)) for asset in assets},
                "available": {asset: _plain(available[name, asset]) for asset in assets},
            }
        )
    return rows


ACCOUNT_LIST = configured(ACCOUNTS, accounts)
ACCOUNT = configured_one(ACCOUNTS, accounts, "account")


async def health(ask: Ask) -> Answer:
    """Whether the desk is open, for a load balancer."""
    view = ask.service.session.view
    fields = {
        "status": "halted" if view.status.halted else "ok",
        "environment": view.settings.environment,
        "seq": view.seq,
    }
    return Answer(200, dump(fields), media_type="application/json")


PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


async def metrics(ask: Ask) -> Answer:
    """Figures for Prometheus."""
    service = ask.service
    text = service.metrics.text(service.session.view)
    return Answer(200, text, media_type=PROMETHEUS)


async def published(ask: Ask) -> Answer:
    """The OpenAPI document."""
    return Answer(200, ask.service.published, media_type="application/json")
