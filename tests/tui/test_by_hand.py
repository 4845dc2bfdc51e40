"""What a dealer does about settlements, webhooks and breaks: asked back with numbers, then done."""

from __future__ import annotations

from collections.abc import Callable

from textual.pilot import Pilot

from lpdesk.domain import commands as cmd
from lpdesk.domain.values import Decimal
from lpdesk.tui.app import DeskApp
from lpdesk.tui.picture import text_of
from tests.conftest import eventually
from tests.tui.dealing import at, last_line, message
from tests.tui.settling import a_day, dealt
from tests.tui.stories import StoryDesk, Tape
from tests.tui.test_settled import page, press, types

Compare = Callable[[str, str], None]


def asked(app: DeskApp) -> list[str]:
    """What is asked back, a line each."""
    line = app.desk.message
    lines = [line.render_line(y).text.strip() for y in range(line.size.height)]
    return [" ".join(text.split()) for text in lines]


async def says_yes(app: DeskApp, pilot: Pilot[None], desk: StoryDesk) -> cmd.Command:
    """The last command that was sent, and nothing was before."""
    assert desk.submitted == []
    await types(app, pilot, "yes")
    (command,) = desk.submitted
    return command  # type: ignore[return-value]


# Settlements


async def test_a_settlement_is_tried_by_hand_with_its_numbers_before() -> None:
    desk = a_day()
    async with at(desk, (160, 48)) as (app, pilot):
        await press(app, pilot, "ctrl+t", "tab", "tab", "t")
        assert asked(app) == [
            "! try S-000002 now, all of it or nothing: acme and otc, 2 trades type: yes",
            "settlement:acme pays 50,969.78 USDT has 9,994.40 short 40,975.38 !",
            "liquidity:otc delivers 0.10000 BTC has 0.10000",
            "liquidity:otc delivers 12.0000 ETH has 12.0000",
        ]
        await press(app, pilot, "escape")
        assert len(asked(app)) == 1 and desk.submitted == []
        assert app.focused is not None and app.focused.id == "settlements-list"
        await press(app, pilot, "t")
        assert await says_yes(app, pilot, desk) == cmd.SettleNow(settlement_id="S-000002")
        missing = "missing: settlement:acme 40,975.38 USDT"
        assert f"! S-000002 failed, nothing has moved; {missing}" in message(app)


async def test_the_settlement_account_pays_where_the_client_cannot() -> None:
    """What is asked is what an attempt does: nothing that comes later has a part in it."""
    desk = dealt(usdt="100", own="60000")
    desk.do(cmd.CreateSettlement(trades=("T-000001",)))
    desk.do(cmd.CreateSettlement(trades=("T-000002",)))
    async with at(desk, (160, 48)) as (app, pilot):
        await types(app, pilot, "settle s-2")
        assert asked(app)[1:] == [
            "settlement:acme pays 10,001.22 USDT has 60,000.00 instead of client:acme",
            "liquidity:otc delivers 0.10000 BTC has 0.60000",
        ], "although S-000001 is due before and needs 50,005.60 of it"
        await types(app, pilot, "yes")
        assert "✓ S-000002 settled, 1 of 1 from the settlement account" in message(app)
        left = desk.view.accounts.available()
        assert left["settlement:acme", "USDT"] == Decimal("49998.78")


async def test_a_settlement_that_is_done_is_refused_in_the_desk_s_words() -> None:
    desk = a_day()
    async with at(desk, (160, 48)) as (app, pilot):
        await press(app, pilot, "ctrl+t", "tab", "tab", "down", "t")
        assert message(app) == "! try now: S-000001 is settled" and "try now" not in last_line(app)
        await types(app, pilot, "settle s-1")
        assert message(app) == "! settlement: already done: S-000001 is settled"
        await types(app, pilot, "settle s-9")
        assert message(app) == "! settlement: not found: S-000009 is not known"


async def test_marked_trades_are_gathered(same_picture: Compare) -> None:
    desk = dealt()
    async with at(desk, (160, 48), still=True) as (app, pilot):
        await press(app, pilot, "ctrl+t", "space")
        assert "mark: T-000004 must be executed_pending_settlement, and is settled" in message(app)
        await press(app, pilot, "down", "space", "space", "space")
        assert page(app).marked == ("T-000003", "T-000002", "T-000001")
        await press(app, pilot, "space", "g")
        assert page(app).marked == ("T-000003", "T-000002"), "again is not any more"
        same_picture("gather-160x48", text_of(app))
        gathered = cmd.CreateSettlement(trades=("T-000003", "T-000002"))
        assert await says_yes(app, pilot, desk) == gathered
        assert "S-000001 acme and otc: 2 to settle" in message(app)
        assert page(app).marked == (), "what is gathered is marked no more"
        await press(app, pilot, "escape", "g")
        assert "gather: mark trades with Space first" in message(app)


async def test_marking_by_word_and_what_cannot_be_gathered() -> None:
    desk = a_day()
    async with at(desk, (80, 24)) as (app, pilot):
        await types(app, pilot, "mark t-1")
        assert "type `settlements` first" in message(app)
        await press(app, pilot, "ctrl+t")
        await types(app, pilot, "mark t-3")
        assert "T-000003 is in S-000002 already" in message(app)
        await types(app, pilot, "settle new t-3")
        assert message(app) == "! trades: already done: T-000003 is in S-000002 already"
        await types(app, pilot, "settle new t-4")
        assert "must be executed_pending_settlement" in message(app)
        await types(app, pilot, "settle new t-77")
        assert "No facilitated trades found" in message(app)


# What is not money


async def test_a_dead_webhook_is_sent_again() -> None:
    desk = a_day()
    async with at(desk, (160, 48)) as (app, pilot):
        await types(app, pilot, "settlements s-2")
        tree = page(app).lineage
        dead = "msg_abc_000003 acme-hook"
        tree.grid.select(next(k for k in tree.grid.keys if tree._tree[int(k)].ref == dead))
        await press(app, pilot, "r")
        assert asked(app) == [
            "! send msg_abc_000003 again, create of S-000002 type: yes",
            "acme-hook DEAD ! 2 tries, the last 14:31:08: HTTP 500",
        ]
        sent = cmd.ResendWebhook(event_id="msg_abc_000003", endpoint="acme-hook")
        assert await says_yes(app, pilot, desk) == sent
        assert message(app) == "✓ msg_abc_000003 goes out again to acme-hook"
        await press(app, pilot, "escape", "r")
        assert "resend: msg_abc_000003 is being sent already" in message(app)
        await types(app, pilot, "webhook resend msg_abc_000003 acme-hook")
        assert "already done: msg_abc_000003 is being sent already" in message(app)


async def test_a_break_is_handed_over_and_closed_with_a_note() -> None:
    desk = a_day()
    async with at(desk, (160, 48)) as (app, pilot):
        await press(app, pilot, "ctrl+t", "shift+tab", "o")
        assert app.desk.line.input.value == "break B-000001 owner "
        await types(app, pilot, "break b-1 owner anna has asked borel")
        assert asked(app) == [
            "! anna looks after B-000001: has asked borel type: yes",
            "borel fill of an unknown order abc-000077-1 open 6 min, nobody's",
            "0.25 at 99951.40",
        ]
        handed = cmd.AssignBreak(break_id="B-000001", owner="anna", note="has asked borel")
        assert await says_yes(app, pilot, desk) == handed
        assert message(app) == "✓ B-000001 is now anna's  has asked borel"
        assert "has asked borel" in text_of(app).split("Breaks")[1]
        await press(app, pilot, "escape", "c")
        await press(app, pilot, *"phoned", "enter")
        assert asked(app)[0] == "! close B-000001 for good: phoned type: yes"
        await types(app, pilot, "yes")
        assert desk.submitted[-1] == cmd.CloseBreak(break_id="B-000001", why="phoned")
        assert "B-000001 closed: phoned" in message(app)
        await press(app, pilot, "escape", "f")
        assert "closed: phoned" in text_of(app)
        await press(app, pilot, "c")
        assert "close: B-000001 is closed" in message(app)
        await types(app, pilot, "break 1 close again")
        assert "already done: B-000001 is closed" in message(app)


# The frame around it


async def test_what_changes_while_it_is_asked_is_asked_no_more() -> None:
    desk = a_day()
    async with at(desk, (160, 48)) as (app, pilot):
        await types(app, pilot, "settle s-2")
        desk.do(cmd.Deposit(account="settlement:acme", asset="USDT", amount=Decimal(50_000)))
        await eventually(lambda: "has 59,994.40" in asked(app)[1])
        desk.do(cmd.SettleNow(settlement_id="S-000002"))
        await eventually(lambda: "things have changed" in message(app))
        await types(app, pilot, "yes")
        assert desk.submitted == []


async def test_in_a_tiny_terminal_what_is_missing_comes_first() -> None:
    async with at(a_day(), (44, 12)) as (app, pilot):
        await types(app, pilot, "settle s-2")
        assert asked(app)[1:] == [
            "settlement:acme short 40,975.38 !",
            "liquidity:otc 0.10000 BTC",
            "liquidity:otc 12.0000 ETH",
        ]


async def test_money_from_outside_is_asked_with_what_is_there_and_then() -> None:
    desk = a_day()
    async with at(desk, (80, 24)) as (app, pilot):
        await types(app, pilot, "withdraw 5 btc liquidity:otc")
        assert asked(app) == [
            "! 5.00000 BTC out of liquidity:otc type: yes",
            "liquidity:otc has 0.10000 BTC then -4.90000 BTC !",
        ]


async def test_who_only_looks_is_asked_nothing() -> None:
    desk = Tape(a_day())
    async with at(desk, (160, 48)) as (app, pilot):
        await press(app, pilot, "ctrl+t", "tab", "tab", "t")
        assert message(app) == "! try now: this screen only looks"
        await press(app, pilot, *"groc")
        assert message(app) == "! close: this screen only looks"
        assert app.desk.message.question is None
        await press(app, pilot, "space")
        assert desk.playing, "as ever in a replay"


async def test_the_list_on_show_is_copied() -> None:
    async with at(a_day(), (160, 48)) as (app, pilot):
        await press(app, pilot, "ctrl+t", "tab", "tab", "ctrl+y")
        assert message(app) == "copied: 2 settlements"
        lines = app.clipboard.splitlines()
        assert lines[0].split("\t")[0] == "settlement_id" and len(lines) == 3
        assert lines[1].startswith("S-000002\tacme-otc\tacme\totc\t")
