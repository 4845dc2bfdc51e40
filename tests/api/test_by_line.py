"""A desk that is served and has no screen: a person's words come line by line, as to `--plain`."""

from __future__ import annotations

import asyncio

from lpdesk import plain
from lpdesk.sandbox import Mood
from tests.api.desks import Desk, Market, data, error
from tests.conftest import eventually


async def typed(desk: Desk, *words: str) -> list[str]:
    """What is printed for these lines."""
    session, reader = desk.live.session, asyncio.StreamReader()
    reader.feed_data("".join(f"{line}\n" for line in words).encode())
    reader.feed_eof()
    printed: list[str] = []
    show = plain.printer(session, printed.append)
    desk.live.listeners.append(show)
    await plain.run(session, reader, printed.append)
    desk.live.listeners.remove(show)
    return printed


async def test_an_lp_that_filled_twice_is_dealt_with_again_when_a_person_has_said_so(
    desk: Desk, market: Market
) -> None:
    bot, kepler = desk["bot"], market.sandbox.lps[0].name
    market.venue.script(Mood.DOUBLE_FILL)
    quote = await bot.dealt(unit_count="1")
    await typed(desk, f"reconcile {kepler}")
    await eventually(lambda: desk.live.session.view.breaks.open)
    shown = data(await bot.get(f"/v2/quotes/{quote['id']}"))["attributes"]
    assert (shown["status"], shown["reconciliation-status"]) == ("settled", "unmatched")
    assert error(await bot.quote(unit_count="1"), 400)["title"] == "Trade desk failure"

    done = await typed(desk, "break B-1 close it kept both", f"UNBLOCK {kepler}", "unblock nobody")
    assert [line.split(" ", 1)[1] for line in done] == [
        "B-000001 closed: it kept both",
        f"LP {kepler} closed",
        "refused: lp: unknown LP, not blocked",
    ]
    data(await bot.quote(unit_count="1"), 201)
