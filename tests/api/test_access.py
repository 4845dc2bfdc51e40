"""Who may call: keys, signatures, roles, and objects that are somebody else's."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from time import time_ns
from typing import Any

import httpx
import pytest

from lpdesk.api.access import Key, Keys, Spent, sign
from lpdesk.api.problems import Problem
from tests.api.desks import SECRETS, Caller, Desk, data, error

NOW_MS = 1_768_833_025_123
KEYS = Keys([Key("bot", b"s" * 32, "integrator", "acme")])


def signed(**changes: bytes) -> list[tuple[bytes, bytes]]:
    """The headers of a signed GET of /v2/quotes, changed."""
    timestamp = str(NOW_MS).encode()
    headers = {
        b"x-api-key": b"bot",
        b"x-timestamp": timestamp,
        b"x-signature": sign(b"s" * 32, timestamp, "GET", b"/v2/quotes", b""),
    }
    return list((headers | {k.encode().replace(b"_", b"-"): v for k, v in changes.items()}).items())


def test_a_signature_holds_for_what_was_signed_and_nothing_else() -> None:
    assert KEYS.caller(signed(), "GET", b"/v2/quotes", b"", NOW_MS).name == "bot"
    for method, target, body in (
        ("POST", b"/v2/quotes", b""),
        ("GET", b"/v2/quotes?page[size]=1", b""),
        ("GET", b"/v2/quotes", b"{}"),
    ):
        with pytest.raises(Problem, match="signature does not match"):
            KEYS.caller(signed(), method, target, body, NOW_MS)


@pytest.mark.parametrize(
    "changes",
    [
        {"x_signature": b"\xff\xe9"},
        {"x_signature": b""},
        {"x_api_key": b"\xc3\xa9"},
        {"x_api_key": b"rival"},
        {"x_api_key": b""},
        {"x_timestamp": b"\xd9\xa1"},
        {"x_timestamp": b"-1"},
        {"x_timestamp": b"9" * 40},
        {"authorization": b"Bearer \xff"},
        {"authorization": b"Basic " + b"s" * 32},
    ],
)
def test_whatever_is_wrong_it_is_401(changes: dict[str, bytes]) -> None:
    """Also what is not ASCII, which a comparison of texts would break on."""
    with pytest.raises(Problem) as refused:
        KEYS.caller(signed(**changes), "GET", b"/v2/quotes", b"", NOW_MS)
    assert refused.value.status == 401


@pytest.mark.parametrize("off_ms", [-300_001, 300_001])
def test_an_old_signature_is_refused(off_ms: int) -> None:
    with pytest.raises(Problem, match="five minutes"):
        KEYS.caller(signed(), "GET", b"/v2/quotes", b"", NOW_MS + off_ms)
    assert KEYS.caller(signed(), "GET", b"/v2/quotes", b"", NOW_MS + 300_000)


def posted(timestamp_ms: int, body: bytes = b"{}") -> dict[str, Any]:
    """A POST that was signed then, as `Keys.caller` takes it."""
    timestamp = str(timestamp_ms).encode()
    signature = sign(b"s" * 32, timestamp, "POST", b"/v2/quotes", body)
    headers = signed(x_timestamp=timestamp, x_signature=signature)
    return {"headers": headers, "method": "POST", "target": b"/v2/quotes", "body": body}


def test_a_signature_is_good_for_one_post_and_for_any_number_of_looks() -> None:
    keys = Keys([Key("bot", b"s" * 32, "integrator", "acme")])
    for _ in range(2):
        assert keys.caller(signed(), "GET", b"/v2/quotes", b"", NOW_MS).may_deal
    for _ in range(2):  # a forged one uses nothing up
        with pytest.raises(Problem, match="does not match"):
            keys.caller(**(posted(NOW_MS) | {"body": b"[]"}), now_ms=NOW_MS)
    assert keys.caller(**posted(NOW_MS), now_ms=NOW_MS)
    for later_ms in (0, 1, 299_000, 300_000):
        with pytest.raises(Problem, match="used before"):
            keys.caller(**posted(NOW_MS), now_ms=NOW_MS + later_ms)
    upper = posted(NOW_MS)
    upper["headers"] = [(k, v.upper() if k == b"x-signature" else v) for k, v in upper["headers"]]
    with pytest.raises(Problem, match="used before"):
        keys.caller(**upper, now_ms=NOW_MS)
    assert keys.caller(**posted(NOW_MS + 1), now_ms=NOW_MS)
    with pytest.raises(Problem, match="five minutes off"):
        keys.caller(**posted(NOW_MS), now_ms=NOW_MS + 300_001)


def test_what_was_signed_before_the_start_is_not_taken() -> None:
    """The process that took it is gone, and with it the memory of what it took."""
    keys = Keys([Key("bot", b"s" * 32, "integrator", "acme")], since_ms=NOW_MS)
    with pytest.raises(Problem, match="before the desk was opened"):
        keys.caller(**posted(NOW_MS - 1), now_ms=NOW_MS + 5)
    assert keys.caller(**posted(NOW_MS), now_ms=NOW_MS + 5)


def test_signatures_are_forgotten_when_nothing_may_come_of_it() -> None:
    """Ten a second for an hour: a window of them is kept, and never is one good twice."""
    spent = Spent(0, most=100_000)
    for number in range(36_000):
        at_ms = NOW_MS + number * 100
        spent.spend(b"%d" % number, at_ms, at_ms)
        assert spent.kept <= 3_020
    few = Spent(0, most=50)
    taken = [(b"%d" % number, NOW_MS + number * 100) for number in range(1_000)]
    for signature, at_ms in taken:
        few.spend(signature, at_ms, at_ms)
        assert few.kept <= 60
    for signature, at_ms in taken:
        with pytest.raises(Problem, match=r"used before|too long ago"):
            few.spend(signature, at_ms, at_ms)


async def test_a_replayed_request_has_no_effect(desk: Desk) -> None:
    """Whoever overheard a signed request has it, and may send it again with other headers."""
    signer = desk.caller("bot", signs=True)
    sent: list[httpx.Request] = []

    async def overhear(request: httpx.Request) -> None:
        sent.append(request)

    signer.http.event_hooks["request"] = [overhear]
    data(await signer.quote(unit_count="1", token="k-1"), 201)
    (heard,) = sent
    for headers in ({}, {"Idempotency-Key": "k-2"}):
        again = httpx.Request("POST", heard.url, headers=heard.headers, content=heard.content)
        del again.headers["idempotency-key"]
        again.headers.update(headers)
        answer = await desk.caller("").http.send(again)
        assert "used before" in error(answer, 401)["detail"]
    assert len(desk.live.session.view.rfqs) == 1


async def test_keys_over_the_wire(desk: Desk) -> None:
    signer = desk.caller("bot", signs=True)
    quote = data(await signer.quote(unit_count="1"), 201)
    assert data(await signer.get("/v2/quotes/?filter[status]=pending")) == [quote]
    assert data(await desk["bot"].get(f"/v2/quotes/{quote['id']}")) == quote
    stranger = desk.caller("")
    assert error(await stranger.get("/v2/quotes"), 401)["code"] == "not_authenticated"
    assert error(await stranger.quote(unit_count="1"), 401)
    wrong = await stranger.call("GET", "/v2/quotes", Authorization=f"Bearer {SECRETS['bot']}x")
    assert error(wrong, 401) and wrong.headers["www-authenticate"] == "Bearer"
    timestamp = str(time_ns() // 1_000_000)
    mixed = await stranger.call(
        "GET", "/v2/quotes", X_API_KEY="bot", X_TIMESTAMP=timestamp, X_SIGNATURE="0" * 64
    )
    assert error(mixed, 401)["detail"] == "unknown key, or the signature does not match"


async def test_a_supervisor_looks_and_does_not_touch(desk: Desk) -> None:
    quote = data(await desk["bot"].quote(unit_count="1"), 201)
    auditor = desk["auditor"]
    assert data(await auditor.get("/v2/quotes")) == [quote]
    assert error(await auditor.quote(unit_count="1"), 403)
    assert error(await auditor.act(quote["id"], "execute"), 403)
    assert error(await auditor.act(quote["id"], "cancel"), 403)
    assert len(desk.live.session.view.rfqs) == 1


async def test_another_organizations_quote_is_as_unknown_as_none(desk: Desk) -> None:
    quote = data(await desk["bot"].quote(unit_count="1"), 201)
    rival = desk["rival"]
    assert data(await rival.get("/v2/quotes")) == []
    for id_ in (quote["id"], "Q-999999"):
        said = [
            error(await rival.get(f"/v2/quotes/{id_}"), 404),
            error(await rival.act(id_, "execute"), 404),
            error(await rival.act(id_, "cancel"), 404),
        ]
        assert {each["detail"] for each in said} == {"there is no such quote"}


async def test_a_dealer_deals_for_whom_it_names(desk: Desk) -> None:
    dealer: Caller = desk["dealer"]
    nobody = error(await dealer.quote(unit_count="1"), 422)
    assert nobody["detail"] == "account-id is needed"
    done = await dealer.dealt(unit_count="1", account_id="client:acme")
    account = done["relationships"]["account"]["data"]
    assert account == {"type": "accounts", "id": "client:acme"}
    assert data(await desk["bot"].get(f"/v2/quotes/{done['id']}")) == done
    assert error(await dealer.quote(unit_count="1", account_id="nobody"), 404)


async def test_what_needs_no_key(desk: Desk) -> None:
    stranger = desk.caller("").http
    health = await stranger.get("/healthz/")
    told = parsedate_to_datetime(health.headers["date"]).timestamp()
    assert abs(told - time_ns() / 1e9) < 60, "the time to sign with"
    assert health.json()["status"] == "ok"
    await desk["bot"].dealt(unit_count="1")
    figures = (await stranger.get("/metrics")).text
    assert 'lpdesk_http_answers_total{call="executeQuote",status="200"} 1.0' in figures
    assert "lpdesk_trades_under_way 0.0" in figures
    published = (await stranger.get("/openapi.json")).json()
    assert set(published["paths"]["/v2/quotes"]) == {"get", "post"}
