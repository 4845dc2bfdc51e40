"""Dealer stories: what is typed and pressed, and what goes to the desk."""

from __future__ import annotations

from decimal import Decimal

import pytest
from textual import events

from lpdesk.domain import commands as cmd
from lpdesk.tui.picture import text_of
from lpdesk.tui.screens.help import HelpPage
from tests.conftest import eventually
from tests.tui.dealing import at, last_line, message, type_line
from tests.tui.stories import StoryDesk, busy, lost, refused


async def test_a_line_is_a_request_and_its_rfq_comes_into_focus() -> None:
    desk = busy()
    async with at(desk) as (app, pilot):
        assert app.focused is app.desk.line.input, "the dealer may type at once"
        await pilot.press(*"s 2 eth")
        app.desk.line.input.value += "/usdt @hilbert"
        await pilot.press("enter")
        await pilot.pause()
        asked = desk.submitted[-1]
        assert isinstance(asked, cmd.RequestQuote)
        assert (asked.symbol, asked.amount, asked.client) == ("ETH/USDT", Decimal(2), "hilbert")
        assert "R-000008  hilbert" in text_of(app)
        assert app.desk.line.input.value == ""


async def test_a_mistake_is_answered_on_the_line_above() -> None:
    desk = busy()
    async with at(desk) as (app, pilot):
        await type_line(app, pilot, "b many btc/usdt")
        assert message(app).startswith("! amount: many is not a plain decimal number")
        assert message(app).endswith("for example: b 1.5 btc/usdt")
        assert desk.submitted == []
        await type_line(app, pilot, "b 0.0001 btc/usdt")
        assert "below minimum" in message(app), "what the desk refuses is answered there too"
        await pilot.press("escape")
        assert "below minimum" not in message(app)


async def test_the_line_remembers() -> None:
    desk = busy()
    async with at(desk) as (app, pilot):
        for line in ("help me", "b 1", "b 1"):
            await type_line(app, pilot, line)
            if isinstance(app.screen, HelpPage):
                await pilot.press("escape")
        box = app.desk.line.input
        box.value = "half"
        await pilot.press("up")
        assert box.value == "b 1"
        await pilot.press("up", "up")
        assert box.value == "help me", "the same line twice is kept once"
        await pilot.press("down", "down")
        assert box.value == "half", "what was being typed is not lost"


async def test_f9_deals_on_the_quote_that_is_drawn() -> None:
    desk = busy()
    async with at(desk, still=True) as (app, pilot):
        drawn = app.desk.rfq.on_screen
        assert drawn is not None
        desk.market.drift = Decimal(-9)
        desk.changed = lambda: None
        desk.run(1.2)
        newer = desk.view.rfqs[0].quote
        assert newer is not None and newer.quote_id != drawn.quote_id
        await pilot.press("f9")
        await pilot.pause()
        sent = desk.submitted[-1]
        assert isinstance(sent, cmd.AcceptQuote) and sent.quote_id == drawn.quote_id
        assert message(app).startswith("! quote: quote changed")


@pytest.mark.parametrize("word", ["f9", "p", "accept"])
async def test_every_way_to_accept(word: str) -> None:
    desk = busy()
    async with at(desk) as (app, pilot):
        if word == "f9":
            await pilot.press("f9")
        else:
            await type_line(app, pilot, word)
        await pilot.pause()
        assert isinstance(desk.submitted[-1], cmd.AcceptQuote)
        assert "T-000005 with kepler: acme pays 150,007.77 USDT for 1.5 BTC" in message(app)
        desk.run(1)
        await eventually(lambda: "settled +" in text_of(app))


async def test_a_reject_and_who_dealt_instead_are_seen() -> None:
    desk = busy()
    desk.market.mood = {"kepler": refused}
    async with at(desk, (160, 48)) as (app, pilot):
        await pilot.press("f9")
        await pilot.pause()
        desk.run(0.7)
        await eventually(lambda: "executing with borel, kepler rejected" in text_of(app))
        desk.run(1)
        await eventually(lambda: "at borel, kepler rejected" in text_of(app))
        rows = [line for line in text_of(app).splitlines() if "▸" in line or "rejected  " in line]
        assert any("borel" in row and "LOCK" in row for row in rows)
        assert any("kepler" in row and "rejected" in row for row in rows)


async def test_a_trade_that_nobody_filled_says_why() -> None:
    desk = busy()
    desk.market.mood = dict.fromkeys(("kepler", "alpha", "borel", "uni-v3"), refused)
    async with at(desk) as (app, pilot):
        await pilot.press("f9")
        desk.run(4)
        await eventually(lambda: "failed, nothing moved: last look" in text_of(app))


async def test_bad_news_that_came_to_a_good_end_is_not_told_again() -> None:
    desk = busy()
    async with at(desk) as (app, pilot):
        desk.market.mood = {"kepler": lost}
        await pilot.press("f9")
        desk.run(1)
        await eventually(lambda: "T-000005 outcome unknown at kepler" in message(app))
        order = next(row for row in desk.view.trades if row.trade_id == "T-000005").legs[0].order_id
        desk.do(desk.market.fill_of(order))
        await eventually(lambda: "T-000005 settled with kepler" in message(app))
        desk.run(15)
        await eventually(lambda: "T-000005" not in message(app))
        await pilot.press("f12")
        desk.do(cmd.Deposit(account="client:acme", asset="USDT", amount=Decimal(100)))
        await eventually(lambda: "100 USDT into client:acme" in message(app))
        desk.run(15)
        await eventually(lambda: "HALTED" in message(app))  # other news does not end this


async def test_enter_counts_that_was_pressed_before_the_terminal_was_ours() -> None:
    desk = busy()
    async with at(desk) as (_, pilot):
        await pilot.press(*"b 2 eth", "slash", *"usdt", "ctrl+j")
        await eventually(lambda: desk.submitted)
        assert isinstance(desk.submitted[-1], cmd.RequestQuote)


async def test_fifty_presses_make_one_accept() -> None:
    desk = busy()
    desk.delay = 0.05
    async with at(desk) as (app, pilot):
        for _ in range(25):
            await app.desk.action_act("accept")
        assert "dealing" in last_line(app)
        await eventually(lambda: desk.view.status.trades == 5)
        for _ in range(25):
            await app.desk.action_act("accept")
        await pilot.pause()
        assert [type(each) for each in desk.submitted] == [cmd.AcceptQuote]


async def test_a_printable_key_in_a_pane_spends_nothing() -> None:
    desk = busy()
    async with at(desk) as (_, pilot):
        for pane in ("f2", "f5"):
            await pilot.press(pane, "p", "x", "y", "enter")
        assert desk.submitted == []


async def test_crossed_market_needs_the_word() -> None:
    desk = busy()
    desk.tick("BTC/USDT", Decimal("99951.40"))
    desk.tick("BTC/USDT", Decimal("99981.40"), "uni-v3")
    async with at(desk) as (app, pilot):
        await pilot.press("f9")
        await pilot.pause()
        assert "market crossed" in message(app) and "p!" in message(app)
        await type_line(app, pilot, "p!")
        accepts = [each for each in desk.submitted if isinstance(each, cmd.AcceptQuote)]
        assert [each.crossed_ok for each in accepts] == [False, True]


async def test_tab_goes_round_the_live_rfqs_and_nothing_else_moves_the_focus() -> None:
    desk = busy()
    async with at(desk) as (app, pilot):
        assert app.desk.look().focus == "R-000007"
        await pilot.press("tab")
        assert app.desk.look().focus == "R-000006"
        assert "R-000006  noether" in text_of(app)
        desk.ask("b 1 btc/usdt @hilbert")  # somebody else's
        await eventually(lambda: "R-000008" in text_of(app))
        assert app.desk.look().focus == "R-000006", "not under the dealer's finger"
        await pilot.press("shift+tab")
        assert app.desk.look().focus == "R-000007"
        assert app.focused is app.desk.line.input, "typing goes on"


async def test_panes_by_function_key_and_back() -> None:
    desk = busy()
    async with at(desk) as (app, pilot):
        for key, name in (("f2", "rfq"), ("f3", "race"), ("f5", "settlement"), ("f6", "lps")):
            await pilot.press(key)
            assert app.focused is not None and app.focused.id == name
        await pilot.press("z")
        assert app.screen.maximized is not None
        await pilot.press("escape")
        assert app.screen.maximized is None
        await pilot.press("colon", "b")
        assert app.desk.line.input.value == "b", "the colon is a key there, and text here"
        await pilot.press("colon")
        assert app.desk.line.input.value == "b:"
        app.desk.line.input.value = ""
        await type_line(app, pilot, ":halt lunch")
        assert isinstance(desk.submitted[-1], cmd.Halt), "pressed although the keys were here"


@pytest.mark.parametrize("size", [(80, 24), (62, 30)], ids=str)
async def test_small_terminals_have_tabs(size: tuple[int, int]) -> None:
    async with at(busy(), size) as (app, pilot):
        await pilot.press("f6")
        await pilot.pause()
        assert "resting" in text_of(app) and "T-000001" not in text_of(app)
        await pilot.press("f5")
        await pilot.pause()
        assert "T-000001" in text_of(app)


async def test_paste_of_lines_is_refused_and_of_one_line_typed() -> None:
    desk = busy()
    async with at(desk) as (app, pilot):
        app.desk.line.input.post_message(events.Paste("b 1 btc/usdt\ns 1 btc/usdt\n"))
        await pilot.pause()
        assert message(app) == "! 2 lines pasted: paste one at a time"
        assert app.desk.line.input.value == ""
        app.desk.line.input.post_message(events.Paste("b 1\x1b[2J btc/usdt\n"))
        await pilot.pause()
        assert app.desk.line.input.value == "b 1\ufffd[2J btc/usdt"
        app.desk.line.input.post_message(events.Paste("9" * 100_000))
        await pilot.pause()
        assert len(app.desk.line.input.value) <= 200
        assert desk.submitted == []


async def test_words_for_the_desk() -> None:
    desk = busy()
    async with at(desk) as (app, pilot):
        for line in ("auto on", "x", "halt exchange incident", "resume"):
            await type_line(app, pilot, line)
        assert desk.submitted == [
            cmd.SetAutoRefresh(rfq_id="R-000007", on=True),
            cmd.CancelRfq(rfq_id="R-000007"),
            cmd.Halt(why="exchange incident"),
            cmd.Resume(),
        ]
        await type_line(app, pilot, "theme linen")
        assert app.theme == "linen"
        await type_line(app, pilot, "theme nosuch")
        assert "there are blue-orange, contrast, harbour" in message(app)
        await type_line(app, pilot, "auto perhaps")
        assert "expired" in message(app) or "cancelled" in message(app)


async def test_halt_is_one_key_and_the_footer_says_the_way_back() -> None:
    desk = busy()
    async with at(desk) as (app, pilot):
        await pilot.press("f12")
        await pilot.pause()
        assert desk.submitted == [cmd.Halt()]
        assert "HALTED" in text_of(app).splitlines()[0]
        assert last_line(app).endswith("resume trading")


async def test_what_does_not_work_says_why() -> None:
    async with at(StoryDesk().start()) as (app, pilot):
        await pilot.press("f9")
        assert message(app) == "! p: no RFQ"
        assert "accept" not in last_line(app) and "F12 halt" in last_line(app)


async def test_the_bar_names_no_market_without_those_before_it() -> None:
    desk = StoryDesk().start()
    for symbol, mid in (("USDC/USDT", "1.0008"), ("BTC/USDT", "99951.2"), ("ETH/USDT", "3412.1")):
        desk.tick(symbol, Decimal(mid))
    async with at(desk, (60, 24)) as (app, pilot):
        for width in range(60, 160, 5):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
            bar = text_of(app).splitlines()[0]
            shown = [pair in bar for pair in ("BTC/USDT", "ETH/USDT", "USDC/USDT")]
            assert shown == sorted(shown, reverse=True), bar
    assert all(shown), "there is room for all in the end"
