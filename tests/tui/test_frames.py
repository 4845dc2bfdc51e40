"""The front buffer against Textual's own drawing: the same pictures, whatever happens between."""

from __future__ import annotations

import random
import re
from typing import Any, ClassVar

import pyte
import pytest
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Input, Static

from lpdesk.tui.cells import PLAIN, pen_change, pen_of, strip_cells
from lpdesk.tui.frames import KNOWN_TEXTUAL, FrameApp, FrontBuffer
from lpdesk.tui.widgets.grid import Column, LineGrid, Row, Span
from tests.conftest import eventually
from tests.tui.terminal import Terminal, picture

WORDS = ("alpha", "字幕", "é", "e\u0301", "क्षि", "▲ 1.5", "", "[/evil]", "naïve 東京 x")
STYLES = ("", "deals--up", "deals--down")


class Deals(LineGrid):
    COMPONENT_CLASSES: ClassVar[set[str]] = {"deals--up", "deals--down"}
    DEFAULT_CSS = """
    Deals .deals--up { color: green; text-style: bold; }
    Deals .deals--down { color: #ff8040; background: #203040; text-style: underline; }
    """


class Ask(ModalScreen[None]):
    DEFAULT_CSS = "Ask { align: center middle; } Ask Static { width: 20; border: round red; }"

    def compose(self) -> ComposeResult:
        yield Static("Really? 東", markup=False)


class Twice(App[None]):
    """Every update goes to a stock terminal and, through a front buffer, to another one."""

    CSS = "Horizontal { height: 1fr; } Static { height: auto; width: 100%; }"

    def __init__(self, seed: int, width: int, height: int) -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.front = FrontBuffer(ColorSystem.TRUECOLOR)
        self.truth, self.ours = (pyte.Screen(width, height) for _ in range(2))
        self.truth_in, self.ours_in = pyte.Stream(self.truth), pyte.Stream(self.ours)
        self.sizes: dict[str, int] = {"stock": 0, "ours": 0}
        self.skip = False

    def compose(self) -> ComposeResult:
        yield Static("one", id="note", markup=False)
        columns = [Column(str(n), f"c{n}", 9, "left" if n % 2 else "right", n) for n in range(8)]
        with Horizontal():
            yield Deals(columns, id="left")
            yield Deals(columns, id="right")
        yield Input(id="entry")

    def _display(self, screen: Any, update: Any) -> None:
        if update is None or self._batch_count:
            return
        stock = update.render_segments(Console(color_system="truecolor"))
        self.feed_stock(stock)
        if not self.front.want(update):
            self.screen.refresh()
        self.skip = self.random.random() < 0.3  # a terminal that is behind
        if not self.skip:
            self.catch_up()

    def feed_stock(self, data: str) -> None:
        self.sizes["stock"] += len(data)
        # pyte drops the rest of what it is fed after some marks; stock output has no way round
        self.truth_in.feed(data)

    def catch_up(self) -> None:
        frame = self.front.frame()
        self.sizes["ours"] += len(frame)
        self.ours_in.feed(frame)

    def change(self, wild: bool) -> None:
        """Some random thing that desks do."""
        dice = self.random
        choice = dice.randrange(8)
        if choice < 4:
            self.query_one(dice.choice(("#left", "#right")), Deals).show_rows(self.rows(wild))
        elif choice == 4:
            words = WORDS if wild else ("alpha", "▲ 1.5")
            note = "\n".join(dice.choice(words) * dice.randrange(4) for _ in range(3))
            self.query_one("#note", Static).update(note)
        elif choice == 5:
            self.query_one("#entry", Input).value = "b 1.5"[: dice.randrange(6)]
        elif choice == 6:
            self.query_one("#right").display = dice.random() < 0.5
        elif isinstance(self.screen, Ask):
            self.pop_screen()
        else:
            self.push_screen(Ask())

    def rows(self, wild: bool) -> list[Row]:
        dice = self.random
        words = WORDS if wild else ("alpha", "▲ 1.5", "東京", "")

        def cell() -> Span:
            number = f"{dice.randrange(300)}.{dice.randrange(100):02}"
            return Span(dice.choice((*words, number, number)), dice.choice(STYLES))

        return [Row(str(y), tuple(cell() for _ in range(8))) for y in range(dice.randrange(12))]


def same(app: Twice, ours: pyte.Screen, truth: pyte.Screen) -> None:
    __tracebackhide__ = True
    for y, (mine, his) in enumerate(zip(picture(ours), picture(truth), strict=True)):
        assert mine == his, f"line {y}: {ours.display[y]!r} for {truth.display[y]!r}"


@pytest.mark.parametrize("seed", range(4))
async def test_random_life_ends_in_the_stock_picture(seed: int) -> None:
    app = Twice(seed, 90, 26)
    async with app.run_test(size=(90, 26)) as pilot:
        for step in range(40):
            screens = [screen for screen in app.screen_stack if screen.is_running]
            if app.screen is screens[0] or app.random.random() < 0.3:
                app.change(wild=False) if app.screen is screens[0] else app.pop_screen()
            if step % 13 == 12:
                width, height = app.random.randrange(40, 110), app.random.randrange(12, 34)
                app.truth.resize(height, width)
                app.ours.resize(height, width)
                await pilot.resize_terminal(width, height)
            await pilot.pause()
        app.catch_up()
        same(app, app.ours, app.truth)
        if app.front.size == (app.ours.columns, app.ours.lines):
            fresh = pyte.Screen(app.ours.columns, app.ours.lines)
            app.front.forget()
            pyte.Stream(fresh).feed(app.front.frame())
            same(app, fresh, app.truth)
        assert app.sizes["ours"] < app.sizes["stock"]


@pytest.mark.parametrize("seed", range(4))
async def test_every_script_stays_in_its_cells(seed: int) -> None:
    """Where terminals disagree on widths, every text still starts in the cell it was given."""
    app = Twice(seed, 90, 26)
    async with app.run_test(size=(90, 26)) as pilot:
        for _ in range(15):
            app.query_one("#left", Deals).show_rows(app.rows(wild=True))
            await pilot.pause()
        app.query_one("#left", Deals).show_rows(
            [Row("r", tuple(Span("क्षि" if n == 1 else f"{n}.25") for n in range(8)))]
        )
        await pilot.pause()
        app.catch_up()
        line = app.ours.buffer[app.query_one("#left").region.y + 1]
        text = "".join((line[x].data or " ")[0] for x in range(app.ours.columns))
        kept = [
            placed for placed in app.query_one("#left", Deals)._places if placed.number % 2 == 0
        ]
        for placed in kept:
            assert text[placed.x : placed.x + placed.width].strip() == f"{placed.number}.25"


def strips(*rows: str) -> LayoutUpdate:
    return LayoutUpdate(
        [[Strip([Segment(row)], len(row))] for row in rows], Region(0, 0, len(rows[0]), len(rows))
    )


def test_only_changed_runs_are_sent() -> None:
    front = FrontBuffer()
    front.want(strips("price 99,951.20", "price 99,951.20"))
    assert "99,951.20" in front.frame()
    assert front.frame() == ""
    front.want(strips("price 99,951.20", "price 99,952.20"))
    assert front.frame() == "\x1b[2;12H2\x1b[1;1H"


def test_near_changes_are_one_run_and_far_ones_two() -> None:
    front = FrontBuffer()
    front.want(strips("a" * 30))
    front.frame()
    front.want(strips("a" * 5 + "baab" + "a" * 15 + "b" + "a" * 5))
    assert front.frame() == "\x1b[5Cbaab" + "\x1b[15Cb\x1b[1;1H"


def test_a_frame_that_was_left_out_is_in_the_next_one() -> None:
    front = FrontBuffer()
    front.want(strips("1.00", "2.00"))
    front.frame()
    front.want(strips("1.01", "2.00"))
    front.want(strips("1.01", "2.02"))
    screen = pyte.Screen(4, 2)
    pyte.Stream(screen).feed("1.00\r\n2.00\x1b[1;1H" + front.frame())
    assert screen.display == ["1.01", "2.02"]


def test_a_part_of_a_screen_of_another_size_is_refused() -> None:
    front = FrontBuffer()
    front.want(strips("abcd"))
    assert not front.want(ChopsUpdate([{0: None}], [(0, 0, 3)], [[3]]))


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b]52;c;aGk=\x07",
        "\x1b[31m",
        "\x9b31m",
        "a\rb",
        "\u202eabc",
        "\ud800",
        "\x00\x7f",
        "\u0301",
    ],
    ids=["osc52", "csi", "c1", "cr", "bidi", "surrogate", "nul-del", "mark"],
)
def test_no_widget_can_send_a_control_character(hostile: str) -> None:
    texts, pens = strip_cells(Strip([Segment(f"<{hostile}>")]), ColorSystem.TRUECOLOR)
    assert len(texts) == len(pens)
    assert all(text.isprintable() for text in texts)
    "".join(texts).encode()


def test_pens_change_by_the_least() -> None:
    def pen(style: str) -> Any:
        return pen_of(Style.parse(style), ColorSystem.TRUECOLOR)

    assert pen_change(PLAIN, pen("bold")) == "\x1b[1m"
    assert pen_change(pen("#ff0000 on #000000"), pen("#00ff00 on #000000")) == "\x1b[38;2;0;255;0m"
    assert pen_change(pen("bold #ff0000"), pen("#ff0000")) == "\x1b[0;38;2;255;0;0m"
    assert pen_change(pen("#ff0000"), PLAIN) == "\x1b[39m"
    assert pen_change(None, PLAIN) == "\x1b[0m"
    assert pen_of(Style(), ColorSystem.TRUECOLOR) is PLAIN
    assert pen("bold") is pen_of(Style(bold=True), ColorSystem.TRUECOLOR)


def test_sixteen_colours_stay_sixteen() -> None:
    pen = pen_of(Style.parse("#ff0000"), ColorSystem.STANDARD)
    assert pen.foreground in {"31", "91"}


def test_the_hook_is_for_the_textual_that_was_read() -> None:
    import textual

    assert FrameApp.DIFFED is textual.__version__.startswith(KNOWN_TEXTUAL)


COLOUR = re.compile(r"(?:^|;)(?:3[0-8]|39|4[0-9]|9[0-7]|10[0-7])(?:;|$)")


@pytest.mark.slow
async def test_no_color_sends_no_colour_and_keeps_what_must_be_seen() -> None:
    """Weight, and reverse where something must be seen, are left; not even a grey is sent."""
    async with Terminal("-m", "tests.tui.preview", "halted", width=120, NO_COLOR="1") as terminal:
        await eventually(lambda: terminal.shows("HALTED"), 20)
        terminal.type("\x1bOR")  # F3
        await eventually(lambda: terminal.shows("┏━ LP race"), 5, "a heavy frame has the keys")
        pens = set(re.findall(r"\x1b\[([0-9;:]*)m", terminal.raw.decode()))
        assert [pen for pen in pens if COLOUR.search(pen)] == []
        badge = next(cell for cell in terminal.screen.buffer[0].values() if cell.data == "H")
        assert badge.reverse and badge.bold, "HALTED"
