"""Keys typed ahead, in one write, through a real terminal: they go where they were meant to."""

from __future__ import annotations

import os

import pytest

from tests.conftest import eventually
from tests.tui.terminal import Terminal

pytestmark = pytest.mark.terminal

F9 = b"\x1b[20~"


def shows(terminal: Terminal, text: str) -> bool:
    return any(text in line for line in terminal.screen.display)


def row(terminal: Terminal, parameter: str) -> str:
    """A parameter's name, value and unit."""
    line = next((line for line in terminal.screen.display if f" {parameter} " in line), "")
    return " ".join(line[line.find(parameter) :].split()[:3])


async def deal(terminal: Terminal) -> None:
    """F9, fifty times in one write; once more if the terminal's word on the price came behind."""
    dealt, again = "T-000005", "press again when it has"
    os.write(terminal._master, F9 * 50)
    await eventually(lambda: shows(terminal, dealt) or shows(terminal, again), 20)
    if not shows(terminal, dealt):
        os.write(terminal._master, F9 * 50)
        await eventually(lambda: shows(terminal, dealt), 20)


async def test_keys_behind_a_function_key_go_where_it_leads() -> None:
    async with Terminal("-m", "tests.tui.preview", "busy", width=120, height=36) as terminal:
        await eventually(lambda: shows(terminal, "F9 deals"), 20)
        os.write(terminal._master, b"\x1bOR:s 3 ethusdt\r")  # F3, then all the rest
        await eventually(lambda: shows(terminal, "R-000008  acme"), 20)
        assert shows(terminal, "SELL 3 ETH")
        await eventually(
            lambda: shows(terminal, "▸ kepler") and shows(terminal, "F9 deals 3 ETH"), 20
        )
        await deal(terminal)
        os.write(terminal._master, b"zzz\r")
        await eventually(lambda: shows(terminal, "zzz is not b, buy, s or sell"), 20)
        assert not shows(terminal, "T-000006")


async def test_keys_behind_the_maker_page_cancel_and_change_there() -> None:
    async with Terminal("-m", "tests.tui.preview", "making", width=160, height=48) as terminal:
        await eventually(lambda: shows(terminal, "mid 99,945.20"), 20)
        os.write(terminal._master, b"\x1b[21~\tx")  # F10, Tab, x
        await eventually(lambda: shows(terminal, "O-000002 hilbert"), 20)
        await eventually(lambda: not shows(terminal, "O-000001 acme"), 20)
        os.write(terminal._master, b"xxx")  # held: one order, not three, and none twice
        await eventually(lambda: not shows(terminal, "O-000002 hilbert"), 20)
        os.write(terminal._master, b"\t\r20\r")  # to the parameters: the first one is 20
        await eventually(lambda: row(terminal, "bid_spread").endswith(" 20 bp"), 20)
        await eventually(lambda: shows(terminal, "O-000003 noether"), 20)
        assert not shows(terminal, "not found")


async def test_keys_behind_the_settlements_page_mark_and_ask_there() -> None:
    async with Terminal("-m", "tests.tui.preview", "dealt", width=80, height=24) as terminal:
        await eventually(lambda: shows(terminal, "noether"), 20)
        os.write(terminal._master, b"\x14j  g")  # ^T, down, Space, Space, g
        await eventually(lambda: shows(terminal, "gather 2 trades of acme and otc"), 20)
        assert shows(terminal, "otc gets      50,969.78 USDT"), "nothing went to another list"
        os.write(terminal._master, b"yes\r\x1b")
        await eventually(lambda: shows(terminal, "S-000001 acme and otc: 2 to settle"), 20)
        await eventually(lambda: shows(terminal, "f states"), 20)  # the list has the keys again
        os.write(terminal._master, b"\t\t\rr")  # to the settlements, into it; no webhook there
        await eventually(lambda: shows(terminal, "first try 01-19"), 20)
        await eventually(lambda: shows(terminal, "resend: put the cursor on a webhook"), 20)


async def test_editing_keys_act_before_the_letters_typed_behind_them() -> None:
    """A slow line brings keys together: `b 10`, Backspace, ` btc/usdt` must ask for 1, not 10."""
    async with Terminal("-m", "tests.tui.preview", "empty", width=120, height=36) as terminal:
        await eventually(lambda: shows(terminal, "no request yet"), 20)
        os.write(terminal._master, b"junk\x15b 10\x7f btc/usdt\r")  # ^U, then Backspace
        await eventually(lambda: shows(terminal, "BUY 1 BTC"), 20)
        assert not shows(terminal, "BUY 10 BTC")


async def test_a_paste_without_marks_is_refused() -> None:
    """Terminals without bracketed paste send what was pasted as if it had been typed."""
    async with Terminal("-m", "tests.tui.preview", "empty", width=120, height=36) as terminal:
        await eventually(lambda: shows(terminal, "no request yet"), 20)
        os.write(terminal._master, b"b 1 btc/usdt\nb 2 btc/usdt\nb 3 btc/usdt\n")
        await eventually(lambda: shows(terminal, "3 lines pasted: paste one at a time"), 20)
        os.write(terminal._master, b"\x1b[200~b 4 btc/usdt\rb 5 btc/usdt\r\x1b[201~")
        await eventually(lambda: shows(terminal, "2 lines pasted"), 20)
        assert not shows(terminal, "R-000001") and shows(terminal, "no request yet")


async def test_a_price_is_dealt_only_when_the_terminal_has_shown_it() -> None:
    """Kernels and networks hold a lot: what was sent is not yet what the dealer looks at."""
    async with Terminal("-m", "tests.tui.preview", "busy", width=120, height=36) as terminal:
        await eventually(lambda: shows(terminal, "F9 deals"), 20)
        await eventually(lambda: b"\x1b[5n" in terminal.raw, 5, "the question")
        terminal.stop_reading()
        os.write(terminal._master, b"\t")  # another request, whose price never arrives
        os.write(terminal._master, b"\x1b[20~")  # F9
        terminal.answering = False
        terminal.read()
        await eventually(lambda: shows(terminal, "has not shown this price yet"), 5)
        os.write(terminal._master, b"\x1b[0n\x1b[20~")  # now it has
        await eventually(lambda: shows(terminal, "T-000005"), 5)
