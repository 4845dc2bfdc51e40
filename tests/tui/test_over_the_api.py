"""Requests that came in over the API, on the dealer's screen: a sign and whose they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from lpdesk.domain import commands as cmd
from lpdesk.domain import events as ev
from lpdesk.domain.entry import parse_request
from lpdesk.domain.values import MILLISECOND
from lpdesk.tui.picture import text_of
from tests.conftest import eventually
from tests.tui.dealing import at, last_line, message
from tests.tui.stories import StoryDesk, busy
from tests.tui.test_settled import page, press, types

Compare = Callable[[str, str], None]
BOT = cmd.Origin(caller="noether-bot", token="q-1", digest="d")


def calls(desk: StoryDesk, line: str) -> str:
    """A request as the API makes it, whose price is fixed when it has come; its id."""
    asked = parse_request(line, desk.settings.pairs)
    events = desk.do(replace(asked, firm_after_ns=900 * MILLISECOND, origin=BOT))
    return next(event.rfq_id for event in events if isinstance(event, ev.RfqOpened))


def mixed() -> StoryDesk:
    """A busy desk; noether's program has dealt once and asks again."""
    desk = busy()
    rfq_id = calls(desk, "s 4 eth/usdt @noether")
    desk.run(1.2)
    card = desk.view.card(rfq_id)
    assert card is not None and card.quote is not None
    desk.do(cmd.AcceptQuote(rfq_id=rfq_id, quote_id=card.quote.quote_id, origin=BOT))
    desk.run(1)
    calls(desk, "b 0.25 btc/usdt @noether")
    return desk.run(1.2)


@pytest.mark.parametrize("size", [(160, 48), (80, 24)], ids=str)
async def test_a_sign_and_whose_it_is_at_every_size(
    size: tuple[int, int], same_picture: Compare
) -> None:
    desk = mixed()
    async with at(desk, size, still=True) as (app, pilot):
        await press(app, pilot, "f5")
        text = text_of(app)
        assert "T-000005»" in text and "T-000004»" not in text, "the dealer's own have none"
        assert not any("##" in line for line in text.splitlines()), "no number is cut"
        same_picture(f"api-{size[0]}x{size[1]}", text)


async def test_a_firm_price_is_not_the_dealer_s_to_deal_on() -> None:
    desk = mixed()
    async with at(desk, (120, 36), still=True) as (app, pilot):
        app.desk.focus_rfq(desk.view.rfqs[0].rfq_id)
        await pilot.pause()
        assert "R-000009 » noether" in text_of(app)
        assert "firm: noether may deal, over the API" in text_of(app)
        assert "F9 accept: noether deals on it, over the API" in last_line(app)
        await pilot.press("f9")
        assert message(app) == "! p: noether deals on it, over the API" and desk.submitted == []


async def test_until_it_is_firm_it_says_so_and_its_time_is_the_client_s() -> None:
    desk = busy()
    rfq_id = calls(desk, "b 0.25 btc/usdt @noether")
    desk.run(0.12)
    async with at(desk, (120, 36), still=True) as (app, pilot):
        app.desk.focus_rfq(rfq_id)
        await pilot.pause()
        assert "firm for noether soon, over the API" in text_of(app)
        desk.run(1)
        card = desk.view.card(rfq_id)
        assert card is not None and card.fixed_until is not None and card.quote is not None
        assert card.fixed_until <= card.quote.dealable_until


async def test_they_are_found_in_the_list_of_all() -> None:
    async with at(mixed(), (160, 48)) as (app, pilot):
        await press(app, pilot, "ctrl+t")
        await types(app, pilot, "states api")
        assert page(app).list_pane.grid.keys == ["T-000005"]
        await eventually(lambda: "noether asks to SELL 4 ETH  ETH/USDT  over" in text_of(app))
        assert "firm  until 14:30:5" in text_of(app)
        await press(app, pilot, "escape", "f")
        assert page(app).list_pane.states == "all"
        page(app).list_pane.narrow("»")
        assert page(app).list_pane.grid.keys == ["T-000005"]
