-- The journal and what plain SQL may ask of it. Times are INTEGER nanoseconds UTC, money is TEXT.
-- Only `records` is the truth: the other tables repeat it in the same transaction, and
-- `lpdesk verify` compares. A migration is never edited after a release; add the next number.

-- migration 1

CREATE TABLE records (
    seq    INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    cause  TEXT NOT NULL,
    events TEXT NOT NULL,
    hash   BLOB NOT NULL
) STRICT;

CREATE TRIGGER records_never_change BEFORE UPDATE ON records
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

CREATE TRIGGER records_never_go BEFORE DELETE ON records
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- Where the chain ends: records lost from the end would leave a chain that is whole in itself.
CREATE TABLE tip (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE rfqs (
    rfq_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, opened_at INTEGER NOT NULL,
    client TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, dealt TEXT NOT NULL,
    amount TEXT NOT NULL, base_side TEXT NOT NULL, via TEXT NOT NULL,
    auto_refresh INTEGER NOT NULL, refreshes INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL,                    -- open, or how it ended
    ended_at INTEGER, reason TEXT, text TEXT
) STRICT, WITHOUT ROWID;

-- Every price that a client was shown.
CREATE TABLE quotes (
    seq INTEGER NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL,
    rfq_id TEXT NOT NULL, quote_id TEXT NOT NULL, lp TEXT NOT NULL, quote_ref TEXT NOT NULL,
    lp_price TEXT NOT NULL, all_in TEXT NOT NULL, quantity TEXT NOT NULL,
    markup_bps TEXT NOT NULL, client_price TEXT NOT NULL,
    pays TEXT NOT NULL, pays_asset TEXT NOT NULL,
    receives TEXT NOT NULL, receives_asset TEXT NOT NULL,
    cause TEXT NOT NULL, improvement_bps TEXT NOT NULL,
    received_at INTEGER NOT NULL, dealable_until INTEGER NOT NULL, exec_ns INTEGER NOT NULL,
    unlocked_at INTEGER, reason TEXT,
    PRIMARY KEY (seq, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX quotes_by_id ON quotes (quote_id);
CREATE INDEX quotes_by_rfq ON quotes (rfq_id);

-- Every answer of an LP to an ask, a price or a miss (then `verdict` is 'missed').
CREATE TABLE lp_quotes (
    seq INTEGER NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL,
    rfq_id TEXT NOT NULL, lp TEXT NOT NULL, ask_id TEXT NOT NULL,
    verdict TEXT NOT NULL, reason TEXT,
    quote_ref TEXT, price TEXT, all_in TEXT, quantity TEXT, dealable_until INTEGER,
    response_ns INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (seq, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX lp_quotes_by_rfq ON lp_quotes (rfq_id);

CREATE TABLE trades (
    trade_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, opened_at INTEGER NOT NULL,
    rfq_id TEXT NOT NULL, quote_id TEXT NOT NULL, client TEXT NOT NULL,
    symbol TEXT NOT NULL, side TEXT NOT NULL, dealt TEXT NOT NULL, amount TEXT NOT NULL,
    base_side TEXT NOT NULL, client_price TEXT NOT NULL, markup_bps TEXT NOT NULL,
    pays TEXT NOT NULL, pays_asset TEXT NOT NULL,
    receives TEXT NOT NULL, receives_asset TEXT NOT NULL, lp TEXT NOT NULL,
    state TEXT NOT NULL,                    -- open, unknown, settled, failed
    ended_at INTEGER, lp_price TEXT, quantity TEXT,
    pnl TEXT, pnl_asset TEXT, pnl_bps TEXT, residual TEXT, residual_asset TEXT,
    fee TEXT, fee_asset TEXT, slippage_bps TEXT, response_ns INTEGER,
    reason TEXT, text TEXT
) STRICT, WITHOUT ROWID;

-- One row for each order to an LP; `filled` and `fill_price` are the LP's word.
CREATE TABLE legs (
    order_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, sent_at INTEGER NOT NULL,
    trade_id TEXT NOT NULL, lp TEXT NOT NULL, quote_ref TEXT NOT NULL, symbol TEXT NOT NULL,
    side TEXT NOT NULL, quantity TEXT NOT NULL, price TEXT NOT NULL,
    send_by INTEGER NOT NULL, deadline_at INTEGER NOT NULL,
    state TEXT NOT NULL,                    -- sent, unknown, filled, rejected
    ended_at INTEGER, execution_id TEXT, fill_price TEXT, filled TEXT,
    fee TEXT, fee_asset TEXT, slippage_bps TEXT, response_ns INTEGER,
    reason TEXT, text TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX legs_by_trade ON legs (trade_id);

CREATE TABLE holds (
    hold_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, placed_at INTEGER NOT NULL,
    trade_id TEXT NOT NULL, account TEXT NOT NULL, asset TEXT NOT NULL, amount TEXT NOT NULL,
    state TEXT NOT NULL,                    -- open, posted, voided
    ended_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE postings (
    seq INTEGER NOT NULL, n INTEGER NOT NULL, line INTEGER NOT NULL, at INTEGER NOT NULL,
    transfer_id TEXT NOT NULL, trade_id TEXT NOT NULL,
    account TEXT NOT NULL, asset TEXT NOT NULL, amount TEXT NOT NULL,
    PRIMARY KEY (seq, n, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX postings_by_account ON postings (account, asset);

-- For eyes: times in ISO 8601.

CREATE VIEW timeline AS
SELECT seq,
       strftime('%Y-%m-%dT%H:%M:%S', at / 1000000000, 'unixepoch')
           || printf('.%09dZ', at % 1000000000) AS at,
       json_extract(cause, '$.type') AS cause,
       json_array_length(events) AS events
FROM records;

CREATE VIEW blotter AS
SELECT trade_id,
       strftime('%Y-%m-%dT%H:%M:%S', opened_at / 1000000000, 'unixepoch')
           || printf('.%09dZ', opened_at % 1000000000) AS opened,
       client, side, amount, dealt, symbol, client_price,
       pays, pays_asset, receives, receives_asset, lp, state,
       strftime('%Y-%m-%dT%H:%M:%S', ended_at / 1000000000, 'unixepoch')
           || printf('.%09dZ', ended_at % 1000000000) AS ended,
       lp_price, pnl, pnl_asset, pnl_bps, slippage_bps, reason, text
FROM trades;
