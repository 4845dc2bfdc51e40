"""Endpoints that fail in every way, over real sockets; days of retries on a virtual clock."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from email.utils import formatdate
from time import time_ns
from typing import Any

import pytest

from lpdesk.clock import VirtualClock
from lpdesk.domain import events as ev
from lpdesk.domain.owed import Owed
from lpdesk.domain.reports import WebhookDelivered, WebhookFailed
from lpdesk.domain.values import SECOND
from lpdesk.webhooks.dispatcher import Dispatcher
from lpdesk.webhooks.endpoint import Endpoint
from tests.conftest import eventually
from tests.venues.liar import Liar, Reports, Said, answer, liar
from tests.webhooks.receiver import (
    BROKEN,
    CUTS,
    GONE,
    HANGS,
    OK,
    OLD_SECRET,
    SECRET,
    endpoint,
    ids,
    is_signed,
    owed,
)

HOUR_NS = 3_600 * SECOND


@pytest.fixture
async def receiver() -> AsyncIterator[Liar]:
    async with liar() as server:
        yield server


class Sending:
    """Lanes on a virtual clock that begins now, and what they report."""

    def __init__(self, *endpoints: Endpoint, journal: dict[str, Owed] | None = None) -> None:
        self.clock = VirtualClock(time_ns())
        self.reports = Reports()
        find = (journal or {}).get
        self.dispatcher = Dispatcher(endpoints, self.reports, self.clock, find)
        self.dispatcher.start()

    def owe(self, *these: Owed) -> None:
        self.dispatcher.owe(these, ())

    async def delivered(self) -> WebhookDelivered:
        report = await self.reports.next()
        assert isinstance(report, WebhookDelivered), report
        return report

    async def failed(self) -> WebhookFailed:
        report = await self.reports.next()
        assert isinstance(report, WebhookFailed), report
        return report

    def go_to(self, at: int | None) -> None:
        """Time passes; the lanes look again."""
        assert at is not None
        self.clock.advance_to(at)
        self.dispatcher.look_again()


@pytest.fixture
async def sending() -> AsyncIterator[Callable[..., Sending]]:
    async with AsyncExitStack() as stack:

        def make(*endpoints: Endpoint, **more: Any) -> Sending:
            it = Sending(*endpoints, **more)
            stack.push_async_callback(it.dispatcher.close)
            return it

        yield make


async def test_signed_delivered_and_told(receiver: Liar, sending: Callable[..., Sending]) -> None:
    receiver.says(OK)
    desk = sending(endpoint(receiver.url, secrets=(SECRET, OLD_SECRET)))
    desk.owe(owed())
    told = await desk.delivered()
    assert (told.event_id, told.attempt, told.status) == ("msg_x_000001", 1, 204)
    (heard,) = receiver.heard
    assert (heard.method, heard.target) == ("POST", "/hooks?team=1")
    assert heard.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert heard.headers["content-type"] == "application/json"
    assert heard.body == owed().payload.encode()
    from standardwebhooks import Webhook, WebhookVerificationError

    for secret in (SECRET, OLD_SECRET):  # while a secret is being replaced either will do
        assert Webhook(secret).verify(heard.body, heard.headers)["data"] == {"n": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(heard.body + b" ", heard.headers)


async def test_the_vector_of_the_specification() -> None:
    from lpdesk.webhooks.sender import Sender

    body = (
        '{"type":"trade_settlement.create","timestamp":"2025-03-06T12:00:00Z",'
        '"data":{"id":"ts_1","status":"pending"}}'
    )
    sender = Sender(
        endpoint("https://x.example", secrets=("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3",)),
        lambda: 1_741_262_400 * SECOND,
    )
    headers = sender.headers(
        Owed(event_id="msg_lpdesk_0001", number=1, endpoint="acme", payload=body)
    )
    await sender.close()
    assert headers["webhook-signature"] == "v1,EUzNDjrm9H244Aje2f/73sADpp0za2va7A/3ic4j1wI="
    assert headers["webhook-timestamp"] == "1741262400"


async def test_ten_tries_in_three_days_then_a_dead_letter(
    receiver: Liar, sending: Callable[..., Sending]
) -> None:
    receiver.says(*[BROKEN] * 10)
    desk = sending(endpoint(receiver.url))
    began = desk.clock.now()
    desk.owe(owed())
    waits = []
    for attempt in range(1, 11):
        told = await desk.failed()
        assert (told.attempt, told.status, told.text) == (attempt, 500, "status 500")
        if told.next_at is None:
            break
        waits.append(told.next_at - desk.clock.now())
        desk.go_to(told.next_at - 1)
        desk.go_to(told.next_at)
    assert len(receiver.heard) == 10 == attempt
    assert waits == sorted(waits) and waits[0] >= 5 * SECOND
    assert 75 * HOUR_NS < desk.clock.now() - began < 1.1 * 76 * HOUR_NS
    assert len(set(ids(receiver.heard))) == 1 == len({each.body for each in receiver.heard})
    stamps = [int(each.headers["webhook-timestamp"]) for each in receiver.heard]
    assert stamps == sorted(set(stamps)) and all(map(is_signed, receiver.heard))


async def test_two_that_failed_together_do_not_come_back_together(
    receiver: Liar, sending: Callable[..., Sending]
) -> None:
    receiver.says(BROKEN, BROKEN)
    desk = sending(endpoint(receiver.url))
    desk.owe(owed(1), owed(2))
    first, second = await desk.failed(), await desk.failed()
    assert first.next_at != second.next_at


@pytest.mark.parametrize(
    ("status", "asked", "seconds"),
    [
        (429, "7200", 7_200),
        (503, "date", 3_600),
        (429, "1", 5),  # less than planned anyway
        (429, "99999999", 86_400),  # a day at most
        (503, "soon", 5),
    ],
)
async def test_retry_after_is_kept_to(
    receiver: Liar, sending: Callable[..., Sending], status: int, asked: str, seconds: int
) -> None:
    desk = sending(endpoint(receiver.url))
    date = formatdate(desk.clock.now() // SECOND + 3_601, usegmt=True)
    receiver.says(answer(status=status, Retry_After=date if asked == "date" else asked), OK)
    desk.owe(owed())
    told = await desk.failed()
    assert told.next_at is not None
    assert seconds <= (told.next_at - desk.clock.now()) / SECOND <= seconds * 1.1 + 2
    desk.go_to(told.next_at)
    assert (await desk.delivered()).attempt == 2


async def test_gone_stops_all_until_it_is_enabled(
    receiver: Liar, sending: Callable[..., Sending]
) -> None:
    receiver.says(GONE)
    desk = sending(endpoint(receiver.url))
    desk.owe(owed(1))
    told = await desk.failed()
    assert told.gone and told.next_at is not None
    desk.owe(owed(2))
    desk.go_to(desk.clock.now() + 99 * HOUR_NS)
    receiver.says(OK, OK)
    desk.dispatcher.send(ev.EndpointEnabled(endpoint="acme"))
    got = {(await desk.delivered()).event_id for _ in range(2)}
    assert got == {"msg_x_000001", "msg_x_000002"} and len(receiver.heard) == 3


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (HANGS, "no answer in time"),
        (CUTS, "connection broken"),
        (Said(then="close"), "connection broken"),
        (Said(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, then="hang"), "connection broken"),
        (answer(status=301, Location="http://127.0.0.1:1/"), "status 301"),
        (Said(b"SSH-2.0-OpenSSH_9\r\n", then="close"), "connection broken"),
    ],
    ids=["hangs", "cuts", "closes", "endless header", "redirect", "no http"],
)
async def test_whatever_is_not_a_2xx_is_tried_again_with_the_same_id(
    receiver: Liar, sending: Callable[..., Sending], said: Said, text: str
) -> None:
    receiver.says(said, OK)
    desk = sending(endpoint(receiver.url, timeout_ns=SECOND // 5))
    desk.owe(owed())
    told = await desk.failed()
    assert told.text == text
    desk.go_to(told.next_at)
    await desk.delivered()
    assert ids(receiver.heard) == ["msg_x_000001"] * 2


async def test_nobody_there_is_tried_again(sending: Callable[..., Sending]) -> None:
    desk = sending(endpoint("http://127.0.0.1:1"))
    desk.owe(owed())
    assert (await desk.failed()).text == "cannot connect"


async def test_a_slow_endpoint_delays_nobody_else(
    receiver: Liar, sending: Callable[..., Sending]
) -> None:
    async with liar() as slow:
        slow.says(*[HANGS] * 9)
        receiver.says(*[OK] * 9)
        desk = sending(
            endpoint(slow.url, "slow", timeout_ns=60 * SECOND), endpoint(receiver.url, "quick")
        )
        desk.owe(*(owed(n, "slow") for n in range(9)), *(owed(n, "quick") for n in range(9)))
        got = [(await desk.delivered()).endpoint for _ in range(9)]
        await eventually(lambda: len(slow.heard) == 4)  # and it gets no more than four at once
    assert got == ["quick"] * 9


async def test_the_desks_events_are_sent_and_sent_again(
    receiver: Liar, sending: Callable[..., Sending]
) -> None:
    receiver.says(OK, OK)
    one = owed()
    desk = sending(endpoint(receiver.url), journal={one.event_id: one})
    queued = ev.WebhookQueued(
        event_id=one.event_id,
        number=1,
        kind="create",
        settlement_id="S-000001",
        payload=one.payload,
        targets=(ev.Target("acme"), ev.Target("not configured any more")),
    )
    desk.dispatcher.send(queued)
    await desk.delivered()
    desk.dispatcher.send(ev.WebhookResent(event_id=one.event_id, endpoint="acme"))
    desk.dispatcher.send(ev.WebhookResent(event_id="msg_none", endpoint="acme"))
    await desk.delivered()
    assert ids(receiver.heard) == [one.event_id] * 2


# ---- where they must not go


async def test_private_targets_are_refused_unless_allowed(
    receiver: Liar, sending: Callable[..., Sending]
) -> None:
    desk = sending(endpoint(receiver.url, allow_private=False))
    desk.owe(owed())
    told = await desk.failed()
    assert told.text == "not sent: in a private network, which is not allowed"
    assert told.status == 0 and told.next_at is not None and receiver.connections == 0


async def test_a_name_is_resolved_once_judged_and_kept_to(
    receiver: Liar, sending: Callable[..., Sending], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS that answers otherwise the second time gets no second time."""
    asked: list[str] = []
    answers = [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:127.0.0.1"]]

    def flips(host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        asked.append(host)
        found = answers[len(asked) - 1]
        return [(socket.AF_INET, 1, 6, "", (address, port)) for address in found]

    url = f"http://hooks.example:{receiver.port}"
    desk = sending(endpoint(url), endpoint(url, "strict", allow_private=False))
    monkeypatch.setattr(socket, "getaddrinfo", flips)
    receiver.says(OK)
    desk.owe(owed())
    await desk.delivered()
    assert asked == ["hooks.example"]  # the connection itself asked no resolver again
    assert receiver.heard[0].headers["host"] == f"hooks.example:{receiver.port}"
    for number in (2, 3):
        desk.owe(owed(number, "strict"))
        assert "private network" in (await desk.failed()).text
    assert len(receiver.heard) == 1


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:a00:1::", False),
    ],
)
def test_what_is_public(address: str, public: bool) -> None:
    from ipaddress import ip_address

    from lpdesk.webhooks.target import is_public

    assert is_public(ip_address(address)) is public
