-- Times are microseconds since 1970. Money is in the currency's smallest units, beside its currency. Quantities, prices
-- and ratios are decimal numbers as text.

-- Deliveries as received. Rows are never deleted; retention empties body and headers and keeps the rest.
CREATE TABLE webhook_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider TEXT NOT NULL,
    channel TEXT NOT NULL,
    transport TEXT NOT NULL,
    event_type TEXT NOT NULL,
    resource TEXT NOT NULL,
    dedupe_key TEXT NOT NULL UNIQUE,
    content_key TEXT,
    key_id TEXT NOT NULL,
    occurred_at BIGINT,
    signed_at BIGINT,
    received_at BIGINT NOT NULL,
    headers TEXT NOT NULL,
    body BYTEA NOT NULL,
    body_sha256 BYTEA NOT NULL,
    redacted_at BIGINT
);

CREATE UNIQUE INDEX webhook_events_content ON webhook_events (content_key) WHERE content_key IS NOT NULL;
CREATE INDEX webhook_events_retention ON webhook_events (provider, received_at) WHERE redacted_at IS NULL;

-- The work that applies an event, and its outcome: one row when the event is received, one more for each replay or requeue.
CREATE TABLE webhook_jobs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id BIGINT NOT NULL REFERENCES webhook_events (id),
    provider TEXT NOT NULL,
    resource TEXT NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('received', 'replay', 'requeue')),
    state TEXT NOT NULL CHECK (state IN ('pending', 'leased', 'done', 'unhandled', 'dead', 'requeued')),
    attempts BIGINT NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);

CREATE INDEX webhook_jobs_event ON webhook_jobs (event_id);
CREATE INDEX webhook_jobs_pending ON webhook_jobs (id) WHERE state = 'pending';
CREATE INDEX webhook_jobs_leased ON webhook_jobs (provider, resource) WHERE state = 'leased';
CREATE INDEX webhook_jobs_dead ON webhook_jobs (id) WHERE state = 'dead';

-- The audit chain. Entries are never changed; the head is the last entry, sealed.
CREATE TABLE audit_entries (
    sequence BIGINT PRIMARY KEY,
    at_us BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    request_id TEXT,
    detail TEXT NOT NULL,
    previous BYTEA NOT NULL,
    key_id TEXT NOT NULL,
    hash BYTEA NOT NULL
);

CREATE TABLE audit_head (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    sequence BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    key_id TEXT NOT NULL,
    seal BYTEA NOT NULL
);

-- Which process is the leader for work that only one process may do.
CREATE TABLE leader_leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL
);

-- The last stored position of each stream.
CREATE TABLE stream_cursors (
    stream TEXT PRIMARY KEY,
    position TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Public keys fetched from Circle that have verified a delivery, for when Circle is unreachable.
CREATE TABLE circle_keys (
    id TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    public_key TEXT NOT NULL,
    fetched_at BIGINT NOT NULL
);

-- What providers have reported, as a set: a fact's id is the SHA-256 of its canonical JSON. Rows are never changed.
CREATE TABLE facts (
    id BYTEA PRIMARY KEY,
    subject TEXT NOT NULL,
    at BIGINT NOT NULL,
    body TEXT NOT NULL,
    recorded_at BIGINT NOT NULL
);

CREATE INDEX facts_subject ON facts (subject);

-- How many facts a subject has and when the latest happened. The row is locked while the subject's facts are folded.
CREATE TABLE ledger_subjects (
    subject TEXT PRIMARY KEY,
    facts BIGINT NOT NULL,
    latest_at BIGINT NOT NULL,
    previous_at BIGINT
);

-- Every account at a provider that a fact has named. One person's accounts share a user.
CREATE TABLE provider_accounts (
    account TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    status TEXT,
    status_at BIGINT,
    registered_at BIGINT,
    last_seen_at BIGINT
);

CREATE INDEX provider_accounts_seen ON provider_accounts (last_seen_at);

CREATE TABLE transfers (
    id TEXT PRIMARY KEY,
    account TEXT,
    direction TEXT,
    amount BIGINT,
    currency TEXT,
    status TEXT NOT NULL,
    posting_mode TEXT NOT NULL,
    settled_at BIGINT,
    returned_at BIGINT,
    last_at BIGINT NOT NULL,
    stash_ratio TEXT NOT NULL
);

CREATE INDEX transfers_settled ON transfers (settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE cash_entries (
    id TEXT PRIMARY KEY,
    account TEXT,
    kind TEXT,
    amount BIGINT,
    currency TEXT,
    status TEXT,
    posting_mode TEXT,
    superseded_by TEXT,
    at BIGINT,
    last_at BIGINT NOT NULL,
    stash_ratio TEXT NOT NULL
);

CREATE INDEX cash_entries_at ON cash_entries (kind, at) WHERE at IS NOT NULL;

CREATE TABLE positions (
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    quantity TEXT NOT NULL,
    cost BIGINT,
    currency TEXT,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (account, symbol)
);

CREATE TABLE orders (
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    id TEXT NOT NULL,
    side TEXT NOT NULL,
    status TEXT NOT NULL,
    cumulative TEXT NOT NULL,
    notional BIGINT,
    currency TEXT,
    reserve BIGINT,
    reserve_currency TEXT,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (account, symbol, id)
);

-- Executions and splits. One that is only known because it was busted has neither order nor side.
CREATE TABLE fills (
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('fill', 'split', 'unknown')),
    order_id TEXT,
    side TEXT,
    quantity TEXT NOT NULL,
    notional BIGINT,
    currency TEXT,
    status TEXT NOT NULL CHECK (status IN ('counted', 'recorded', 'busted', 'parked')),
    at BIGINT NOT NULL,
    PRIMARY KEY (account, symbol, id)
);

CREATE INDEX fills_bought ON fills (at) WHERE side = 'buy' AND status = 'counted';

-- The last price of each share and currency, in dollars.
CREATE TABLE prices (
    asset TEXT PRIMARY KEY,
    price TEXT NOT NULL,
    at BIGINT NOT NULL
);

-- What a person must look at. A review is resolved when facts arrive that explain it.
CREATE TABLE reviews (
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    at BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    resolved_at BIGINT,
    PRIMARY KEY (subject, kind, about)
);

CREATE INDEX reviews_open ON reviews (opened_at) WHERE resolved_at IS NULL;

-- One revision of one effect of a subject. An effect amounts to the sum of its revisions. Rows are never changed.
CREATE TABLE ledger_transactions (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject TEXT NOT NULL,
    effect TEXT NOT NULL,
    revision BIGINT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    posted_at BIGINT NOT NULL,
    UNIQUE (subject, effect, revision)
);

CREATE INDEX ledger_transactions_posted ON ledger_transactions (posted_at);

-- The legs of transactions: in each currency they sum to zero. Rows are never changed.
CREATE TABLE ledger_entries (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id BIGINT NOT NULL REFERENCES ledger_transactions (id),
    account TEXT NOT NULL,
    holder TEXT,
    currency TEXT NOT NULL,
    minor BIGINT NOT NULL CHECK (minor <> 0)
);

CREATE INDEX ledger_entries_transaction ON ledger_entries (transaction_id);
CREATE INDEX ledger_entries_account ON ledger_entries (account, id);
CREATE INDEX ledger_entries_holder ON ledger_entries (holder, id) WHERE holder IS NOT NULL;

-- The balance of each account of a holder, which is the sum of its entries; how much of it the receivable covers; and the
-- external flow, which is what came in from outside less what went out.
CREATE TABLE ledger_balances (
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    holder TEXT NOT NULL,
    balance BIGINT NOT NULL,
    cover BIGINT NOT NULL,
    flow BIGINT NOT NULL,
    PRIMARY KEY (account, currency)
);

CREATE INDEX ledger_balances_holder ON ledger_balances (holder);

-- The value of each holder's accounts at the end of a UTC day, and the net flow since the row before, in cents. The holder
-- 'all' stands for all of them together. The row of a day that has not ended is replaced by each run.
CREATE TABLE daily_snapshots (
    holder TEXT NOT NULL,
    day BIGINT NOT NULL,
    value BIGINT NOT NULL,
    net_flow BIGINT NOT NULL,
    unpriced BIGINT NOT NULL,
    taken_at BIGINT NOT NULL,
    PRIMARY KEY (holder, day)
);

CREATE INDEX daily_snapshots_day ON daily_snapshots (day);

-- The total external flow of each holder's accounts, in each currency, when a snapshot was taken.
CREATE TABLE daily_flows (
    holder TEXT NOT NULL,
    day BIGINT NOT NULL,
    currency TEXT NOT NULL,
    total BIGINT NOT NULL,
    PRIMARY KEY (holder, day, currency)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
END $$;

CREATE TRIGGER facts_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON facts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_transactions_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entries_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION refuse_imbalance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM ledger_entries WHERE transaction_id = NEW.transaction_id
               GROUP BY currency HAVING SUM(minor) <> 0) THEN
        RAISE EXCEPTION 'the entries of a transaction do not sum to zero';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER ledger_entries_balance AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_imbalance();
