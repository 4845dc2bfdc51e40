"""What a desk earned and how its LPs answered, from a journal's events alone. Pure.

report = summarize(records)
print("\\n".join(table_lines(report, 120)))
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct, field, json

from lpdesk.domain import events as ev
from lpdesk.domain.instants import timestamp
from lpdesk.domain.record import Event, Record
from lpdesk.domain.scoring import Score
from lpdesk.domain.values import BPS, ZERO, Instant, exact, round_even
from lpdesk.engines.scorecard import Scorecards
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


class LpCell(Struct, frozen=True):
    """An LP's record in one pair, side and size band."""

    symbol: str
    side: str
    band: str
    score: Score


class LpReport(Struct):
    """One LP: its scorecard over the journal's last day; what went wrong, over all of it."""

    name: str
    score: Score = Score()
    misses: dict[str, int] = field(default_factory=dict)
    rejects: dict[str, int] = field(default_factory=dict)
    unknown: int = 0
    cells: list[LpCell] = field(default_factory=list)


class Report(Struct):
    """Everything, in the order it is printed."""

    first_at: Instant = 0
    last_at: Instant = 0
    records: int = 0
    pairs: dict[str, PairReport] = field(default_factory=dict)
    makers: dict[str, MakerReport] = field(default_factory=dict)
    lps: dict[str, LpReport] = field(default_factory=dict)
    curves: dict[str, list[tuple[Instant, Decimal]]] = field(default_factory=dict)
    """Profit with clients by asset, added up trade by trade."""

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
        self.cards = Scorecards()

    def take(self, event: Event, at: Instant) -> None:
        self.cards.observe(event, at)
        report = self.report
        match event:
            case ev.TradeOpened():
                self.symbols[event.trade_id] = event.symbol
                self._pair(event.trade_id).trades += 1
            case ev.TradeSettled():
                self._earned(event, at)
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

    def _earned(self, event: ev.TradeSettled, at: Instant) -> None:
        pair = self._pair(event.trade_id)
        pair.settled += 1
        pair.pnl[event.pnl_asset] = pair.pnl.get(event.pnl_asset, ZERO) + event.pnl
        curve = self.report.curves.setdefault(event.pnl_asset, [])
        curve.append((at, event.pnl + (curve[-1][1] if curve else ZERO)))

    def _of_lp(self, event: Event) -> None:
        match event:
            case ev.LpAsked():
                self._lp(event.lp)
            case ev.LpMissed():
                _count(self._lp(event.lp).misses, event.reason.value)
            case ev.LegRejected():
                _count(self._lp(event.lp).rejects, event.reason.value)

    def scored(self) -> Report:
        """The report with every LP's scorecard as it stands at the journal's end."""
        for key in self.cards.known():
            lp, score = self._lp(key.lp), self.cards.score(key, self.report.last_at)
            if key.symbol:
                lp.cells.append(LpCell(key.symbol, key.side, key.band, score))
            else:
                lp.score = score
        return self.report

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
            reader.take(event, record.at)
    return reader.scored()


def _count(counts: dict[str, int], word: str) -> None:
    counts[word] = counts.get(word, 0) + 1


# ---- for pipes


def json_text(report: Report) -> str:
    """One object: decimals as strings, instants in ISO 8601, times in nanoseconds."""
    whole = {
        "from": timestamp(report.first_at),
        "to": timestamp(report.last_at),
        "records": report.records,
        "pnl": report.total(),
        "pairs": _sorted(report.pairs),
        "makers": _sorted(report.makers),
        "lps": _sorted(report.lps),
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


def _split(score: Score) -> str:
    """Rejects by where the market had moved since the order."""
    return f"{score.rejects_for}/{score.rejects_against}/{score.rejects_still}"


LP_FIGURES: tuple[tuple[str, Callable[[Score], str], int], ...] = (
    ("asked", lambda score: str(score.requests), 2),
    ("answered", lambda score: words.share(score.response_rate), 3),
    ("quoted", lambda score: str(score.quotes), 3),
    ("won", lambda score: words.share(score.win_rate), 0),
    ("orders", lambda score: str(score.accepts), 0),
    ("filled", lambda score: words.share(score.fill_rate), 0),
    ("for/against/still", _split, 5),
    ("p50 ms", lambda score: words.milliseconds(score.response.p50), 1),
    ("p95 ms", lambda score: words.milliseconds(score.response.p95), 0),
    ("hold ms", lambda score: words.milliseconds(score.hold.p50), 4),
    ("behind", lambda score: words.bps(score.cover.bps), 2),
    ("slippage", lambda score: words.bps(score.slippage.bps), 4),
    ("after 30 s", lambda score: words.bps(score.markouts[2].bps), 4),
)
"""A scorecard in columns: heading, figure, and how early it gives way when there is no room."""


def _lps(lps: list[LpReport], width: int) -> Iterator[str]:
    if not lps:
        yield "no LP was asked"
        return
    yield from table(
        [
            Column("LP", [lp.name for lp in lps]),
            *(
                Column(name, [figure(lp.score) for lp in lps], Align.RIGHT, rank)
                for name, figure, rank in LP_FIGURES
            ),
            Column("unknown", [str(lp.unknown) for lp in lps], Align.RIGHT, 5),
            Column("missed", [_why(lp.misses) for lp in lps], rank=6),
            Column("rejected", [_why(lp.rejects) for lp in lps], rank=7),
        ],
        width,
    )


def _why(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in sorted(counts.items())) or words.DASH


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
