-- Times are microseconds since 1970. Money is whole smallest units beside its currency. Quantities and prices are
-- decimal numbers as text.

-- What providers told, as a set: a fact's id is the SHA-256 of its canonical JSON. Rows are never changed.
CREATE TABLE facts (
    id BYTEA PRIMARY KEY,
    subject TEXT NOT NULL,
    at BIGINT NOT NULL,
    body TEXT NOT NULL,
    known_at BIGINT NOT NULL
);

CREATE INDEX facts_subject ON facts (subject);

-- How many facts of a subject are known and when the latest became so. Its row is locked while its set is folded.
CREATE TABLE ledger_subjects (
    subject TEXT PRIMARY KEY,
    facts BIGINT NOT NULL,
    latest_at BIGINT NOT NULL,
    before_at BIGINT
);

-- Every account at a provider that was named. One person's accounts share a user.
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
    booking TEXT NOT NULL,
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
    standing TEXT,
    booking TEXT,
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

-- What executions and splits did. Those that are only known from being taken back have neither order nor side.
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
    standing TEXT NOT NULL CHECK (standing IN ('counted', 'recorded', 'busted', 'parked')),
    at BIGINT NOT NULL,
    PRIMARY KEY (account, symbol, id)
);

CREATE INDEX fills_bought ON fills (at) WHERE side = 'buy' AND standing = 'counted';

-- The last price of each share or currency, in dollars.
CREATE TABLE marks (
    thing TEXT PRIMARY KEY,
    price TEXT NOT NULL,
    at BIGINT NOT NULL
);

-- What people should look at. It is resolved when facts arrive that explain it.
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

-- A movement: the effect of a subject, and how often it was written anew. What an effect comes to is the sum of its
-- revisions. Rows are never changed.
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

-- The legs of movements: in each currency they sum to zero. Rows are never changed.
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

-- What lies on each account of a holder: the sum of its entries; how much of it came from the receivable; and how much
-- of it came in from outside less what went out.
CREATE TABLE ledger_balances (
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    holder TEXT NOT NULL,
    balance BIGINT NOT NULL,
    covered BIGINT NOT NULL,
    flow BIGINT NOT NULL,
    PRIMARY KEY (account, currency)
);

CREATE INDEX ledger_balances_holder ON ledger_balances (holder);

-- What each holder's accounts were worth at the end of a UTC day, and what came in less what went out since the row
-- before, in cents; the holder 'all' stands for all of them together. The row of a day that has not ended is written anew.
CREATE TABLE daily_snapshots (
    holder TEXT NOT NULL,
    day BIGINT NOT NULL,
    value BIGINT NOT NULL,
    net_flow BIGINT NOT NULL,
    unpriced BIGINT NOT NULL,
    taken_at BIGINT NOT NULL,
    PRIMARY KEY (holder, day)
);

-- What had come in less what had gone out of each holder's accounts, in each currency, when a snapshot was taken.
CREATE TABLE daily_flows (
    holder TEXT NOT NULL,
    day BIGINT NOT NULL,
    currency TEXT NOT NULL,
    total BIGINT NOT NULL,
    PRIMARY KEY (holder, day, currency)
);

CREATE INDEX daily_snapshots_day ON daily_snapshots (day);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
END $$;

CREATE TRIGGER facts_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON facts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_transactions_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entries_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
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
