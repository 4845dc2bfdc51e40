"""Words that move money ask back with the numbers, and do it on `yes`."""

from __future__ import annotations

from lpdesk.domain import commands as cmd
from lpdesk.tui.picture import text_of
from tests.cli.test_settling import desk as a_delayed_trade
from tests.tui.dealing import at, message, type_line
from tests.tui.stories import busy


async def test_a_withdrawal_shows_what_is_there_and_waits_for_the_word() -> None:
    desk = busy()
    async with at(desk, still=True) as (app, pilot):
        await type_line(app, pilot, "withdraw 5k usdt @acme")
        assert desk.submitted == []
        assert message(app).startswith("! 5,000.00 USDT out of client:acme")
        assert message(app).endswith("type: yes")
        await pilot.press("escape")
        await type_line(app, pilot, "yes")
        assert desk.submitted == []
        await type_line(app, pilot, "withdraw 5k usdt @acme")
        await type_line(app, pilot, "yes")
        (sent,) = desk.submitted
        assert isinstance(sent, cmd.Withdraw)
        assert (sent.account, sent.asset, f"{sent.amount:f}") == ("client:acme", "USDT", "5000")


async def test_a_settlement_shows_what_it_needs_and_what_is_missing() -> None:
    desk = a_delayed_trade()
    async with at(desk, still=True) as (app, pilot):
        await type_line(app, pilot, "settle new t-1")
        assert message(app).startswith("! gather 1 trade of acme and otc in a settlement: T-000001")
        await type_line(app, pilot, "yes")
        await type_line(app, pilot, "settle s-1")
        assert "try S-000001 now, all of it or nothing: acme and otc, 1 trade" in message(app)
        short = [
            " ".join(line.split()) for line in text_of(app).splitlines() if "short 49,0" in line
        ]
        assert short == ["settlement:acme pays 50,005.60 USDT has 1,000.00 short 49,005.60 !"]
        await type_line(app, pilot, "yes")
        kinds = [type(command) for command in desk.submitted]
        assert kinds == [cmd.CreateSettlement, cmd.SettleNow]


async def test_a_line_that_is_none_says_so_and_asks_nothing() -> None:
    desk = busy()
    async with at(desk, still=True) as (app, pilot):
        await type_line(app, pilot, "deposit 5 doge")
        assert "doge is in no pair" in message(app)
        await type_line(app, pilot, "yes")
        assert desk.submitted == []
