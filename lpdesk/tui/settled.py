"""A settlement opened: terms, exposures, trades, and all that was done about it, as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from lpdesk.domain import events as ev
from lpdesk.domain.record import Event
from lpdesk.domain.settings import Pair, Settings, TradeSettlementPair
from lpdesk.domain.values import SECOND
from lpdesk.tui.ancestry import HOLDS, POSTINGS, Branch, Chapter, Kind, Twig, chapters, count, tree
from lpdesk.tui.figures import SIDE_INK, amount, asset_amount, exposure_rows, price
from lpdesk.tui.tellings import moment
from lpdesk.tui.widgets.lines import Ink, Line, Span, aligned
from lpdesk.views import HookRow, Lineage, TradeRow, webhooks, words

_ATTEMPTS: Final = "attempts"
_CHAPTERS: Final = (
    Kind(_ATTEMPTS, (ev.SettlementAttempted, ev.SettlementFailed, ev.SettlementSettled,
                     ev.SettlementRejected), lambda steps: ""),
    HOLDS,
    POSTINGS,
    Kind("trades ended", (ev.TradeSettled, ev.TradeRejected), count),
    Kind("webhook tries", (ev.WebhookTried, ev.WebhookResent), count),
)  # fmt: skip
_QUIET: Final = (ev.SettlementCreated, ev.WebhookQueued)
_FOLDS: Final = {
    ev.WebhookQueued: webhooks.queued,
    ev.WebhookTried: webhooks.tried,
    ev.WebhookResent: webhooks.resent,
}
_DELIVERY: Final[Mapping[str, Span]] = {
    "queued": Span("waits"),
    "delivered": Span("delivered", Ink.GOOD),
    "dead": Span("DEAD !", Ink.BAD),
}


def settlement_branches(
    of: Lineage, trades: Sequence[TradeRow], settings: Settings
) -> list[Branch]:
    """The tree, what was agreed at its root; nothing for a settlement that is not known.

    `trades` are those of its trades that are at hand.
    """
    root = next((s for s in of.steps if isinstance(s.event, ev.SettlementCreated)), None)
    if root is None or not isinstance(root.event, ev.SettlementCreated):
        return []
    terms = root.event
    symbols = {trade.trade_id: trade.symbol for trade in trades}

    def pair_of(event: Event) -> Pair | None:
        return settings.pair(symbols.get(getattr(event, "trade_id", ""), ""))

    trunk = (
        Span(f"{terms.settlement_id}  ", Ink.TITLE),
        Span(f"{terms.organization} and {terms.desk}"),
        Span(f"  made {'by itself' if terms.automatic else 'by hand'}", Ink.DIM),
    )
    done = chapters(of, _CHAPTERS, _QUIET, pair_of, _trade_of)
    known = [
        Chapter("agreed", terms.pair_id, list(_agreed(terms, settings))),
        Chapter("exposures", f"of {terms.desk}", _exposures(terms, settings)),
        Chapter("trades", count(terms.trades), _trades(terms, trades, settings)),
        *(chapter for chapter in done if chapter.title == _ATTEMPTS),
        Chapter("webhooks", "", _deliveries(_hooks(of))),
        *(chapter for chapter in done if chapter.title != _ATTEMPTS),
    ]
    return tree(Twig(trunk, root.at, root.seq), [each for each in known if each.twigs])


def _trade_of(event: Event) -> str:
    """Which trade has ended."""
    return event.trade_id if isinstance(event, ev.TradeSettled | ev.TradeRejected) else ""


def _agreed(terms: ev.SettlementCreated, settings: Settings) -> Iterator[Twig]:
    """By what policy it is tried."""
    first = Span(f"first try {moment(terms.attempt_at)}")
    yield Twig((first, Span(f"  last {moment(terms.reject_at)}", Ink.DIM)))
    agreed = settings.settlement_pair(terms.pair_id)
    yield from map(Twig, _policy(agreed))
    client = f"client:{terms.organization}"
    own = terms.broker_account
    payer = f"{client} pays" if own == client else f"{client} pays, or else {own}"
    yield Twig((Span(payer),))


def _policy(agreed: TradeSettlementPair | None) -> Iterator[Line]:
    if agreed is None:
        yield (Span("the pair is not in the configuration any more", Ink.WARN),)
        return
    again = words.age(max(1, agreed.settlement_retry_delay_minutes) * 60 * SECOND)
    first = words.age(agreed.settlement_delay_minutes * 60 * SECOND)
    yield (Span(f"{first} after it is made, then every {again}"),)
    days = f"T+{agreed.auto_settlement_days} at {agreed.auto_settlement_time}"
    yield (Span(f"by itself {days} {agreed.time_zone}, {agreed.calendar}"),)


def _exposures(terms: ev.SettlementCreated, settings: Settings) -> list[Twig]:
    rows = exposure_rows(terms.asset_exposures, terms.cash_exposures, settings)
    return [Twig((Span(f"{verb}  ", Ink.DIM), Span(text))) for verb, text in aligned(rows, {1})]


def _trades(
    terms: ev.SettlementCreated, trades: Sequence[TradeRow], settings: Settings
) -> list[Twig]:
    """Each in a line, which leads to its own lineage."""
    by_id = {trade.trade_id: trade for trade in trades}
    rows = []
    for name in terms.trades:
        trade = by_id.get(name)
        if trade is None:
            rows.append((name, "", "", "", "in the journal", ""))
            continue
        pair = settings.pair(trade.symbol)
        pays = asset_amount(trade.pays, trade.pays_asset, pair)
        by = f"  from {terms.broker_account}" if trade.integrator_settled else ""
        rows.append(
            (name, trade.side, amount(trade.amount, pair, trade.dealt),
             f"pays {pays}", f"{trade.state}{by}", price(trade.client_price, pair))
        )  # fmt: skip
    return [Twig(_trade(cells), ref=cells[0].strip()) for cells in aligned(rows, {2, 3, 5})]


def _trade(cells: Sequence[str]) -> Line:
    name, side, size, pays, state, at = cells
    ink = next((ink for each, ink in SIDE_INK.items() if each == side.strip()), Ink.DIM)
    ends = Ink.BAD if state.strip() == "rejected" else ""
    return (
        Span(f"{name} "), Span(side, ink), Span(f" {size}  {pays}  "), Span(state, ends),
        Span(f"  at {at}" if at.strip() else "", Ink.DIM),
    )  # fmt: skip


def _hooks(of: Lineage) -> tuple[HookRow, ...]:
    """How its webhooks stand after all that was heard of them, oldest first."""
    rows: tuple[HookRow, ...] = ()
    for step in of.steps:
        fold = _FOLDS.get(type(step.event), webhooks.unchanged)
        rows = fold(rows, step.event, step.at)  # type: ignore[operator]
    return tuple(sorted(rows, key=lambda row: (row.at, row.event_id, row.endpoint)))


def _deliveries(rows: Sequence[HookRow]) -> list[Twig]:
    """Each endpoint in a line."""
    cells = aligned([(row.kind, row.endpoint, _DELIVERY[row.state].text) for row in rows], set())
    twigs = []
    for row, (kind, endpoint, state) in zip(rows, cells, strict=True):
        tries = f"{row.attempts} tr{'ies' if row.attempts != 1 else 'y'}" if row.attempts else ""
        again = f"again {moment(row.next_at)}" if row.attempts and row.next_at else ""
        more = "  ".join(filter(None, [tries, row.text, again, row.event_id]))
        line = (
            Span(f"{kind}  "), Span(f"{endpoint}  "), Span(state, _DELIVERY[row.state].style),
            Span(f"  {more}", Ink.DIM),
        )  # fmt: skip
        twigs.append(Twig(line, row.at, ref=f"{row.event_id} {row.endpoint}"))
    return twigs
