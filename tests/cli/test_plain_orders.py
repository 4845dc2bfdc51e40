"""Orders and the maker, line by line: what is typed, and what is printed."""

from __future__ import annotations

import asyncio

from lpdesk import plain
from lpdesk.domain import commands as cmd
from tests.tui.markets import active
from tests.tui.stories import StoryDesk


async def obeyed(desk: StoryDesk, *typed: str) -> list[str]:
    """Everything printed: answers at once, and the lines of the records made."""
    reader = asyncio.StreamReader()
    reader.feed_data("".join(f"{line}\n" for line in typed).encode())
    reader.feed_eof()
    printed: list[str] = []
    show = plain.printer(desk, printed.append)
    for record in desk.records:
        show(record)
    printed.clear()
    before = len(desk.records)
    await plain.run(desk, reader, printed.append)
    for record in desk.records[before:]:
        show(record)
    return printed


async def test_orders() -> None:
    printed = await obeyed(
        active(), "lim b 0.5 btc/usdt 99800", "mkt s 0.1 btc/usdt @hilbert", "cxl all"
    )
    text = "\n".join(printed)
    assert "O-000004 acme BTC/USDT limit BUY 0.5 at 99,800: filled 0" in text
    assert "O-000005 hilbert BTC/USDT market SELL 0.1 at market: filled 0.1" in text
    assert text.count("cancelled") == 4


async def test_the_maker() -> None:
    printed = await obeyed(
        active(), "mm stop btc/usdt", "set btc/usdt bid_spread 4", "mm start", "help"
    )
    text = "\n".join(printed)
    assert "maker BTC/USDT HALTED by hand" in text
    assert "maker BTC/USDT bid_spread 5 -> 4" in text
    assert "mm start|stop [PAIR]" in text


async def test_a_refusal_has_an_example() -> None:
    desk = active()
    before = len(desk.records)
    printed = await obeyed(desk, "lim b btc/usdt", "set btc/usdt bid_spread 9999")
    order, setting = (line.split("; for example: ") for line in printed)
    needed = "refused: line: side, amount, pair and price are needed, and no more"
    assert order == [needed, "lim b 0.5 btc/usdt 99950"]
    limits = "refused: bid_spread: 9999 is outside 0.1 to 1000 bp"
    assert setting == [limits, "set btc/usdt bid_spread 4"]
    (auto,) = await obeyed(desk, "auto maybe")
    assert auto == "refused: auto: say on or off; for example: auto on"
    assert len(desk.records) == before
    assert not any(isinstance(command, cmd.PlaceOrder) for command in desk.submitted)
