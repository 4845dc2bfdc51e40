"""An LP's own list of executions: whole, or not at all."""

from __future__ import annotations

import json

import pytest

from lpdesk.domain.events import ExecutionsAsked
from lpdesk.domain.reasons import Reason
from lpdesk.domain.reports import (
    ExecutionsListed,
    ExecutionsUnlisted,
    OrderFilled,
    OrderPending,
    OrderRejected,
)
from lpdesk.venues import requesting
from lpdesk.venues.gateway import Gateway
from lpdesk.venues.rest import RestVenue
from tests.venues.liar import FILL, HTML, Liar, Reports, Said, answer, without
from tests.venues.test_gateway import Recorder

ASKED = ExecutionsAsked(run_id="K-1", lp="lp", since=1_768_833_025_123_456_789)
ROWS = [
    FILL,
    without(FILL, clientOrderId="O-2", status="REJECTED", reason="LAST_LOOK"),
    without(FILL, clientOrderId="O-3", status="PENDING"),
]


def listing(*rows: object) -> Said:
    return answer(json.dumps({"executions": rows}))


async def listed(venue: RestVenue, lp: Liar, reports: Reports, said: Said) -> object:
    lp.says(said)
    Gateway([venue], reports).send(ASKED)
    return await reports.next()


async def test_every_row_is_the_lps_word(venue: RestVenue, lp: Liar, reports: Reports) -> None:
    found = await listed(venue, lp, reports, listing(*ROWS))
    assert isinstance(found, ExecutionsListed) and found.run_id == "K-1"
    assert [type(row) for row in found.executions] == [OrderFilled, OrderRejected, OrderPending]
    assert [row.order_id for row in found.executions] == ["O-1", "O-2", "O-3"]
    assert lp.heard[0].target == "/v1/executions?since=2026-01-19T14:30:25.123Z"


async def test_a_long_one_is_read_beside_the_prices(
    venue: RestVenue, lp: Liar, reports: Reports
) -> None:
    many = [FILL | {"clientOrderId": f"O-{n}", "executionId": f"E{n}"} for n in range(1_000)]
    said = listing(*many)
    assert len(said.data) > requesting.LONG_LIST
    found = await listed(venue, lp, reports, said)
    assert isinstance(found, ExecutionsListed) and len(found.executions) == 1_000


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (listing(FILL, without(FILL, "status")), Reason.MALFORMED),
        (listing(FILL, FILL | {"fillPrice": "NaN"}), Reason.MALFORMED),
        (listing(FILL, FILL | {"status": "BUSTED"}), Reason.MALFORMED),
        (answer({"executions": "none"}), Reason.MALFORMED),
        (answer(HTML), Reason.MALFORMED),
        (answer({"code": "BUSY", "message": "later"}, status=503), Reason.LP_ERROR),
        (Said(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{", then="reset"), None),
    ],
    ids=["a field less", "NaN", "a new status", "no list", "a page", "503", "cut"],
)
async def test_a_list_with_holes_proves_nothing(
    venue: RestVenue, lp: Liar, reports: Reports, said: Said, reason: Reason | None
) -> None:
    found = await listed(venue, lp, reports, said)
    assert isinstance(found, ExecutionsUnlisted) and found.run_id == "K-1"
    assert reason is None or found.reason is reason


async def test_no_list_is_an_answer_too() -> None:
    reports = Reports()
    gateway = Gateway([Recorder("lp")], reports)  # a kind of LP that has none
    for lp, reason in (("lp", Reason.NOT_ENABLED), ("x", Reason.BAD_LP)):
        gateway.send(ExecutionsAsked(run_id="K-1", lp=lp, since=0))
        found = await reports.next()
        assert isinstance(found, ExecutionsUnlisted) and found.reason is reason
