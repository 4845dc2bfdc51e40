"""What the hands can do besides dealing: completing, narrowing, jumping, sorting, confirming."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from lpdesk.domain import commands as cmd
from lpdesk.domain.entry import ORDERS
from lpdesk.domain.values import SECOND
from lpdesk.tui.actions import check_keymap
from lpdesk.tui.chat import reminder, still_good
from lpdesk.tui.complete import GRAMMAR, complete, grammar
from lpdesk.tui.driver import Bursts
from lpdesk.tui.gates import Gates
from lpdesk.tui.look import time_left
from lpdesk.tui.picture import text_of
from lpdesk.tui.screens.help import HelpPage
from lpdesk.tui.screens.lps import LpsPage
from lpdesk.tui.screens.settlements import SettlementsPage
from tests.conftest import eventually
from tests.tui.dealing import at, message, type_line
from tests.tui.stories import busy


@pytest.mark.parametrize(
    ("typed", "whole"),
    [
        ("ha", "halt"),
        ("b 2 et", "b 2 eth/usdt"),
        ("B 2 ET", "B 2 ETh/usdt"),
        ("b 2 btc/usdt @h", "b 2 btc/usdt @hilbert"),
        ("b 2 btc/usdt via k", "b 2 btc/usdt via kepler"),
        ("theme h", "theme harbour"),
        ("x r-000007", None),
        ("x r-00000", "x r-000007"),
        ("b 2", None),
        ("zzz", None),
        ("b 2 ", None),
    ],
)
def test_completion(typed: str, whole: str | None) -> None:
    assert complete(typed, busy().view, ["harbour", "linen"]) == whole


@pytest.mark.parametrize(
    ("typed", "goes_on"),
    [
        ("", GRAMMAR),
        ("b 1.5", GRAMMAR),
        ("lim b 0.5", f"lim {ORDERS['lim'].takes}"),
        ("MK", f"mkt {ORDERS['mkt'].takes}"),
        ("cxl ", f"cxl {ORDERS['cxl'].takes}"),
        ("set btc/usdt", f"set {ORDERS['set'].takes}"),
        ("theme", "theme [NAME]"),
        ("halt", "halt [why]"),
        ("resume", "resume"),
        ("zzz", GRAMMAR),
    ],
)
def test_the_hint_follows_the_words(typed: str, goes_on: str) -> None:
    assert grammar(typed) == goes_on


async def test_the_line_shows_how_an_order_goes_on() -> None:
    async with at(busy(), (120, 36)) as (app, pilot):
        assert GRAMMAR in text_of(app)
        await pilot.press(*"lim ")
        await pilot.pause()
        assert f"lim {ORDERS['lim'].takes}" in text_of(app) and GRAMMAR not in text_of(app)


async def test_the_right_arrow_takes_what_is_offered() -> None:
    async with at(busy()) as (app, pilot):
        await pilot.press(*"b 2 et")
        await eventually(lambda: app.desk.line.input._suggestion)
        await pilot.press("right")
        assert app.desk.line.input.value == "b 2 eth/usdt"


async def test_a_slash_narrows_the_list_with_the_keys() -> None:
    async with at(busy()) as (app, pilot):
        await pilot.press("f5", "slash", *"hil")
        await pilot.pause()
        assert "T-000004" in text_of(app) and "T-000001" not in text_of(app)
        await pilot.press("enter")
        assert app.focused is not None and app.focused.id == "settlement"
        assert "/hil" in text_of(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "T-000001" in text_of(app)
        await pilot.press("escape", "/")
        assert app.desk.line.input.value == "/", "on the line it is a character"


async def test_jump_mode() -> None:
    async with at(busy()) as (app, pilot):
        await pilot.press("ctrl+o")
        await pilot.pause()
        assert " s  LP race" in text_of(app)
        await pilot.press("s")
        assert app.focused is not None and app.focused.id == "race"
        await pilot.press("ctrl+o", "q")
        assert app.desk.at_line, "any other key goes back to the line"
        assert app.desk.line.input.value == ""


async def test_the_blotter_is_sorted_by_word_and_by_click() -> None:
    def order(text: str) -> list[str]:
        return [word for word in text.split() if word.startswith("T-0")]

    async with at(busy(), (160, 48)) as (app, pilot):
        first = order(text_of(app))
        await type_line(app, pilot, "sort pnl")
        assert "by pnl ▼" in text_of(app)
        assert order(text_of(app))[0] == "T-000001" and order(text_of(app))[-1] == "T-000004"
        await pilot.click("#settlement", offset=(1, 0))
        assert "by time ▼" in text_of(app) and order(text_of(app)) == first
        await pilot.click("#settlement", offset=(1, 0))
        assert order(text_of(app)) == first[::-1]
        await pilot.press("escape")
        await type_line(app, pilot, "sort nonsense")
        assert "sort time" in message(app)


async def test_the_footer_is_clicked() -> None:
    desk = busy()
    async with at(desk) as (_, pilot):
        await pilot.click("#footer", offset=(5, 0))
        await pilot.pause()
        assert [type(each) for each in desk.submitted] == [cmd.AcceptQuote]
        await pilot.click("#footer", offset=(116, 0))
        await eventually(lambda: desk.view.status.halted)


async def test_tabs_and_requests_are_clicked() -> None:
    def row_of(rfq_id: str) -> int:
        card = app.desk.rfq.card
        rows = [card.render_line(y).text for y in range(card.size.height)]
        return next(y for y, row in enumerate(rows) if row.startswith(rfq_id))

    async with at(busy()) as (app, pilot):
        await pilot.click(app.desk.ladder, offset=(len("╭─ Ladder │ L"), 0))
        assert app.desk.places.with_keys == "lps" and app.desk.ladder.has_class("-behind")
        await pilot.click(app.desk.lps, offset=(len("╭─ L"), 0))
        assert app.desk.places.with_keys == "ladder"
        focus = app.desk.look().focus
        other = next(c.rfq_id for c in app.desk.look().view.rfqs if c.rfq_id != focus)
        await pilot.click("#rfq", offset=(2, row_of(other)))
        assert app.desk.look().focus == other
        await pilot.click("#rfq", offset=(2, 16))
        assert app.desk.look().focus == other, "no request stands there"

    async with at(busy(), (80, 24)) as (app, pilot):
        await pilot.press("ctrl+t")
        await pilot.pause()
        page = app.desk.pages.page
        assert isinstance(page, SettlementsPage)
        await pilot.click(page.trades, offset=(len("╭─ Trades │ Lineage │ S"), 0))
        assert page.front == "settlements"


async def test_help_fits_every_width() -> None:
    async with at(busy(), (80, 24)) as (app, pilot):
        await pilot.press("f1")
        await pilot.pause()
        lines = [line.strip() for line in text_of(app).splitlines()]
        accept = next(y for y, line in enumerate(lines) if line.startswith("F9 "))
        assert lines[accept + 1] == "Deal at the price on the screen.", "below the words"
        await pilot.resize_terminal(120, 36)
        await pilot.pause()
        assert "p, accept                           Deal at the price" in text_of(app)


async def test_help_for_the_pane_and_the_lps_page() -> None:
    async with at(busy()) as (app, pilot):
        await pilot.press("f3", "question_mark")
        assert isinstance(app.screen, HelpPage) and "owes us" in text_of(app)
        await pilot.press("escape", "f7")
        await pilot.pause()
        assert isinstance(app.screen, LpsPage)
        assert "kepler" in text_of(app) and "next probe" in text_of(app)
        await pilot.press("escape")
        assert app.screen is app.desk


async def test_a_line_typed_before_the_desk_stands_is_whole() -> None:
    async with at(busy()) as (app, pilot):
        app._stands = False
        await pilot.press(*"b 2 btc", "slash", *"usd")
        assert app.desk.line.input.value == ""
        app.stands()
        await pilot.press("t")
        await pilot.pause()
        assert app.desk.line.input.value == "b 2 btc/usdt" and not app.desk.places.finding


async def test_why_says_where_the_price_comes_from() -> None:
    async with at(busy(), (120, 60)) as (app, pilot):
        await type_line(app, pilot, "why")
        assert isinstance(app.screen, HelpPage)
        lines = [line.strip() for line in text_of(app).splitlines()]
        at_title = lines.index("This price")
        assert lines[at_title + 1 : at_title + 6] == [
            "kepler sells us 1.5 BTC at 99,955.20.",
            "99,955.20 plus 5 bp of markup is the client's 100,005.1776.",
            "The client pays 150,007.77 USDT: 1.5 BTC x that, rounded up to 2 decimals.",
            (
                "Good for 10.0 s from 14:30:41 on, at least 2.0 s less than the LP's own: "
                "the desk's buffer."
            ),
            "Lock: improved by +5.40bp; a rival takes it when better by 1 bp.",
        ]


async def test_a_theme_is_worn_while_the_cursor_is_on_it() -> None:
    async with at(busy()) as (app, pilot):
        await type_line(app, pilot, "theme")
        await pilot.press(*"linen")
        await eventually(lambda: app.theme == "linen")
        await pilot.press("escape")
        await eventually(lambda: app.theme == "harbour")
        await type_line(app, pilot, "theme")
        await pilot.press(*"linen", "enter")
        await eventually(lambda: app.screen is app.desk and app.theme == "linen")


async def test_a_gate_asks_back_and_deals_on_the_word() -> None:
    desk = busy()
    async with at(desk, still=True) as (app, pilot):
        app.desk.gates = Gates(above=Decimal(100_000))
        await pilot.press("f9", "f9")
        await pilot.pause()
        assert desk.submitted == []
        assert message(app).startswith(
            "! BUY 1.5 BTC at 100,005.18, quoted 2 s ago: more than 100,000 USDT"
        )
        assert message(app).endswith("type: yes")
        await pilot.press("escape")
        await type_line(app, pilot, "yes")
        assert desk.submitted == [] and "nothing is asked" in message(app)
        await pilot.press("f9")
        await type_line(app, pilot, "yes")
        assert [type(each) for each in desk.submitted] == [cmd.AcceptQuote]


async def test_a_gate_refuses_a_quote_that_was_replaced() -> None:
    desk = busy()
    async with at(desk) as (app, pilot):
        app.desk.gates = Gates(deviation_bps=Decimal("0.1"))
        await pilot.press("f9")
        await pilot.pause()
        assert "bp from the market" in message(app)
        drawn = app.desk.rfq.on_screen
        desk.market.drift = Decimal(-9)
        desk.run(1.2)
        await eventually(lambda: app.desk.rfq.on_screen != drawn)
        await type_line(app, pilot, "yes")
        assert desk.submitted == [] and message(app).startswith("! quote changed")


async def test_copy_is_on_the_clipboard_and_in_a_file(tmp_path: Path) -> None:
    async with at(busy(), state_dir=tmp_path) as (app, pilot):
        await type_line(app, pilot, "copy")
        text = (tmp_path / "copied.txt").read_text().strip()
        assert text == app.clipboard
        assert text.startswith("acme: you buy 1.5 BTC at 100,005.18 USDT/BTC, you pay 150,007.77")
        assert "good for 7 s" in text and str(tmp_path) in message(app)
        assert (tmp_path / "copied.txt").stat().st_mode & 0o077 == 0


async def test_the_clients_time_begins_when_the_price_is_copied(tmp_path: Path) -> None:
    desk = busy()
    desk.market.validity_ns = 1  # nobody else has a price any more
    async with at(desk, state_dir=tmp_path) as (app, pilot):
        assert "client told" not in text_of(app)
        await type_line(app, pilot, "copy")
        assert "good for 7 s" in app.clipboard and "client told 100,005.18  7 s" in text_of(app)
        desk.run(3)
        await eventually(lambda: "client told 100,005.18  4 s" in text_of(app))
        desk.run(2.5)
        await eventually(lambda: "client told 100,005.18  1.5 s" in text_of(app))
        desk.run(1.5)
        await eventually(lambda: "client told 100,005.18  time is up" in text_of(app))
        card = desk.view.card("R-000007")
        assert card is not None and time_left(card, desk.now()) > 0, "the cover has some left"


async def test_a_better_price_keeps_the_promise_and_a_worse_one_breaks_it() -> None:
    desk = busy()
    async with at(desk) as (app, pilot):
        await type_line(app, pilot, "copy")
        desk.market.drift = Decimal(-9)
        desk.run(1.2)
        await eventually(lambda: "client told 100,005.18  5 s  better now" in text_of(app))
        told, card = app.desk.told("R-000007"), desk.view.card("R-000007")
        assert told is not None and card is not None and card.quote is not None
        for cut_s in (0, 1, 3, 8):  # however early the cover ends, the promise does not outlive it
            ends = desk.now() + cut_s * SECOND
            sooner = replace(card, quote=replace(card.quote, dealable_until=ends))
            assert still_good(told, sooner, desk.now()) == min(
                cut_s * SECOND, told.until - desk.now()
            )
        worse = replace(card, quote=replace(card.quote, client_price=told.price + 1))
        assert still_good(told, worse, desk.now()) == 0
        assert still_good(told, replace(card, quote=None), desk.now()) == 0
        line = reminder(told, app.desk.look(), worse)
        assert "not any more: tell them !" in "".join(span.text for span in line)


def test_a_keymap_that_cannot_be_is_refused() -> None:
    check_keymap({"accept": "ctrl+d", "step": "f9"})  # a replay has no accept
    for keymap, why in (
        ({"acept": "f5"}, "no action 'acept'"),
        ({"accept": "a"}, "printable key 'a'"),
        ({"help": "f9"}, "accept and help cannot share the key 'f9'"),
        ({"zoom": "f2"}, "cannot share the key 'f2'"),
    ):
        with pytest.raises(ValueError, match=why):
            check_keymap(keymap)


def test_two_lines_in_one_read_are_a_paste() -> None:
    burst = Bursts()
    assert burst.typed("b 1 btc/usdt\r", 0.0) == "b 1 btc/usdt\r"
    assert burst.typed("\x1b[20~\x1b[20~", 0.0) == "\x1b[20~\x1b[20~"
    assert burst.typed("\r\r\r", 0.0) == "\r\r\r", "a held Enter is no paste"
    pasted = burst.typed("b 1 btc/usdt\rs 1 btc/usdt\rb 3", 1.0)
    assert pasted == "\x1b[200~b 1 btc/usdt\rs 1 btc/usdt\rb 3\x1b[201~"
    assert burst.typed(" btc/usdt\r", 1.01).startswith("\x1b[200~"), "its next piece"
    assert burst.typed("\x1b[<35;1;1M", 1.02) == "\x1b[<35;1;1M", "the mouse is not its next piece"
    assert burst.typed("b 1 btc/usdt\r", 2.0) == "b 1 btc/usdt\r"


def test_escape_sequences_do_not_hide_a_paste() -> None:
    def refused(text: str) -> bool:
        typed = Bursts().typed(text, 0.0)
        inside = typed.removeprefix("\x1b[200~").removesuffix("\x1b[201~")
        return typed != inside and "\x1b" not in inside

    orders = "b 1 btc/usdt\rb 2 btc/usdt\r"
    assert refused("\x1b[20~" + orders) and refused(orders + "\x1bOR")
    assert refused(f"\x1b[200~x\x1b[201~{orders}"), "somebody's own marks around something else"
    assert refused(orders + "\x1b[201~") and refused("\x1b[201~" + orders)
    assert not refused("\x1bOR:s 3 ethusdt\r"), "one line behind a key is typed ahead"


def test_a_paste_that_the_terminal_marked_is_left_to_the_parser() -> None:
    """One too long for a read comes in pieces, and a mark may be torn in two."""
    burst = Bursts()
    for piece in (
        "\x1b[20",
        "0~b 1 btc/usdt\rb 2 btc/usdt\r",
        "b 3 btc/usdt\rb 4 btc/usdt\r\x1b[2",
        "01~",
    ):
        assert burst.typed(piece, 0.0) == piece
    assert burst.typed("b 1 btc/usdt\rb 2 btc/usdt\r", 1.0).startswith("\x1b[200~")
    burst.typed("\x1b[200~a", 2.0)
    assert burst.typed("b\x1b[201~b 1 btc/usdt\rb 2 btc/usdt\r", 2.0).startswith(
        "b\x1b[201~\x1b[200~"
    )
