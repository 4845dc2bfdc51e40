"""The grid: fixed columns, whole numbers, only changed lines, and a cursor that keeps its row."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from rich.cells import cell_len
from textual import events, on
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.widgets import Input

from lpdesk.tui.widgets.columns import fit, place, spans_of
from lpdesk.tui.widgets.grid import Column, LineGrid, Row, Span
from tests.tui.hostile import HOSTILE

COLUMNS = (
    Column("rank", "#", 2, "right"),
    Column("lp", "LP", 8),
    Column("price", "all-in", 10, "decimal", decimals=2),
    Column("bp", "vs lock", 8, "decimal", priority=2, decimals=4),
    Column("ms", "ms", 4, "right", priority=3),
)


def rows(count: int, first: int = 0) -> list[Row]:
    return [
        Row(f"k{n}", (str(n), f"lp-{n}", Span(f"{99_000 + n:,}.50", "race--price"), "+0.5bp", "98"))
        for n in range(first, first + count)
    ]


class Race(LineGrid):
    COMPONENT_CLASSES: ClassVar[set[str]] = {"race--price"}
    DEFAULT_CSS = "Race .race--price { color: #00ff00; }"

    refreshed: list[Region]

    def refresh(self, *regions: Region, **options: Any) -> Any:
        if regions:
            self.refreshed.extend(regions)
        return super().refresh(*regions, **options)


class Stage(App[None]):
    CSS = "Race { width: 40; height: 11; }"

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options
        self.heard: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        self.grid = Race(COLUMNS, id="race", **self.options)
        self.grid.refreshed = []
        yield self.grid
        yield Input()

    @on(LineGrid.Selected, "#race")
    def selected(self, message: LineGrid.Selected) -> None:
        self.heard.append(("selected", message.key))

    @on(LineGrid.Chosen)
    def chosen(self, message: LineGrid.Chosen) -> None:
        self.heard.append(("chosen", message.key))

    @on(LineGrid.HeaderClicked)
    def header(self, message: LineGrid.HeaderClicked) -> None:
        self.heard.append(("header", message.key))

    @property
    def lines(self) -> list[str]:
        return [self.grid.render_line(y).text for y in range(self.grid.size.height)]


def fitted(cell: Any, width: int, align: Any, decimals: int = 0) -> str:
    return "".join(text for text, _ in fit(spans_of(cell), width, align, decimals))


def test_points_stand_under_each_other() -> None:
    shown = [fitted(text, 12, "decimal", 5) for text in ("1.5", "99,950.12", "0.00001", "7", "?")]
    assert shown == ["     1.5    ", "99,950.12   ", "     0.00001", "     7      ", "     ?      "]
    assert all(len(text) == 12 for text in shown)


def test_units_stand_right_of_the_point() -> None:
    shown = [fitted(text, 14, "decimal", 9) for text in ("0.75000 BTC", "12.0000 ETH")]
    assert [text.find(".") for text in shown] == [4, 4]


def test_a_number_is_whole_or_not_there() -> None:
    assert fitted("99,951.20", 8, "right") == "########"
    assert fitted("no liquidity", 8, "right") == "no liqu…", "a word is no number"
    assert fitted("99,951.20", 9, "decimal", 4) == "99,951.20"
    assert fitted("kepler-long", 8, "left") == "kepler-…"


def test_wide_text_is_cut_between_characters() -> None:
    assert cell_len(fitted("東京字幕", 6, "left")) == 6
    assert fitted("東京字幕", 6, "left").endswith("…")


def test_spans_keep_their_styles_when_cut() -> None:
    cell = (Span("99,8", "dim"), Span("50.12", "bright"))
    assert fit(spans_of(cell), 10, "right", 0) == (Span(" "), *cell)
    cell = (Span("to ", "dim"), Span("alpha", "bright"))
    assert fit(spans_of(cell), 6, "left", 0) == (Span("to ", "dim"), Span("al…", "bright"))


def test_a_number_in_a_text_is_not_shown_in_part() -> None:
    cell = (Span("pays 99,8", "dim"), Span("50.12", "bright"), Span(" USDT"))
    shown = Span("pays ", "dim"), Span("…", "bright"), Span(" " * 6)
    assert fit(spans_of(cell), 12, "left", 0) == shown
    assert fit(spans_of(cell), 17, "left", 0)[-1] == Span(" U…")


def test_columns_go_by_priority() -> None:
    def keys(width: int) -> list[str]:
        return [placed.column.key for placed in place(COLUMNS, width)]

    assert keys(36) == ["rank", "lp", "price", "bp", "ms"]
    assert keys(35) == ["rank", "lp", "price", "bp"]
    assert keys(30) == ["rank", "lp", "price"]
    assert keys(5) == ["rank", "lp"], "what has priority 0 is cut, not dropped"
    assert place(COLUMNS, 0) == ()


def test_one_column_takes_what_is_left() -> None:
    columns = (Column("a", "A", 4), Column("b", "B", 4, grow=True), Column("c", "C", 4))
    assert [(p.x, p.width) for p in place(columns, 30)] == [(0, 4), (5, 20), (26, 4)]


async def test_only_lines_that_differ_are_refreshed() -> None:
    app = Stage()
    async with app.run_test():
        app.grid.show_rows(rows(5))
        app.grid.refreshed.clear()
        app.grid.show_rows(rows(5))
        assert app.grid.refreshed == []
        changed = rows(5)
        changed[3] = changed[3]._replace(cells=("3", "lp-3", "1.00"))
        strips = [app.grid.render_line(y) for y in range(11)]
        app.grid.show_rows(changed)
        assert app.grid.refreshed == [Region(0, 4, 40, 1)]
        after = [app.grid.render_line(y) for y in range(11)]
        assert [y for y in range(11) if strips[y] is not after[y]] == [4]


async def test_it_looks_as_promised() -> None:
    app = Stage()
    async with app.run_test():
        app.grid.show_rows(rows(2))
        assert app.lines[:4] == [
            " # LP           all-in  vs lock   ms    ",
            " 0 lp-0      99,000.50  +0.5bp    98    ",
            " 1 lp-1      99,001.50  +0.5bp    98    ",
            " " * 40,
        ]
        price = next(s for s in app.grid.render_line(1) if "99,000" in s.text)
        assert price.style is not None and price.style.color is not None
        assert price.style.color.triplet == (0, 255, 0)


async def test_columns_drop_when_the_window_narrows() -> None:
    app = Stage()
    app.CSS = ""
    async with app.run_test(size=(40, 12)) as pilot:
        app.grid.styles.width = "1fr"
        app.grid.show_rows(rows(2))
        await pilot.resize_terminal(30, 12)
        await pilot.pause()
        assert app.lines[0].split() == ["#", "LP", "all-in"]
        assert all(len(line) == 30 for line in app.lines)


async def test_keys_move_the_cursor_and_choose() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.grid.show_rows(rows(30))
        await pilot.press("down", "j", "k", "end", "pageup", "enter", "home", "up")
        keys = [key for what, key in app.heard if what == "selected"]
        assert keys == ["k1", "k2", "k1", "k29", "k20", "k0", "k0"]
        assert ("chosen", "k20") in app.heard
        assert app.grid.visible_rows == (0, 10, 30)


async def test_the_cursor_stays_with_its_row() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.grid.show_rows(rows(5))
        await pilot.press("down")
        app.grid.show_rows([*rows(3, 100), *rows(5)])
        assert app.grid.cursor_key == "k1"
        app.grid.show_rows(rows(5)[:1])
        assert app.grid.cursor_key == "k0", "its row is gone: the nearest"
        app.grid.show_rows([])
        assert app.grid.cursor_key is None


async def test_until_it_is_moved_the_cursor_stays_on_top() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.grid.show_rows(rows(5))
        app.grid.show_rows([*rows(1, 100), *rows(5)])
        assert app.grid.cursor_key == "k100"
        await pilot.press("down", "home")
        app.grid.show_rows(rows(9, 50))
        assert app.grid.cursor_key == "k50"


async def test_a_scrolled_view_stays_where_it_is_read() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.grid.show_rows(rows(30))
        await pilot._post_mouse_events([events.MouseScrollDown], "#race")
        await pilot.pause()
        assert app.grid.visible_rows[0] == 3
        app.grid.show_rows([*rows(2, 100), *rows(30)])
        assert app.grid.visible_rows[0] == 5
        assert app.grid.cursor_key == "k100"


async def test_clicks_select_and_double_clicks_choose() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.grid.show_rows(rows(5))
        await pilot.click("#race", offset=(5, 3))
        assert app.heard == [("selected", "k2")]
        await pilot.click("#race", offset=(5, 4), times=2)
        assert app.heard[-1] == ("chosen", "k3")
        await pilot.click("#race", offset=(20, 0))
        assert app.heard[-1] == ("header", "price")
        count = len(app.heard)
        await pilot.click("#race", offset=(5, 9))
        assert len(app.heard) == count, "there is no row there"


async def test_the_cursor_shows_where_keys_go() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.grid.show_rows(rows(3))
        focused = app.grid.render_line(1)
        await pilot.press("tab")
        await pilot.pause()
        assert app.grid.render_line(1) != focused


async def test_an_empty_grid_says_why() -> None:
    app = Stage(empty="no quotes yet: type an RFQ", header=False, cursor=False)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.lines[0].startswith("no quotes yet: type an RFQ")
        app.grid.show_rows(rows(1))
        assert "lp-0" in app.lines[0]
        await pilot.press("down", "enter")
        assert app.heard == []


async def test_a_new_theme_repaints() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.grid.show_rows(rows(3))
        before = app.grid.render_line(2)
        app.theme = "textual-light"
        await pilot.pause()
        assert app.grid.render_line(2) != before


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: name.replace(" ", "-"))
async def test_hostile_text_stays_in_its_column(name: str) -> None:
    app = Stage()
    async with app.run_test() as pilot:
        text = HOSTILE[name]
        app.grid.show_rows([Row(text, ("1", text, "1.50", (Span(text), Span(text)), "7"))])
        await pilot.pause()
        line = app.grid.render_line(1)
        assert cell_len(line.text) == line.cell_length == 40
        assert line.crop(12, 22).text == "      1.50"
        assert line.crop(32, 36).text == "   7"
        assert not set(line.text) & set(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x202E]))
        assert all(not (s.style and s.style.meta) for s in line), "nothing can be clicked"
        line.text.encode()
