"""Which event writes what into the tables that plain SQL reads.

One table: event type -> statements. A statement's `:names` are the event's own fields, plus `:seq`,
`:at` and `:n` (the event's place in its record); `:line` numbers the rows of a repeated one.
"""

from __future__ import annotations

import sqlite3
from itertools import zip_longest

from msgspec import Struct

from lpdesk.domain import events
from lpdesk.journal.statements import Write
from lpdesk.journal.statements import insert as _insert
from lpdesk.journal.statements import own as _own
from lpdesk.journal.statements import same as _same
from lpdesk.journal.statements import update as _update
from lpdesk.journal.upkeep import UPKEEP

TABLES = {
    "rfqs": "rfq_id",
    "quotes": "seq, n",
    "quote_legs": "seq, n, line",
    "trades": "trade_id",
    "legs": "order_id",
    "holds": "hold_id",
    "postings": "seq, n, line",
    "client_quotes": "quote_id",
    "api_requests": "caller, token",
    "settlements": "settlement_id",
    "settlement_trades": "settlement_id, line",
    "attempts": "settlement_id, attempt",
    "shortfalls": "settlement_id, attempt, line",
    "cash": "transfer_id",
    "breaks": "break_id",
    "scorecards": "lp, symbol, side, band",
    "outbox": "event_id",
    "deliveries": "event_id, endpoint",
    "endpoints": "endpoint",
}
"""The tables and their keys."""


_PLACE = ("seq", "n", "at")
_FILL = ("fee", "fee_asset", "slippage_bps", "response_ns")
_WHY = ("reason", "text")
_LOCKED = tuple(name for name in events.QuoteLocked.__struct_fields__ if name != "legs")
_LEG = events.QuoteLeg.__struct_fields__
_HEDGED = (
    "lp", "lp_price", "quantity", "pnl", "pnl_asset", "pnl_bps", "residual", "residual_asset",
    *_FILL,
)  # fmt: skip
_SETTLING = (
    "settlement_id", "pair_id", "organization", "desk", "broker_account", "automatic",
    "asset_exposures", "cash_exposures", "created_at", "attempt_at", "reject_at", "seq",
)  # fmt: skip


def _outcome(state: str) -> Write:
    """How an attempt ended."""
    return _update("attempts", "settlement_id", "AND attempt = :attempt", state=f"'{state}'")


_OPENED = """
INSERT OR IGNORE INTO client_quotes (quote_id, seq, rfq_id, client, symbol, side, dealt, amount,
    base_side, price, pays, pays_asset, receives, receives_asset, status, created_at, expires_at)
SELECT quote_id, :seq, rfq_id, client, symbol, side, dealt, amount,
    base_side, client_price, pays, pays_asset, receives, receives_asset, 'pending', :at, {expires}
FROM quotes JOIN rfqs USING (rfq_id) WHERE quote_id = :quote_id
"""


def _client_quote(expires: str) -> Write:
    """A client's quote from the price and the request that are on record already."""
    return Write(_OPENED.format(expires=expires))


_NOT_COMPARED = _update("client_quotes", "trade_id", reconciliation="'pending'")

WRITES: dict[type[Struct], tuple[Write, ...]] = {
    events.RfqOpened: (
        _insert("rfqs", _own(events.RfqOpened, "seq"), opened_at=":at", state="'open'"),
    ),
    events.RfqRefreshed: (_update("rfqs", "rfq_id", **_same("refreshes", "expires_at")),),
    events.AutoRefreshSet: (_update("rfqs", "rfq_id", auto_refresh=":on"),),
    events.RfqEnded: (
        _update("rfqs", "rfq_id", state=":how", ended_at=":at", **_same(*_WHY)),
        _update(
            "client_quotes",
            "rfq_id",
            "AND status = 'pending'",
            status=":how",
            cancelled_at="iif(:how = 'cancelled', :at, NULL)",
            **_same(*_WHY),
        ),
    ),
    events.QuoteFixed: (_client_quote(":expires_at"),),
    events.QuoteLocked: (
        _insert("quotes", (*_LOCKED, *_PLACE)),
        _insert("quote_legs", (*_PLACE, "line", "rfq_id", "quote_id", *_LEG), each="legs"),
    ),
    events.QuoteUnlocked: (
        _update(
            "quotes",
            "quote_id",
            "AND unlocked_at IS NULL",
            unlocked_at=":at",
            reason=":reason",
        ),
    ),
    events.TradeOpened: (
        _insert("trades", _own(events.TradeOpened, "seq"), opened_at=":at", state="'open'"),
        _client_quote("rfqs.expires_at"),
        _update("client_quotes", "quote_id", status="'executing'", trade_id=":trade_id"),
    ),
    events.TradeUnknown: (
        _update("trades", "trade_id", state="'unknown'", **_same(*_WHY)),
        _update("legs", "order_id", state="'unknown'", **_same(*_WHY)),
        _update("client_quotes", "trade_id", reconciliation="'unknown'"),
    ),
    events.TradeSettled: (
        _update(
            "trades",
            "trade_id",
            state="'settled'",
            ended_at=":at",
            **_same(*_HEDGED, "settlement_id", "integrator_settled"),
        ),
        _update(
            "client_quotes",
            "trade_id",
            status="'settled'",
            executed_at="COALESCE(executed_at, :at)",
        ),
    ),
    events.TradeExecuted: (
        _update(
            "trades",
            "trade_id",
            state="'executed_pending_settlement'",
            executed_at=":at",
            **_same(*_HEDGED, "pair_id", "settles_at"),
        ),
        _update(
            "client_quotes",
            "trade_id",
            status="'executed_pending_settlement'",
            executed_at=":at",
        ),
    ),
    events.TradeRejected: (
        _update("trades", "trade_id", state="'rejected'", ended_at=":at", text=":text"),
        _update("client_quotes", "trade_id", status="'rejected'", text=":text"),
    ),
    events.TradeFailed: (
        _update("trades", "trade_id", state="'failed'", ended_at=":at", **_same(*_WHY)),
        _update(
            "client_quotes",
            "trade_id",
            status="'failed'",
            **_same(*_WHY),
        ),
    ),
    events.OrderSent: (
        _insert("legs", _own(events.OrderSent, "seq"), sent_at=":at", state="'sent'"),
        _NOT_COMPARED,
    ),
    events.LegFilled: (
        _update(
            "legs",
            "order_id",
            state="'filled'",
            ended_at=":at",
            fill_price=":price",
            filled=":quantity",
            **_same("execution_id", *_FILL),
        ),
        _NOT_COMPARED,
    ),
    events.LegRejected: (
        _update(
            "legs",
            "order_id",
            state="'rejected'",
            ended_at=":at",
            **_same("response_ns", *_WHY),
        ),
        _NOT_COMPARED,
    ),
    events.HoldPlaced: (
        _insert("holds", _own(events.HoldPlaced, "seq"), placed_at=":at", state="'open'"),
    ),
    events.HoldResolved: (
        _update(
            "holds",
            "hold_id",
            state="CASE WHEN :posted THEN 'posted' ELSE 'voided' END",
            ended_at=":at",
        ),
    ),
    events.SettlementCreated: (
        _insert("settlements", _SETTLING, state="'pending'", attempts="0"),
        _insert(
            "settlement_trades",
            ("settlement_id", "line", "seq"),
            each="trades",
            trade_id=":item",
        ),
        Write("UPDATE trades SET settlement_id = :settlement_id WHERE trade_id = :item", "trades"),
    ),
    events.SettlementAttempted: (
        _insert("attempts", _own(events.SettlementAttempted, "seq", "at"), state="'tried'"),
        _update("settlements", "settlement_id", attempts=":attempt"),
    ),
    events.SettlementSettled: (
        _update(
            "settlements",
            "settlement_id",
            state="'settled'",
            attempt_at="NULL",
            **_same("settled_at", "integrator_settled"),
        ),
        _outcome("settled"),
    ),
    events.SettlementFailed: (
        _update(
            "settlements",
            "settlement_id",
            state="'settlement_failed'",
            **_same("failed_at", "attempt_at"),
        ),
        _outcome("failed"),
        _insert(
            "shortfalls",
            ("settlement_id", "attempt", "line", "seq", *events.Shortfall.__struct_fields__),
            each="shortfalls",
        ),
    ),
    events.SettlementRejected: (
        _update(
            "settlements",
            "settlement_id",
            state="'rejected'",
            attempt_at="NULL",
            rejected_at=":rejected_at",
        ),
    ),
    events.RfqRerouted: (
        _update("rfqs", "rfq_id", desk=":desk"),
        _update("trades", "trade_id", desk=":desk"),
    ),
    events.Deposited: (_insert("cash", _own(events.Deposited, "seq", "at")),),
    events.Withdrawn: (
        _insert(
            "cash",
            ("transfer_id", "seq", "at", "account", "asset"),
            amount="'-' || :amount",
        ),
    ),
    events.Transferred: (
        _insert(
            "postings",
            (*_PLACE, "line", "transfer_id", "trade_id", "account", "asset", "amount"),
            each="postings",
        ),
    ),
}


WRITES |= UPKEEP | {
    events.LpScored: (
        Write(
            "REPLACE INTO scorecards (lp, symbol, side, band, seq, at, score)"
            " VALUES (:lp, :symbol, :side, :band, :seq, :at, :score)"
        ),
    ),
    events.RequestTaken: (
        Write(
            "INSERT OR IGNORE INTO api_requests (caller, token, seq, at, digest)"
            " VALUES (:caller, :token, :seq, :at, :digest)"
        ),
    ),
    events.AnswerKept: (
        Write(
            "UPDATE api_requests SET status = :status, body = :body"
            " WHERE caller = :caller AND token = :token"
        ),
    ),
}


def first_difference(
    stored: sqlite3.Connection, wanted: sqlite3.Connection
) -> tuple[int, str] | None:
    """The first record that `stored` and `wanted` tell differently, and in which table.

    A journal of an older format has fewer tables and columns; those that it has are compared.
    """
    for table, key in TABLES.items():
        columns = [row[1] for row in stored.execute(f"PRAGMA table_info({table})")]
        if not columns:
            continue
        query = f"SELECT seq, {', '.join(columns)} FROM {table} ORDER BY {key}"
        for have, want in zip_longest(stored.execute(query), wanted.execute(query)):
            if have != want:
                return (want or have)[0], f"table {table} differs from the events"
    return None
