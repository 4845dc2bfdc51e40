"""What is asked back before money moves, or a person's word is put on record: with its numbers.

`yes` then sends exactly the command that was asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from lpdesk.domain import commands as cmd
from lpdesk.domain.record import Command
from lpdesk.domain.values import SECOND, ZERO
from lpdesk.tui.figures import exposure_rows, sum_text
from lpdesk.tui.look import Look
from lpdesk.tui.widgets.lines import Ink, Line, Span, aligned, size
from lpdesk.views import BreakRow, DeskView, HookRow, TradeRow, words
from lpdesk.views.settlements import exposures

_MANY: Final = 6
"""Lines below the first."""


class Asking(NamedTuple):
    """What is asked: a sentence, and what there is to know, a line each; `brief` where that is
    too wide."""

    title: str
    facts: Sequence[Line] = ()
    brief: Sequence[Line] = ()

    def fitting(self, width: int) -> Sequence[Line]:
        """The facts as they fit into that many cells."""
        wide = any(size(fact) > width for fact in self.facts)
        return self.brief if wide and self.brief else self.facts


class CommandQuestion(NamedTuple):
    """A command that waits for a `yes`."""

    command: Command

    def asking(self, look: Look) -> Asking | None:
        """What is asked; None when the desk will refuse it as things are, so that it may say why.

        It is asked anew for every look: what is shown is what `yes` would do.
        """
        asked = _ASKED[type(self.command)](self.command, look)
        if asked is None or len(asked.facts) <= _MANY:
            return asked
        left = (Span(f"and {len(asked.facts) - _MANY + 1} more", Ink.DIM),)
        facts, brief = ([*each[: _MANY - 1], left] for each in (asked.facts, asked.brief))
        return Asking(asked.title, facts, brief if asked.brief else ())


def needs_yes(command: Command) -> bool:
    """Whether a command is asked back."""
    return type(command) in _ASKED


def _settle(command: cmd.SettleNow, look: Look) -> Asking | None:
    view = look.view
    row = view.settlement(command.settlement_id)
    if row is None or not row.open:
        return None
    terms, count = row.terms, len(row.terms.trades)
    available = view.accounts.available()
    client = f"client:{terms.organization}"
    cells, ends = [], []
    for need in view.attempt_needs(row.settlement_id):
        there = available.get((need.account, need.asset), ZERO)
        needed, has, short = (
            sum_text(amount, need.asset, view.settings)
            for amount in (need.needed, there, need.short)
        )
        verb = "delivers" if need.account.startswith("liquidity:") else "pays"
        cells.append((need.account, verb, needed, f"has {_bare(has)}"))
        own = need.account == terms.broker_account != client
        instead = Span(f"instead of {client}" if own else "", Ink.DIM)
        ends.append((Span(f"short {_bare(short)} !", Ink.BAD) if need.short else instead,))
    trades = f"{count} trade{'s' * (count != 1)}"
    title = f"try {row.settlement_id} now, all of it or nothing: {terms.organization} and "
    laid = aligned(cells, {2, 3}) if cells else []
    facts = [_fact(texts, end) for texts, end in zip(laid, ends, strict=True)]
    brief = [
        _fact([cell[0]], end if any("short" in text for text, _ in end) else (Span(cell[2]),))
        for cell, end in zip(cells, ends, strict=True)
    ]
    return Asking(f"{title}{terms.desk}, {trades}", facts, brief)


def _gather(command: cmd.CreateSettlement, look: Look) -> Asking | None:
    found = [_named(name, look.view) for name in dict.fromkeys(command.trades)]
    rows = [row for row in found if row is not None and not cannot_gather(row)]
    parties = {(row.client, row.desk) for row in rows}
    if len(rows) < len(found) or len(parties) != 1:
        return None
    ((client, desk),) = parties
    settings = look.view.settings
    agreed = settings.settlement_pair(rows[0].pair_id)
    sums = aligned(exposure_rows(*exposures(rows), settings), {1})
    facts: list[Line] = [(Span(f"{desk} {verb}  ", Ink.DIM), Span(text)) for verb, text in sums]
    if agreed is not None:
        first, given_up = (
            words.age(minutes * 60 * SECOND)
            for minutes in (agreed.settlement_delay_minutes, agreed.rejection_delay_minutes)
        )
        facts.append((Span(f"first tried in {first}, given up after {given_up}", Ink.DIM),))
    count = f"{len(rows)} trade{'s' * (len(rows) != 1)}"
    names = ", ".join(row.trade_id for row in rows[:3]) + (" …" if len(rows) > 3 else "")
    return Asking(f"gather {count} of {client} and {desk} in a settlement: {names}", facts)


def cannot_gather(row: TradeRow) -> str:
    """Why a trade cannot be put in a settlement, in the desk's own words; empty when it can."""
    if row.settlement_id:
        return f"{row.trade_id} is in {row.settlement_id} already"
    if row.state != "pending":
        return f"{row.trade_id} must be executed_pending_settlement, and is {row.state}"
    return ""


def _named(name: str, view: DeskView) -> TradeRow | None:
    """A trade by its own, its quote's or its request's name."""
    named = (row for row in view.trades if name in (row.trade_id, row.quote_id, row.rfq_id))
    return next(named, None)


def _cash(command: cmd.Deposit | cmd.Withdraw, look: Look) -> Asking | None:
    view = look.view
    account = command.account or f"client:{view.settings.default_client}"
    there = view.accounts.available().get((account, command.asset), ZERO)
    comes = isinstance(command, cmd.Deposit)
    then = there + command.amount if comes else there - command.amount
    now, after, moved = (
        sum_text(amount, command.asset, view.settings) for amount in (there, then, command.amount)
    )
    end: Line = (Span(f"then {after}{'' if then >= 0 else ' !'}", "" if then >= 0 else Ink.BAD),)
    fact = _fact([account, f"has {now}"], end)
    return Asking(f"{moved} {'into' if comes else 'out of'} {account}", [fact])


def _resend(command: cmd.ResendWebhook, look: Look) -> Asking | None:
    mine = [
        hook
        for hook in look.view.webhooks
        if hook.event_id == command.event_id and command.endpoint in ("", hook.endpoint)
    ]
    dead = [hook for hook in mine if hook.state == "dead"]
    again = dead or [hook for hook in mine if hook.state != "queued"]
    if not again:
        return None
    first = again[0]
    facts = [_fact(cells, ()) for cells in aligned([_heard(hook) for hook in again], set())]
    about = f"{first.kind} of {first.settlement_id}"
    return Asking(f"send {command.event_id} again, {about}", facts)


def _heard(hook: HookRow) -> tuple[str, str, str]:
    tries = f"{hook.attempts} tr{'ies' if hook.attempts != 1 else 'y'}"
    last = f", the last {words.time_of_day(hook.tried_at)}" if hook.tried_at is not None else ""
    return hook.endpoint, f"{'DEAD !' if hook.state == 'dead' else hook.state}", (
        f"{tries}{last}{': ' + hook.text if hook.text else ''}"
    )  # fmt: skip


def _close(command: cmd.CloseBreak, look: Look) -> Asking | None:
    row = _open_break(command.break_id, look)
    if row is None:
        return None
    return Asking(f"close {row.break_id} for good: {command.why}", _of_break(row, look))


def _own(command: cmd.AssignBreak, look: Look) -> Asking | None:
    row = _open_break(command.break_id, look)
    if row is None:
        return None
    before = f" instead of {row.owner}" if row.owner not in ("", command.owner) else ""
    note = f": {command.note}" if command.note else ""
    title = f"{command.owner} looks after {row.break_id}{before}{note}"
    return Asking(title, _of_break(row, look))


def _open_break(break_id: str, look: Look) -> BreakRow | None:
    return next((row for row in look.view.breaks.open if row.break_id == break_id), None)


def _of_break(row: BreakRow, look: Look) -> list[Line]:
    about = f"{row.lp}  {row.kind}  {row.trade_id or row.order_id}".rstrip()
    age = words.age(row.age(look.now))
    whose = f", with {row.owner}: {row.note}".removesuffix(": ") if row.owner else ", nobody's"
    return [(Span(about), Span(f"  open {age}{whose}", Ink.DIM)), (Span(row.text, Ink.DIM),)]


def _bare(text: str) -> str:
    """A sum without its asset, where that stands beside it."""
    return text.partition(" ")[0]


def _fact(cells: Sequence[str], end: Line) -> Line:
    head, *more = cells
    return (Span(head), *(Span(f"  {text}") for text in more), Span("  "), *end)


_ASKED: Final[Mapping[type, Callable[[Any, Look], Asking | None]]] = {
    cmd.SettleNow: _settle,
    cmd.CreateSettlement: _gather,
    cmd.Deposit: _cash,
    cmd.Withdraw: _cash,
    cmd.ResendWebhook: _resend,
    cmd.CloseBreak: _close,
    cmd.AssignBreak: _own,
}
"""What a command comes to, as it is asked."""
