"""The desk line by line: commands on stdin, lines on stdout. For pipes and screen readers."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, TextIO

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.entry import ORDERS, BadEntry, parse_order, parse_request
from lpdesk.domain.making import MakerState
from lpdesk.domain.money_entry import MONEY_WORDS, parse_money
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Command, Event, Record
from lpdesk.domain.settings import Pair, Settings
from lpdesk.domain.text import clean
from lpdesk.session import Session
from lpdesk.views import Card, DeskView, TradeRow
from lpdesk.views import words as w

Write = Callable[[str], None]

HELP = """\
b|s AMOUNT [ASSET] PAIR [@client] [via LP] [t+N]   request a quote
p [R-000001]      accept the price of the newest (or named) request; p! on a crossed market
x [R-000001]      cancel it
auto on|off       start afresh when its price expires
lim|ioc|fok|post b|s AMOUNT PAIR PRICE [@client]   an order on our exchange; mkt without a price
cxl all|O-000001  cancel orders
mm start|stop [PAIR]   the maker quotes, or is pulled
set PAIR PARAMETER VALUE   steer it
reconcile [LP]    compare with the LPs' own lists
webhook resend ID [ENDPOINT] | webhook enable ENDPOINT   send again
break ID close WHY | break ID owner NAME   done with a break, or somebody else's
unblock LP        ask it again after its break was looked at
settle S-1 | settle new T-1 …   try a settlement now, or gather delayed trades in one
deposit|withdraw AMOUNT ASSET [@client|ACCOUNT]   money from outside, or there
blotter           the trades
halt | resume     stop sending anything out | go on
q                 quit"""


class Lines:
    """Turns records into lines a dealer can follow. Keeps what it needs to name amounts."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self.settings = settings
        self.pairs: dict[str, Pair] = {}
        self.cards: dict[str, ev.RfqOpened] = {}
        self.makers: dict[str, tuple[MakerState, str]] = {}

    def of(self, record: Record) -> list[str]:
        """The lines of one record, each with its time of day."""
        lines = (self._line(event) for event in record.events)
        return [f"{w.time_of_day(record.at)} {line}" for line in lines if line]

    def _line(self, event: Event) -> str:
        match event:
            case ev.RfqOpened():
                self.cards[event.rfq_id] = event
                return f"{event.rfq_id} {self._asked(event)} for {event.client}"
            case ev.QuoteReceived() if event.verdict is not ev.Verdict.LIVE:
                why = f" ({event.text})" if event.text else ""
                return f"{event.rfq_id}   {event.lp} {event.verdict.value}{why}"
            case ev.QuoteReceived():
                price = self._price(event.rfq_id, event.price)
                return (
                    f"{event.rfq_id}   {event.lp} {price}  {w.milliseconds(event.response_ns)} ms"
                )
            case ev.LpMissed() | ev.LpSkipped():
                return f"{event.rfq_id}   {event.lp} {event.reason.value} {event.text}".rstrip()
            case ev.QuoteLocked():
                return self._locked(event)
            case ev.QuoteUnlocked():
                return f"{event.rfq_id} UNLOCKED {event.reason.value}"
            case ev.RfqRefreshed():
                return f"{event.rfq_id} price expired, asking afresh"
            case ev.RfqEnded() if event.how is not ev.RfqEnd.ACCEPTED:
                return f"{event.rfq_id} {event.how.value.upper()} {event.text}".rstrip()
            case _:
                return self._trade_line(event)

    def _trade_line(self, event: Event) -> str:
        match event:
            case ev.TradeOpened():
                return f"{event.trade_id} executing {event.quote_id} with {event.lp}"
            case ev.LegRejected():
                why = f"{event.reason.value} {event.text}".rstrip()
                return f"{event.trade_id} {event.lp} did not fill: {why}"
            case ev.TradeUnknown():
                return f"{event.trade_id} UNKNOWN at {event.lp}: {event.text}"
            case ev.TradeSettled():
                return self._settled(event)
            case ev.TradeExecuted():
                when = f"settles by itself {w.timestamp(event.settles_at)[:16]}Z"
                return f"{event.trade_id} executed, settlement pending: {when}"
            case ev.TradeRejected():
                return f"{event.trade_id} REJECTED {event.text}"
            case ev.TradeFailed():
                return f"{event.trade_id} FAILED {event.reason.value} {event.text}".rstrip()
            case ev.BreakFound():
                return f"{event.break_id} BREAK {event.lp} {event.kind.value}: {event.text}"
            case ev.BreakClosed():
                return f"{event.break_id} closed: {event.rule.value if event.rule else event.why}"
            case ev.WebhookTried(outcome=ev.Outcome.DEAD):
                return f"{event.event_id} to {event.endpoint} GIVEN UP {event.text}"
            case ev.EndpointDisabled():
                return f"webhooks to {event.endpoint} wait: it says it is gone"
            case ev.BreakAssigned():
                return f"{event.break_id} is now {event.owner}'s  {event.note}".rstrip()
            case ev.Reconciled() if event.compared:
                return reconciled(event)
            case ev.ReconciliationMissed():
                return f"{event.lp} NOT RECONCILED {event.reason.value} {event.text}".rstrip()
            case ev.CommandRefused():
                return f"refused: {event.field}: {w.advice(event, ', ')}"
            case ev.LpHealthChanged():
                why = event.reason.value if event.reason else ""
                return f"LP {event.lp} {event.state} {why}".rstrip()
            case ev.TradingHalted():
                return "HALTED: nothing goes out until `resume`"
            case ev.TradingResumed():
                return "trading resumed"
            case ev.DeskOpened():
                return f"desk open: {event.settings.environment}, {len(event.settings.lps)} LPs"
            case _:
                return settling_line(event) or self._book_line(event)

    def _book_line(self, event: Event) -> str:
        """Our exchange: the maker's states, and orders by hand with their fills."""
        match event:
            case ev.MakerMoved():
                stance = event.state, event.why
                if self.makers.get(event.symbol) == stance:
                    return ""
                self.makers[event.symbol] = stance
                return f"maker {event.symbol} {event.state.value} {event.why}".rstrip()
            case ev.MakerSet():
                moved = f"{event.before:f} -> {event.after:f}"
                return f"maker {event.symbol} {event.parameter} {moved}"
            case ev.OrderEntered():
                at = f"{event.price:,f}" if event.price is not None else "market"
                what = f"{event.kind.value} {event.side.value} {w.amount(event.quantity, 18)}"
                done = f"filled {w.amount(event.filled, 18)}, rests {w.amount(event.resting, 18)}"
                return f"{event.order_id} {event.client} {event.symbol} {what} at {at}: {done}"
            case ev.OrderClosed():
                return f"{event.order_id} {event.why}, {w.amount(event.left, 18)} left"
            case ev.BookTraded() if event.order_id:
                return f"{event.order_id} filled {w.amount(event.quantity, 18)} at {event.price:,f}"
            case _:
                return ""

    def _pair(self, symbol: str) -> Pair | None:
        return self.settings().pair(symbol)

    def _asked(self, event: ev.RfqOpened) -> str:
        pair = self._pair(event.symbol)
        if pair is None:
            return event.symbol
        amount = w.amount(event.amount, pair.decimals(event.dealt))
        later = f" t+{event.settle_days}" if event.settle_days else ""
        return f"{event.side.value} {amount} {pair.asset(event.dealt)} in {event.symbol}{later}"

    def _price(self, rfq_id: str, price: Decimal) -> str:
        opened = self.cards.get(rfq_id)
        pair = self._pair(opened.symbol) if opened else None
        return w.price(price, pair.quote_decimals if pair else 2)

    def _locked(self, event: ev.QuoteLocked) -> str:
        better = f"  {w.bps(event.improvement_bps)}" if event.improvement_bps else ""
        price = self._price(event.rfq_id, event.client_price)
        trade = f"pays {event.pays:,f} {event.pays_asset}"
        trade += f", receives {event.receives:,f} {event.receives_asset}"
        said = f"{event.rfq_id} LOCK {event.lp} {event.quote_id} client {price}  {trade}{better}"
        for leg in event.legs:
            at = self._price(event.rfq_id, leg.price)
            said += f"\n{event.rfq_id}   leg {leg.lp} {leg.quantity:,f} at {at}: {leg.why}"
        return said

    def _settled(self, event: ev.TradeSettled) -> str:
        pnl = f"P&L {w.signed(event.pnl, 8).rstrip('0').rstrip('.')} {event.pnl_asset}"
        slip = f"slip {w.bps(event.slippage_bps)}"
        return f"{event.trade_id} settled with {event.lp}  {pnl} {w.bps(event.pnl_bps)}  {slip}"


def reconciled(event: ev.Reconciled) -> str:
    """One LP's list compared, in one line."""
    mended = ", ".join(f"{each.order_id} {each.rule.value}" for each in event.mended)
    figures = f"{event.listed} on its list, {event.compared} orders compared"
    return f"{event.lp} reconciled: {figures}" + (f"; {mended}" if mended else "")


def settling_line(event: Event) -> str:
    """Settlements, money from outside, and the desk a request went on with."""
    match event:
        case ev.SettlementCreated():
            how = "automatic" if event.automatic else "by hand"
            what = f"{event.organization} and {event.desk}, {', '.join(event.trades)}"
            when = w.timestamp(event.attempt_at)[:16]
            return f"{event.settlement_id} created ({how}): {what}; tried at {when}Z"
        case ev.SettlementSettled():
            own = ", ".join(event.integrator_trades)
            part = f", from the settlement account: {own}" if own else ""
            return f"{event.settlement_id} settled{part}"
        case ev.SettlementFailed():
            short = ", ".join(f"{s.account} {s.missing:f} {s.asset}" for s in event.shortfalls)
            again = w.timestamp(event.attempt_at)[:16]
            return f"{event.settlement_id} FAILED, missing {short}; tried again at {again}Z"
        case ev.SettlementRejected():
            return f"{event.settlement_id} REJECTED after {event.attempt} attempts"
        case ev.Deposited():
            return f"{event.amount:,f} {event.asset} into {event.account}"
        case ev.Withdrawn():
            return f"{event.amount:,f} {event.asset} out of {event.account}"
        case ev.RfqRerouted():
            name = event.trade_id or event.rfq_id
            return f"{name} {event.reason.value}: goes on with trade desk {event.desk}"
        case _:
            return ""


def blotter_lines(view: DeskView) -> list[str]:
    """The trades, newest first, one line each."""
    return [
        f"{w.time_of_day(row.at)} {row.trade_id} {row.client:8} {row.side.value:4} "
        f"{row.amount:,f} {row.asset} at {_at(view, row)} {row.lp} {row.state}"
        for row in view.trades
    ] or ["no trades yet"]


def _at(view: DeskView, row: TradeRow) -> str:
    pair = view.settings.pair(row.symbol)
    return w.price(row.client_price, pair.quote_decimals if pair else 2)


async def run(session: Session, read: asyncio.StreamReader, write: Write) -> None:
    """Serve commands until `q` or the end of input."""
    while line := await read.readline():
        text = line.decode("utf-8", "replace").strip()
        if text in ("q", "quit", "exit"):
            return
        if not text:
            continue
        try:
            reply = await _obey(session, text)
        except BadEntry as bad:
            reply = [f"refused: {bad}"]
        except (ConnectionError, PermissionError) as error:
            reply = [f"refused: {error}"]
        for answer in reply:
            write(answer)


async def _obey(session: Session, text: str) -> list[str]:
    """Carry out one line. What the desk decides is printed by whoever listens to it."""
    word, _, rest = text.partition(" ")
    word = word.lower()
    match word:
        case "help" | "?":
            return HELP.splitlines()
        case "blotter":
            return blotter_lines(session.view)
        case "halt":
            await session.submit(cmd.Halt(why="by hand"))
        case "resume":
            await session.submit(cmd.Resume())
        case "unblock":
            await session.submit(cmd.UnblockLp(lp=clean(rest.strip().lower(), 40)))
        case "p" | "p!" | "accept" | "x" | "cancel" | "auto":
            return await _on_card(session, word, rest.split())
        case _ if word in MONEY_WORDS:
            await session.submit(parse_money(text, session.view.settings.pairs))
        case _ if word in ORDERS:
            await session.submit(parse_order(text, session.view.settings.pairs))
        case _:
            await session.submit(parse_request(text, session.view.settings.pairs))
    return []


async def _on_card(session: Session, word: str, rest: list[str]) -> list[str]:
    if word == "auto" and rest not in (["on"], ["off"]):
        raise BadEntry(Reason.BAD_COMMAND, "auto", "say on or off", "auto on")
    named = next((item.upper() for item in rest if item.lower().startswith("r-")), "")
    card = _card(session.view, named)
    if card is None:
        return ["refused: no live request"]
    command: Command
    if word in ("x", "cancel"):
        command = cmd.CancelRfq(rfq_id=card.rfq_id)
    elif word == "auto":
        command = cmd.SetAutoRefresh(rfq_id=card.rfq_id, on=rest == ["on"])
    else:
        quote_id = card.quote.quote_id if card.quote else ""
        command = cmd.AcceptQuote(rfq_id=card.rfq_id, quote_id=quote_id, crossed_ok=word == "p!")
    await session.submit(command)
    return []


def _card(view: DeskView, rfq_id: str) -> Card | None:
    if rfq_id:
        return view.card(rfq_id)
    return next((card for card in view.rfqs if card.live), None)


async def stdin_reader() -> asyncio.StreamReader:
    """Standard input as a stream. What no loop can wait for (a file, /dev/null) is read whole."""
    reader = asyncio.StreamReader()
    if sys.stdin is not None and _waits(sys.stdin.fileno()):
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), _own(sys.stdin)
        )
    else:
        reader.feed_data(sys.stdin.buffer.read() if sys.stdin is not None else b"")
        reader.feed_eof()
    return reader


def _waits(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)


def _own(stdin: TextIO) -> IO[Any]:
    """A terminal opened anew: asyncio makes what it reads non-blocking, and stdout shares it."""
    return Path(os.ttyname(stdin.fileno())).open("rb", buffering=0) if stdin.isatty() else stdin


def printer(session: Session, write: Write) -> Callable[[Record], None]:
    """A listener that prints every record of `session` as it becomes durable."""
    lines = Lines(lambda: session.view.settings)

    def show(record: Record) -> None:
        for line in lines.of(record):
            write(line)

    return show
