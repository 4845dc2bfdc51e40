"""From the configuration to the pure settings of the core."""

from __future__ import annotations

from decimal import Decimal

from lpdesk.config.calendars import settlement_calendar
from lpdesk.config.tables import Config, LpTable, PairTable, RulesTable
from lpdesk.domain import settings as s
from lpdesk.domain.capabilities import SIGNED_KINDS
from lpdesk.domain.making import MakerTerms
from lpdesk.domain.values import SECOND, Instant

LAST_TIER = 9
"""Of the fallback, which is asked only when no other LP can quote."""


def _ns(seconds: Decimal) -> int:
    return int(seconds * SECOND)


def settings(config: Config, lps: tuple[s.Lp, ...], environment: str, now: Instant) -> s.Settings:
    """The pure part, for the core. `now` is where its settlement calendars begin."""
    return s.Settings(
        environment=environment,
        default_client=config.desk.default_client,
        desk_balances=config.desk.balances,
        lps=lps,
        pairs=pairs(config),
        clients=tuple(s.Client(**dict(client)) for client in config.clients),
        trade_desks=tuple(s.TradeDesk(**dict(desk)) for desk in config.trade_desks),
        trade_settlement_pairs=tuple(
            s.TradeSettlementPair(**dict(pair)) for pair in config.trade_settlement_pairs
        ),
        calendars=_calendars(config, now),
        markups=tuple(
            s.Markup(bps=m.bps, client=m.client, pair=m.pair, from_base=m.from_base)
            for m in config.markups
        ),
        internal=tuple(s.Internal(**dict(rule)) for rule in config.internalise),
        makers=tuple(
            MakerTerms(symbol=m.symbol, strategy=m.strategy, parameters=m.parameters)
            for m in config.makers
        ),
        reconcile=s.Reconcile(
            every_ns=_ns(config.reconcile.every_minutes * 60),
            young_ns=_ns(config.reconcile.young_seconds),
            owner=config.reconcile.owner,
        ),
        webhooks=tuple(
            s.Webhook(
                name=hook.name,
                organization=hook.organization,
                desk=hook.trade_desk,
                events=hook.events,
            )
            for hook in config.webhooks
        ),
        rules=_rules(config.rules),
    )


def _rules(rules: RulesTable) -> s.Rules:
    return s.Rules(
        lock_policy=rules.lock_policy,
        reject_cost_bps=rules.reject_cost_bps,
        hold_cost_bps_per_second=rules.hold_cost_bps_per_second,
        tier_margin_bps=rules.tier_margin_bps,
        threshold_bps=rules.threshold_bps,
        routing=rules.routing,
        dwell_ns=_ns(rules.dwell_seconds),
        validity_buffer_ns=_ns(rules.validity_buffer_seconds),
        max_validity_ns=_ns(rules.max_validity_seconds),
        rfq_duration_ns=_ns(rules.rfq_duration_seconds),
        auto_refresh=rules.auto_refresh,
        max_refreshes=rules.max_refreshes,
        max_live_rfqs=rules.max_live_rfqs,
        max_firm_quotes=rules.max_firm_quotes,
        orders_per_second=rules.orders_per_second,
        notional_per_second=rules.notional_per_second,
        max_resting_orders=rules.max_resting_orders,
        size_tolerance_bps=rules.size_tolerance_bps,
        price_band_bps=rules.price_band_bps,
        fallback_band_bps=rules.fallback_band_bps,
        fallback_slippage_bps=rules.fallback_slippage_bps,
        stale_after_ns=_ns(rules.stale_after_seconds),
        loss_limit_bps=rules.loss_limit_bps,
        unfound_grace_ns=_ns(rules.unfound_grace_seconds),
        scorecards=True,
        breaker_failures=rules.breaker_failures,
        breaker_retry_ns=_ns(rules.breaker_retry_seconds),
        default_desk=rules.default_desk,
        backup_desk=rules.backup_desk,
        backup_at_execution=True,
        strict=True,
        p95_within_timeout=True,
        edition=2,
    )


def _calendars(config: Config, now: Instant) -> tuple[s.SettlementCalendar, ...]:
    """One for all pairs that settle on the same days at the same time."""
    pairs = config.trade_settlement_pairs
    wanted = {(p.calendar, p.time_zone, p.auto_settlement_time): None for p in pairs}
    return tuple(settlement_calendar(*each, now) for each in wanted)


def pairs(config: Config) -> tuple[s.Pair, ...]:
    return tuple(_pair(pair) for pair in config.pairs)


def _pair(pair: PairTable) -> s.Pair:
    base, quote = pair.symbol.split("/")
    return s.Pair(
        base=base,
        quote=quote,
        base_decimals=pair.base_decimals,
        quote_decimals=pair.quote_decimals,
        minimum=pair.minimum,
        maximum=pair.maximum,
        markup_bps=pair.markup_bps,
        profit=pair.profit,
    )


def lp_terms(lp: LpTable) -> s.Lp:
    """An LP's terms for the core."""
    return s.Lp(
        name=lp.name,
        kind=lp.kind,
        tier=LAST_TIER if lp.tier == "fallback" else lp.tier,
        fallback=lp.tier == "fallback",
        indicative=lp.indicative or (lp.kind in SIGNED_KINDS and not lp.options.get("signer")),
        lot=lp.lot,
        fixed_fee=lp.fixed_fee,
        pairs=lp.pairs,
        timeout_ns=_ns(lp.timeout_seconds),
        poll_interval_ns=_ns(lp.poll_seconds),
        rate_per_second=lp.rate_per_second,
        fee_bps=lp.fee_bps,
        minimum=lp.minimum,
        maximum=lp.maximum,
        credit=lp.credit,
    )
