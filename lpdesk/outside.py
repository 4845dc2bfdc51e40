"""What is outside of one desk: its LPs and reference feeds, configured or stand-ins of the sandbox.

The network and the sandbox are imported when they start, after the first paint.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lpdesk import config
from lpdesk.clock import Clock
from lpdesk.config import Config
from lpdesk.domain import settings as s
from lpdesk.domain.capabilities import KINDS, Capabilities
from lpdesk.domain.events import LpAsked, OrderQueried, OrderSent
from lpdesk.domain.making import PARAMETERS
from lpdesk.domain.record import Event
from lpdesk.domain.reports import TakerOrdered
from lpdesk.domain.values import MILLISECOND, SECOND
from lpdesk.engines import internal
from lpdesk.journal import outbox
from lpdesk.runtime import Runtime

if TYPE_CHECKING:
    from lpdesk.feeds.base import Feed, FeedEndpoint
    from lpdesk.sandbox import LpEndpoint, Sandbox, TakerOrder
    from lpdesk.venues.base import Endpoint, Venue
    from lpdesk.venues.gateway import Gateway
    from lpdesk.webhooks.dispatcher import Dispatcher

SANDBOX = "SANDBOX"
LIVE = "LIVE"
HOUSE = "house"

CONFLATE_NS = 500 * MILLISECOND
"""A reference this often is plenty for a ladder that is replaced once a second."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """Whom the desk deals with: terms for the core, addresses for the adapters."""

    environment: str
    terms: tuple[s.Lp, ...]
    lps: tuple[Endpoint, ...]
    feeds: tuple[FeedEndpoint, ...]


class Outside:
    """Everything that was opened towards the outside, and its end."""

    def __init__(self, conf: Config, seed: int, journal: Path | None = None) -> None:
        """Adapters that must remember something keep it beside `journal`."""
        self.config = conf
        self.seed = seed
        self._journal = journal
        self._sandbox: Sandbox | None = None
        self._gateway: Gateway | None = None
        self._feeds: list[Feed] = []
        self._takers: asyncio.Task[None] | None = None
        self._internal: frozenset[str] = frozenset()
        self._webhooks: Dispatcher | None = None

    async def start(self, runtime: Runtime) -> s.Settings:
        """Open LPs and feeds; their reports go to `runtime`. Gives the settings of the desk.

        Raises `ValueError` for an LP or a feed of a kind that nothing speaks.
        """
        from lpdesk.feeds.base import FEEDS
        from lpdesk.venues.base import Outlet, factory
        from lpdesk.venues.gateway import Gateway

        if self.config.lps:
            plan = _configured(self.config, self._journal)
        else:
            plan = await self._embedded(runtime.clock)
        terms = plan.terms + _house(self.config)
        self._internal = frozenset(lp.name for lp in terms if lp.kind == internal.KIND)
        outlet = Outlet()
        endpoints = [dataclasses.replace(lp, outlet=outlet) for lp in plan.lps]
        venues = [factory(lp.kind)(lp, runtime.report, runtime.clock) for lp in endpoints]
        known = {venue.name: venue for venue in venues}
        terms = tuple(_introduced(lp, known.get(lp.name)) for lp in terms)
        self._gateway = Gateway(venues, runtime.report, outlet)
        self._feeds = [FEEDS[feed.kind](feed, runtime.report, runtime.clock) for feed in plan.feeds]
        await self._gateway.start()
        self._webhooks = _webhooks(self.config, runtime, self._journal)
        return config.settings(self.config, terms, plan.environment, runtime.clock.now())

    async def open(self, runtime: Runtime) -> None:
        """After the desk's first record: references may come, takers may trade."""
        for feed in self._feeds:
            await feed.start()
        if self._webhooks:
            self._webhooks.start()
        if self._sandbox is not None and self.config.makers:
            self._takers = asyncio.create_task(self._trade(runtime), name="takers")

    def send(self, event: Event) -> None:
        """What the desk decided, for whom it concerns; our own exchange answers inside."""
        if isinstance(event, LpAsked | OrderSent | OrderQueried) and event.lp in self._internal:
            return
        if self._gateway:
            self._gateway.send(event)
        if self._webhooks:
            self._webhooks.send(event)

    def look_again(self) -> None:
        """The clock was set forward: what waits for a time may be due."""
        if self._webhooks:
            self._webhooks.look_again()

    async def close(self) -> None:
        """Everything at once, stand-ins last."""
        if self._takers:
            self._takers.cancel()
            await asyncio.wait([self._takers])
        await asyncio.gather(*(feed.close() for feed in self._feeds))
        if self._gateway:
            await self._gateway.close()
        if self._webhooks:
            await self._webhooks.close()
        if self._sandbox:
            await self._sandbox.close()

    async def _embedded(self, clock: Clock) -> Plan:
        """Stand-ins on loopback, in this process, that know nothing of the desk."""
        from lpdesk.sandbox import start_sandbox

        makers = bool(self.config.makers)
        cast = self.config.sandbox.cast
        self._sandbox = await start_sandbox(
            self.seed, cast=cast, exchanges=makers, now_ns=clock.now
        )
        symbols = tuple(pair.symbol for pair in self.config.pairs)
        lps = self._sandbox.lps
        return Plan(
            SANDBOX,
            tuple(_sandbox_terms(lp, symbols) for lp in lps),
            tuple(_sandbox_endpoint(lp, symbols, self._journal) for lp in lps),
            self._sandbox_feeds(),
        )

    def _sandbox_feeds(self) -> tuple[FeedEndpoint, ...]:
        from lpdesk.feeds.base import FeedEndpoint, Pace

        if self._sandbox is None or self._sandbox.exchanges is None:
            return ()
        made = {maker.symbol for maker in self.config.makers}
        return tuple(
            FeedEndpoint(
                name=feed.name,
                kind=feed.kind,
                symbols=tuple(symbol for symbol in feed.symbols if symbol in made),
                url=feed.url,
                rest_url=feed.rest_url,
                pace=Pace(conflate_ns=CONFLATE_NS),
            )
            for feed in self._sandbox.exchanges.feeds
        )

    async def _trade(self, runtime: Runtime) -> None:
        """Simulated takers against our exchange, for as long as the desk is open."""
        from lpdesk.sandbox import Takers, run_takers

        assert self._sandbox is not None
        symbols = tuple(maker.symbol for maker in self.config.makers)
        now = runtime.clock.now
        takers = Takers(self.seed, symbols, self._sandbox.market, started_ns=now())
        await run_takers(takers, now, _reporter(runtime), _mids(runtime))


def _webhooks(conf: Config, runtime: Runtime, journal: Path | None) -> Dispatcher | None:
    """What sends webhooks, with all that the journal says is owed; before anything new is."""
    if not conf.webhooks or journal is None:
        return None
    from lpdesk.webhooks.dispatcher import Dispatcher
    from lpdesk.webhooks.endpoint import Endpoint as Hook
    from lpdesk.webhooks.sender import Sender

    hooks = [
        Hook(
            name=hook.name,
            url=hook.url,
            secrets=tuple(config.resolve_secret(secret) for secret in hook.secrets),
            allow_private=hook.allow_private,
            timeout_ns=int(hook.timeout_seconds * SECOND),
        )
        for hook in conf.webhooks
    ]
    find = partial(outbox.one, journal)
    sender = partial(Sender, now=time_ns)  # receivers go by the world's time, wherever ours is set
    dispatcher = Dispatcher(hooks, runtime.report, runtime.clock, find, sender)
    dispatcher.owe(outbox.owed(journal), outbox.disabled(journal))
    return dispatcher


def _reporter(runtime: Runtime) -> Callable[[TakerOrder], None]:
    def report(order: TakerOrder) -> None:
        runtime.report(
            TakerOrdered(
                taker=order.taker,
                symbol=order.symbol,
                side=order.side,
                quantity=order.quantity,
                price=order.price,
            )
        )

    return report


def _mids(runtime: Runtime) -> Callable[[], dict[str, Decimal]]:
    """What takers see of our exchange: the middle of its best prices."""

    def mids() -> dict[str, Decimal]:
        return {
            maker.symbol: (maker.bids[0].price + maker.asks[0].price) / 2
            for maker in runtime.view.makers
            if maker.bids and maker.asks
        }

    return mids


def _configured(conf: Config, journal: Path | None) -> Plan:
    from lpdesk.feeds.base import FEEDS, FeedEndpoint, Pace
    from lpdesk.venues.base import Endpoint

    symbols = tuple(pair.symbol for pair in conf.pairs)
    _known("feeds", [feed.kind for feed in conf.feeds], FEEDS)
    lps = tuple(
        Endpoint(
            name=lp.name,
            kind=lp.kind,
            url=lp.url,
            key=config.resolve_secret(lp.key),
            secret=config.resolve_secret(lp.secret),
            timeout_ns=config.lp_terms(lp).timeout_ns,
            stale_ns=int(conf.rules.stale_after_seconds * SECOND),
            symbols=lp.pairs or symbols,
            options=config.resolve_options(lp.options),
            beside=journal,
        )
        for lp in conf.lps
    )
    feeds = tuple(
        FeedEndpoint(
            name=feed.name or feed.kind,
            kind=feed.kind,
            symbols=feed.pairs or tuple(maker.symbol for maker in conf.makers),
            url=feed.url,
            rest_url=feed.rest_url,
            markets=feed.markets,
            pace=Pace(conflate_ns=CONFLATE_NS),
        )
        for feed in conf.feeds
    )
    return Plan(LIVE, tuple(config.lp_terms(lp) for lp in conf.lps), lps, feeds)


def _known(what: str, kinds: list[str], known: Mapping[str, object]) -> None:
    for index, kind in enumerate(kinds):
        if kind not in known:
            raise ValueError(f"{what}.{index}.kind: one of {', '.join(known)}")


def _house(conf: Config) -> tuple[s.Lp, ...]:
    """Our own exchange, an LP like any other, where a maker quotes; its price is all-in as well."""
    made = tuple(maker.symbol for maker in conf.makers)
    if not made:
        return ()
    able = KINDS[internal.KIND]
    usual = PARAMETERS["taker_fee"].default
    fee_bps = max(maker.parameters.get("taker_fee", usual) for maker in conf.makers)
    if conf.internalise:  # it is dealt with first, so it has to say at once what changes
        able = replace(able, streams=True)
    kind = internal.KIND
    return (s.Lp(name=HOUSE, kind=kind, pairs=made, fee_bps=fee_bps, capabilities=able),)


def _introduced(lp: s.Lp, venue: Venue | None) -> s.Lp:
    """An LP's terms with what its adapter says of itself, where that is more than its kind does."""
    able = getattr(venue, "capabilities", None) or lp.capabilities
    able = able or KINDS.get(lp.kind) or Capabilities()
    note = getattr(venue, "note", "") or ("" if able.verified else "unverified")
    return replace(lp, capabilities=able, note=note)


def _sandbox_terms(lp: LpEndpoint, symbols: tuple[str, ...]) -> s.Lp:
    return s.Lp(
        name=lp.name,
        kind=lp.kind,
        tier=lp.tier,
        pairs=tuple(pair for pair in lp.pairs if pair in symbols),
        timeout_ns=int(lp.timeout_seconds * SECOND),
        rate_per_second=Decimal(lp.rate_per_second),
        forgets=True,
        fee_bps=lp.fee_bps,
    )


def _sandbox_endpoint(lp: LpEndpoint, symbols: tuple[str, ...], journal: Path | None) -> Endpoint:
    from lpdesk.venues.base import Endpoint

    return Endpoint(
        name=lp.name,
        kind=lp.kind,
        url=lp.url,
        key=lp.key,
        secret=lp.secret,
        timeout_ns=int(lp.timeout_seconds * SECOND),
        symbols=tuple(pair for pair in lp.pairs if pair in symbols),
        options=lp.options,
        beside=journal,
    )
