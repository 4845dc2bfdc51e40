"""What a desk earned and how its LPs answered, from a journal's events alone. Pure.

report = summarize(records)
print("\\n".join(table_lines(report, 120)))
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct, field, json, to_builtins

from lpdesk.domain import events as ev
from lpdesk.domain.instants import timestamp
from lpdesk.domain.record import Event, Record
from lpdesk.domain.values import BPS, ZERO, Instant, exact, round_even
from lpdesk.reports.table import Align, Column, table
from lpdesk.views import words

T = TypeVar("T")


class PairReport(Struct):
    """One pair's trades with clients; profit by its asset."""

    symbol: str
    trades: int = 0
    settled: int = 0
    failed: int = 0
    unknown: int = 0
    pnl: dict[str, Decimal] = field(default_factory=dict)


class MakerReport(Struct):
    """One maker: its fills over the whole journal, and its own figures as it last told them."""

    symbol: str
    fills: int = 0
    volume: Decimal = ZERO
    notional: Decimal = ZERO
    captured: Decimal = ZERO
    states: dict[str, int] = field(default_factory=dict)
    last: ev.MakerMoved | None = None


class LpReport(Struct):
    """One LP: every ask ends in a response or a miss; times in nanoseconds."""

    name: str
    requests: int = 0
    responses: int = 0
    misses: dict[str, int] = field(default_factory=dict)
    wins: int = 0
    fills: int = 0
    rejects: dict[str, int] = field(default_factory=dict)
    unknown: int = 0
    times: list[int] = field(default_factory=list)


class Report(Struct):
    """Everything, in the order it is printed."""

    first_at: Instant = 0
    last_at: Instant = 0
    records: int = 0
    pairs: dict[str, PairReport] = field(default_factory=dict)
    makers: dict[str, MakerReport] = field(default_factory=dict)
    lps: dict[str, LpReport] = field(default_factory=dict)

    @exact
    def total(self) -> dict[str, Decimal]:
        """Profit by asset: trades with clients, and what the makers made."""
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for pair in self.pairs.values():
            for asset, amount in pair.pnl.items():
                sums[asset] += amount
        for maker in self.makers.values():
            if maker.last is not None:
                sums[maker.symbol.partition("/")[2]] += maker.last.pnl
        return dict(sums)


class _Reader:
    """Goes through the events; keeps which trade belongs to which pair."""

    def __init__(self) -> None:
        self.report = Report()
        self.symbols: dict[str, str] = {}

    def take(self, event: Event) -> None:
        report = self.report
        match event:
            case ev.TradeOpened():
                self.symbols[event.trade_id] = event.symbol
                self._pair(event.trade_id).trades += 1
                self._lp(event.lp).wins += 1
            case ev.TradeSettled():
                pair = self._pair(event.trade_id)
                pair.settled += 1
                pair.pnl[event.pnl_asset] = pair.pnl.get(event.pnl_asset, ZERO) + event.pnl
            case ev.TradeFailed():
                self._pair(event.trade_id).failed += 1
            case ev.TradeUnknown():
                self._pair(event.trade_id).unknown += 1
                self._lp(event.lp).unknown += 1
            case ev.BookTraded(maker="maker"):
                self._fill(event)
            case ev.MakerMoved():
                maker = report.makers.setdefault(event.symbol, MakerReport(event.symbol))
                if maker.last is None or maker.last.state is not event.state:
                    _count(maker.states, event.state.value)
                maker.last = event
            case _:
                self._of_lp(event)

    def _of_lp(self, event: Event) -> None:
        match event:
            case ev.LpAsked():
                self._lp(event.lp).requests += 1
            case ev.QuoteReceived() if event.ask_id:
                lp = self._lp(event.lp)
                lp.responses += 1
                lp.times.append(event.response_ns)
            case ev.LpMissed():
                _count(self._lp(event.lp).misses, event.reason.value)
            case ev.LegFilled():
                self._lp(event.lp).fills += 1
            case ev.LegRejected():
                _count(self._lp(event.lp).rejects, event.reason.value)

    def _fill(self, event: ev.BookTraded) -> None:
        maker = self.report.makers.setdefault(event.symbol, MakerReport(event.symbol))
        maker.fills += 1
        maker.volume += event.quantity
        maker.notional += event.cash
        mid = event.price if event.mid is None else event.mid
        maker.captured += abs(event.price - mid) * event.quantity

    def _pair(self, trade_id: str) -> PairReport:
        symbol = self.symbols[trade_id]
        return self.report.pairs.setdefault(symbol, PairReport(symbol))

    def _lp(self, name: str) -> LpReport:
        return self.report.lps.setdefault(name, LpReport(name))


@exact
def summarize(records: Iterable[Record]) -> Report:
    """The report of all these records."""
    reader = _Reader()
    report = reader.report
    for record in records:
        report.first_at = report.first_at or record.at
        report.last_at = record.at
        report.records += 1
        for event in record.events:
            reader.take(event)
    return report


def _count(counts: dict[str, int], word: str) -> None:
    counts[word] = counts.get(word, 0) + 1


def percentile(times: list[int], share: int) -> int | None:
    """The nearest-rank percentile: a time that was really measured."""
    if not times:
        return None
    rank = -(-len(times) * share // 100)
    return sorted(times)[max(1, rank) - 1]


# ---- for pipes


def json_text(report: Report) -> str:
    """One object: decimals as strings, instants in ISO 8601, times in nanoseconds."""
    lps = [
        {
            **{k: v for k, v in to_builtins(lp).items() if k != "times"},
            "samples": len(lp.times),
            "response_p50_ns": percentile(lp.times, 50),
            "response_p95_ns": percentile(lp.times, 95),
        }
        for lp in _sorted(report.lps)
    ]
    whole = {
        "from": timestamp(report.first_at),
        "to": timestamp(report.last_at),
        "records": report.records,
        "pnl": report.total(),
        "pairs": _sorted(report.pairs),
        "makers": _sorted(report.makers),
        "lps": lps,
    }
    return json.encode(whole).decode()


def _sorted(items: dict[str, T]) -> list[T]:
    return [items[name] for name in sorted(items)]


# ---- for people


def table_lines(report: Report, width: int) -> Iterator[str]:
    """Profit, makers and LPs, each as a table; an empty part says so."""
    if not report.records:
        yield "no records"
        return
    yield f"{timestamp(report.first_at)} to {timestamp(report.last_at)}"
    total = "   ".join(f"{_signed(v)} {asset}" for asset, v in sorted(report.total().items()))
    yield f"P&L {total or 'none yet'}"
    yield ""
    yield from _pairs(_sorted(report.pairs), width)
    yield ""
    yield from _makers(_sorted(report.makers), width)
    yield ""
    yield from _lps(_sorted(report.lps), width)


def _pairs(pairs: list[PairReport], width: int) -> Iterator[str]:
    if not pairs:
        yield "no trades"
        return
    rows = [(pair, asset) for pair in pairs for asset in (sorted(pair.pnl) or [""])]
    yield from table(
        [
            Column("pair", [pair.symbol for pair, _ in rows]),
            Column("trades", [str(pair.trades) for pair, _ in rows], Align.RIGHT),
            Column("settled", [str(pair.settled) for pair, _ in rows], Align.RIGHT),
            Column("failed", [str(pair.failed) for pair, _ in rows], Align.RIGHT, 1),
            Column("unknown", [str(pair.unknown) for pair, _ in rows], Align.RIGHT, 1),
            Column("P&L", [_signed(pair.pnl.get(asset)) for pair, asset in rows], Align.POINT),
            Column("", [asset for _, asset in rows]),
        ],
        width,
    )


def _makers(makers: list[MakerReport], width: int) -> Iterator[str]:
    told = [(maker, maker.last) for maker in makers if maker.last is not None]
    if not told:
        yield "no makers"
        return
    point = Align.POINT
    yield from table(
        [
            Column("maker", [maker.symbol for maker, _ in told]),
            Column("state", [last.state.value for _, last in told]),
            Column("fills", [str(maker.fills) for maker, _ in told], Align.RIGHT),
            Column("volume", [words.money(maker.volume, 4) for maker, _ in told], point, 2),
            Column("notional", [words.money(maker.notional, 0) for maker, _ in told], point, 3),
            Column("half bp", [_half(maker) for maker, _ in told], point, 4),
            Column("present", [f"{words.money(last.presence, 2)}%" for _, last in told], point, 5),
            Column("position", [words.signed(last.position, 4) for _, last in told], point, 6),
            Column("spread", [_signed(last.spread) for _, last in told], point),
            Column("inventory", [_signed(last.inventory) for _, last in told], point),
            Column("fees", [_signed(last.fees) for _, last in told], point, 1),
            Column("P&L", [_signed(last.pnl) for _, last in told], point),
            Column("", [last.symbol.partition("/")[2] for _, last in told]),
        ],
        width,
    )


def _lps(lps: list[LpReport], width: int) -> Iterator[str]:
    if not lps:
        yield "no LP was asked"
        return
    yield from table(
        [
            Column("LP", [lp.name for lp in lps]),
            Column("asked", [str(lp.requests) for lp in lps], Align.RIGHT),
            Column("answers", [str(lp.responses) for lp in lps], Align.RIGHT),
            Column("wins", [str(lp.wins) for lp in lps], Align.RIGHT),
            Column("fills", [str(lp.fills) for lp in lps], Align.RIGHT),
            Column("rejects", [str(sum(lp.rejects.values())) for lp in lps], Align.RIGHT),
            Column("unknown", [str(lp.unknown) for lp in lps], Align.RIGHT, 2),
            Column("p50 ms", [_ms(lp, 50) for lp in lps], Align.RIGHT, 1),
            Column("p95 ms", [_ms(lp, 95) for lp in lps], Align.RIGHT, 1),
            Column("of", [str(len(lp.times)) for lp in lps], Align.RIGHT, 1),
            Column("missed", [_why(lp.misses) for lp in lps], rank=3),
            Column("rejected", [_why(lp.rejects) for lp in lps], rank=4),
        ],
        width,
    )


def _why(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in sorted(counts.items())) or words.DASH


def _ms(lp: LpReport, share: int) -> str:
    return words.milliseconds(percentile(lp.times, share))


@exact
def _half(maker: MakerReport) -> str:
    """Spread captured per notional, one side."""
    if not maker.notional:
        return words.DASH
    return f"{round_even(maker.captured / maker.notional * BPS, 2)}"


def _signed(value: Decimal | None) -> str:
    """Two places, or what a small sum needs."""
    if value is None:
        return words.DASH
    return words.signed(value, 2 if not value or abs(value) >= Decimal("0.01") else 8)
