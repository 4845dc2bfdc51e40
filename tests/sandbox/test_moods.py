"""Villains do what they are named for, and a script makes anyone do it once."""

import asyncio
from decimal import Decimal
from itertools import pairwise

import httpx
import pytest
import websockets

from lpdesk.sandbox import Mood, Stage, Verbatim

IMPATIENT = 0.15


async def order(client, quote_id, order_id="D-1", **patience):
    body = {"quoteId": quote_id, "clientOrderId": order_id}
    return await client.call("POST", "/v1/execute", body, **patience)


async def test_firm_fills_what_it_quoted(stage):
    firm = await stage.villain("firm")
    quote = await firm.quote()
    fill = (await order(firm, quote["quoteId"])).json()
    assert (fill["status"], fill["fillPrice"]) == ("FILLED", quote["price"])


async def test_fader_gets_worse_with_every_look(stage, bps):
    fader = await stage.villain("fader")
    looks = [(await fader.quote())["price"] for _ in range(4)]
    steps = [bps(after, before) for before, after in pairwise(looks)]
    assert all(abs(step - Decimal("0.5")) < Decimal("0.01") for step in steps)


async def test_picker_only_fills_what_moved_against_the_client(stage, clock):
    picker = await stage.villain("picker")
    buy, sell = await picker.quote(side="BUY"), await picker.quote(side="SELL")
    clock.advance(5)
    answers = [
        (await order(picker, quote["quoteId"], quote["quoteId"])).json() for quote in (buy, sell)
    ]
    assert sorted(answer["status"] for answer in answers) == ["FILLED", "REJECTED"]
    rejected = next(answer for answer in answers if answer["status"] == "REJECTED")
    assert rejected["reason"] == "PRICE_MOVED"


async def test_staller_leaves_some_without_an_answer(stage):
    staller = await stage.villain("staller")
    body = {"symbol": "BTC/USDT", "side": "BUY", "quantity": "1"}
    calls = [staller.call("POST", "/v1/quote", body, timeout=IMPATIENT) for _ in range(12)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    stalled = [answer for answer in answers if isinstance(answer, httpx.ReadTimeout)]
    assert 0 < len(stalled) < 12


async def test_saturator_quotes_less_than_asked(stage):
    saturator = await stage.villain("saturator")
    assert Decimal((await saturator.quote(quantity="1.5"))["quantity"]) == Decimal("0.75")


async def test_skewed_lives_four_minutes_ahead(stage, clock):
    skewed = await stage.villain("skewed")
    async with skewed.stream("BTC/USDT") as stream:
        quote = await stream.hear("quote")
    assert quote["timestamp"] == clock() // 1_000_000 + 240_000


async def test_repeater_gives_every_quote_the_same_id(stage):
    repeater = await stage.villain("repeater")
    ids = {(await repeater.quote(symbol))["quoteId"] for symbol in ("BTC/USDT", "ETH/USDT")}
    assert len(ids) == 1


async def test_stray_answers_about_another_pair(stage):
    stray = await stage.villain("stray")
    assert Decimal((await stray.quote("BTC/USDT"))["price"]) < 10_000
    async with stray.stream("BTC/USDT") as stream:
        assert (await stream.hear("quote"))["symbol"] != "BTC/USDT"


async def test_flapper_comes_and_goes(stage, clock):
    flapper = await stage.villain("flapper")
    async with flapper.stream("BTC/USDT") as stream:
        await stream.hear("quote")
        clock.advance(3)
        with pytest.raises(websockets.ConnectionClosedError):
            await stream.hear("nothing")
    assert (await flapper.status("D-1")).status_code == 503
    with pytest.raises(websockets.InvalidStatus):
        async with flapper.stream("BTC/USDT"):
            pass
    clock.advance(3)
    assert (await flapper.status("D-1")).status_code == 404
    async with flapper.stream("BTC/USDT") as stream:
        assert (await stream.hear("quote"))["sequence"] == 1


async def test_liar_promises_ten_seconds_and_keeps_one(stage, clock):
    liar = await stage.villain("liar")
    quote = await liar.quote()
    assert quote["expiresIn"] == 10_000
    clock.advance(1)
    assert (await order(liar, quote["quoteId"])).json()["reason"] == "QUOTE_EXPIRED"


async def test_resetter_fills_and_cuts_the_line(stage):
    resetter = await stage.villain("resetter")
    quote = await resetter.quote()
    with pytest.raises(httpx.ReadError):
        await order(resetter, quote["quoteId"])
    assert (await resetter.status("D-1")).json()["status"] == "FILLED"
    assert (await order(resetter, quote["quoteId"])).json()["status"] == "FILLED"
    assert len(await resetter.listed()) == 1


async def test_hider_denies_its_fill_for_three_seconds(stage, clock):
    hider = await stage.villain("hider")
    quote = await hider.quote()
    assert (await order(hider, quote["quoteId"])).status_code == 504
    assert (await hider.status("D-1")).status_code == 404
    assert await hider.listed() == []
    clock.advance(3)
    assert (await hider.status("D-1")).json()["status"] == "FILLED"


async def test_doubler_fills_twice(stage):
    doubler = await stage.villain("doubler")
    quote = await doubler.quote()
    answer = (await order(doubler, quote["quoteId"])).json()
    listed = await doubler.listed()
    assert [fill["clientOrderId"] for fill in listed] == ["D-1", "D-1"]
    assert listed[0] == answer
    assert listed[1]["executionId"] != answer["executionId"]
    assert (await order(doubler, quote["quoteId"], "D-2")).json()["status"] == "FILLED"


async def test_slipper_fills_five_basis_points_worse(stage, bps):
    slipper = await stage.villain("slipper")
    for side, slip in (("BUY", 5), ("SELL", -5)):
        quote = await slipper.quote(side=side)
        fill = (await order(slipper, quote["quoteId"], side)).json()
        assert abs(bps(fill["fillPrice"], quote["price"]) - slip) < Decimal("0.01")


async def test_mute_fills_half_and_says_no_more_until_made_to(stage):
    sandbox = await stage("mute", cast="villains")
    mute = stage.client(sandbox, "mute")
    fill = (await order(mute, (await mute.quote())["quoteId"])).json()
    assert (fill["status"], Decimal(fill["fillQuantity"])) == ("PENDING", Decimal("0.75"))
    assert (await mute.status("D-1")).json() == fill
    await sandbox.venue("mute").finish("D-1")
    fill = (await mute.status("D-1")).json()
    assert (fill["status"], fill["fillQuantity"]) == ("FILLED", "1.5")


@pytest.fixture
async def kepler(stage):
    return stage.client(await stage("kepler"), "kepler")


@pytest.fixture
def venue(stage, kepler):
    return stage.open[0].venue("kepler")


async def test_rejects_the_next_two_and_then_is_itself_again(kepler, venue):
    venue.script(Mood.REJECT, times=2)
    answers = []
    for number in range(3):
        quote = await kepler.quote()
        answers.append((await order(kepler, quote["quoteId"], f"D-{number}")).json())
    assert [answer["status"] for answer in answers] == ["REJECTED", "REJECTED", "FILLED"]
    assert answers[0]["reason"] == "LAST_LOOK"


@pytest.mark.parametrize(
    ("mood", "booked"),
    [(Mood.HANG_EXECUTE, 0), (Mood.HANG_AFTER_FILL, 1), (Mood.RESET_BEFORE_FILL, 0)],
)
async def test_an_answer_lost_before_or_after_the_fill(kepler, venue, mood, booked):
    venue.script(mood)
    quote = await kepler.quote()
    with pytest.raises((httpx.ReadTimeout, httpx.ReadError)):
        await order(kepler, quote["quoteId"], timeout=IMPATIENT)
    assert len(await venue.executions()) == booked
    assert (await order(kepler, quote["quoteId"])).json()["status"] == "FILLED"
    assert len(await venue.executions()) == 1


async def test_an_answer_is_mangled_byte_for_byte(kepler, venue):
    venue.script(Verbatim(Stage.EXECUTE, 200, b'{"status": "FIL'))
    answer = await order(kepler, (await kepler.quote())["quoteId"])
    assert (answer.status_code, answer.content) == (200, b'{"status": "FIL')
    assert (await kepler.status("D-1")).json()["status"] == "FILLED"
    venue.script(Verbatim(Stage.QUOTE, 429, b"", (("Retry-After", "7"),)))
    answer = await kepler.call(
        "POST", "/v1/quote", {"symbol": "BTC/USDT", "side": "BUY", "quantity": "1"}
    )
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


async def test_errors_partials_and_too_much(kepler, venue):
    venue.script(Mood.ERROR_AFTER_FILL, Mood.PARTIAL, Mood.LARGER_FILL)
    quotes = [await kepler.quote() for _ in range(3)]
    answers = [await order(kepler, quote["quoteId"], quote["quoteId"]) for quote in quotes]
    assert answers[0].status_code == 500
    assert (await kepler.status(quotes[0]["quoteId"])).json()["status"] == "FILLED"
    assert answers[1].json()["status"] == "PARTIAL"
    assert Decimal(answers[1].json()["fillQuantity"]) == Decimal("0.75")
    assert Decimal(answers[2].json()["fillQuantity"]) == 3


async def test_a_status_can_be_lost_or_never_answered(kepler, venue):
    await order(kepler, (await kepler.quote())["quoteId"])
    venue.script(Mood.LOSE_STATUS, Mood.HANG_STATUS)
    assert (await kepler.status("D-1")).status_code == 404
    with pytest.raises(httpx.ReadTimeout):
        await kepler.call("GET", "/v1/executions/D-1", timeout=IMPATIENT)
    assert (await kepler.status("D-1")).status_code == 200


async def test_goes_dark_and_comes_back(kepler, venue):
    venue.become(moods={Mood.DARK: 1.0})
    assert (await kepler.status("D-1")).status_code == 503
    venue.become(moods={})
    assert (await kepler.status("D-1")).status_code == 404


async def test_habits_change_while_it_runs(kepler, venue, bps):
    before = await kepler.quote()
    venue.become(skew_bps=Decimal(20), validity_ms=500)
    after = await kepler.quote()
    assert after["expiresIn"] == 500
    assert 18 < bps(after["price"], before["price"]) < 22


async def test_last_look_takes_its_time(stage):
    sandbox = await stage("borel")
    borel, venue = stage.client(sandbox, "borel"), sandbox.venue("borel")
    venue.become(latency_ms=(0, 0, 0), moods={})
    quote = await borel.quote()
    started = asyncio.get_running_loop().time()
    assert (await order(borel, quote["quoteId"])).json()["status"] == "FILLED"
    assert asyncio.get_running_loop().time() - started >= 0.15
