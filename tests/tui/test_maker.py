"""The maker on the screen: each state in words, the page, its parameters and orders, its words."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from lpdesk.domain import commands as cmd
from lpdesk.domain.making import PARAMETERS, SET_AT_START, MakerTerms
from lpdesk.domain.values import Side
from lpdesk.tui.app import DeskApp
from lpdesk.tui.picture import picture, text_of
from lpdesk.tui.screens.maker import MakerPage
from tests.conftest import eventually
from tests.tui import markets
from tests.tui.dealing import at, last_line, message, type_line
from tests.tui.markets import active, making, refers, takes
from tests.tui.stories import StoryDesk, Tape

Compare = Callable[[str, str], None]
SIZES = [(160, 48), (120, 36), (80, 24)]
SAYS = {
    "active": ["ACTIVE  4 sources", "mid 99,945.20", "• 100,009.29", "○ 100,050.00", "▼ sell"],
    "making": ["WAITING", "0 of 2 fresh sources", "back by itself", "no reference"],
    "waiting": ["WAITING", "0 of 2 fresh sources", "back by itself"],
    "paused": ["PAUSED", "price moved", "back in 9 s"],
    "reducing": ["REDUCING", "position +2.0000", "only orders that shrink it"],
    "stopped": ["HALTED", "by hand", "type: mm start btc/usdt"],
    "killed": ["HALTED", "exchange incident", "type: resume"],
    "none": ["no maker configured", "deals on LP prices only", "BTC/USDT"],
}


def squeezed(text: str) -> str:
    """The words of a screen without its columns."""
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize("state", markets.STATES, ids=lambda state: state.__name__)
async def test_every_state_of_the_ladder(
    state: Callable[[], StoryDesk], same_picture: Compare
) -> None:
    text = await picture(state(), size=(120, 36), kind="txt")
    lines = [line[90:].strip("│╭╮╰╯─ ") for line in text.splitlines()[1:18]]
    for said in SAYS[state.__name__]:
        assert squeezed(said) in squeezed(" ".join(lines))
    same_picture(f"maker-{state.__name__}-120x36", text)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_page_at_every_size(size: tuple[int, int], same_picture: Compare) -> None:
    text = await picture(active(), screen="maker", size=size, kind="txt")
    lines = text.splitlines()
    assert len(lines) == size[1] and all(len(line) <= size[0] for line in lines)
    for said in ("ACTIVE  4 sources", "99,945.20", "bid_spread", "target 50%", "F12 halt"):
        assert said in text
    assert not any("##" in line for line in lines), "no number is cut"
    same_picture(f"maker-page-{size[0]}x{size[1]}", text)


@pytest.mark.parametrize("state", [state for state in markets.STATES if state != markets.none])
async def test_the_page_in_every_state(state: Callable[[], StoryDesk]) -> None:
    text = squeezed(await picture(state(), screen="maker", size=(160, 48), kind="txt"))
    assert all(squeezed(said) in text for said in SAYS[state.__name__])


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=str)
def test_the_page_in_colour(size: tuple[int, int], snap_compare: Any) -> None:
    async def open_page(pilot: Any) -> None:
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        await pilot.pause()

    app = DeskApp(active(), still=True)
    assert snap_compare(app, terminal_size=size, run_before=open_page)


def test_a_paused_maker_in_colour(snap_compare: Any) -> None:
    assert snap_compare(DeskApp(markets.paused(), still=True), terminal_size=(120, 36))


async def test_the_tab_of_a_small_terminal() -> None:
    async with at(active(), size=(80, 24)) as (app, pilot):
        await pilot.press("f4")
        await pilot.pause()
        text = text_of(app)
        assert "mid 99,945.20" in text and "ACTIVE  4 sources" in text and "▲ buy" in text


async def test_the_page_opens_and_closes() -> None:
    async with at(active()) as (app, pilot):
        await type_line(app, pilot, "maker")
        await pilot.pause()
        assert "Parameters" in text_of(app) and "Settlement" not in text_of(app)
        await pilot.press("escape")
        assert "Settlement" in text_of(app) and app.desk.at_line
        await pilot.press("f10")
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        assert "Settlement" in text_of(app)
        await pilot.press("f10")
        await pilot.pause()
        await pilot.press("f2")
        await pilot.pause()
        assert "Settlement" in text_of(app), "a pane's key leaves the page"


async def test_no_deal_on_a_price_that_is_not_on_the_screen() -> None:
    desk = active()
    desk.ask("b 1.5 btc/usdt")
    desk.run(1)
    async with at(desk) as (app, pilot):
        await pilot.press("f10")
        await pilot.pause()
        await pilot.press("f9")
        await pilot.pause()
        assert not desk.submitted and "not on the screen" in message(app)
        await pilot.press("f12")
        await pilot.pause()
        assert desk.submitted == [cmd.Halt(why="")], "the kill switch works everywhere"


async def test_a_parameter_is_changed() -> None:
    desk = active()
    async with at(desk) as (app, pilot):
        await pilot.press("f10")
        await pilot.pause()
        await pilot.press("down", "enter")
        assert app.focused is not None and app.focused.id == "value"
        await pilot.press(*"2000", "enter")
        await pilot.pause()
        assert "ask_spread: 2000 is outside 0.1 to 1000 bp" in message(app)
        assert app.focused.id == "value" and not desk.submitted
        await pilot.press("backspace", "backspace", "enter")
        await pilot.pause()
        set_to = cmd.SetMaker(symbol="BTC/USDT", parameter="ask_spread", value=Decimal(20))
        assert desk.submitted == [set_to]
        assert "ask_spread 5 -> 20" in message(app)
        assert app.focused.id == "parameters"
        await pilot.press("enter", "9", "escape")
        assert app.focused.id == "parameters" and desk.submitted == [set_to]
        assert app.desk.pages.page is not None, "Esc has left the editor only"


async def test_every_parameter_can_be_changed_from_the_screen() -> None:
    """Each in its turn to a value within its limits; those of the exchange wait for a start."""
    desk = active()
    async with at(desk, size=(160, 48)) as (app, pilot):
        await pilot.press("f10")
        await pilot.pause()
        page = app.desk.pages.page
        assert isinstance(page, MakerPage)
        pane = page.parameters

        def now() -> MakerTerms:
            maker = desk.view.maker("BTC/USDT")
            assert maker is not None
            return maker.terms

        for name in pane.grid.keys:
            low, high = PARAMETERS[name].lowest, PARAMETERS[name].highest
            value = (low + high) // 2 + (name == "inventory_target_base_pct")  # 50 it is already
            pane.grid.select(name)
            pane.action_edit()
            assert pane.has_class("-editing") == (name not in SET_AT_START), name
            if name in SET_AT_START:
                continue
            pane.input.value = str(value)
            await pane.input.action_submit()
            set_to = cmd.SetMaker(symbol="BTC/USDT", parameter=name, value=value)
            await eventually(lambda: desk.submitted[-1:] == [set_to])  # noqa: B023
            await eventually(lambda: now()[name] == value)  # noqa: B023
            assert "outside" not in message(app) and "refused" not in message(app)
        assert len(desk.submitted) == len(PARAMETERS) - 3 - len(SET_AT_START)


async def test_looking_changes_nothing() -> None:
    desk = active()
    desk.can_command = False
    async with at(desk) as (app, pilot):
        await pilot.press("f10")
        await pilot.pause()
        await pilot.press("enter", "5", "enter", "colon")
        await type_line(app, pilot, "lim b 0.5 btc/usdt 99950")
        assert not desk.submitted and "read-only" in message(app)


async def test_an_order_is_taken_off() -> None:
    desk = active()
    async with at(desk) as (app, pilot):
        await pilot.press("f10")
        await pilot.pause()
        await pilot.press("tab", "down", "x")
        await pilot.pause()
        assert desk.submitted == [cmd.CancelOrders(order_id="O-000002")]
        assert "O-000002 cancelled" in message(app)
        await pilot.pause()
        assert "○ 100,050.00" not in text_of(app)


async def test_the_ladder_follows_the_request_and_the_dealer() -> None:
    desk = active()
    async with at(desk) as (app, pilot):
        assert "mid 99,945.20" in text_of(app)
        await type_line(app, pilot, "b 2 eth/usdt")
        await pilot.pause()
        assert "ETH/USDT  • ours" in text_of(app) and "mid 3,4" in text_of(app)
        await type_line(app, pilot, "ladder btc/usdt")
        assert "mid 99,945.20" in text_of(app)
        await pilot.press("right_curly_bracket")
        await pilot.pause()
        assert "mid 3,4" in text_of(app)
        await pilot.press("escape")
        await type_line(app, pilot, "b 2000 usdc/usdt")
        await pilot.pause()
        assert "no maker for USDC/USDT" in text_of(app)
        await type_line(app, pilot, "maker nix")
        assert "nix is not dealt here" in message(app)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("lim b 0.5 btc/usdt 99800", "O-000004 acme 0.5 BTC rests at 99,800 USDT"),
        ("mkt s 0.1 btc/usdt @hilbert", "O-000004 hilbert sold 0.1 BTC at 99,909.32"),
        ("ioc b 9 btc/usdt 100000", "not filled"),
        ("cxl o-000001", "O-000001 cancelled"),
        ("cxl all", "O-000001, O-000002, O-000003 cancelled"),
        ("mm stop", "maker BTC/USDT, ETH/USDT HALTED by hand"),
        ("mm stop eth/usdt", "maker ETH/USDT HALTED by hand"),
        ("set btc/usdt bid_spread 4", "BTC/USDT bid_spread 5 -> 4"),
    ],
)
async def test_words_of_the_exchange(line: str, says: str) -> None:
    async with at(active(), size=(160, 48)) as (app, pilot):
        await type_line(app, pilot, line)
        await pilot.pause()
        assert says in message(app)


WHAT_IS_REFUSED = {
    "post b 1 btc/usdt 100100": "! order: would cross: post-only orders never take",
    "lim b 0.5 btc/usdt": "side, amount, pair and price are needed",
    "lim c 0.5 btc/usdt 1": "for example: lim b 0.5 btc/usdt 99950",
    "mkt s -1 btc/usdt": "amount: -1 is not greater than zero",
    "mkt s 1 xrp/usdt": "xrp/usdt is not dealt here",
    "cxl": "order: say which, or all",
    "cxl O-000077": "not found: no O-000077 rests",
    "lim b 0.1234567 btc/usdt 99950": "0.1234567 has more than 5 decimals",
    "lim b 0.1 btc/usdt 99950.001": "99950.001 has more than 2 decimals",
    "mm start": "maker of every pair: not stopped",
    "mm go": "start or stop",
    "set btc/usdt bid_spread 4000": "4000 is outside 0.1 to 1000 bp",
    "set btc/usdt spread 4": "there is bid_spread, ask_spread, minimum_spread",
    "set btc/usdt order_levels 2.5": "not a whole number of levels",
}


async def test_words_that_are_refused() -> None:
    async with at(active(), size=(160, 48)) as (app, pilot):
        for line, says in WHAT_IS_REFUSED.items():
            await pilot.press("escape")
            await type_line(app, pilot, line)
            await pilot.pause()
            assert says in message(app), line


async def test_the_maker_comes_back_by_hand() -> None:
    desk = markets.stopped()
    async with at(desk) as (app, pilot):
        assert "type: mm start btc/usdt" in squeezed(text_of(app))
        await type_line(app, pilot, "mm start btc/usdt")
        refers(desk)
        app.changed()
        await eventually(lambda: "ACTIVE  4 sources" in text_of(app))


async def test_a_replay_shows_the_maker_and_takes_no_words() -> None:
    tape = Tape(active())
    async with at(tape) as (app, pilot):
        await pilot.press("f10")
        await pilot.pause()
        assert "mid 99,945.20" in text_of(app) and "Enter changes" not in text_of(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "Settlement" in text_of(app) and "F10 maker" in last_line(app)


async def test_every_parameter_has_a_row_that_fits() -> None:
    text = await picture(making(), screen="maker", size=(200, 70), kind="txt")
    for name, parameter in PARAMETERS.items():
        if name not in ("risk_aversion", "order_depth", "horizon"):
            assert f" {name} " in text and f" {parameter.unit} " in text


async def test_a_large_parameter_reads_in_few_figures() -> None:
    large = {"1000000": "1M", "1234567": "1.235M", "50000": "50,000", "98765.4321": "98.77k"}
    async with at(active(), size=(160, 48)) as (app, pilot):
        for typed, reads in large.items():
            await type_line(app, pilot, f"set btc/usdt notional_per_second {typed}")
            await pilot.press("f10")
            await pilot.pause()
            row = next(line for line in text_of(app).splitlines() if "notional_per_second" in line)
            assert f" {reads} quote" in row
            await pilot.press("escape")


async def test_a_thousand_changes_a_second_are_few_pictures() -> None:
    desk = active()
    async with at(desk) as (app, pilot):
        drawn = 0
        show = app.desk.ladder.show

        def counted(slice: Any) -> None:
            nonlocal drawn
            drawn += 1
            show(slice)

        app.desk.ladder.show = counted  # type: ignore[method-assign]
        for number in range(200):
            takes(desk, Side.BUY if number % 2 else Side.SELL, "0.002")
        await eventually(lambda: drawn > 0)
        await pilot.pause()
        assert drawn <= 4
