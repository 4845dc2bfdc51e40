"""Desks whose makers quote: each state of a maker, on a virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from lpdesk.domain import commands as cmd
from lpdesk.domain import reports as rep
from lpdesk.domain.entry import parse_order
from lpdesk.domain.making import MakerTerms
from lpdesk.domain.values import Side
from tests.tui.stories import MID, StoryDesk, settings

D = Decimal
SOURCES = ("binance", "coinbase", "kraken", "okx")
WAVE = (0, 3, 7, 12, 14, 11, 6, 8, 3, -2, -7, -11, -8, -9, -4, 1, 5, 2, -3, -6)
"""USDT around the middle, one every second."""


def making(**parameters: str) -> StoryDesk:
    """Two makers and no reference yet."""
    numbers = {name: D(value) for name, value in parameters.items()}
    makers = (
        MakerTerms(symbol="BTC/USDT", parameters=numbers),
        MakerTerms(symbol="ETH/USDT", parameters={"order_amount": D(10), "max_position": D(300)}),
    )
    balances = {"BTC": D(20), "ETH": D(400), "USDT": D(2_400_000)}
    return StoryDesk(config=settings(makers=makers, desk_balances=balances)).start()


def refers(desk: StoryDesk, away: float | str = 0, symbol: str = "BTC/USDT") -> None:
    """Every source says this much away from the usual middle."""
    mid = MID[symbol] + D(str(away))
    half = D("0.5") if symbol == "BTC/USDT" else D("0.05")
    for source in SOURCES:
        desk.do(rep.ReferenceTicked(source=source, symbol=symbol, bid=mid - half, ask=mid + half))


def takes(desk: StoryDesk, side: Side, quantity: str, symbol: str = "BTC/USDT") -> None:
    desk.do(rep.TakerOrdered(taker="t", symbol=symbol, side=side, quantity=D(quantity), price=None))


def types(desk: StoryDesk, line: str) -> None:
    desk.do(parse_order(line, desk.settings.pairs))


def active(**parameters: str) -> StoryDesk:
    """A minute and a half of quoting, takers on both sides, orders by hand."""
    desk = making(**parameters)
    for second in range(90):
        refers(desk, WAVE[second % len(WAVE)] * 3)
        refers(desk, D(WAVE[second % len(WAVE)]) / 10, "ETH/USDT")
        if second % 7 == 3:
            takes(desk, Side.SELL if second % 3 else Side.BUY, f"0.{second % 4 + 1}5")
        if second % 11 == 6:
            takes(desk, Side.BUY, "4.2", "ETH/USDT")
        desk.run(1)
    types(desk, "lim b 0.25 btc/usdt 99870")
    types(desk, "post s 1.5 btc/usdt 100050 @hilbert")
    types(desk, "lim b 3 eth/usdt 3400 @noether")
    refers(desk)
    refers(desk, 0, "ETH/USDT")
    return desk


def working() -> StoryDesk:
    """A desk at work: trades done, two requests live, makers quoting. The README's pictures."""
    desk = active()

    def passes(seconds: float) -> None:
        refers(desk, WAVE[len(desk.records) % len(WAVE)])
        refers(desk, D(WAVE[len(desk.records) % len(WAVE)]) / 10, "ETH/USDT")
        desk.run(seconds)

    for line in ("b 0.75 btc/usdt", "s 12 eth/usdt @hilbert", "b 50k usdt btc/usdt @noether"):
        rfq = desk.ask(line)
        passes(1.2)
        desk.accept(rfq)
        passes(1.5)
    desk.tick("BTC/USDT", D("99951.40"))
    desk.tick("ETH/USDT", D("3412.01"))
    desk.ask("s 20 eth/usdt @noether")
    for _ in range(3):
        passes(1.1)
    desk.ask("b 1.5 btc/usdt @acme")
    passes(1.6)
    desk.market.drift = D("-0.3")
    passes(0.9)
    refers(desk)
    refers(desk, 0, "ETH/USDT")
    return desk


def waiting() -> StoryDesk:
    desk = active()
    return desk.run(5)


def paused() -> StoryDesk:
    desk = active()
    refers(desk, 1200)
    desk.run(2)
    refers(desk, 1200)
    return desk


def reducing() -> StoryDesk:
    desk = active(max_position="2")
    for _ in range(12):
        takes(desk, Side.SELL, "0.5")
        desk.run(1.2)
        refers(desk)
    return desk


def stopped() -> StoryDesk:
    desk = active()
    desk.do(cmd.StopMaker(symbol="BTC/USDT"))
    return desk


def killed() -> StoryDesk:
    desk = active()
    desk.do(cmd.Halt(why="exchange incident"))
    return desk


def none() -> StoryDesk:
    return StoryDesk().start()


STATES: tuple[Callable[[], StoryDesk], ...] = (
    active, making, waiting, paused, reducing, stopped, killed, none,
)  # fmt: skip
