"""Days of dealing on a virtual clock, as journals on disk: what the commands are shown."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain import reports as rep
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Event, Record
from lpdesk.domain.settings import Client, Lp, Pair, Settings
from lpdesk.domain.values import MILLISECOND, SECOND, Dealt, Instant, Side
from lpdesk.journal.writer import Writer
from lpdesk.simulation import Answers, Simulation

BTC = Pair(base="BTC", quote="USDT", base_decimals=5, quote_decimals=2, minimum=Decimal("0.001"))
ETH = Pair(base="ETH", quote="USDT", base_decimals=4, quote_decimals=2, minimum=Decimal("0.01"))
MIDS = {"BTC/USDT": Decimal(100_000), "ETH/USDT": Decimal(3_400)}
LPS = {"kepler": 2, "borel": 1, "hilbert": 5}
"""Name -> bps away from the mid."""

FORMULA = "=HYPERLINK(1)"
SETTINGS = Settings(
    pairs=(BTC, ETH),
    lps=tuple(Lp(name=name, kind="rest") for name in LPS),
    clients=tuple(
        Client(name=name, balances={asset: Decimal(10**9) for asset in ("BTC", "ETH", "USDT")})
        for name in ("acme", "noether")
    ),
    default_client="acme",
)


def outside(event: Event, at: Instant) -> Answers:
    """LPs that quote and fill; hilbert rejects in words that a spreadsheet would run."""
    match event:
        case ev.LpAsked():
            mid, sign = MIDS[event.symbol], 1 if event.side is Side.BUY else -1
            price = mid * (1 + sign * Decimal(LPS[event.lp]) / 10_000)
            quote = rep.LpQuoted(
                lp=event.lp,
                ask_id=event.ask_id,
                quote_ref=f"{event.lp}-{event.ask_id}",
                symbol=event.symbol,
                side=event.side,
                price=price,
                quantity=event.quantity,
                validity_ns=10 * SECOND,
            )
            return [((LPS[event.lp] * 40) * MILLISECOND, quote)]
        case ev.OrderSent(lp="hilbert"):
            reject = rep.OrderRejected(
                lp=event.lp, order_id=event.order_id, reason=Reason.LAST_LOOK, text=FORMULA
            )
            return [(90 * MILLISECOND, reject)]
        case ev.OrderSent():
            fill = rep.OrderFilled(
                lp=event.lp,
                order_id=event.order_id,
                execution_id=f"E-{event.order_id}",
                price=event.price,
                quantity=event.quantity,
                fee=Decimal(0),
                fee_asset="",
            )
            return [(90 * MILLISECOND, fill)]
    return ()


class Day:
    """A desk that deals; `records` is what happened so far."""

    def __init__(self) -> None:
        self.world = Simulation(outside)
        self.world.do(rep.DeskStarted(instance="day", settings=SETTINGS, version="test"))
        self.count = 0

    @property
    def records(self) -> list[Record]:
        return self.world.records

    def deal(
        self,
        symbol: str = "BTC/USDT",
        side: Side = Side.BUY,
        amount: str = "1.5",
        dealt: Dealt = Dealt.BASE,
        client: str = "",
        via: str = "",
    ) -> None:
        """One request, accepted a second later, and a minute of nothing."""
        self.count += 1
        rfq_id = f"R-{self.count:06}"
        self.world.do(
            cmd.RequestQuote(
                symbol=symbol,
                side=side,
                dealt=dealt,
                amount=Decimal(amount),
                client=client,
                via=via,
            )
        )
        self.world.run(SECOND)
        quote = next(
            event
            for record in reversed(self.records)
            for event in record.events
            if isinstance(event, ev.QuoteLocked) and event.rfq_id == rfq_id
        )
        self.world.do(cmd.AcceptQuote(rfq_id=rfq_id, quote_id=quote.quote_id))
        self.world.run(60 * SECOND)


def short_day() -> Day:
    """Four trades: both sides and assets, two clients, one that fails."""
    day = Day()
    day.deal()
    day.deal("ETH/USDT", Side.SELL, "20.25", client="noether")
    day.deal(amount="50000", dealt=Dealt.QUOTE)
    day.deal(via="hilbert")
    return day


def long_day(records: int) -> list[Record]:
    """At least so many records, cut there."""
    day = Day()
    while len(day.records) < records:
        day.deal()
    return day.records[:records]


def keep(path: Path, records: Sequence[Record]) -> Path:
    """A journal with these records."""
    writer = Writer(path)
    for first in range(0, len(records), 500):
        writer.append(records[first : first + 500], durable=False)
    writer.close()
    return path
