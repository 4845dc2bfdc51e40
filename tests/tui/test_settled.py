"""A settlement opened: its terms, trades, attempts, holds, postings, webhooks; and its lists."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from lpdesk.domain import commands as cmd
from lpdesk.journal.reader import about
from lpdesk.tui.ancestry import branches
from lpdesk.tui.app import DeskApp
from lpdesk.tui.picture import text_of
from lpdesk.tui.screens.settlements import SettlementsPage
from lpdesk.tui.settled import settlement_branches
from lpdesk.views import lineage
from tests.cli.days import keep
from tests.conftest import eventually
from tests.tui.dealing import at, last_line, message
from tests.tui.settling import a_day, dealt
from tests.tui.stories import StoryDesk, Tape

BREAKS = "breaks-20260119-144348.csv"
Compare = Callable[[str, str], None]


def page(app: DeskApp) -> SettlementsPage:
    found = app.desk.pages.page
    assert isinstance(found, SettlementsPage)
    return found


async def press(app: DeskApp, pilot: Pilot[None], *keys: str) -> None:
    """Keys, typed ahead up to an Esc or Enter, and what they lead to is read."""
    for key in keys:
        character = " " if key == "space" else key if len(key) == 1 else None
        app.post_message(events.Key(key, character))
        if key in ("escape", "enter", keys[-1]):
            await pilot.pause()
    if "is being read" in text_of(app):
        await eventually(lambda: "is being read" not in text_of(app))


async def sees(app: DeskApp, *texts: str) -> None:
    """Waits until they are on the screen: a page opens, and its tree is read, in its own time."""
    for text in texts:
        await eventually(lambda text=text: text in text_of(app))


async def types(app: DeskApp, pilot: Pilot[None], line: str) -> None:
    """A line, typed from wherever the keys are."""
    app.desk.places.to_line()
    app.desk.line.input.value = line
    await press(app, pilot, "enter")


def said(desk: StoryDesk, name: str) -> list[str]:
    """The tree of a settlement in plain lines."""
    of = lineage(name, desk.records)
    tree = settlement_branches(of, desk.view.trades, desk.settings)
    return ["".join(span.text for span in branch.text).rstrip() for branch in tree]


# What it is made of


def test_a_settlement_that_failed_tells_why_and_to_whom_it_was_told() -> None:
    lacks = "not all there  settlement:acme lacks 40,975.38 USDT"
    assert said(a_day(), "S-000002") == [
        "S-000002  acme and otc  made by hand",
        "agreed  acme-otc",
        "first try 01-19 14:36:06  last 01-20 00:31:06",
        "5 min after it is made, then every 1h00m",
        "by itself T+1 at 16:00 UTC, every day",
        "client:acme pays, or else settlement:acme",
        "exposures  of otc",
        "delivers     0.10000 BTC",
        "delivers     12.0000 ETH",
        "gets      50,969.78 USDT",
        "trades  2",
        "T-000002 BUY 0.1 BTC  pays 10,001.22 USDT  pending  at 100,012.17",
        "T-000003 BUY  12 ETH  pays 40,968.56 USDT  pending  at   3,414.05",
        "attempts",
        "tried, time 1",
        f"{lacks}  has 9,994.4  tried again 01-19 15:36:06",
        "webhooks",
        "create  acme-hook  DEAD !  2 tries  HTTP 500  msg_abc_000003",
        "create  otc-hook   waits   msg_abc_000003",
        "failed  acme-hook  waits   msg_abc_000004",
        "failed  otc-hook   waits   msg_abc_000004",
        "holds  4",
        "held  liquidity:otc 0.10000 BTC  H-000004",
        "held  liquidity:otc 12.0000 ETH  H-000005",
        "released  H-000004",
        "released  H-000005",
        "webhook tries  2",
        "not taken  acme-hook, time 1  HTTP 500  tried again 01-19 14:31:11",
        "given up !  acme-hook, time 2  HTTP 500",
    ]


def test_a_settlement_that_is_done_tells_who_paid_what_to_whom() -> None:
    desk = a_day()
    told = said(desk, "S-000001")
    assert told[10].startswith(
        "T-000001 BUY 0.5 BTC  pays 50,005.60 USDT  settled  from settlement:acme"
    )
    for line in (
        "tried by hand, time 1",
        "settled  S-000001  from the settlement account",
        "held  settlement:acme 50,005.60 USDT  H-000002",
        "settlement:acme  -50,005.60 USDT  X-000006",
        "client:acme        +0.50000 BTC  X-000006",
        "T-000001  settled  P&L +23.75 USDT  +4.75bp",
    ):
        assert line in told, line
    assert not any("T-000002" in line or "msg_abc_000003" in line for line in told)
    assert said(desk, "S-000009") == []


def test_the_journal_is_asked_for_all_that_belongs_to_a_name_and_no_more(tmp_path: Path) -> None:
    """The tables say which records are about it: also those that name its webhooks only."""
    desk = a_day()
    desk.do(cmd.CloseBreak(break_id="B-000001", why="booked by phone"))
    path = keep(tmp_path / "day.db", desk.records)
    for name in ("S-000001", "S-000002", "T-000001", "T-000003", "T-000004"):
        found = about(path, name)
        assert lineage(name, found) == lineage(name, desk.records), name
        assert 0 < len(found) < len(desk.records)
    assert about(path, "S-000009") == []


# Opening it, and the way back


@pytest.mark.parametrize("size", [(160, 48), (80, 24)], ids=str)
async def test_a_settlement_opens_at_every_size(
    size: tuple[int, int], same_picture: Compare
) -> None:
    async with at(a_day(), size, still=True) as (app, pilot):
        await press(app, pilot, "ctrl+t", "tab", "tab", "enter")
        await sees(app, "acme and otc  made by hand")
        await pilot.pause()
        assert not any("##" in line for line in text_of(app).splitlines()), "no number is cut"
        same_picture(f"settlement-{size[0]}x{size[1]}", text_of(app))


async def test_from_a_settlement_into_its_trades_and_back() -> None:
    async with at(a_day(), (160, 48)) as (app, pilot):
        await types(app, pilot, "settlements s-1")
        await sees(app, "Settlement  S-000001  settled")
        tree = page(app).lineage
        tree.grid.select(next(key for key in tree.grid.keys if tree._tree[int(key)].ref))
        assert page(app).under == ("T-000001", "S-000001")
        await press(app, pilot, "enter")
        await sees(app, "Lineage  T-000001  settled +23.75 USDT")
        await sees(app, "acme asks to BUY 0.5 BTC")
        await press(app, pilot, "escape")
        await sees(app, "Settlement  S-000001  settled")
        await press(app, pilot, "escape")
        assert app.focused is not None and app.focused.id == "settlements-list"
        await press(app, pilot, "escape")
        assert app.desk.pages.page is None and app.desk.at_line


async def test_a_trade_s_own_lineage_leads_to_its_settlement() -> None:
    async with at(a_day(), (160, 48)) as (app, pilot):
        await types(app, pilot, "settlements t-3")
        await sees(app, "Lineage  T-000003  pending", "S-000002")
        tree = page(app).lineage
        line = next(k for k in tree.grid.keys if tree._tree[int(k)].ref == "S-000002")
        tree.grid.select(line)
        await press(app, pilot, "enter")
        await sees(app, "Settlement  S-000002  FAILED")
        await press(app, pilot, "escape")
        await sees(app, "Lineage  T-000003  pending")


async def test_what_happens_to_it_is_seen_while_it_is_open() -> None:
    desk = a_day()
    async with at(desk, (160, 48)) as (app, pilot):
        await types(app, pilot, "settlements s-2")
        await sees(app, "tried, time 1")
        assert "tried by hand" not in text_of(app)
        desk.do(cmd.SettleNow(settlement_id="S-000002"))
        await sees(app, "tried by hand, time 2")
        desk.do(cmd.ResendWebhook(event_id="msg_abc_000003"))
        await eventually(lambda: "DEAD !" not in text_of(app))
        await types(app, pilot, "settlements s-9")
        assert "S-000009 is not kept here" in message(app)


async def test_a_replay_opens_it_as_it_was() -> None:
    desk = a_day()
    tape = Tape(desk)
    async with at(tape, (160, 48)) as (app, pilot):
        await types(app, pilot, "settlements s-2")
        await sees(app, "tried, time 1")
        assert "t try now" not in last_line(app)
        made = next(n.seq for n in desk.view.notices if "S-000002 acme and otc" in n.text)
        tape.seek_seq(made)
        await sees(app, "Settlement  S-000002  pending")
        await eventually(lambda: "tried, time 1" not in text_of(app))
        await sees(app, "create  acme-hook  waits")


async def test_the_log_leads_to_a_settlement() -> None:
    desk = dealt()
    desk.do(cmd.CreateSettlement(trades=("T-000001",)))
    async with at(desk, (120, 36)) as (app, pilot):
        await press(app, pilot, "ctrl+g", "enter")
        await sees(app, "S-000001  acme and otc  made by hand")


def test_the_tree_of_a_trade_names_what_its_lines_lead_to() -> None:
    desk = a_day()
    tree = branches(lineage("T-000002", desk.records), desk.settings)
    refs = {branch.ref for branch in tree}
    assert {"", "S-000002", "msg_abc_000003", "msg_abc_000004"} == refs


# The lists: the same keys and words for each


async def test_settlements_and_breaks_are_filtered_sorted_narrowed_and_written_out(
    tmp_path: Path,
) -> None:
    async with at(a_day(), (160, 48), state_dir=tmp_path) as (app, pilot):
        await press(app, pilot, "ctrl+t", "tab", "tab")
        shown = page(app).list_pane
        assert shown.grid.keys == ["S-000002", "S-000001"]
        await types(app, pilot, "sort tries")
        await types(app, pilot, "sort cash")
        assert shown.grid.keys == ["S-000002", "S-000001"] and "by cash ▼" in text_of(app)
        await types(app, pilot, "states settled")
        assert shown.grid.keys == ["S-000001"] and "f: settled" in text_of(app)
        await press(app, pilot, "escape", "f", "f")
        assert shown.states == "all"
        await press(app, pilot, "slash", *"failed", "enter", "e")
        assert "✓ 1 settlement in settlements-20260119-144348.csv and " in message(app)
        (row,) = json.loads((tmp_path / "settlements-20260119-144348.json").read_text())
        assert row["settlement_id"] == "S-000002" and row["trades"] == ["T-000002", "T-000003"]
        assert row["cash_exposures"] == {"USDT": "50969.78"}
        assert row["missing"][0]["missing"] == "40975.38"
        assert row["next_at"].startswith("2026-01-19T15:36:06")
        table = (tmp_path / "settlements-20260119-144348.csv").read_text()
        (line,) = csv.DictReader(table.splitlines())
        assert json.loads(line["trades"]) == ["T-000002", "T-000003"]
        assert json.loads(line["missing"]) == row["missing"]
        await press(app, pilot, "escape", "tab", "f", "enter")
        await sees(app, "f: short")
        await sees(app, "Lineage  T-000002")  # the first trade that is short
        await press(app, pilot, "escape", "tab", "e")
        assert "✓ 1 break in breaks-" in message(app)
        (line,) = csv.DictReader((tmp_path / BREAKS).read_text().splitlines())
        assert (line["break_id"], line["lp"], line["closed_at"]) == ("B-000001", "borel", "")
        await press(app, pilot, "f")
        assert page(app).list_pane.grid.keys == [] and "f: closed" in text_of(app)
        await types(app, pilot, "sort cash")
        assert "by break, open, owner, kind, lp, trade" in message(app)
