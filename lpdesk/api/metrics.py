"""Figures for Prometheus: what was answered, and what the desk is in."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from lpdesk.views import DeskView

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One server's figures."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._answers = Counter(
            "lpdesk_http_answers", "Answers given.", ("call", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "lpdesk_http_seconds", "Time to answer.", ("call",), buckets=BUCKETS,
            registry=self._registry,
        )  # fmt: skip
        gauges = {
            "seq": "Records in the journal.",
            "halted": "Whether nothing goes out.",
            "requests_live": "Requests for quote that are open.",
            "trades_under_way": "Trades that are executing.",
            "trades_unknown": "Trades whose outcome is not known.",
        }
        self._gauges = {
            name: Gauge(f"lpdesk_{name}", text, registry=self._registry)
            for name, text in gauges.items()
        }
        self._lps = Gauge(
            "lpdesk_lp_up", "Whether an LP may be asked.", ("lp",), registry=self._registry
        )

    def answered(self, call: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._answers.labels(call, str(status)).inc()
        self._seconds.labels(call).observe(seconds)

    def text(self, view: DeskView) -> bytes:
        """All figures, in Prometheus' text format."""
        self._look(view)
        return generate_latest(self._registry)

    def _look(self, view: DeskView) -> None:
        figures = {
            "seq": view.seq,
            "halted": view.status.halted,
            "requests_live": sum(card.live for card in view.rfqs),
            "trades_under_way": sum(row.under_way for row in view.trades),
            "trades_unknown": view.status.unknown,
        }
        for name, value in figures.items():
            self._gauges[name].set(value)
        for lp in view.status.lps:
            self._lps.labels(lp.name).set(lp.state in ("closed", "half-open"))
