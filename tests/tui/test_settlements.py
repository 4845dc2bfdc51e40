"""The settlements page and the log: every trade, where it comes from, and what the desk said."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.tui import tellings
from lpdesk.tui.ancestry import branches, since
from lpdesk.tui.app import DeskApp
from lpdesk.tui.export import csv_text
from lpdesk.tui.picture import picture, text_of
from lpdesk.views import lineage
from tests.cli.test_settling import desk as a_delayed_trade
from tests.conftest import eventually
from tests.core.settling import ALPHA, Settling, organization, settling
from tests.tui.dealing import at, last_line, message, type_line
from tests.tui.stories import StoryDesk, Tape, busy

KINDS = ("csv", "json")
Compare = Callable[[str, str], None]


def listed(app: DeskApp) -> list[str]:
    """The trades in the list of the page."""
    page = app.desk.pages.page
    assert page is not None
    return page.panes[0].grid_or_none.keys  # type: ignore[union-attr]


async def types(app: DeskApp, pilot: Pilot[None], line: str) -> None:
    """A line, typed from wherever the keys are."""
    if not app.desk.at_line:
        await pilot.press("colon")
    await type_line(app, pilot, line)
    await pilot.pause()


async def turned(app: DeskApp, pilot: Pilot[None], *keys: str) -> None:
    """Press keys, and wait until the lineage is read."""
    await pilot.press(*keys)
    await pilot.pause()
    await eventually(lambda: "is being read" not in text_of(app))
    await pilot.pause()


# Lineage


def test_a_lineage_is_everything_about_the_trade_and_nothing_else() -> None:
    desk = busy()
    of = lineage("T-000002", desk.records)
    assert of.rfq_id == "R-000002"
    prices = [
        event
        for record in desk.records
        for event in record.events
        if isinstance(event, ev.QuoteReceived) and event.rfq_id == "R-000002"
    ]
    tree = ["".join(span.text for span in b.text) for b in branches(of, desk.settings)]
    assert tree[0] == "R-000002  hilbert asks to SELL 12 ETH  ETH/USDT"
    assert any(line.startswith(f"quotes  {len(prices)} from 5 LPs") for line in tree)
    assert sum(f"{price.price:,}  12 ETH" in line for price in prices for line in tree) >= 7
    for said in (
        "first  3,410.06  client 3,408.35  5.0 bp  Q-000003",
        "improved by +4.78bp  3,411.69  client 3,409.98",
        "hilbert pays 12.0000 ETH for 40,919.80 USDT  Q-000004",
        "sent sell 12 at 3,411.69",
        "filled 12 at 3,411.69  slip 0.0bp  fee 1.25 USDT  640 ms",
        "held  client:hilbert 12.0000 ETH  H-000002",
        "client:hilbert  +40,919.80 USDT",
        "settled  P&L +19.23 USDT  +4.70bp",
    ):
        assert any(said in line for line in tree), said
    assert not any("R-000001" in line or "acme" in line for line in tree)
    assert lineage("T-000099", desk.records).steps == ()


def test_time_on_the_edges() -> None:
    times = (0, 98_000_000, 1_904_000_000, 200 * 10**9, 12_540 * 10**9)
    assert [since(t, 0) for t in times] == ["+0 ms", "+98 ms", "+1.90 s", "+3 min", "+3h29m"]


def test_an_event_without_words_of_its_own_is_shown_all_the_same() -> None:
    """Others will be invented: their name and what is short is better than nothing."""
    later = ev.AcceptRepeated(trade_id="T-000001", quote_id="Q-1")
    (line,) = tellings._plainly(later, None)
    assert "".join(s.text for s in line) == "accept repeated  trade_id T-000001  quote_id Q-1"


def test_the_lineage_of_a_trade_that_is_settled_later() -> None:
    desk = Settling(ALPHA, settling(organization("200000", own="0")))
    desk.deals("b 1 btc/usdt t+1", "b 1.5 btc/usdt t+1")
    desk.later("2d")
    records = desk.simulation.records
    of = lineage("T-000002", records)
    assert {getattr(step.event, "trade_id", "") for step in of.steps} == {"", "T-000002"}
    tree = ["".join(span.text for span in b.text) for b in branches(of, desk.see().settings)]
    said = tree[tree.index("settlement") :]
    assert "hedged  P&L +75.00 USDT  settles 01-20 16:00:00" in said[1]
    assert "S-000001  2 trades  tried 01-20 16:05:00" in said[2] and "time 1" in said[3]
    assert "not all there  settlement:acme lacks 150,075 USDT" in said[4]


# The page


@pytest.mark.parametrize("size", [(160, 48), (80, 24)], ids=str)
async def test_the_page_at_every_size(size: tuple[int, int], same_picture: Compare) -> None:
    text = await picture(busy(), screen="settlements", size=size, kind="txt")
    lines = text.splitlines()
    assert len(lines) == size[1] and all(len(line) <= size[0] for line in lines)
    assert "4 trades on show" in text and "e export" in lines[-1] and "Esc back" in lines[-1]
    assert not any("##" in line for line in lines), "no number is cut"
    same_picture(f"settlements-{size[0]}x{size[1]}", text)


async def test_the_lineage_follows_the_cursor() -> None:
    async with at(busy(), (160, 48)) as (app, pilot):
        await turned(app, pilot, "ctrl+t")
        assert "Lineage  T-000004  UNKNOWN" in text_of(app)
        assert "asked how abc-000004-1 ended" in text_of(app)
        await turned(app, pilot, "down", "down")
        assert "Lineage  T-000002  settled +19.23 USDT" in text_of(app)
        assert "filled 12 at 3,411.69" in text_of(app)
        await pilot.press("tab")
        assert app.focused is not None and app.focused.id == "lineage"
        await pilot.press("escape")
        assert app.desk.pages.page is None and app.desk.at_line


async def test_a_trade_is_opened_from_the_blotter() -> None:
    async with at(busy(), (80, 24)) as (app, pilot):
        await turned(app, pilot, "f5", "down", "enter")
        assert "R-000003  noether asks to BUY 2,500 USDC" in text_of(app)
        assert app.focused is not None and app.focused.id == "lineage", "small: by turns"
        await pilot.press("shift+tab")
        assert "f: all  4 trades" in text_of(app)
        await pilot.press("ctrl+t")
        assert app.desk.pages.page is None, "the key that leads there leads back"
        await types(app, pilot, "settlements t-000001")
        await eventually(lambda: "acme asks to BUY 0.75 BTC" in text_of(app))
        await types(app, pilot, "trades T-000077")
        assert "T-000077 is not kept here" in message(app)


async def test_by_state_narrowed_and_sorted() -> None:
    async with at(busy(), (160, 48)) as (app, pilot):
        await turned(app, pilot, "ctrl+t", "f")
        assert listed(app) == ["T-000004"] and "f: open" in text_of(app)
        await types(app, pilot, "states settled")
        assert listed(app) == ["T-000003", "T-000002", "T-000001"]
        assert "3 trades on show   P&L +55.47 USDT   fees 3.75 USDT" in text_of(app)
        await types(app, pilot, "sort pnl")
        assert listed(app) == ["T-000001", "T-000002", "T-000003"]
        await pilot.press("escape", "slash", *"hil", "enter")
        await pilot.pause()
        assert listed(app) == ["T-000002"] and "1 trade on show" in text_of(app)
        assert app.focused is not None and app.focused.id == "trades"
        await pilot.press("escape")
        assert len(listed(app)) == 3 and app.desk.pages.page is not None, "one level back"


async def test_what_is_on_show_is_written_out(tmp_path: Path) -> None:
    async with at(busy(), (160, 48), state_dir=tmp_path) as (app, pilot):
        await turned(app, pilot, "ctrl+t")
        await types(app, pilot, "sort pnl")
        await types(app, pilot, "states settled")
        await turned(app, pilot, "escape", "tab", "e")
        assert message(app).startswith("✓ 3 trades in trades-20260119-143043.csv and ")
        table, objects = (tmp_path / f"trades-20260119-143043.{kind}" for kind in KINDS)
        rows = list(csv.DictReader(table.read_text().splitlines()))
        assert [row["trade_id"] for row in rows] == listed(app)
        assert rows[0]["pnl"] == "36.24" and rows[0]["at"].startswith("2026-01-19T14:29:51")
        assert [row["trade_id"] for row in json.loads(objects.read_text())] == listed(app)
        assert table.stat().st_mode & 0o077 == 0
    async with at(busy(), (160, 48), state_dir=tmp_path, restricted=True) as (app, pilot):
        await turned(app, pilot, "ctrl+t", "e")
        assert "this screen writes no files" in message(app)
        await pilot.press("escape")
        await types(app, pilot, "export")
        assert "type `settlements` first" in message(app)


def test_no_cell_becomes_a_formula() -> None:
    trade = replace(busy().view.trades[0], client="=cmd()", text="+1;@x", lp="-lp")
    row = next(csv.DictReader(csv_text([trade]).splitlines()))
    assert (row["client"], row["text"], row["lp"]) == ("'=cmd()", "'+1;@x", "'-lp")


async def test_no_deal_from_the_page() -> None:
    desk = busy()
    async with at(desk, (120, 36)) as (app, pilot):
        await turned(app, pilot, "ctrl+t", "f9")
        assert desk.submitted == [] and "not on the screen" in message(app)
        assert "F9" not in last_line(app)


async def test_a_journal_that_cannot_be_read_is_said() -> None:
    class Broken(StoryDesk):
        async def about(self, name: str) -> tuple[()]:
            raise OSError("disk gone \x1b[2J")

    desk = Broken()
    desk.__dict__.update(busy().__dict__)
    async with at(desk, (160, 48)) as (app, pilot):
        await turned(app, pilot, "ctrl+t")
        await eventually(lambda: "cannot be read: OSError: disk gone" in text_of(app))


async def test_a_replay_has_the_page_and_its_moment() -> None:
    tape = Tape(busy())
    async with at(tape, (160, 48)) as (app, pilot):
        steps = lineage("T-000002", tape.records).steps
        end = next(step.seq for step in steps if isinstance(step.event, ev.TradeSettled))
        await types(app, pilot, f"go {end}")
        await turned(app, pilot, "ctrl+t")
        assert listed(app) == ["T-000002", "T-000001"]
        assert "Lineage  T-000002  settled" in text_of(app)
        tape.seek_seq(end - 1)
        await turned(app, pilot, "up")
        await eventually(lambda: "Lineage  T-000002  executing" in text_of(app))
        await eventually(lambda: "filled 12" not in text_of(app))


# What is due


def failed_once() -> StoryDesk:
    """Acme's trade of today is gathered and tried: neither side has what it must give."""
    desk = a_delayed_trade()
    desk.do(cmd.CreateSettlement(trades=("T-000001",)))
    desk.run(6 * 60)
    return desk


async def test_what_is_due_and_what_it_is_short_of(same_picture: Compare) -> None:
    desk = failed_once()
    async with at(desk, (160, 48), still=True) as (app, pilot):
        await turned(app, pilot, "ctrl+t")
        same_picture("due-160x48", text_of(app))
        await turned(app, pilot, "tab", "tab", "enter")
        assert "Settlement  S-000001  FAILED" in text_of(app)


# The log


async def test_every_toast_has_a_number_to_look_up(same_picture: Compare) -> None:
    desk = busy()
    newest, unknown = (
        next(n.seq for n in desk.view.notices if text in n.text) for text in ("dirac", "unknown at")
    )
    async with at(desk, (120, 36), still=True) as (app, pilot):
        assert message(app).split() == ["!", "dirac", "resting:", "late", f"#{newest}", "14:30:40"]
        await types(app, pilot, f"toast #{unknown}")
        await pilot.pause()
        same_picture("log-120x36", text_of(app))
        grid = app.desk.pages.page.panes[0].grid_or_none  # type: ignore[union-attr]
        assert grid is not None and grid.cursor_key == str(unknown)
        await turned(app, pilot, "enter")
        assert "hilbert asks to BUY 50,000 USDT" in text_of(app), "its trade"
        await types(app, pilot, "log 9999")
        assert "9999 is not kept here" in message(app)
        await pilot.press("ctrl+g")
        assert app.desk.pages.page is None
