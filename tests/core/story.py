"""Stories of the core: what a dealer types, what scripted LPs do, what the views then show.

A story is a real desk on the virtual clock. LPs are a table, one a line:

    alpha  100000         100ms            a price, and how long every answer takes
    beta   99990,99980    300ms  valid 5s  one price after the other; the last one stays
    gamma  -              1s               declines
    delta  never                           answers nothing at all
    eta    100000  1ms  size 1  deeper 100010x2,100030x1    a ladder of three levels

What an LP does with an order, or with a query of it, is said by `orders` and `queries`: words of
`ANSWERS`, one after the other, the last one stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, TypeVar

from msgspec.structs import replace

from lpdesk.clock import VirtualClock
from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.entry import ORDERS, BadEntry, parse_order, parse_request
from lpdesk.domain.money_entry import MONEY_WORDS, parse_money
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Cause, Event
from lpdesk.domain.settings import Client, Lp, Pair, Rules, Settings
from lpdesk.domain.values import MILLISECOND, SECOND, Dealt, Instant
from lpdesk.simulation import Simulation
from lpdesk.views import Card, DeskView, TradeRow, fold
from lpdesk.views.words import bps

D = Decimal
E = TypeVar("E")

BTC = Pair(base="BTC", quote="USDT", base_decimals=5, quote_decimals=2, minimum=D("0.001"))
ETH = Pair(base="ETH", quote="USDT", base_decimals=4, quote_decimals=2, minimum=D("0.01"))
USDC = Pair(
    base="USDC", quote="USDT", base_decimals=2, quote_decimals=4, minimum=D(10), markup_bps=D(3)
)
BTC_IN_BASE = Pair(
    base="BTC", quote="USDT", base_decimals=5, quote_decimals=2, minimum=D("0.001"),
    profit=Dealt.BASE,
)  # fmt: skip
ACME = Client(name="acme", balances={"USDT": D(10_000_000), "BTC": D(100), "ETH": D(1_000)})
PLAIN = Settings(pairs=(BTC, ETH, USDC), clients=(ACME,), default_client="acme")


def span(text: str) -> int:
    """`300ms`, `1.5s`, `30min`, `2h` or `3d` in nanoseconds."""
    units = {"ms": MILLISECOND, "min": 60 * SECOND, "h": 3600 * SECOND, "d": 86_400 * SECOND}
    for unit, length in (units | {"s": SECOND}).items():
        if text.endswith(unit):
            return int(D(text.removesuffix(unit)) * length)
    raise ValueError(text)


class Script:
    """One LP and what it will do."""

    def __init__(self, line: str) -> None:
        words = line.split()
        self.name, self.prices = words[0], words[1].split(",")
        self.delay_ns = span(words[2]) if len(words) > 2 else 0
        options = dict(zip(words[3::2], words[4::2], strict=True))
        self.validity_ns = span(options.get("valid", "10s"))
        self.size = D(options["size"]) if "size" in options else None
        deeper = (level.split("x") for level in options.get("deeper", "").split(",") if level)
        self.deeper = [(D(price), D(size)) for price, size in deeper]
        self.orders, self.queries = ["fill"], ["fill"]
        self.asked: list[Instant] = []
        self.filled_at: dict[str, tuple[Decimal, Decimal]] = {}

    def answer(self, ask: ev.LpAsked, at: Instant) -> Iterable[tuple[int, Cause]]:
        self.asked.append(at)
        price = self.prices.pop(0) if len(self.prices) > 1 else self.prices[0]
        if price == "never":
            return
        if price == "-":
            yield self.delay_ns, rep.LpFailed(lp=self.name, ask_id=ask.ask_id, reason=DECLINED)
            return
        quote = rep.LpQuoted(
            lp=self.name,
            ask_id=ask.ask_id,
            quote_ref=f"{self.name}/{ask.ask_id}",
            symbol=ask.symbol,
            side=ask.side,
            price=D(price),
            quantity=min(self.size or ask.quantity, ask.quantity),
            validity_ns=self.validity_ns,
        )
        quote = self._laddered(quote, ask.quantity) if self.deeper else quote
        yield self.delay_ns, quote

    def _laddered(self, best: rep.LpQuoted, wanted: Decimal) -> rep.LpQuoted:
        levels, reach = [], D(0)
        for price, size in ((best.price, self.size or wanted), *self.deeper):
            if reach < wanted:
                levels.append(rep.QuoteLevel(price, size, f"{best.quote_ref}/{len(levels) + 1}"))
                reach += size
        if len(levels) < 2:
            return best
        ref, reach = levels[0].quote_ref, min(reach, wanted)
        return replace(best, quote_ref=ref, quantity=reach, levels=tuple(levels))

    def order(self, sent: ev.OrderSent) -> Iterable[tuple[int, Cause]]:
        self.filled_at[sent.order_id] = sent.price, sent.quantity
        word = self.orders.pop(0) if len(self.orders) > 1 else self.orders[0]
        return ((50 * MILLISECOND, cause) for cause in ANSWERS[word](self, sent.order_id))

    def query(self, query: ev.OrderQueried) -> Iterable[tuple[int, Cause]]:
        word = self.queries.pop(0) if len(self.queries) > 1 else self.queries[0]
        return ((50 * MILLISECOND, cause) for cause in ANSWERS[word](self, query.order_id))


DECLINED = Reason.DECLINED


def fill(
    script: Script, order_id: str, execution: str = "1", size: str = "1", worse: str = "0"
) -> rep.OrderFilled:
    """A fill of `size` times the order, `worse` quote units off the quoted price."""
    price, quantity = script.filled_at[order_id]
    return rep.OrderFilled(
        lp=script.name,
        order_id=order_id,
        execution_id=f"{order_id}/{execution}",
        price=price + D(worse),
        quantity=quantity * D(size),
        fee=D(0),
        fee_asset="",
        partial=D(size) < 1,
    )


def _reject(script: Script, order_id: str) -> Cause:
    return rep.OrderRejected(
        lp=script.name, order_id=order_id, reason=Reason.LAST_LOOK, text="moved"
    )


def _lost(script: Script, order_id: str) -> Cause:
    return rep.OrderLost(lp=script.name, order_id=order_id, reason=Reason.UNREACHABLE, text="reset")


ANSWERS: dict[str, Callable[[Script, str], list[Cause]]] = {
    "fill": lambda script, order_id: [fill(script, order_id)],
    "twice": lambda script, order_id: [fill(script, order_id)] * 2,
    "double": lambda script, order_id: [fill(script, order_id), fill(script, order_id, "2")],
    "half": lambda script, order_id: [fill(script, order_id, size="0.5")],
    "halves": lambda script, order_id: [
        fill(script, order_id, size="0.5"),
        fill(script, order_id, "2", size="0.5"),
    ],
    "too much": lambda script, order_id: [fill(script, order_id, size="1.5")],
    "worse": lambda script, order_id: [fill(script, order_id, worse="10")],
    "reject": lambda script, order_id: [_reject(script, order_id)],
    "reject, fill": lambda script, order_id: [_reject(script, order_id), fill(script, order_id)],
    "fill, reject": lambda script, order_id: [fill(script, order_id), _reject(script, order_id)],
    "lost": lambda script, order_id: [_lost(script, order_id)],
    "pending": lambda script, order_id: [rep.OrderPending(lp=script.name, order_id=order_id)],
    "unknown": lambda script, order_id: [rep.OrderNotFound(lp=script.name, order_id=order_id)],
    "unsent": lambda script, order_id: [
        rep.OrderNotSent(lp=script.name, order_id=order_id, reason=Reason.UNREACHABLE)
    ],
    "no answer": lambda script, order_id: [
        rep.QueryFailed(lp=script.name, order_id=order_id, reason=Reason.UNREACHABLE)
    ],
    "silence": lambda script, order_id: [],
}


class Story:
    """A desk, its LPs, and everything that has happened."""

    def __init__(
        self,
        table: str,
        settings: Settings = PLAIN,
        clock: VirtualClock | None = None,
        **rules: Any,
    ) -> None:
        scripts = [Script(line) for line in table.strip().splitlines()]
        self.lps = {script.name: script for script in scripts}
        known = {lp.name: lp for lp in settings.lps}
        lps = tuple(known.get(name, Lp(name=name, kind="rest")) for name in self.lps)
        self.settings = replace(settings, lps=lps, rules=Rules(**rules))
        self.simulation = Simulation(self._outside, clock)
        self.view = DeskView()
        self._seen = 0
        self.began = self.simulation.clock.now()
        self.restarts()

    # ---- what happens

    def types(self, *lines: str) -> str:
        """What the dealer types; returns the refusal, or nothing."""
        said = ""
        for line in lines:
            try:
                said = self.does(self._command(line))
            except BadEntry as bad:
                said = str(bad)
        return said

    def does(self, cause: Cause) -> str:
        """Let anything happen now; returns the refusal, or nothing."""
        events = self.simulation.do(cause)
        refusals = [event for event in events if isinstance(event, ev.CommandRefused)]
        return "; ".join(f"{refused.field}: {refused.text}" for refused in refusals)

    def later(self, text: str) -> None:
        self.simulation.run(span(text))

    def restarts(self) -> None:
        """A new process opens the journal: answers that were on their way are lost with the old."""
        self.simulation.crash()
        count = len(self.events(ev.DeskOpened))
        instance = f"i{count + 1}"
        self.does(rep.DeskStarted(instance=instance, settings=self.settings, version="0"))

    def _command(self, line: str) -> Cause:
        card = self.cards[0] if self.cards else None
        match line.split():
            case ["p" | "p!" as word, *quote] if card:
                quote_id = quote[0] if quote else card.quote.quote_id if card.quote else ""
                return cmd.AcceptQuote(
                    rfq_id=card.rfq_id, quote_id=quote_id, crossed_ok=word == "p!"
                )
            case ["cancel"] if card:
                return cmd.CancelRfq(rfq_id=card.rfq_id)
            case ["refresh", word] if card:
                return cmd.SetAutoRefresh(rfq_id=card.rfq_id, on=word == "on")
            case ["halt", *why]:
                return cmd.Halt(why=" ".join(why))
            case ["resume"]:
                return cmd.Resume()
            case ["unblock", lp]:
                return cmd.UnblockLp(lp=lp)
            case [word, *_] if word in ORDERS:
                return parse_order(line, self.settings.pairs)
            case [word, *_] if word in MONEY_WORDS:
                return parse_money(line, self.settings.pairs)
        return parse_request(line, self.settings.pairs)

    def _outside(self, event: Event, at: Instant) -> Iterable[tuple[int, Cause]]:
        match event:
            case ev.LpAsked():
                return self.lps[event.lp].answer(event, at)
            case ev.OrderSent():
                return self.lps[event.lp].order(event)
            case ev.OrderQueried():
                return self.lps[event.lp].query(event)
        return ()

    # ---- what is seen

    def events(self, *kinds: type[E]) -> list[E]:
        records = self.simulation.records
        return [e for record in records for e in record.events if isinstance(e, kinds)]

    def see(self) -> DeskView:
        for record in self.simulation.records[self._seen :]:
            self.view = fold(self.view, record)
        self._seen = len(self.simulation.records)
        return self.view

    @property
    def cards(self) -> tuple[Card, ...]:
        return self.see().rfqs

    @property
    def card(self) -> Card:
        return self.cards[0]

    @property
    def trade(self) -> TradeRow:
        return self.see().trades[0]

    @property
    def locks(self) -> list[str]:
        """Where the lock was: `0.1 alpha first`."""
        return [
            f"{D(record.at - self.began) / SECOND:.1f} {event.lp} {event.cause.value}"
            for record in self.simulation.records
            for event in record.events
            if isinstance(event, ev.QuoteLocked)
        ]

    @property
    def breaks(self) -> list[str]:
        return [found.kind.value for found in self.events(ev.BreakFound)]

    def available(self, account: str, asset: str) -> Decimal:
        return self.simulation.desk.state.ledger.available(account, asset)

    def asked(self, lp: str) -> str:
        """When an LP was asked, in seconds: `0 0.5 1`."""
        return " ".join(f"{D(at - self.began) / SECOND:g}" for at in self.lps[lp].asked)

    def table(self) -> str:
        """The newest request as its card, its race and its trade would show it."""
        card, lines = self.card, []
        if card.quote:
            quote = card.quote
            lines.append(f"{quote.client_price.normalize():f} pays {quote.pays} {quote.pays_asset}")
        if card.end:
            lines.append(f"ended: {card.end.value}")
        for row in card.rows:
            price = "" if row.all_in is None else f" {row.all_in:f} {bps(row.vs_lock_bps)}"
            lines.append(f"{row.lp} {row.state}{price}")
        for trade in self.see().trades:
            if trade.rfq_id == card.rfq_id:
                figures = "" if trade.pnl is None else f" {trade.pnl} {trade.pnl_asset}"
                lines.append(f"{trade.trade_id} {trade.state} {trade.lp}{figures} {trade.text}")
        return "\n".join(line.rstrip() for line in lines)


def verdicts(story: Story, lp: str) -> list[str]:
    quotes = story.events(ev.QuoteReceived)
    return [quote.verdict.value for quote in quotes if quote.lp == lp]


def quoted(story: Story, lp: str, price_: str, *, ref: str = "", **changes: object) -> None:
    """`lp` answers the last ask it got, out of turn."""
    ask = [ask for ask in story.events(ev.LpAsked) if ask.lp == lp][-1]
    report = rep.LpQuoted(
        lp=lp,
        ask_id=ask.ask_id,
        quote_ref=ref or f"{lp}:{len(story.simulation.records)}",
        symbol=ask.symbol,
        side=ask.side,
        price=D(price_),
        quantity=ask.quantity,
        validity_ns=10 * SECOND,
    )
    story.does(replace(report, **changes))
