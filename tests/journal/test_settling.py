"""A journal with settlements: every balance at every record, plain SQL, and decided again alike."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lpdesk.desk import Desk
from lpdesk.domain.values import ZERO
from lpdesk.journal.balances import balances
from lpdesk.journal.reader import check_chain
from lpdesk.journal.writer import Writer
from lpdesk.replay import verify
from tests.core.settling import ALPHA, Settling, organization, settling


@pytest.fixture(scope="module")
def day() -> Settling:
    """Three delayed trades: two settled after a failed attempt, one rejected; and one at once."""
    story = Settling(ALPHA, settling(organization("100050", "1", own="60000")))
    story.deals("b 1 btc/usdt t+1", "b 0.5 btc/usdt t+2", "s 0.2 btc/usdt", "b 0.7 btc/usdt t+2")
    story.types("settle new T-2", "withdraw 75k usdt @acme", "settle S-1")
    story.later("30h")
    story.types("deposit 75k usdt @acme")
    story.later("4d")
    assert story.states() == "settled settled settled rejected"
    return story


@pytest.fixture(scope="module")
def journal(day: Settling, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settling") / "journal.db"
    writer = Writer(path)
    writer.append(day.simulation.records, durable=True)
    writer.close()
    return path


def test_it_verifies(journal: Path) -> None:
    result = check_chain(journal)
    assert result.ok, result.why
    assert verify(journal).ok


def test_the_balances_at_every_record(day: Settling, journal: Path) -> None:
    desk = Desk()
    for record in day.simulation.records:
        desk.step(record.cause, record.at)
        ledger = desk.state.ledger
        told = {(row.account, row.asset): row for row in balances(journal, record.seq)}
        assert {key: row.balance for key, row in told.items()} == dict(ledger.balances)
        assert {key: row.held for key, row in told.items() if row.held} == {
            key: amount for key, amount in ledger.held.items() if amount
        }
        assert all(row.available == row.balance - row.held for row in told.values())
    for asset in ("BTC", "USDT"):
        assert not sum((row.balance for row in balances(journal) if row.asset == asset), ZERO)


def test_plain_sql_sees_the_settlements(day: Settling, journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as connection:
        rows = connection.execute(
            "SELECT settlement_id, state, automatic, attempts, integrator_settled, asset_exposures,"
            " cash_exposures FROM settlements ORDER BY seq"
        ).fetchall()
        trades = dict(connection.execute("SELECT trade_id, state FROM trades"))
        quotes = dict(connection.execute("SELECT trade_id, status FROM client_quotes"))
        links = connection.execute(
            "SELECT trade_id, settlement_id FROM settlement_trades ORDER BY seq, line"
        ).fetchall()
        failed = connection.execute(
            "SELECT count(*) FROM attempts WHERE state = 'failed'"
        ).fetchone()
        short = connection.execute(
            "SELECT account, asset, missing FROM shortfalls ORDER BY seq, line LIMIT 1"
        ).fetchone()
        cash = connection.execute("SELECT account, asset, amount FROM cash ORDER BY seq").fetchall()
    assert [row[:2] for row in rows] == [
        (row.settlement_id, row.state) for row in reversed(day.see().settlements)
    ]
    assert rows[0][2:] == (0, 1, 1, '{"BTC":"0.5"}', '{"USDT":"50025.00"}')
    assert trades == {
        "T-000001": "settled",
        "T-000002": "settled",
        "T-000003": "settled",
        "T-000004": "rejected",
    }
    assert quotes == trades
    assert [row[1] for row in links] == ["S-000001", "S-000002", "S-000003"]
    assert failed[0] == sum(
        each.outcome == "failed" for row in day.see().settlements for each in row.attempts
    )
    assert short[:2] == ("settlement:acme", "USDT")
    assert cash == [("client:acme", "USDT", "-75000"), ("client:acme", "USDT", "75000")]
