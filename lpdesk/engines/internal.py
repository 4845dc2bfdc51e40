"""Dealing inside first: with opposite orders of clients and our own quotes, before any LP.

Domain rule 7. Our exchange holds both. It gives at most a configured share of a request, and of
that only what is better by a minimum edge than the best price from outside; so the client's price
is never worse for it.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from lpdesk.domain.settings import Internal, Settings
from lpdesk.domain.values import ZERO, Instant, round_even
from lpdesk.engines import pricing
from lpdesk.engines.composite import Curves, Quote, planned
from lpdesk.engines.cover import Cover, Valuer

KIND = "book"
"""Our own exchange among the LPs."""

CLIENTS = "clients"
"""How the id of a level ends where the orders there are clients'; else they are our own."""


def rule_for(settings: Settings, client: str, pair: str) -> Internal | None:
    """Client and pair, client, pair, everybody; none: our exchange is an LP like any other."""
    rules = {(rule.client, rule.pair): rule for rule in settings.internal}
    for key in ((client, pair), (client, ""), ("", pair), ("", "")):
        if key in rules:
            return rules[key]
    return None


def most(value: Valuer, rule: Internal, quantity: Decimal) -> Decimal:
    """What may be dealt inside of so much, in whole units."""
    return rule.share * quantity // value.unit * value.unit


def part(value: Valuer, rule: Internal, cover: Cover, outside: Cover | None) -> Cover | None:
    """Of what is offered inside, what is within the share and better than outside by the edge."""
    prices = [quote.all_in for quote in (cover.parts[0], outside) if quote]  # it ends in between
    left = most(value, rule, min(map(value.hedge, prices)))
    levels = []
    for level in cover.parts:
        taken = min(left, level.quantity)
        if taken and (outside is None or _edge(value, outside, level) >= rule.minimum_edge_bps):
            levels.append(replace(level, quantity=taken, why=_why(value, outside, level)))
            left -= taken
    quantity = sum((level.quantity for level in levels), ZERO)
    return replace(cover, quantity=quantity, legs=tuple(levels)) if levels else None


def plan(
    value: Valuer,
    inside: list[Quote],
    others: list[Quote],
    outside: Cover | None,
    curves: Curves,
    at: Instant,
) -> Cover | None:
    """The best plan with something of `inside`; never one that is worse than `outside`."""
    cover = planned(value, inside + others, curves, at)
    names = {lp.name for lp, _ in inside}
    if cover is None or not any(each.lp in names for each in cover.parts):
        return None
    if outside and pricing.advantage_bps(outside.all_in, cover.all_in, value.rfq.base_side) < 0:
        return None
    whys = {each.quote_ref: each.why for _, quote in inside for each in quote.legs}
    told = tuple(replace(each, why=whys.get(each.quote_ref, each.why)) for each in cover.parts)
    return replace(cover, legs=told)


def _edge(value: Valuer, outside: Cover, level: Cover) -> Decimal:
    """By how much a level inside is better than the best from outside, all in."""
    return pricing.advantage_bps(outside.all_in, level.all_in, value.rfq.base_side)


def _why(value: Valuer, outside: Cover | None, level: Cover) -> str:
    whose = ", a client's order" if level.quote_ref.endswith(CLIENTS) else ""
    if outside is None:
        return f"internal, nobody else has a price{whose}"
    return f"internal, edge {round_even(_edge(value, outside, level), 2):f} bps{whose}"
