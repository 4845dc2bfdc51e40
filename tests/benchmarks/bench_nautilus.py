"""Limit orders and cancels, 40 live, beside nautilus_trader's compiled OrderMatchingEngine.

    python -m tests.benchmarks.bench_nautilus --peers VENV [--rounds 5]

That engine simulates a venue for one trader: his orders rest beside a book of market data and do
not meet each other, so this is the part of the job that both do: accept an order, report it, cancel
it, report that. Its orders and commands are made before the clock starts; each event is applied to
its order, which it needs in order to find it again. Ours runs with an owner on every order.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
from importlib.metadata import version
from time import process_time_ns
from typing import Any

from lpdesk.engines.book import Kind
from lpdesk.engines.matching import MatchingEngine, OrderType
from tests.benchmarks.peers import arguments

ORDERS, LIVE = 20_000, 40
OWNER, LIMIT = 1, int(OrderType.LIMIT)


def ours() -> float:
    """Microseconds an operation, of CPU time."""
    engine, reports = MatchingEngine(), 0
    place, cancel = engine.place, engine.cancel
    start = process_time_ns()
    for n in range(ORDERS):
        side, price = (1, 990 - n % 7) if n % 2 else (-1, 1010 + n % 7)
        reports += place(OWNER, side, LIMIT, 1, price)[0][0] == Kind.ACCEPTED
        if n >= LIVE:
            reports += cancel(n - LIVE + 1)[0][0] == Kind.CANCELLED
    took = process_time_ns() - start
    assert reports == 2 * ORDERS - LIVE
    return took / reports / 1000


def theirs() -> float:
    """The same of the peer."""
    nt = importlib.import_module
    enums, ids = nt("nautilus_trader.model.enums"), nt("nautilus_trader.model.identifiers")
    objects, models = nt("nautilus_trader.model.objects"), nt("nautilus_trader.backtest.models")
    component = nt("nautilus_trader.common.component")
    kit = nt("nautilus_trader.test_kit.providers").TestInstrumentProvider
    stubs = nt("nautilus_trader.test_kit.stubs.events").TestEventStubs
    data = nt("nautilus_trader.test_kit.stubs.data").TestDataStubs
    trader, strategy = ids.TraderId("T-1"), ids.StrategyId("S-1")
    account, clock = ids.AccountId("BINANCE-1"), component.TestClock()
    bus = component.MessageBus(trader_id=trader, clock=clock)
    cache = nt("nautilus_trader.test_kit.stubs.component").TestComponentStubs.cache()
    instrument = kit.ethusdt_perp_binance()
    cache.add_instrument(instrument)
    engine = nt("nautilus_trader.backtest.engine").OrderMatchingEngine(
        instrument, 0, models.FillModel(), models.MakerTakerFeeModel(), enums.BookType.L2_MBP,
        enums.OmsType.NETTING, enums.AccountType.MARGIN, bus, cache, clock,
    )  # fmt: skip
    orders: list[Any] = []
    factory = nt("nautilus_trader.common.factories").OrderFactory(trader, strategy, clock)
    for n in range(ORDERS):
        side = enums.OrderSide.BUY if n % 2 else enums.OrderSide.SELL
        price = objects.Price.from_str(f"{990 - n % 7 if n % 2 else 1010 + n % 7}.00")
        order = factory.limit(instrument.id, side, objects.Quantity.from_str("1.000"), price)
        cache.add_order(order, None)
        order.apply(stubs.order_submitted(order, account_id=account))
        orders.append(order)
    cancel, uuid = nt("nautilus_trader.execution.messages").CancelOrder, nt("nautilus_trader.core")
    cancels = [
        cancel(trader, strategy, instrument.id, order.client_order_id, None, uuid.UUID4(), 0)
        for order in orders
    ]
    reports: list[Any] = []
    named = {order.client_order_id: order for order in orders}

    def told(event: Any) -> None:
        reports.append(type(event).__name__)
        named[event.client_order_id].apply(event)

    bus.register("ExecEngine.process", told)
    engine.process_order_book_deltas(
        data.order_book_snapshot(instrument=instrument, bid_price=1000.0, ask_price=1001.0)
    )
    start = process_time_ns()
    for n in range(ORDERS):
        engine.process_order(orders[n], account)
        if n >= LIVE:
            engine.process_cancel(cancels[n - LIVE], account)
    took = process_time_ns() - start
    assert reports.count("OrderAccepted") == ORDERS
    assert reports.count("OrderCanceled") == ORDERS - LIVE
    return took / len(reports) / 1000


def main() -> int:
    """Interleaved rounds; the ratio is the median over them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = arguments(parser).rounds
    try:
        importlib.import_module("nautilus_trader")
    except ImportError as missing:
        print(f"nautilus_trader is left out: {missing}.")
        return 0
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    mine, peer = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    ratio = statistics.median(peer / mine for mine, peer in pairs)
    print(
        f"lpdesk {mine:.2f} us an operation, nautilus_trader {version('nautilus_trader')}", end=""
    )
    print(f" (compiled) {peer:.2f} us: {ratio:.1f}x")
    return 0


if __name__ == "__main__":
    sys.exit(main())
