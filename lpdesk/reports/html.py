"""The report as one HTML page that needs nothing else: tables, and plots as inline SVG. Pure.

Every text that came from outside is escaped; there is no script in the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from html import escape

from lpdesk.domain.instants import timestamp
from lpdesk.domain.scoring import HORIZONS_NS, Score
from lpdesk.domain.values import SECOND, Instant
from lpdesk.reports.desk import LP_FIGURES, LpReport, Report
from lpdesk.views import words

_STYLE = """
:root { color-scheme: light dark; --line: #3b82a0; --good: #2f8f5b; --bad: #c0504d; --dim: #888; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 84rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #8884; }
th { font-weight: 600; white-space: nowrap; color: var(--dim); }
th:first-child, td:first-child { text-align: left; }
figure { display: inline-block; margin: .5rem 2rem .5rem 0; } figcaption { color: var(--dim); }
svg { display: block; } text { font-size: 11px; fill: currentColor; } .wide { overflow-x: auto; }
"""
_WIDE, _HIGH = 320, 110


def page(report: Report) -> str:
    """The whole page."""
    span = f"{_when(report.first_at)} to {_when(report.last_at)}, {report.records:,} records"
    parts = [
        f"<h1>lpdesk report</h1><p>{span}</p>",
        *_profit(report),
        *_makers(report),
        *_lps(list(report.lps.values())),
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"/><title>lpdesk report</title>'
        f"<style>{_STYLE}</style><body>{''.join(parts)}</body></html>"
    )


def _when(at: Instant) -> str:
    return escape(timestamp(at)[:19].replace("T", " ")) + " UTC"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are text, escaped here."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f'<div class="wide"><table><tr>{top}</tr>{body}</table></div>'


def _profit(report: Report) -> Iterator[str]:
    total = report.total()
    yield "<h2>P&amp;L</h2>"
    rows = [(asset, words.signed(amount, 2)) for asset, amount in sorted(total.items())]
    yield _table(("asset", "total"), rows)
    for asset, curve in sorted(report.curves.items()):
        steps = [(Decimal(at - report.first_at), value) for at, value in curve]
        yield _figure(f"with clients, {asset}, trade by trade", _steps(steps))
    yield _table(
        ("pair", "trades", "settled", "failed", "unknown"),
        [
            (pair.symbol, *map(str, (pair.trades, pair.settled, pair.failed, pair.unknown)))
            for _, pair in sorted(report.pairs.items())
        ],
    )


def _makers(report: Report) -> Iterator[str]:
    told = [maker for maker in report.makers.values() if maker.last]
    if not told:
        return
    yield "<h2>Makers</h2>"
    rows = []
    for maker in told:
        last = maker.last
        assert last is not None
        sums = (last.spread, last.inventory, last.fees, last.pnl)
        figures = (str(maker.fills), words.money(maker.notional, 0))
        rows.append((maker.symbol, *figures, *(words.signed(value, 2) for value in sums)))
    yield _table(("pair", "fills", "notional", "spread", "inventory", "fees", "P&L"), rows)


def _lps(lps: list[LpReport]) -> Iterator[str]:
    yield "<h2>Liquidity providers, last 24 hours</h2>"
    heads = ("LP", *(name for name, _, _ in LP_FIGURES))
    yield _table(heads, [(lp.name, *_figures(lp.score)) for lp in lps])
    for lp in lps:
        yield f"<h2>{escape(lp.name)}</h2>"
        yield _figure("response time, ms", _bars(_times(lp.score)))
        yield _figure("mark-out after a fill, bp", _bars(_marks(lp.score)))
        yield _figure("rejects, by where the market had moved", _bars(_rejects(lp.score)))
        heads = ("pair", "side", "size", *(name for name, _, _ in LP_FIGURES))
        rows = [(cell.symbol, cell.side, cell.band, *_figures(cell.score)) for cell in lp.cells]
        yield _table(heads, rows)


def _figures(score: Score) -> Iterator[str]:
    return (figure(score) for _, figure, _ in LP_FIGURES)


Bars = list[tuple[str, Decimal | None, str]]
"""Name, value (None: no sample) and the value as text."""


def _times(score: Score) -> Bars:
    times = score.response
    named = (("p50", times.p50), ("p95", times.p95), ("p99", times.p99))
    return [
        (name, None if ns is None else Decimal(ns), words.milliseconds(ns)) for name, ns in named
    ]


def _marks(score: Score) -> Bars:
    return [
        (f"{horizon // SECOND} s", mark.bps, words.signed(mark.bps, 2))
        for horizon, mark in zip(HORIZONS_NS, score.markouts, strict=True)
    ]


def _rejects(score: Score) -> Bars:
    if not score.accepts:
        return []
    named = (
        ("for client", score.rejects_for),
        ("against", score.rejects_against),
        ("still", score.rejects_still),
    )
    return [(name, Decimal(count), str(count)) for name, count in named]


def _figure(caption: str, drawing: str) -> str:
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def _svg(inside: str, label: str) -> str:
    return (
        f'<svg width="{_WIDE}" height="{_HIGH}" role="img" aria-label="{escape(label)}">'
        f"{inside}</svg>"
    )


def _bars(bars: Bars) -> str:
    """Upright bars from zero, negative ones downwards, each with its figure."""
    known = [value for _, value, _ in bars if value is not None]
    if not known:
        return _svg(f'<text x="0" y="{_HIGH // 2}">no samples yet</text>', "no samples")
    high, low = max(*known, Decimal(0)), min(*known, Decimal(0))
    unit = Decimal(_HIGH - 46) / ((high - low) or 1)
    zero = 18 + high * unit
    step, parts = _WIDE // len(bars), []
    for n, (name, value, text) in enumerate(bars):
        height = value or Decimal(0)
        x, size = n * step + 8, abs(height) * unit
        top = zero - size if height >= 0 else zero
        colour = "--bad" if height < 0 else "--line"
        parts.append(
            f'<rect x="{x}" y="{top:.1f}" width="{step - 24}" height="{max(size, 1):.1f}" '
            f'fill="var({colour})"/>'
            f'<text x="{x}" y="{top - 4:.1f}">{escape(text)}</text>'
            f'<text x="{x}" y="{_HIGH - 4}">{escape(name)}</text>'
        )
    return _svg("".join(parts), ", ".join(f"{name} {text}" for name, _, text in bars))


def _steps(points: list[tuple[Decimal, Decimal]]) -> str:
    """A curve that moves in steps, from zero at the left."""
    high = max(*(value for _, value in points), Decimal(0))
    low = min(*(value for _, value in points), Decimal(0))
    across = Decimal(_WIDE - 10) / (points[-1][0] or 1)
    unit = Decimal(_HIGH - 36) / ((high - low) or 1)
    path = f"M0,{18 + high * unit:.1f}"
    for at, value in points:
        path += f"H{at * across:.1f}V{18 + (high - value) * unit:.1f}"
    last = words.signed(points[-1][1], 2)
    line = f'<path d="{path}" fill="none" stroke="var(--line)" stroke-width="2"/>'
    return _svg(f'{line}<text x="{_WIDE - 90}" y="12">{escape(last)}</text>', f"now {last}")
