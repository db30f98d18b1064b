-- Times are microseconds since 1970. Money is in the currency's smallest units, beside its currency. Quantities, prices
-- and ratios are decimal numbers as text.

-- Deliveries as received. Rows are never deleted; retention empties body and headers and keeps the rest.
CREATE TABLE webhook_events (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    channel TEXT NOT NULL,
    transport TEXT NOT NULL,
    event_type TEXT NOT NULL,
    resource TEXT NOT NULL,
    dedupe_key TEXT NOT NULL UNIQUE,
    content_key TEXT,
    key_id TEXT NOT NULL,
    occurred_at INTEGER,
    signed_at INTEGER,
    received_at INTEGER NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    body_sha256 BLOB NOT NULL,
    redacted_at INTEGER
) STRICT;

CREATE UNIQUE INDEX webhook_events_content ON webhook_events (content_key) WHERE content_key IS NOT NULL;
CREATE INDEX webhook_events_retention ON webhook_events (provider, received_at) WHERE redacted_at IS NULL;

-- The work that applies an event, and its outcome: one row when the event is received, one more for each replay or requeue.
CREATE TABLE webhook_jobs (
    id INTEGER PRIMARY KEY,
    event_id INTEGER NOT NULL REFERENCES webhook_events (id),
    provider TEXT NOT NULL,
    resource TEXT NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('received', 'replay', 'requeue')),
    state TEXT NOT NULL CHECK (state IN ('pending', 'leased', 'done', 'unhandled', 'dead', 'requeued')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL,
    lease_owner TEXT,
    lease_until INTEGER,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;

CREATE INDEX webhook_jobs_event ON webhook_jobs (event_id);
CREATE INDEX webhook_jobs_pending ON webhook_jobs (id) WHERE state = 'pending';
CREATE INDEX webhook_jobs_leased ON webhook_jobs (provider, resource) WHERE state = 'leased';
CREATE INDEX webhook_jobs_dead ON webhook_jobs (id) WHERE state = 'dead';

-- The audit chain. Entries are never changed; the head is the last entry, sealed.
CREATE TABLE audit_entries (
    sequence INTEGER PRIMARY KEY,
    at_us INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    request_id TEXT,
    detail TEXT NOT NULL,
    previous BLOB NOT NULL,
    key_id TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE audit_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL,
    key_id TEXT NOT NULL,
    seal BLOB NOT NULL
) STRICT;

-- Which process is the leader for work that only one process may do.
CREATE TABLE leader_leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    lease_until INTEGER NOT NULL
) STRICT;

-- The last stored position of each stream.
CREATE TABLE stream_cursors (
    stream TEXT PRIMARY KEY,
    position TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- Public keys fetched from Circle that have verified a delivery, for when Circle is unreachable.
CREATE TABLE circle_keys (
    id TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    public_key TEXT NOT NULL,
    fetched_at INTEGER NOT NULL
) STRICT;

-- What providers have reported, as a set: a fact's id is the SHA-256 of its canonical JSON. Rows are never changed.
CREATE TABLE facts (
    id BLOB PRIMARY KEY,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    recorded_at INTEGER NOT NULL
) STRICT;

CREATE INDEX facts_subject ON facts (subject);

-- How many facts a subject has and when the latest happened. The row is locked while the subject's facts are folded.
CREATE TABLE ledger_subjects (
    subject TEXT PRIMARY KEY,
    facts INTEGER NOT NULL,
    latest_at INTEGER NOT NULL,
    previous_at INTEGER
) STRICT;

-- Every account at a provider that a fact has named. One person's accounts share a user.
CREATE TABLE provider_accounts (
    account TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    status TEXT,
    status_at INTEGER,
    registered_at INTEGER,
    last_seen_at INTEGER
) STRICT;

CREATE INDEX provider_accounts_seen ON provider_accounts (last_seen_at);

CREATE TABLE transfers (
    id TEXT PRIMARY KEY,
    account TEXT,
    direction TEXT,
    amount INTEGER,
    currency TEXT,
    status TEXT NOT NULL,
    posting_mode TEXT NOT NULL,
    settled_at INTEGER,
    returned_at INTEGER,
    last_at INTEGER NOT NULL,
    stash_ratio TEXT NOT NULL
) STRICT;

CREATE INDEX transfers_settled ON transfers (settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE cash_entries (
    id TEXT PRIMARY KEY,
    account TEXT,
    kind TEXT,
    amount INTEGER,
    currency TEXT,
    status TEXT,
    posting_mode TEXT,
    superseded_by TEXT,
    at INTEGER,
    last_at INTEGER NOT NULL,
    stash_ratio TEXT NOT NULL
) STRICT;

CREATE INDEX cash_entries_at ON cash_entries (kind, at) WHERE at IS NOT NULL;

CREATE TABLE positions (
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    quantity TEXT NOT NULL,
    cost INTEGER,
    currency TEXT,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (account, symbol)
) STRICT;

CREATE TABLE orders (
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    id TEXT NOT NULL,
    side TEXT NOT NULL,
    status TEXT NOT NULL,
    cumulative TEXT NOT NULL,
    notional INTEGER,
    currency TEXT,
    reserve INTEGER,
    reserve_currency TEXT,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (account, symbol, id)
) STRICT;

-- Executions and splits. One that is only known because it was busted has neither order nor side.
CREATE TABLE fills (
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('fill', 'split', 'unknown')),
    order_id TEXT,
    side TEXT,
    quantity TEXT NOT NULL,
    notional INTEGER,
    currency TEXT,
    status TEXT NOT NULL CHECK (status IN ('counted', 'recorded', 'busted', 'parked')),
    at INTEGER NOT NULL,
    PRIMARY KEY (account, symbol, id)
) STRICT;

CREATE INDEX fills_bought ON fills (at) WHERE side = 'buy' AND status = 'counted';

-- The last price of each share and currency, in dollars.
CREATE TABLE prices (
    asset TEXT PRIMARY KEY,
    price TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- What a person must look at. A review is resolved when facts arrive that explain it.
CREATE TABLE reviews (
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    at INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    resolved_at INTEGER,
    PRIMARY KEY (subject, kind, about)
) STRICT;

CREATE INDEX reviews_open ON reviews (opened_at) WHERE resolved_at IS NULL;

-- One revision of one effect of a subject. An effect amounts to the sum of its revisions. Rows are never changed.
CREATE TABLE ledger_transactions (
    id INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    effect TEXT NOT NULL,
    revision INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    posted_at INTEGER NOT NULL,
    UNIQUE (subject, effect, revision)
) STRICT;

CREATE INDEX ledger_transactions_posted ON ledger_transactions (posted_at);

-- The legs of transactions: in each currency they sum to zero. Rows are never changed.
CREATE TABLE ledger_entries (
    id INTEGER PRIMARY KEY,
    transaction_id INTEGER NOT NULL REFERENCES ledger_transactions (id),
    account TEXT NOT NULL,
    holder TEXT,
    currency TEXT NOT NULL,
    minor INTEGER NOT NULL CHECK (minor <> 0)
) STRICT;

CREATE INDEX ledger_entries_transaction ON ledger_entries (transaction_id);
CREATE INDEX ledger_entries_account ON ledger_entries (account, id);
CREATE INDEX ledger_entries_holder ON ledger_entries (holder, id) WHERE holder IS NOT NULL;

-- The balance of each account of a holder, which is the sum of its entries; how much of it the receivable covers; and the
-- external flow, which is what came in from outside less what went out.
CREATE TABLE ledger_balances (
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    holder TEXT NOT NULL,
    balance INTEGER NOT NULL,
    cover INTEGER NOT NULL,
    flow INTEGER NOT NULL,
    PRIMARY KEY (account, currency)
) STRICT;

CREATE INDEX ledger_balances_holder ON ledger_balances (holder);

-- The value of each holder's accounts at the end of a UTC day, and the net flow since the row before, in cents. The holder
-- 'all' stands for all of them together. The row of a day that has not ended is replaced by each run.
CREATE TABLE daily_snapshots (
    holder TEXT NOT NULL,
    day INTEGER NOT NULL,
    value INTEGER NOT NULL,
    net_flow INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    taken_at INTEGER NOT NULL,
    PRIMARY KEY (holder, day)
) STRICT;

CREATE INDEX daily_snapshots_day ON daily_snapshots (day);

-- The total external flow of each holder's accounts, in each currency, when a snapshot was taken.
CREATE TABLE daily_flows (
    holder TEXT NOT NULL,
    day INTEGER NOT NULL,
    currency TEXT NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (holder, day, currency)
) STRICT;

CREATE TRIGGER facts_no_update BEFORE UPDATE ON facts
BEGIN
    SELECT RAISE(ABORT, 'rows of facts are never changed');
END;

CREATE TRIGGER facts_no_delete BEFORE DELETE ON facts
BEGIN
    SELECT RAISE(ABORT, 'rows of facts are never changed');
END;

CREATE TRIGGER ledger_transactions_no_update BEFORE UPDATE ON ledger_transactions
BEGIN
    SELECT RAISE(ABORT, 'rows of ledger_transactions are never changed');
END;

CREATE TRIGGER ledger_transactions_no_delete BEFORE DELETE ON ledger_transactions
BEGIN
    SELECT RAISE(ABORT, 'rows of ledger_transactions are never changed');
END;

CREATE TRIGGER ledger_entries_no_update BEFORE UPDATE ON ledger_entries
BEGIN
    SELECT RAISE(ABORT, 'rows of ledger_entries are never changed');
END;

CREATE TRIGGER ledger_entries_no_delete BEFORE DELETE ON ledger_entries
BEGIN
    SELECT RAISE(ABORT, 'rows of ledger_entries are never changed');
END;
