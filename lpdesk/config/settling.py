"""What trade desks and trade-settlement pairs must agree on with the rest of the configuration."""

from __future__ import annotations

from lpdesk.config.calendars import problem
from lpdesk.config.tables import Config, TradeSettlementPairTable


def settling_problems(config: Config) -> list[str]:
    """One line for each, with its place."""
    problems = []
    desks = [desk.name for desk in config.trade_desks]
    lps = [lp.name for lp in config.lps]
    problems += _twice("trade_desks", desks)
    problems += _twice("trade_settlement_pairs", [p.id for p in config.trade_settlement_pairs])
    for index, desk in enumerate(config.trade_desks):
        place = f"trade_desks.{index}"
        problems += [f"{place}.lps: {lp} is no LP" for lp in desk.lps if lps and lp not in lps]
        if desk.name in lps:
            problems.append(f"{place}.name: {desk.name} is an LP")
    for name in ("default_desk", "backup_desk"):
        wanted = getattr(config.rules, name)
        if wanted and wanted not in desks:
            problems.append(f"rules.{name}: {wanted} is not a trade desk")
    agreed = [(p.organization, p.trade_desk) for p in config.trade_settlement_pairs]
    for index, pair in enumerate(config.trade_settlement_pairs):
        place = f"trade_settlement_pairs.{index}"
        if agreed.index((pair.organization, pair.trade_desk)) != index:
            problems.append(f"{place}: {pair.organization} and {pair.trade_desk} have one already")
        problems += [f"{place}.{what}" for what in _pair_problems(config, pair, desks)]
    return problems


def _pair_problems(config: Config, pair: TradeSettlementPairTable, desks: list[str]) -> list[str]:
    problems = []
    clients = [client.name for client in config.clients]
    if pair.organization not in clients:
        problems.append(f"organization: {pair.organization} is not a client")
    if pair.trade_desk not in desks:
        problems.append(f"trade_desk: {pair.trade_desk} is not a trade desk")
    if pair.settlement_account not in ("", *(f"settlement:{client}" for client in clients)):
        problems.append("settlement_account: empty, or settlement:CLIENT")
    if pair.rejection_delay_minutes <= pair.settlement_delay_minutes:
        problems.append("rejection_delay_minutes: must be longer than settlement_delay_minutes")
    wrong = problem(pair.calendar, pair.time_zone)
    if wrong:
        problems.append(f"{wrong[0]}: {wrong[1]}")
    return problems


def _twice(what: str, names: list[str]) -> list[str]:
    return [
        f"{what}: {name} appears twice" for name in dict.fromkeys(names) if names.count(name) > 1
    ]
