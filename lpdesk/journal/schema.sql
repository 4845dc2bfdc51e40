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

-- migration 2

ALTER TABLE rfqs ADD COLUMN firm_at INTEGER;  -- when the price was to be fixed, if it was

-- Every quote that was given out over the API or dealt on, as its client may see it.
CREATE TABLE client_quotes (
    quote_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, rfq_id TEXT NOT NULL,
    client TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, dealt TEXT NOT NULL,
    amount TEXT NOT NULL, base_side TEXT NOT NULL, price TEXT NOT NULL,
    pays TEXT NOT NULL, pays_asset TEXT NOT NULL,
    receives TEXT NOT NULL, receives_asset TEXT NOT NULL,
    status TEXT NOT NULL,                   -- pending, executing, settled, failed, cancelled, …
    reconciliation TEXT NOT NULL DEFAULT 'pending',
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    cancelled_at INTEGER, executed_at INTEGER, trade_id TEXT, reason TEXT, text TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX client_quotes_by_client ON client_quotes (client, seq);
CREATE INDEX client_quotes_by_rfq ON client_quotes (rfq_id);
CREATE INDEX client_quotes_by_trade ON client_quotes (trade_id);

INSERT INTO client_quotes
SELECT t.quote_id, t.seq, t.rfq_id, t.client, t.symbol, t.side, t.dealt, t.amount, t.base_side,
       t.client_price, t.pays, t.pays_asset, t.receives, t.receives_asset,
       CASE t.state WHEN 'open' THEN 'executing' WHEN 'unknown' THEN 'executing' ELSE t.state END,
       iif(t.state = 'unknown', 'unknown', 'pending'), t.opened_at, r.expires_at, NULL,
       iif(t.state = 'settled', t.ended_at, NULL), t.trade_id,
       iif(t.state = 'failed', t.reason, NULL), iif(t.state = 'failed', t.text, NULL)
FROM trades AS t JOIN rfqs AS r USING (rfq_id);

-- Requests over the API that named themselves, and what they were answered.
CREATE TABLE api_requests (
    caller TEXT NOT NULL, token TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
    digest TEXT NOT NULL, status INTEGER, body TEXT,
    PRIMARY KEY (caller, token)
) STRICT, WITHOUT ROWID;

-- migration 3

ALTER TABLE rfqs ADD COLUMN desk TEXT NOT NULL DEFAULT '';
ALTER TABLE rfqs ADD COLUMN skip_retry INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rfqs ADD COLUMN delayed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rfqs ADD COLUMN settle_days INTEGER NOT NULL DEFAULT 0;

-- A delayed trade's state goes on: executed_pending_settlement, then settled or rejected.
ALTER TABLE trades ADD COLUMN desk TEXT NOT NULL DEFAULT '';
ALTER TABLE trades ADD COLUMN delayed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trades ADD COLUMN settle_days INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trades ADD COLUMN executed_at INTEGER;
ALTER TABLE trades ADD COLUMN pair_id TEXT;
ALTER TABLE trades ADD COLUMN settles_at INTEGER;
ALTER TABLE trades ADD COLUMN settlement_id TEXT NOT NULL DEFAULT '';
ALTER TABLE trades ADD COLUMN integrator_settled INTEGER NOT NULL DEFAULT 0;
CREATE INDEX trades_by_settlement ON trades (settlement_id) WHERE settlement_id <> '';

-- Exposures are JSON objects of decimals in text, from the trade desk's side.
CREATE TABLE settlements (
    settlement_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, created_at INTEGER NOT NULL,
    pair_id TEXT NOT NULL, organization TEXT NOT NULL, desk TEXT NOT NULL,
    broker_account TEXT NOT NULL, automatic INTEGER NOT NULL,
    asset_exposures TEXT NOT NULL, cash_exposures TEXT NOT NULL,
    state TEXT NOT NULL,                    -- pending, settlement_failed, settled, rejected
    attempts INTEGER NOT NULL, attempt_at INTEGER, reject_at INTEGER NOT NULL,
    integrator_settled INTEGER NOT NULL DEFAULT 0,
    settled_at INTEGER, failed_at INTEGER, rejected_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE settlement_trades (
    settlement_id TEXT NOT NULL, line INTEGER NOT NULL, seq INTEGER NOT NULL,
    trade_id TEXT NOT NULL,
    PRIMARY KEY (settlement_id, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    settlement_id TEXT NOT NULL, attempt INTEGER NOT NULL, seq INTEGER NOT NULL,
    at INTEGER NOT NULL, by_hand INTEGER NOT NULL,
    state TEXT NOT NULL,                    -- tried, settled, failed
    PRIMARY KEY (settlement_id, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE shortfalls (
    settlement_id TEXT NOT NULL, attempt INTEGER NOT NULL, line INTEGER NOT NULL,
    seq INTEGER NOT NULL, account TEXT NOT NULL, asset TEXT NOT NULL,
    balance TEXT NOT NULL, available TEXT NOT NULL, missing TEXT NOT NULL,
    PRIMARY KEY (settlement_id, attempt, line)
) STRICT, WITHOUT ROWID;

-- Deposits, and withdrawals (their amounts are negative).
CREATE TABLE cash (
    transfer_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL,
    account TEXT NOT NULL, asset TEXT NOT NULL, amount TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- migration 4

-- What differs between an LP's word and ours; `rule` is NULL where a person closed it.
CREATE TABLE breaks (
    break_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, opened_at INTEGER NOT NULL,
    kind TEXT NOT NULL, lp TEXT NOT NULL, order_id TEXT NOT NULL, trade_id TEXT NOT NULL,
    execution_id TEXT NOT NULL, owner TEXT NOT NULL, text TEXT NOT NULL,
    state TEXT NOT NULL,                    -- open, closed
    closed_at INTEGER, rule TEXT, why TEXT
) STRICT, WITHOUT ROWID;

-- migration 5

-- Each LP's record of the last day: of all its requests where symbol, side and band are empty.
CREATE TABLE scorecards (
    lp TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, band TEXT NOT NULL,
    seq INTEGER NOT NULL, at INTEGER NOT NULL,
    score TEXT NOT NULL,                    -- JSON: domain/scoring.py says what each figure means
    PRIMARY KEY (lp, symbol, side, band)
) STRICT, WITHOUT ROWID;

-- migration 6

ALTER TABLE trades ADD COLUMN client_order_id TEXT NOT NULL DEFAULT '';
CREATE INDEX trades_by_client_order ON trades (client_order_id) WHERE client_order_id <> '';

-- migration 7

-- Webhooks that are owed, written with the change that owes them: the body, byte for byte.
CREATE TABLE outbox (
    event_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL, number INTEGER NOT NULL,
    kind TEXT NOT NULL, settlement_id TEXT NOT NULL, payload TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_by_settlement ON outbox (settlement_id);

CREATE TABLE deliveries (
    event_id TEXT NOT NULL, endpoint TEXT NOT NULL, seq INTEGER NOT NULL,
    state TEXT NOT NULL,                    -- queued, delivered, dead
    attempts INTEGER NOT NULL, next_at INTEGER, tried_at INTEGER, status INTEGER, text TEXT,
    PRIMARY KEY (event_id, endpoint)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_queued ON deliveries (endpoint) WHERE state = 'queued';

-- Endpoints that answered that they are gone; NULL once they were enabled again.
CREATE TABLE endpoints (
    endpoint TEXT PRIMARY KEY, seq INTEGER NOT NULL, disabled_at INTEGER, text TEXT
) STRICT, WITHOUT ROWID;

-- migration 8
-- A client price may stand on several LP quotes: `quotes.lp` then names all, these are its parts.

ALTER TABLE quotes ADD COLUMN second TEXT NOT NULL DEFAULT '';  -- the second-best set of LPs
ALTER TABLE quotes ADD COLUMN second_bps TEXT;

CREATE TABLE quote_legs (
    seq INTEGER NOT NULL, n INTEGER NOT NULL, line INTEGER NOT NULL, at INTEGER NOT NULL,
    rfq_id TEXT NOT NULL, quote_id TEXT NOT NULL, lp TEXT NOT NULL, quote_ref TEXT NOT NULL,
    quantity TEXT NOT NULL, price TEXT NOT NULL, all_in TEXT NOT NULL, why TEXT NOT NULL,
    PRIMARY KEY (seq, n, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX quote_legs_by_id ON quote_legs (quote_id);

-- migration 9
-- Every answer of an LP to an ask, as before, but read from the records and with numbers as they
-- stand there: a table was a third of what a price had to wait for before anybody could see it.

DROP TABLE lp_quotes;
CREATE VIEW lp_quotes AS
SELECT seq, event.key AS n, at,
    json_extract(value, '$.rfq_id') AS rfq_id,
    json_extract(value, '$.lp') AS lp,
    json_extract(value, '$.ask_id') AS ask_id,
    coalesce(json_extract(value, '$.verdict'), 'missed') AS verdict,
    json_extract(value, '$.reason') AS reason,
    json_extract(value, '$.quote_ref') AS quote_ref,
    json_extract(value, '$.price') AS price,
    json_extract(value, '$.all_in') AS all_in,
    json_extract(value, '$.quantity') AS quantity,
    json_extract(value, '$.dealable_until') AS dealable_until,
    json_extract(value, '$.response_ns') AS response_ns,
    json_extract(value, '$.text') AS text
FROM records, json_each(records.events) AS event
WHERE json_extract(value, '$.type') IN ('QuoteReceived', 'LpMissed');

-- migration 10

-- What whoever looks after a break has to say of it.
ALTER TABLE breaks ADD COLUMN note TEXT NOT NULL DEFAULT '';
